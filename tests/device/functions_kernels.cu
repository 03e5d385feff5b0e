// Kernels that call every function of functions.h and philox.h, from a namespace as generated files have it: nvcc must
// find each, and no other of that name.
#include "runtime/device/functions.h"
#include "runtime/device/philox.h"

namespace hornfels::device::functions_kernels {

template <class T> static __global__ void __launch_bounds__(256) every_function(T *y, const T *x, long count) {
  for (long p = blockIdx.x * 256L + threadIdx.x; p < count; p += gridDim.x * 256L) {
    const T a = x[p], b = x[count - 1 - p];
    const T of_one[] = {abs(a),   sign(a), square(a), reciprocal(a), sqrt(a), rsqrt(a),   floor(a),    ceil(a), nearest(a), exp(a),
                        expm1(a), log(a),  log1p(a),  sin(a),        cos(a),  sinh(a),    tanh(a),     erf(a),  erfinv(a),  sigmoid(a),
                        softplus(a)};
    const T of_more[] = {max(a, b), min(a, b), max(a, T(0)), pow(a, b), mul_add(a, b, a), mul_sub(a, b, a),
                         neg_mul_add(a, b, a), decayed(a, b, p)};
    const T of_integers[] = {convert<T>(convert<int32_t>(a)), convert<T>(convert<int64_t>(b)), convert<T>(max(p, 3L)),
                             convert<T>(min(int32_t(p), 3)), convert<T>(abs(p)), convert<T>(sign(int32_t(p)))};
    T sum = 0;
    for (T f : of_one)
      sum += f;
    for (T f : of_more)
      sum += f;
    for (T f : of_integers)
      sum += f;
    y[p] = sum;
  }
}

template <class T> static __global__ void __launch_bounds__(256) random(T *y, uint64_t seed, uint64_t step, long blocks) {
  for (long p = blockIdx.x * 256L + threadIdx.x; p < blocks; p += gridDim.x * 256L) {
    const random_block<T> u = uniform_block<T>(seed, 3, step, uint64_t(p)), n = normal_block<T>(seed, 4, step, uint64_t(p));
    for (int i = 0; i < per_block<T>; ++i)
      y[p * per_block<T> + i] = u.of[i] + n.of[i] + uniform<T>(seed, 5, step, uint64_t(p)) + normal<T>(seed, 6, step, uint64_t(p));
  }
}

void *compiled[] = {(void *)every_function<float>, (void *)every_function<double>, (void *)random<float>,
                    (void *)random<double>};

} // namespace hornfels::device::functions_kernels
