/* What this machine can do at most, measured. */
#ifndef HORNFELS_PROGRAM_PEAKS_H
#define HORNFELS_PROGRAM_PEAKS_H

#include <cstdint>
#include <string>

namespace hornfels {

/* Loops that do nothing but what a machine is fastest at: the ceilings that kernels are measured against. */
struct peak_loops {
  double flops_f32, flops_f64; /* of one round of fma */
  void (*fma_f32)(int64_t rounds);
  void (*fma_f64)(int64_t rounds);
  /* Reads `bytes` bytes, a multiple of 1024, at an address that is one of 64. */
  void (*read)(const void *from, int64_t bytes);
};

/* Bytes of the caches of a core: from the kernel, else from the C library, else usual ones. */
struct cache_sizes {
  int64_t l1 = 0, l2 = 0, l3 = 0;
};
cache_sizes read_cache_sizes();

/* "AMD EPYC 9654 96-Core Processor"; empty when the system does not tell. */
std::string processor_name();

/* All threads together: FLOP and bytes a second. */
struct machine_peaks {
  double f32 = 0, f64 = 0, l1 = 0, l2 = 0, l3 = 0, memory = 0;
};

/* The best of several short runs with so many threads, each reading memory of its own. About a third of a
 * second. */
machine_peaks measure_peaks(const peak_loops &loops, const cache_sizes &caches, int threads);

} // namespace hornfels

#endif
