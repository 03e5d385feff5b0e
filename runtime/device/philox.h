/* Random numbers on the device: those of runtime/core/philox.h, which states how seed, stream, step and element are laid
 * out. Uniform numbers have the same bits, normal numbers come from the same words and agree to 1e-6. */
#ifndef HORNFELS_DEVICE_PHILOX_H
#define HORNFELS_DEVICE_PHILOX_H

#include "cuda.h"
#include "functions.h"

namespace hornfels::device {

/* The four words of a block. */
struct philox_words {
  uint32_t w[4];
};

/* Ten rounds: (c0, c1, c2, c3) -> (high(M1 c2) ^ c1 ^ k0, low(M1 c2), high(M0 c0) ^ c3 ^ k1, low(M0 c0)). */
__device__ __forceinline__ philox_words philox(uint64_t seed, uint32_t stream, uint64_t step, uint64_t block) {
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  uint32_t c0 = uint32_t(block), c1 = (uint32_t(block >> 32) & 0xffffu) | uint32_t(step >> 32) << 16;
  uint32_t c2 = uint32_t(step), c3 = stream;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t(c0) * 0xd2511f53u, p1 = uint64_t(c2) * 0xcd9e8d57u;
    c0 = uint32_t(p1 >> 32) ^ c1 ^ k0;
    c1 = uint32_t(p1);
    c2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c3 = uint32_t(p0);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {{c0, c1, c2, c3}};
}

/* Elements in a block: floats take a word each, doubles two. */
template <class T> constexpr int per_block = int(16 / sizeof(T));

/* Number i of a block: the upper 24 (double: 53) bits of its words as a number in [0, 1). */
template <class T> __device__ __forceinline__ T unit_interval(const philox_words &p, int i);
template <> __device__ __forceinline__ float unit_interval<float>(const philox_words &p, int i) {
  const uint32_t low = i & 1 ? p.w[1] : p.w[0], high = i & 1 ? p.w[3] : p.w[2]; /* no array in memory */
  return float((i & 2 ? high : low) >> 8) * 0x1p-24f;
}
template <> __device__ __forceinline__ double unit_interval<double>(const philox_words &p, int i) {
  const uint64_t word = i & 1 ? uint64_t(p.w[2]) << 32 | p.w[3] : uint64_t(p.w[0]) << 32 | p.w[1];
  return double(word >> 11) * 0x1p-53;
}

/* cos(2 pi v) for an even element, sin(2 pi v) for an odd one; v in [0, 1). */
#ifdef __CUDA_ARCH__
__device__ __forceinline__ float wave(float v, bool odd) {
  return odd ? ::sinpif(2 * v) : ::cospif(2 * v);
}
__device__ __forceinline__ double wave(double v, bool odd) { return odd ? ::sinpi(2 * v) : ::cospi(2 * v); }
#else
/* 4 v is q quarter turns and a remainder in [-1/2, 1/2], both exact. */
template <class T> inline T wave(T v, bool odd) {
  const T turns = 4 * v, whole = nearest(turns), r = (turns - whole) * T(0x1.921fb54442d18p+0);
  const int quarter = (int(whole) + (odd ? 0 : 1)) & 3;
  const T y = quarter & 1 ? cos(r) : sin(r);
  return quarter & 2 ? -y : y;
}
#endif

/* Box-Muller of the pair of uniform numbers u, v: sqrt(-2 log(1 - u)) times the wave. */
template <class T> __device__ __forceinline__ T box_muller(T u, T v, bool odd) {
  return sqrt(T(-2) * log(T(1) - u)) * wave(v, odd);
}

/* Element `element` alone: uniform in [0, 1); normal with mean 0 and variance 1. T: float or double. */
template <class T>
__device__ __forceinline__ T uniform(uint64_t seed, uint32_t stream, uint64_t step, uint64_t element) {
  constexpr unsigned count = per_block<T>;
  return unit_interval<T>(philox(seed, stream, step, element / count), int(element % count));
}
template <class T>
__device__ __forceinline__ T normal(uint64_t seed, uint32_t stream, uint64_t step, uint64_t element) {
  constexpr unsigned count = per_block<T>;
  const philox_words p = philox(seed, stream, step, element / count);
  const int i = int(element % count);
  return box_muller(unit_interval<T>(p, i & ~1), unit_interval<T>(p, i | 1), i & 1);
}

/* All elements of a block, which are per_block<T> * block and those behind it: for the price of one. */
template <class T> struct random_block {
  T of[per_block<T>];
};
template <class T>
__device__ __forceinline__ random_block<T> uniform_block(uint64_t seed, uint32_t stream, uint64_t step,
                                                         uint64_t block) {
  const philox_words p = philox(seed, stream, step, block);
  random_block<T> y;
  for (int i = 0; i < per_block<T>; ++i)
    y.of[i] = unit_interval<T>(p, i);
  return y;
}
template <class T>
__device__ __forceinline__ random_block<T> normal_block(uint64_t seed, uint32_t stream, uint64_t step, uint64_t block) {
  const random_block<T> pairs = uniform_block<T>(seed, stream, step, block);
  random_block<T> y;
  for (int i = 0; i < per_block<T>; ++i)
    y.of[i] = box_muller(pairs.of[i & ~1], pairs.of[i | 1], i & 1);
  return y;
}

} // namespace hornfels::device

#endif
