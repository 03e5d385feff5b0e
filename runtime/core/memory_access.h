/* Loads and stores of vectors: whole, the first k lanes, and from arrays of another element type. Part of
 * vector.h. No alignment is asked for; nothing beyond the k lanes is read or written. A scalar type is a
 * vector of one lane. */
#ifndef HORNFELS_MEMORY_ACCESS_H
#define HORNFELS_MEMORY_ACCESS_H

#include "lanes.h"

namespace hornfels {

template <class V> HORNFELS_INLINE V load(const element<V> *p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(V));
  return v;
}

template <class V> HORNFELS_INLINE void store(element<V> *p, V v) { __builtin_memcpy(p, &v, sizeof(V)); }

/* Brings the cache line of p near, to be read and written soon. */
HORNFELS_INLINE void prefetch(const void *p) { __builtin_prefetch(p, 1); }
/* The same for one that is only read. */
HORNFELS_INLINE void prefetch_read(const void *p) { __builtin_prefetch(p); }

#if defined(HORNFELS_AVX512)
/* k ones from the right, k in 0 .. 16. */
HORNFELS_INLINE unsigned lane_mask(int64_t k) { return (1u << unsigned(k)) - 1u; }
#endif

/* Hides from GCC where v comes from. GCC 12 joins taking the lower half of a vector and storing it under a
 * mask into one masked vextract, which, unlike a masked move, faults on the lanes that the mask leaves out.
 */
template <class V> HORNFELS_INLINE V apart(V v) {
#if defined(HORNFELS_AVX512) && !defined(__clang__)
  __asm__("" : "+v"(v));
#endif
  return v;
}

#if defined(__clang__)
#define HORNFELS_MASKED_PTR(T, V, p) reinterpret_cast<V *>(p)
#else
#define HORNFELS_MASKED_PTR(T, V, p) reinterpret_cast<T *>(p)
#endif

/* The first k lanes of p, 0 <= k <= lanes; the others are 0. k may be known only at run time. */
template <class V> HORNFELS_INLINE V load_part(const element<V> *p, int64_t k) {
  using T = element<V>;
  (void)sizeof(T);
  if constexpr (lanes<V> == 1)
    return k > 0 ? *p : V(0);
#if defined(HORNFELS_AVX512)
  else if constexpr (same<V, v16f>)
    return __builtin_ia32_loadups512_mask(p, V{}, (unsigned short)lane_mask(k));
  else if constexpr (same<V, v8d>)
    return __builtin_ia32_loadupd512_mask(p, V{}, (unsigned char)lane_mask(k));
  else if constexpr (same<V, v16i>)
    return __builtin_ia32_loaddqusi512_mask(p, V{}, (unsigned short)lane_mask(k));
  else if constexpr (same<V, v8l>) {
    using w8 = vec<long long, 8>;
    return bits_as<V>(__builtin_ia32_loaddqudi512_mask(reinterpret_cast<const long long *>(p), w8{},
                                                       (unsigned char)lane_mask(k)));
  } else if constexpr (same<V, v8f>)
    return __builtin_ia32_loadups256_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                          (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4f>)
    return __builtin_ia32_loadups128_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                          (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4d>)
    return __builtin_ia32_loadupd256_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                          (unsigned char)lane_mask(k));
  else if constexpr (same<V, v2d>)
    return __builtin_ia32_loadupd128_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                          (unsigned char)lane_mask(k));
  else if constexpr (same<V, v8i>)
    return __builtin_ia32_loaddqusi256_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                            (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4i>)
    return __builtin_ia32_loaddqusi128_mask(HORNFELS_MASKED_PTR(const T, const V, p), V{},
                                            (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4l>) {
    using w4 = vec<long long, 4>;
    return bits_as<V>(__builtin_ia32_loaddqudi256_mask(HORNFELS_MASKED_PTR(const long long, const w4, p),
                                                       w4{}, (unsigned char)lane_mask(k)));
  } else if constexpr (same<V, v2l>) {
    using w2 = vec<long long, 2>;
    return bits_as<V>(__builtin_ia32_loaddqudi128_mask(HORNFELS_MASKED_PTR(const long long, const w2, p),
                                                       w2{}, (unsigned char)lane_mask(k)));
  }
#elif defined(HORNFELS_AVX2)
  else if constexpr (same<V, v8f>)
    return __builtin_ia32_maskloadps256(reinterpret_cast<const V *>(p), iota<v8i>() < int32_t(k));
  else if constexpr (same<V, v4f>)
    return __builtin_ia32_maskloadps(reinterpret_cast<const V *>(p), iota<v4i>() < int32_t(k));
  else if constexpr (same<V, v8i>)
    return __builtin_ia32_maskloadd256(reinterpret_cast<const V *>(p), iota<v8i>() < int32_t(k));
  else if constexpr (same<V, v4i>)
    return __builtin_ia32_maskloadd(reinterpret_cast<const V *>(p), iota<v4i>() < int32_t(k));
  else if constexpr (same<V, v4d>)
    return __builtin_ia32_maskloadpd256(reinterpret_cast<const V *>(p),
                                        bits_as<vec<long long, 4>>(iota<v4l>() < k));
  else if constexpr (same<V, v2d>)
    return __builtin_ia32_maskloadpd(reinterpret_cast<const V *>(p),
                                     bits_as<vec<long long, 2>>(iota<v2l>() < k));
#endif
  else {
    V v{};
    for (int i = 0; i < lanes<V>; ++i)
      if (i < k)
        v[i] = p[i];
    return v;
  }
}

/* The first k lanes of v to p. */
template <class V> HORNFELS_INLINE void store_part(element<V> *p, V v, int64_t k) {
  using T = element<V>;
  (void)sizeof(T);
  if constexpr (lanes<V> == 1) {
    if (k > 0)
      *p = v;
  }
#if defined(HORNFELS_AVX512)
  else if constexpr (same<V, v16f>)
    __builtin_ia32_storeups512_mask(p, apart(v), (unsigned short)lane_mask(k));
  else if constexpr (same<V, v8d>)
    __builtin_ia32_storeupd512_mask(p, apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v16i>)
    __builtin_ia32_storedqusi512_mask(p, apart(v), (unsigned short)lane_mask(k));
  else if constexpr (same<V, v8l>)
    __builtin_ia32_storedqudi512_mask(reinterpret_cast<long long *>(p), bits_as<vec<long long, 8>>(apart(v)),
                                      (unsigned char)lane_mask(k));
  else if constexpr (same<V, v8f>)
    __builtin_ia32_storeups256_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4f>)
    __builtin_ia32_storeups128_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4d>)
    __builtin_ia32_storeupd256_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v2d>)
    __builtin_ia32_storeupd128_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v8i>)
    __builtin_ia32_storedqusi256_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4i>)
    __builtin_ia32_storedqusi128_mask(HORNFELS_MASKED_PTR(T, V, p), apart(v), (unsigned char)lane_mask(k));
  else if constexpr (same<V, v4l>) {
    using w4 = vec<long long, 4>;
    __builtin_ia32_storedqudi256_mask(HORNFELS_MASKED_PTR(long long, w4, p), bits_as<w4>(apart(v)),
                                      (unsigned char)lane_mask(k));
  } else if constexpr (same<V, v2l>) {
    using w2 = vec<long long, 2>;
    __builtin_ia32_storedqudi128_mask(HORNFELS_MASKED_PTR(long long, w2, p), bits_as<w2>(apart(v)),
                                      (unsigned char)lane_mask(k));
  }
#elif defined(HORNFELS_AVX2)
  else if constexpr (same<V, v8f>)
    __builtin_ia32_maskstoreps256(reinterpret_cast<V *>(p), iota<v8i>() < int32_t(k), v);
  else if constexpr (same<V, v4f>)
    __builtin_ia32_maskstoreps(reinterpret_cast<V *>(p), iota<v4i>() < int32_t(k), v);
  else if constexpr (same<V, v8i>)
    __builtin_ia32_maskstored256(reinterpret_cast<V *>(p), iota<v8i>() < int32_t(k), v);
  else if constexpr (same<V, v4i>)
    __builtin_ia32_maskstored(reinterpret_cast<V *>(p), iota<v4i>() < int32_t(k), v);
  else if constexpr (same<V, v4d>)
    __builtin_ia32_maskstorepd256(reinterpret_cast<V *>(p), bits_as<vec<long long, 4>>(iota<v4l>() < k), v);
  else if constexpr (same<V, v2d>)
    __builtin_ia32_maskstorepd(reinterpret_cast<V *>(p), bits_as<vec<long long, 2>>(iota<v2l>() < k), v);
#endif
  else {
    for (int i = 0; i < lanes<V>; ++i)
      if (i < k)
        p[i] = v[i];
  }
}

#undef HORNFELS_MASKED_PTR

/* --- arrays of another element type
 * ---------------------------------------------------------------------------- */

/* bool has no vectors; its object holds 0 or 1. */
template <class U> struct stored_as { using type = U; };
template <> struct stored_as<bool> { using type = uint8_t; };

/* Elements of an array of U (bool, uint8_t, uint16_t, int32_t, int64_t, float, double) as lanes of V. Where U
 * is wider than V's element, half after half: no vector beyond the target's width is passed between
 * functions. Integers below 32 bits go through int32, because float has no direct way from them. */
template <class V, class U> HORNFELS_INLINE V load_as(const U *p) {
  using S = typename stored_as<U>::type;
  if constexpr (lanes < V >> 1 && sizeof(S) > sizeof(element<V>)) {
    return join(load_as<half<V>>(p), load_as<half<V>>(p + lanes<V> / 2));
  } else {
    vec<S, lanes<V>> v;
    __builtin_memcpy(&v, p, sizeof(v));
    if constexpr (sizeof(S) < 4 && sizeof(element<V>) == 8 && lanes < V >> 1)
      return convert<V>(convert<vec<int32_t, lanes<V>>>(v));
    else if constexpr (sizeof(S) < 4)
      return convert<V>(convert<integers<V>>(v));
    else
      return convert<V>(v);
  }
}

/* The first k of them; the other lanes are 0. */
template <class V, class U> HORNFELS_INLINE V load_part_as(const U *p, int64_t k) {
  using S = typename stored_as<U>::type;
  if constexpr (same<S, element<V>>) {
    return load_part<V>(p, k);
  } else if constexpr (lanes<V> > 1 && sizeof(S) > sizeof(element<V>)) {
    constexpr int h = lanes<V> / 2;
    return join(load_part_as<half<V>>(p, k < h ? k : h),
                k > h ? load_part_as<half<V>>(p + h, k - h) : half<V>{});
  } else if constexpr (sizeof(S) >= 4) {
    return convert<V>(load_part<vec<S, lanes<V>>>(p, k));
  } else {
    S part[lanes<V>] = {};
    for (int i = 0; i < lanes<V>; ++i)
      if (i < k)
        part[i] = S(p[i]);
    return load_as<V>(part);
  }
}

/* Lanes of v converted to U; to bool: lane != 0. */
template <class U, class V> HORNFELS_INLINE void store_as(U *p, V v) {
  for (int i = 0; i < lanes<V>; ++i) {
    if constexpr (lanes<V> == 1)
      p[i] = U(v);
    else
      p[i] = U(v[i]);
  }
}

template <class U, class V> HORNFELS_INLINE void store_part_as(U *p, V v, int64_t k) {
  if constexpr (same<U, element<V>>) {
    store_part<V>(p, v, k);
  } else if constexpr (lanes<V> > 1 && sizeof(U) > sizeof(element<V>)) {
    constexpr int h = lanes<V> / 2;
    store_part_as<U>(p, low_half(v), k < h ? k : h);
    if (k > h)
      store_part_as<U>(p + h, high_half(v), k - h);
  } else if constexpr (sizeof(U) >= 4) {
    store_part<vec<U, lanes<V>>>(p, convert<vec<U, lanes<V>>>(v), k);
  } else {
    for (int i = 0; i < lanes<V>; ++i)
      if (i < k) {
        if constexpr (lanes<V> == 1)
          p[i] = U(v);
        else
          p[i] = U(v[i]);
      }
  }
}

} // namespace hornfels

#endif
