/* The processor's mode for denormals. Part of vector.h. */
#ifndef HORNFELS_DENORMALS_H
#define HORNFELS_DENORMALS_H

#include <stdint.h>

namespace hornfels {

/* While it lives, denormal results and operands of this thread count as zero, and rounding is to nearest with
 * all exceptions masked, whatever the caller had; the caller's mode comes back at the end of the scope. A
 * dead unit's running average decays into denormals, which cost a hundred cycles each. */
struct flush_denormals {
#if defined(__x86_64__) || defined(__SSE2__)
  unsigned saved;
  /* 0x1f80: all exceptions masked, round to nearest; 0x8000: results (FTZ), 0x0040: operands (DAZ). */
  __attribute__((always_inline)) flush_denormals() : saved(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr(0x1f80u | 0x8000u | 0x0040u);
  }
  __attribute__((always_inline)) ~flush_denormals() { __builtin_ia32_ldmxcsr(saved); }
#elif defined(__aarch64__)
  uint64_t saved;
  /* FPCR: bit 24 flushes operands and results; 0 elsewhere is round to nearest, nothing trapped. */
  __attribute__((always_inline)) flush_denormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" ::"r"(uint64_t{1} << 24));
  }
  __attribute__((always_inline)) ~flush_denormals() { __asm__ volatile("msr fpcr, %0" ::"r"(saved)); }
#else
  flush_denormals() {}
  ~flush_denormals() {}
#endif
  flush_denormals(const flush_denormals &) = delete;
  flush_denormals &operator=(const flush_denormals &) = delete;
};

} // namespace hornfels

#endif
