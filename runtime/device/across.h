// Sums that several threads share, in one order.
#ifndef HORNFELS_DEVICE_ACROSS_H
#define HORNFELS_DEVICE_ACROSS_H

#include "cuda.h"
#include "functions.h"

namespace hornfels::device {

struct sum_of {
  template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};
struct product_of {
  template <class T> __device__ T operator()(T a, T b) const { return a * b; }
};
struct largest_of {
  template <class T> __device__ T operator()(T a, T b) const { return max(a, b); }
};
struct smallest_of {
  template <class T> __device__ T operator()(T a, T b) const { return min(a, b); }
};

// Bytes that `across` needs of the block's shared memory: an element of 8 bytes for each thread.
constexpr int across_bytes(int threads) { return threads * 8; }

// What the `Across` threads of a point have, combined as a tree, for all of them. Together: threads p * Across ... of the block
// are those of point p; else threads p, p + Points, p + 2 * Points, ... All threads of the block call it.
template <int Threads, int Across, bool Together, class T, class Combine>
__device__ T across(T x, char *scratch, Combine combine) {
  static_assert(sizeof(T) <= 8 && (Across & (Across - 1)) == 0, "a power of two, of elements of at most 8 bytes");
  if constexpr (Together && Across <= 32) {
    (void)scratch;
    for (int m = Across / 2; m > 0; m /= 2)
      x = combine(x, __shfl_xor_sync(0xffffffffu, x, m));
    return x;
  } else {
    constexpr int step = Together ? 1 : Threads / Across;
    const int thread = int(threadIdx.x), part = Together ? thread % Across : thread / step;
    T *const partial = reinterpret_cast<T *>(scratch);
    __syncthreads();
    partial[thread] = x;
    __syncthreads();
    for (int m = Across / 2; m > 0; m /= 2) {
      if (part < m)
        partial[thread] = combine(partial[thread], partial[thread + m * step]);
      __syncthreads();
    }
    return partial[thread - part * step];
  }
}

} // namespace hornfels::device

#endif
