// What the vector tests share.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "runtime/core/vector.h"

namespace vector_test {

namespace hf = hornfels;

/* Bits of one value; all NaNs count as one. */
template <class T> uint64_t bits_of(T x) {
  if (x != x)
    return ~uint64_t{0};
  uint64_t r = 0;
  std::memcpy(&r, &x, sizeof(x));
  return r;
}

/* The vector types of an element type that the target has registers for. */
#if HORNFELS_VECTOR_BYTES == 64
using float_vectors = testing::Types<hf::v16f, hf::v8f, hf::v4f>;
using double_vectors = testing::Types<hf::v8d, hf::v4d, hf::v2d>;
using all_vectors = testing::Types<hf::v16f, hf::v8f, hf::v4f, hf::v8d, hf::v4d, hf::v2d, hf::v16i, hf::v8i,
                                   hf::v4i, hf::v8l, hf::v4l, hf::v2l, float, double>;
using real_vectors = testing::Types<hf::v16f, hf::v8f, hf::v4f, hf::v8d, hf::v4d, hf::v2d, float, double>;
#elif HORNFELS_VECTOR_BYTES == 32
using all_vectors =
    testing::Types<hf::v8f, hf::v4f, hf::v4d, hf::v2d, hf::v8i, hf::v4i, hf::v4l, hf::v2l, float, double>;
using real_vectors = testing::Types<hf::v8f, hf::v4f, hf::v4d, hf::v2d, float, double>;
#else
using all_vectors = testing::Types<hf::v4f, hf::v2d, hf::v4i, hf::v2l, float, double>;
using real_vectors = testing::Types<hf::v4f, hf::v2d, float, double>;
#endif

/* A page followed by one that must not be touched. */
class guarded_page {
public:
  guarded_page() : size(size_t(sysconf(_SC_PAGESIZE))) {
    start = static_cast<char *>(
        mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(start + size, size, PROT_NONE);
  }
  ~guarded_page() { munmap(start, 2 * size); }
  guarded_page(const guarded_page &) = delete;
  guarded_page &operator=(const guarded_page &) = delete;
  /* The last n elements of the page. */
  template <class T> T *last(int64_t n) { return reinterpret_cast<T *>(start + size) - n; }

private:
  size_t size;
  char *start;
};

} // namespace vector_test
