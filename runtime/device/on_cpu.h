/* CUDA on the CPU: the part of CUDA that the runtime and generated files use, for g++ or clang++ -x c++
 * -std=c++17. It is there to check numbers and manners, not to be fast; README.md says what it can find and
 * what it cannot. From the environment:
 *
 *   HORNFELS_FIBER_SEED               forward (default), backward, or a number: turns of threads and blocks
 *   HORNFELS_STRICT_DEVICE=1          device memory can be touched only by kernels and copies
 *   HORNFELS_LATE_STREAMS=1           what is put into a stream runs only when somebody waits for it
 *
 *   HORNFELS_DEVICE_COUNT             devices: 1, or none
 *   HORNFELS_DEVICE_ARCH              compute capability: 90
 *   HORNFELS_DEVICE_MEMORY            bytes: 8 GiB
 *   HORNFELS_DEVICE_MULTIPROCESSORS   4
 *   HORNFELS_DEVICE_FAULT             number of the launch that fails: none
 *   HORNFELS_DRIVER_VERSION           13000 */
#ifndef HORNFELS_DEVICE_ON_CPU_H
#define HORNFELS_DEVICE_ON_CPU_H

#ifdef __CUDACC__
#error "on_cpu.h stands in for CUDA where there is none: include cuda.h"
#endif

#include "on_cpu_functions.h"
#include "on_cpu_launch.h"
#include "on_cpu_warp.h"

#endif
