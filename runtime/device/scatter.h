/* The gradients of gather_sum and of look-ups in a table: a block owns some rows of the table, finds what is added to them,
 * and adds it in a fixed order. Part of tokens.h.
 *
 * Both go through the rows of d_y in chunks (samples, or positions). In a chunk, `marks` has a bit for each owned id and each
 * row of d_y that is added to it. A warp lists the bits of an id, in ascending order, and its groups of lanes take turns at
 * the list; a list of more than owned::shorter, such as that of an id used for padding, is shared by all warps. The order of
 * a sum depends on the data and on `owned` only, not on which block owns the row. */
#ifndef HORNFELS_DEVICE_SCATTER_H
#define HORNFELS_DEVICE_SCATTER_H

#include "rows.h"
#include "tokens.h"

namespace hornfels::device {

/* A block of `threads` that owns columns [column, column + columns) of some rows of a table [., width], at most `held` rows
 * at a time, and goes through `chunk` rows of d_y at a time.
 *
 * Shared memory: with warps = threads / 32 and shorter = min(chunk, 128),
 *   bytes = columns * (held + warps) * sizeof(T) + held * (chunk / 8 + 4) + 2 * (warps * shorter + chunk)
 */
template <class T, int width, int columns, int threads, int held = 32, int chunk = 512> struct owned {
  using real = T;
  using L = row_lanes<T, width, columns>;
  static constexpr int warps = threads / 32, words = chunk / 32, shorter = chunk < 128 ? chunk : 128;
  static constexpr long bytes = long(columns) * (held + warps) * long(sizeof(T)) + long(held) * (chunk / 8 + 4) +
                                2 * (warps * shorter + chunk);
  static constexpr int row = width, row_columns = columns, block = threads, rows = held, chunk_rows = chunk;
  static_assert(threads % 32 == 0 && chunk % 32 == 0 && chunk <= 65536, "whole warps and words");
  static_assert(width % columns == 0 && L::turns <= 4, "blocks share a row evenly, at most 512 floats each");

  T *sums;          /* [held][columns] */
  T *parts;         /* [warps][columns] */
  unsigned *marks;  /* [held][words] */
  int *marked;      /* [held] bits in marks */
  uint16_t *lists;  /* [warps][shorter] */
  uint16_t *list;   /* [chunk] */

  __device__ explicit owned(char *shared) {
    sums = static_cast<T *>(static_cast<void *>(shared));
    parts = sums + held * columns;
    marks = static_cast<unsigned *>(static_cast<void *>(parts + warps * columns));
    marked = static_cast<int *>(static_cast<void *>(marks + held * words));
    lists = static_cast<uint16_t *>(static_cast<void *>(marked + held));
    list = lists + warps * shorter;
  }
};

/* The positions of the bits of `words` words, ascending; each lane of the warp calls, with its word of each 32. */
template <class Word> __device__ inline int list_bits(int words, Word word_of, uint16_t *list) {
  const int lane = int(threadIdx.x % 32);
  int listed = 0;
  for (int first = 0; first < words; first += 32) {
    unsigned word = first + lane < words ? word_of(first + lane) : 0u;
    const int mine = __popc(word);
    int place = mine;
    for (int apart = 1; apart < 32; apart *= 2) {
      const int before = __shfl_up_sync(all_lanes, place, unsigned(apart));
      place += lane >= apart ? before : 0;
    }
    const int all = __shfl_sync(all_lanes, place, 31);
    for (place += listed - mine; word; word &= word - 1)
      list[place++] = uint16_t((first + lane) * 32 + __ffs(int(word)) - 1);
    listed += all;
  }
  __syncwarp();
  return listed;
}

/* sums[row] += the chunk's rows of d_y that are marked, for each of `rows` owned rows. All threads call. */
template <class O, class T, class Times>
__device__ inline void add_marked(const O &o, int rows, const T *d_y, Times times) {
  using L = typename O::L;
  const int warp = int(threadIdx.x / 32), thread = int(threadIdx.x % 32);
  const int lane = thread % L::lanes, group = thread / L::lanes;
  const auto add_list = [&](int row, const uint16_t *list, int listed, int from, int step) {
    row_sums<L, T, L::turns> sums = {};
    const auto row_of = [&](int t) { return d_y + long(list[t]) * O::row; };
    if constexpr (std::is_same_v<Times, once>)
      add_rows(sums, lane, from, listed, step, row_of, once());
    else
      add_rows(sums, lane, from, listed, step, row_of, [&](int t) { return times(row, list[t]); });
    add_groups<L::lanes, 32>(sums);
    return sums;
  };

  for (int row = warp; row < rows; row += O::warps) {
    if (o.marked[row] == 0 || o.marked[row] > O::shorter)
      continue;
    uint16_t *const list = o.lists + warp * O::shorter;
    const int listed = list_bits(O::words, [&](int word) { return o.marks[row * O::words + word]; }, list);
    finish_pieces<L::groups>(add_list(row, list, listed, group, L::groups), lane, group,
                             [&](int column, T sum) { o.sums[row * O::row_columns + column] += sum; });
    __syncwarp();
  }
  for (int row = 0; row < rows; ++row) {
    if (o.marked[row] <= O::shorter)
      continue;
    if (warp == 0)
      list_bits(O::words, [&](int word) { return o.marks[row * O::words + word]; }, o.list);
    __syncthreads();
    finish_pieces<L::groups>(
        add_list(row, o.list, o.marked[row], warp * L::groups + group, O::warps * L::groups), lane, group,
        [&](int column, T sum) { o.parts[warp * O::row_columns + column] = sum; });
    __syncthreads();
    for (int column = int(threadIdx.x); column < O::row_columns; column += O::block) {
      T sum = o.sums[row * O::row_columns + column];
      for (int part = 0; part < O::warps; ++part)
        sum += o.parts[part * O::row_columns + column];
      o.sums[row * O::row_columns + column] = sum;
    }
  }
}

/* For owned row r of `count`: finish(r, column, sum) with the sum of d_y's rows that `mark` gives it, of 0 rows 0.
 * mark(first row of the chunk, rows in the chunk, first owned row, owned rows, o) sets bits, and returns whether it did.
 * times(r, row of d_y) is how often it is added. */
template <class O, class T, class Mark, class Times, class Finish>
__device__ inline void sum_owned(char *shared, const T *d_y, long sources, long count, int column, Mark mark, Times times,
                                 Finish finish) {
  const O o(shared);
  const int thread = int(threadIdx.x);
  for (long first = 0; first < count; first += O::rows) {
    const int rows = count - first < O::rows ? int(count - first) : O::rows;
    for (int p = thread; p < rows * O::row_columns; p += O::block)
      o.sums[p] = T(0);
    bool clean = false;
    for (long chunk = 0; chunk < sources; chunk += O::chunk_rows) {
      if (!clean) {
        for (int p = thread; p < rows * O::words; p += O::block)
          o.marks[p] = 0;
        for (int p = thread; p < rows; p += O::block)
          o.marked[p] = 0;
        __syncthreads();
      }
      const int size = sources - chunk < O::chunk_rows ? int(sources - chunk) : O::chunk_rows;
      clean = __syncthreads_or(mark(chunk, size, first, rows, o) ? 1 : 0) == 0;
      if (clean)
        continue;
      const T *const from = d_y + chunk * O::row + column;
      if constexpr (std::is_same_v<Times, once>)
        add_marked(o, rows, from, once());
      else
        add_marked(o, rows, from, [&](int row, int source) { return times(first + row, chunk + source); });
      __syncthreads();
    }
    __syncthreads();
    for (int p = thread; p < rows * O::row_columns; p += O::block)
      finish(first + p / O::row_columns, column + p % O::row_columns, o.sums[p]);
    __syncthreads();
  }
}

/* finish(id, column, sum) with sum = the sum of d_y[sample, column] over the samples that have the id, for ids [begin, end)
 * and columns [column, column + columns). Rows are sorted; with `repeats` an id that is n times in a row adds n * d_y, else
 * rows are sets. d_y[batch, width] begins on 16 bytes, `shared` are O::bytes. All threads of the block call.
 *   O = owned<T, width, columns, threads, ...> */
template <class O, bool repeats, class T, class Id, class Finish>
__device__ inline void scatter_add(char *shared, const token_rows<Id> &rows, long batch, const T *d_y, long begin, long end,
                                   int column, Finish finish) {
  const auto mark = [&](long chunk, int size, long first, int owned_rows, const O &o) {
    const long least = begin + first;
    bool found = false;
    for (int place = int(threadIdx.x); place < size; place += O::block) {
      const long to = rows.offsets[chunk + place + 1];
      long before = -1;
      for (long t = lower_bound(rows, rows.offsets[chunk + place], to, least); t < to; ++t) {
        const long id = long(rows.ids[t]);
        if (id >= least + owned_rows)
          break;
        if (id == before)
          continue;
        before = id;
        atomicOr(o.marks + (id - least) * O::words + place / 32, 1u << place % 32);
        atomicAdd(o.marked + (id - least), 1);
        found = true;
      }
    }
    return found;
  };
  const auto give = [&](long row, int of, T sum) { finish(begin + row, of, sum); };
  if constexpr (repeats) {
    const auto times = [&](long row, long sample) {
      const long id = begin + row, from = rows.offsets[sample], to = rows.offsets[sample + 1];
      return lower_bound(rows, from, to, id + 1) - lower_bound(rows, from, to, id);
    };
    sum_owned<O>(shared, d_y, batch, end - begin, column, mark, times, give);
  } else {
    sum_owned<O>(shared, d_y, batch, end - begin, column, mark, once(), give);
  }
}

/* x / by for x below 2^32 without a division: 2^32 / by, rounded down, is too small by less than 1, and so the quotient by
 * at most 1. */
struct divisor {
  unsigned by, inverse;
  __device__ __forceinline__ explicit divisor(unsigned divide_by)
      : by(divide_by), inverse(divide_by == 1 ? 0xffffffffu : unsigned((uint64_t(1) << 32) / divide_by)) {}
  __device__ __forceinline__ unsigned quotient(unsigned x) const {
    const unsigned q = unsigned(uint64_t(x) * inverse >> 32);
    return x - q * by >= by ? q + 1 : q;
  }
};

/* finish(id, column, sum) with sum = the sum of d_y[p, column] over the positions p in [0, positions) with ids[p] = id, for
 * the ids begin, begin + step, ... below end, and columns [column, column + columns). The ids are in any order, in [0, rows
 * of the table); a step of the number of blocks spreads frequent ids that are neighbours. d_y[positions, width] begins on 16
 * bytes, `shared` are O::bytes. All threads of the block call. */
template <class O, class T, class Finish>
__device__ inline void scatter(char *shared, const int32_t *ids, long positions, const T *d_y, long begin, long end,
                               long step, int column, Finish finish) {
  const divisor by{unsigned(step)};
  const auto mark = [&](long chunk, int size, long first, int owned_rows, const O &o) {
    /* 32 positions of a warp are one word of each id: no other warp writes it. */
    const long least = begin + first * step;
    bool found = false;
    for (int from = 0; from < size; from += O::block) {
      const int place = from + int(threadIdx.x);
      const unsigned off = place < size ? unsigned(long(ids[chunk + place]) - least) : 0xffffffffu;
      const unsigned row = by.quotient(off);
      const bool mine = place < size && row < unsigned(owned_rows) && row * unsigned(step) == off;
      unsigned left = __ballot_sync(all_lanes, mine);
      while (left) {
        const unsigned chosen = __shfl_sync(all_lanes, row, __ffs(int(left)) - 1);
        const unsigned same = __ballot_sync(all_lanes, mine && row == chosen);
        if (threadIdx.x % 32 == 0) {
          o.marks[chosen * O::words + unsigned(place) / 32] = same;
          atomicAdd(o.marked + chosen, __popc(same));
        }
        left &= ~same;
        found = true;
      }
    }
    return found;
  };
  const long count = begin < end ? (end - begin + step - 1) / step : 0;
  sum_owned<O>(shared, d_y, positions, count, column, mark, once(),
               [&](long row, int of, T sum) { finish(begin + row * step, of, sum); });
}

} // namespace hornfels::device

#endif
