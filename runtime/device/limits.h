/* What a device can do at most: loops that do nothing else. Part of bench.cu. */
#ifndef HORNFELS_DEVICE_LIMITS_H
#define HORNFELS_DEVICE_LIMITS_H

#include "mma.h"

namespace hornfels::device::limits {

constexpr int threads = 256;
constexpr int in_flight = 4; /* 16-byte words that a thread copies at once */
constexpr long words_of_block = long(threads) * in_flight;

/* to = from; a whole number of blocks. */
[[maybe_unused]] static __global__ void __launch_bounds__(threads) copy_words(float4 *to, const float4 *from, long words) {
  for (long first = blockIdx.x * words_of_block; first < words; first += gridDim.x * words_of_block) {
    float4 value[in_flight];
    for (int i = 0; i < in_flight; ++i)
      value[i] = from[first + i * threads + threadIdx.x];
    for (int i = 0; i < in_flight; ++i)
      to[first + i * threads + threadIdx.x] = value[i];
  }
}

/* The same `rounds` times. Each time a block takes the words of another one, so that none is in its own cache. */
[[maybe_unused]] static __global__ void __launch_bounds__(threads) copy_in_cache(float4 *to, const float4 *from, long words, long rounds) {
  const long blocks = words / words_of_block;
  for (long round = 0; round < rounds; ++round)
    for (long block = blockIdx.x; block < blocks; block += gridDim.x) {
      const long first = (block + 37 * round) % blocks * words_of_block;
      float4 value[in_flight];
      for (int i = 0; i < in_flight; ++i)
        value[i] = __ldcg(from + first + i * threads + threadIdx.x);
      for (int i = 0; i < in_flight; ++i)
        to[first + i * threads + threadIdx.x] = value[i];
    }
}

/* x = x * a + b on as many numbers as cover the latency; with a = 0.5 and b = 1 they go to 2, so that nothing is written. */
constexpr int chains = 8, unrolled = 8;
template <class T> static __global__ void __launch_bounds__(threads) multiply_add(T *never, long rounds, T a, T b) {
  T x[chains];
  for (int i = 0; i < chains; ++i)
    x[i] = b + static_cast<T>(i);
  for (long round = 0; round < rounds; ++round)
    for (int part = 0; part < unrolled; ++part)
      for (int i = 0; i < chains; ++i)
        x[i] = x[i] * a + b;
  T sum = 0;
  for (int i = 0; i < chains; ++i)
    sum += x[i];
  if (sum < 0)
    *never = sum;
}
constexpr double flops_of_thread = 2.0 * chains * unrolled; /* in a round */

/* Products of small matrices by each warp, of words that make sums of zeros. */
template <bool bf16> static __global__ void __launch_bounds__(threads) multiply_matrices(float *never, long rounds, unsigned word) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  float d[chains][4];
  for (int i = 0; i < chains; ++i) /* all different, or the compiler would make one of them */
    d[i][0] = d[i][1] = d[i][2] = d[i][3] = static_cast<float>(i);
  const unsigned a[4] = {word, word, word, word}, b[2] = {word, word};
  for (long round = 0; round < rounds; ++round)
    for (int i = 0; i < chains; ++i)
      if constexpr (bf16)
        multiply_bf16(d[i], a, b);
      else
        multiply_tf32(d[i], a, b);
  float sum = 0;
  for (int i = 0; i < chains; ++i)
    sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
  if (sum < 0)
    *never = sum;
#else
  (void)never, (void)rounds, (void)word;
#endif
}
constexpr double matrix_flops_of_warp(bool bf16) { return chains * 2.0 * 16 * 8 * (bf16 ? 16 : 8); }

} // namespace hornfels::device::limits

#endif
