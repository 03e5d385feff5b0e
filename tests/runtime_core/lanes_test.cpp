// Loads and stores at the end of a page, conversions, NaN in max and min, the order of reductions, the mode
// for denormals.
#include "vector_test.h"

namespace {

using namespace vector_test;

template <class V> class Lanes : public testing::Test {};
TYPED_TEST_SUITE(Lanes, all_vectors);

template <class V> hf::element<V> lane(V v, int i) {
  if constexpr (hf::lanes<V> == 1)
    return v;
  else
    return v[i];
}

TYPED_TEST(Lanes, PartAtThePagesEnd) {
  using V = TypeParam;
  using T = hf::element<V>;
  guarded_page page;
  for (int64_t k = 0; k <= hf::lanes<V>; ++k) {
    T *p = page.last<T>(k);
    for (int64_t i = 0; i < k; ++i)
      p[i] = T(i + 1);
    volatile int64_t count = k; /* not known to the compiler */
    const V v = hf::load_part<V>(p, count);
    for (int i = 0; i < hf::lanes<V>; ++i)
      EXPECT_EQ(lane(v, i), i < k ? T(i + 1) : T(0)) << i << " of " << k;
    p[-1] = T(77);
    hf::store_part<V>(p, v + v, count);
    EXPECT_EQ(p[-1], T(77));
    for (int64_t i = 0; i < k; ++i)
      EXPECT_EQ(p[i], T(2 * (i + 1))) << i << " of " << k;
  }
}

/* The lower and the upper half of a vector, where a compiler may join the halving and the store. */
TYPED_TEST(Lanes, HalfAtThePagesEnd) {
  using V = TypeParam;
  if constexpr (hf::lanes < V >> 2) {
    using H = hf::half<V>;
    using T = hf::element<V>;
    guarded_page page;
    for (int64_t k = 0; k <= hf::lanes<H>; ++k) {
      volatile int64_t count = k;
      for (int upper = 0; upper < 2; ++upper) {
        const V v = hf::iota<V>() + hf::load<V>(page.last<T>(hf::lanes<V>));
        T *p = page.last<T>(k);
        if (upper)
          hf::store_part<H>(p, hf::high_half(v), count);
        else
          hf::store_part<H>(p, hf::low_half(v), count);
        for (int64_t i = 0; i < k; ++i)
          EXPECT_EQ(p[i], lane(v, int(i) + upper * hf::lanes<H>)) << i << " of " << k;
        for (int i = 0; i < hf::lanes<V>; ++i)
          page.last<T>(hf::lanes<V>)[i] = T(0);
      }
    }
  }
}

/* k known to the compiler, and nothing written beyond it within the page. */
TYPED_TEST(Lanes, PartOfConstantSize) {
  using V = TypeParam;
  using T = hf::element<V>;
  constexpr int k = hf::lanes < V >> 1 ? hf::lanes<V> * 5 / 8 : 1;
  guarded_page page;
  T *p = page.last<T>(k);
  for (int i = 0; i < k; ++i)
    p[i] = T(i + 1);
  const V v = hf::load_part<V>(p, k);
  T out[hf::lanes<V> + 1];
  for (T &o : out)
    o = T(9);
  hf::store_part<V>(out, v, k);
  for (int i = 0; i <= hf::lanes<V>; ++i)
    EXPECT_EQ(out[i], i < k ? T(i + 1) : T(9)) << i;
}

TYPED_TEST(Lanes, SplatIotaAndWholeVectors) {
  using V = TypeParam;
  using T = hf::element<V>;
  T a[hf::lanes<V> + 1], b[hf::lanes<V> + 1];
  for (int i = 0; i <= hf::lanes<V>; ++i)
    a[i] = T(3 * i);
  hf::store<V>(b + 1, hf::load<V>(a + 1)); /* of no particular alignment */
  for (int i = 1; i <= hf::lanes<V>; ++i)
    EXPECT_EQ(b[i], a[i]);
  const V v = hf::iota<V>() + hf::splat<V>(T(5));
  for (int i = 0; i < hf::lanes<V>; ++i)
    EXPECT_EQ(lane(v, i), T(i + 5));
  if constexpr (std::is_floating_point_v<T>) {
    EXPECT_EQ(bits_of(lane(hf::splat<V>(T(-0.0)), 0)), bits_of(T(-0.0)));
  }
}

template <class V, class U> void expect_converts() {
  using T = hf::element<V>;
  constexpr int n = hf::lanes<V>;
  guarded_page page;
  for (int64_t k = 0; k <= n; ++k) {
    U *p = page.last<U>(k);
    for (int64_t i = 0; i < k; ++i)
      p[i] = U(i % 2 == 0 ? 1 : 100 + i);
    volatile int64_t count = k;
    const V v = hf::load_part_as<V>(static_cast<const U *>(p), count);
    for (int i = 0; i < n; ++i)
      EXPECT_EQ(lane(v, i), i < k ? T(p[i]) : T(0)) << i << " of " << k;
    for (int64_t i = 0; i < k; ++i)
      p[i] = U(0);
    hf::store_part_as<U>(p, v, count);
    for (int64_t i = 0; i < k; ++i)
      EXPECT_EQ(p[i], U(lane(v, int(i))));
  }
  U *p = page.last<U>(n);
  const V v = hf::load_as<V>(static_cast<const U *>(p));
  U out[n];
  hf::store_as(out, v);
  for (int i = 0; i < n; ++i) {
    EXPECT_EQ(lane(v, i), T(p[i]));
    EXPECT_EQ(out[i], p[i]);
  }
}

TYPED_TEST(Lanes, OtherElementTypes) {
  using V = TypeParam;
  expect_converts<V, bool>();
  expect_converts<V, uint8_t>();
  expect_converts<V, int8_t>();
  expect_converts<V, uint16_t>();
  expect_converts<V, int32_t>();
  expect_converts<V, int64_t>();
  expect_converts<V, float>();
  expect_converts<V, double>();
}

template <class V> class Reals : public testing::Test {};
TYPED_TEST_SUITE(Reals, real_vectors);

TYPED_TEST(Reals, MaxAndMinKeepNaN) {
  using V = TypeParam;
  using T = hf::element<V>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T values[] = {T(-2), T(-0.0), T(0), T(3), inf, -inf, nan};
  for (T a : values)
    for (T b : values) {
      volatile T va = a, vb = b;
      const T high = lane(hf::max(hf::splat<V>(va), hf::splat<V>(vb)), 0);
      const T low = lane(hf::min(hf::splat<V>(va), hf::splat<V>(vb)), 0);
      if (a != a || b != b) {
        EXPECT_TRUE(high != high) << a << " " << b;
        EXPECT_TRUE(low != low) << a << " " << b;
      } else {
        EXPECT_EQ(high, a > b ? a : b);
        EXPECT_EQ(low, a < b ? a : b);
      }
      const T relu = lane(hf::max(hf::splat<V>(va), hf::splat<V>(0)), 0);
      EXPECT_EQ(bits_of(relu == 0 ? T(0) : relu), bits_of(a != a ? nan : a > 0 ? a : T(0)));
    }
}

TYPED_TEST(Reals, ReductionsInOrder) {
  using V = TypeParam;
  using T = hf::element<V>;
  constexpr int n = hf::lanes<V>;
  T x[n], s[n];
  for (int i = 0; i < n; ++i)
    x[i] = s[i] = T(1) / T(i + 3) * T(i % 2 ? -1 : 1);
  for (int m = n / 2; m > 0; m /= 2) /* upper half onto lower half */
    for (int i = 0; i < m; ++i)
      s[i] = s[i] + s[i + m];
  EXPECT_EQ(hf::reduce_add(hf::load<V>(x)), s[0]);
  for (int i = 0; i < n; ++i) {
    T y[n];
    std::memcpy(y, x, sizeof(x));
    y[i] = T(50);
    EXPECT_EQ(hf::reduce_max(hf::load<V>(y)), T(50));
    y[i] = T(-50);
    EXPECT_EQ(hf::reduce_min(hf::load<V>(y)), T(-50));
    y[i] = std::numeric_limits<T>::quiet_NaN();
    EXPECT_TRUE(std::isnan(hf::reduce_max(hf::load<V>(y))));
    EXPECT_TRUE(std::isnan(hf::reduce_min(hf::load<V>(y))));
  }
}

TYPED_TEST(Reals, MulAddRoundsLikeScalars) {
  using V = TypeParam;
  using T = hf::element<V>;
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    T x[3][hf::lanes<V>];
    for (auto &row : x)
      for (T &v : row)
        v = T(double(random() >> 11) * 0x1p-53 - 0.5);
    const V r = hf::mul_add(hf::load<V>(x[0]), hf::load<V>(x[1]), hf::load<V>(x[2]));
    for (int i = 0; i < hf::lanes<V>; ++i) {
#ifdef HORNFELS_FMA
      EXPECT_EQ(lane(r, i), std::fma(x[0][i], x[1][i], x[2][i]));
#else
      volatile T p = x[0][i] * x[1][i];
      EXPECT_EQ(lane(r, i), p + x[2][i]);
#endif
    }
  }
}

TYPED_TEST(Reals, SelectAndAny) {
  using V = TypeParam;
  using T = hf::element<V>;
  const V v = hf::iota<V>();
  const V r = hf::select(v < hf::splat<V>(T(1)), hf::splat<V>(T(10)), v);
  for (int i = 0; i < hf::lanes<V>; ++i)
    EXPECT_EQ(lane(r, i), i < 1 ? T(10) : T(i));
  for (int i = 0; i < hf::lanes<V>; ++i)
    EXPECT_TRUE(hf::any(v == hf::splat<V>(T(i))));
  EXPECT_FALSE(hf::any(v == hf::splat<V>(T(-1))));
}

TEST(Denormals, CountAsZeroInTheScopeAndOnlyThere) {
  volatile float tiny = 1e-38f, quarter = 0.25f;
  EXPECT_GT(tiny * quarter, 0.0f);
  {
    hf::flush_denormals flush;
    EXPECT_EQ(bits_of(float(tiny * quarter)), bits_of(0.0f));
    volatile float denormal = std::numeric_limits<float>::denorm_min(), big = 1e30f;
    EXPECT_EQ(denormal * big, 0.0f);
    { hf::flush_denormals again; }
    EXPECT_EQ(tiny * quarter, 0.0f);
  }
  EXPECT_GT(tiny * quarter, 0.0f);
}

#if defined(__x86_64__)
/* The caller's rounding mode does not reach us, and comes back. */
TEST(Denormals, RoundingModeIsSetAndRestored) {
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x6000); /* toward zero */
  {
    hf::flush_denormals flush;
    EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x6000u, 0u);
  }
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x6000u, 0x6000u);
  __builtin_ia32_ldmxcsr(before);
}
#endif

} // namespace
