// How a step launches its kernels: numbers of blocks, and copies between buffers.
#ifndef HORNFELS_DEVICE_BLOCKS_H
#define HORNFELS_DEVICE_BLOCKS_H

#include "cuda.h"

namespace hornfels::device {

// Blocks that do `points` with `of_block` each, as many as a grid may have at most: kernels go on where they leave off.
inline long blocks_of(long points, long of_block) {
  const long blocks = (points + of_block - 1) / of_block, most = 1L << 20;
  return blocks < 1 ? 1 : blocks < most ? blocks : most;
}

// The largest of some sizes: of kernels that share a block's memory.
constexpr size_t largest(size_t size) { return size; }
template <class... Sizes> constexpr size_t largest(size_t size, Sizes... others) {
  const size_t rest = largest(size_t(others)...);
  return size > rest ? size : rest;
}

inline void copy(cudaStream_t stream, void *to, const void *from, size_t bytes) {
  (void)cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

} // namespace hornfels::device

#endif
