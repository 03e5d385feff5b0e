/* The product of one block on the tensor units: float or bfloat16 in memory, sums in float. Each warp
 * keeps WM x WN sums as tiles of 16 x 8, the shape of one instruction; how lanes share them is in
 * product_operands.h. */
#ifndef HORNFELS_DEVICE_PRODUCT_TENSOR_H
#define HORNFELS_DEVICE_PRODUCT_TENSOR_H

#include "product_operands.h"
#include "product_slices.h"
#include "product_sums.h"
#include "product_threads.h"
#include "tile_choice.h"

namespace hornfels::device::products {

template <class Tiles, class A, class B> struct tensor_product {
  using T = element_of<A>;
  static_assert(std::is_same_v<T, element_of<B>>, "A and B have one type");
  // The depth of a slice is a number of bytes: of shorter elements there are more.
  static constexpr int BM = Tiles::BM, BN = Tiles::BN, BK = Tiles::configuration.depth(int(sizeof(T))),
                       threads = Tiles::threads;
  static constexpr bool tight = false;
  static constexpr int across = BN / Tiles::WN, down = BM / Tiles::WM;
  static constexpr int MT = Tiles::WM / 16, NT = Tiles::WN / 8; // tiles of a warp
  static_assert(BM % Tiles::WM == 0 && BN % Tiles::WN == 0 && Tiles::WM % 32 == 0 && Tiles::WN % 32 == 0 &&
                    BK % 16 == 0,
                "a block is whole warps, these are whole tiles");

  using elements = tensor_elements<T, Tiles::math>;
  using a_slice = slice<A, BM, BK, elements::k_pad, elements::outer_pad>;
  using b_slice = slice<turned<B>, BN, BK, elements::k_pad, elements::outer_pad>;
  using a_share = typename elements::template share<a_slice, 2 * MT, 2>;
  using b_share = typename elements::template share<b_slice, NT, 1>;

  struct place {
    int lane = int(threadIdx.x) % 32, m = int(threadIdx.x) / 32 / across, n = int(threadIdx.x) / 32 % across;
  };

  static __device__ void add(float (&sums)[MT][NT][4], const T *as, const T *bs, const place &at) {
    constexpr bool tf32 = Tiles::math == arithmetic::tf32;
    HORNFELS_UNROLL
    for (int k = 0; k < BK; k += tf32 ? 8 : 16) {
      unsigned x[2 * MT][2], y[NT][2];
      a_share::operands(x, as, at.m * Tiles::WM, k, at.lane);
      b_share::operands(y, bs, at.n * Tiles::WN, k, at.lane);
      HORNFELS_UNROLL
      for (int i = 0; i < MT; ++i) {
        const unsigned rows[4] = {x[2 * i][0], x[2 * i + 1][0], x[2 * i][1], x[2 * i + 1][1]};
        HORNFELS_UNROLL
        for (int j = 0; j < NT; ++j) {
          if constexpr (tf32)
            multiply_tf32(sums[i][j], rows, y[j]);
          else
            multiply_bf16(sums[i][j], rows, y[j]);
        }
      }
    }
  }

  // Tiles of a warp whose rows are staged at once.
  using staged = staged_rows<float, BN, 1>;
  static constexpr int tile_bytes = down * 16 * staged::pitch * 4;
  static constexpr int tiles_at_once(int tiles) {
    return tiles > 1 && tiles * tile_bytes > Tiles::template shared_bytes<T> ? tiles_at_once(tiles / 2)
                                                                             : tiles;
  }
  static constexpr int at_once = tiles_at_once(MT), rows_at_once = at_once * 16;
  static_assert(MT % at_once == 0 && at_once * tile_bytes <= Tiles::template shared_bytes<T>, "a row fits");

  // Lane 4 g + t holds the sums of rows g and g + 8, columns 2 t and 2 t + 1 of each tile.
  static __device__ void stage(const staged &to, const float (&sums)[MT][NT][4], int first, const place &at) {
    const int g = at.lane / 4, t = at.lane % 4;
    HORNFELS_UNROLL
    for (int i = 0; i < 2 * at_once; ++i) {
      float *const row = to.row(0, at.m * rows_at_once + i * 8 + g) + at.n * Tiles::WN;
      const auto sum = [&](int j, int column) { return sums[first + i / 2][j][i % 2 * 2 + column]; };
      if constexpr (!b_share::quads) {
        HORNFELS_UNROLL
        for (int j = 0; j < NT; ++j)
          store(row + b_share::outer(j, 2 * t), {sum(j, 0), sum(j, 1)});
      } else {
        HORNFELS_UNROLL
        for (int j = 0; j < NT; j += 4) {
          HORNFELS_UNROLL
          for (int c = 0; c < 2; ++c)
            store(row + b_share::outer(j, 2 * t + c),
                  {sum(j, c), sum(j + 1, c), sum(j + 2, c), sum(j + 3, c)});
        }
      }
    }
  }

  static __device__ int row_of(int pass, int r) {
    const int warp = r / rows_at_once, i = r % rows_at_once / 8;
    return warp * Tiles::WM + a_share::outer(pass * at_once * 2 + i, r % 8);
  }

  template <class Finish>
  static __device__ void run(char *shared, int m0, int n0, int M, int N, int k_begin, int k_end, const A &a,
                             const B &b, Finish &finish) {
    const place at;
    float sums[MT][NT][4] = {};
    __syncthreads();
    for_each_slice<threads, Tiles::stages, BK, a_slice, b_slice>(
        shared, a, m0, M, turned<B>{b}, n0, N, k_begin, k_end,
        [&](const T *as, const T *bs) { add(sums, as, bs, at); });
    const staged rows{reinterpret_cast<float *>(shared), down * rows_at_once};
    finish_in_passes<threads, MT / at_once, down * rows_at_once>(
        rows, m0, n0, M, N, [&](int pass) { stage(rows, sums, pass * at_once, at); },
        [](int pass, int r) { return row_of(pass, r); }, finish);
  }
};

template <class Tiles, class A, class B>
struct block_product<Tiles, A, B, arithmetic::tf32> : tensor_product<Tiles, A, B> {};
template <class Tiles, class A, class B>
struct block_product<Tiles, A, B, arithmetic::bf16> : tensor_product<Tiles, A, B> {};

} // namespace hornfels::device::products

#endif
