/* What training saw, epoch by epoch, as Keras's History. */
#ifndef HORNFELS_PROGRAM_HISTORY_H
#define HORNFELS_PROGRAM_HISTORY_H

#include <string>
#include <vector>

#include "progress.h"
#include "runtime/program/training/saved_state.h"

namespace hornfels {

class history {
public:
  /* `first`: the number of the first epoch, from 0. */
  explicit history(int64_t first_epoch = 0) : first(first_epoch) {}
  /* The logs of the next epoch; the same names, in the same order, as those before. */
  void add(const logs &epoch);
  const std::vector<logs> &all() const { return epochs; }
  int64_t first_epoch() const { return first; }
  /* {"accuracy": [...], "loss": [...], "val_loss": [...], "epoch": [0, 1, ...]}: History.history, and
   * History.epoch. Numbers have the digits that give the same double back. */
  std::string json() const;
  /* Replaces the file as a whole; throws a failure. */
  void write(const std::string &path) const;

  void save(saved_state &state) const;
  static history restore(const saved_state &state);

private:
  int64_t first;
  std::vector<logs> epochs;
};

} // namespace hornfels

#endif
