/* Orthonormal rows, for what weights start from: runtime/core/orthonormal.h on one block. */
#ifndef HORNFELS_DEVICE_ORTHONORMAL_H
#define HORNFELS_DEVICE_ORTHONORMAL_H

#include "block.h"
#include "cuda.h"
#include "functions.h"

namespace hornfels::device {

/* y[rows, columns] = the rows of x, made orthonormal one after another, twice each (why: runtime/core/orthonormal.h). All
 * `threads` threads of one block call; each has columns of its own, so only the sums, of doubles, meet. `shared` are
 * block_bytes<double>(threads). rows <= columns. */
template <int threads, class T>
__device__ inline void orthonormal_rows(char *shared, long rows, long columns, const T *x, T *y) {
  const auto dot = [&](const T *a, const T *b) {
    double sum = 0;
    for (long i = long(threadIdx.x); i < columns; i += threads)
      sum += double(a[i]) * double(b[i]);
    return block_sum<threads>(sum, shared);
  };
  for (long row = 0; row < rows; ++row) {
    T *const v = y + row * columns;
    for (long i = long(threadIdx.x); i < columns; i += threads)
      v[i] = x[row * columns + i];
    for (int time = 0; time < 2; ++time) {
      for (long before = 0; before < row; ++before) {
        const T *const q = y + before * columns;
        const double along = dot(q, v);
        for (long i = long(threadIdx.x); i < columns; i += threads)
          v[i] = T(double(v[i]) - along * double(q[i]));
      }
      const double scale = 1 / sqrt(dot(v, v));
      for (long i = long(threadIdx.x); i < columns; i += threads)
        v[i] = T(double(v[i]) * scale);
    }
  }
}

} // namespace hornfels::device

#endif
