/* CUDA, from the toolkit or on the CPU. A .cu file of ours includes this and never asks which of the two it
 * is: nvcc compiles it for the device, and a C++17 compiler (g++ -x c++ -std=c++17) for the CPU, see
 * on_cpu.h.
 *
 *   HORNFELS_SHARED(name)   declares `name`, a char * to the dynamic shared memory of the block, 16-byte
 * aligned launch                  starts a kernel, as KERNEL<<<blocks, threads, shared_bytes,
 * stream>>>(arguments...) launch_cooperative      the same with all blocks running at once, so that they may
 * call grid_barrier            which waits for every thread of every block */
#ifndef HORNFELS_DEVICE_CUDA_H
#define HORNFELS_DEVICE_CUDA_H

#include <cstddef>

#ifdef __CUDACC__

#include <cooperative_groups.h>
#include <cuda_runtime.h>

#define HORNFELS_SHARED(name) extern __shared__ __align__(16) char name[]

namespace hornfels::device {

/* A kernel may use this much dynamic shared memory without being asked about it. */
inline constexpr size_t shared_bytes_of_any_kernel = 48 * 1024;

/* Lets `kernel` have `shared_bytes` of dynamic shared memory. Refused by the device where it has not so much.
 */
template <class... P> inline cudaError_t allow_shared_bytes(void (*kernel)(P...), size_t shared_bytes) {
  if (shared_bytes <= shared_bytes_of_any_kernel)
    return cudaSuccess;
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              static_cast<int>(shared_bytes));
}

/* kernel(arguments...) by `blocks` x `threads` threads, in the order of the stream. The arguments are copied
 * now. Returns what is wrong with the launch; what goes wrong in the kernel is reported by a later call. */
template <class... P, class... A>
inline cudaError_t launch(cudaStream_t stream, void (*kernel)(P...), dim3 blocks, dim3 threads,
                          size_t shared_bytes, const A &...arguments) {
  if (const cudaError_t error = allow_shared_bytes(kernel, shared_bytes); error != cudaSuccess)
    return error;
  kernel<<<blocks, threads, shared_bytes, stream>>>(arguments...);
  return cudaPeekAtLastError();
}

template <class... P, class... A>
inline cudaError_t launch(cudaStream_t stream, void (*kernel)(P...), long blocks, int threads,
                          size_t shared_bytes, const A &...arguments) {
  return launch(stream, kernel, dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)),
                shared_bytes, arguments...);
}

/* As launch, but refuses more blocks than the device can run at once, and lets them call grid_barrier. */
template <class... P, class... A>
inline cudaError_t launch_cooperative(cudaStream_t stream, void (*kernel)(P...), long blocks, int threads,
                                      size_t shared_bytes, const A &...arguments) {
  if (const cudaError_t error = allow_shared_bytes(kernel, shared_bytes); error != cudaSuccess)
    return error;
  return [&](P... converted) {
    void *pointers[] = {static_cast<void *>(&converted)..., nullptr};
    return cudaLaunchCooperativeKernel(reinterpret_cast<const void *>(kernel),
                                       dim3(static_cast<unsigned>(blocks)),
                                       dim3(static_cast<unsigned>(threads)), pointers, shared_bytes, stream);
  }(arguments...);
}

/* Waits until every thread of the grid is here; what each wrote before is then seen by all. */
__device__ inline void grid_barrier() { cooperative_groups::this_grid().sync(); }

} // namespace hornfels::device

#else
#include "on_cpu.h"
#endif

#endif
