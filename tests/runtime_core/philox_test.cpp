// Philox against the published answers and a plain second writing of it; layout of counters; scalar and
// vector alike; moments of the distributions.
#include "vector_test.h"

#include "runtime/core/philox.h"

#include <array>
#include <set>

namespace {

using namespace vector_test;
using words = std::array<uint32_t, 4>;

words plain_philox(words c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1, uint32_t(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

words our_philox(words c, uint32_t k0, uint32_t k1) {
  const hf::philox_words<uint64_t> r = hf::philox<uint64_t>({{c[0], c[1], c[2], c[3]}}, k0, k1);
  return {uint32_t(r.w[0]), uint32_t(r.w[1]), uint32_t(r.w[2]), uint32_t(r.w[3])};
}

TEST(Philox, KnownAnswers) {
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(our_philox({0, 0, 0, 0}, 0, 0), (words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(our_philox({ones, ones, ones, ones}, ones, ones),
            (words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(our_philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/* The layout that philox.h states. */
TEST(Philox, Layout) {
  const uint64_t seed = 0x0123456789abcdef, step = 0x0000a1b2c3d4e5f6, element = 0x0000123456789abc;
  const uint32_t stream = 42;
  for (uint64_t e : {element, element + 1, element + 2, element + 3, uint64_t{5}}) {
    const uint64_t block = e / 4;
    const words c = {uint32_t(block), uint32_t((block >> 32 & 0xffff) | (step >> 32 & 0xffff) << 16),
                     uint32_t(step), stream};
    const words r = plain_philox(c, uint32_t(seed), uint32_t(seed >> 32));
    EXPECT_EQ(hf::uniform<float>(seed, stream, step, e), float(r[e % 4] >> 8) * 0x1p-24f);
  }
  for (uint64_t e : {element, element + 1}) {
    const uint64_t block = e / 2;
    const words c = {uint32_t(block), uint32_t((block >> 32 & 0xffff) | (step >> 32 & 0xffff) << 16),
                     uint32_t(step), stream};
    const words r = plain_philox(c, uint32_t(seed), uint32_t(seed >> 32));
    const uint64_t w = uint64_t{r[e % 2 * 2]} << 32 | r[e % 2 * 2 + 1];
    EXPECT_EQ(hf::uniform<double>(seed, stream, step, e), double(w >> 11) * 0x1p-53);
  }
}

template <class V> class Random : public testing::Test {};
#if HORNFELS_VECTOR_BYTES == 64
using random_vectors = testing::Types<hf::v16f, hf::v8f, hf::v4f, hf::v8d, hf::v4d, hf::v2d>;
#elif HORNFELS_VECTOR_BYTES == 32
using random_vectors = testing::Types<hf::v8f, hf::v4f, hf::v4d, hf::v2d>;
#else
using random_vectors = testing::Types<hf::v4f, hf::v2d>;
#endif
TYPED_TEST_SUITE(Random, random_vectors);

TYPED_TEST(Random, LanesAreTheScalars) {
  using V = TypeParam;
  using T = hf::element<V>;
  for (uint64_t first : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{7}, uint64_t{1000},
                         (uint64_t{1} << 34) - 2}) {
    const V u = hf::uniform<V>(99, 3, 17, first), n = hf::normal<V>(99, 3, 17, first);
    for (int i = 0; i < hf::lanes<V>; ++i) {
      EXPECT_EQ(u[i], hf::uniform<T>(99, 3, 17, first + uint64_t(i))) << first << " + " << i;
      EXPECT_EQ(bits_of(T(n[i])), bits_of(hf::normal<T>(99, 3, 17, first + uint64_t(i))))
          << first << " + " << i;
    }
  }
}

TYPED_TEST(Random, Moments) {
  using V = TypeParam;
  using T = hf::element<V>;
  constexpr int count = 1 << 18;
  double u1 = 0, u2 = 0, lag = 0, n1 = 0, n2 = 0, n3 = 0, n4 = 0, before = 0;
  int beyond2 = 0;
  for (int i = 0; i < count; i += hf::lanes<V>) {
    const V u = hf::uniform<V>(1, 2, 3, uint64_t(i)), n = hf::normal<V>(1, 2, 3, uint64_t(i));
    for (int j = 0; j < hf::lanes<V>; ++j) {
      const double x = double(T(u[j])), z = double(T(n[j]));
      ASSERT_GE(x, 0);
      ASSERT_LT(x, 1);
      ASSERT_LT(std::fabs(z), 8.6);
      u1 += x, u2 += x * x, lag += (x - 0.5) * (before - 0.5);
      before = x;
      n1 += z, n2 += z * z, n3 += z * z * z, n4 += z * z * z * z;
      beyond2 += std::fabs(z) > 2;
    }
  }
  /* Five standard errors each. */
  const double e = 5 / std::sqrt(double(count));
  EXPECT_NEAR(u1 / count, 0.5, e * std::sqrt(1.0 / 12));
  EXPECT_NEAR(u2 / count, 1.0 / 3, e * std::sqrt(4.0 / 45));
  EXPECT_NEAR(lag / count, 0, e / 12);
  EXPECT_NEAR(n1 / count, 0, e);
  EXPECT_NEAR(n2 / count, 1, e * std::sqrt(2.0));
  EXPECT_NEAR(n3 / count, 0, e * std::sqrt(15.0));
  EXPECT_NEAR(n4 / count, 3, e * std::sqrt(96.0));
  EXPECT_NEAR(double(beyond2) / count, 0.0455003, e * std::sqrt(0.0455 * 0.9545));
}

/* Box-Muller against the C library. */
TEST(Philox, NormalFormula) {
  for (uint64_t e = 0; e < 3000; ++e) {
    const double u = hf::uniform<float>(4, 5, 6, e & ~uint64_t{1}), v = hf::uniform<float>(4, 5, 6, e | 1);
    const double r = std::sqrt(-2 * std::log(1 - u)), angle = 2 * M_PI * v;
    EXPECT_NEAR(hf::normal<float>(4, 5, 6, e), r * (e % 2 == 0 ? std::cos(angle) : std::sin(angle)), 2e-6);
    const double ud = hf::uniform<double>(4, 5, 6, e & ~uint64_t{1}),
                 vd = hf::uniform<double>(4, 5, 6, e | 1);
    const double rd = std::sqrt(-2 * std::log(1 - ud)), angled = 2 * M_PI * vd;
    EXPECT_NEAR(hf::normal<double>(4, 5, 6, e), rd * (e % 2 == 0 ? std::cos(angled) : std::sin(angled)),
                1e-14);
  }
}

TEST(Philox, EveryPartOfTheCounterMatters) {
  std::set<double> seen;
  for (uint64_t seed : {0ull, 1ull, 1ull << 32, 1ull << 63})
    for (uint32_t stream : {0u, 1u, 1u << 31})
      for (uint64_t step : {0ull, 1ull, 1ull << 31, 1ull << 32, 1ull << 47})
        for (uint64_t element : {0ull, 1ull, 2ull, 4ull, 1ull << 34, 1ull << 47})
          seen.insert(hf::uniform<double>(seed, stream, step, element));
  EXPECT_EQ(seen.size(), 4u * 3 * 5 * 6);
}

} // namespace
