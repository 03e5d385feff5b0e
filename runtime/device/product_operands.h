/* The operands of the tensor units, from a slice in shared memory to the registers of a warp.
 *
 * An instruction multiplies tiles of 16 x 8 sums. It names its operands by lane: lane 4 g + t holds row g
 * (and g + 8) of A, column g of B, and the k of t. A share gives a lane `count` outer indices (m of A, n
 * of B) in two registers each: A has two a tile (`per_tile`), rows g and g + 8, B has one. */
#ifndef HORNFELS_DEVICE_PRODUCT_OPERANDS_H
#define HORNFELS_DEVICE_PRODUCT_OPERANDS_H

#include "mma.h"
#include "product_slices.h"
#include "tile_choice.h"

namespace hornfels::device {

/* The upper half of a float. */
struct bfloat16 {
  unsigned short bits;

  bfloat16() = default;
  /* To the nearest, ties to even. */
  __host__ __device__ explicit bfloat16(float x) {
    unsigned u;
    static_assert(sizeof(u) == sizeof(x), "floats have 32 bits");
    memcpy(&u, &x, sizeof(u));
    bits = static_cast<unsigned short>(x != x ? 0x7fffu : (u + 0x7fffu + (u >> 16 & 1)) >> 16);
  }
  __host__ __device__ explicit operator float() const {
    const unsigned u = static_cast<unsigned>(bits) << 16;
    float x;
    memcpy(&x, &u, sizeof(x));
    return x;
  }
};

namespace products {

/* Floats, rounded on the way. Which k of the slice an instruction's k are is free, if A and B agree: here
 * t holds 2 t and 2 t + 1 of every 8 k, neighbours in memory where a slice lies along k. Which m and n
 * they are is free too: where a slice lies along m (n), a lane takes four neighbours, and each of them
 * belongs to another tile of the warp. So every read is of 8 or 16 bytes, and without conflicts of banks:
 * rows along k are 8 floats longer than the slice (8 bytes of 4 rows and 4 lanes are 16 different pairs of
 * banks), rows along m or n 4 floats (16 bytes of 4 rows 2 t and 2 lanes are 8 different groups of 4
 * banks). */
template <class S, arithmetic math, int count, int per_tile> struct rounded_share {
  static constexpr bool quads = !S::along_k;
  static_assert(!quads || count % 4 == 0, "lanes take four neighbours");

  /* The outer index at position p (0 to 7) of element i. */
  static __device__ int outer(int i, int p) { return quads ? i / 4 * 32 + p * 4 + i % 4 : i * 8 + p; }

  /* pairs[i][0 .. 1] = the slice at (outer(i, g), k + 2 t) and (.., k + 2 t + 1) */
  static __device__ void read(float (&pairs)[count][2], const float *from, int first, int k, int lane) {
    const int g = lane / 4, t = lane % 4;
    if constexpr (quads) {
      HORNFELS_UNROLL
      for (int q = 0; q < count; q += 4) {
        HORNFELS_UNROLL
        for (int s = 0; s < 2; ++s) {
          float values[4];
          load(values, from + (k + 2 * t + s) * S::pitch + first + outer(q, g));
          HORNFELS_UNROLL
          for (int i = 0; i < 4; ++i)
            pairs[q + i][s] = values[i];
        }
      }
    } else {
      HORNFELS_UNROLL
      for (int i = 0; i < count; ++i)
        load(pairs[i], from + (first + outer(i, g)) * S::pitch + k + 2 * t);
    }
  }

  /* The operands of 8 k in TF32, of 16 k in bfloat16. */
  static __device__ void operands(unsigned (&to)[count][2], const float *from, int first, int k, int lane) {
    float low[count][2];
    read(low, from, first, k, lane);
    if constexpr (math == arithmetic::tf32) {
      HORNFELS_UNROLL
      for (int i = 0; i < count; ++i)
        to[i][0] = to_tf32(low[i][0]), to[i][1] = to_tf32(low[i][1]);
    } else {
      float high[count][2];
      read(high, from, first, k + 8, lane);
      HORNFELS_UNROLL
      for (int i = 0; i < count; ++i)
        to[i][0] = to_bf16(low[i][0], low[i][1]), to[i][1] = to_bf16(high[i][0], high[i][1]);
    }
  }
};

/* bfloat16 in memory: four matrices of 8 x 8 with one instruction, transposed where the slice lies along m
 * (n). Rows are 16 bytes longer than a multiple of 32 bytes: 8 of them begin in 8 different groups of 4
 * banks. */
template <class S, int count, int per_tile> struct matrix_share {
  static constexpr bool quads = false;
  static_assert(count % 2 == 0, "an instruction reads two outer indices of a lane");

  static __device__ int outer(int i, int p) { return i * 8 + p; }

  static __device__ void operands(unsigned (&to)[count][2], const bfloat16 *from, int first, int k,
                                  int lane) {
    // Matrix lane / 8 is register w of outer index i: A's registers run over its rows first, B's over k.
    const int matrix = lane / 8, row = lane % 8;
    const int i = per_tile == 2 ? matrix % 2 : matrix / 2, w = per_tile == 2 ? matrix / 2 : matrix % 2;
    HORNFELS_UNROLL
    for (int pair = 0; pair < count; pair += 2) {
      unsigned words[4];
      if constexpr (S::along_k)
        load_matrices(words, from + (first + outer(pair + i, row)) * S::pitch + k + w * 8);
      else
        load_matrices_transposed(words, from + (k + w * 8 + row) * S::pitch + first + outer(pair + i, 0));
      HORNFELS_UNROLL
      for (int m = 0; m < 4; ++m)
        to[pair + (per_tile == 2 ? m % 2 : m / 2)][per_tile == 2 ? m / 2 : m % 2] = words[m];
    }
  }
};

/* How the tensor units take elements of T. */
template <class T, arithmetic math> struct tensor_elements {
  static_assert(std::is_same_v<T, float>, "the tensor units take float, or bfloat16 for bf16");
  static constexpr int k_pad = 8, outer_pad = 4;
  template <class S, int count, int per_tile> using share = rounded_share<S, math, count, per_tile>;
};
template <> struct tensor_elements<bfloat16, arithmetic::bf16> {
  static constexpr int k_pad = 8, outer_pad = 8;
  template <class S, int count, int per_tile> using share = matrix_share<S, count, per_tile>;
};

} // namespace products
} // namespace hornfels::device

#endif
