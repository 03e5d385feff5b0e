/* A product of matrices on the device, or on the CPU in its place, for every way in which operands lie in
 * memory. */
#ifndef HORNFELS_TESTS_DEVICE_PRODUCT_CASE_H
#define HORNFELS_TESTS_DEVICE_PRODUCT_CASE_H

#include "runtime/device/product.h"
#include "tests/device/device_vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace product_test {

using namespace hornfels::device;
using hornfels::device::test::device_vector;

/* Every `every`-th group of `vector` elements along memory is a hole: the loader says that it is 0. */
__host__ __device__ inline bool is_hole(long row, long place, int vector, int every) {
  return every > 0 && (row * 7 + place / vector * 3) % every == 0;
}

/* Operands as matrices [row][pitch]; a row is m (of A) or n (of B) where memory lies along k, else k. */
template <class T, bool AlongK, int Vector, bool Holes> struct left {
  static constexpr bool along_k = AlongK;
  static constexpr int vector = Vector;
  static constexpr bool holes = Holes;
  const T *data;
  long pitch;
  int every;
  __device__ const T *at(int m, int k) const {
    const long row = along_k ? m : k, place = along_k ? k : m;
    return holes && is_hole(row, place, vector, every) ? nullptr : data + row * pitch + place;
  }
};
template <class T, bool AlongK, int Vector, bool Holes> struct right {
  static constexpr bool along_k = AlongK;
  static constexpr int vector = Vector;
  static constexpr bool holes = Holes;
  const T *data;
  long pitch;
  int every;
  __device__ const T *at(int k, int n) const {
    const long row = along_k ? n : k, place = along_k ? k : n;
    return holes && is_hole(row, place, vector, every) ? nullptr : data + row * pitch + place;
  }
};

/* Adds to the output, so that an element that is finished twice, or by two threads, is seen. */
template <class T> struct add_once {
  T *c;
  int *times;
  long N;
  __device__ void operator()(long m, long n, T sum) const {
    c[m * N + n] = sum;
    ++times[m * N + n];
  }
};
template <class T> struct add_four : add_once<T> {
  __device__ void four(long m, long n, const T (&sums)[4]) const {
    for (int i = 0; i < 4; ++i) {
      this->c[m * this->N + n + i] = sums[i];
      ++this->times[m * this->N + n + i];
    }
  }
};

/* Reads what it adds to ahead. */
template <class T> struct add_ahead : add_once<T> {
  struct before {
    T c;
    int times;
  };
  __device__ before ahead(long m, long n) const {
    return {this->c[m * this->N + n], this->times[m * this->N + n]};
  }
  __device__ void operator()(long m, long n, T sum, const before &read) const {
    this->c[m * this->N + n] = read.c + sum;
    this->times[m * this->N + n] = read.times + 1;
  }
};

struct sizes {
  int M, N, K, k_begin, k_end;
};

/* Fewer blocks than tiles take one after another. */
template <class Tiles, class A, class B, class Finish>
__global__ void __launch_bounds__(Tiles::threads) multiply(sizes s, A a, B b, Finish finish) {
  HORNFELS_SHARED(shared);
  const long across = (s.N + Tiles::BN - 1) / Tiles::BN, down = (s.M + Tiles::BM - 1) / Tiles::BM;
  for (long tile = blockIdx.x; tile < across * down; tile += gridDim.x)
    product<Tiles>(shared, tile / across * Tiles::BM, tile % across * Tiles::BN, s.M, s.N, s.k_begin, s.k_end,
                   a, b, finish);
}

/* Values of a hash of (seed, index): whole numbers of -8 to 8, or any of (-1, 1). */
inline double value(uint64_t seed, uint64_t index, bool whole) {
  uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 31)) * 0x94d049bb133111ebu;
  x ^= x >> 29;
  return whole ? double(int(x % 17) - 8) : double(x >> 11) / double(uint64_t(1) << 52) - 1.0;
}

/* What elements of T are summed as. */
template <class T> using sum_of = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

template <class T> std::vector<T> values(uint64_t seed, size_t count, bool whole) {
  std::vector<T> v(count);
  for (size_t i = 0; i < count; ++i)
    v[i] = T(sum_of<T>(value(seed, i, whole)));
  return v;
}

/* A product, and what became of it. */
template <class T> struct product_result {
  std::vector<T> c;
  std::vector<int> times; /* that an element was finished */
};

template <class Tiles, class T, class Finish, class A, class B>
product_result<sum_of<T>> run_product(sizes s, const A &a, const B &b) {
  const size_t elements = size_t(s.M) * size_t(s.N);
  const device_vector<sum_of<T>> c(std::vector<sum_of<T>>(elements, 0));
  const device_vector<int> times(std::vector<int>(elements, 0));
  Finish finish{};
  finish.c = c, finish.times = times, finish.N = s.N;
  const long tiles = long((s.M + Tiles::BM - 1) / Tiles::BM) * ((s.N + Tiles::BN - 1) / Tiles::BN);
  const long blocks = tiles > 2 ? tiles - 1 : tiles; // one of them takes two
  EXPECT_EQ(launch(cudaStream_t(), multiply<Tiles, A, B, Finish>, blocks, Tiles::threads,
                   size_t(Tiles::template shared_bytes<T>), s, a, b, finish),
            cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return {c.read(), times.read()};
}

/* How the operands lie. */
template <bool ALongK, bool BLongK, int Vector = 1, bool Holes = true> struct layout {
  static constexpr bool a_along_k = ALongK, b_along_k = BLongK, holes = Holes;
  static constexpr int vector = Vector;
};
using kn = layout<true, false>;
using kk = layout<true, true>;
using mn = layout<false, false>;
using mk = layout<false, true>;

/* Multiplies by the blocks of `Tiles`, and compares with sums in double: an element may be off by
 * `tolerance` times the sum of the magnitudes of its products. `whole` numbers have exact sums, so that
 * tolerance 0 holds for them. Every `every`-th piece of an operand is a hole; 0: none. */
template <class Tiles, class T, class Layout, template <class> class Finish = add_once>
void expect_product(sizes s, bool whole, double tolerance, int every = 0) {
  constexpr bool a_along_k = Layout::a_along_k, b_along_k = Layout::b_along_k;
  constexpr int vector = Layout::vector;
  SCOPED_TRACE(testing::Message() << "C[" << s.M << ", " << s.N << "] over k " << s.k_begin << " to "
                                  << s.k_end << " of " << s.K << ", a hole every " << every << ", tile "
                                  << Tiles::BM << "x" << Tiles::BN << ", A along " << (a_along_k ? "k" : "m")
                                  << ", B along " << (b_along_k ? "k" : "n") << ", vector " << vector);
  const size_t M = size_t(s.M), N = size_t(s.N), K = size_t(s.K);
  const long a_pitch = a_along_k ? s.K : s.M, b_pitch = b_along_k ? s.K : s.N;
  const auto a_host = values<T>(1, M * K, whole), b_host = values<T>(2, K * N, whole);
  const device_vector<T> a(a_host), b(b_host);
  using A = left<T, a_along_k, vector, Layout::holes>;
  using B = right<T, b_along_k, vector, Layout::holes>;
  const auto result = run_product<Tiles, T, Finish<sum_of<T>>>(s, A{a, a_pitch, every}, B{b, b_pitch, every});

  const auto element = [&](const std::vector<T> &v, bool along_k, long pitch, long outer, long k) {
    const long row = along_k ? outer : k, place = along_k ? k : outer;
    return is_hole(row, place, vector, every) ? 0.0 : double(sum_of<T>(v[size_t(row * pitch + place)]));
  };
  for (int m = 0; m < s.M; ++m)
    for (int n = 0; n < s.N; ++n) {
      double sum = 0, magnitude = 0;
      for (int k = s.k_begin; k < s.k_end; ++k) {
        const double x =
            element(a_host, a_along_k, a_pitch, m, k) * element(b_host, b_along_k, b_pitch, n, k);
        sum += x;
        magnitude += std::abs(x);
      }
      const size_t at = size_t(m) * N + size_t(n);
      ASSERT_EQ(result.times[at], 1) << "m " << m << ", n " << n;
      ASSERT_LE(std::abs(double(result.c[at]) - sum), tolerance * magnitude) << "m " << m << ", n " << n;
    }
}

} // namespace product_test

#endif
