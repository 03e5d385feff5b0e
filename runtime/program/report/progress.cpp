#include "progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "runtime/core/text.h"

namespace hornfels {

namespace {

constexpr size_t full_bar = 20;
constexpr double redraw_interval = 0.05;

long long whole(double seconds) { return static_cast<long long>(seconds); }

/* The time left: "7s", "2:07" from a minute on, "1:02:07" from an hour on. */
std::string left_text(double seconds) {
  const long long s = whole(std::min(seconds, 1e12));
  if (seconds > 3600)
    return format("%lld:%02lld:%02lld", s / 3600, s % 3600 / 60, s % 60);
  if (seconds > 60)
    return format("%lld:%02lld", s / 60, s % 60);
  return format("%llds", s);
}

/* "  7/404": the step, as wide as the number of steps. */
std::string count_text(const bar_state &state) {
  const std::string steps = std::to_string(state.steps);
  const std::string step = std::to_string(state.step);
  return std::string(steps.size() - std::min(steps.size(), step.size()), ' ') + step + "/" + steps;
}

std::string repeat(const char *what, size_t times) {
  std::string text;
  while (times-- > 0)
    text += what;
  return text;
}

std::string painted(const char *code, const std::string &text, const display &shown) {
  return shown.colors ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

/* Without colors the part that is done and the rest need different characters. */
std::string bar_text(const bar_state &state, size_t width, const display &shown) {
  const double part =
      static_cast<double>(state.step) / static_cast<double>(std::max<int64_t>(state.steps, 1));
  const size_t done = std::min(width, static_cast<size_t>(static_cast<double>(width) * part));
  const char *const full = shown.unicode ? "\u2501" : "=";
  const char *const rest = shown.colors ? full : shown.unicode ? "\u2500" : ".";
  return (done > 0 ? painted("32", repeat(full, done), shown) : "") +
         painted("37", repeat(rest, width - done), shown);
}

} // namespace

logs make_logs(const std::vector<std::string> &names, const std::vector<double> &values,
               const std::string &prefix) {
  logs result;
  for (size_t i = 0; i < names.size(); ++i)
    result.emplace_back(prefix + names[i], values[i]);
  std::sort(result.begin(), result.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  return result;
}

std::string step_time_text(double seconds) {
  if (seconds >= 1 || seconds == 0)
    return format(" %.0fs/step", seconds);
  return seconds >= 1e-3 ? format(" %.0fms/step", seconds * 1e3) : format(" %.0fus/step", seconds * 1e6);
}

std::string logs_text(const logs &values) {
  std::string text;
  for (const auto &value : values)
    text += " - " + value.first + format(std::fabs(value.second) > 1e-3 ? ": %.4f" : ": %.4e", value.second);
  return text;
}

std::string plain_line(const bar_state &state, const logs &values) {
  return count_text(state) + format(" - %.0fs -", state.elapsed) + step_time_text(state.unit) +
         logs_text(values);
}

std::string bar_line(const bar_state &state, const logs &values, const display &shown, size_t &width) {
  const std::string count = count_text(state);
  const double left = state.unit * static_cast<double>(state.steps - state.step);
  const std::string time = state.final ? format("%.0fs", state.elapsed) : left_text(left);
  std::string rest = step_time_text(state.unit) + logs_text(values);
  const size_t room = static_cast<size_t>(std::max(shown.columns - 1, 1));
  const size_t fixed = count.size() + 2 + time.size();
  size_t bar = full_bar;
  const size_t wanted = fixed + bar + rest.size();
  if (wanted > room && !state.final) {
    bar -= std::min(bar, wanted - room);
    if (fixed + bar + rest.size() > room)
      rest.resize(room > fixed ? room - fixed : 0);
  }
  width = fixed + bar + rest.size();
  return painted("1", count, shown) + " " + bar_text(state, bar, shown) + " " + painted("1", time, shown) +
         rest;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

progress::progress(const display &how, int verbose) : shown(how), mode(verbose) {
  if (mode == 1 || mode == -1)
    mode = shown.terminal ? 1 : 2;
}

void progress::begin_epoch(int64_t epoch, int64_t epochs, int64_t steps) {
  state = bar_state();
  state.steps = steps;
  start = seconds_now();
  first_step = last_draw = -1;
  drawn_width = 0;
  if (mode != 0 && epochs > 1)
    print(format("Epoch %lld/%lld\n", static_cast<long long>(epoch), static_cast<long long>(epochs)));
}

bool progress::due(int64_t step) {
  state.step = step;
  if (mode == 0)
    return false;
  /* The first step warms caches up: it is left out of the time of a step. */
  if (step != 1 && mode != 1)
    return false;
  const double now = seconds_now();
  if (step == 1)
    first_step = now;
  if (mode != 1 || (last_draw >= 0 && now - last_draw < redraw_interval))
    return false;
  last_draw = now;
  return true;
}

void progress::redraw(const logs &values) {
  const double now = seconds_now();
  state.elapsed = now - start;
  state.unit = first_step >= 0 && state.step > 1
                   ? (now - first_step) / static_cast<double>(state.step - 1)
                   : state.elapsed / static_cast<double>(std::max<int64_t>(state.step, 1));
  if (mode == 2) {
    print(plain_line(state, values) + "\n");
    return;
  }
  std::string text = std::string(drawn_width, '\b') + "\r";
  size_t width;
  text += bar_line(state, values, shown, width);
  if (drawn_width > width)
    text += std::string(drawn_width - width, ' ');
  if (state.final)
    text += "\n";
  print(text);
  drawn_width = state.final ? 0 : width;
}

void progress::finish(const logs &values) {
  if (mode == 0)
    return;
  state.step = state.steps;
  state.final = true;
  redraw(values);
}

void progress::leave_line() {
  if (drawn_width > 0)
    print("\n");
  drawn_width = 0;
}

} // namespace hornfels
