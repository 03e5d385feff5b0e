/* Device memory for tests: made of host values or of a count, read back as a vector, freed at the end. */
#ifndef HORNFELS_TESTS_DEVICE_VECTOR_H
#define HORNFELS_TESTS_DEVICE_VECTOR_H

#include "runtime/device/cuda.h"

#include <gtest/gtest.h>
#include <vector>

namespace hornfels::device::test {

template <class T> class device_vector {
public:
  /* What it holds is undefined; on the CPU all bits are set. */
  explicit device_vector(size_t count) : n(count) { EXPECT_EQ(cudaMalloc(&p, n * sizeof(T)), cudaSuccess); }
  explicit device_vector(const std::vector<T> &values) : device_vector(values.size()) {
    EXPECT_EQ(cudaMemcpy(p, values.data(), n * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  ~device_vector() { EXPECT_EQ(cudaFree(p), cudaSuccess); }
  device_vector(const device_vector &) = delete;
  device_vector &operator=(const device_vector &) = delete;

  operator T *() const { return p; }
  std::vector<T> read() const {
    std::vector<T> values(n);
    EXPECT_EQ(cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

private:
  T *p = nullptr;
  size_t n;
};

} // namespace hornfels::device::test

#endif
