/* Exact functions of lanes and scalars: max, min, abs, sqrt, floor, ceil, sign, rsqrt, square; reductions
 * over lanes. Part of vector.h. */
#ifndef HORNFELS_ARITHMETIC_H
#define HORNFELS_ARITHMETIC_H

#include "lanes.h"

namespace hornfels {

template <class V> constexpr element<V> INF = element<V>(__builtin_inff());

/* The bits of x without its sign, and the sign alone. */
template <class V> HORNFELS_INLINE V abs(V x) {
  using I = integers<V>;
  if constexpr (same<V, I>)
    return select(x < splat<V>(0), -x, x);
  else
    return bits_as<V>(bits_as<I>(x) & ~bits_as<I>(splat<V>(element<V>(-0.0))));
}
template <class V> HORNFELS_INLINE integers<V> sign_bits(V x) {
  return bits_as<integers<V>>(x) & bits_as<integers<V>>(splat<V>(element<V>(-0.0)));
}
/* |magnitude| with the sign of s, where the magnitude has none. */
template <class V> HORNFELS_INLINE V with_sign(V magnitude, V s) {
  return bits_as<V>(bits_as<integers<V>>(magnitude) | sign_bits(s));
}

/* NaN if either is NaN, else the greater; max(-0, 0) is either zero. With a constant second argument (relu)
 * it is one instruction: the processor's max gives its second operand when one is NaN, and b != b folds. */
template <class V> HORNFELS_INLINE V max(V a, V b) { return select(b != b, b, select(b > a, b, a)); }
template <class V> HORNFELS_INLINE V min(V a, V b) { return select(b != b, b, select(b < a, b, a)); }

template <class V> HORNFELS_INLINE V square(V x) { return x * x; }

/* -1, 0 (with x's sign) or 1; NaN for NaN. */
template <class V> HORNFELS_INLINE V sign(V x) {
  return select(x > splat<V>(0), splat<V>(1), select(x < splat<V>(0), splat<V>(-1), x));
}

/* The square root, rounded right; NaN below 0. */
template <class V> HORNFELS_INLINE V sqrt(V x) {
  if constexpr (same<V, float>)
    return __builtin_sqrtf(x);
  else if constexpr (same<V, double>)
    return __builtin_sqrt(x);
#if defined(__clang__)
  else
    return __builtin_elementwise_sqrt(x);
#else
#if defined(__AVX512F__)
  else if constexpr (same<V, v16f>)
    return __builtin_ia32_sqrtps512_mask(x, V{}, (unsigned short)-1, 4);
  else if constexpr (same<V, v8d>)
    return __builtin_ia32_sqrtpd512_mask(x, V{}, (unsigned char)-1, 4);
#endif
#if defined(__AVX__)
  else if constexpr (same<V, v8f>)
    return __builtin_ia32_sqrtps256(x);
  else if constexpr (same<V, v4d>)
    return __builtin_ia32_sqrtpd256(x);
#endif
#if defined(__SSE2__)
  else if constexpr (same<V, v4f>)
    return __builtin_ia32_sqrtps(x);
  else if constexpr (same<V, v2d>)
    return __builtin_ia32_sqrtpd(x);
#endif
  else if constexpr (sizeof(V) > HORNFELS_VECTOR_BYTES) {
    return join(sqrt(low_half(x)), sqrt(high_half(x)));
  } else {
    V r{};
    for (int i = 0; i < lanes<V>; ++i)
      r[i] = sqrt(element<V>(x[i]));
    return r;
  }
#endif
}

/* 1 / sqrt(x): both rounded right, no estimate. */
template <class V> HORNFELS_INLINE V rsqrt(V x) { return splat<V>(1) / sqrt(x); }

/* The nearest whole number, ties to even. Adding 2^23 (2^52) leaves no bits for a fraction. */
template <class V> HORNFELS_INLINE V nearest(V x) {
  const element<V> big = sizeof(element<V>) == 4 ? element<V>(0x1p23) : element<V>(0x1p52);
  const V a = abs(x);
  const V r = (a + splat<V>(big)) - splat<V>(big);
  return select(a < splat<V>(big), with_sign(r, x), x);
}
template <class V> HORNFELS_INLINE V floor(V x) {
  const V r = nearest(x);
  return select(r > x, r - splat<V>(1), r);
}
template <class V> HORNFELS_INLINE V ceil(V x) {
  const V r = nearest(x);
  return select(r < x, with_sign(abs(r + splat<V>(1)), x), r);
}

/* --- over the lanes of a vector, in a fixed order: upper half onto lower half, down to one
 * ---------------------- */

template <class V> HORNFELS_INLINE element<V> reduce_add(V v) {
  if constexpr (lanes<V> == 1)
    return v;
  else
    return reduce_add(low_half(v) + high_half(v));
}
/* NaN if any lane is NaN. */
template <class V> HORNFELS_INLINE element<V> reduce_max(V v) {
  if constexpr (lanes<V> == 1)
    return v;
  else
    return reduce_max(max(low_half(v), high_half(v)));
}
template <class V> HORNFELS_INLINE element<V> reduce_min(V v) {
  if constexpr (lanes<V> == 1)
    return v;
  else
    return reduce_min(min(low_half(v), high_half(v)));
}

} // namespace hornfels

#endif
