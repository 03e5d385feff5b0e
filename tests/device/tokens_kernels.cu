// Kernels over the functions on tokens, as generated ones use them: the tests run them on the CPU, and nvcc must compile
// them without a warning and without spills. Each epilogue counts its calls.
#include "runtime/device/orthonormal.h"
#include "runtime/device/tokens.h"

namespace hornfels::device::tokens_kernels {

/// Without the 3, ptxas saves registers where nobody asked it to, and spills.
constexpr int block = 256, blocks_at_least = 3;

/// y += sum, and one call more, of element [row, column].
template <int width, class T> struct add_to {
  T *y;
  int *calls;
  __device__ void operator()(long row, int column, T sum) const {
    y[row * width + column] += sum;
    ++calls[row * width + column];
  }
};

template <int width, int per_sample, class T, class Id>
static __global__ void __launch_bounds__(block, blocks_at_least)
    sums(T *y, int *calls, token_rows<Id> rows, const T *table, long batch, long of_block) {
  HORNFELS_SHARED(shared);
  const long first = long(blockIdx.x) * of_block;
  gather_sum<width, block, per_sample>(shared, rows, table, first, min(first + of_block, batch), add_to<width, T>{y, calls});
}

/// Each block has `of_block` rows of the table; blocks along y have columns.
template <class O, bool repeats, class T, class Id>
static __global__ void __launch_bounds__(block, blocks_at_least)
    update_sums(T *table, int *calls, token_rows<Id> rows, const T *d_y, long batch, long depth, long of_block) {
  HORNFELS_SHARED(shared);
  const long begin = long(blockIdx.x) * of_block;
  scatter_add<O, repeats>(shared, rows, batch, d_y, begin, min(begin + of_block, depth), int(blockIdx.y) * O::row_columns,
                          add_to<O::row, T>{table, calls});
}

/// Block b has rows b, b + blocks, ...
template <class O, class T>
static __global__ void __launch_bounds__(block, blocks_at_least)
    update_rows(T *table, int *calls, const int32_t *ids, const T *d_y, long positions, long depth) {
  HORNFELS_SHARED(shared);
  scatter<O>(shared, ids, positions, d_y, long(blockIdx.x), depth, long(gridDim.x), int(blockIdx.y) * O::row_columns,
             add_to<O::row, T>{table, calls});
}

template <class Id>
static __global__ void __launch_bounds__(block, blocks_at_least)
    mark(unsigned *marks, token_rows<Id> rows, long batch, long words) {
  const long first = long(blockIdx.x) * 16;
  mark_samples<block>(rows, first, min(first + 16, batch), marks, words);
}

/// A warp has a row of the table, or some columns of one.
template <int width, int columns, class T>
static __global__ void __launch_bounds__(block, blocks_at_least)
    update_marked(T *table, int *calls, unsigned *marks, long words, const T *d_y, long depth) {
  HORNFELS_SHARED(shared);
  for (long task = long(blockIdx.x) * (block / 32) + threadIdx.x / 32; task < depth * (width / columns);
       task += long(gridDim.x) * (block / 32))
    sum_marked<width, columns, width == columns>(shared, marks, words, d_y, task % depth, int(task / depth) * columns,
                                                 add_to<width, T>{table, calls});
}

template <class T, class Id>
static __global__ void __launch_bounds__(block, blocks_at_least)
    encode(T *hot, T *counts, token_rows<Id> rows, long batch, long depth) {
  const long first = long(blockIdx.x) * 5, last = min(first + 5, batch);
  multi_hot<block>(rows, first, last, depth, hot);
  count<block>(rows, first, last, depth, counts);
}

template <bool before, bool cut_before, class Id>
static __global__ void __launch_bounds__(block, blocks_at_least)
    pad(int32_t *y, token_rows<Id> rows, long length, int32_t value) {
  const long sample = long(blockIdx.x);
  pad_row<before, cut_before>(rows, sample, length, value, y + sample * length, long(threadIdx.x), block);
}

template <class T>
static __global__ void __launch_bounds__(block, blocks_at_least) orthonormal(T *y, const T *x, long rows, long columns) {
  HORNFELS_SHARED(shared);
  orthonormal_rows<block>(shared, rows, columns, x, y);
}

/// Of x[threads]: y[0] the sum of the block, then its maximum, minimum and product; then for each thread those of its group.
template <int threads, int lanes, class T>
static __global__ void __launch_bounds__(threads) reduce(T *y, T *groups, const T *x) {
  HORNFELS_SHARED(shared);
  const T mine = x[threadIdx.x];
  const T all[] = {block_sum<threads>(mine, shared), block_max<threads>(mine, shared), block_min<threads>(mine, shared),
                   block_prod<threads>(mine, shared)};
  const T some[] = {group_sum<lanes>(mine), group_max<lanes>(mine), group_min<lanes>(mine), group_prod<lanes>(mine)};
  for (int i = 0; i < 4; ++i) {
    y[int(threadIdx.x) * 4 + i] = all[i];
    groups[int(threadIdx.x) * 4 + i] = some[i];
  }
}

#ifdef __CUDACC__ // what nvcc shall compile; the tests choose their own

template <int width, int per_sample, class T> constexpr auto sum = sums<width, per_sample, T, int32_t>;
template <int width, int columns, bool repeats, class T>
constexpr auto update = update_sums<owned<T, width, columns, block>, repeats, T, int32_t>;
template <int width, int columns, class T>
constexpr auto look_up = update_rows<owned<T, width, columns, block, 32, 2048>, T>;

void *compiled[] = {
    (void *)sum<1, 32, float>, (void *)sum<3, 32, float>, (void *)sum<16, 8, float>,
    (void *)sum<16, 32, float>, (void *)sum<16, 128, float>, (void *)sum<17, 64, float>,
    (void *)sum<64, 64, float>, (void *)sum<300, 256, float>, (void *)sum<512, 32, float>,
    (void *)sum<1024, 256, float>, (void *)sum<16, 32, double>, (void *)sum<300, 64, double>,
    (void *)update<1, 1, false, float>, (void *)update<16, 16, false, float>,
    (void *)update<16, 16, true, float>, (void *)update<17, 17, false, float>,
    (void *)update<64, 16, false, float>, (void *)update<300, 60, false, float>,
    (void *)update<300, 300, false, float>, (void *)update<16, 16, false, double>,
    (void *)update<3, 3, true, double>, (void *)look_up<1, 1, float>, (void *)look_up<16, 16, float>,
    (void *)look_up<17, 17, float>, (void *)look_up<32, 32, float>, (void *)look_up<128, 32, float>,
    (void *)look_up<300, 60, float>, (void *)look_up<300, 300, float>, (void *)look_up<64, 64, double>,
    (void *)mark<int32_t>, (void *)update_marked<1, 1, float>, (void *)update_marked<16, 16, float>,
    (void *)update_marked<17, 17, float>, (void *)update_marked<64, 16, float>,
    (void *)update_marked<300, 60, float>, (void *)update_marked<300, 300, float>,
    (void *)update_marked<64, 64, double>, (void *)encode<float, int32_t>, (void *)pad<true, false, int32_t>,
    (void *)pad<false, true, int32_t>, (void *)orthonormal<float>, (void *)orthonormal<double>,
    (void *)reduce<256, 8, float>, (void *)reduce<1024, 32, double>, (void *)reduce<96, 1, int32_t>,};

#endif

} // namespace hornfels::device::tokens_kernels
