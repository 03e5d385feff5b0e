/* Loops that do nothing but what a machine is fastest at, for the target that the file that includes this is
 * compiled for: the ceilings that kernels are measured against. */
#ifndef HORNFELS_PROGRAM_PEAK_LOOPS_H
#define HORNFELS_PROGRAM_PEAK_LOOPS_H

#include "peaks.h"

namespace hornfels {

namespace peaks {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, accumulators = 24;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, accumulators = 12;
#else
constexpr int vector_bytes = 16, accumulators = 12;
#endif

template <class Real> struct vector { typedef Real type __attribute__((vector_size(vector_bytes))); };

/* Makes the compiler believe that a vector is used and changed. */
template <class Vector> inline __attribute__((always_inline)) void touch(Vector &v) {
#if defined(__AVX512F__)
  __asm__ volatile("" : "+v"(v));
#elif defined(__x86_64__)
  __asm__ volatile("" : "+x"(v));
#elif defined(__aarch64__)
  __asm__ volatile("" : "+w"(v));
#else
  __asm__ volatile("" : "+m"(v));
#endif
}

constexpr int unrolled = 4;

/* x = x * a + b on as many vectors as cover the latency; a < 1 and b keep x where it is. */
template <class Real> void fma(int64_t rounds) {
  typedef typename vector<Real>::type v;
  v x[accumulators], a = {}, b = {};
  a += Real(0.5);
  b += Real(1);
#pragma GCC unroll 24
  for (int i = 0; i < accumulators; ++i) {
    x[i] = b;
    touch(x[i]); /* or all of them would be one */
  }
  touch(a);
  touch(b);
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 4
    for (int part = 0; part < unrolled; ++part)
#pragma GCC unroll 24
      for (int i = 0; i < accumulators; ++i)
        x[i] = x[i] * a + b;
#pragma GCC unroll 24
  for (int i = 0; i < accumulators; ++i)
    touch(x[i]);
}

template <class Real> constexpr double flops_of_round() {
  return 2.0 * accumulators * unrolled * (vector_bytes / int(sizeof(Real)));
}

inline void read(const void *from, int64_t bytes) {
  typedef vector<float>::type v;
  const v *p = static_cast<const v *>(from), *const end = p + bytes / vector_bytes;
  for (; p != end; p += 1024 / vector_bytes)
#pragma GCC unroll 64
    for (int i = 0; i < 1024 / vector_bytes; ++i) {
      v value = p[i];
      touch(value);
    }
}

} // namespace peaks

/* Of this target. */
inline const peak_loops &target_peak_loops() {
  static const peak_loops loops = {peaks::flops_of_round<float>(), peaks::flops_of_round<double>(),
                                   peaks::fma<float>, peaks::fma<double>, peaks::read};
  return loops;
}

} // namespace hornfels

#endif
