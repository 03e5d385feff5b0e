/* What scalar operations of a model are called on the device: the functions of runtime/core/vector.h for one float or
 * double, with the same meaning for NaN, infinities, denormals and ties. On the device these are CUDA's accurate
 * functions (never the fast intrinsics), on the CPU the C library's: they agree with runtime/core to 1e-6 of 1 + |value|,
 * not to the bit.
 *
 * CUDA has functions max, min, abs, exp, ... at global scope, with other rules for NaN. A generated file therefore puts
 * its kernels into a namespace inside hornfels::device, where these here are found first and hide the others. A using
 * directive from outside would make the calls ambiguous. */
#ifndef HORNFELS_DEVICE_FUNCTIONS_H
#define HORNFELS_DEVICE_FUNCTIONS_H

#include "cuda.h"

#include <math.h>
#include <stdint.h>

namespace hornfels::device {

__device__ constexpr float infinity(float) { return __builtin_inff(); }
__device__ constexpr double infinity(double) { return __builtin_inf(); }
__device__ constexpr float not_a_number(float) { return __builtin_nanf(""); }
__device__ constexpr double not_a_number(double) { return __builtin_nan(""); }
__device__ constexpr float smallest_normal(float) { return 0x1p-126f; }
__device__ constexpr double smallest_normal(double) { return 0x1p-1022; }

/* --- exact ----------------------------------------------------------------------------------------------------------- */

/* NaN if either is NaN, else the greater; max(-0, 0) is either zero. Integers too. */
template <class T> __device__ __forceinline__ T max(T a, T b) { return b != b ? b : b > a ? b : a; }
template <class T> __device__ __forceinline__ T min(T a, T b) { return b != b ? b : b < a ? b : a; }
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
/* One instruction from sm_80 on. */
__device__ __forceinline__ float max(float a, float b) {
  float y;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
__device__ __forceinline__ float min(float a, float b) {
  float y;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
#endif

__device__ __forceinline__ float abs(float x) { return ::fabsf(x); }
__device__ __forceinline__ double abs(double x) { return ::fabs(x); }
__device__ __forceinline__ int32_t abs(int32_t x) { return x < 0 ? -x : x; }
__device__ __forceinline__ int64_t abs(int64_t x) { return x < 0 ? -x : x; }

/* x, or a zero of its sign where it is denormal. runtime/core counts such arguments as 0 wherever that shows. */
template <class T> __device__ __forceinline__ T without_denormals(T x) {
  return abs(x) < smallest_normal(x) ? T(0) * x : x;
}

/* -1, 0 (with x's sign) or 1; NaN for NaN. */
__device__ __forceinline__ int32_t sign(int32_t x) { return (x > 0) - (x < 0); }
__device__ __forceinline__ int64_t sign(int64_t x) { return (x > 0) - (x < 0); }
template <class T> __device__ __forceinline__ T sign(T x) {
  const T y = without_denormals(x);
  return y > T(0) ? T(1) : y < T(0) ? T(-1) : y;
}

template <class T> __device__ __forceinline__ T square(T x) { return x * x; }
template <class T> __device__ __forceinline__ T reciprocal(T x) { return T(1) / x; }

/* Rounded right; NaN below 0. */
__device__ __forceinline__ float sqrt(float x) { return ::sqrtf(without_denormals(x)); }
__device__ __forceinline__ double sqrt(double x) { return ::sqrt(without_denormals(x)); }

__device__ __forceinline__ float floor(float x) { return ::floorf(without_denormals(x)); }
__device__ __forceinline__ double floor(double x) { return ::floor(without_denormals(x)); }
__device__ __forceinline__ float ceil(float x) { return ::ceilf(without_denormals(x)); }
__device__ __forceinline__ double ceil(double x) { return ::ceil(without_denormals(x)); }
/* The nearest whole number, ties to even. */
__device__ __forceinline__ float nearest(float x) { return ::rintf(x); }
__device__ __forceinline__ double nearest(double x) { return ::rint(x); }

/* a * b + c, a * b - c, c - a * b, rounded once. */
__device__ __forceinline__ float mul_add(float a, float b, float c) { return ::fmaf(a, b, c); }
__device__ __forceinline__ double mul_add(double a, double b, double c) { return ::fma(a, b, c); }
template <class T> __device__ __forceinline__ T mul_sub(T a, T b, T c) { return mul_add(a, b, -c); }
template <class T> __device__ __forceinline__ T neg_mul_add(T a, T b, T c) { return mul_add(-a, b, c); }

/* As C++ converts, except that a real number out of an integer's range, or NaN, gives the smallest integer: so do x86
 * processors, where CUDA gives the nearest integer, and 0 for NaN. */
template <class To, class From> __device__ __forceinline__ To convert(From x) { return To(x); }
template <> __device__ __forceinline__ int32_t convert<int32_t, float>(float x) {
  return x >= -0x1p31f && x < 0x1p31f ? int32_t(x) : INT32_MIN;
}
template <> __device__ __forceinline__ int32_t convert<int32_t, double>(double x) {
  return x > -0x1.00000002p31 && x < 0x1p31 ? int32_t(x) : INT32_MIN;
}
template <> __device__ __forceinline__ int64_t convert<int64_t, float>(float x) {
  return x >= -0x1p63f && x < 0x1p63f ? int64_t(x) : INT64_MIN;
}
template <> __device__ __forceinline__ int64_t convert<int64_t, double>(double x) {
  return x >= -0x1p63 && x < 0x1p63 ? int64_t(x) : INT64_MIN;
}

/* --- elementary ------------------------------------------------------------------------------------------------------ */

#ifdef __CUDA_ARCH__
__device__ __forceinline__ float rsqrt(float x) { return ::rsqrtf(without_denormals(x)); }
__device__ __forceinline__ double rsqrt(double x) { return ::rsqrt(without_denormals(x)); }
#else
template <class T> __device__ __forceinline__ T rsqrt(T x) { return T(1) / sqrt(without_denormals(x)); }
#endif

/* e^x. */
__device__ __forceinline__ float exp(float x) { return ::expf(x); }
__device__ __forceinline__ double exp(double x) { return ::exp(x); }
/* e^x - 1. */
__device__ __forceinline__ float expm1(float x) { return ::expm1f(x); }
__device__ __forceinline__ double expm1(double x) { return ::expm1(x); }
/* The natural logarithm; -inf for 0 and denormals, NaN below. */
__device__ __forceinline__ float log(float x) { return ::logf(without_denormals(x)); }
__device__ __forceinline__ double log(double x) { return ::log(without_denormals(x)); }
/* log(1 + x). */
__device__ __forceinline__ float log1p(float x) { return ::log1pf(x); }
__device__ __forceinline__ double log1p(double x) { return ::log1p(x); }

/* x in radians, of any size; NaN for infinities. */
__device__ __forceinline__ float sin(float x) { return ::sinf(x); }
__device__ __forceinline__ double sin(double x) { return ::sin(x); }
__device__ __forceinline__ float cos(float x) { return ::cosf(x); }
__device__ __forceinline__ double cos(double x) { return ::cos(x); }
__device__ __forceinline__ float sinh(float x) { return ::sinhf(x); }
__device__ __forceinline__ double sinh(double x) { return ::sinh(x); }
__device__ __forceinline__ float tanh(float x) { return ::tanhf(x); }
__device__ __forceinline__ double tanh(double x) { return ::tanh(x); }

/* 1 / (1 + e^-x). */
template <class T> __device__ __forceinline__ T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }
/* log(1 + e^x) = max(x, 0) + log1p(e^-|x|). */
template <class T> __device__ __forceinline__ T softplus(T x) { return max(x, T(0)) + log1p(exp(-abs(x))); }

/* x^y: 1 for y = 0 and for x = 1 whatever the other is; NaN for x < 0 with y not whole; 0 where it is denormal. */
__device__ __forceinline__ float pow(float x, float y) {
  return without_denormals(::powf(without_denormals(x), without_denormals(y)));
}
__device__ __forceinline__ double pow(double x, double y) {
  return without_denormals(::pow(without_denormals(x), without_denormals(y)));
}

__device__ __forceinline__ float erf(float x) { return ::erff(x); }
__device__ __forceinline__ double erf(double x) { return ::erf(x); }

/* The inverse of erf: -inf and inf at -1 and 1, NaN beyond. */
#ifdef __CUDACC__
__device__ __forceinline__ float erfinv(float x) { return ::erfinvf(x); }
__device__ __forceinline__ double erfinv(double x) { return ::erfinv(x); }
#else
/* Where the C library has none: with q = 1 - |x|, which is exact, solve erfc(y) = q by steps of Halley's method from
 * y^2 = sqrt(a^2 - b) - a, a = 2 / (0.147 pi) + l / 2, b = l / 0.147, l = log(1 - x^2). */
inline double erfinv(double x) {
  const double q = 1 - ::fabs(x);
  if (!(q > 0 && q < 1)) /* 0 is its own inverse; NaN stays */
    return q == 0 ? x * infinity(x) : q == 1 ? x : not_a_number(x);
  if (q > 0.999)       /* x (1 + pi/12 x^2) sqrt(pi) / 2 */
    return 0.88622692545275801 * x * (1 + 0.26179938779914944 * x * x * (1 + 0.48 * x * x));
  const double l = ::log(q * (2 - q)), a = 4.3307467508 + l / 2, b = l / 0.147;
  double y = ::sqrt(::sqrt(a * a - b) - a);
  for (int step = 0; step < 4; ++step) {
    const double off = (::erfc(y) - q) / (-1.1283791670955126 * ::exp(-y * y)); /* f / f' */
    y -= off / (1 + y * off);
  }
  return x < 0 ? -y : y;
}
inline float erfinv(float x) { return float(erfinv(double(x))); }
#endif

/* slot * factor * factor * ..., `times` roundings: what a row that an optimizer has not touched for so many steps has
 * missed (runtime/core/lazy_rows.h). */
template <class T> __device__ __forceinline__ T decayed(T slot, T factor, long times) {
  for (; times > 0; --times)
    slot *= factor;
  return slot;
}

} // namespace hornfels::device

#endif
