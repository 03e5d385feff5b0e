/* log, log1p, softplus of lanes and scalars. Part of vector.h.
 *
 * x = 2^k m with m in [sqrt(1/2), sqrt 2), log x = k ln 2 + log(1 + f), f = m - 1. In float log(1 + f) is
 * f - f^2 / 2 + f^3 p(f); in double, with s = f / (2 + f), it is 2 s + s^3 p(s^2) = f - f^2 / 2 + s (f^2 / 2
 * + s^2 p). */
#ifndef HORNFELS_LOGARITHM_H
#define HORNFELS_LOGARITHM_H

#include "arithmetic.h"
#include "exponential.h"
#include "lanes.h"

namespace hornfels {

template <class V> struct log_parts {
  V k;                   /* whole */
  V m;                   /* in [sqrt(1/2), sqrt 2) */
  unsigneds<V> exponent; /* k, as the bits of 2^k less those of 1 */
};

/* x must be positive and normal. */
template <class V> HORNFELS_INLINE log_parts<V> reduce_log(V x) {
  using R = real<element<V>>;
  using U = unsigneds<V>;
  using I = integers<V>;
  using u = element<U>;
  constexpr bool single = sizeof(element<V>) == 4;
  constexpr u sqrt_half = single ? u(0x3f3504f3) : u(0x3fe6a09e667f3bcd);
  constexpr u fraction = (u(1) << R::fraction_bits) - 1;
  const U offset = bits_as<U>(x) - splat<U>(sqrt_half);
  const U m = (offset & splat<U>(fraction)) + splat<U>(sqrt_half);
  const I k = bits_as<I>(offset) >> R::fraction_bits; /* arithmetic shift */
  V real_k;
  if constexpr (single)
    real_k = convert<V>(k);
  else /* processors without AVX-512 have no conversion from int64; |k| < 2^11 fits the lowest bits of 1.5 *
          2^52 */
    real_k = bits_as<V>(bits_as<U>(k) + bits_as<U>(splat<V>(R::round_magic))) - splat<V>(R::round_magic);
  return {real_k, bits_as<V>(m), offset & ~splat<U>(fraction)};
}

/* log(1 + f) + k ln 2 + c for a small correction c. */
template <class V> HORNFELS_INLINE V log_sum(V k, V f, V c) {
  using R = real<element<V>>;
  const V small = mul_add(k, splat<V>(R::ln2_low), c);
  const V f2 = f * f;
  if constexpr (same<element<V>, float>) {
    const V p = polynomial(f, 0.333333552f, -0.250008523f, 0.199997663f, -0.166213155f, 0.142280996f,
                           -0.132034585f, 0.126151875f, -0.0735380277f);
    const V tail = mul_add(f2 * f, p, mul_add(splat<V>(-0.5f), f2, small));
    return mul_add(k, splat<V>(R::ln2_high), f + tail);
  } else {
    const V s = f / (splat<V>(2) + f);
    const V z = s * s;
    const V p =
        polynomial(z, 0.66666666666667251, 0.39999999999470143, 0.28571428730971671, 0.22222199673373191,
                   0.18183510107473219, 0.15315375018834257, 0.14783230335490755);
    const V h = splat<V>(0.5) * f2;
    const V tail = mul_add(s, mul_add(z, p, h), small) - h;
    return mul_add(k, splat<V>(R::ln2_high), f + tail);
  }
}

/* The natural logarithm; -inf for 0 (and denormals), NaN below. */
template <class V> HORNFELS_INLINE V log(V x) {
  using R = real<element<V>>;
  const log_parts<V> l = reduce_log(x);
  const V y = log_sum(l.k, l.m - splat<V>(1), V{});
  const V finite = select(x < splat<V>(INF<V>), y, x); /* inf and NaN stay */
  const V tiny = select(abs(x) < splat<V>(R::smallest), splat<V>(-INF<V>), splat<V>(0) / V{});
  return select(x < splat<V>(R::smallest), tiny, finite);
}

/* log(1 + x). Where u = 1 + x is in [sqrt(1/2), sqrt 2), x itself is f. Elsewhere u has lost some of x,
 * which, scaled like u to c, adds log(1 + c / m) = c (1 - f + ...). */
template <class V> HORNFELS_INLINE V log1p(V x) {
  using R = real<element<V>>;
  const V one = splat<V>(1), zero = V{};
  const V u = one + x;
  const V lost = select(x > one, one - (u - x), x - (u - one));
  const log_parts<V> l = reduce_log(u);
  const V scale = bits_as<V>(bits_as<unsigneds<V>>(one) -
                             l.exponent); /* 2^-k; from 2^60 on nothing that counts is lost */
  const V c = select(x < splat<V>(0x1p60f), lost * scale, zero);
  const auto whole = l.k == zero;
  const V f = select(whole, x, l.m - one);
  const V y = log_sum(l.k, f, select(whole, zero, neg_mul_add(c, f, c)));
  const V finite = select(x < splat<V>(INF<V>), y, x);
  const V below = select(x < splat<V>(-1), splat<V>(0) / V{}, splat<V>(-INF<V>)); /* x <= -1 */
  const V normal = select(x > splat<V>(-1), finite, select(x != x, x, below));
  return select(abs(x) < splat<V>(R::smallest), x, normal);
}

/* log(1 + e^x) = max(x, 0) + log1p(e^-|x|). */
template <class V> HORNFELS_INLINE V softplus(V x) { return max(x, splat<V>(0)) + log1p(exp(-abs(x))); }

} // namespace hornfels

#endif
