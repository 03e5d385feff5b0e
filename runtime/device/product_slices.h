/* What of A and B lies in shared memory while a block sums: the pieces (slices) of BK of the summed index,
 * how they come from global memory, and how a thread reads its part of them. In this file `outer` is m for
 * A and n for B. */
#ifndef HORNFELS_DEVICE_PRODUCT_SLICES_H
#define HORNFELS_DEVICE_PRODUCT_SLICES_H

#include "copy_async.h"
#include "cuda.h"

#include <type_traits>
#include <utility>

#ifndef HORNFELS_UNROLL
#ifdef __CUDACC__
#define HORNFELS_UNROLL _Pragma("unroll")
#define HORNFELS_ROLLED _Pragma("unroll 1")
#else
#define HORNFELS_UNROLL
#define HORNFELS_ROLLED
#endif
#endif

namespace hornfels::device::products {

/* `count` elements as one access of at most 16 bytes. */
template <class T, int count> struct alignas(count * sizeof(T) < 16 ? count * sizeof(T) : 16) pack {
  T of[count];
};

template <class T, int count> __device__ inline void load(T (&to)[count], const T *from) {
  const auto whole = *reinterpret_cast<const pack<T, count> *>(from);
  HORNFELS_UNROLL
  for (int i = 0; i < count; ++i)
    to[i] = whole.of[i];
}
template <class T, int count> __device__ inline void store(T *to, const T (&from)[count]) {
  pack<T, count> whole;
  HORNFELS_UNROLL
  for (int i = 0; i < count; ++i)
    whole.of[i] = from[i];
  *reinterpret_cast<pack<T, count> *>(to) = whole;
}

/* Whether a loader's at() may be null, which one that says `holes = false` rules out. */
template <class L, class = void> struct has_holes : std::true_type {};
template <class L> struct has_holes<L, std::void_t<decltype(L::holes)>> : std::bool_constant<L::holes> {};

/* B seen as A is: its loader asked by (n, k). */
template <class B> struct turned {
  static constexpr bool along_k = B::along_k;
  static constexpr int vector = B::vector;
  static constexpr bool holes = has_holes<B>::value;
  B b;
  __device__ auto at(int n, int k) const { return b.at(k, n); }
};

template <class L>
using element_of = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const L &>().at(0, 0))>>;

/* A slice of Outer x BK elements. Its rows lie along the index along which global memory lies, so that
 * copies are contiguous on both sides; they are KPad or OuterPad elements longer than the slice, see who
 * reads them.
 *
 * With Turn, a slice along k of global memory is turned by its copies, element by element: its rows are of
 * one k, and 16 bytes longer, so that the 8 k x 4 outer of a warp's copy go to 32 banks. Tight: registers
 * are scarce. */
template <class L, int Outer, int BK, int KPad, int OuterPad = 0, bool Turn = false, bool Tight = false>
struct slice {
  using T = element_of<L>;
  static constexpr bool turn = Turn && L::along_k;
  static constexpr bool along_k = L::along_k && !turn;
  static constexpr int wide = 16 / int(sizeof(T));
  static constexpr int pitch = along_k ? BK + KPad : turn ? Outer + wide : Outer + OuterPad;
  static constexpr int elements = along_k ? Outer * pitch : BK * pitch;
  static_assert(BK * sizeof(T) % 32 == 0, "a slice's rows are multiples of 32 bytes");

  // The copy of `count` elements from (outer, k) on; 0 beyond outer_end and k_end.
  template <int count>
  static __device__ void copy(T *to, const L &from, int outer, int outer_end, int k, int k_end) {
    const bool inside = outer < outer_end && k < k_end;
    const T *const address = inside || !has_holes<L>::value ? from.at(outer, k) : nullptr;
    const bool there = has_holes<L>::value ? address != nullptr : inside;
    if constexpr (count * sizeof(T) >= 4)
      copy_async<count *int(sizeof(T))>(to, address, there);
    else // too short for an asynchronous copy: the barrier before the slice is read makes it seen as well
      *to = there ? *address : T();
  }

  // What a loader makes of the outer index alone is made again for each slice, rather than kept in registers.
  static __device__ void forget(int &x) { asm volatile("" : "+r"(x)); }

  template <int threads>
  static __device__ void fetch_turned(T *to, const L &from, int outer0, int outer_end, int k0, int k_end) {
    static_assert(threads % 8 == 0 && BK % 8 == 0, "a turned slice is copied by 8 k");
    static_assert(Outer * 8 % threads == 0, "a turned slice is copied by whole blocks of threads");
    constexpr int step = threads / 8;
    HORNFELS_UNROLL
    for (int i = 0; i < Outer * BK / threads; ++i) {
      const int outer = int(threadIdx.x / 8) + i * step % Outer,
                k = int(threadIdx.x % 8) + i * step / Outer * 8;
      copy<1>(to + k * pitch + outer, from, outer0 + outer, outer_end, k0 + k, k_end);
    }
  }

  /* Starts the copies of outer0 .. outer0 + Outer and k0 .. k0 + BK; what is outside outer_end and k_end
   * becomes 0. A thread copies every (threads / pieces)-th row where it can: then all that changes with i
   * is a constant. */
  template <int threads>
  static __device__ void fetch(T *to, const L &from, int outer0, int outer_end, int k0, int k_end) {
    if constexpr (turn)
      return fetch_turned<threads>(to, from, outer0, outer_end, k0, k_end);
    if constexpr (Tight && has_holes<L>::value && L::vector > 1)
      forget(outer0);
    constexpr int vector = L::vector, pieces = (along_k ? BK : Outer) / vector, all = Outer * BK / vector;
    static_assert((along_k ? BK : Outer) % vector == 0, "a row is whole vectors");
    const unsigned thread = threadIdx.x;
    HORNFELS_UNROLL
    for (int i = 0; i < (all + threads - 1) / threads; ++i) {
      const unsigned piece = thread + unsigned(i * threads);
      if (all % threads != 0 && piece >= unsigned(all))
        break;
      constexpr bool regular = threads % pieces == 0;
      const int row = regular ? int(thread / pieces) + i * (threads / pieces) : int(piece / pieces);
      const int place = int((regular ? thread : piece) % pieces) * vector;
      const int outer = along_k ? row : place, k = along_k ? place : row;
      copy<vector>(to + row * pitch + place, from, outer0 + outer, outer_end, k0 + k, k_end);
    }
  }
};

/* add(slice of A, slice of B) for every BK of [k_begin, k_end), in order, by all threads of a block. While
 * they add the products of one slice, the copies of the next `stages` - 1 are under way. One barrier a
 * slice serves both: what the others copied has arrived, and nobody reads any more what is overwritten
 * next. */
template <int threads, int stages, int BK, class ASlice, class BSlice, class A, class B, class Add>
__device__ void for_each_slice(char *shared, const A &a, int m0, int M, const B &b, int n0, int N,
                               int k_begin, int k_end, Add add) {
  auto *const slices = reinterpret_cast<typename ASlice::T *>(shared);
  constexpr int stage = ASlice::elements + BSlice::elements;
  const auto fetch = [&](int slot, int k) {
    if (k < k_end) {
      ASlice::template fetch<threads>(slices + slot * stage, a, m0, M, k, k_end);
      BSlice::template fetch<threads>(slices + slot * stage + ASlice::elements, b, n0, N, k, k_end);
    }
    commit_copies();
  };
  HORNFELS_UNROLL
  for (int s = 0; s < stages - 1; ++s)
    fetch(s, k_begin + s * BK);
  int slot = 0, free = stages - 1;
  HORNFELS_ROLLED
  for (int k = k_begin; k < k_end; k += BK) {
    wait_copies<stages - 2>();
    __syncthreads();
    fetch(free, k + (stages - 1) * BK);
    add(slices + slot * stage, slices + slot * stage + ASlice::elements);
    free = slot;
    slot = slot + 1 == stages ? 0 : slot + 1;
  }
  wait_copies<0>();
}

} // namespace hornfels::device::products

#endif
