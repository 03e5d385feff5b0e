/* Copies from global to shared memory that go on while the thread computes (cp.async, from sm_80).
 *
 *   copy_async<16>(&shared[i], &global[j], j < n);   // any number of them
 *   commit_copies();                                 // they are a group
 *   ...
 *   wait_copies<1>();                                // all groups but the newest one are there, for this
 * thread;
 *   __syncthreads();                                 // now for all
 *
 * Before sm_80 the bytes are there at once. On the CPU they come at the last moment that is allowed, in the
 * wait, and are read then: a wait that is missing, or that waits for too few groups, gives other numbers. */
#ifndef HORNFELS_DEVICE_COPY_ASYNC_H
#define HORNFELS_DEVICE_COPY_ASYNC_H

#include "cuda.h"

namespace hornfels::device {

#ifdef __CUDACC__

/* Copies 4, 8 or 16 bytes, both addresses being multiples of that; zeros where not `valid`, and then `global`
 * is not read. */
template <int bytes>
__device__ __forceinline__ void copy_async(void *shared, const void *global, bool valid = true) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const int size = valid ? bytes : 0;
  if constexpr (bytes == 16) // past the first cache, which a tile that is read once has no use for
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(size)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global), "n"(bytes), "r"(size)
                 : "memory");
#else
  if constexpr (bytes == 16)
    *static_cast<uint4 *>(shared) = valid ? *static_cast<const uint4 *>(global) : make_uint4(0, 0, 0, 0);
  else if constexpr (bytes == 8)
    *static_cast<uint2 *>(shared) = valid ? *static_cast<const uint2 *>(global) : make_uint2(0, 0);
  else
    *static_cast<unsigned *>(shared) = valid ? *static_cast<const unsigned *>(global) : 0u;
#endif
}

/* The copies of this thread since the last call are a group. */
__device__ __forceinline__ void commit_copies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/* Waits until no more than the `newest` last groups of this thread are under way. */
template <int newest> __device__ __forceinline__ void wait_copies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(newest) : "memory");
#endif
}

#else

template <int bytes> inline void copy_async(void *shared, const void *global, bool valid = true) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16, "cp.async copies 4, 8 or 16 bytes");
  if (reinterpret_cast<uintptr_t>(shared) % bytes || (valid && reinterpret_cast<uintptr_t>(global) % bytes))
    on_cpu::fail("copy_async<%d> from %p to %p, expected multiples of %d", bytes, global, shared, bytes);
  on_cpu::fiber &self = *on_cpu::running.self;
  self.copies.push_back({shared, global, bytes, valid, self.copy_group});
}

inline void commit_copies() { ++on_cpu::running.self->copy_group; }

template <int newest> inline void wait_copies() {
  on_cpu::fiber &self = *on_cpu::running.self;
  size_t done = 0;
  for (; done < self.copies.size(); ++done) {
    const on_cpu::promised_copy &copy = self.copies[done];
    if (copy.group + newest >= self.copy_group)
      break;
    if (copy.valid)
      std::memcpy(copy.to, copy.from, copy.bytes);
    else
      std::memset(copy.to, 0, copy.bytes);
  }
  self.copies.erase(self.copies.begin(), self.copies.begin() + static_cast<std::ptrdiff_t>(done));
}

#endif

} // namespace hornfels::device

#endif
