/* A folder with the newest checkpoint of a run and the one before it. */
#ifndef HORNFELS_PROGRAM_CHECKPOINT_H
#define HORNFELS_PROGRAM_CHECKPOINT_H

#include <string>
#include <utility>
#include <vector>

#include "saved_state.h"

namespace hornfels {

/* What must be the same in two runs for one to continue the other: "batch size", "32". */
using run_identity = std::vector<std::pair<std::string, std::string>>;

/* `checkpoint.npz` and `checkpoint-before.npz` of a folder, which this process alone writes. Each is an .npz,
 * written as a whole, with a checksum over all its bytes at its end. */
class checkpoint_folder {
public:
  /* Makes the folder where it is not there, locks it, removes what a killed process left half-written. Throws
   * a failure with exit_system, also when another process trains there. */
  checkpoint_folder(const std::string &folder, run_identity identity);
  ~checkpoint_folder();
  checkpoint_folder(const checkpoint_folder &) = delete;
  checkpoint_folder &operator=(const checkpoint_folder &) = delete;

  /* The newest one's name. */
  const std::string &newest() const { return path; }
  /* Replaces the newest, which becomes the one before. Throws a failure; then both are as they were. */
  void write(saved_state state) const;
  /* Reads the newest that is whole; of a damaged one before it a line on standard error says what is wrong.
   * `from` is the file that was read. False: there is none. Throws a failure with exit_input where all are
   * damaged, or where it is of another run: the first field that differs is named, with both values. */
  bool read(saved_state &state, std::string &from) const;

private:
  void require_same_run(const saved_state &state, const std::string &file) const;

  run_identity expected;
  std::string path, before;
  int lock = -1;
};

} // namespace hornfels

#endif
