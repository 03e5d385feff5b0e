#include "callbacks.h"

#include <algorithm>

#include "python_text.h"
#include "runtime/core/text.h"
#include "runtime/program/console.h"

namespace hornfels {

void callback_context::fail_later(const failure &problem) {
  print_error(std::string(problem.what()) + "; training goes on");
  if (!first_failure)
    first_failure = std::make_unique<failure>(problem);
}

callback::~callback() = default;
void callback::step_end(callback_context &, int64_t, int64_t, const std::vector<double> &) {}
int64_t callback::steps_to_values() const { return INT64_MAX; }
void callback::train_end(callback_context &) {}
void callback::save(saved_state &) const {}
void callback::restore(const saved_state &, int64_t) {}

namespace {

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/* 1: larger is better, -1: smaller is better, 0: not known. A model with several outputs has their names
 * before the metric's: "topic_accuracy". */
int direction(const std::string &monitored) {
  const std::string name = "_" + (monitored.compare(0, 4, "val_") == 0 ? monitored.substr(4) : monitored);
  for (const char *up : {"accuracy", "_acc", "_auc", "_precision", "_recall", "_f1_score", "_fbeta_score",
                         "_r2_score", "_cosine_similarity", "_iou", "true_positives", "true_negatives"})
    if (ends_with(name, up))
      return 1;
  for (const char *down :
       {"_loss", "_mae", "_mse", "_mape", "_msle", "error", "_rmse", "crossentropy", "hinge", "_poisson",
        "_kl_divergence", "_log_cosh", "_logcosh", "_huber", "false_positives", "false_negatives"})
    if (ends_with(name, down))
      return -1;
  return 0;
}

} // namespace

monitor::monitor(const monitor_options &chosen, const char *who)
    : watched(chosen.monitor), min_delta(chosen.min_delta) {
  const int way = chosen.mode == monitor_mode::automatic ? direction(watched)
                  : chosen.mode == monitor_mode::max     ? 1
                                                         : -1;
  if (way == 0)
    throw failure(exit_usage, std::string("error: ") + who + ": whether " + quoted(watched) +
                                  " should grow or fall is not known; say mode=max or mode=min");
  up = way > 0;
}

const double *monitor::find(const logs &values) const {
  for (const auto &one : values)
    if (one.first == watched)
      return &one.second;
  return nullptr;
}

bool monitor::improves(double value, double than) const {
  return up ? value - min_delta > than : value + min_delta < than;
}

std::string log_names(const logs &values) {
  std::string text;
  for (const auto &one : values)
    text += (text.empty() ? "" : ",") + one.first;
  return text;
}

namespace {

/* Keras's ReduceLROnPlateau. */
class plateau : public callback {
public:
  explicit plateau(const plateau_options &given) : chosen(given), watch(given, "--reduce-lr-on-plateau") {}

  void epoch_end(callback_context &context, int64_t epoch, logs &values) override {
    const double rate = context.handle.learning_rate();
    values.emplace_back("learning_rate", rate);
    const double *const current = watch.find(values);
    if (!current) {
      if (!warned)
        print_error(std::string(context.handle.table().name) +
                    ": warning: Learning rate reduction is conditioned on metric `" + watch.name() +
                    "` which is not available. Available metrics are: " + log_names(values) + ".");
      warned = true;
      return;
    }
    if (cooldown > 0) {
      --cooldown;
      wait = 0;
    }
    if (!best.known || watch.improves(*current, best.value)) {
      best = {true, *current};
      wait = 0;
    } else if (cooldown <= 0 && ++wait >= chosen.patience) {
      reduce(context, epoch, rate);
    }
  }

  void save(saved_state &state) const override {
    state.put_reals("@plateau/best", {best.value});
    state.put_integers("@plateau", {best.known, wait, cooldown});
  }
  void restore(const saved_state &state, int64_t) override {
    if (!state.has("@plateau"))
      return;
    const std::vector<int64_t> kept = state.integers("@plateau", 3, most_count);
    best = {kept[0] != 0, state.reals("@plateau/best", 1)[0]};
    wait = kept[1];
    cooldown = kept[2];
  }

private:
  void reduce(callback_context &context, int64_t epoch, double rate) {
    if (!(rate > chosen.min_lr))
      return;
    const double lower = std::max(rate * chosen.factor, chosen.min_lr);
    context.handle.set_learning_rate(lower);
    if (chosen.verbose && !context.silent)
      print(format("\nEpoch %lld: ReduceLROnPlateau reducing learning rate to ",
                   static_cast<long long>(epoch + 1)) +
            python_number(lower) + ".\n");
    cooldown = chosen.cooldown;
    wait = 0;
  }

  const plateau_options chosen;
  const monitor watch;
  best_value best;
  int64_t wait = 0, cooldown = 0;
  bool warned = false;
};

/* Keras's EarlyStopping. */
class early_stopping : public callback {
public:
  explicit early_stopping(const early_stopping_options &given)
      : chosen(given), watch(given, "--early-stopping") {}

  void epoch_end(callback_context &context, int64_t epoch, logs &values) override {
    const double *const current = watch.find(values);
    if (!current && !warned) {
      print_error(std::string(context.handle.table().name) +
                  ": warning: Early stopping conditioned on metric `" + watch.name() +
                  "` which is not available. Available metrics are: " + log_names(values));
      warned = true;
    }
    if (!current || epoch < chosen.start_from_epoch)
      return;
    if (chosen.restore_best_weights && weights.empty())
      remember(context, epoch);
    ++wait;
    if (!best.known || watch.improves(*current, best.value)) {
      best = {true, *current};
      remember(context, epoch);
      if (!chosen.has_baseline || watch.improves(*current, chosen.baseline))
        wait = 0;
      return;
    }
    if (wait >= chosen.patience && epoch > 0) {
      stopped_epoch = epoch;
      context.stop = true;
    }
  }

  void train_end(callback_context &context) override {
    const bool talks = chosen.verbose && !context.silent;
    if (stopped_epoch > 0 && talks)
      print(format("Epoch %lld: early stopping\n", static_cast<long long>(stopped_epoch + 1)));
    if (weights.empty())
      return;
    if (talks)
      print(format("Restoring model weights from the end of the best epoch: %lld.\n",
                   static_cast<long long>(best_epoch + 1)));
    context.handle.set_weights(weights);
  }

  void save(saved_state &state) const override {
    state.put_reals("@early_stopping/best", {best.value});
    state.put_integers("@early_stopping", {best.known, wait, stopped_epoch, best_epoch});
    for (const auto &one : weights)
      state.put("@early_stopping/weights/" + one.first, one.second);
  }
  void restore(const saved_state &state, int64_t) override {
    if (!state.has("@early_stopping"))
      return;
    const std::vector<int64_t> kept = state.integers("@early_stopping", 4, most_count);
    best = {kept[0] != 0, state.reals("@early_stopping/best", 1)[0]};
    wait = kept[1];
    stopped_epoch = kept[2];
    best_epoch = kept[3];
    const std::string prefix = "@early_stopping/weights/";
    for (const auto &one : state.arrays)
      if (chosen.restore_best_weights && one.first.compare(0, prefix.size(), prefix) == 0)
        weights[one.first.substr(prefix.size())] = one.second;
  }

private:
  void remember(callback_context &context, int64_t epoch) {
    best_epoch = epoch;
    if (chosen.restore_best_weights)
      weights = context.handle.weights();
  }

  const early_stopping_options chosen;
  const monitor watch;
  best_value best;
  int64_t wait = 0, stopped_epoch = 0, best_epoch = 0;
  std::map<std::string, saved_state::array> weights;
  bool warned = false;
};

} // namespace

std::unique_ptr<callback> make_plateau(const plateau_options &chosen) {
  return std::make_unique<plateau>(chosen);
}

std::unique_ptr<callback> make_early_stopping(const early_stopping_options &chosen) {
  return std::make_unique<early_stopping>(chosen);
}

std::vector<std::unique_ptr<callback>> make_callbacks(const options &chosen,
                                                      const std::vector<std::string> &names, bool validates) {
  std::vector<std::unique_ptr<callback>> list;
  if (chosen.plateau.given)
    list.push_back(make_plateau(chosen.plateau));
  if (chosen.early_stopping.given)
    list.push_back(make_early_stopping(chosen.early_stopping));
  if (chosen.model_checkpoint.given)
    list.push_back(make_model_checkpoint(chosen.model_checkpoint, names, validates));
  if (!chosen.csv_log.empty())
    list.push_back(make_csv_log(chosen.csv_log, chosen.csv_append));
  if (!chosen.tensorboard.empty())
    list.push_back(make_tensorboard(chosen.tensorboard));
  return list;
}

} // namespace hornfels
