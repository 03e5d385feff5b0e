// What tests of device code share: arrays on the device, runs in several orders of threads, comparison with doubles.
#ifndef HORNFELS_TESTS_DEVICE_DEVICE_TEST_H
#define HORNFELS_TESTS_DEVICE_DEVICE_TEST_H

#include "runtime/device/cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace device_test {

/// Memory of the device with a copy of `values`.
template <class T> struct device_array {
  T *data = nullptr;
  size_t count = 0;

  device_array() = default;
  explicit device_array(const std::vector<T> &values) : count(values.size()) {
    EXPECT_EQ(cudaMalloc(reinterpret_cast<void **>(&data), std::max<size_t>(1, count) * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  device_array(device_array &&other) { *this = std::move(other); }
  device_array &operator=(device_array &&other) {
    std::swap(data, other.data);
    std::swap(count, other.count);
    return *this;
  }
  ~device_array() {
    if (data)
      cudaFree(data);
  }
  std::vector<T> read() const {
    std::vector<T> values(count);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }
};

/// What `run` returns, with the threads' turns as they are, in order, backwards, and shuffled twice: the same bytes.
template <class F> auto in_all_orders(F run) {
  const auto first = run();
  const char *const given = std::getenv("HORNFELS_FIBER_SEED");
  const std::string before = given ? given : "";
  for (const char *order : {"forward", "backward", "7", "12345"}) {
    setenv("HORNFELS_FIBER_SEED", order, 1);
    const auto again = run();
    EXPECT_EQ(first.size(), again.size());
    EXPECT_EQ(std::memcmp(first.data(), again.data(), first.size() * sizeof(first[0])), 0) << "order " << order;
  }
  setenv("HORNFELS_FIBER_SEED", before.c_str(), 1);
  return first;
}

/// |difference| <= tolerance (1 + |expected|) for each.
template <class T>
void near(const std::vector<T> &found, const std::vector<double> &expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(double(found[i]), expected[i], tolerance * (1 + std::abs(expected[i]))) << "element " << i;
}

} // namespace device_test

#endif
