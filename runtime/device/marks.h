/* The gradient of gather_sum in two kernels: one marks the samples of each id in device memory, the other has a warp for
 * each id. Where the table is large this finds the samples with less work than blocks that own rows (scatter_add), and
 * spreads the frequent ids; it needs marks[ids][words], words = batch / 32 rounded up, all 0 before. Part of tokens.h. */
#ifndef HORNFELS_DEVICE_MARKS_H
#define HORNFELS_DEVICE_MARKS_H

#include "rows.h"
#include "scatter.h"
#include "tokens.h"

namespace hornfels::device {

/* Sets bit sample % 32 of marks[id][sample / 32] for the ids of samples [first, last). All threads of the block call; a warp
 * has a sample. */
template <int threads, class Id>
__device__ inline void mark_samples(const token_rows<Id> &rows, long first, long last, unsigned *marks, long words) {
  for (long sample = first + long(threadIdx.x / 32); sample < last; sample += threads / 32) {
    const long end = rows.offsets[sample + 1];
    for (long t = rows.offsets[sample] + long(threadIdx.x % 32); t < end; t += 32)
      atomicOr(marks + long(rows.ids[t]) * words + sample / 32, 1u << (sample % 32));
  }
}

/* Samples that sum_marked lists at once. */
constexpr int marked_chunk = 1024;

/* Shared memory of sum_marked: threads / 32 * 2048 bytes. */
constexpr long sum_marked_bytes(int threads) { return threads / 32 * 2L * marked_chunk; }

/* finish(id, column, sum) with sum = the sum of d_y[sample, column] over the samples that are marked for the id, for columns
 * [column, column + columns), columns a divisor of width and at most 512 floats. With `clear` the marks are 0 afterwards. The 32
 * threads of a warp call; `shared` is the block's. */
template <int width, int columns, bool clear, class T, class Finish>
__device__ inline void sum_marked(char *shared, unsigned *marks, long words, const T *d_y, long id, int column,
                                  Finish finish) {
  using L = row_lanes<T, width, columns>;
  static_assert(width % columns == 0 && L::turns <= 4, "warps share a row evenly");
  const int thread = int(threadIdx.x % 32), lane = thread % L::lanes, group = thread / L::lanes;
  uint16_t *const list = static_cast<uint16_t *>(static_cast<void *>(shared)) + int(threadIdx.x / 32) * marked_chunk;
  unsigned *const of_id = marks + id * words;
  row_sums<L, T, L::turns> sums = {};
  for (long first = 0; first < words; first += 32) {
    const unsigned word = first + thread < words ? of_id[first + thread] : 0u;
    if (clear && word)
      of_id[first + thread] = 0;
    if (__ballot_sync(all_lanes, word != 0) == 0)
      continue;
    const T *const rows = d_y + first * 32 * width + column;
    const int listed = list_bits(32, [&](int) { return word; }, list);
    add_rows(sums, lane, group, listed, L::groups, [&](int t) { return rows + long(list[t]) * width; }, once());
    __syncwarp();
  }
  add_groups<L::lanes, 32>(sums);
  finish_pieces<L::groups>(sums, lane, group, [&](int of, T sum) { finish(id, column + of, sum); });
}

} // namespace hornfels::device

#endif
