/* Orthonormal rows, for what weights start from. */
#ifndef HORNFELS_ORTHONORMAL_H
#define HORNFELS_ORTHONORMAL_H

namespace hornfels {

/* y[rows, columns] = the rows of x, made orthonormal one after another: from each row its parts along those before are taken
 * off, and what is left is scaled to length 1. Twice: what rounding leaves of those parts after the first time is gone after
 * the second. The sums are of doubles, in one order: the bytes are the same on any number of threads. rows <= columns. */
template <class Real> inline void orthonormal_rows(long rows, long columns, const Real *x, Real *y) {
  const auto dot = [&](const Real *a, const Real *b) {
    double sum = 0;
    for (long i = 0; i < columns; ++i)
      sum += double(a[i]) * double(b[i]);
    return sum;
  };
  for (long row = 0; row < rows; ++row) {
    Real *const v = y + row * columns;
    for (long i = 0; i < columns; ++i)
      v[i] = x[row * columns + i];
    for (int time = 0; time < 2; ++time) {
      for (long before = 0; before < row; ++before) {
        const Real *const q = y + before * columns;
        const double along = dot(q, v);
        for (long i = 0; i < columns; ++i)
          v[i] = Real(double(v[i]) - along * double(q[i]));
      }
      const double scale = 1 / __builtin_sqrt(dot(v, v));
      for (long i = 0; i < columns; ++i)
        v[i] = Real(double(v[i]) * scale);
    }
  }
}

} // namespace hornfels

#endif
