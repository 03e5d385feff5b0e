#include <algorithm>
#include <numeric>

#include "adapt.h"
#include "fit.h"
#include "runtime/core/text.h"
#include "runtime/program/callbacks/data_watch.h"
#include "runtime/program/commands.h"
#include "runtime/program/report/plot.h"
#include "runtime/program/signals.h"
#include "train_data.h"

namespace hornfels {

namespace {

/* Everything of one `train`. */
class trainer {
public:
  trainer(const hornfels_model &table, const options &chosen_options);
  exit_code run();

private:
  void announce() const;
  void resume();
  void save(bool early);
  void print_timing() const;

  const hornfels_model &model;
  const options &chosen;
  const double began = seconds_now();
  const int64_t epochs;
  const data_state files; /* as they were before they were read */
  training_data data;
  double data_seconds = 0;
  std::unique_ptr<model_handle> handle;
  std::unique_ptr<feed> rows, test_rows, held_out_rows;
  std::unique_ptr<checkpoint_folder> checkpoints;
  progress bar;
  std::unique_ptr<fit> training;
};

trainer::trainer(const hornfels_model &table, const options &chosen_options)
    : model(table), chosen(chosen_options),
      epochs(chosen.epochs > 0 ? chosen.epochs : model.training->epochs), files(chosen),
      bar(describe_display(), chosen.verbose) {
  if (chosen.initial_epoch >= epochs)
    throw failure(exit_usage,
                  format("error: --initial-epoch: %lld is not below the number of epochs, %lld",
                         static_cast<long long>(chosen.initial_epoch), static_cast<long long>(epochs)));
  check_outputs(chosen);
  data = read_training_data(model, chosen);
  data_seconds = seconds_now() - began;

  const int64_t batch = choose_training_batch(model, chosen, data.split.training.count);
  handle = std::make_unique<model_handle>(model, batch, chosen.threads);
  handle->initialize(chosen.seed);
  if (chosen.initial_weights.empty())
    adapt(*handle, data.data, {data.split.training}, chosen.seed, chosen.threads);
  else
    handle->load(chosen.initial_weights);
  if (chosen.learning_rate > 0)
    handle->set_learning_rate(chosen.learning_rate);
  rows = std::make_unique<feed>(*handle, data.data, batch);
  if (data.test.rows > 0)
    test_rows = std::make_unique<feed>(*handle, data.test, batch);
  fit_rows parts{*rows, {data.split.training}, rows.get(), data.split.validation};
  if (data.held_out.rows > 0) {
    held_out_rows = std::make_unique<feed>(*handle, data.held_out, batch);
    parts.held_out = held_out_rows.get();
    parts.validation = {0, data.held_out.rows};
  }
  if (!chosen.checkpoint.empty())
    checkpoints =
        std::make_unique<checkpoint_folder>(chosen.checkpoint, identify_run(model, chosen, data, batch));
  auto callbacks = make_callbacks(chosen, metric_names(model), parts.validation.count > 0);
  callbacks.push_back(make_data_watch(files));
  training = std::make_unique<fit>(chosen, epochs, *handle, parts, std::move(callbacks), bar, checkpoints.get());
}

void trainer::announce() const {
  std::string text = std::string(model.name) +
                     format(": %lld rows to train", static_cast<long long>(data.split.training.count));
  if (const int64_t held_out = std::max(data.split.validation.count, data.held_out.rows))
    text += format(", %lld to validate", static_cast<long long>(held_out));
  if (data.test.rows > 0)
    text += format(", %lld to test", static_cast<long long>(data.test.rows));
  print(text + format("; %lld steps of %lld rows an epoch\n", static_cast<long long>(training->steps()),
                      static_cast<long long>(rows->batch())));
}

void trainer::resume() {
  saved_state state;
  std::string from;
  const bool found = checkpoints->read(state, from);
  if (found)
    training->resume(state);
  if (!bar.silent())
    print(std::string(model.name) +
          (found ? ": resumed from " + quoted(from) + ", after " + training->where() + "\n"
                 : ": no checkpoint in " + quoted(chosen.checkpoint) + " yet: starts afresh\n"));
}

/* Writes what was asked for. A full disk must not cost what else can be saved: the first failure is thrown at
 * the end. */
void trainer::save(bool early) {
  std::unique_ptr<failure> first;
  const auto attempt = [&](const std::string &path, auto write) {
    if (path.empty())
      return;
    try {
      write();
      if (early)
        print_error(std::string(model.name) + ": written: " + quoted(path));
    } catch (const failure &problem) {
      if (!first)
        first = std::make_unique<failure>(problem);
    }
  };
  attempt(chosen.weights, [&] { handle->save(chosen.weights, chosen.with_optimizer); });
  attempt(chosen.history, [&] { training->past().write(chosen.history); });
  attempt(chosen.plot, [&] {
    write_plot(chosen.plot, model.name, training->past(), {std::max(chosen.plot_smooth, 0.0), chosen.plot_skip});
  });
  if (first)
    throw *first;
}

void trainer::print_timing() const {
  const std::vector<double> &seconds = training->epoch_seconds();
  if (seconds.empty())
    return;
  for (size_t i = 0; i < seconds.size(); ++i)
    print(format("timing: epoch %zu %.6f s\n", i + 1, seconds[i]));
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  print(format("timing: mean %.6f s, least %.6f s an epoch of %lld steps, batches gathered, validation "
               "aside; data read in %.3f s\n",
               sum / static_cast<double>(seconds.size()), *std::min_element(seconds.begin(), seconds.end()),
               static_cast<long long>(training->steps()), data_seconds));
}

exit_code trainer::run() {
  watch_signals();
  if (!bar.silent())
    announce();
  if (chosen.resume)
    resume();
  if (!training->run()) {
    print_error(std::string(model.name) + ": stopped after " + training->where());
    save(true);
    require_output();
    return exit_code_of_signal(signal_received());
  }
  save(false);
  if (chosen.timing)
    print_timing();
  if (test_rows) {
    const std::vector<double> &values = evaluate_rows(*test_rows, 0, data.test.rows);
    if (signal_received())
      return exit_code_of_signal(signal_received());
    print_test_metrics(metric_names(model), values);
  }
  return training->first_failure() ? training->first_failure()->code() : exit_done;
}

} // namespace

exit_code train(const hornfels_model &model, const options &chosen) {
  return chosen.kfold > 0 ? train_folds(model, chosen) : trainer(model, chosen).run();
}

} // namespace hornfels
