/* Products of small matrices by a warp (mma.sync, from sm_80), what they read, and how it is rounded.
 *
 *   D[16][8] += A[16][k] B[k][8]     k = 8 in TF32, k = 16 in bfloat16, sums in float
 *
 * The elements lie over the 32 lanes. With g = lane / 4 and t = lane % 4, a lane holds of
 *
 *   D          d[0], d[1] = D[g][2t], D[g][2t + 1]              d[2], d[3] = D[g + 8][2t], D[g + 8][2t + 1]
 *   A, TF32    a[0] = A[g][t], a[1] = A[g + 8][t]               a[2] = A[g][t + 4], a[3] = A[g + 8][t + 4]
 *   B, TF32    b[0] = B[t][g]                                   b[1] = B[t + 4][g]
 *   A, bf16    a[0] = A[g][2t, 2t + 1], a[1] = A[g + 8][...]    a[2] = A[g][2t + 8, 2t + 9], a[3] = A[g +
 * 8][...] B, bf16    b[0] = B[2t, 2t + 1][g]                          b[1] = B[2t + 8, 2t + 9][g]
 *
 * two bfloat16 in a word, the first in its lower half. All lanes of the warp must call. Before sm_80 there
 * are no such functions: a kernel that calls them does not compile.
 *
 * On the CPU the sum of k products and D is formed in double and rounded once. A device rounds in between, in
 * ways that differ from one to the next: results agree to the rounding of floats, not in bits. */
#ifndef HORNFELS_DEVICE_MMA_H
#define HORNFELS_DEVICE_MMA_H

#include "cuda.h"

namespace hornfels::device {

#ifdef __CUDACC__

/* The TF32 nearest to x, ties away from zero, as the bits of a float whose 13 lowest are 0. */
__device__ __forceinline__ unsigned to_tf32(float x) {
  unsigned bits = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#else
  bits = __float_as_uint(x);
  bits = ((bits & 0x7f800000u) == 0x7f800000u ? bits : bits + 0x1000u) & 0xffffe000u;
#endif
  return bits;
}

/* The bfloat16 nearest to `low` and `high`, ties to even, in the halves of a word. */
__device__ __forceinline__ unsigned to_bf16(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  unsigned bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
#else
  const auto one = [](float x) {
    const unsigned bits = __float_as_uint(x);
    return x != x ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  };
  return one(low) | one(high) << 16;
#endif
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

/* d += a b, 16 x 8 x 8, in TF32. The 13 lowest bits of a and b count for nothing. */
__device__ __forceinline__ void multiply_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* d += a b, 16 x 8 x 16, in bfloat16. */
__device__ __forceinline__ void multiply_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif

/* Four matrices of 8 rows of 16 bytes from shared memory (ldmatrix): lane l brings the address, a multiple of
 * 16, of row l % 8 of matrix l / 8, and gets as words[m] word l % 4 of row l / 4 of matrix m. Read as 16-bit
 * elements that is a pair of neighbours in a row; as 32-bit elements it is M[l / 4][l % 4]. */
__device__ __forceinline__ void load_matrices(unsigned (&words)[4], const void *row) {
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(from)
               : "memory");
}

/* The same with each matrix of 8 x 8 16-bit elements transposed: lane l gets M[2 (l % 4)][l / 4] in the lower
 * half and M[2 (l % 4) + 1][l / 4] in the upper. */
__device__ __forceinline__ void load_matrices_transposed(unsigned (&words)[4], const void *row) {
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(from)
               : "memory");
}

#else

/* As sm_80 does it: infinities and NaN lose their lowest bits, all else is rounded. */
inline unsigned to_tf32(float x) {
  const unsigned bits = __float_as_uint(x);
  return ((bits & 0x7f800000u) == 0x7f800000u ? bits : bits + 0x1000u) & 0xffffe000u;
}

inline unsigned to_bf16(float low, float high) {
  const auto one = [](float x) {
    const unsigned bits = __float_as_uint(x);
    return std::isnan(x) ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  };
  return one(low) | one(high) << 16;
}

namespace on_cpu {

/* The fragments of a lane; D is changed in place. k elements of A and B in `words` words of a lane each. */
template <int k> struct product_exchange {
  float (&d)[4];
  const unsigned (&a)[4];
  const unsigned (&b)[2];

  static constexpr bool tf32 = k == 8;

  /* Element `half` of a word: the whole word in TF32. */
  static float element(unsigned word, int half) {
    return __uint_as_float(tf32 ? word & 0xffffe000u : half ? word & 0xffff0000u : word << 16);
  }

  static void perform(product_exchange *const (&all)[32], unsigned lanes) {
    if (lanes != 0xffffffffu)
      fail("a product of a warp with lanes 0x%08x, expected all", lanes);
    constexpr int pair = tf32 ? 1 : 2;
    double a[16][k], b[k][8];
    for (int l = 0; l < 32; ++l) {
      const int g = l / 4, t = l % 4;
      for (int half = 0; half < pair; ++half)
        for (int w = 0; w < 4; ++w)
          a[g + w % 2 * 8][t * pair + half + w / 2 * 4 * pair] = double(element(all[l]->a[w], half));
      for (int half = 0; half < pair; ++half)
        for (int w = 0; w < 2; ++w)
          b[t * pair + half + w * 4 * pair][g] = double(element(all[l]->b[w], half));
    }
    for (int m = 0; m < 16; ++m) {
      double sum[8] = {};
      for (int i = 0; i < k; ++i)
        for (int n = 0; n < 8; ++n)
          sum[n] += a[m][i] * b[i][n];
      for (int n = 0; n < 8; ++n) {
        float &d = all[m % 8 * 4 + n / 2]->d[m / 8 * 2 + n % 2];
        d = static_cast<float>(double(d) + sum[n]);
      }
    }
  }
};

struct matrices_exchange {
  unsigned (&words)[4];
  const void *row;
  bool transposed;

  static void perform(matrices_exchange *const (&all)[32], unsigned lanes) {
    if (lanes != 0xffffffffu)
      fail("load_matrices with lanes 0x%08x, expected all", lanes);
    for (int matrix = 0; matrix < 4; ++matrix) {
      uint16_t m[8][8];
      for (int row = 0; row < 8; ++row) {
        const void *const p = all[matrix * 8 + row]->row;
        if (reinterpret_cast<uintptr_t>(p) % 16)
          fail("load_matrices of a row at %p, expected a multiple of 16", p);
        std::memcpy(m[row], p, 16);
      }
      for (int l = 0; l < 32; ++l) {
        const int i = l / 4, j = l % 4 * 2;
        const bool t = all[l]->transposed;
        all[l]->words[matrix] = unsigned(t ? m[j][i] : m[i][j]) | unsigned(t ? m[j + 1][i] : m[i][j + 1])
                                                                      << 16;
      }
    }
  }
};

} // namespace on_cpu

inline void multiply_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], HORNFELS_HERE) {
  on_cpu::product_exchange<8> mine{d, a, b};
  on_cpu::exchange(0xffffffffu, mine, "multiply_tf32", {file, line});
}
inline void multiply_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], HORNFELS_HERE) {
  on_cpu::product_exchange<16> mine{d, a, b};
  on_cpu::exchange(0xffffffffu, mine, "multiply_bf16", {file, line});
}
inline void load_matrices(unsigned (&words)[4], const void *row, HORNFELS_HERE) {
  on_cpu::matrices_exchange mine{words, row, false};
  on_cpu::exchange(0xffffffffu, mine, "load_matrices", {file, line});
}
inline void load_matrices_transposed(unsigned (&words)[4], const void *row, HORNFELS_HERE) {
  on_cpu::matrices_exchange mine{words, row, true};
  on_cpu::exchange(0xffffffffu, mine, "load_matrices_transposed", {file, line});
}

#endif

} // namespace hornfels::device

#endif
