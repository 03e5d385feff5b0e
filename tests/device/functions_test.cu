// The device's scalar functions and random numbers, compiled for the CPU, against those of runtime/core.
#include "runtime/core/philox.h"
#include "runtime/core/vector.h"
#include "runtime/device/functions.h"
#include "runtime/device/philox.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

// As in a generated file: inside hornfels::device these names are ours, whatever is at global scope.
namespace hornfels::device::functions_test {

template <class T> using limits = std::numeric_limits<T>;

/// Zeros, ones, ties, infinities, NaN, the ends of the range, both signs; then numbers of all magnitudes, and evenly in
/// -20 .. 20.
template <class T> std::vector<T> arguments() {
  std::vector<T> x;
  for (T v : {T(0), limits<T>::denorm_min(), T(3) * limits<T>::denorm_min(), limits<T>::min(), limits<T>::min() / 2,
              limits<T>::epsilon(), T(0.25), T(0.5), T(0.99), T(1), T(1) + limits<T>::epsilon(), T(1.5), T(2), T(2.5), T(3.5),
              T(30), T(80), T(100), T(710), T(1e6), T(0x1p23), T(0x1p24), T(0x1p31), T(0x1p53), T(1e30), limits<T>::max(),
              limits<T>::infinity(), limits<T>::quiet_NaN()}) {
    x.push_back(v);
    x.push_back(-v);
  }
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> even(-20, 20), magnitude(-37, 37);
  for (int i = 0; i < 20000; ++i) {
    x.push_back(T(even(random)));
    x.push_back(T(std::pow(10.0, magnitude(random)) * (i % 2 ? 1 : -1)));
  }
  return x;
}

/// |difference| / (1 + |expected|); equal infinities and two NaN agree. At the edge of overflow one may be infinite.
template <class T> bool agree(T found, T expected) {
  if (found != found || expected != expected)
    return found != found && expected != expected;
  const T largest = limits<T>::max() * (1 - 8 * limits<T>::epsilon());
  if (std::isinf(found) || std::isinf(expected))
    return found == expected || (std::abs(found) >= largest && std::abs(expected) >= largest && found * expected > 0);
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  return std::abs(double(found) - double(expected)) <= tolerance * (1 + std::abs(double(expected)));
}

template <class T> class Functions : public testing::Test {};
using reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Functions, reals);

#define EXPECT_FUNCTION(name)                                                                                          \
  for (TypeParam x : arguments<TypeParam>())                                                                           \
  ASSERT_PRED2(agree<TypeParam>, device::name(x), of_core([&] { return hornfels::name(x); })) << #name " of " << x

/// As in a kernel of the CPU: denormals count as zero. Not inlined, so that nothing is computed before the mode is set.
template <class F> __attribute__((noinline)) auto of_core(F f) {
  hornfels::flush_denormals mode;
  return f();
}

TYPED_TEST(Functions, OfOneNumber) {
  EXPECT_FUNCTION(exp);
  EXPECT_FUNCTION(expm1);
  EXPECT_FUNCTION(log);
  EXPECT_FUNCTION(log1p);
  EXPECT_FUNCTION(sqrt);
  EXPECT_FUNCTION(rsqrt);
  EXPECT_FUNCTION(square);
  EXPECT_FUNCTION(sin);
  EXPECT_FUNCTION(cos);
  EXPECT_FUNCTION(tanh);
  EXPECT_FUNCTION(sigmoid);
  EXPECT_FUNCTION(softplus);
  EXPECT_FUNCTION(erf);
  EXPECT_FUNCTION(floor);
  EXPECT_FUNCTION(ceil);
  EXPECT_FUNCTION(nearest);
  EXPECT_FUNCTION(sign);
  EXPECT_FUNCTION(abs);
}

TYPED_TEST(Functions, InverseOfErf) {
  using T = TypeParam;
  EXPECT_FUNCTION(erfinv);
  for (int i = -4000; i <= 4000; ++i)
    ASSERT_PRED2(agree<T>, device::erfinv(T(i) / 4000), hornfels::erfinv(T(i) / 4000)) << i;
  for (T q = 0.5; T(1) - q < T(1); q /= 2) {
    ASSERT_PRED2(agree<T>, device::erfinv(1 - q), hornfels::erfinv(1 - q)) << q;
    ASSERT_PRED2(agree<T>, device::erfinv(q - 1), hornfels::erfinv(q - 1)) << q;
  }
}

TYPED_TEST(Functions, Sinh) {
  for (TypeParam x : arguments<TypeParam>())
    ASSERT_PRED2(agree<TypeParam>, sinh(x), std::sinh(x)) << x;
}

/// The sign of a zero counts: 1 / x and signs of weights show it.
TYPED_TEST(Functions, SignsOfZero) {
  using T = TypeParam;
  for (T zero : {T(0), T(-0.0)}) {
    for (T y : {sign(zero), floor(zero), ceil(zero), nearest(zero), sin(zero), tanh(zero), expm1(zero), log1p(zero),
                erf(zero), erfinv(zero), sqrt(zero)})
      EXPECT_EQ(std::signbit(y), std::signbit(zero));
    EXPECT_EQ(rsqrt(zero), std::signbit(zero) ? -limits<T>::infinity() : limits<T>::infinity());
  }
  EXPECT_TRUE(std::signbit(ceil(T(-0.5))));
  EXPECT_FALSE(std::signbit(abs(T(-0.0))));
}

TYPED_TEST(Functions, OfTwoNumbers) {
  using T = TypeParam;
  std::vector<T> some = arguments<T>();
  some.resize(130);
  for (T a : some)
    for (T b : some) {
      ASSERT_PRED2(agree<T>, max(a, b), hornfels::max(a, b)) << a << ", " << b;
      ASSERT_PRED2(agree<T>, min(a, b), hornfels::min(a, b)) << a << ", " << b;
      ASSERT_PRED2(agree<T>, pow(a, b), of_core([&] { return hornfels::pow(a, b); })) << a << " to the " << b;
    }
}

TYPED_TEST(Functions, MultiplyAndAdd) {
  using T = TypeParam;
  const T a = T(1) + limits<T>::epsilon(), b = T(1) - limits<T>::epsilon();
  // a * b = 1 - epsilon^2 is 1 when rounded: only one rounding keeps the difference.
  EXPECT_EQ(mul_add(a, b, T(-1)), -limits<T>::epsilon() * limits<T>::epsilon());
  EXPECT_EQ(mul_sub(a, b, T(1)), -limits<T>::epsilon() * limits<T>::epsilon());
  EXPECT_EQ(neg_mul_add(a, b, T(1)), limits<T>::epsilon() * limits<T>::epsilon());
  EXPECT_EQ(reciprocal(T(4)), T(0.25));
  EXPECT_EQ(decayed(T(0.7), T(0.9), 3), T(0.7) * T(0.9) * T(0.9) * T(0.9));
  EXPECT_EQ(decayed(T(0.7), T(0.9), 0), T(0.7));
}

TEST(Functions, OfIntegers) {
  EXPECT_EQ(max(int32_t(-3), int32_t(2)), 2);
  EXPECT_EQ(min(int64_t(-3), int64_t(2)), -3);
  EXPECT_EQ(abs(int32_t(-3)), 3);
  EXPECT_EQ(abs(-(int64_t(1) << 40)), int64_t(1) << 40);
  EXPECT_EQ(sign(int32_t(-7)), -1);
  EXPECT_EQ(square(int32_t(-7)), 49);
}

/// Real to integer: towards 0; out of range and NaN give the smallest integer.
TYPED_TEST(Functions, Conversions) {
  using T = TypeParam;
  EXPECT_EQ((convert<int32_t, T>(T(2.9))), 2);
  EXPECT_EQ((convert<int32_t, T>(T(-2.9))), -2);
  EXPECT_EQ((convert<int64_t, T>(T(-2.9))), -2);
  EXPECT_EQ((convert<int32_t, T>(T(-0x1p31))), INT32_MIN);
  EXPECT_EQ((convert<int64_t, T>(T(0x1p62))), int64_t(1) << 62);
  for (T out : {T(0x1p31), T(1e30), T(-1e30), limits<T>::infinity(), -limits<T>::infinity(), limits<T>::quiet_NaN()})
    EXPECT_EQ((convert<int32_t, T>(out)), INT32_MIN) << out;
  for (T out : {T(0x1p63), T(1e30), T(-1e30), limits<T>::infinity(), limits<T>::quiet_NaN()})
    EXPECT_EQ((convert<int64_t, T>(out)), INT64_MIN) << out;
  EXPECT_EQ((convert<int32_t, double>(-2147483648.5)), INT32_MIN);
  EXPECT_EQ((convert<int32_t, double>(2147483647.5)), INT32_MAX);
  EXPECT_EQ((convert<T, int32_t>(7)), T(7));
}

template <class T> class Philox : public testing::Test {};
TYPED_TEST_SUITE(Philox, reals);

/// The same bits (uniform), the same numbers (normal), for all positions in a block and for large arguments.
TYPED_TEST(Philox, NumbersOfTheCpu) {
  using T = TypeParam;
  const uint64_t seeds[] = {0, 1, 0x0123456789abcdef, ~uint64_t(0)};
  const uint64_t steps[] = {0, 1, 0x0000a1b2c3d4e5f6, (uint64_t(1) << 48) - 1};
  const uint64_t firsts[] = {0, 997, 0x0000123456789abc, (uint64_t(1) << 48) - 64};
  for (uint64_t seed : seeds)
    for (uint64_t step : steps)
      for (uint64_t first : firsts)
        for (uint64_t e = first; e < first + 61; ++e) {
          const uint32_t stream = uint32_t(e * 2654435761u);
          ASSERT_EQ(uniform<T>(seed, stream, step, e), hornfels::uniform<T>(seed, stream, step, e));
          ASSERT_PRED2(agree<T>, normal<T>(seed, stream, step, e), hornfels::normal<T>(seed, stream, step, e)) << e;
        }
}

TYPED_TEST(Philox, WholeBlocks) {
  using T = TypeParam;
  for (uint64_t block : {uint64_t(0), uint64_t(5), uint64_t(1) << 44}) {
    const random_block<T> u = uniform_block<T>(3, 4, 5, block), n = normal_block<T>(3, 4, 5, block);
    for (int i = 0; i < per_block<T>; ++i) {
      EXPECT_EQ(u.of[i], (uniform<T>(3, 4, 5, block * per_block<T> + unsigned(i))));
      EXPECT_EQ(n.of[i], (normal<T>(3, 4, 5, block * per_block<T> + unsigned(i))));
    }
  }
}

} // namespace hornfels::device::functions_test
