/* Squares of a matrix, transposed or summed row by row in registers. */
#ifndef HORNFELS_TRANSPOSE_H
#define HORNFELS_TRANSPOSE_H

#include "vector.h"

namespace hornfels {

/* One exchange of a transposition: rows i and i + s swap the blocks of s lanes in which they differ.
 *   first[j]  = j & s ? second[j - s] : first[j]
 *   second[j] = j & s ? second[j]     : first[j + s] */
template <int s, class V, int... j>
HORNFELS_INLINE void exchange(V &first, V &second, lane_numbers<j...>) {
  const V a = __builtin_shufflevector(first, second, (j & s ? lanes<V> + j - s : j)...);
  const V b = __builtin_shufflevector(first, second, (j & s ? lanes<V> + j : j + s)...);
  first = a;
  second = b;
}

template <int s, class V> HORNFELS_INLINE void exchanges(V *rows) {
  if constexpr (s < lanes<V>) {
    _Pragma("GCC unroll 16") for (int i = 0; i < lanes<V>; ++i) {
      if ((i & s) == 0)
        exchange<s>(rows[i], rows[i + s], all_lanes<V>{});
    }
    exchanges<2 * s>(rows);
  }
}

/* out[r][c] = in[c][r] for r < height, c < width, both at most lanes<V>; strides in elements. */
template <class V>
__attribute__((noinline)) static void transpose_part(element<V> *out, long out_stride, const element<V> *in, long in_stride, long height,
                                    long width) {
  V rows[lanes<V>] = {};
  _Pragma("GCC unroll 16") for (long c = 0; c < lanes<V>; ++c) {
    if (c < width)
      rows[c] = load_part<V>(&in[c * in_stride], height);
  }
  exchanges<1>(rows);
  _Pragma("GCC unroll 16") for (long r = 0; r < lanes<V>; ++r) {
    if (r < height)
      store_part(&out[r * out_stride], rows[r], width);
  }
}

/* out[r][c] = in[c][r] for a square as wide as V. A function of its own: inlined, the numbers of its lanes stay in
 * registers through the product that follows, which needs them all. */
template <class V>
__attribute__((noinline)) static void transpose(element<V> *out, long out_stride, const element<V> *in, long in_stride) {
  V rows[lanes<V>];
  _Pragma("GCC unroll 16") for (long c = 0; c < lanes<V>; ++c) { rows[c] = load<V>(&in[c * in_stride]); }
  exchanges<1>(rows);
  _Pragma("GCC unroll 16") for (long r = 0; r < lanes<V>; ++r) { store(&out[r * out_stride], rows[r]); }
}

/* Sums of pairs of rows, s lanes apart, until one vector holds the sum of each row. */
template <int s, class V> HORNFELS_INLINE void add_pairs(V *rows) {
  if constexpr (s < lanes<V>) {
    _Pragma("GCC unroll 16") for (int i = 0; i < lanes<V>; i += 2 * s) {
      exchange<s>(rows[i], rows[i + s], all_lanes<V>{});
      rows[i] += rows[i + s];
    }
    add_pairs<2 * s>(rows);
  }
}

/* Lane r is the sum of the lanes of rows[r]. */
template <class V> HORNFELS_INLINE V reduce_rows(V (&rows)[lanes<V>]) {
  add_pairs<1>(rows);
  return rows[0];
}

} // namespace hornfels

#endif
