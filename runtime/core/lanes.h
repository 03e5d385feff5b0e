/* Vector types named by width, the target's native ones, and the few operations that have no operator: splat,
 * iota, select, conversions, halves, fused multiply-add. Part of vector.h. */
#ifndef HORNFELS_LANES_H
#define HORNFELS_LANES_H

#include <stddef.h>
#include <stdint.h>

/* Internal linkage even for templates: two kernel files compiled for different processors may meet in one
 * program. */
#define HORNFELS_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define HORNFELS_AVX512 1
#define HORNFELS_AVX2 1
#define HORNFELS_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define HORNFELS_AVX2 1
#define HORNFELS_VECTOR_BYTES 32
#else
#define HORNFELS_VECTOR_BYTES 16
#endif

#if defined(__FMA__) || defined(__aarch64__)
#define HORNFELS_FMA 1
#endif

namespace hornfels {

template <class T, int lanes> struct vector_of {
  typedef T type __attribute__((vector_size(lanes * sizeof(T))));
};
template <class T> struct vector_of<T, 1> { typedef T type; };
template <class T, int lanes> using vec = typename vector_of<T, lanes>::type;

using v16f = vec<float, 16>;
using v8f = vec<float, 8>;
using v4f = vec<float, 4>;
using v2f = vec<float, 2>;
using v8d = vec<double, 8>;
using v4d = vec<double, 4>;
using v2d = vec<double, 2>;
using v16i = vec<int32_t, 16>;
using v8i = vec<int32_t, 8>;
using v4i = vec<int32_t, 4>;
using v2i = vec<int32_t, 2>;
using v8l = vec<int64_t, 8>;
using v4l = vec<int64_t, 4>;
using v2l = vec<int64_t, 2>;

/* Lanes of the target's widest register, and the vectors that fill it. */
constexpr int LANES_F32 = HORNFELS_VECTOR_BYTES / 4;
constexpr int LANES_F64 = HORNFELS_VECTOR_BYTES / 8;
using vf = vec<float, LANES_F32>;
using vd = vec<double, LANES_F64>;
using vi = vec<int32_t, LANES_F32>;
using vl = vec<int64_t, LANES_F64>;

/* --- types
 * ---------------------------------------------------------------------------------------------------- */

template <class T> T plain(const T &);
template <class V, class = void> struct element_of { using type = V; }; /* a scalar is a vector of one lane */
template <class V> struct element_of<V, decltype(void(V{}[0]))> { using type = decltype(plain(V{}[0])); };
template <class V> using element = typename element_of<V>::type;
template <class V> constexpr int lanes = int(sizeof(V) / sizeof(element<V>));

template <size_t bytes> struct integer_of;
template <> struct integer_of<4> {
  using type = int32_t;
  using unsigned_type = uint32_t;
};
template <> struct integer_of<8> {
  using type = int64_t;
  using unsigned_type = uint64_t;
};
/* Integers of the same width and number of lanes. */
template <class V> using integers = vec<typename integer_of<sizeof(element<V>)>::type, lanes<V>>;
template <class V> using unsigneds = vec<typename integer_of<sizeof(element<V>)>::unsigned_type, lanes<V>>;

template <class A, class B> struct is_same_type { static constexpr bool value = false; };
template <class A> struct is_same_type<A, A> { static constexpr bool value = true; };
template <class A, class B> constexpr bool same = is_same_type<A, B>::value;

/* --- making and converting
 * ------------------------------------------------------------------------------------ */

/* x in every lane. */
template <class V> HORNFELS_INLINE V splat(element<V> x) {
  if constexpr (lanes<V> == 1)
    return x;
  else
    return x - V{}; /* not x + V{}: -0 + 0 is +0 */
}

/* 0, 1, 2, ... */
template <class V> HORNFELS_INLINE V iota() {
  if constexpr (lanes<V> == 1) {
    return V(0);
  } else {
    V v{};
    for (int i = 0; i < lanes<V>; ++i)
      v[i] = element<V>(i);
    return v;
  }
}

/* The same bits as another type of the same size. */
template <class To, class From> HORNFELS_INLINE To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From), "bits_as keeps the size");
  return __builtin_bit_cast(To, x);
}

/* Each lane converted as C++ converts it (float to integer truncates). */
template <class To, class From> HORNFELS_INLINE To convert(From x) {
  static_assert(lanes<To> == lanes<From>, "convert keeps the number of lanes");
  if constexpr (same<To, From>)
    return x;
  else if constexpr (lanes<To> == 1)
    return To(x);
  else
    return __builtin_convertvector(x, To);
}

/* mask ? a : b in each lane; the mask is what a comparison of vectors (or scalars) gives. */
template <class M, class V> HORNFELS_INLINE V select(M mask, V a, V b) { return mask ? a : b; }

/* The first k lanes of v, `otherwise` in the others. */
template <class V> HORNFELS_INLINE V keep_part(V v, int64_t k, V otherwise) {
  if constexpr (lanes<V> == 1)
    return k > 0 ? v : otherwise;
  else
    return select(iota<integers<V>>() < element<integers<V>>(k), v, otherwise);
}

/* True if any lane of a comparison is. */
template <class M> HORNFELS_INLINE bool any(M mask) {
  if constexpr (sizeof(M) == 1) {
    return mask;
  } else {
    element<M> r = 0;
    for (int i = 0; i < lanes<M>; ++i)
      r |= mask[i];
    return r != 0;
  }
}

template <class V> using half = vec<element<V>, lanes<V> / 2>;

template <class V> HORNFELS_INLINE half<V> low_half(V v) {
  if constexpr (lanes<V> == 2)
    return v[0];
  else if constexpr (lanes<V> == 4)
    return __builtin_shufflevector(v, v, 0, 1);
  else if constexpr (lanes<V> == 8)
    return __builtin_shufflevector(v, v, 0, 1, 2, 3);
  else
    return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
}

template <class V> HORNFELS_INLINE half<V> high_half(V v) {
  if constexpr (lanes<V> == 2)
    return v[1];
  else if constexpr (lanes<V> == 4)
    return __builtin_shufflevector(v, v, 2, 3);
  else if constexpr (lanes<V> == 8)
    return __builtin_shufflevector(v, v, 4, 5, 6, 7);
  else
    return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}

template <class H> HORNFELS_INLINE vec<element<H>, 2 * lanes<H>> join(H low, H high) {
  if constexpr (lanes<H> == 1)
    return vec<H, 2>{low, high};
  else if constexpr (lanes<H> == 2)
    return __builtin_shufflevector(low, high, 0, 1, 2, 3);
  else if constexpr (lanes<H> == 4)
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  else
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* 0, 1, ..., lanes - 1 as a pack, for shuffles. */
template <int... numbers> struct lane_numbers {};
template <int count, int... numbers> struct first_numbers : first_numbers<count - 1, count - 1, numbers...> {};
template <int... numbers> struct first_numbers<0, numbers...> { using type = lane_numbers<numbers...>; };
template <class V> using all_lanes = typename first_numbers<lanes<V>>::type;

/* --- a * b + c
 * ------------------------------------------------------------------------------------------------ */

/* a * b + c, rounded once where the target has the instruction (HORNFELS_FMA), else twice. Written out
 * wherever the bits of lanes and scalars must agree: the compiler's own contraction may treat them
 * differently. */
template <class V> HORNFELS_INLINE V mul_add(V a, V b, V c) {
#ifndef HORNFELS_FMA
  return a * b + c;
#else
  if constexpr (same<V, float>)
    return __builtin_fmaf(a, b, c);
  else if constexpr (same<V, double>)
    return __builtin_fma(a, b, c);
#if defined(__clang__)
  else
    return __builtin_elementwise_fma(a, b, c);
#else
#if defined(__AVX512F__)
  else if constexpr (same<V, v16f>)
    return __builtin_ia32_vfmaddps512_mask(a, b, c, (unsigned short)-1, 4);
  else if constexpr (same<V, v8d>)
    return __builtin_ia32_vfmaddpd512_mask(a, b, c, (unsigned char)-1, 4);
#endif
#if defined(__FMA__)
  else if constexpr (same<V, v8f>)
    return __builtin_ia32_vfmaddps256(a, b, c);
  else if constexpr (same<V, v4d>)
    return __builtin_ia32_vfmaddpd256(a, b, c);
  else if constexpr (same<V, v4f>)
    return __builtin_ia32_vfmaddps(a, b, c);
  else if constexpr (same<V, v2d>)
    return __builtin_ia32_vfmaddpd(a, b, c);
#endif
  else { /* wider than the target's vectors, two floats, or another processor: lane by lane, which the
            compiler joins */
    V r{};
    for (int i = 0; i < lanes<V>; ++i)
      r[i] = mul_add(element<V>(a[i]), element<V>(b[i]), element<V>(c[i]));
    return r;
  }
#endif
#endif
}

/* a * b - c and c - a * b, likewise. */
template <class V> HORNFELS_INLINE V mul_sub(V a, V b, V c) { return mul_add(a, b, -c); }
template <class V> HORNFELS_INLINE V neg_mul_add(V a, V b, V c) { return mul_add(-a, b, c); }

/* c0 + c1 x + c2 x^2 + ... by Horner's rule; the coefficients are scalars. */
template <class V> HORNFELS_INLINE V polynomial(V, element<V> c0) { return splat<V>(c0); }
template <class V, class... C> HORNFELS_INLINE V polynomial(V x, element<V> c0, element<V> c1, C... rest) {
  return mul_add(polynomial(x, c1, element<V>(rest)...), x, splat<V>(c0));
}

} // namespace hornfels

#endif
