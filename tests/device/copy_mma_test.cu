/* Copies under way and products of a warp, against plain loops. */
#include "copy_mma_kernels.cu"
#include "device_vector.h"

#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace hornfels::device;
using namespace hornfels::device::test;

namespace {

std::vector<float> random_values(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-2, 2);
  std::vector<float> values(count);
  for (float &v : values)
    v = uniform(random);
  return values;
}

template <int bytes, int newest> std::vector<float> added(const std::vector<float> &x) {
  const int n = static_cast<int>(x.size()), tile = 64 * (bytes / 4);
  const device_vector<float> in(x), out(x.size());
  EXPECT_EQ(launch(nullptr, add_one<bytes, newest>, 1, 64, 2 * 64 * bytes, out, in, n, (n + tile - 1) / tile),
            cudaSuccess);
  return out.read();
}

TEST(copy_async, brings_what_the_wait_promises) {
  for (const size_t n : {4u, 64u, 252u, 1024u}) {
    const std::vector<float> x = random_values(n, 1);
    const std::vector<float> four = added<4, 1>(x), eight = added<8, 1>(x), sixteen = added<16, 1>(x);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(four[i], x[i] + 1);
      EXPECT_EQ(eight[i], x[i] + 1);
      EXPECT_EQ(sixteen[i], x[i] + 1);
    }
  }
}

TEST(copy_async, a_wait_for_too_few_groups_shows) {
  const std::vector<float> x = random_values(1024, 1), y = added<16, 2>(x);
  size_t wrong = 0;
  for (size_t i = 0; i < x.size(); ++i)
    wrong += !(y[i] == x[i] + 1);
  EXPECT_GT(wrong, x.size() / 2);
}

TEST(copy_async, addresses_are_multiples_of_their_width) {
  const device_vector<float> in(64), out(64);
  EXPECT_DEATH(
      {
        launch(nullptr, add_one<16, 1>, 1, 64, 2 * 64 * 16, out, in + 1, 16, 1);
        cudaDeviceSynchronize();
      },
      "copy_async<16> from");
}

TEST(mma, rounds_to_tf32_as_the_device) {
  const auto rounded = [](unsigned bits) { return to_tf32(__uint_as_float(bits)); };
  EXPECT_EQ(rounded(0x3f800fffu), 0x3f800000u);
  EXPECT_EQ(rounded(0x3f801000u), 0x3f802000u); // a tie, away from zero
  EXPECT_EQ(rounded(0xbf801000u), 0xbf802000u);
  EXPECT_EQ(rounded(0x3f803000u), 0x3f804000u);
  EXPECT_EQ(rounded(0x3fffffffu), 0x40000000u); // carries into the exponent
  EXPECT_EQ(rounded(0x7f7fffffu), 0x7f800000u); // and to infinity
  EXPECT_EQ(rounded(0x00001000u), 0x00002000u); // denormals too
  EXPECT_EQ(rounded(0x80000000u), 0x80000000u);
  EXPECT_EQ(rounded(0xff800000u), 0xff800000u);
  EXPECT_TRUE(std::isnan(__uint_as_float(rounded(0x7fc00000u))));
}

TEST(mma, rounds_to_bf16_as_the_device) {
  const auto rounded = [](unsigned bits) { return to_bf16(__uint_as_float(bits), 0) & 0xffffu; };
  EXPECT_EQ(rounded(0x3f807fffu), 0x3f80u);
  EXPECT_EQ(rounded(0x3f808000u), 0x3f80u); // ties, to even
  EXPECT_EQ(rounded(0x3f818000u), 0x3f82u);
  EXPECT_EQ(rounded(0x3f808001u), 0x3f81u);
  EXPECT_EQ(rounded(0x7f7fffffu), 0x7f80u);
  EXPECT_EQ(rounded(0xff800000u), 0xff80u);
  EXPECT_EQ(rounded(0xffc00000u), 0x7fffu); // every NaN is this one
  EXPECT_EQ(to_bf16(1.0f, -2.0f), 0xc0003f80u);
}

/* d + sum over k of round(a) round(b), with `bits` of a float's fraction left, ties as to_tf32 and to_bf16.
 */
template <class Round>
void expect_product(const std::vector<float> &result, const std::vector<float> &d,
                    const std::vector<float> &a, const std::vector<float> &b, size_t k, Round round) {
  for (size_t m = 0; m < 16; ++m)
    for (size_t n = 0; n < 8; ++n) {
      double sum = double(d[m * 8 + n]);
      for (size_t i = 0; i < k; ++i)
        sum += double(round(a[m * k + i])) * double(round(b[i * 8 + n]));
      EXPECT_NEAR(double(result[m * 8 + n]), sum, 1e-6) << "element " << m << ", " << n;
    }
}

TEST(mma, multiplies_tf32) {
  const std::vector<float> a = random_values(16 * 8, 2), b = random_values(8 * 8, 3),
                           c = random_values(16 * 8, 4);
  const device_vector<float> left(a), right(b), d(c);
  ASSERT_EQ(launch(nullptr, small_product_tf32, 1, 32, 0, d, left, right), cudaSuccess);
  expect_product(d.read(), c, a, b, 8, [](float x) { return __uint_as_float(to_tf32(x)); });
}

TEST(mma, multiplies_bf16) {
  const std::vector<float> a = random_values(16 * 16, 5), b = random_values(16 * 8, 6),
                           c = random_values(16 * 8, 7);
  const device_vector<float> left(a), right(b), d(c);
  ASSERT_EQ(launch(nullptr, small_product_bf16, 1, 32, 768, d, left, right), cudaSuccess);
  expect_product(d.read(), c, a, b, 16, [](float x) { return __uint_as_float(to_bf16(x, 0) << 16); });
}

TEST(mma, wants_the_whole_warp) {
  const device_vector<float> d(128), a(128), b(64);
  EXPECT_DEATH(
      {
        launch(nullptr, small_product_tf32, 1, 16, 0, d, a, b);
        cudaDeviceSynchronize();
      },
      "lanes 0x0000ffff, expected all");
}

} // namespace
