/* sin and cos of lanes and scalars, for every argument. Part of vector.h.
 *
 * x = q pi/2 + r with |r| <= pi/4 (a hair more); q modulo 4 chooses sin r, cos r, -sin r, -cos r. Floats are
 * computed in double, half a vector at a time. Arguments beyond `far` need 2/pi to more digits than a double
 * has: lanes that have one go through reduce_far one by one. */
#ifndef HORNFELS_TRIGONOMETRY_H
#define HORNFELS_TRIGONOMETRY_H

#include "arithmetic.h"
#include "exponential.h"
#include "lanes.h"
#include "precise.h"

namespace hornfels {

/* r + low is the remainder; the quarter turns are its lowest two bits. */
template <class V> struct quarter_turns {
  V r, low;
  unsigneds<V> quarters;
};

constexpr double far = 0x1p18; /* q * pi/2's first 33 bits is exact up to here */

/* One argument, far < |x| < inf: x = m 2^e with an integer m, so of 2/pi only the 192 bits from 2^-(e-1) on
 * matter; those above make multiples of 4 quarter turns, those below less than 2^-137. */
template <int only = 0>
__attribute__((noinline, cold)) static void reduce_far(double x, double *r, double *low, uint64_t *quarters) {
  /* A word of zeros, then 2/pi in binary. */
  static constexpr uint64_t two_over_pi[20] = {0,
                                               0xa2f9836e4e441529,
                                               0xfc2757d1f534ddc0,
                                               0xdb6295993c439041,
                                               0xfe5163abdebbc561,
                                               0xb7246e3a424dd2e0,
                                               0x06492eea09d1921c,
                                               0xfe1deb1cb129a73e,
                                               0xe88235f52ebb4484,
                                               0xe99c7026b45f7e41,
                                               0x3991d639835339f4,
                                               0x9c845f8bbdf9283b,
                                               0x1ff897ffde05980f,
                                               0xef2f118b5a0a6d1f,
                                               0x6d367ecf27cb09b7,
                                               0x4f463f669e5fea2d,
                                               0x7527bac7ebe5f17b,
                                               0x3d0739f78a5292ea,
                                               0x6bfb5fb11f8d5d08,
                                               0x56033046fc7b6bab};
  __extension__ typedef unsigned __int128 u128;
  __extension__ typedef __int128 i128;
  const uint64_t bits = bits_as<uint64_t>(x);
  const uint64_t m = (bits & 0xfffffffffffff) | 0x10000000000000;
  const unsigned exponent = unsigned(bits >> 52) & 0x7ff;
  const unsigned at = exponent - 1075 + 62; /* e + 62: where the 192 bits begin, the word of zeros counted */
  const unsigned word = at >> 6, shift = at & 63;
  uint64_t f[3];
  for (unsigned i = 0; i < 3; ++i)
    f[i] = shift ? two_over_pi[word + i] << shift | two_over_pi[word + i + 1] >> (64 - shift)
                 : two_over_pi[word + i];
  const u128 p0 = u128(m) * f[2];
  const u128 p1 = u128(m) * f[1] + (p0 >> 64);
  const uint64_t p2 = m * f[0] + uint64_t(p1 >> 64); /* two bits of quarter turns, then the fraction */
  const u128 fraction = u128(p2 << 2 | uint64_t(p1) >> 62) << 64 | (uint64_t(p1) << 2 | uint64_t(p0) >> 62);
  const i128 s = i128(fraction); /* of quarter turns, in [-1/2, 1/2), times 2^128 */
  uint64_t q = (p2 >> 62) + (s < 0 ? 1 : 0);
  const double high = double(s);
  const double rest = double(s - i128(high)) * 0x1p-128;
  const two<double> t = product(high * 0x1p-128, 0x1.921fb54442d18p+0);
  const double t_low = t.low + high * 0x1p-128 * 0x1.1a62633145c07p-54 + rest * 0x1.921fb54442d18p+0;
  const two<double> sum = ordered_sum(t.high, t_low);
  const bool negative = (bits >> 63) != 0;
  *r = negative ? -sum.high : sum.high;
  *low = negative ? -sum.low : sum.low;
  *quarters = negative ? 0 - q : q;
}

/* V of double. */
template <class V> HORNFELS_INLINE quarter_turns<V> reduce_turns(V x) {
  using R = real<double>;
  const V shifted = mul_add(x, splat<V>(0x1.45f306dc9c883p-1), splat<V>(R::round_magic)); /* 2/pi */
  const V q = shifted - splat<V>(R::round_magic);
  const V first = neg_mul_add(q, splat<V>(0x1.921fb54400000p+0), x); /* exact, like the next product */
  const V second = q * splat<V>(-0x1.0b4611a600000p-34);
  const two<V> a = sum(first, second);
  const two<V> b = sum(a.high, q * splat<V>(-0x1.3198a2e037073p-69));
  const two<V> c = ordered_sum(b.high, a.low + b.low);
  quarter_turns<V> t{c.high, c.low, bits_as<unsigneds<V>>(shifted)};
  if (__builtin_expect(any(abs(x) > splat<V>(far)), 0)) {
    if constexpr (lanes<V> == 1) {
      if (abs(x) < INF<V>)
        reduce_far(x, &t.r, &t.low, &t.quarters);
    } else {
      for (int i = 0; i < lanes<V>; ++i) {
        if (abs(double(x[i])) > far && abs(double(x[i])) < INF<V>) {
          double r, low;
          uint64_t quarters;
          reduce_far(x[i], &r, &low, &quarters);
          t.r[i] = r, t.low[i] = low, t.quarters[i] = quarters;
        }
      }
    }
  }
  return t;
}

/* sin(r + low) = r + (r^3 s(r^2) + low (1 - r^2 / 2)), cos(r + low) = (1 - r^2 / 2) + (r^4 c(r^2) - r low).
 */
template <class V> HORNFELS_INLINE V sin_kernel(V r, V low) {
  const V z = r * r;
  const V p = polynomial(z, -0.16666666666666635, 0.0083333333333230133, -0.00019841269830195125,
                         2.755731380449243e-6, -2.5050773259726051e-8, 1.5897563610779998e-10);
  return r + mul_add(z * r, p, mul_add(splat<V>(-0.5) * z, low, low));
}
template <class V> HORNFELS_INLINE V cos_kernel(V r, V low) {
  const V z = r * r;
  const V p = polynomial(z, 0.041666666666666595, -0.0013888888888873368, 2.4801587289024925e-5,
                         -2.7557314224225962e-7, 2.0875706361814535e-9, -1.1358796183172154e-11);
  const V w = neg_mul_add(splat<V>(0.5), z, splat<V>(1));
  const V lost = neg_mul_add(splat<V>(0.5), z, splat<V>(1) - w);
  return w + (lost + mul_add(z * z, p, -(r * low)));
}

/* The same to 37 bits, for results that become floats. */
template <class V> HORNFELS_INLINE V sin_kernel_short(V r) {
  const V z = r * r;
  return mul_add(z * r,
                 polynomial(z, -0.16666666642431377, 0.0083333294480162513, -0.00019839349215754602,
                            2.7184146750125739e-6),
                 r);
}
template <class V> HORNFELS_INLINE V cos_kernel_short(V r) {
  const V z = r * r;
  const V p = polynomial(z, 0.041666666619380704, -0.0013888883492597726, 2.4799458375796501e-5,
                         -2.7205610515452678e-7);
  return mul_add(z * z, p, neg_mul_add(splat<V>(0.5), z, splat<V>(1)));
}

/* sin of x + `quarter` quarter turns, from the two kernels. */
template <class V> HORNFELS_INLINE V choose_turn(quarter_turns<V> t, V s, V c, uint64_t quarter) {
  using U = unsigneds<V>;
  const U q = t.quarters + splat<U>(quarter);
  const V y = select((q & splat<U>(1)) != splat<U>(0), c, s);
  return bits_as<V>(bits_as<U>(y) ^ ((q & splat<U>(2)) << 62));
}

template <int quarter, bool precise, class V> HORNFELS_INLINE V sine_of_turns(V x) {
  const quarter_turns<V> t = reduce_turns(x);
  if constexpr (precise)
    return choose_turn(t, sin_kernel(t.r, t.low), cos_kernel(t.r, t.low), quarter);
  else
    return choose_turn(t, sin_kernel_short(t.r), cos_kernel_short(t.r), quarter);
}

struct sin_in_double {
  template <class V> __attribute__((always_inline)) V operator()(V x) const {
    return sine_of_turns<0, false>(x);
  }
};
struct cos_in_double {
  template <class V> __attribute__((always_inline)) V operator()(V x) const {
    return sine_of_turns<1, false>(x);
  }
};

/* sin x, x in radians; NaN for infinities. */
template <class V> HORNFELS_INLINE V sin(V x) {
  using R = real<element<V>>;
  V y;
  if constexpr (same<element<V>, float>)
    y = through_double(sin_in_double{}, x);
  else
    y = sine_of_turns<0, true>(x);
  return select(abs(x) < splat<V>(R::sin_is_x), x, y);
}

template <class V> HORNFELS_INLINE V cos(V x) {
  if constexpr (same<element<V>, float>)
    return through_double(cos_in_double{}, x);
  else
    return sine_of_turns<1, true>(x);
}

} // namespace hornfels

#endif
