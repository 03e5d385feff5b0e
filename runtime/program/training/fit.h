/* One training of one model, from its first epoch, or from a checkpoint, to its last. */
#ifndef HORNFELS_PROGRAM_FIT_H
#define HORNFELS_PROGRAM_FIT_H

#include <memory>
#include <vector>

#include "checkpoint.h"
#include "feed.h"
#include "pace.h"
#include "runtime/program/callbacks/callbacks.h"
#include "runtime/program/options.h"
#include "runtime/program/report/history.h"
#include "runtime/program/report/progress.h"
#include "split.h"

namespace hornfels {

/* The rows of a fit. */
struct fit_rows {
  feed &from;                      /* of the training arrays; its batch is the rows of a step */
  std::vector<row_range> training; /* one after another, before they are shuffled */
  feed *held_out = nullptr; /* where validation rows are: `from` itself, or another file's; null: nowhere */
  row_range validation;
};

class fit {
public:
  /* `checkpoints` may be null. All that is given must outlive the fit. */
  fit(const options &chosen, int64_t epochs, model_handle &handle, const fit_rows &rows,
      std::vector<std::unique_ptr<callback>> callbacks, progress &bar, const checkpoint_folder *checkpoints);

  /* Takes up the state of a checkpoint, and says which step comes next. */
  void resume(const saved_state &state);
  /* Trains; false: a signal came or standard output broke, and the state is saved where there are
   * checkpoints. Throws a failure with exit_diverged, which names the first bad tensor, when a loss is not
   * finite. */
  bool run();

  const history &past() const { return logs_of_epochs; }
  /* Seconds of each epoch's steps. */
  const std::vector<double> &epoch_seconds() const { return seconds; }
  int64_t steps() const { return steps_of_epoch; }
  /* "step 3 of epoch 2 (step 9 in all)", the last one that was done. */
  std::string where() const { return where(done_in_all()); }
  /* The first file that could not be written while training went on, or null. */
  const failure *first_failure() const { return context.first_failure.get(); }

private:
  std::string where(int64_t done) const;
  double rate_of_step(int64_t done) const;
  bool run_steps();
  bool finish_epoch();
  void order_rows();
  void take_averages();
  int64_t steps_at_once() const;
  void look();
  void require_finite(double loss, const char *what, int64_t late);
  void save_checkpoint();
  int64_t done_in_all() const { return epoch * steps_of_epoch + step; }

  const options &chosen;
  const int64_t epochs;
  model_handle &handle;
  const fit_rows rows;
  const std::vector<std::unique_ptr<callback>> callbacks;
  progress &bar;
  const checkpoint_folder *const checkpoints;
  const std::vector<std::string> names;
  const double first_rate;

  callback_context context;
  int64_t row_count = 0, steps_of_epoch = 0;
  int64_t epoch = 0, step = 0; /* epochs done, steps done of the next */
  std::vector<double> values;  /* its metrics so far, when somebody looked last */
  pace looks;
  int64_t saved_at = -1;       /* steps in all at the last checkpoint */
  bool saved_between = false;  /* that checkpoint is of the end of an epoch, callbacks done */
  std::vector<uint32_t> order;
  std::vector<double> seconds;
  history logs_of_epochs;
};

} // namespace hornfels

#endif
