/* Sums of table rows for the ids of each sample. Part of tokens.h. */
#ifndef HORNFELS_DEVICE_GATHER_H
#define HORNFELS_DEVICE_GATHER_H

#include "rows.h"
#include "tokens.h"

namespace hornfels::device {

/* At most this many pieces of a lane are summed at once; wider rows read their ids again. */
constexpr int gather_turns = 4;

/* Shared memory of gather_sum: where a sample has more than a warp, the sums of each warp, lanes * vector *
 * min(turns, gather_turns) of row_lanes. */
template <class T, int width, int threads, int per_sample> constexpr long gather_sum_bytes() {
  using L = row_lanes<T, width, width>;
  return per_sample <= 32 ? 0
                          : threads / 32 * long(sizeof(T)) * L::lanes * L::vector *
                                (L::turns < gather_turns ? L::turns : gather_turns);
}

/* finish(sample, column, sum) with sum = the sum of table[id, column] over the ids of the sample, for samples [first, last)
 * and columns [0, width). table[:, width] begins on 16 bytes. All `threads` threads of the block call; `per_sample` of them
 * (a power of two from row_lanes::lanes to `threads`) have a sample at a time.
 *
 * Lanes have columns; groups of lanes take turns at the ids, and their sums are added as a tree, then those of the warps
 * one after another: bits depend on width and per_sample only. */
template <int width, int threads, int per_sample, class T, class Id, class Finish>
__device__ inline void gather_sum(char *shared, const token_rows<Id> &rows, const T *table, long first, long last,
                                  Finish finish) {
  using L = row_lanes<T, width, width>;
  constexpr int turns = L::turns < gather_turns ? L::turns : gather_turns;
  constexpr int in_warp = per_sample < 32 ? per_sample : 32, warps = per_sample / in_warp;
  constexpr int tile = L::lanes * turns * L::vector, groups = per_sample / L::lanes;
  static_assert(threads % 32 == 0 && threads % per_sample == 0 && per_sample >= L::lanes, "whole groups of lanes");
  const int thread = int(threadIdx.x) % per_sample, lane = thread % L::lanes, group = thread / L::lanes;
  T *const parts = static_cast<T *>(static_cast<void *>(shared)) + int(threadIdx.x) / per_sample * warps * tile;

  for (long from = first; from < last; from += threads / per_sample) {
    const long sample = from + int(threadIdx.x) / per_sample;
    const bool here = sample < last;
    const long begin = here ? rows.offsets[sample] : 0;
    const int length = here ? int(rows.offsets[sample + 1] - begin) : 0;
    const Id *const ids = rows.ids + begin;
    for (int piece = 0; piece < L::count; piece += L::lanes * turns) {
      row_sums<L, T, turns> sums = {};
      add_rows(sums, piece + lane, group, length, groups, [&](int t) { return table + long(ids[t]) * width; }, once());
      add_groups<L::lanes, in_warp>(sums);
      if constexpr (warps == 1) {
        finish_pieces<in_warp / L::lanes>(sums, here ? piece + lane : L::count, group,
                                          [&](int column, T sum) { finish(sample, column, sum); });
      } else {
        finish_pieces<in_warp / L::lanes>(sums, piece + lane, group % L::groups, [&](int column, T sum) {
          parts[thread / 32 * tile + column - piece * L::vector] = sum;
        });
        __syncthreads();
        for (int place = thread; place < tile && piece * L::vector + place < width && here; place += per_sample) {
          T sum = parts[place];
          for (int warp = 1; warp < warps; ++warp)
            sum += parts[warp * tile + place];
          finish(sample, piece * L::vector + place, sum);
        }
        __syncthreads();
      }
    }
  }
}

} // namespace hornfels::device

#endif
