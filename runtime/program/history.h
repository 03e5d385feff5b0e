/* What training saw, epoch by epoch, as Keras's History. */
#ifndef HORNFELS_PROGRAM_HISTORY_H
#define HORNFELS_PROGRAM_HISTORY_H

#include <string>
#include <vector>

#include "progress.h"

namespace hornfels {

class history {
public:
  /* The logs of the next epoch; the same names, in the same order, as those before. */
  void add(const logs &epoch);
  /* {"accuracy": [...], "loss": [...], "val_loss": [...], "epoch": [0, 1, ...]}: History.history, and
   * History.epoch. Numbers have the digits that give the same double back. */
  std::string json() const;
  /* Replaces the file as a whole; throws a failure. */
  void write(const std::string &path) const;

private:
  std::vector<logs> epochs;
};

} // namespace hornfels

#endif
