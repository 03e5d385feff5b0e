#include "callback_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"
#include "runtime/program/nearest.h"
#include "schedule.h"

namespace hornfels {

namespace {

constexpr int64_t most = int64_t{1} << 31;

/* One key and its value, and the option that it stands in. */
struct setting {
  std::string option, key, value;
  bool has_value;
};

[[noreturn]] void wrong(const setting &s, const std::string &expected) {
  throw failure(exit_usage, "error: " + s.option + ": " + s.key +
                                (s.has_value ? "=" + quoted(s.value) + " is not " : " needs a value: ") +
                                expected);
}

template <class Number> bool read(const std::string &text, Number &number) {
  const char *const end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end;
}

int64_t whole(const setting &s, int64_t least) {
  int64_t number = 0;
  if (!s.has_value || !read(s.value, number) || number < least || number > most)
    wrong(s, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

double real(const setting &s, double least, const char *expected) {
  double number = 0;
  if (!s.has_value || !read(s.value, number) || !std::isfinite(number) || number < least)
    wrong(s, expected);
  return number;
}

constexpr double lowest = -1.7e308;
const char *const any_number = "a number", *const not_negative = "a number from 0 up";

bool flag(const setting &s) {
  if (!s.has_value || s.value == "true" || s.value == "True" || s.value == "1")
    return true;
  if (s.value != "false" && s.value != "False" && s.value != "0")
    wrong(s, "true or false");
  return false;
}

monitor_mode mode(const setting &s) {
  if (s.value == "min")
    return monitor_mode::min;
  if (s.value == "max")
    return monitor_mode::max;
  if (s.value != "auto")
    wrong(s, "auto, min or max");
  return monitor_mode::automatic;
}

struct key {
  const char *name;
  std::function<void(const setting &)> set;
};

/* The keys that every callback has. */
std::vector<key> common_keys(monitor_options &o) {
  return {{"mode", [&o](const setting &s) { o.mode = mode(s); }},
          {"verbose", [&o](const setting &s) { o.verbose = flag(s); }}};
}

/* Splits at commas; the first part is returned, the others must be among `keys`. */
std::string parse(const std::string &option, const std::string &value, const char *first,
                  const std::vector<key> &keys) {
  std::vector<std::string> known;
  for (const key &one : keys)
    known.push_back(one.name);
  std::set<std::string> seen;
  size_t at = value.find(',');
  const std::string head = value.substr(0, at);
  if (head.empty())
    throw failure(exit_usage, "error: " + option + ": " + quoted(value) + " does not begin with " + first);
  while (at != std::string::npos) {
    const size_t end = value.find(',', at + 1);
    const std::string part = value.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    at = end;
    const size_t equals = part.find('=');
    const setting s{option, part.substr(0, equals),
                    equals == std::string::npos ? "" : part.substr(equals + 1), equals != std::string::npos};
    const key *found = nullptr;
    for (const key &one : keys)
      if (s.key == one.name)
        found = &one;
    if (!found) {
      std::string all;
      for (size_t i = 0; i < known.size(); ++i)
        all += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + known[i];
      const std::string hint = did_you_mean(s.key, known);
      throw failure(exit_usage, "error: " + option + ": unknown key " + quoted(s.key) +
                                    (hint.empty() ? "; there are " + all : hint));
    }
    if (!seen.insert(s.key).second)
      throw failure(exit_usage, "error: " + option + ": " + s.key + " is given twice");
    found->set(s);
  }
  return head;
}

} // namespace

early_stopping_options parse_early_stopping(const std::string &option, const std::string &value) {
  early_stopping_options o;
  std::vector<key> keys = common_keys(o);
  keys.push_back({"patience", [&](const setting &s) { o.patience = whole(s, 0); }});
  keys.push_back(
      {"min_delta", [&](const setting &s) { o.min_delta = std::fabs(real(s, lowest, any_number)); }});
  keys.push_back({"baseline", [&](const setting &s) {
                    o.baseline = real(s, lowest, any_number);
                    o.has_baseline = true;
                  }});
  keys.push_back({"restore_best_weights", [&](const setting &s) { o.restore_best_weights = flag(s); }});
  keys.push_back({"start_from_epoch", [&](const setting &s) { o.start_from_epoch = whole(s, 0); }});
  o.monitor = parse(option, value, "what is monitored, such as val_loss", keys);
  o.given = true;
  return o;
}

plateau_options parse_plateau(const std::string &option, const std::string &value) {
  plateau_options o;
  std::vector<key> keys = common_keys(o);
  keys.push_back({"factor", [&](const setting &s) {
                    o.factor = real(s, 0.0, "a number from 0 to below 1");
                    if (o.factor >= 1.0)
                      wrong(s, "a number from 0 to below 1");
                  }});
  keys.push_back({"patience", [&](const setting &s) { o.patience = whole(s, 0); }});
  keys.push_back(
      {"min_delta", [&](const setting &s) { o.min_delta = std::fabs(real(s, lowest, any_number)); }});
  keys.push_back({"cooldown", [&](const setting &s) { o.cooldown = whole(s, 0); }});
  keys.push_back({"min_lr", [&](const setting &s) { o.min_lr = real(s, 0.0, not_negative); }});
  o.monitor = parse(option, value, "what is monitored, such as val_loss", keys);
  o.given = true;
  return o;
}

model_checkpoint_options parse_model_checkpoint(const std::string &option, const std::string &value) {
  model_checkpoint_options o;
  std::vector<key> keys = common_keys(o);
  keys.push_back({"monitor", [&](const setting &s) {
                    if (s.value.empty())
                      wrong(s, "the name of a metric");
                    o.monitor = s.value;
                  }});
  keys.push_back({"save_best_only", [&](const setting &s) { o.save_best_only = flag(s); }});
  keys.push_back({"initial_value_threshold", [&](const setting &s) {
                    o.initial_value_threshold = real(s, lowest, any_number);
                    o.has_threshold = true;
                  }});
  keys.push_back(
      {"save_freq", [&](const setting &s) { o.save_freq = s.value == "epoch" ? 0 : whole(s, 1); }});
  o.path = parse(option, value, "a file name", keys);
  o.given = true;
  return o;
}

namespace {

std::vector<double> list(const setting &s, const char *expected) {
  std::vector<double> numbers;
  for (size_t at = 0; at <= s.value.size();) {
    const size_t end = std::min(s.value.find('/', at), s.value.size());
    numbers.push_back(real({s.option, s.key, s.value.substr(at, end - at), s.has_value}, 0.0, expected));
    at = end + 1;
  }
  return numbers;
}

/* What a kind of schedule must be given. */
struct schedule_name {
  const char *name;
  rate_schedule::kind_type kind;
  std::vector<const char *> needed, other;
};

const std::vector<schedule_name> &schedule_names() {
  static const std::vector<schedule_name> names{
      {"exponential_decay", rate_schedule::exponential_decay, {"decay_steps", "decay_rate"}, {"staircase"}},
      {"inverse_time_decay", rate_schedule::inverse_time_decay, {"decay_steps", "decay_rate"}, {"staircase"}},
      {"polynomial_decay",
       rate_schedule::polynomial_decay,
       {"decay_steps"},
       {"end_learning_rate", "power", "cycle"}},
      {"cosine_decay",
       rate_schedule::cosine_decay,
       {"decay_steps"},
       {"alpha", "warmup_target", "warmup_steps"}},
      {"cosine_decay_restarts",
       rate_schedule::cosine_decay_restarts,
       {"first_decay_steps"},
       {"t_mul", "m_mul", "alpha"}},
      {"piecewise_constant_decay", rate_schedule::piecewise_constant_decay, {"boundaries", "values"}, {}}};
  return names;
}

/* A setter for each key that a schedule can have. */
std::vector<key> schedule_keys(rate_schedule &r) {
  const auto number = [](const char *name, double &to, double least = 0.0) {
    return key{name, [&to, least](const setting &s) {
                 to = real(s, least, least > 0 ? "a number from 1 up" : not_negative);
               }};
  };
  const auto is_set = [](const char *name, bool &to) {
    return key{name, [&to](const setting &s) { to = flag(s); }};
  };
  const auto steps = [](const char *name, double &to, int64_t least) {
    return key{name, [&to, least](const setting &s) { to = static_cast<double>(whole(s, least)); }};
  };
  return {steps("decay_steps", r.decay_steps, 1),
          steps("first_decay_steps", r.decay_steps, 1),
          steps("warmup_steps", r.warmup_steps, 0),
          number("decay_rate", r.decay_rate),
          number("end_learning_rate", r.end_learning_rate),
          number("power", r.power),
          number("alpha", r.alpha),
          number("warmup_target", r.warmup_target),
          number("t_mul", r.t_mul, 1.0),
          number("m_mul", r.m_mul),
          is_set("staircase", r.staircase),
          is_set("cycle", r.cycle),
          key{"boundaries", [&r](const setting &s) { r.boundaries = list(s, "steps, as 1000/2000"); }},
          key{"values", [&r](const setting &s) { r.values = list(s, "rates, as 0.1/0.01/0.001"); }}};
}

} // namespace

rate_schedule parse_schedule(const std::string &option, const std::string &value) {
  const std::string name = value.substr(0, value.find(','));
  const schedule_name *found = nullptr;
  std::vector<std::string> known;
  for (const schedule_name &one : schedule_names()) {
    known.push_back(one.name);
    found = name == one.name ? &one : found;
  }
  if (!found)
    throw failure(exit_usage,
                  "error: " + option + ": unknown schedule " + quoted(name) + did_you_mean(name, known));
  rate_schedule result;
  result.kind = found->kind;
  result.text = value;
  std::set<std::string> given;
  std::vector<key> keys;
  for (const key &one : schedule_keys(result)) {
    const auto is_it = [&](const char *other) { return std::string(other) == one.name; };
    if (std::any_of(found->needed.begin(), found->needed.end(), is_it) ||
        std::any_of(found->other.begin(), found->other.end(), is_it))
      keys.push_back({one.name, [one, &given](const setting &s) {
                        given.insert(one.name);
                        one.set(s);
                      }});
  }
  parse(option, value, "the name of a schedule", keys);
  for (const char *needed : found->needed)
    if (!given.count(needed))
      throw failure(exit_usage, "error: " + option + ": " + name + " needs " + needed);
  if (result.kind == rate_schedule::piecewise_constant_decay &&
      (result.values.size() != result.boundaries.size() + 1 ||
       std::adjacent_find(result.boundaries.begin(), result.boundaries.end(), std::greater_equal<double>()) !=
           result.boundaries.end()))
    throw failure(exit_usage,
                  "error: " + option + ": boundaries must rise, and there must be one value more than these");
  return result;
}

} // namespace hornfels
