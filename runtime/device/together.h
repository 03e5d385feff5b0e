// Several elements that lie together, read and written by one instruction.
#ifndef HORNFELS_DEVICE_TOGETHER_H
#define HORNFELS_DEVICE_TOGETHER_H

#include "cuda.h"

// A loop over them is unrolled, so that they stay in registers.
#ifdef __CUDACC__
#define HORNFELS_TOGETHER _Pragma("unroll")
#else
#define HORNFELS_TOGETHER
#endif

namespace hornfels::device {

template <class T, int count> struct alignas(sizeof(T) * count) elements {
  T x[count];
  __device__ T &operator[](int i) { return x[i]; }
  __device__ const T &operator[](int i) const { return x[i]; }
};

// `from` and `to` are multiples of what is moved: up to 16 bytes.
template <int count, class T> __device__ __forceinline__ elements<T, count> load_together(const T *from) {
  static_assert(sizeof(T) * count <= 16, "one instruction moves up to 16 bytes");
  return *static_cast<const elements<T, count> *>(static_cast<const void *>(from));
}

template <int count, class T> __device__ __forceinline__ void store_together(T *to, const elements<T, count> &x) {
  *static_cast<elements<T, count> *>(static_cast<void *>(to)) = x;
}

} // namespace hornfels::device

#endif
