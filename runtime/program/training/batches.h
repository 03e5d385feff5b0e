/* Rows of a data set, gathered into the arrays of a step. */
#ifndef HORNFELS_PROGRAM_BATCHES_H
#define HORNFELS_PROGRAM_BATCHES_H

#include <vector>

#include "runtime/program/data/dataset.h"

namespace hornfels {

/* Buffers for batches of up to `capacity` rows of one data set, which must outlive it. Gathering does not
 * allocate. */
class batcher {
public:
  batcher(const dataset &data, int64_t capacity);
  const dataset &data() const { return set; }
  int64_t capacity() const { return largest; }

  /* The arrays of these rows, to train on; they hold until the next call. count <= capacity. */
  const hornfels_array *gather(const uint32_t *rows, int64_t count);
  /* The same of rows first, first + 1, ..., without weights of classes. */
  const hornfels_array *gather_range(int64_t first, int64_t count);

private:
  const hornfels_array *gather(const uint32_t *rows, int64_t count, bool to_train);
  struct slot {
    buffer data, offsets;
  };
  const dataset &set;
  int64_t largest;
  std::vector<slot> slots;
  std::vector<hornfels_array> arrays;
  std::vector<uint32_t> range;
};

} // namespace hornfels

#endif
