/* What is done at the end of a step, of an epoch and of training: Keras's callbacks. */
#ifndef HORNFELS_PROGRAM_CALLBACKS_H
#define HORNFELS_PROGRAM_CALLBACKS_H

#include <memory>
#include <string>
#include <vector>

#include "runtime/program/options.h"
#include "runtime/program/report/progress.h"
#include "runtime/program/training/model_handle.h"
#include "runtime/program/training/saved_state.h"

namespace hornfels {

/* What a callback may look at and change. */
struct callback_context {
  model_handle &handle;
  bool silent = false;                    /* no messages */
  bool stop = false;                      /* set: training ends after this epoch */
  std::unique_ptr<failure> first_failure; /* of a file: not written, or changed */

  /* Training goes on all the same: a warning now, the exit code at the end. */
  void fail_later(const failure &problem);
};

class callback {
public:
  virtual ~callback();
  /* In how many steps step_end() will look at the values, from 1; until then they may be those of an earlier step. */
  virtual int64_t steps_to_values() const;
  /* After each step: epoch and step count from 0, `values` are the epoch's metrics so far. */
  virtual void step_end(callback_context &, int64_t epoch, int64_t step, const std::vector<double> &values);
  /* After each epoch and its validation; may add to the logs. */
  virtual void epoch_end(callback_context &, int64_t epoch, logs &values) = 0;
  /* After the last epoch, however training came to it; not after a signal. */
  virtual void train_end(callback_context &);
  /* State that a checkpoint keeps, under names that no other callback has. */
  virtual void save(saved_state &) const;
  /* Takes it back, from a checkpoint whose run had `finished` epochs; where it has none, this callback starts
   * afresh. */
  virtual void restore(const saved_state &, int64_t finished);
};

/* Watches one metric. */
class monitor {
public:
  /* `who` stands in messages. Throws a failure with exit_usage where the mode is automatic and the metric's
   * direction unknown. */
  monitor(const monitor_options &chosen, const char *who);
  const std::string &name() const { return watched; }
  /* The value in the logs, or null. */
  const double *find(const logs &values) const;
  /* Whether `value` is better than `than` by more than min_delta. */
  bool improves(double value, double than) const;

private:
  std::string watched;
  bool up;
  double min_delta;
};

/* The best value so far, if there is one. */
struct best_value {
  bool known = false;
  double value = 0;
};

/* The callbacks that the options ask for, in the order in which they run: learning rate, early stopping,
 * model checkpoint, CSV log, TensorBoard. `names` are the model's metrics; `validates` says whether there are val_ ones.
 * Throws a failure with exit_usage where options do not fit the model, and one with exit_system where a file
 * cannot be written. */
std::vector<std::unique_ptr<callback>> make_callbacks(const options &chosen,
                                                      const std::vector<std::string> &names, bool validates);

std::unique_ptr<callback> make_plateau(const plateau_options &chosen);
std::unique_ptr<callback> make_early_stopping(const early_stopping_options &chosen);
std::unique_ptr<callback> make_model_checkpoint(const model_checkpoint_options &chosen,
                                                const std::vector<std::string> &names, bool validates);
std::unique_ptr<callback> make_csv_log(const std::string &path, bool append);
std::unique_ptr<callback> make_tensorboard(const std::string &folder);

/* "accuracy,loss": the names, as Keras lists them in warnings. */
std::string log_names(const logs &values);

} // namespace hornfels

#endif
