/* The words of CUDA's language that a C++ compiler does not know: what marks a function or a variable, the
 * indices of a thread, and the small vectors. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_WORDS_H
#define HORNFELS_DEVICE_ON_CPU_WORDS_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
/* One copy, since blocks run one after another. It holds what the block before left, as a real device's does;
 * blocks of a cooperative launch, which are alive together, must use dynamic shared memory. */
#define __shared__ static
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) alignas(bytes)
#define __grid_constant__

/* The vectors, aligned as on the device: what is loaded through a pointer to one must lie on its alignment.
 */
#define HORNFELS_VECTORS(T, name, align2, align4)                                                            \
  struct name##1 {                                                                                           \
    T x;                                                                                                     \
  };                                                                                                         \
  struct alignas(align2) name##2 {                                                                           \
    T x, y;                                                                                                  \
  };                                                                                                         \
  struct name##3 {                                                                                           \
    T x, y, z;                                                                                               \
  };                                                                                                         \
  struct alignas(align4) name##4 {                                                                           \
    T x, y, z, w;                                                                                            \
  };                                                                                                         \
  inline name##1 make_##name##1(T x) { return {x}; }                                                         \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                                 \
  inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                                         \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
HORNFELS_VECTORS(signed char, char, 2, 4)
HORNFELS_VECTORS(unsigned char, uchar, 2, 4)
HORNFELS_VECTORS(short, short, 4, 8)
HORNFELS_VECTORS(unsigned short, ushort, 4, 8)
HORNFELS_VECTORS(int, int, 8, 16)
HORNFELS_VECTORS(unsigned, uint, 8, 16)
HORNFELS_VECTORS(long, long, 16, 16)
HORNFELS_VECTORS(unsigned long, ulong, 16, 16)
HORNFELS_VECTORS(long long, longlong, 16, 16)
HORNFELS_VECTORS(unsigned long long, ulonglong, 16, 16)
HORNFELS_VECTORS(float, float, 8, 16)
HORNFELS_VECTORS(double, double, 16, 16)
#undef HORNFELS_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

constexpr int warpSize = 32;

#endif
