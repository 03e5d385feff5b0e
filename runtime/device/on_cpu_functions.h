/* Device functions that need no other thread: integers, bits, arithmetic of one rounding, functions that the
 * C library lacks, atomics, loads and stores. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_FUNCTIONS_H
#define HORNFELS_DEVICE_ON_CPU_FUNCTIONS_H

#include "on_cpu_grid.h"

#include <chrono>
#include <type_traits>

namespace hornfels::device::on_cpu {

template <class To, class From> inline To bits_of(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

/* The value as it is: what is computed from it is not contracted with what computed it. */
template <class T> inline T rounded(T value) {
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  volatile T kept = value;
  value = kept;
#endif
  return value;
}

/* The type of an argument that is converted to another argument's type. */
template <class T> struct same_type { using type = T; };
template <class T> using converted = typename same_type<T>::type;

template <class T> constexpr void check_atomic() {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned> ||
                    std::is_same_v<T, unsigned long long> || std::is_same_v<T, float> ||
                    std::is_same_v<T, double>,
                "CUDA has atomics of int, unsigned, unsigned long long, float and double");
}

/* *at = next(*at); returns what was there. One thread runs at a time, so that this is whole. */
template <class T, class Next> inline T change(T *at, Next next) {
  check_atomic<T>();
  if (reinterpret_cast<uintptr_t>(at) % sizeof(T) != 0)
    fail("atomic operation on the address %p, which is no multiple of %zu", static_cast<void *>(at),
         sizeof(T));
  const T before = *at;
  *at = next(before);
  return before;
}

/* To int, as the device does it: NaN is 0, what is too large the largest. */
template <class To, class From> inline To saturated(From value) {
  if (!(value == value))
    return 0;
  constexpr To lowest = std::is_signed_v<To> ? To(To(1) << (sizeof(To) * 8 - 1)) : To(0);
  constexpr To largest = To(~lowest);
  if (value <= static_cast<From>(lowest))
    return lowest;
  if (value >= static_cast<From>(largest))
    return largest;
  return static_cast<To>(value);
}

} // namespace hornfels::device::on_cpu

/* ---- bits ---- */

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline unsigned __brev(unsigned x) {
  unsigned result = 0;
  for (int i = 0; i < 32; ++i)
    result |= (x >> i & 1) << (31 - i);
  return result;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
inline int __mulhi(int a, int b) { return static_cast<int>(static_cast<long long>(a) * b >> 32); }
__extension__ typedef unsigned __int128 hornfels_uint128;
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(static_cast<hornfels_uint128>(a) * b >> 64);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((static_cast<unsigned long long>(high) << 32 | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) >> (shift & 31));
}

inline int __float_as_int(float x) { return hornfels::device::on_cpu::bits_of<int>(x); }
inline unsigned __float_as_uint(float x) { return hornfels::device::on_cpu::bits_of<unsigned>(x); }
inline float __int_as_float(int x) { return hornfels::device::on_cpu::bits_of<float>(x); }
inline float __uint_as_float(unsigned x) { return hornfels::device::on_cpu::bits_of<float>(x); }
inline long long __double_as_longlong(double x) { return hornfels::device::on_cpu::bits_of<long long>(x); }
inline double __longlong_as_double(long long x) { return hornfels::device::on_cpu::bits_of<double>(x); }
inline int __double2hiint(double x) { return static_cast<int>(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return static_cast<int>(__double_as_longlong(x)); }
inline double __hiloint2double(int high, int low) {
  return __longlong_as_double(static_cast<long long>(
      static_cast<unsigned long long>(static_cast<unsigned>(high)) << 32 | static_cast<unsigned>(low)));
}

/* ---- one rounding, never contracted ---- */

inline float __fadd_rn(float a, float b) { return hornfels::device::on_cpu::rounded(a + b); }
inline float __fsub_rn(float a, float b) { return hornfels::device::on_cpu::rounded(a - b); }
inline float __fmul_rn(float a, float b) { return hornfels::device::on_cpu::rounded(a * b); }
inline float __fdiv_rn(float a, float b) { return hornfels::device::on_cpu::rounded(a / b); }
inline float __fsqrt_rn(float a) { return hornfels::device::on_cpu::rounded(std::sqrt(a)); }
inline float __frcp_rn(float a) { return hornfels::device::on_cpu::rounded(1.0f / a); }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return hornfels::device::on_cpu::rounded(a + b); }
inline double __dsub_rn(double a, double b) { return hornfels::device::on_cpu::rounded(a - b); }
inline double __dmul_rn(double a, double b) { return hornfels::device::on_cpu::rounded(a * b); }
inline double __ddiv_rn(double a, double b) { return hornfels::device::on_cpu::rounded(a / b); }
inline double __dsqrt_rn(double a) { return hornfels::device::on_cpu::rounded(std::sqrt(a)); }
inline double __drcp_rn(double a) { return hornfels::device::on_cpu::rounded(1.0 / a); }
inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }

/* ---- conversions ---- */

inline int __float2int_rz(float x) { return hornfels::device::on_cpu::saturated<int>(x); }
inline int __float2int_rn(float x) { return hornfels::device::on_cpu::saturated<int>(std::nearbyint(x)); }
inline int __float2int_rd(float x) { return hornfels::device::on_cpu::saturated<int>(std::floor(x)); }
inline int __float2int_ru(float x) { return hornfels::device::on_cpu::saturated<int>(std::ceil(x)); }
inline unsigned __float2uint_rz(float x) { return hornfels::device::on_cpu::saturated<unsigned>(x); }
inline long long __float2ll_rz(float x) { return hornfels::device::on_cpu::saturated<long long>(x); }
inline int __double2int_rz(double x) { return hornfels::device::on_cpu::saturated<int>(x); }
inline int __double2int_rn(double x) { return hornfels::device::on_cpu::saturated<int>(std::nearbyint(x)); }
inline long long __double2ll_rz(double x) { return hornfels::device::on_cpu::saturated<long long>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }

/* ---- functions that the C library lacks; computed in double, so that float results are rounded once or
 * nearly ---- */

namespace hornfels::device::on_cpu {
/* sin(pi x) and cos(pi x): x is brought to [-1/4, 1/4] by exact steps of 1/2. */
inline void sine_cosine_pi(double x, double *sine, double *cosine) {
  const double quarter_turns = std::nearbyint(2 * x);
  const double rest = (x - quarter_turns / 2) * 3.14159265358979323846;
  const double s = std::sin(rest), c = std::cos(rest);
  const int turns = static_cast<int>(quarter_turns - 4 * std::floor(quarter_turns / 4));
  *sine = turns == 0 ? s : turns == 1 ? c : turns == 2 ? -s : -c;
  *cosine = turns == 0 ? c : turns == 1 ? -s : turns == 2 ? -c : s;
  if (std::isinf(x) || std::isnan(x))
    *sine = *cosine = x - x;
}
} // namespace hornfels::device::on_cpu

inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrtf(float x) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))); }
inline double rcbrt(double x) { return 1.0 / std::cbrt(x); }
inline float rcbrtf(float x) { return static_cast<float>(1.0 / std::cbrt(static_cast<double>(x))); }
inline void sincospi(double x, double *sine, double *cosine) {
  hornfels::device::on_cpu::sine_cosine_pi(x, sine, cosine);
}
inline void sincospif(float x, float *sine, float *cosine) {
  double s, c;
  hornfels::device::on_cpu::sine_cosine_pi(static_cast<double>(x), &s, &c);
  *sine = static_cast<float>(s);
  *cosine = static_cast<float>(c);
}
#if !defined(__GLIBC__) || __GLIBC__ < 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 41)
inline double sinpi(double x) {
  double s, c;
  sincospi(x, &s, &c);
  return s;
}
inline double cospi(double x) {
  double s, c;
  sincospi(x, &s, &c);
  return c;
}
inline float sinpif(float x) { return static_cast<float>(sinpi(static_cast<double>(x))); }
inline float cospif(float x) { return static_cast<float>(cospi(static_cast<double>(x))); }
#endif
inline float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1.0f : 0.0f; }
inline float __fdividef(float a, float b) { return a / b; }

/* The fast ones are as accurate as the others here. Macros, since the C library declares functions of these
 * names. */
#define __expf(x) (::expf(x))
#define __exp10f(x) (::exp10f(x))
#define __logf(x) (::logf(x))
#define __log2f(x) (::log2f(x))
#define __log10f(x) (::log10f(x))
#define __powf(x, y) (::powf(x, y))
#define __sinf(x) (::sinf(x))
#define __cosf(x) (::cosf(x))
#define __tanf(x) (::tanf(x))
#define __sincosf(x, s, c) (::sincosf(x, s, c))

/* Of floats and doubles the one that is a number, as CUDA's. */
inline int max(int a, int b) { return a < b ? b : a; }
inline int min(int a, int b) { return b < a ? b : a; }
inline unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
inline unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
inline long max(long a, long b) { return a < b ? b : a; }
inline long min(long a, long b) { return b < a ? b : a; }
inline unsigned long max(unsigned long a, unsigned long b) { return a < b ? b : a; }
inline unsigned long min(unsigned long a, unsigned long b) { return b < a ? b : a; }
inline long long max(long long a, long long b) { return a < b ? b : a; }
inline long long min(long long a, long long b) { return b < a ? b : a; }
inline float max(float a, float b) { return std::fmax(a, b); }
inline float min(float a, float b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }

/* ---- atomics: each returns what was there before ---- */

template <class T> inline T atomicAdd(T *at, hornfels::device::on_cpu::converted<T> value) {
  if constexpr (std::is_same_v<T, int>) // wraps around
    return hornfels::device::on_cpu::change(
        at, [=](int v) { return static_cast<int>(static_cast<unsigned>(v) + static_cast<unsigned>(value)); });
  else
    return hornfels::device::on_cpu::change(at, [=](T v) { return v + value; });
}
template <class T> inline T atomicSub(T *at, hornfels::device::on_cpu::converted<T> value) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>);
  return hornfels::device::on_cpu::change(
      at, [=](T v) { return static_cast<T>(static_cast<unsigned>(v) - static_cast<unsigned>(value)); });
}
template <class T> inline T atomicMax(T *at, hornfels::device::on_cpu::converted<T> value) {
  static_assert(std::is_integral_v<T>, "CUDA has no atomicMax of floating-point numbers");
  return hornfels::device::on_cpu::change(at, [=](T v) { return v < value ? value : v; });
}
template <class T> inline T atomicMin(T *at, hornfels::device::on_cpu::converted<T> value) {
  static_assert(std::is_integral_v<T>, "CUDA has no atomicMin of floating-point numbers");
  return hornfels::device::on_cpu::change(at, [=](T v) { return value < v ? value : v; });
}
template <class T> inline T atomicOr(T *at, hornfels::device::on_cpu::converted<T> value) {
  return hornfels::device::on_cpu::change(at, [=](T v) { return v | value; });
}
template <class T> inline T atomicAnd(T *at, hornfels::device::on_cpu::converted<T> value) {
  return hornfels::device::on_cpu::change(at, [=](T v) { return v & value; });
}
template <class T> inline T atomicXor(T *at, hornfels::device::on_cpu::converted<T> value) {
  return hornfels::device::on_cpu::change(at, [=](T v) { return v ^ value; });
}
template <class T> inline T atomicExch(T *at, hornfels::device::on_cpu::converted<T> value) {
  return hornfels::device::on_cpu::change(at, [=](T) { return value; });
}
template <class T>
inline T atomicCAS(T *at, hornfels::device::on_cpu::converted<T> expected,
                   hornfels::device::on_cpu::converted<T> value) {
  static_assert(std::is_integral_v<T>);
  return hornfels::device::on_cpu::change(at, [=](T v) { return v == expected ? value : v; });
}
/* Counts up to `last` and begins again at 0. */
inline unsigned atomicInc(unsigned *at, unsigned last) {
  return hornfels::device::on_cpu::change(at, [=](unsigned v) { return v >= last ? 0 : v + 1; });
}

inline void __threadfence() { asm volatile("" ::: "memory"); }
inline void __threadfence_block() { asm volatile("" ::: "memory"); }
inline void __threadfence_system() { asm volatile("" ::: "memory"); }

/* ---- loads and stores with a hint ---- */

template <class T> inline T __ldg(const T *p) { return *p; }
template <class T> inline T __ldcs(const T *p) { return *p; }
template <class T> inline T __ldcg(const T *p) { return *p; }
template <class T> inline T __ldca(const T *p) { return *p; }
template <class T> inline void __stcs(T *p, hornfels::device::on_cpu::converted<T> value) { *p = value; }
template <class T> inline void __stcg(T *p, hornfels::device::on_cpu::converted<T> value) { *p = value; }

[[noreturn]] inline void __trap() { hornfels::device::on_cpu::fail("__trap"); }
inline long long clock64() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

#endif
