/* Keras's ModelCheckpoint: the weights after each epoch, or each save_freq steps, or only the best ones. */
#include <algorithm>

#include "callbacks.h"
#include "python_text.h"
#include "runtime/core/text.h"
#include "runtime/program/console.h"

namespace hornfels {

namespace {

class model_checkpoint : public callback {
public:
  model_checkpoint(const model_checkpoint_options &given, const std::vector<std::string> &metric_names,
                   bool validates)
      : chosen(given), names(metric_names) {
    if (chosen.save_best_only)
      watch = std::make_unique<monitor>(chosen, "--model-checkpoint");
    if (chosen.has_threshold)
      best = {true, chosen.initial_value_threshold};
    /* A wrong name of a file is found now, not after the first epoch. */
    logs sample = make_logs(names, std::vector<double>(names.size()));
    if (validates && chosen.save_freq == 0)
      for (const auto &one : make_logs(names, std::vector<double>(names.size()), "val_"))
        sample.push_back(one);
    sample.emplace_back("learning_rate", 0.0);
    file_error error;
    require(check_output(path(0, 0, sample), error), error);
  }

  int64_t steps_to_values() const override {
    return chosen.save_freq == 0 ? INT64_MAX : std::max<int64_t>(chosen.save_freq - steps_since, 1);
  }

  void step_end(callback_context &context, int64_t epoch, int64_t step,
                const std::vector<double> &values) override {
    if (chosen.save_freq == 0 || ++steps_since < chosen.save_freq)
      return;
    steps_since = 0;
    save_model(context, epoch, step, make_logs(names, values));
  }

  void epoch_end(callback_context &context, int64_t epoch, logs &values) override {
    if (chosen.save_freq == 0)
      save_model(context, epoch, -1, values);
  }

  void save(saved_state &state) const override {
    state.put_reals("@model_checkpoint/best", {best.value});
    state.put_integers("@model_checkpoint", {best.known, steps_since});
  }
  void restore(const saved_state &state, int64_t) override {
    if (!state.has("@model_checkpoint"))
      return;
    const std::vector<int64_t> kept = state.integers("@model_checkpoint", 2, most_count);
    best = {kept[0] != 0, state.reals("@model_checkpoint/best", 1)[0]};
    steps_since = kept[1];
  }

private:
  std::string path(int64_t epoch, int64_t step, const logs &values) const {
    std::vector<std::pair<std::string, int64_t>> counts{{"epoch", epoch + 1}};
    if (chosen.save_freq > 0)
      counts.emplace_back("batch", step + 1);
    return format_fields(chosen.path, counts, values);
  }

  /* Whether the weights are to be saved; says what is done. */
  bool wanted(callback_context &context, int64_t epoch, const logs &values, const std::string &file) {
    const bool talks = chosen.verbose && !context.silent;
    const std::string start = format("\nEpoch %lld: ", static_cast<long long>(epoch + 1));
    const double *const current = watch ? watch->find(values) : nullptr;
    if (watch && !current) {
      if (!warned)
        print_error(std::string(context.handle.table().name) + ": warning: Can save best model only with " +
                    watch->name() + " available.");
      warned = true;
      return true;
    }
    if (!watch) {
      if (talks)
        print(start + "saving model to " + quoted(file) + "\n");
      return true;
    }
    const std::string before = best.known ? format("%.5f", best.value) : "None";
    if (best.known && !watch->improves(*current, best.value)) {
      if (talks)
        print(start + watch->name() + " did not improve from " + before + "\n");
      return false;
    }
    if (talks)
      print(start + watch->name() + " improved from " + before +
            format(" to %.5f, saving model to ", *current) + quoted(file) + "\n");
    best = {true, *current};
    return true;
  }

  void save_model(callback_context &context, int64_t epoch, int64_t step, const logs &values) {
    const std::string file = path(epoch, step, values);
    if (!wanted(context, epoch, values, file))
      return;
    try {
      context.handle.save(file);
      if (chosen.verbose && !context.silent)
        print(format("\nEpoch %lld: finished saving model to ", static_cast<long long>(epoch + 1)) +
              quoted(file) + "\n");
    } catch (const failure &problem) {
      context.fail_later(problem);
    }
  }

  const model_checkpoint_options chosen;
  const std::vector<std::string> names;
  std::unique_ptr<monitor> watch;
  best_value best;
  int64_t steps_since = 0;
  bool warned = false;
};

} // namespace

std::unique_ptr<callback> make_model_checkpoint(const model_checkpoint_options &chosen,
                                                const std::vector<std::string> &names, bool validates) {
  return std::make_unique<model_checkpoint>(chosen, names, validates);
}

} // namespace hornfels
