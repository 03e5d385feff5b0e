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
  int32_t products; /* of matrices, on a device: computed as lap_table.math says */
};

/* The kernels of a step function, in the order in which it calls them. */
struct lap_list {
  const lap_kernel *kernels;
  int32_t count;
};

/* What a model that was generated with laps exports. */
struct lap_table {
  lap_list predict, evaluate, train;
  uint64_t *ticks; /* of each kernel of the step that ran, added up until somebody clears them; null on a device */
  int32_t lanes;   /* f32 elements of the vectors that the kernels are printed for; 0: a device */
  const char *math; /* of products on a device: fp32, tf32, bf16 */
};

/* FLOP and bytes a second of a device, and which one it is. */
struct device_limits {
  double f32, f64, tf32, bf16; /* the last two are 0 where nobody asked for them */
  double l2, memory;           /* of copies: bytes read and written */
  int64_t l2_bytes, memory_bytes;
  int32_t capability, multiprocessors; /* 90 for 9.0 */
  char name[256];
};

/* How the steps of a model on a device are measured. Every function returns a hornfels_status and says in the handle's last
 * error what failed. `kind`: 1 predict, 2 evaluate, 3 train, a step that has run before with batches of `batch` rows; it
 * runs again on the rows that it had. */
struct device_bench {
  /* Seconds that the device takes for `steps` launches of the step's CUDA graph, one behind the other. */
  int32_t (*time_steps)(void *handle, int32_t kind, int64_t batch, int64_t steps, double *seconds);
  /* Seconds of each kernel of the step, launched one by one, `steps` times: seconds[step * kernels + kernel], and whether
   * it ran. Of models with laps. */
  int32_t (*time_kernels)(void *handle, int32_t kind, int64_t batch, int64_t steps, int32_t kernels, double *seconds,
                          unsigned char *ran);
  /* Measures the device for about a tenth of a second: f32 and f64 products that are added, those of matrices in `math`,
   * copies. */
  int32_t (*measure_limits)(void *handle, const char *math, device_limits *limits);
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
