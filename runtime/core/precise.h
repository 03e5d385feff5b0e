/* Sums and products in two parts, and floats by way of doubles. Part of vector.h. */
#ifndef HORNFELS_PRECISE_H
#define HORNFELS_PRECISE_H

#include "lanes.h"

namespace hornfels {

/* high + low, |low| at most half a unit in the last place of high. */
template <class V> struct two { V high, low; };

/* a + b exactly. */
template <class V> HORNFELS_INLINE two<V> sum(V a, V b) {
  const V s = a + b;
  const V from_b = s - a;
  return {s, (a - (s - from_b)) + (b - from_b)};
}
/* Likewise, where |a| >= |b| or a = 0. */
template <class V> HORNFELS_INLINE two<V> ordered_sum(V a, V b) {
  const V s = a + b;
  return {s, b - (s - a)};
}

/* a * b exactly, for doubles. Without fused multiply-add, by halves of 26 and 27 bits. */
template <class V> HORNFELS_INLINE two<V> product(V a, V b) {
  const V p = a * b;
#ifdef HORNFELS_FMA
  return {p, mul_sub(a, b, p)};
#else
  const V splitter = splat<V>(element<V>(134217729.0)); /* 2^27 + 1 */
  const V ta = splitter * a, tb = splitter * b;
  const V ah = ta - (ta - a), bh = tb - (tb - b);
  const V al = a - ah, bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#endif
}

template <class A, class...> struct first_of { using type = A; };
template <class... A> using first_type = typename first_of<A...>::type;

/* f of each lane, computed in double, half a vector at a time. */
template <class F, class... V> HORNFELS_INLINE auto through_double(F f, V... x) {
  using S = first_type<V...>;
  constexpr int n = lanes<S>;
  if constexpr (n == 1)
    return float(f(double(x)...));
  else
    return join(convert<vec<float, n / 2>>(f(convert<vec<double, n / 2>>(low_half(x))...)),
                convert<vec<float, n / 2>>(f(convert<vec<double, n / 2>>(high_half(x))...)));
}

} // namespace hornfels

#endif
