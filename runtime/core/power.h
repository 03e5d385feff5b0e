/* pow of lanes and scalars, with every special case of IEEE 754. Part of vector.h.
 *
 * |x|^y = e^(y log |x|). Floats go through double; doubles need the logarithm in two parts, because its error
 * is multiplied by up to 709. */
#ifndef HORNFELS_POWER_H
#define HORNFELS_POWER_H

#include "arithmetic.h"
#include "exponential.h"
#include "lanes.h"
#include "logarithm.h"
#include "precise.h"

namespace hornfels {

/* log x to 43 bits, for x positive and normal. V of double. */
template <class V> HORNFELS_INLINE V log_short(V x) {
  const log_parts<V> l = reduce_log(x);
  const V f = l.m - splat<V>(1);
  const V s = f / (splat<V>(2) + f);
  const V z = s * s;
  const V p = polynomial(z, 0.66666666674908082, 0.39999995892679602, 0.28572082811749477,
                         0.22177215517704446, 0.19570219272292844);
  return mul_add(l.k, splat<V>(0x1.62e42fefa39efp-1), mul_add(z * s, p, s + s));
}

/* e^x to 34 bits, 0 and inf beyond. */
template <class V> HORNFELS_INLINE V exp_short(V x) {
  using R = real<double>;
  const exp_parts<V> e = reduce_exp(x);
  const V q = polynomial(e.r, 0.50000000783624776, 0.16666666162357338, 0.041666269498128475,
                         0.0083334301744093491, 0.0013946077594957555, 0.00019826478138838246);
  const V p = mul_add(mul_add(q, e.r, splat<V>(1)), e.r, splat<V>(1));
  const V y = bits_as<V>(bits_as<unsigneds<V>>(p) + (e.n << R::fraction_bits));
  const V upper = select(x < splat<V>(R::exp_overflows), y, x + splat<V>(INF<V>));
  return select(x < splat<V>(R::exp_vanishes), V{}, upper);
}

/* log x in two parts, to 2^-64 of its size: 2 s + 2/3 s^3 in two parts, s^5 t(s^2) in one. */
template <class V> HORNFELS_INLINE two<V> log_precise(V x) {
  using R = real<double>;
  const log_parts<V> l = reduce_log(x);
  const V f = l.m - splat<V>(1); /* exact */
  const two<V> d = ordered_sum(splat<V>(2), f);
  const V inverse = splat<V>(1) / d.high;
  const V s = f * inverse;
  const two<V> back = product(s, d.high);
  const V s_low = (((f - back.high) - back.low) - s * d.low) * inverse;
  const two<V> z = product(s, s);
  const V z_low = mul_add(s + s, s_low, z.low);
  const two<V> cube = product(s, z.high);
  const V cube_low = mul_add(s, z_low, mul_add(s_low, z.high, cube.low));
  const two<V> third = product(splat<V>(0x1.5555555555555p-1), cube.high);
  const V third_low = mul_add(splat<V>(0x1.5555555555555p-1), cube_low,
                              mul_add(splat<V>(0x1.5555555555555p-55), cube.high, third.low));
  const V tail =
      polynomial(z.high, 0.3999999999999998, 0.28571428571443708, 0.22222222217837961, 0.18181818837109845,
                 0.15384558929302597, 0.13336244769428629, 0.11676182117810568, 0.11978443842449654);
  const two<V> a = sum(l.k * splat<V>(R::ln2_high), s + s);
  const two<V> b = sum(a.high, third.high);
  V low = mul_add(cube.high * z.high, tail, third_low);
  low = mul_add(l.k, splat<V>(R::ln2_low), low) + (s_low + s_low);
  return ordered_sum(b.high, (a.low + b.low) + low);
}

/* e^(high + low). */
template <class V> HORNFELS_INLINE V exp_precise(V high, V low) {
  using R = real<double>;
  const exp_parts<V> e = reduce_exp(high);
  const V r = e.r + low;
  const V p = mul_add(mul_add(exp_polynomial(r), r, splat<V>(1)), r, splat<V>(1));
  const V y = bits_as<V>(bits_as<unsigneds<V>>(p) + (e.n << R::fraction_bits));
  const V upper = select(high < splat<V>(R::exp_overflows), y, high + splat<V>(INF<V>));
  return select(high < splat<V>(R::exp_vanishes), V{}, upper);
}

/* pow of doubles; `precise` for results that stay double. */
template <bool precise, class V> HORNFELS_INLINE V pow_double(V x, V y) {
  using R = real<double>;
  const V one = splat<V>(1), zero = V{}, inf = splat<V>(INF<V>);
  const V a = abs(x);
  V magnitude;
  if constexpr (precise) {
    const two<V> l = log_precise(a);
    const V high = select(a < splat<V>(R::smallest), -inf, select(a < inf, l.high, a));
    const two<V> t = product(y, high);
    const V low = mul_add(y, l.low, t.low);
    magnitude = exp_precise(t.high, select(abs(t.high) < splat<V>(1024), low, zero));
  } else {
    const V l = log_short(a);
    magnitude = exp_short(y * select(a < splat<V>(R::smallest), -inf, select(a < inf, l, a)));
  }
  magnitude = select(a == one, one, magnitude); /* not inf * 0 */
  /* A negative base: odd powers are negative, broken ones are not real. 2^53 and above are even. */
  const V half_y = splat<V>(0.5) * y;
  const V odd_sign = select(nearest(half_y) != half_y, x, zero);
  const V whole = bits_as<V>(bits_as<integers<V>>(magnitude) | sign_bits(odd_sign));
  const V broken = select(x < zero, select(a < inf, splat<V>(0) / zero, magnitude), magnitude);
  const V result = select(nearest(y) == y, whole, broken);
  const V known = select(x == x, select(y == y, result, y), x);
  return select(y == zero, one, select(x == one, one, known));
}

struct pow_in_double {
  template <class V> __attribute__((always_inline)) V operator()(V x, V y) const {
    return pow_double<false>(x, y);
  }
};

/* x^y: 1 for y = 0 and for x = 1 whatever the other is; NaN for x < 0 with y not whole. */
template <class V> HORNFELS_INLINE V pow(V x, V y) {
  if constexpr (same<element<V>, float>)
    return through_double(pow_in_double{}, x, y);
  else
    return pow_double<true>(x, y);
}

} // namespace hornfels

#endif
