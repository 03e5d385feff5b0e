/* Rows of a matrix by the lanes of a warp: how they share the columns, and sums of rows that are scattered in memory, in a
 * fixed order. Part of tokens.h. */
#ifndef HORNFELS_DEVICE_ROWS_H
#define HORNFELS_DEVICE_ROWS_H

#include "block.h"
#include "cuda.h"
#include "functions.h"

#include <type_traits>

namespace hornfels::device {

__host__ __device__ constexpr int power_of_two_from(int x) {
  int y = 1;
  while (y < x)
    y *= 2;
  return y;
}
__host__ __device__ constexpr int divided_up(int a, int b) { return (a + b - 1) / b; }

/* `size` elements that are loaded by one instruction, of up to 16 bytes. */
template <class T, int size> struct alignas(sizeof(T) * unsigned(size)) pieces {
  T of[size];
};

/* The largest power of two, up to `most`, that divides both. */
__host__ __device__ constexpr int piece_size(int most, int width, int columns) {
  while (width % most != 0 || columns % most != 0)
    most /= 2;
  return most;
}

/* How the lanes of a warp share `columns` columns of rows of `width`: each lane has `turns` pieces of `vector` columns,
 * piece lane + turn * lanes, and each group of `lanes` takes rows of its own. The first row begins on 16 bytes. */
template <class T, int width, int columns> struct row_lanes {
  static constexpr int vector = piece_size(int(16 / sizeof(T)), width, columns);
  static constexpr int count = columns / vector;
  static constexpr int lanes = count >= 32 ? 32 : power_of_two_from(count);
  static constexpr int groups = 32 / lanes;
  static constexpr int turns = divided_up(count, lanes);
  using piece = pieces<T, vector>;
};

/* The sums of a lane. */
template <class L, class T, int turns> struct row_sums {
  T of[turns][L::vector];
};

/* Each row once. */
struct once {
  __device__ __forceinline__ int operator()(int) const { return 1; }
};

/* sums += row_of(t)'s pieces from `piece` on, for t = first, first + step, ... below last, in this order; row_of gives a
 * pointer to column 0. Some rows are loaded ahead, so that they do not wait for each other; those beyond the end count as
 * zeros, which change no bit of a sum that began as +0. `times(t)` multiplies. */
template <class L, int turns, class T, class RowOf, class Times>
__device__ __forceinline__ void add_rows(row_sums<L, T, turns> &sums, int piece, int first, int last, int step,
                                         RowOf row_of, Times times) {
  constexpr int ahead = turns >= 4 ? 2 : 8 / turns;
  for (int t = first; t < last; t += ahead * step) {
    typename L::piece rows[ahead][turns];
    T factors[ahead];
    for (int a = 0; a < ahead; ++a) {
      const int place = t + a * step;
      const T *const row = place < last ? row_of(place) : nullptr;
      factors[a] = place < last ? T(times(place)) : T(1);
      for (int turn = 0; turn < turns; ++turn) {
        rows[a][turn] = {};
        if (row && piece + turn * L::lanes < L::count)
          rows[a][turn] = static_cast<const typename L::piece *>(
              static_cast<const void *>(row))[piece + turn * L::lanes];
      }
    }
    for (int a = 0; a < ahead; ++a)
      for (int turn = 0; turn < turns; ++turn)
        for (int v = 0; v < L::vector; ++v)
          if constexpr (std::is_same_v<Times, once>)
            sums.of[turn][v] += rows[a][turn].of[v];
          else
            sums.of[turn][v] = mul_add(factors[a], rows[a][turn].of[v], sums.of[turn][v]);
  }
}

/* Over lanes that are `from`, 2 * `from`, ... up to below `to` apart: all of them get the sum. All 32 lanes call. */
template <int from, int to, class L, int turns, class T>
__device__ __forceinline__ void add_groups(row_sums<L, T, turns> &sums) {
  for (int apart = from; apart < to; apart *= 2)
    for (int turn = 0; turn < turns; ++turn)
      for (int v = 0; v < L::vector; ++v)
        sums.of[turn][v] += __shfl_xor_sync(all_lanes, sums.of[turn][v], apart);
}

/* x[i] without an address, which would put x into memory. */
template <class T> __device__ __forceinline__ T chosen_of(const T (&x)[1], int) { return x[0]; }
template <class T> __device__ __forceinline__ T chosen_of(const T (&x)[2], int i) { return i & 1 ? x[1] : x[0]; }
template <class T> __device__ __forceinline__ T chosen_of(const T (&x)[4], int i) {
  const T even = i & 2 ? x[2] : x[0], odd = i & 2 ? x[3] : x[1];
  return i & 1 ? odd : even;
}

/* finish(column, sum) for the columns of this lane's pieces, each by one of `sharing` groups that have the same sums:
 * group g takes elements g, g + sharing, ... of each piece, so neighbouring columns are written at once. */
template <int sharing, class L, int turns, class T, class Finish>
__device__ __forceinline__ void finish_pieces(const row_sums<L, T, turns> &sums, int piece, int group, Finish finish) {
  for (int turn = 0; turn < turns; ++turn)
    for (int some = 0; some < divided_up(L::vector, sharing); ++some) {
      const int mine = group + some * sharing;
      const T sum = chosen_of(sums.of[turn], mine);
      if (piece + turn * L::lanes < L::count && mine < L::vector)
        finish((piece + turn * L::lanes) * L::vector + mine, sum);
    }
}

} // namespace hornfels::device

#endif
