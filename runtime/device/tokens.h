/* Ragged rows of ids on the device: sums of table rows, encodings, padding, and the gradients of sums and look-ups. All of
 * it is deterministic: sums are in a fixed order, and only integers are combined by atomics.
 *
 *   pad_row                     the ids of a row in a fixed number of places
 *   multi_hot, count            dense rows
 *   gather_sum    (gather.h)    y[sample, :] = sum of table[id, :]
 *   scatter_add   (scatter.h)   its gradient, for table rows that the block owns
 *   scatter       (scatter.h)   the gradient of table[ids, :]
 *   mark_samples, sum_marked    (marks.h) the gradient of gather_sum in two kernels, for large tables
 *
 * Where a function takes a functor `finish`, it is called exactly once for each element, by one thread: it is the place
 * for what follows in the same kernel (a bias, the optimizer's update). */
#ifndef HORNFELS_DEVICE_TOKENS_H
#define HORNFELS_DEVICE_TOKENS_H

#include "cuda.h"
#include "functions.h"

#include <stdint.h>

namespace hornfels::device {

/* A ragged batch: row i is ids[offsets[i] : offsets[i + 1]]. Both lie on the device. */
template <class Id> struct token_rows {
  const Id *ids;
  const int64_t *offsets;
};

/* First position in [first, last) of an ascending row whose id is not below `id`. */
template <class Id> __device__ inline long lower_bound(const token_rows<Id> &rows, long first, long last, long id) {
  long left = last - first;
  while (left > 1) {
    const long half = left / 2;
    first = long(rows.ids[first + half - 1]) < id ? first + half : first;
    left -= half;
  }
  return first + (left == 1 && long(rows.ids[first]) < id ? 1 : 0);
}

/* Place `place` of `length` of a row's ids in their order: a shorter row is filled up with `value` before its first id or
 * behind its last, of a longer one the first or the last ids are cut off. */
template <bool before, bool cut_before, class Id>
__device__ __forceinline__ int32_t padded_id(const token_rows<Id> &rows, long sample, long length, int32_t value,
                                             long place) {
  const long first = rows.offsets[sample], last = rows.offsets[sample + 1];
  const long ids = last - first < length ? last - first : length;
  const long at = (before ? length - ids : 0), i = place - at;
  return i >= 0 && i < ids ? int32_t(rows.ids[(cut_before ? last - ids : first) + i]) : value;
}

/* y[0 .. length) = the padded row; `threads` threads share the places, this one being `thread`. */
template <bool before, bool cut_before, class Id>
__device__ inline void pad_row(const token_rows<Id> &rows, long sample, long length, int32_t value, int32_t *y,
                               long thread = 0, long threads = 1) {
  for (long place = thread; place < length; place += threads)
    y[place] = padded_id<before, cut_before>(rows, sample, length, value, place);
}

/* y[sample, id] = how often the id occurs in the row (`once`: 1 if it does), for samples [first, last) and ids [0, depth).
 * All `threads` threads of the block call; rows are sorted. */
template <int threads, bool once, class T, class Id>
__device__ inline void encode_tokens(const token_rows<Id> &rows, long first, long last, long depth, T *y) {
  for (long p = first * depth + long(threadIdx.x); p < last * depth; p += threads)
    y[p] = T(0);
  __syncthreads();
  /* A warp has a row: of equal ids the first one's lane writes. */
  for (long sample = first + long(threadIdx.x / 32); sample < last; sample += threads / 32) {
    const long begin = rows.offsets[sample], end = rows.offsets[sample + 1];
    for (long t = begin + long(threadIdx.x % 32); t < end; t += 32) {
      const Id id = rows.ids[t];
      if (t > begin && rows.ids[t - 1] == id)
        continue;
      long behind = t + 1;
      while (!once && behind < end && rows.ids[behind] == id)
        ++behind;
      y[sample * depth + long(id)] = T(behind - t);
    }
  }
}
template <int threads, class T, class Id>
__device__ inline void multi_hot(const token_rows<Id> &rows, long first, long last, long depth, T *y) {
  encode_tokens<threads, true>(rows, first, last, depth, y);
}
template <int threads, class T, class Id>
__device__ inline void count(const token_rows<Id> &rows, long first, long last, long depth, T *y) {
  encode_tokens<threads, false>(rows, first, last, depth, y);
}

} // namespace hornfels::device

#include "gather.h"
#include "marks.h"
#include "scatter.h"

#endif
