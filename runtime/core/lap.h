/* Laps: how long each kernel of a step takes. Only sources that are generated for it (`hornfels bench`) have
 * them. */
#ifndef HORNFELS_LAP_H
#define HORNFELS_LAP_H

#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

namespace hornfels {

/* fixed + per_sample * batch + per_id * (ids in all rows of tokens). */
struct amount {
  double fixed, per_sample, per_id;
};

/* A kernel as a step calls it. Bytes are those that must be moved when nothing is read twice; of a gathered
 * table of `gathered.fixed` bytes at most `gathered.per_id` bytes for each id are touched. */
struct lap_kernel {
  const char *name, *layer;
  int32_t tokens; /* the input whose ids count; -1: none */
  amount flops, read, written, touched, gathered;
};

/* The kernels of a step function, in the order in which it calls them. */
struct lap_list {
  const lap_kernel *kernels;
  int32_t count;
};

/* What a model that was generated with laps exports. */
struct lap_table {
  lap_list predict, evaluate, train;
  uint64_t *ticks; /* of each kernel of the step that ran, added up until somebody clears them */
  int32_t lanes;   /* f32 elements of the vectors that the kernels are printed for */
};

/* A counter that runs evenly; on x86 it waits until what came before is done. */
__attribute__((always_inline)) static inline uint64_t read_ticks() {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
  return ticks;
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1000000000u + uint64_t(now.tv_nsec);
#endif
}

/* In a step: start, kernel, lap(0), kernel, lap(1), ... */
class lap_clock {
public:
  explicit lap_clock(uint64_t *sums) : ticks(sums), last(read_ticks()) {}
  void lap(int kernel) {
    const uint64_t now = read_ticks();
    ticks[kernel] += now - last;
    last = now;
  }

private:
  uint64_t *ticks, last;
};

} // namespace hornfels

#endif
