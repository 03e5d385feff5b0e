/* Random numbers that depend on where they are used, not on when: Philox4x32 with 10 rounds (Salmon, Moraes,
 * Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). The number of an element is a pure
 * function of (seed, stream, step, element), the same for a scalar and for a lane, on every target and in
 * every thread.
 *
 *   key      seed, low and high word
 *   counter  block, low word
 *            block, bits 32 .. 47, and step, bits 32 .. 47 above them
 *            step, low word
 *            stream: which use of random numbers in the model this is
 *
 * float: block = element / 4, each element one word. double: block = element / 2, each element two words.
 * Elements up to 2^48 and steps up to 2^48 are distinct. */
#ifndef HORNFELS_PHILOX_H
#define HORNFELS_PHILOX_H

#include "vector.h"

namespace hornfels {

/* Words of the blocks of one or more lanes, each in the lower half of a 64-bit lane; the upper half is
 * undefined. */
template <class U> struct philox_words { U w[4]; };

/* The lower half of each lane of a, times b. */
template <class U> HORNFELS_INLINE U multiply_words(U a, uint32_t b) {
#if defined(__SSE2__) && !defined(__clang__) /* clang finds these by itself */
#if defined(__AVX512F__)
  if constexpr (sizeof(U) == 64)
    return bits_as<U>(__builtin_ia32_pmuludq512_mask(bits_as<v16i>(a), bits_as<v16i>(splat<U>(b)),
                                                     vec<long long, 8>{}, (unsigned char)-1));
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(U) == 32)
    return bits_as<U>(__builtin_ia32_pmuludq256(bits_as<v8i>(a), bits_as<v8i>(splat<U>(b))));
#endif
  if constexpr (sizeof(U) == 16)
    return bits_as<U>(__builtin_ia32_pmuludq128(bits_as<v4i>(a), bits_as<v4i>(splat<U>(b))));
#endif
  return (a & splat<U>(0xffffffffu)) * splat<U>(b);
}

/* Ten rounds: (c0, c1, c2, c3) -> (high(M1 c2) ^ c1 ^ k0, low(M1 c2), high(M0 c0) ^ c3 ^ k1, low(M0 c0)), the
 * key growing by the golden ratio and sqrt 3 - 1. */
template <class U> HORNFELS_INLINE philox_words<U> philox(philox_words<U> c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const U p0 = multiply_words(c.w[0], 0xd2511f53u);
    const U p1 = multiply_words(c.w[2], 0xcd9e8d57u);
    c = {{(p1 >> 32) ^ c.w[1] ^ splat<U>(k0), p1, (p0 >> 32) ^ c.w[3] ^ splat<U>(k1), p0}};
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return c;
}

/* The words of consecutive blocks from `block` on, one a lane. */
template <class U>
HORNFELS_INLINE philox_words<U> philox_blocks(uint64_t seed, uint32_t stream, uint64_t step, uint64_t block) {
  const U b = splat<U>(block) + iota<U>();
  const philox_words<U> counter = {{b, ((b >> 32) & splat<U>(0xffff)) | splat<U>((step >> 32 & 0xffff) << 16),
                                    splat<U>(step), splat<U>(stream)}};
  return philox(counter, uint32_t(seed), uint32_t(seed >> 32));
}

/* low's lower half below high's. */
template <class U> HORNFELS_INLINE U join_words(U low, U high) {
  return (low & splat<U>(0xffffffffu)) | (high << 32);
}

/* a0 b0 a1 b1 ... */
template <class B> HORNFELS_INLINE vec<uint64_t, 2 * lanes<B>> interleave(B a, B b) {
  if constexpr (lanes<B> == 1)
    return vec<uint64_t, 2>{a, b};
  else if constexpr (lanes<B> == 2)
    return __builtin_shufflevector(a, b, 0, 2, 1, 3);
  else
    return __builtin_shufflevector(a, b, 0, 4, 1, 5, 2, 6, 3, 7);
}

/* Elements in a block. */
template <class T> constexpr int per_block = int(16 / sizeof(T));

/* Random words of the elements of the lanes of V, of which the first begins a block: one word for float, two
 * for double. */
template <class V>
HORNFELS_INLINE unsigneds<V> random_words(uint64_t seed, uint32_t stream, uint64_t step, uint64_t first) {
  static_assert(lanes<V> >= per_block<element<V>>, "a vector holds whole blocks");
  using B = vec<uint64_t, lanes<V> / per_block<element<V>>>;
  const philox_words<B> p = philox_blocks<B>(seed, stream, step, first / per_block<element<V>>);
  if constexpr (sizeof(element<V>) == 4)
    return bits_as<unsigneds<V>>(interleave(join_words(p.w[0], p.w[1]), join_words(p.w[2], p.w[3])));
  else
    return bits_as<unsigneds<V>>(interleave(join_words(p.w[1], p.w[0]), join_words(p.w[3], p.w[2])));
}

/* The upper 24 (53) bits as a number in [0, 1). */
template <class V> HORNFELS_INLINE V unit_interval(unsigneds<V> words) {
  using U = unsigneds<V>;
  if constexpr (sizeof(element<V>) == 4) {
    return convert<V>(bits_as<integers<V>>(words >> 8)) * splat<V>(0x1p-24f);
  } else { /* [1, 2) of the upper 52 bits, and the 53rd by itself: not all processors convert from int64 */
    const V upper = bits_as<V>((words >> 12) | splat<U>(0x3ff0000000000000)) - splat<V>(1);
    const U last = splat<U>(0) - ((words >> 11) & splat<U>(1));
    return upper + bits_as<V>(last & splat<U>(0x3ca0000000000000)); /* 2^-53 */
  }
}

/* Box-Muller: with u, v of the even and the odd element of a pair, sqrt(-2 log (1 - u)) times the cosine of 2
 * pi v for the even one, the sine for the odd one. */
template <class V> HORNFELS_INLINE V box_muller(unsigneds<V> words) {
  using T = element<V>;
  using U = unsigneds<V>;
  const V w = unit_interval<V>(words);
  V u, v;
  if constexpr (lanes<V> == 16) {
    u = __builtin_shufflevector(w, w, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
    v = __builtin_shufflevector(w, w, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15);
  } else if constexpr (lanes<V> == 8) {
    u = __builtin_shufflevector(w, w, 0, 0, 2, 2, 4, 4, 6, 6);
    v = __builtin_shufflevector(w, w, 1, 1, 3, 3, 5, 5, 7, 7);
  } else if constexpr (lanes<V> == 4) {
    u = __builtin_shufflevector(w, w, 0, 0, 2, 2);
    v = __builtin_shufflevector(w, w, 1, 1, 3, 3);
  } else {
    u = __builtin_shufflevector(w, w, 0, 0);
    v = __builtin_shufflevector(w, w, 1, 1);
  }
  const V radius = sqrt(splat<V>(-2) * log(splat<V>(1) - u));
  const V turns = splat<V>(4) * v; /* quarters; exact, and so is the remainder */
  const V shifted = turns + splat<V>(real<T>::round_magic);
  const V r = (turns - (shifted - splat<V>(real<T>::round_magic))) * splat<V>(T(0x1.921fb54442d18p+0));
  const U quarter = bits_as<U>(shifted) + splat<U>(1) - (iota<U>() & splat<U>(1)); /* cos x = sin(x + pi/2) */
  V s, c;
  if constexpr (same<T, float>) {
    const V z = r * r;
    s = mul_add(z * r, polynomial(z, -0.166666552f, 0.00833219104f, -0.000195185945f), r);
    c = mul_add(z * z, polynomial(z, 0.0416666456f, -0.00138873106f, 2.44325529e-5f),
                neg_mul_add(splat<V>(0.5f), z, splat<V>(1)));
  } else {
    s = sin_kernel(r, V{});
    c = cos_kernel(r, V{});
  }
  const V wave = select((quarter & splat<U>(1)) != splat<U>(0), c, s);
  return radius * bits_as<V>(bits_as<U>(wave) ^ ((quarter & splat<U>(2)) << (8 * sizeof(T) - 2)));
}

struct uniform_of_words {
  template <class V> __attribute__((always_inline)) static V of(unsigneds<V> words) {
    return unit_interval<V>(words);
  }
};
struct normal_of_words {
  template <class V> __attribute__((always_inline)) static V of(unsigneds<V> words) {
    return box_muller<V>(words);
  }
};

/* Numbers of elements first, first + 1, ... in the lanes of V, or of the one element for a scalar. Where
 * `first` does not begin a block, two aligned vectors are made and the lanes between taken. */
template <class F, class V>
HORNFELS_INLINE V random_of(uint64_t seed, uint32_t stream, uint64_t step, uint64_t first) {
  using T = element<V>;
  const uint64_t skip = first % per_block<T>;
  if constexpr (lanes<V> == 1) {
    using B = vec<T, per_block<T>>;
    return F::template of<B>(random_words<B>(seed, stream, step, first - skip))[skip];
  } else {
    const V a = F::template of<V>(random_words<V>(seed, stream, step, first - skip));
    if (skip == 0)
      return a;
    T both[2 * lanes<V>];
    store<V>(both, a);
    store<V>(both + lanes<V>,
             F::template of<V>(random_words<V>(seed, stream, step, first - skip + lanes<V>)));
    return load<V>(both + skip);
  }
}

/* --- what kernels call
 * ------------------------------------------------------------------------------------------ */

/* Uniform in [0, 1) with 24 (double: 53) bits. V: a vector of consecutive elements from `first` on, or float
 * or double for that element alone. */
template <class V> HORNFELS_INLINE V uniform(uint64_t seed, uint32_t stream, uint64_t step, uint64_t first) {
  return random_of<uniform_of_words, V>(seed, stream, step, first);
}

/* Normal with mean 0 and variance 1; of floats |z| <= 5.77, of doubles 8.57. */
template <class V> HORNFELS_INLINE V normal(uint64_t seed, uint32_t stream, uint64_t step, uint64_t first) {
  return random_of<normal_of_words, V>(seed, stream, step, first);
}

} // namespace hornfels

#endif
