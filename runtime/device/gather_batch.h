/* Kernels for data sets that stay on the device: a batch's rows from all rows, and what a step leaves behind. Part of
 * program.cu.
 *
 *   batch row i = row order[first + i] of the data set, or first + i without an order */
#ifndef HORNFELS_DEVICE_GATHER_BATCH_H
#define HORNFELS_DEVICE_GATHER_BATCH_H

#include "program.h"

namespace hornfels::device {

/* One array of a batch. */
struct gathered_array {
  const void *from; /* of all rows; of tokens: their ids */
  void *to;
  int64_t row;    /* pieces of a row in the batch, each `bytes` long; of tokens: nothing */
  int32_t form;   /* hornfels_form, or tokens_form */
  int32_t type;   /* of an element in the batch, hornfels_type: of bytes, windows and classes */
  int32_t bytes;  /* of a piece: 1, 2, 4, 8, 16; of tokens: of an id */
  int64_t stride; /* of bytes and windows: elements from row to row; of classes: how many classes */
  const int64_t *offsets, *scan; /* of tokens: of all rows; ids before each place of the order */
  int64_t *to_offsets;
};
constexpr int32_t tokens_form = -1;

constexpr int arrays_of_gather = 8, threads_of_gather = 256;

struct gather_task {
  gathered_array arrays[arrays_of_gather];
  const uint32_t *order; /* null: none */
  const step_scalars *scalars;
  int64_t batch;

  __device__ int64_t row(int64_t sample) const {
    const int64_t place = scalars->row + sample;
    return order ? static_cast<int64_t>(order[place]) : place;
  }
};

/* Calls body(sample, piece, p) for each piece of the batch, p = sample * row + piece, by all threads of blocks with this y. In
 * parts of less than 2^32 pieces: divisions of 64 bits are functions of their own, and spill. A row has less than that. */
template <class Body> __device__ void for_pieces(const gather_task &task, int64_t row, const Body &body) {
  constexpr unsigned most = 0xffffffffu;
  const unsigned width = static_cast<unsigned>(row);
  const int64_t samples = most / width, step = static_cast<int64_t>(gridDim.x) * threads_of_gather;
  for (int64_t first = 0; first < task.batch; first += samples) {
    const int64_t left = task.batch - first, pieces = (left < samples ? left : samples) * row;
    for (int64_t p = static_cast<int64_t>(blockIdx.x) * threads_of_gather + threadIdx.x; p < pieces; p += step) {
      const unsigned sample = static_cast<unsigned>(p) / width;
      body(first + sample, p - static_cast<int64_t>(sample) * row, first * row + p);
    }
  }
}

template <class Piece> __device__ void gather_pieces(const gather_task &task, const gathered_array &array) {
  const Piece *const from = static_cast<const Piece *>(array.from);
  Piece *const to = static_cast<Piece *>(array.to);
  for_pieces(task, array.row, [&](int64_t sample, int64_t piece, int64_t p) { to[p] = from[task.row(sample) * array.row + piece]; });
}

template <class Element> __device__ void gather_bytes(const gather_task &task, const gathered_array &array) {
  const uint8_t *const from = static_cast<const uint8_t *>(array.from);
  Element *const to = static_cast<Element *>(array.to);
  for_pieces(task, array.row, [&](int64_t sample, int64_t element, int64_t p) {
    to[p] = static_cast<Element>(from[task.row(sample) * array.stride + element]);
  });
}

/* `row` class numbers of a sample times `stride` classes. */
template <class Element> __device__ void gather_classes(const gather_task &task, const gathered_array &array) {
  const int32_t *const from = static_cast<const int32_t *>(array.from);
  Element *const to = static_cast<Element *>(array.to);
  for_pieces(task, array.row * array.stride, [&](int64_t sample, int64_t piece, int64_t p) {
    const unsigned classes = static_cast<unsigned>(array.stride), number = static_cast<unsigned>(piece) / classes;
    const int64_t one = piece - static_cast<int64_t>(number) * array.stride;
    to[p] = from[task.row(sample) * array.row + number] == one ? Element(1) : Element(0);
  });
}

/* A warp for a row. */
template <class Id> __device__ void gather_ids(const gather_task &task, const gathered_array &array) {
  constexpr int warps = threads_of_gather / 32;
  const Id *const from = static_cast<const Id *>(array.from);
  Id *const to = static_cast<Id *>(array.to);
  const int64_t first = task.scalars->row, before = array.scan[first], step = static_cast<int64_t>(gridDim.x) * warps;
  const int lane = static_cast<int>(threadIdx.x % 32);
  for (int64_t sample = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / 32; sample < task.batch; sample += step) {
    const int64_t row = task.row(sample), begin = array.offsets[row], count = array.offsets[row + 1] - begin;
    const int64_t place = array.scan[first + sample] - before;
    for (int64_t i = lane; i < count; i += 32)
      to[place + i] = from[begin + i];
    if (lane == 0) {
      array.to_offsets[sample] = place;
      if (sample + 1 == task.batch)
        array.to_offsets[task.batch] = place + count;
    }
  }
}

/* Calls body(an element of the type). */
template <class Body> __device__ void with_element(int32_t type, const Body &body) {
  switch (type) {
  case HORNFELS_F32:
    return body(float());
  case HORNFELS_F64:
    return body(double());
  case HORNFELS_I32:
    return body(int32_t());
  case HORNFELS_I64:
    return body(int64_t());
  default:
    return body(uint8_t());
  }
}

/* Blocks with y = i gather array i. */
static __global__ void __launch_bounds__(threads_of_gather, 768 / threads_of_gather) gather_batch(gather_task task) {
  const gathered_array &array = task.arrays[blockIdx.y];
  if (array.form == tokens_form)
    return array.bytes == 2 ? gather_ids<uint16_t>(task, array) : gather_ids<int32_t>(task, array);
  if (array.form == HORNFELS_BYTES || array.form == HORNFELS_WINDOWS)
    return with_element(array.type, [&](auto element) { gather_bytes<decltype(element)>(task, array); });
  if (array.form == HORNFELS_CLASSES)
    return with_element(array.type, [&](auto element) { gather_classes<decltype(element)>(task, array); });
  switch (array.bytes) {
  case 16:
    return gather_pieces<uint4>(task, array);
  case 8:
    return gather_pieces<int64_t>(task, array);
  case 4:
    return gather_pieces<int32_t>(task, array);
  case 2:
    return gather_pieces<uint16_t>(task, array);
  default:
    return gather_pieces<uint8_t>(task, array);
  }
}

constexpr int threads_of_scan = 512;

/* scan[i] = ids of the first i rows of an order, i = 0 .. count. One block: a thread has a run of places. Whole numbers: the
 * order of the sums does not matter. */
static __global__ void __launch_bounds__(threads_of_scan)
    scan_order(int64_t *scan, const int64_t *offsets, const uint32_t *order, int64_t count) {
  __shared__ int64_t sums[threads_of_scan];
  const int t = static_cast<int>(threadIdx.x);
  const int64_t run = (count + threads_of_scan - 1) / threads_of_scan, begin = t * run < count ? t * run : count;
  const int64_t end = begin + run < count ? begin + run : count;
  const auto length = [&](int64_t place) { return offsets[order[place] + int64_t(1)] - offsets[order[place]]; };
  int64_t sum = 0;
  for (int64_t i = begin; i < end; ++i)
    sum += length(i);
  sums[t] = sum;
  __syncthreads();
  if (t == 0) {
    int64_t before = 0;
    for (int64_t &one : sums) {
      const int64_t of_thread = one;
      one = before;
      before += of_thread;
    }
    scan[count] = before;
  }
  __syncthreads();
  sum = sums[t];
  for (int64_t i = begin; i < end; ++i) {
    scan[i] = sum;
    sum += length(i);
  }
}

/* Metrics after each of the last steps of training: a ring. */
struct recent_metrics {
  char *values;   /* [HORNFELS_RECENT_STEPS][metrics] of 8 bytes */
  int64_t *steps; /* so far */
};

/* The end of a step: its metrics join the recent ones, and the scalars become the next step's. Null: not that part. One warp. */
static __global__ void __launch_bounds__(32)
    end_step(recent_metrics recent, const char *values, int32_t metrics, step_scalars *next, int64_t rows, int64_t counts) {
  const int lane = static_cast<int>(threadIdx.x);
  if (recent.values) {
    const int64_t place = *recent.steps % HORNFELS_RECENT_STEPS * metrics;
    for (int32_t i = lane; i < metrics; i += 32)
      static_cast<int64_t *>(static_cast<void *>(recent.values))[place + i] =
          static_cast<const int64_t *>(static_cast<const void *>(values))[i];
  }
  __syncwarp();
  if (lane != 0)
    return;
  if (recent.values)
    ++*recent.steps;
  if (next) {
    next->row += rows;
    next->count += counts;
  }
}

} // namespace hornfels::device

#endif
