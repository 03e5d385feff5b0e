/* The product of matrices, by one block: C[m, n] = sum over k of A[m, k] * B[k, n].
 *
 * Where A and B lie is the loaders' business, what becomes of C the epilogue's, so that a dense layer, a
 * convolution (A's rows are windows of an image) and a weight gradient with its optimizer are one
 * function:
 *
 *   struct image_rows {                                   // A of a dense layer: 784 pixels a row
 *     static constexpr bool along_k = true;               // neighbours in memory are neighbours in k
 *     static constexpr int vector = 4;                    // 16-byte pieces: see below
 *     const float *image;
 *     __device__ const float *at(long m, long k) const { return image + m * 784 + k; }
 *   };
 *   static __global__ void __launch_bounds__(256) hidden_forward(float *hidden, const float *image, ...) {
 *     using T = tiles<128, 128, 16, 8, 8>;
 *     HORNFELS_SHARED(shared);
 *     product<T>(shared, blockIdx.x / 4 * T::BM, blockIdx.x % 4 * T::BN, batch, 512, 0, 784,
 *                image_rows{image}, kernel_columns{kernel},
 *                [=](long m, long n, float sum) { hidden[m * 512 + n] = max(0.0f, sum + bias[n]); });
 *   } */
#ifndef HORNFELS_DEVICE_PRODUCT_H
#define HORNFELS_DEVICE_PRODUCT_H

#include "product_tensor.h"
#include "product_threads.h"
#include "tile_choice.h"

namespace hornfels::device {

/* How a block shares a product: see tile_configuration. `shared_bytes<T>` is what the launch gives. */
template <int BM_, int BN_, int BK_, int TM_, int TN_, int KS_ = 1, int Stages = 2> struct tiles {
  static constexpr int BM = BM_, BN = BN_, BK = BK_, TM = TM_, TN = TN_, KS = KS_, stages = Stages;
  static constexpr tile_configuration configuration{BM, BN, BK, TM, TN, KS, stages};
  static constexpr arithmetic math = arithmetic::fp32;
  static constexpr int threads = configuration.threads();
  template <class T> static constexpr int shared_bytes = configuration.shared_bytes(int(sizeof(T)));
};

/* BM x BN sums by a block of warps with WM x WN each, on the tensor units. Elements are float, or bfloat16
 * for bf16; sums are float. */
template <arithmetic Math, int BM_, int BN_, int BK_, int WM_, int WN_, int Stages = 3> struct tensor_tiles {
  static constexpr arithmetic math = Math;
  static constexpr int BM = BM_, BN = BN_, BK = BK_, WM = WM_, WN = WN_, stages = Stages;
  static constexpr tensor_configuration configuration{BM, BN, BK, WM, WN, stages};
  static constexpr int threads = configuration.threads();
  template <class T> static constexpr int shared_bytes = configuration.shared_bytes();
};

/* The tiles of a row of the tables. */
template <int row>
using tiles_of = tiles<tile_table[row].BM, tile_table[row].BN, tile_table[row].BK, tile_table[row].TM,
                       tile_table[row].TN, tile_table[row].KS, tile_table[row].stages>;
template <arithmetic math, int row>
using tensor_tiles_of = tensor_tiles<math, tensor_table[row].BM, tensor_table[row].BN, tensor_table[row].BK,
                                     tensor_table[row].WM, tensor_table[row].WN, tensor_table[row].stages>;

/* The sums of C[m0 .. m0 + BM, n0 .. n0 + BN] over the k of [k_begin, k_end): finish(m, n, sum) once for
 * each element inside M x N, by some thread of the block. All threads of the block call it, with the same
 * arguments; it begins with a barrier, so that it can be called again directly. `shared` is the
 * Tiles::shared_bytes<T> of the launch. The order of a sum is the tiles': ascending k where KS is 1, else
 * each group's k ascending and then the groups; on the tensor units what an instruction makes of its k is
 * the device's.
 *
 *   a.at(m, k), b.at(k, n)   the element's address, or null where the element is 0: asked inside M, N and k_end.
 *                            All indices are passed as int, to finish too: M, N and k_end are below 2^31 - 256
 *   A::holes, B::holes       false where at() is never null: it may then be asked anywhere, and what it says
 *                            outside is not read. Where the loader does not say, at() may be null
 *   A::along_k, B::along_k   whether memory is contiguous along k; else along m (A) or n (B)
 *   A::vector, B::vector     1, or the elements of 16 bytes: at() of an index along memory that is a multiple of
 *                            `vector` then gives that many elements at an address that is a multiple of 16, or
 *                            null for all of them. The extent of this index and k_begin are multiples of it too
 *
 * An epilogue may have beside operator()
 *
 *   four(m, n, sums)         sums being a T[4]: called for n to n + 3, n a multiple of 4, wherever all four are inside
 *                            N. Neighbouring threads then finish neighbouring fours: 16 bytes at a time
 *   ahead(m, n)              what it reads at (m, n), as an object of its own type: finish(m, n, sum, ahead) follows.
 *                            A thread reads ahead for several elements, instead of waiting for each
 *
 * and should point to what it writes by __restrict__ arguments of the kernel. */
template <class Tiles, class A, class B, class Finish>
__device__ void product(char *shared, long m0, long n0, long M, long N, long k_begin, long k_end, A a, B b,
                        Finish finish) {
  products::block_product<Tiles, A, B>::run(shared, int(m0), int(n0), int(M), int(N), int(k_begin),
                                            int(k_end), a, b, finish);
}

namespace products {
template <class Block, class A, class B> constexpr int blocks_together() {
  if constexpr (Block::tight)
    return A::vector * sizeof(typename Block::T) == 16 && B::vector * sizeof(typename Block::T) == 16 ? 2 : 1;
  else
    return 1;
}
} // namespace products

/* The second argument of __launch_bounds__: how many of such blocks a multiprocessor should hold. For 64
 * sums a thread two of 128 registers a thread, which suffice where copies are of 16 bytes; with a register
 * or more of address for each element they do not. */
template <class Tiles, class A, class B>
constexpr int product_blocks = products::blocks_together<products::block_product<Tiles, A, B>, A, B>();

} // namespace hornfels::device

#endif
