#include <algorithm>
#include <cmath>
#include <csignal>
#include <numeric>

#include "commands.h"
#include "history.h"
#include "runtime/core/text.h"
#include "shuffle.h"
#include "signals.h"
#include "split.h"

namespace hornfels {

namespace {

void check_paths(const options &chosen) {
  const std::pair<const char *, const std::string &> outputs[] = {{"--weights", chosen.weights},
                                                                  {"--history", chosen.history}};
  for (const auto &output : outputs) {
    if (output.second.empty())
      continue;
    if (output.second == chosen.data || same_file(output.second, chosen.data))
      throw failure(exit_system,
                    std::string("error: ") + output.first + " is also the data: " + quoted(output.second));
    file_error error;
    require(check_output(output.second, error), error);
  }
  if (!chosen.weights.empty() &&
      (chosen.weights == chosen.history || same_file(chosen.weights, chosen.history)))
    throw failure(exit_system, "error: --weights and --history are the same file: " + quoted(chosen.weights));
  if (!chosen.history.empty() && !chosen.initial_weights.empty() &&
      same_file(chosen.history, chosen.initial_weights))
    throw failure(exit_system, "error: --history is also --initial-weights: " + quoted(chosen.history));
}

/* Everything of one `train`. */
class trainer {
public:
  trainer(const hornfels_model &table, const options &chosen_options);
  exit_code run();

private:
  bool run_epoch(int64_t epoch);
  bool run_steps(int64_t epoch);
  bool stopped() const { return signal_received() || output_broken(); }
  std::string where() const;
  void require_finite(double loss);
  void announce() const;
  void save(bool early);
  void print_timing() const;
  int64_t steps() const { return (split.training.count + batch - 1) / batch; }

  const hornfels_model &model;
  const options &chosen;
  const double began = seconds_now();
  const int64_t epochs;
  dataset data, test;
  row_split split;
  int64_t batch = 1, steps_done = 0;
  double data_seconds = 0;
  std::unique_ptr<model_handle> handle;
  std::unique_ptr<batcher> batches, test_batches;
  std::vector<uint32_t> order;
  std::vector<std::string> names;
  std::vector<double> epoch_seconds;
  history past;
  progress bar;
};

trainer::trainer(const hornfels_model &table, const options &chosen_options)
    : model(table), chosen(chosen_options),
      epochs(chosen.epochs > 0 ? chosen.epochs : model.training->epochs), names(metric_names(model)),
      bar(describe_display(), chosen.verbose) {
  check_paths(chosen);
  const data_file file(chosen.data);
  data = bind(model, file, {"_train"}, true);
  split = split_rows(chosen, data.rows);
  if (has_arrays(model, file, "_test"))
    test = bind(model, file, {"_test"}, true);
  data_seconds = seconds_now() - began;

  batch = choose_batch(model, chosen, split.training.count);
  const int64_t wanted = choose_batch(model, chosen, INT64_MAX);
  if (wanted > batch)
    print_error(std::string(model.name) +
                format(": warning: batches of %lld, but %lld rows to train: each step takes all",
                       static_cast<long long>(wanted), static_cast<long long>(batch)));
  handle = std::make_unique<model_handle>(model, batch, chosen.threads);
  handle->initialize(chosen.seed);
  if (!chosen.initial_weights.empty())
    handle->load(chosen.initial_weights);
  if (chosen.learning_rate > 0)
    handle->set_learning_rate(chosen.learning_rate);
  batches = std::make_unique<batcher>(data, batch);
  if (test.rows > 0)
    test_batches = std::make_unique<batcher>(test, batch);
  order.resize(static_cast<size_t>(split.training.count));
}

void trainer::announce() const {
  std::string text =
      std::string(model.name) + format(": %lld rows to train", static_cast<long long>(split.training.count));
  if (split.validation.count > 0)
    text += format(", %lld to validate", static_cast<long long>(split.validation.count));
  if (test.rows > 0)
    text += format(", %lld to test", static_cast<long long>(test.rows));
  print(text + format("; %lld steps of %lld rows an epoch\n", static_cast<long long>(steps()),
                      static_cast<long long>(batch)));
}

std::string trainer::where() const {
  const int64_t epoch = (steps_done - 1) / steps();
  return format("step %lld of epoch %lld (step %lld in all)",
                static_cast<long long>(steps_done - epoch * steps()), static_cast<long long>(epoch + 1),
                static_cast<long long>(steps_done));
}

void trainer::require_finite(double loss) {
  if (std::isfinite(loss))
    return;
  bar.leave_line();
  throw failure(exit_diverged,
                std::string("error: the loss is ") + (std::isnan(loss) ? "not a number" : "infinite") +
                    " at " + where() +
                    format(", learning rate %g; no weights were written", handle->learning_rate()));
}

/* The steps of an epoch, the last batch with the rows that remain. False: stopped by a signal. */
bool trainer::run_steps(int64_t epoch) {
  const int64_t rows = split.training.count;
  std::iota(order.begin(), order.end(), static_cast<uint32_t>(split.training.first));
  if (chosen.shuffle)
    shuffle(order.data(), order.size(), chosen.seed, static_cast<uint64_t>(epoch));
  handle->reset_metrics();
  int64_t step = 0;
  for (int64_t done = 0; done < rows; done += batch) {
    const int64_t count = std::min(batch, rows - done);
    handle->train(batches->gather(order.data() + done, count), count);
    const std::vector<double> &values = handle->metrics();
    steps_done = epoch * steps() + ++step;
    require_finite(values.front());
    if (bar.due(step))
      bar.draw(make_logs(names, values));
    if (stopped()) {
      bar.leave_line();
      return false;
    }
  }
  return true;
}

bool trainer::run_epoch(int64_t epoch) {
  bar.begin_epoch(epoch + 1, epochs, steps());
  const double start = seconds_now();
  if (!run_steps(epoch))
    return false;
  epoch_seconds.push_back(seconds_now() - start);
  logs values = make_logs(names, handle->metrics());
  if (split.validation.count > 0) {
    const std::vector<double> &held_out =
        evaluate_rows(*handle, *batches, split.validation.first, split.validation.count);
    if (!signal_received()) {
      require_finite(held_out.front());
      const logs more = make_logs(names, held_out, "val_");
      values.insert(values.end(), more.begin(), more.end());
    }
  }
  bar.finish(values);
  if (!signal_received())
    past.add(values);
  return !stopped();
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
  attempt(chosen.weights, [&] { handle->save(chosen.weights); });
  attempt(chosen.history, [&] { past.write(chosen.history); });
  if (first)
    throw *first;
}

void trainer::print_timing() const {
  for (size_t i = 0; i < epoch_seconds.size(); ++i)
    print(format("timing: epoch %zu %.6f s\n", i + 1, epoch_seconds[i]));
  const double sum = std::accumulate(epoch_seconds.begin(), epoch_seconds.end(), 0.0);
  print(format("timing: mean %.6f s, least %.6f s an epoch of %lld steps, batches gathered, validation "
               "aside; data read in %.3f s\n",
               sum / static_cast<double>(epoch_seconds.size()),
               *std::min_element(epoch_seconds.begin(), epoch_seconds.end()), static_cast<long long>(steps()),
               data_seconds));
}

exit_code trainer::run() {
  watch_signals();
  if (!bar.silent())
    announce();
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    if (run_epoch(epoch))
      continue;
    print_error(std::string(model.name) + ": stopped after " + where());
    save(true);
    require_output();
    return exit_code_of_signal(signal_received());
  }
  save(false);
  if (chosen.timing)
    print_timing();
  if (test_batches) {
    const std::vector<double> &values = evaluate_rows(*handle, *test_batches, 0, test.rows);
    if (signal_received())
      return exit_code_of_signal(signal_received());
    print_test_metrics(names, values);
  }
  return exit_done;
}

} // namespace

exit_code train(const hornfels_model &model, const options &chosen) { return trainer(model, chosen).run(); }

} // namespace hornfels
