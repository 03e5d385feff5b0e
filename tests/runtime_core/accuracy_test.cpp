// Errors of the elementary functions in units in the last place, against the C library in the next wider
// type; and the same bits from every width of vector and from scalars. HORNFELS_SAMPLES=N takes N samples of
// each range and HORNFELS_SHOW=1 prints the worst errors (the table in runtime/core/README.md).
#include "vector_test.h"

#include <cstdio>

namespace {

using namespace vector_test;

template <class T> struct wider;
template <> struct wider<float> { using type = double; };
template <> struct wider<double> { using type = long double; };
template <class T> using reference_real = typename wider<T>::type;

size_t samples() {
  const char *n = std::getenv("HORNFELS_SAMPLES");
  return n ? size_t(std::atoll(n)) : 60000;
}

/* Error of y in units of the last place of the exact value; infinite where one is NaN, or infinite, or 0
 * alone. Where the exact value is below the normal range, anything up to that range is right. */
template <class T> double ulps(T y, reference_real<T> exact) {
  using L = std::numeric_limits<T>;
  const T rounded = T(exact);
  if (exact != exact || y != y)
    return (exact != exact) == (y != y) ? 0 : INFINITY;
  if (std::isinf(rounded) || std::isinf(y)) /* overflow a hair too early or too late counts as one */
    return rounded == y ? 0 : std::fabs(std::isinf(y) ? rounded : y) == L::max() ? 1 : INFINITY;
  if (std::fabs(exact) < reference_real<T>(L::min()))
    return std::fabs(y) <= L::min() ? 0 : INFINITY;
  const int e = std::ilogb(exact) - (L::digits - 1);
  return double(std::scalbn(std::fabs(exact - reference_real<T>(y)), -e));
}

template <class F, class T> __attribute__((noinline)) T scalar_value(T x) { return F::template ours<T>(x); }

/* Whether vectors V give what scalars gave. */
template <class F, class V, class T> void expect_same_bits(const std::vector<T> &x, const std::vector<T> &y) {
  constexpr size_t n = size_t(hf::lanes<V>);
  size_t differences = 0;
  for (size_t i = 0; i + n <= x.size(); i += n) {
    T r[n];
    hf::store<V>(r, F::template ours<V>(hf::load<V>(&x[i])));
    for (size_t j = 0; j < n; ++j)
      if (bits_of(r[j]) != bits_of(y[i + j]) && differences++ == 0)
        ADD_FAILURE() << F::name << "(" << x[i + j] << "): lane " << r[j] << " of " << n << ", scalar "
                      << y[i + j];
  }
  EXPECT_EQ(differences, 0u) << F::name;
}

template <class F, class T> void expect_all_widths(const std::vector<T> &x, const std::vector<T> &y) {
  if constexpr (sizeof(T) == 4) {
#if HORNFELS_VECTOR_BYTES >= 64
    expect_same_bits<F, hf::v16f>(x, y);
#endif
#if HORNFELS_VECTOR_BYTES >= 32
    expect_same_bits<F, hf::v8f>(x, y);
#endif
    expect_same_bits<F, hf::v4f>(x, y);
  } else {
#if HORNFELS_VECTOR_BYTES >= 64
    expect_same_bits<F, hf::v8d>(x, y);
#endif
#if HORNFELS_VECTOR_BYTES >= 32
    expect_same_bits<F, hf::v4d>(x, y);
#endif
    expect_same_bits<F, hf::v2d>(x, y);
  }
}

/* Samples: all magnitudes of both signs, and evenly in [-range, range] and [-1, 1]. */
template <class T> std::vector<T> arguments(double range) {
  std::mt19937_64 random(7);
  std::vector<T> x;
  const T special[] = {T(0),
                       T(-0.0),
                       std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity(),
                       std::numeric_limits<T>::quiet_NaN(),
                       T(1),
                       T(-1),
                       T(0.5),
                       T(-0.5),
                       T(2),
                       T(-2),
                       std::numeric_limits<T>::max(),
                       std::numeric_limits<T>::lowest(),
                       std::numeric_limits<T>::min(),
                       -std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::epsilon()};
  x.assign(special, special + 16);
  while (x.size() < samples()) {
    const uint64_t word = random();
    T v;
    if constexpr (sizeof(T) == 4) {
      const uint32_t w = uint32_t(word);
      std::memcpy(&v, &w, 4);
    } else {
      std::memcpy(&v, &word, 8);
    }
    if (v == v && std::fabs(v) >= std::numeric_limits<T>::min())
      x.push_back(v);
    x.push_back(T(range * (2 * double(random() >> 11) * 0x1p-53 - 1)));
    x.push_back(T(2 * double(random() >> 11) * 0x1p-53 - 1));
  }
  x.resize(x.size() / 16 * 16);
  return x;
}

template <class F, class T> void expect_accurate(double range, double limit) {
  const std::vector<T> x = arguments<T>(range);
  std::vector<T> y(x.size());
  double worst = 0;
  T worst_at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    y[i] = scalar_value<F>(x[i]);
    const double e = ulps<T>(y[i], F::exact(reference_real<T>(x[i])));
    if (!(e <= worst)) {
      worst = e;
      worst_at = x[i];
    }
  }
  if (std::getenv("HORNFELS_SHOW"))
    std::printf("%-9s %-6s %.3f at %.9g\n", F::name, sizeof(T) == 4 ? "float" : "double", worst,
                double(worst_at));
  EXPECT_LE(worst, limit) << F::name << "(" << worst_at << ") = " << scalar_value<F>(worst_at) << ", exactly "
                          << F::exact(reference_real<T>(worst_at));
  expect_all_widths<F>(x, y);
  /* Whether denormals are flushed changes no result but near the smallest normal number. */
  size_t differences = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    hf::flush_denormals flush;
    const T z = scalar_value<F>(x[i]);
    differences += !(std::fabs(y[i]) < 16 * std::numeric_limits<T>::min()) && bits_of(y[i]) != bits_of(z);
  }
  EXPECT_EQ(differences, 0u) << F::name << " with denormals as zero";
}

#define FUNCTION(NAME, EXACT)                                                                                \
  struct NAME##_function {                                                                                   \
    static constexpr const char *name = #NAME;                                                               \
    template <class V> static V ours(V x) { return hf::NAME(x); }                                            \
    template <class R> static R exact(R x) { return EXACT; }                                                 \
  }

template <class R> R exact_erfinv(R x) {
  if (!(std::fabs(x) < 1))
    return std::fabs(x) == 1 ? x * R(INFINITY) : R(NAN);
  if (std::fabs(x) < R(1e-9))
    return x * R(0.886226925452758013649083741670572591L);
  /* Newton on erf in the middle, on log erfc in the tails. */
  const R a = std::fabs(x);
  R y = a < R(0.5) ? a : std::sqrt(-std::log1p(-a));
  for (int i = 0; i < 100; ++i) {
    const R slope = R(1.12837916709551257389615890312154517L) * std::exp(-y * y);
    const R step =
        a < R(0.5) ? (std::erf(y) - a) / slope : std::log((1 - a) / std::erfc(y)) * std::erfc(y) / slope;
    y -= step;
    if (std::fabs(step) <= std::fabs(y) * std::numeric_limits<R>::epsilon())
      break;
  }
  return std::copysign(y, x);
}

FUNCTION(exp, std::exp(x));
FUNCTION(expm1, std::expm1(x));
FUNCTION(log, std::log(x));
FUNCTION(log1p, std::log1p(x));
FUNCTION(tanh, std::tanh(x));
FUNCTION(sigmoid, 1 / (1 + std::exp(-x)));
FUNCTION(softplus, x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
FUNCTION(sin, std::sin(x));
FUNCTION(cos, std::cos(x));
FUNCTION(erf, std::erf(x));
FUNCTION(erfinv, exact_erfinv(x));
FUNCTION(sqrt, std::sqrt(x));
FUNCTION(rsqrt, 1 / std::sqrt(x));
FUNCTION(floor, std::floor(x));
FUNCTION(ceil, std::ceil(x));
FUNCTION(abs, std::fabs(x));
FUNCTION(sign, x > 0 ? R(1) : x < 0 ? R(-1) : x);

/* Without fused multiply-add a sum of two roundings costs a little more. */
#ifdef HORNFELS_FMA
constexpr double extra = 0;
#else
constexpr double extra = 0.5;
#endif

TEST(Accuracy, Exponential) {
  expect_accurate<exp_function, float>(100, 1 + extra);
  expect_accurate<exp_function, double>(720, 1 + extra);
  expect_accurate<expm1_function, float>(20, 1.25 + extra);
  expect_accurate<expm1_function, double>(40, 1.25 + extra);
}
TEST(Accuracy, Logarithm) {
  expect_accurate<log_function, float>(10, 1 + extra);
  expect_accurate<log_function, double>(10, 1 + extra);
  expect_accurate<log1p_function, float>(10, 1.25 + extra);
  expect_accurate<log1p_function, double>(10, 1.25 + extra);
}
TEST(Accuracy, Activations) {
  expect_accurate<tanh_function, float>(10, 3 + extra);
  expect_accurate<tanh_function, double>(20, 3 + extra);
  expect_accurate<sigmoid_function, float>(20, 2.5 + extra);
  expect_accurate<sigmoid_function, double>(40, 2.5 + extra);
  expect_accurate<softplus_function, float>(20, 2 + extra);
  expect_accurate<softplus_function, double>(40, 2 + extra);
}
TEST(Accuracy, Trigonometry) {
  expect_accurate<sin_function, float>(1000, 1);
  expect_accurate<sin_function, double>(1000, 1);
  expect_accurate<cos_function, float>(1000, 1);
  expect_accurate<cos_function, double>(1000, 1);
}
TEST(Accuracy, ErrorFunction) {
  expect_accurate<erf_function, float>(4, 1.5 + extra);
  expect_accurate<erf_function, double>(6, 1.5 + extra);
  expect_accurate<erfinv_function, float>(1, 3 + extra);
  expect_accurate<erfinv_function, double>(1, 3 + extra);
}
TEST(Accuracy, Exact) {
  expect_accurate<sqrt_function, float>(100, 0.5);
  expect_accurate<sqrt_function, double>(100, 0.5001);
  expect_accurate<rsqrt_function, float>(100, 1.5);
  expect_accurate<rsqrt_function, double>(100, 1.5);
  expect_accurate<floor_function, float>(100, 0);
  expect_accurate<floor_function, double>(100, 0);
  expect_accurate<ceil_function, float>(100, 0);
  expect_accurate<ceil_function, double>(100, 0);
  expect_accurate<abs_function, float>(100, 0);
  expect_accurate<abs_function, double>(100, 0);
  expect_accurate<sign_function, float>(100, 0);
  expect_accurate<sign_function, double>(100, 0);
}

template <class T> __attribute__((noinline)) T scalar_pow(T x, T y) { return hf::pow(x, y); }

template <class T> void expect_pow_accurate(double limit) {
  using V = std::conditional_t<sizeof(T) == 4, hf::vf, hf::vd>;
  constexpr size_t n = size_t(hf::lanes<V>);
  std::mt19937_64 random(3);
  auto unit = [&] { return double(random() >> 11) * 0x1p-53; };
  double worst = 0;
  T worst_x = 0, worst_y = 0;
  size_t differences = 0;
  for (size_t i = 0; i < samples(); i += n) {
    T x[n], y[n], r[n];
    for (size_t j = 0; j < n; ++j) {
      x[j] = T(std::exp(i % 3 == 0 ? 160 * unit() - 80 : 2 * unit() - 1)) * (i % 7 == 0 ? T(-1) : T(1));
      y[j] = T((i % 3 == 0 ? 2.0 : sizeof(T) == 4 ? 80.0 : 700.0) * (2 * unit() - 1));
      if (i % 7 == 0)
        y[j] = std::round(y[j]);
    }
    hf::store<V>(r, hf::pow(hf::load<V>(x), hf::load<V>(y)));
    for (size_t j = 0; j < n; ++j) {
      using R = reference_real<T>;
      const double e = ulps<T>(r[j], std::pow(R(x[j]), R(y[j])));
      if (!(e <= worst)) {
        worst = e;
        worst_x = x[j];
        worst_y = y[j];
      }
      differences += bits_of(r[j]) != bits_of(scalar_pow(x[j], y[j]));
    }
  }
  if (std::getenv("HORNFELS_SHOW"))
    std::printf("pow       %-6s %.3f at %.17g, %.17g\n", sizeof(T) == 4 ? "float" : "double", worst,
                double(worst_x), double(worst_y));
  EXPECT_LE(worst, limit) << "pow(" << worst_x << ", " << worst_y << ")";
  EXPECT_EQ(differences, 0u) << "lanes against scalars";
}
TEST(Accuracy, Power) {
  expect_pow_accurate<float>(1);
  expect_pow_accurate<double>(1.5);
}

template <class T> void expect_pow_special() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T values[] = {T(0),
                      T(-0.0),
                      T(1),
                      T(-1),
                      T(2),
                      T(-2),
                      T(3),
                      T(-3),
                      T(0.5),
                      T(-0.5),
                      T(1e9),
                      T(-1e9),
                      T(16777217),
                      T(-16777217),
                      T(2.5),
                      inf,
                      -inf,
                      nan,
                      std::numeric_limits<T>::max(),
                      std::numeric_limits<T>::lowest(),
                      std::numeric_limits<T>::min()};
  for (T x : values)
    for (T y : values)
      EXPECT_LE(ulps<T>(scalar_pow(x, y), std::pow(reference_real<T>(x), reference_real<T>(y))), 1.5)
          << "pow(" << x << ", " << y << ") = " << scalar_pow(x, y);
  EXPECT_TRUE(std::signbit(scalar_pow(T(-0.0), T(3))));
  EXPECT_FALSE(std::signbit(scalar_pow(T(-0.0), T(2))));
  EXPECT_EQ(scalar_pow(T(-0.0), T(-3)), -inf);
}
TEST(Accuracy, PowerSpecialValues) {
  expect_pow_special<float>();
  expect_pow_special<double>();
}

/* Signs of zero that the errors above do not see. */
TEST(Accuracy, SignedZeros) {
  using F = float (*)(float);
  const F odd[] = {[](float x) { return hf::expm1(x); }, [](float x) { return hf::log1p(x); },
                   [](float x) { return hf::tanh(x); },  [](float x) { return hf::sin(x); },
                   [](float x) { return hf::erf(x); },   [](float x) { return hf::erfinv(x); },
                   [](float x) { return hf::floor(x); }, [](float x) { return hf::ceil(x); },
                   [](float x) { return hf::sign(x); },  [](float x) { return hf::sqrt(x); }};
  for (F f : odd) {
    EXPECT_EQ(bits_of(f(-0.0f)), bits_of(-0.0f)) << "function " << &f - odd;
    EXPECT_EQ(bits_of(f(0.0f)), bits_of(0.0f)) << "function " << &f - odd;
  }
  EXPECT_TRUE(std::signbit(hf::ceil(-0.25)));
  EXPECT_TRUE(std::signbit(hf::sin(-0.0)));
}

} // namespace
