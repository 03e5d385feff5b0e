/* Kernels that use copies under way and the products of a warp: compiled by nvcc, and run by
 * copy_mma_test.cu. */
#include "runtime/device/copy_async.h"
#include "runtime/device/mma.h"

namespace hornfels::device::test {

/* y[i] = x[i] + 1 for i < n, in tiles of `bytes` a thread, two tiles under way. With `newest` = 1 each wait
 * is right, with more it waits for too few. */
template <int bytes, int newest>
__global__ void __launch_bounds__(64) add_one(float *y, const float *x, int n, int tiles) {
  constexpr int width = bytes / 4;
  HORNFELS_SHARED(shared);
  float *const tile = reinterpret_cast<float *>(shared); // [2][64][width]
  const int thread = static_cast<int>(threadIdx.x);
  const auto start = [&](int t) {
    const int i = (t * 64 + thread) * width;
    copy_async<bytes>(tile + (t % 2 * 64 + thread) * width, x + i, t < tiles && i < n);
    commit_copies();
  };
  start(0);
  for (int t = 0; t < tiles; ++t) {
    start(t + 1);
    wait_copies<newest>();
    __syncthreads();
    // The part of the neighbour, so that the barriers matter.
    const int other = (thread + 1) % 64;
    for (int j = 0; j < width; ++j)
      if (const int i = (t * 64 + other) * width + j; i < n)
        y[i] = tile[(t % 2 * 64 + other) * width + j] + 1;
    __syncthreads();
  }
}

/* d[16][8] = d + a[16][8] b[8][8] in TF32, by one warp. */
__global__ void __launch_bounds__(32) small_product_tf32(float *d, const float *a, const float *b) {
  const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
  const unsigned left[4] = {to_tf32(a[g * 8 + t]), to_tf32(a[(g + 8) * 8 + t]), to_tf32(a[g * 8 + t + 4]),
                            to_tf32(a[(g + 8) * 8 + t + 4])};
  const unsigned right[2] = {to_tf32(b[t * 8 + g]), to_tf32(b[(t + 4) * 8 + g])};
  float sum[4] = {d[g * 8 + 2 * t], d[g * 8 + 2 * t + 1], d[(g + 8) * 8 + 2 * t], d[(g + 8) * 8 + 2 * t + 1]};
  multiply_tf32(sum, left, right);
  for (int i = 0; i < 4; ++i)
    d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
}

/* d[16][8] = d + a[16][16] b[16][8] in bfloat16, by one warp, with the fragments of a and b read by
 * load_matrices. */
__global__ void __launch_bounds__(32) small_product_bf16(float *d, const float *a, const float *b) {
  HORNFELS_SHARED(shared);
  unsigned *const left = reinterpret_cast<unsigned *>(shared); // [16][16] elements, two a word
  unsigned *const right = left + 128;                          // [16][8] elements
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  for (int i = lane; i < 128; i += 32)
    left[i] = to_bf16(a[2 * i], a[2 * i + 1]);
  for (int i = lane; i < 64; i += 32)
    right[i] = to_bf16(b[2 * i], b[2 * i + 1]);
  __syncwarp();
  unsigned a_words[4], b_words[4];
  // Matrices in the order of a[0] .. a[3]: upper left, lower left, upper right, lower right.
  load_matrices(a_words, left + lane % 16 * 8 + lane / 16 * 4);
  // The two halves of b, twice: there are four addresses to give.
  load_matrices_transposed(b_words, right + lane % 16 * 4);
  const unsigned b_pair[2] = {b_words[0], b_words[1]};
  float sum[4] = {d[g * 8 + 2 * t], d[g * 8 + 2 * t + 1], d[(g + 8) * 8 + 2 * t], d[(g + 8) * 8 + 2 * t + 1]};
  multiply_bf16(sum, a_words, b_pair);
  for (int i = 0; i < 4; ++i)
    d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
}

template __global__ void add_one<4, 1>(float *, const float *, int, int);
template __global__ void add_one<8, 1>(float *, const float *, int, int);
template __global__ void add_one<16, 1>(float *, const float *, int, int);

} // namespace hornfels::device::test
