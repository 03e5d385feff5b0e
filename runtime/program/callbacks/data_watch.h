/* Whether the files that were read are still what they were. Training goes on with what is in memory, which is whole;
 * but whoever repeats the run will not see the same numbers. */
#ifndef HORNFELS_PROGRAM_DATA_WATCH_H
#define HORNFELS_PROGRAM_DATA_WATCH_H

#include "callbacks.h"

namespace hornfels {

/* The files of the data as they are now: their sizes and times of change. */
class data_state {
public:
  explicit data_state(const options &chosen);
  /* The first that is no longer so, and how: "d.npz: error: the data changed during training: 800 bytes, 400 now".
   * Empty: none. */
  std::string difference() const;

private:
  struct file {
    std::string path;
    bool exists = false;
    int64_t bytes = 0, seconds = 0, nanoseconds = 0;
  };
  static file look(const std::string &path);
  std::vector<file> files;
};

/* Looks after each epoch; says once what has changed, and training fails in the end. */
std::unique_ptr<callback> make_data_watch(const data_state &state);

} // namespace hornfels

#endif
