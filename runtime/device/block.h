/* Sums, maxima, minima and products over the threads of a warp, of a part of one, or of a block. The order is fixed (a
 * tree), so the bits are the same each time. Every thread that takes part gets the result.
 *
 *   group_sum<lanes>(x)            over each group of 1, 2, 4, 8, 16 or 32 neighbouring lanes of a warp; all 32 lanes call
 *   warp_sum(x)                    over the 32 lanes of a warp
 *   block_sum<threads>(x, shared)  over a block of `threads`, a multiple of 32; all call. `shared` are
 *                                  block_bytes<T>(threads) bytes, aligned for T, which are free again on return
 *
 * likewise _max and _min (NaN if any is NaN) and _prod. T is float, double, int32_t or uint32_t. */
#ifndef HORNFELS_DEVICE_BLOCK_H
#define HORNFELS_DEVICE_BLOCK_H

#include "cuda.h"
#include "functions.h"

namespace hornfels::device {

constexpr unsigned all_lanes = 0xffffffffu;

struct adding {
  template <class T> static __device__ __forceinline__ T of(T a, T b) { return a + b; }
};
struct multiplying {
  template <class T> static __device__ __forceinline__ T of(T a, T b) { return a * b; }
};
struct greater_of {
  template <class T> static __device__ __forceinline__ T of(T a, T b) { return max(a, b); }
};
struct lesser_of {
  template <class T> static __device__ __forceinline__ T of(T a, T b) { return min(a, b); }
};

/* Lane i with lane i ^ lanes / 2, then i ^ lanes / 4, ...; since F does not mind which of the two is first, all lanes of
 * the group have the same bits. */
template <class F, int lanes, class T> __device__ __forceinline__ T group_reduce(T x) {
  static_assert(lanes >= 1 && lanes <= 32 && (lanes & (lanes - 1)) == 0, "a group divides a warp");
  for (int apart = lanes / 2; apart > 0; apart /= 2)
    x = F::of(x, __shfl_xor_sync(all_lanes, x, apart));
  return x;
}

/* What block_sum and its like need of shared memory. */
template <class T> constexpr long block_bytes(int threads) { return threads / 32 * long(sizeof(T)); }

/* Each warp, then the results of the warps: as a tree where they are a power of two, else one after another. */
template <class F, int threads, class T> __device__ __forceinline__ T block_reduce(T x, char *shared) {
  static_assert(threads % 32 == 0 && threads >= 32 && threads <= 1024, "whole warps");
  constexpr int warps = threads / 32;
  x = group_reduce<F, 32>(x);
  if constexpr (warps > 1) {
    T *const of_warps = static_cast<T *>(static_cast<void *>(shared));
    if (threadIdx.x % 32 == 0)
      of_warps[threadIdx.x / 32] = x;
    __syncthreads();
    if constexpr ((warps & (warps - 1)) == 0) {
      x = group_reduce<F, warps>(of_warps[threadIdx.x % warps]);
    } else {
      x = of_warps[0];
      for (int warp = 1; warp < warps; ++warp)
        x = F::of(x, of_warps[warp]);
    }
    __syncthreads();
  }
  return x;
}

template <int lanes, class T> __device__ __forceinline__ T group_sum(T x) { return group_reduce<adding, lanes>(x); }
template <int lanes, class T> __device__ __forceinline__ T group_max(T x) { return group_reduce<greater_of, lanes>(x); }
template <int lanes, class T> __device__ __forceinline__ T group_min(T x) { return group_reduce<lesser_of, lanes>(x); }
template <int lanes, class T> __device__ __forceinline__ T group_prod(T x) {
  return group_reduce<multiplying, lanes>(x);
}

template <class T> __device__ __forceinline__ T warp_sum(T x) { return group_sum<32>(x); }
template <class T> __device__ __forceinline__ T warp_max(T x) { return group_max<32>(x); }
template <class T> __device__ __forceinline__ T warp_min(T x) { return group_min<32>(x); }
template <class T> __device__ __forceinline__ T warp_prod(T x) { return group_prod<32>(x); }

template <int threads, class T> __device__ __forceinline__ T block_sum(T x, char *shared) {
  return block_reduce<adding, threads>(x, shared);
}
template <int threads, class T> __device__ __forceinline__ T block_max(T x, char *shared) {
  return block_reduce<greater_of, threads>(x, shared);
}
template <int threads, class T> __device__ __forceinline__ T block_min(T x, char *shared) {
  return block_reduce<lesser_of, threads>(x, shared);
}
template <int threads, class T> __device__ __forceinline__ T block_prod(T x, char *shared) {
  return block_reduce<multiplying, threads>(x, shared);
}

} // namespace hornfels::device

#endif
