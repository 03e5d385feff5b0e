#include "fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "divergence.h"
#include "runtime/core/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/signals.h"
#include "shuffle.h"

namespace hornfels {

namespace {

bool stopped() { return signal_received() || output_broken(); }

std::string number_text(int64_t value) { return std::to_string(value); }

} // namespace

fit::fit(const options &options_given, int64_t last_epoch, model_handle &model, const fit_rows &given,
         std::vector<std::unique_ptr<callback>> list, progress &shown, const checkpoint_folder *folder)
    : chosen(options_given), epochs(last_epoch), handle(model), rows(given), callbacks(std::move(list)),
      bar(shown), checkpoints(folder),
      names(metric_names(model.table())),
      first_rate(model.learning_rate()), context{model, shown.silent(), false, nullptr},
      epoch(options_given.initial_epoch), values(names.size()),
      looks(model.on_device()), logs_of_epochs(options_given.initial_epoch) {
  for (const row_range &range : rows.training)
    row_count += range.count;
  const int64_t batch = rows.from.batch();
  steps_of_epoch = (row_count + batch - 1) / batch;
  order.resize(static_cast<size_t>(row_count));
}

std::string fit::where(int64_t done) const {
  const int64_t of = done > 0 ? (done - 1) / steps_of_epoch : 0;
  return "step " + number_text(done - of * steps_of_epoch) + " of epoch " + number_text(of + 1) + " (step " +
         number_text(done) + " in all)";
}

void fit::order_rows() {
  auto to = order.begin();
  for (const row_range &range : rows.training) {
    std::iota(to, to + range.count, static_cast<uint32_t>(range.first));
    to += range.count;
  }
  if (chosen.shuffle)
    shuffle(order.data(), order.size(), chosen.seed, static_cast<uint64_t>(epoch));
  rows.from.set_order(order.data(), row_count);
}

/* The rate of a step when `done` were done before it. */
double fit::rate_of_step(int64_t done) const {
  return chosen.schedule.kind == rate_schedule::none ? handle.learning_rate() : scheduled_rate(chosen.schedule, first_rate, done);
}

/* `late`: how many steps were done since; negative: it is of no step. The weights are those of now. */
void fit::require_finite(double loss, const char *what, int64_t late) {
  if (std::isfinite(loss))
    return;
  bar.leave_line();
  const int64_t since = std::max<int64_t>(late, 0), of_step = step - 1 - since, batch = rows.from.batch();
  std::string bad = late < 0 ? std::string()
                             : first_bad_row(rows.from.data(), order.data() + of_step * batch,
                                             std::min(batch, row_count - of_step * batch));
  std::string when;
  if (bad.empty()) {
    bad = first_bad_variable(handle);
    when = since == 0 ? "" : "after " + number_text(since) + (since > 1 ? " more steps " : " more step ");
  }
  throw failure(exit_diverged,
                std::string("error: the ") + what + " is " + (std::isnan(loss) ? "not a number" : "infinite") + " at " +
                    where(done_in_all() - since) +
                    format(", learning rate %g; no weights were written; ",
                           since > 0 ? rate_of_step(handle.step() - since - 1) : handle.learning_rate()) +
                    when + (bad.empty() ? "every weight is finite" : "the first bad tensor is " + bad));
}

/* Takes up the metrics of the last step, having checked those of all steps since it did so before. */
void fit::look() {
  const int64_t unseen = looks.unseen();
  if (unseen == 0)
    return;
  const std::vector<double> &all = handle.on_device() ? handle.recent_metrics(unseen) : handle.metrics();
  looks.looked();
  std::copy(all.end() - static_cast<std::ptrdiff_t>(names.size()), all.end(), values.begin());
  for (size_t i = 0; i < all.size(); i += names.size())
    require_finite(all[i], "loss", static_cast<int64_t>((all.size() - i) / names.size()) - 1);
}

/* Steps that nobody need hear of before all are done; several only where the data are the device's. */
int64_t fit::steps_at_once() const {
  if (!rows.from.is_resident() || chosen.schedule.kind != rate_schedule::none)
    return 1;
  int64_t steps = std::min(looks.room(), steps_of_epoch - step);
  for (const auto &one : callbacks)
    steps = std::min(steps, one->steps_to_values());
  if (chosen.checkpoint_every > 0)
    steps = std::min(steps, chosen.checkpoint_every - done_in_all() % chosen.checkpoint_every);
  return steps;
}

/* What is left of the epoch's steps, the last batch with the rows that remain. False: stopped. */
bool fit::run_steps() {
  const int64_t batch = rows.from.batch();
  order_rows();
  if (step == 0)
    handle.reset_metrics();
  looks.start();
  while (step < steps_of_epoch) {
    const int64_t steps = steps_at_once(), first = step * batch;
    if (chosen.schedule.kind != rate_schedule::none)
      handle.set_learning_rate(scheduled_rate(chosen.schedule, first_rate, handle.step()));
    rows.from.train(first, std::min(steps * batch, row_count - first));
    looks.ran(steps);
    const int64_t begin = step;
    step += steps;
    const bool draws = bar.due(step);
    bool wanted = draws || looks.due();
    for (const auto &one : callbacks)
      wanted = wanted || one->steps_to_values() <= steps;
    if (wanted)
      look();
    if (draws)
      bar.draw(make_logs(names, values));
    for (int64_t done = begin; done < step; ++done)
      for (const auto &one : callbacks)
        one->step_end(context, epoch, done, values);
    if (chosen.checkpoint_every > 0 && done_in_all() % chosen.checkpoint_every == 0)
      save_checkpoint();
    if (stopped())
      break;
  }
  look();
  return step == steps_of_epoch && !stopped();
}

/* Validation, callbacks, the epoch's line. False: stopped, and then the epoch is not over. */
bool fit::finish_epoch() {
  logs all = make_logs(names, values);
  if (rows.held_out && rows.validation.count > 0) {
    const std::vector<double> &held_out =
        evaluate_rows(*rows.held_out, rows.validation.first, rows.validation.count);
    if (stopped())
      return false;
    require_finite(held_out.front(), "validation loss", -1);
    const logs more = make_logs(names, held_out, "val_");
    all.insert(all.end(), more.begin(), more.end());
  }
  for (const auto &one : callbacks)
    one->epoch_end(context, epoch, all);
  bar.finish(all);
  logs_of_epochs.add(all);
  ++epoch;
  step = 0;
  if (checkpoints && chosen.checkpoint_every == 0)
    save_checkpoint();
  return true;
}

/* An optimizer with use_ema keeps moving averages of the weights: when training ends they become the weights. */
void fit::take_averages() {
  static const std::string end = "/moving-average";
  const hornfels_model &model = handle.table();
  for (int32_t i = 0; i < model.variables && handle.step() > 0; ++i) {
    const std::string name = model.variable_info[i].name;
    if (model.variable_info[i].role != HORNFELS_SLOT || name.size() <= end.size() ||
        name.compare(name.size() - end.size(), end.size(), end) != 0)
      continue;
    const std::string weight = name.substr(0, name.size() - end.size());
    for (int32_t j = 0; j < model.variables; ++j)
      if (weight == model.variable_info[j].name)
        handle.set_variable(j, handle.variable(i));
  }
}

bool fit::run() {
  while (epoch < epochs && !context.stop) {
    bar.begin_epoch(epoch + 1, epochs, steps_of_epoch);
    const double start = seconds_now();
    bool going = run_steps();
    if (going) {
      seconds.push_back(seconds_now() - start);
      going = finish_epoch();
    }
    if (going && !stopped())
      continue;
    bar.leave_line();
    save_checkpoint();
    return false;
  }
  save_checkpoint();
  take_averages();
  for (const auto &one : callbacks)
    one->train_end(context);
  return true;
}

/* The state between two steps. A failure is a warning, and training goes on. */
void fit::save_checkpoint() {
  if (!checkpoints || (saved_at == done_in_all() && saved_between == (step == 0)))
    return;
  look();
  const std::string bad = first_bad_variable(handle);
  if (!bad.empty()) {
    bar.leave_line();
    throw failure(exit_diverged,
                  "error: after " + where() + format(", learning rate %g, ", handle.learning_rate()) +
                      "weights are not finite; no weights were written; the first bad tensor is " + bad);
  }
  const hornfels_model &model = handle.table();
  saved_state state;
  for (int32_t i = 0; i < model.variables; ++i)
    state.put(model.variable_info[i].name, handle.variable(i));
  state.put_integers("@training/position", {epoch, step, handle.step(), context.stop ? 1 : 0});
  state.put_reals("@training/learning_rate", {handle.learning_rate()});
  state.put_reals("@training/values", values);
  logs_of_epochs.save(state);
  for (const auto &one : callbacks)
    one->save(state);
  try {
    checkpoints->write(std::move(state));
    saved_at = done_in_all();
    saved_between = step == 0;
  } catch (const failure &problem) {
    bar.leave_line();
    context.fail_later(problem);
  }
}

void fit::resume(const saved_state &state) {
  const hornfels_model &model = handle.table();
  const std::vector<int64_t> position = state.integers("@training/position", 4, INT64_MAX);
  if (position[0] > most_count || position[1] > steps_of_epoch)
    throw failure(exit_input, "error: the checkpoint's position lies outside the data");
  for (int32_t i = 0; i < model.variables; ++i)
    handle.set_variable(i, state.get(model.variable_info[i].name));
  epoch = position[0];
  step = position[1];
  handle.set_step(position[2]);
  context.stop = position[3] != 0;
  handle.set_learning_rate(state.reals("@training/learning_rate", 1)[0]);
  values = state.reals("@training/values", static_cast<int64_t>(names.size()));
  logs_of_epochs = history::restore(state);
  for (const auto &one : callbacks)
    one->restore(state, epoch);
  saved_at = done_in_all();
  saved_between = step == 0;
}

} // namespace hornfels
