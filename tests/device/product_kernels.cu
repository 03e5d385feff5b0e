/* Kernels as they are generated, for nvcc: each tile of the tables, the four layouts, a dense layer, a
 * convolution and a weight gradient with its optimizer. */
#include "runtime/device/product.h"

namespace product_kernels {

using namespace hornfels::device;

/* A matrix [row][1020]; a row is m (n), or k. */
template <bool AlongK, int Vector, class E = float> struct left {
  static constexpr bool along_k = AlongK, holes = false;
  static constexpr int vector = Vector;
  const E *data;
  __device__ const E *at(long m, long k) const {
    return along_k ? data + m * 1020 + k : data + k * 1020 + m;
  }
};
template <bool AlongK, int Vector, class E = float> struct right {
  static constexpr bool along_k = AlongK, holes = false;
  static constexpr int vector = Vector;
  const E *data;
  __device__ const E *at(long k, long n) const {
    return along_k ? data + n * 1020 + k : data + k * 1020 + n;
  }
};

/* 3 x 3 "same" windows of 28 x 28 images of C channels: m is a position of an image, k an element of its
 * window. */
template <int C> struct windows {
  static constexpr bool along_k = true;
  static constexpr int vector = C % 4 == 0 ? 4 : 1;
  const float *image;
  __device__ const float *at(int m, int k) const {
    const int y = m / 28 % 28 + k / (3 * C) - 1, x = m % 28 + k / C % 3 - 1;
    const bool inside = unsigned(y) < 28 && unsigned(x) < 28;
    return inside ? image + (long(m / 784) * 784 + y * 28 + x) * C + k % C : nullptr;
  }
};
/* The same for the weight gradient: m is an element of the window, k a position. */
template <int C> struct windows_turned {
  static constexpr bool along_k = false;
  static constexpr int vector = C % 4 == 0 ? 4 : 1;
  const float *image;
  __device__ const float *at(int m, int k) const { return windows<C>{image}.at(k, m); }
};

/* y = max(0, x w + b), four at a time. */
struct relu {
  float *__restrict__ y;
  const float *__restrict__ b;
  __device__ void operator()(long m, long n, float sum) const { y[m * 1020 + n] = fmaxf(sum + b[n], 0.0f); }
  __device__ void four(long m, long n, const float (&sums)[4]) const {
    const float4 bias = *reinterpret_cast<const float4 *>(b + n);
    *reinterpret_cast<float4 *>(y + m * 1020 + n) =
        make_float4(fmaxf(sums[0] + bias.x, 0.0f), fmaxf(sums[1] + bias.y, 0.0f),
                    fmaxf(sums[2] + bias.z, 0.0f), fmaxf(sums[3] + bias.w, 0.0f));
  }
};

template <class Tiles, bool ALongK, bool BLongK, int Vector, class E = float>
__global__ void __launch_bounds__(Tiles::threads,
                                  product_blocks<Tiles, left<ALongK, Vector, E>, right<BLongK, Vector, E>>)
    dense(float *__restrict__ y, const E *__restrict__ x, const E *__restrict__ w, const float *__restrict__ b,
          int batch) {
  HORNFELS_SHARED(shared);
  product<Tiles>(shared, long(blockIdx.y) * Tiles::BM, long(blockIdx.x) * Tiles::BN, batch, 1020, 0, 1020,
                 left<ALongK, Vector, E>{x}, right<BLongK, Vector, E>{w}, relu{y, b});
}

template <class Tiles, int C>
__global__ void __launch_bounds__(Tiles::threads, product_blocks<Tiles, windows<C>, right<false, 4>>)
    convolution(float *__restrict__ y, const float *__restrict__ x, const float *__restrict__ w,
                const float *__restrict__ b, int positions) {
  HORNFELS_SHARED(shared);
  product<Tiles>(shared, long(blockIdx.x) * Tiles::BM, 0, positions, 1020, 0, 9 * C, windows<C>{x},
                 right<false, 4>{w}, relu{y, b});
}

/* w -= rate g / (sqrt(v) + 1e-7), v = 0.9 v + 0.1 g^2 */
struct rmsprop {
  float *__restrict__ w;
  float *__restrict__ v;
  float rate;
  struct before {
    float w, v;
  };
  __device__ before ahead(long m, long n) const { return {w[m * 1020 + n], v[m * 1020 + n]}; }
  __device__ void operator()(long m, long n, float g, const before &read) const {
    const float average = 0.9f * read.v + 0.1f * g * g;
    v[m * 1020 + n] = average;
    w[m * 1020 + n] = read.w - rate * g / (sqrtf(average) + 1e-7f);
  }
};

template <class Tiles, int C>
__global__ void __launch_bounds__(Tiles::threads, product_blocks<Tiles, windows_turned<C>, right<false, 4>>)
    update(float *__restrict__ w, float *__restrict__ v, const float *__restrict__ x, const float *__restrict__ d_y,
           const float *__restrict__ rate, int positions) {
  HORNFELS_SHARED(shared);
  product<Tiles>(shared, long(blockIdx.y) * Tiles::BM, long(blockIdx.x) * Tiles::BN, 9 * C, 1020, 0, positions,
                 windows_turned<C>{x}, right<false, 4>{d_y}, rmsprop{w, v, *rate});
}

#define DENSE(T, A, B, V, E)                                                                                 \
  template __global__ void dense<T, A, B, V, E>(float *__restrict__, const E *__restrict__,                  \
                                                const E *__restrict__, const float *__restrict__, int);
#define LAYOUTS(T, V, E)                                                                                     \
  DENSE(T, true, false, V, E)                                                                                \
  DENSE(T, true, true, V, E) DENSE(T, false, false, V, E) DENSE(T, false, true, V, E)
#define TILES(row)                                                                                           \
  using tiles_##row = tiles_of<row>;                                                                         \
  DENSE(tiles_##row, true, false, 4, float)                                                                  \
  DENSE(tiles_##row, false, true, 4, float)
#define TENSOR(math, row)                                                                                    \
  using math##_##row = tensor_tiles_of<arithmetic::math, row>;                                               \
  DENSE(math##_##row, true, false, 4, float)
#define CONVOLUTION(T, C)                                                                                    \
  template __global__ void convolution<T, C>(float *__restrict__, const float *__restrict__,                 \
                                             const float *__restrict__, const float *__restrict__, int);     \
  template __global__ void update<T, C>(float *__restrict__, float *__restrict__, const float *__restrict__, \
                                        const float *__restrict__, const float *__restrict__, int);

// clang-format off
TILES(0) TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) TILES(7) TILES(8) TILES(9) TILES(10)
TENSOR(tf32, 0) TENSOR(tf32, 1) TENSOR(tf32, 2) TENSOR(tf32, 3)
TENSOR(bf16, 0) TENSOR(bf16, 1) TENSOR(bf16, 2) TENSOR(bf16, 3)
DENSE(tiles_0, true, true, 4, float) DENSE(tiles_0, false, false, 4, float)
DENSE(tf32_0, true, true, 4, float) DENSE(bf16_0, false, true, 4, float)
LAYOUTS(tiles_0, 1, float) DENSE(tiles_3, true, false, 1, float) DENSE(tiles_5, true, false, 1, float)
LAYOUTS(bf16_0, 4, bfloat16) DENSE(bf16_2, true, false, 4, bfloat16)
CONVOLUTION(tiles_0, 32) CONVOLUTION(tiles_0, 3) CONVOLUTION(tiles_3, 32) CONVOLUTION(tiles_5, 32)
CONVOLUTION(tf32_0, 32) CONVOLUTION(bf16_1, 3)
// clang-format on

} // namespace product_kernels
