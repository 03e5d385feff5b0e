/* The product of one block on the ordinary units (float, double): each thread keeps TM x TN sums in
 * registers and adds the products of TM elements of A with TN elements of B, for one k after another. */
#ifndef HORNFELS_DEVICE_PRODUCT_THREADS_H
#define HORNFELS_DEVICE_PRODUCT_THREADS_H

#include "product_slices.h"
#include "product_sums.h"
#include "tile_choice.h"

namespace hornfels::device::products {

/* Where a thread stands: its group, and (x, y) among the (BN / TN) x (BM / TM) threads of the group. A
 * warp is 8 x 4 of them where the tile allows it, so that it reads 8 parts of B and 4 of A for 32 x TM x
 * TN products. */
template <class Tiles> struct thread_place {
  static constexpr int across = Tiles::BN / Tiles::TN, down = Tiles::BM / Tiles::TM,
                       group_threads = across * down;
  static constexpr int warp = group_threads < 32 ? group_threads : 32;
  static constexpr int fit = across < 8 ? across : 8;
  static constexpr int warp_across = warp / fit > down ? warp / down : fit, warp_down = warp / warp_across;
  static_assert(across % warp_across == 0 && down % warp_down == 0 && group_threads % warp == 0,
                "a group's threads are whole warps, and these a grid of the group's");
  int group, x, y;

  __device__ thread_place() {
    const int thread = int(threadIdx.x) % group_threads, lane = thread % warp, w = thread / warp;
    group = int(threadIdx.x) / group_threads;
    x = w % (across / warp_across) * warp_across + lane % warp_across;
    y = w / (across / warp_across) * warp_down + lane / warp_across;
  }
};

/* The `mine` outer indices of one of Outer / mine threads. Where outer lies along memory the thread takes
 * whole 16 bytes, one group after another; else consecutive threads take consecutive rows: as rows along k
 * are 16 bytes longer than BK, and BK is a multiple of 32 bytes, 8 of them begin in 8 different groups of
 * 4 banks. Neither has conflicts. */
template <class S, int Outer, int mine> struct share {
  using T = typename S::T;
  static constexpr int others = Outer / mine;
  static constexpr int group = S::along_k ? 1 : mine % S::wide == 0 ? S::wide : mine % 2 == 0 ? 2 : 1;

  static __device__ int outer(int thread, int i) {
    return i / group * (others * group) + thread * group + i % group;
  }

  // part[i][q] = the slice at (outer(thread, i), k + q)
  template <int depth> static __device__ void read(T (&part)[mine][depth], const T *from, int thread, int k) {
    if constexpr (S::along_k) {
      HORNFELS_UNROLL
      for (int i = 0; i < mine; ++i)
        load(part[i], from + outer(thread, i) * S::pitch + k);
    } else {
      HORNFELS_UNROLL
      for (int q = 0; q < depth; ++q) {
        HORNFELS_UNROLL
        for (int i = 0; i < mine; i += group) {
          T values[group];
          load(values, from + (k + q) * S::pitch + outer(thread, i));
          HORNFELS_UNROLL
          for (int j = 0; j < group; ++j)
            part[i + j][q] = values[j];
        }
      }
    }
  }
};

template <class Tiles, class A, class B, arithmetic = Tiles::math> struct block_product {
  static constexpr int BM = Tiles::BM, BN = Tiles::BN, BK = Tiles::BK, TM = Tiles::TM, TN = Tiles::TN;
  static constexpr int KS = Tiles::KS, stages = Tiles::stages, threads = Tiles::threads;
  static_assert(BM % TM == 0 && BN % TN == 0 && BK % KS == 0 && stages >= 2, "tiles divide");

  using T = element_of<A>;
  static_assert(std::is_same_v<T, element_of<B>>, "A and B have one type");
  /* 64 sums a thread leave few registers where two blocks share a multiprocessor. Where both operands lie
   * along k, four k of both would take too many of them: B is turned. */
  static constexpr int wide = 16 / int(sizeof(T));
  static constexpr bool tight = TM * TN > 32 && sizeof(T) == 4;
  using a_slice = slice<A, BM, BK, wide, 0, false, tight>;
  using b_slice = slice<turned<B>, BN, BK, wide, 0, A::along_k && tight, tight>;
  using a_share = share<a_slice, BM, TM>;
  using b_share = share<b_slice, BN, TN>;
  using place = thread_place<Tiles>;

  // A slice whose rows lie along k is read 16 bytes of a row at a time.
  static constexpr int depth = a_slice::along_k || b_slice::along_k ? a_slice::wide : 1;
  static constexpr int own_k = BK / KS; // of each slice, those of one group
  static_assert(own_k % depth == 0, "a group's part of a slice is whole reads");

  static __device__ void add(T (&sums)[TM][TN], const T *as, const T *bs, const place &at) {
    HORNFELS_UNROLL
    for (int k = 0; k < own_k; k += depth) {
      T x[TM][depth];
      a_share::read(x, as, at.y, at.group * own_k + k);
      T y[TN][depth];
      b_share::read(y, bs, at.x, at.group * own_k + k);
      multiply(sums, x, y);
    }
  }

  // sums[i][j] += x[i][q] * y[j][q], q ascending
  static __device__ void multiply(T (&sums)[TM][TN], const T (&x)[TM][depth], const T (&y)[TN][depth]) {
    HORNFELS_UNROLL
    for (int q = 0; q < depth; ++q) {
      HORNFELS_UNROLL
      for (int i = 0; i < TM; ++i) {
        HORNFELS_UNROLL
        for (int j = 0; j < TN; ++j)
          sums[i][j] += x[i][q] * y[j][q];
      }
    }
  }

  // As many of a thread's rows at a time as the slices' memory holds of every thread.
  static constexpr int row_bytes = KS * place::down * staged_rows<T, BN, KS>::pitch * int(sizeof(T));
  static constexpr int rows_at_once(int rows) {
    return rows > 1 && rows * row_bytes > Tiles::template shared_bytes<T> ? rows_at_once(rows / 2) : rows;
  }
  static constexpr int at_once = rows_at_once(TM);
  static_assert(TM % at_once == 0 && at_once * row_bytes <= Tiles::template shared_bytes<T>, "a row fits");

  using staged = staged_rows<T, BN, KS>;

  static __device__ void stage(const staged &to, const T (&sums)[TM][TN], int first, const place &at) {
    constexpr int group = b_share::group;
    HORNFELS_UNROLL
    for (int i = 0; i < at_once; ++i) {
      HORNFELS_UNROLL
      for (int j = 0; j < TN; j += group) {
        T values[group];
        HORNFELS_UNROLL
        for (int q = 0; q < group; ++q)
          values[q] = sums[first + i][j + q];
        store(to.row(at.group, i * place::down + at.y) + b_share::outer(at.x, j), values);
      }
    }
  }

  template <class Finish>
  static __device__ void run(char *shared, int m0, int n0, int M, int N, int k_begin, int k_end, const A &a,
                             const B &b, Finish &finish) {
    const place at;
    T sums[TM][TN] = {};
    __syncthreads();
    for_each_slice<threads, stages, BK, a_slice, b_slice>(
        shared, a, m0, M, turned<B>{b}, n0, N, k_begin, k_end,
        [&](const T *as, const T *bs) { add(sums, as, bs, at); });
    const staged rows{reinterpret_cast<T *>(shared), at_once * place::down};
    finish_in_passes<threads, TM / at_once, at_once * place::down>(
        rows, m0, n0, M, N, [&](int pass) { stage(rows, sums, pass * at_once, at); },
        [](int pass, int r) { return a_share::outer(r % place::down, pass * at_once + r / place::down); },
        finish);
  }
};

} // namespace hornfels::device::products

#endif
