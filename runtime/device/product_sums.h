/* From the registers of a block's threads to its epilogue, through shared memory: neighbouring threads
 * finish neighbouring n, whatever elements they summed; the epilogue's code stands once in the program,
 * not once for each register. */
#ifndef HORNFELS_DEVICE_PRODUCT_SUMS_H
#define HORNFELS_DEVICE_PRODUCT_SUMS_H

#include "product_slices.h"

#include <utility>

namespace hornfels::device::products {

/* Whether the epilogue takes four neighbours at once. */
template <class Finish, class T, class = void> struct finishes_four : std::false_type {};
template <class Finish, class T>
struct finishes_four<
    Finish, T, std::void_t<decltype(std::declval<Finish &>().four(0, 0, std::declval<const T (&)[4]>()))>>
    : std::true_type {};

/* Whether the epilogue reads ahead: finish.ahead(m, n) is what finish(m, n, sum, ahead) then takes. */
template <class Finish, class = void> struct reads_ahead : std::false_type {};
template <class Finish>
struct reads_ahead<Finish, std::void_t<decltype(std::declval<Finish &>().ahead(0, 0))>> : std::true_type {};

/* Rows of C in shared memory, one plane for each group of threads: the block's epilogue calls finish for
 * each of them. */
template <class T, int BN, int groups> struct staged_rows {
  // Rows that begin 32 bytes further: 8 threads of each of 4 rows then write to 32 different banks.
  static constexpr int pitch = BN + 32 / int(sizeof(T));
  T *staging;
  int rows; // of a plane

  __device__ T *row(int group, int r) const { return staging + (group * rows + r) * pitch; }

  // The sum of the groups' parts, in the order of the groups.
  template <int count> __device__ void sum(T (&total)[count], int r, int n) const {
    HORNFELS_UNROLL
    for (int g = 0; g < groups; ++g) {
      const auto part = *reinterpret_cast<const pack<T, count> *>(row(g, r) + n);
      HORNFELS_UNROLL
      for (int i = 0; i < count; ++i)
        total[i] = g == 0 ? part.of[i] : total[i] + part.of[i];
    }
  }

  /* The threads of the block finish `count` rows, each thread several pieces of them at a time: the reads
   * of all of these come before the first is finished. row_of(r): the place of row r in the block. */
  template <int threads, int count, class RowOf, class Finish>
  __device__ void finish(int m0, int n0, int M, int N, RowOf row_of, Finish &finish) const {
    constexpr bool four = finishes_four<Finish, T>::value;
    constexpr int piece = four ? 4 : 1, pieces = BN / piece, all = count * pieces, at_once = four ? 2 : 4;
    HORNFELS_ROLLED
    for (int e = int(threadIdx.x); e < all; e += at_once * threads) {
      int m[at_once], n[at_once];
      bool inside[at_once];
      T total[at_once][piece];
      HORNFELS_UNROLL
      for (int i = 0; i < at_once; ++i) {
        const int at = e + i * threads, r = at / pieces, column = at % pieces * piece;
        m[i] = m0 + row_of(r), n[i] = n0 + column;
        inside[i] = at < all && m[i] < M && n[i] < N;
        if (inside[i])
          sum(total[i], r, column);
      }
      finish_pieces(m, n, inside, total, N, finish);
    }
  }

private:
  template <int at_once, int piece, class Finish>
  static __device__ void finish_pieces(const int (&m)[at_once], const int (&n)[at_once],
                                       const bool (&inside)[at_once], const T (&total)[at_once][piece], int N,
                                       Finish &finish) {
    if constexpr (piece == 4) {
      HORNFELS_UNROLL
      for (int i = 0; i < at_once; ++i) {
        if (inside[i] && n[i] + 4 <= N)
          finish.four(m[i], n[i], total[i]);
        else if (inside[i]) {
          // An index that is no constant would put the sums into memory.
          HORNFELS_UNROLL
          for (int j = 0; j < 3; ++j)
            if (n[i] + j < N)
              finish(m[i], n[i] + j, total[i][j]);
        }
      }
    } else if constexpr (reads_ahead<Finish>::value) {
      decltype(finish.ahead(0, 0)) ahead[at_once];
      HORNFELS_UNROLL
      for (int i = 0; i < at_once; ++i)
        if (inside[i])
          ahead[i] = finish.ahead(m[i], n[i]);
      HORNFELS_UNROLL
      for (int i = 0; i < at_once; ++i)
        if (inside[i])
          finish(m[i], n[i], total[i][0], ahead[i]);
    } else {
      HORNFELS_UNROLL
      for (int i = 0; i < at_once; ++i)
        if (inside[i])
          finish(m[i], n[i], total[i][0]);
    }
  }
};

/* The sums of a block, `rows` rows at a time: stage(pass) by every thread writes those of its registers
 * that belong to the pass, row_of(pass, r) is their place in the block. */
template <int threads, int passes, int rows, class Staged, class Stage, class RowOf, class Finish>
__device__ void finish_in_passes(const Staged &staged, int m0, int n0, int M, int N, Stage stage,
                                 RowOf row_of, Finish &finish) {
  HORNFELS_ROLLED
  for (int pass = 0; pass < passes; ++pass) {
    __syncthreads();
    // Registers cannot be indexed: each pass has its own code for this.
    HORNFELS_UNROLL
    for (int p = 0; p < passes; ++p)
      if (p == pass)
        stage(p);
    __syncthreads();
    staged.template finish<threads, rows>(
        m0, n0, M, N, [=](int r) { return row_of(pass, r); }, finish);
  }
}

} // namespace hornfels::device::products

#endif
