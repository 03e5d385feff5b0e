/* Launches of kernels. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_LAUNCH_H
#define HORNFELS_DEVICE_ON_CPU_LAUNCH_H

#include "on_cpu_host.h"

#include <algorithm>
#include <iterator>

#define HORNFELS_SHARED(name) char *const name = hornfels::device::on_cpu::shared_of_block()

enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

/* Only what does not depend on the compiler. */
struct cudaFuncAttributes {
  int maxThreadsPerBlock, maxDynamicSharedSizeBytes, binaryVersion, ptxVersion, numRegs;
  size_t sharedSizeBytes, localSizeBytes;
};

namespace hornfels::device::on_cpu {

inline char *shared_of_block() { return running.self->block->shared; }

constexpr size_t shared_of_any_kernel = 48 * 1024;

/* A stream, and where the call that it is given to stands. */
struct stream_here {
  cudaStream_t stream;
  place at;
  stream_here(cudaStream_t stream_, HORNFELS_HERE) : stream(stream_), at{file, line} {}
  stream_here(std::nullptr_t, HORNFELS_HERE) : stream(nullptr), at{file, line} {}
};

inline cudaError_t kernels_run_here() {
  return environment("HORNFELS_DEVICE_ARCH", 90) < 75 ? cudaErrorNoKernelImageForDevice : cudaSuccess;
}

inline int blocks_at_once(int threads, size_t shared_bytes) {
  if (threads < 1 || threads > 1024 || shared_bytes > properties().sharedMemPerBlockOptin)
    return 0;
  const int warps = (threads + 31) / 32;
  const int by_threads = std::min(32, 64 / warps);
  return std::min(by_threads, int(properties().sharedMemPerMultiprocessor / (shared_bytes + 1024)));
}

/* What a device refuses at once. */
inline cudaError_t check_launch(const void *kernel, uint3 grid, uint3 block, size_t shared_bytes,
                                bool cooperative) {
  const size_t threads = size_t(block.x) * block.y * block.z, blocks = size_t(grid.x) * grid.y * grid.z;
  if (blocks == 0 || threads == 0 || threads > 1024 || block.z > 64 || grid.x > 0x7fffffff ||
      grid.y > 65535 || grid.z > 65535) {
    report("launch of %u x %u x %u blocks of %u x %u x %u threads", grid.x, grid.y, grid.z, block.x, block.y,
           block.z);
    return cudaErrorInvalidConfiguration;
  }
  const auto allowed = host.allowed_shared.find(kernel);
  const size_t limit =
      std::max(shared_of_any_kernel, allowed == host.allowed_shared.end() ? size_t(0) : allowed->second);
  if (shared_bytes > limit) {
    report("launch with %zu bytes of shared memory, the kernel was allowed %zu", shared_bytes, limit);
    return cudaErrorInvalidValue;
  }
  const cudaDeviceProp p = properties();
  if (cooperative &&
      blocks > size_t(p.multiProcessorCount) * size_t(blocks_at_once(int(threads), shared_bytes)))
    return cudaErrorCooperativeLaunchTooLarge;
  return kernels_run_here();
}

/* An argument that is a pointer leads to memory that the device sees. */
template <class P> inline bool argument_is_right(const P &argument, int number, place at) {
  if constexpr (std::is_pointer_v<P> && !std::is_function_v<std::remove_pointer_t<P>>) {
    const void *const p = const_cast<const void *>(static_cast<const volatile void *>(argument));
    if (p && owner_of(p) == owner::host) {
      report("%s:%d: argument %d of the kernel is %p, which is host memory or was freed", at.file, at.line,
             number, p);
      return false;
    }
  }
  (void)argument, (void)number, (void)at;
  return true;
}

/* An array, and no std::tuple or fold: kernels have hundreds of arguments, and what is instantiated one in
 * another takes the compiler gigabytes then. */
template <class... P> inline bool arguments_are_right(place at, const P &...arguments) {
  int number = 0;
  const bool right[] = {true, argument_is_right(arguments, number++, at)...};
  (void)at, (void)number;
  return std::all_of(std::begin(right), std::end(right), [](bool each) { return each; });
}

/* Runs a kernel that has come to its turn. */
inline cudaError_t run_kernel(const grid_launch &launch) {
  if (++host.launches == environment("HORNFELS_DEVICE_FAULT", 0))
    return cudaErrorIllegalAddress;
  const device_access access;
  run_grid(launch);
  if (environment("HORNFELS_STRICT_DEVICE", 0) && !all_guards_hold())
    fail("the kernel launched at %s:%d has written outside of device memory", launch.at.file, launch.at.line);
  return cudaSuccess;
}

/* kernel(arguments...) by all threads of the grid, in the turn of the stream. */
template <class... P, class... A>
inline cudaError_t launch_bound(const stream_here &stream, void (*kernel)(P...), dim3 grid, dim3 block,
                                size_t shared_bytes, bool cooperative, const A &...arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
  /* As the kernel takes them: what waits in the stream holds its own copies. */
  const auto launch_given = [&](P... given) {
    return call([&]() -> cudaError_t {
      const place at = stream.at;
      const void *const name = reinterpret_cast<const void *>(kernel);
      if (const cudaError_t error = check_launch(name, grid, block, shared_bytes, cooperative);
          error != cudaSuccess)
        return error;
      if (!arguments_are_right(at, given...))
        return cudaErrorInvalidValue;
      return enqueue(stream.stream, [=]() -> cudaError_t {
        if (!arguments_are_right(at, given...))
          return cudaErrorIllegalAddress;
        const auto bound = [&] { kernel(given...); };
        const auto call_bound = [](const void *self) { (*static_cast<decltype(bound) *>(self))(); };
        return run_kernel({call_bound, &bound, grid, block, shared_bytes, cooperative, at});
      });
    });
  };
  return launch_given(static_cast<P>(arguments)...);
}

} // namespace hornfels::device::on_cpu

template <class Kernel>
inline cudaError_t cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute attribute, int value) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
      return cudaSuccess;
    if (value < 0 || size_t(value) > properties().sharedMemPerBlockOptin)
      return cudaErrorInvalidValue;
    host.allowed_shared[reinterpret_cast<const void *>(kernel)] = size_t(value);
    return cudaSuccess;
  });
}
template <class Kernel> inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *result, Kernel *kernel) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    const auto allowed = host.allowed_shared.find(reinterpret_cast<const void *>(kernel));
    *result = {};
    result->maxThreadsPerBlock = 1024;
    result->maxDynamicSharedSizeBytes =
        static_cast<int>(allowed == host.allowed_shared.end() ? shared_of_any_kernel : allowed->second);
    result->binaryVersion = result->ptxVersion = static_cast<int>(environment("HORNFELS_DEVICE_ARCH", 90));
    return kernels_run_here();
  });
}
template <class Kernel>
inline cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Kernel *, int threads,
                                                                 size_t shared_bytes) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *blocks = blocks_at_once(threads, shared_bytes);
    return kernels_run_here();
  });
}

namespace hornfels::device {

/* kernel(arguments...) by `blocks` x `threads` threads, in the order of the stream. The arguments are copied
 * now. Returns what is wrong with the launch; what goes wrong in the kernel is reported by a later call. */
template <class... P, class... A>
inline cudaError_t launch(on_cpu::stream_here stream, void (*kernel)(P...), dim3 blocks, dim3 threads,
                          size_t shared_bytes, const A &...arguments) {
  if (shared_bytes > on_cpu::shared_of_any_kernel)
    if (const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                       static_cast<int>(shared_bytes));
        error != cudaSuccess)
      return error;
  return on_cpu::launch_bound(stream, kernel, blocks, threads, shared_bytes, false, arguments...);
}

template <class... P, class... A>
inline cudaError_t launch(on_cpu::stream_here stream, void (*kernel)(P...), long blocks, int threads,
                          size_t shared_bytes, const A &...arguments) {
  return launch(stream, kernel, dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)),
                shared_bytes, arguments...);
}

/* As launch, but refuses more blocks than the device can run at once, and lets them call grid_barrier. Their
 * static
 * __shared__ variables would be one: HORNFELS_SHARED is theirs. */
template <class... P, class... A>
inline cudaError_t launch_cooperative(on_cpu::stream_here stream, void (*kernel)(P...), long blocks,
                                      int threads, size_t shared_bytes, const A &...arguments) {
  if (shared_bytes > on_cpu::shared_of_any_kernel)
    if (const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                       static_cast<int>(shared_bytes));
        error != cudaSuccess)
      return error;
  return on_cpu::launch_bound(stream, kernel, dim3(static_cast<unsigned>(blocks)),
                              dim3(static_cast<unsigned>(threads)), shared_bytes, true, arguments...);
}

} // namespace hornfels::device

namespace hornfels::device::on_cpu {

template <class... P, size_t... N>
inline cudaError_t launch_pointers(const stream_here &stream, void (*kernel)(P...), dim3 grid, dim3 block,
                                   void **arguments, size_t shared_bytes, bool cooperative,
                                   std::index_sequence<N...>) {
  return launch_bound(stream, kernel, grid, block, shared_bytes, cooperative,
                      *static_cast<std::remove_reference_t<P> *>(arguments[N])...);
}

} // namespace hornfels::device::on_cpu

/* CUDA's own forms, with pointers to the arguments; the kernel is given with its type, not as const void *.
 */
template <class... P>
inline cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 grid, dim3 block, void **arguments,
                                    size_t shared_bytes = 0, cudaStream_t stream = nullptr, HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return launch_pointers(stream_here(stream, file, line), kernel, grid, block, arguments, shared_bytes, false,
                         std::index_sequence_for<P...>());
}
template <class... P>
inline cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(P...), dim3 grid, dim3 block, void **arguments,
                                               size_t shared_bytes = 0, cudaStream_t stream = nullptr,
                                               HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return launch_pointers(stream_here(stream, file, line), kernel, grid, block, arguments, shared_bytes, true,
                         std::index_sequence_for<P...>());
}

#endif
