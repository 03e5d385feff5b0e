// Reductions over groups of lanes and over blocks, on CUDA on the CPU.
#include "tests/device/device_test.h"
#include "tests/device/tokens_kernels.cu"

namespace hornfels::device::tokens_kernels {

using device_test::device_array;
using device_test::in_all_orders;
using device_test::near;

template <class T> bool is_nan(T x) { return x != x; }

/// Sum, maximum, minimum and product of x[first .. first + count), in double.
template <class T> std::vector<double> reduced(const std::vector<T> &x, size_t first, size_t count) {
  double sum = 0, product = 1, most = double(x[first]), least = most;
  for (size_t i = first; i < first + count; ++i) {
    const double v = double(x[i]);
    sum += v, product *= v;
    most = is_nan(v) || is_nan(most) ? std::nan("") : std::max(most, v);
    least = is_nan(v) || is_nan(least) ? std::nan("") : std::min(least, v);
  }
  return {sum, most, least, product};
}

template <int threads, int lanes, class T> void test_reduce(std::vector<T> x) {
  SCOPED_TRACE(testing::Message() << threads << " threads, groups of " << lanes);
  std::vector<double> of_block, of_groups;
  for (size_t thread = 0; thread < size_t(threads); ++thread) {
    for (double v : reduced(x, 0, x.size()))
      of_block.push_back(v);
    for (double v : reduced(x, thread / lanes * lanes, lanes))
      of_groups.push_back(v);
  }
  const device_array<T> device_x(x);
  std::vector<T> groups;
  const std::vector<T> found = in_all_orders([&] {
    const device_array<T> y(std::vector<T>(x.size() * 4)), z(std::vector<T>(x.size() * 4));
    EXPECT_EQ(launch(nullptr, reduce<threads, lanes, T>, 1, threads, size_t(block_bytes<T>(threads)), y.data, z.data,
                     static_cast<const T *>(device_x.data)),
              cudaSuccess);
    groups = z.read();
    return y.read();
  });
  const double tolerance = std::is_same_v<T, double> ? 1e-13 : 2e-6;
  near(found, of_block, tolerance);
  near(groups, of_groups, tolerance);
  for (size_t thread = 1; thread < size_t(threads); ++thread)
    for (size_t i = 0; i < 4; ++i) // not one bit apart, in any thread
      EXPECT_EQ(std::memcmp(&found[thread * 4 + i], &found[i], sizeof(T)), 0);
}

template <class T> std::vector<T> some(int count) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> even(0.9, 1.1);
  std::vector<T> x;
  for (int i = 0; i < count; ++i)
    x.push_back(T(even(random) * (i % 3 ? 1 : -1)));
  return x;
}

TEST(Block, SumsMaximaMinimaAndProducts) {
  test_reduce<32, 1>(some<float>(32));
  test_reduce<64, 2>(some<float>(64));
  test_reduce<96, 4>(some<float>(96));
  test_reduce<256, 8>(some<float>(256));
  test_reduce<256, 16>(some<double>(256));
  test_reduce<1024, 32>(some<float>(1024));
}

TEST(Block, Integers) {
  std::vector<int32_t> x(128, 1);
  x[5] = -7, x[127] = 3, x[64] = 9;
  test_reduce<128, 4>(x);
}

TEST(Block, KeepsNaN) {
  std::vector<float> x(128, 2.0f);
  x[70] = std::nanf("");
  const device_array<float> device_x(x);
  const device_array<float> y(std::vector<float>(512)), groups(std::vector<float>(512));
  EXPECT_EQ(launch(nullptr, reduce<128, 32, float>, 1, 128, size_t(block_bytes<float>(128)), y.data, groups.data,
                   static_cast<const float *>(device_x.data)),
            cudaSuccess);
  const std::vector<float> all = y.read(), of_groups = groups.read();
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(is_nan(all[i])) << i;
    EXPECT_EQ(is_nan(of_groups[i]), i / 4 / 32 == 2) << i;
  }
}

} // namespace hornfels::device::tokens_kernels
