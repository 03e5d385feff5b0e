/* exp, expm1, tanh, sigmoid of lanes and scalars. Part of vector.h.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2, e^x = 2^n e^r, and e^r = 1 + r + r^2 q(r). The polynomials q come from
 * tests/runtime_core/fit.py. */
#ifndef HORNFELS_EXPONENTIAL_H
#define HORNFELS_EXPONENTIAL_H

#include "arithmetic.h"
#include "lanes.h"

namespace hornfels {

/* What depends on the width of a real number. */
template <class T> struct real;

template <> struct real<float> {
  static constexpr int fraction_bits = 23;
  static constexpr float log2_e = 0x1.715476p0f;
  static constexpr float ln2_high = 0x1.62e4p-1f; /* 15 bits: n times it is exact */
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float round_magic = 0x1.8p23f;
  static constexpr float smallest = 0x1p-126f;          /* normal */
  static constexpr float exp_overflows = 0x1.62e430p6f; /* e^x is infinite from here on */
  static constexpr float exp_vanishes = -0x1.5d589ep6f; /* e^x is denormal below: 0 */
  static constexpr float expm1_is_minus_one = -18.0f;   /* e^x < 2^-25 */
  static constexpr float expm1_is_x = 0x1p-30f;
  static constexpr float tanh_is_one = 10.0f;
  static constexpr float sin_is_x = 0x1p-13f;
};

template <> struct real<double> {
  static constexpr int fraction_bits = 52;
  static constexpr double log2_e = 0x1.71547652b82fep0;
  static constexpr double ln2_high = 0x1.62e42fefap-1; /* 35 bits or fewer: n times it is exact */
  static constexpr double ln2_low = 0x1.cf79abc9e3b3ap-40;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr double smallest = 0x1p-1022;
  static constexpr double exp_overflows = 0x1.62e42fefa39f0p9;
  static constexpr double exp_vanishes = -0x1.6232bdd7abcd2p9;
  static constexpr double expm1_is_minus_one = -38.0;
  static constexpr double expm1_is_x = 0x1p-60;
  static constexpr double tanh_is_one = 20.0;
  static constexpr double sin_is_x = 0x1p-27;
};

/* (e^r - 1 - r) / r^2. */
template <class V> HORNFELS_INLINE V exp_polynomial(V r) {
  if constexpr (same<element<V>, float>)
    return polynomial(r, 0.5f, 0.166665182f, 0.0416668467f, 0.0083689522f, 0.0013899568f);
  else
    return polynomial(r, 0.5, 0.16666666666666241, 0.041666666666601702, 0.0083333333336124572,
                      0.0013888888927636204, 0.00019841269239338351, 2.4801507690874335e-5,
                      2.7557832298447023e-6, 2.7625562337022139e-7, 2.4920595719341396e-8);
}

/* x = n ln 2 + r + low, low being what rounding took from r; n comes as the lowest bits of an integer whose
 * other bits fall out in a shift by fraction_bits. */
template <class V> struct exp_parts {
  V r, low;
  unsigneds<V> n;
};
template <class V> HORNFELS_INLINE exp_parts<V> reduce_exp(V x) {
  using R = real<element<V>>;
  const V shifted = mul_add(x, splat<V>(R::log2_e), splat<V>(R::round_magic));
  const V n = shifted - splat<V>(R::round_magic);
  const V first = neg_mul_add(n, splat<V>(R::ln2_high), x); /* exact */
  const V r = neg_mul_add(n, splat<V>(R::ln2_low), first);
  const V low = neg_mul_add(n, splat<V>(R::ln2_low), first - r);
  return {r, low, bits_as<unsigneds<V>>(shifted)};
}

/* 2^n for normal results. */
template <class V> HORNFELS_INLINE V power_of_two(unsigneds<V> n) {
  using R = real<element<V>>;
  return bits_as<V>((n << R::fraction_bits) + bits_as<unsigneds<V>>(splat<V>(1)));
}

/* e^x; 0 where it is denormal. */
template <class V> HORNFELS_INLINE V exp(V x) {
  using R = real<element<V>>;
  const exp_parts<V> e = reduce_exp(x);
  const V p = mul_add(mul_add(exp_polynomial(e.r), e.r, splat<V>(1)), e.r, splat<V>(1));
  /* Adding to the exponent reaches 2^128 p for p < 1, where 2^128 alone is infinite. */
  const V y = bits_as<V>(bits_as<unsigneds<V>>(p) + (e.n << R::fraction_bits));
  const V upper = select(x < splat<V>(R::exp_overflows), y, x + splat<V>(INF<V>)); /* keeps NaN */
  return select(x < splat<V>(R::exp_vanishes), V{}, upper);
}

/* e^x - 1 = (2^n - 1 + 2^n r) + 2^n (r^2 q(r) + low); the bracket is kept in two parts. Half of it, because
 * 2^128 is infinite. */
template <class V> HORNFELS_INLINE V expm1(V x) {
  using R = real<element<V>>;
  const V bounded =
      min(max(x, splat<V>(R::expm1_is_minus_one)), splat<V>(R::exp_overflows + element<V>(0.25)));
  const exp_parts<V> e = reduce_exp(bounded);
  const V s = power_of_two<V>(e.n - 1);
  const V a = s - splat<V>(element<V>(0.5));
  const V b = s * e.r; /* exact */
  const V high = a + b;
  const V low = mul_add(s, e.low, b - (high - a));
  const V y = high + mul_add(s * (e.r * e.r), exp_polynomial(e.r), low);
  return select(abs(x) < splat<V>(R::expm1_is_x), x, y + y);
}

/* With E = e^2|x|: tanh |x| = (E - 1) / (E + 1), from 0.7 on 1 - 2 / (E + 1), which rounds better near 1; E -
 * 1 and E + 1 from the same 2^n and e^r - 1. */
template <class V> HORNFELS_INLINE V tanh(V x) {
  using R = real<element<V>>;
  const V one = splat<V>(1), a = min(abs(x), splat<V>(R::tanh_is_one));
  const exp_parts<V> e = reduce_exp(a + a);
  const V s = power_of_two<V>(e.n);
  const V p = mul_add(e.r * e.r, exp_polynomial(e.r), e.r);
  const auto large = a > splat<V>(element<V>(0.7));
  const V t = select(large, splat<V>(2), mul_add(s, p, s - one)) / mul_add(s, p, s + one);
  return with_sign(select(large, one - t, t), x);
}

/* 1 / (1 + e^-x). */
template <class V> HORNFELS_INLINE V sigmoid(V x) { return splat<V>(1) / (splat<V>(1) + exp(-x)); }

} // namespace hornfels

#endif
