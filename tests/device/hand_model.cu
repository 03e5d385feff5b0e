/* The device's part of hand_model.h, as a generated file would be. */
#include "runtime/device/laps.h"

#define HAND_FUNCTION __host__ __device__
#include "hand_model.h"

namespace hand {

using namespace hornfels;
using namespace hornfels::device;

int threads = 64;

std::size_t free_device_memory() {
  std::size_t free = 0, all = 0;
  cudaMemGetInfo(&free, &all);
  return free;
}

#ifndef __CUDACC__
long device_launches() { return on_cpu::host.launches; }
#endif

template <class T> __global__ void first_values(T *kernel, T *table, T *total, T *rows, int64_t *steps, const int64_t *seed) {
  for (int i = static_cast<int>(threadIdx.x); i < (inputs + vocabulary) * outputs; i += static_cast<int>(blockDim.x))
    *(i < inputs * outputs ? kernel + i : table + i - inputs * outputs) = static_cast<T>(first_value(*seed, i));
  if (threadIdx.x == 0) {
    *steps = 0;
    *rows = 0;
    *total = -static_cast<T>(0);
  }
}

template <class Id> struct rows_of_ids {
  const Id *ids;
  const int64_t *offsets;

  rows_of_ids(const device_step &s, input which) : ids(s.input<Id>(which)), offsets(s.data[which].offsets) {}
  /* sum += factor * value(id) over the ids of a sample. */
  template <class T, class Value> __device__ void add(T &sum, long sample, T factor, Value value) const {
    for (int64_t t = offsets[sample]; t < offsets[sample + 1]; ++t)
      sum += factor * value(ids[t]);
  }
};

template <class T>
__global__ void forward(T *y, const T *x, rows_of_ids<uint16_t> of_words, rows_of_ids<int32_t> of_marks, const T *kernel,
                        const T *table, long batch) {
  const long p = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x, sample = p / outputs, column = p % outputs;
  if (sample >= batch)
    return;
  T sum = 0;
  for (int i = 0; i < inputs; ++i)
    sum += x[sample * inputs + i] * kernel[i * outputs + column];
  const auto entry = [&](long id) { return table[id * outputs + column]; };
  of_words.add(sum, sample, T(1), entry);
  of_marks.add(sum, sample, T(-1), entry);
  y[p] = sum;
}

/* One thread: the order of the sums is that of the CPU. `d_y` is null in an evaluation. */
template <class T>
__global__ void loss(T *d_y, T *total, T *rows, T *none, T *value, const T *y, const T *t, long batch) {
  T sum = 0;
  for (long p = 0; p < batch * outputs; ++p) {
    const T difference = y[p] - t[p];
    sum += difference * difference;
    if (d_y)
      d_y[p] = 2 * difference / static_cast<T>(batch * outputs);
  }
  *total += sum;
  *rows += static_cast<T>(batch * outputs);
  *value = *total / *rows;
  *none = 0;
}

template <class T>
__global__ void update(T *kernel, T *table, int64_t *steps, const T *d_y, const T *x, rows_of_ids<uint16_t> of_words,
                       rows_of_ids<int32_t> of_marks, const T *rate, const int64_t *count, long batch) {
  const int p = static_cast<int>(threadIdx.x), column = p % outputs, row = p / outputs;
  if (p == 0)
    *steps = *count;
  if (row >= inputs + vocabulary)
    return;
  T sum = 0;
  for (long sample = 0; sample < batch; ++sample)
    if (row < inputs) {
      sum += x[sample * inputs + row] * d_y[sample * outputs + column];
    } else {
      const auto entry = [&](long id) { return id == row - inputs ? d_y[sample * outputs + column] : T(0); };
      of_words.add(sum, sample, T(1), entry);
      of_marks.add(sum, sample, T(-1), entry);
    }
  T *const weight = row < inputs ? kernel + p : table + p - inputs * outputs;
  *weight -= *rate * sum;
}

template <class T> static void initialize_step(const device_step &s, cudaStream_t stream) {
  launch(stream, first_values<T>, 1L, threads, 0, s.variable<T>(kernel), s.variable<T>(table), s.variable<T>(total),
         s.variable<T>(rows), s.variable<int64_t>(steps), s.seed());
}

template <class T> static void launch_forward(const device_step &s, cudaStream_t stream, T *y) {
  const long batch = static_cast<long>(s.batch);
  launch(stream, forward<T>, (batch * outputs + threads - 1) / threads, threads, 0, y, s.input<T>(x),
         rows_of_ids<uint16_t>(s, words), rows_of_ids<int32_t>(s, marks), s.variable<T>(kernel), s.variable<T>(table), batch);
}

template <class T> static void predict_step(const device_step &s, cudaStream_t stream) {
  launch_forward(s, stream, s.output<T>(0));
}

template <class T> static void evaluate_or_train(const device_step &s, cudaStream_t stream, bool trains) {
  const long batch = static_cast<long>(s.batch);
  T *const y = s.rows<T>(0), *const d_y = trains ? s.rows<T>(outputs * static_cast<int64_t>(sizeof(T))) : nullptr;
  launch_forward(s, stream, y);
  lap(s, stream, 0);
  launch(stream, loss<T>, 1L, 1, 0, d_y, s.variable<T>(total), s.variable<T>(rows), s.value<T>(0), s.value<T>(1), y,
         s.input<T>(target), batch);
  lap(s, stream, 1);
  if (!trains)
    return;
  launch(stream, update<T>, 1L, threads, 0, s.variable<T>(kernel), s.variable<T>(table), s.variable<int64_t>(steps), d_y,
           s.input<T>(x), rows_of_ids<uint16_t>(s, words), rows_of_ids<int32_t>(s, marks), s.learning_rate<T>(), s.count(), batch);
  lap(s, stream, 2);
}

template <class T> static void evaluate(const device_step &s, cudaStream_t stream) { evaluate_or_train<T>(s, stream, false); }
template <class T> static void train(const device_step &s, cudaStream_t stream) { evaluate_or_train<T>(s, stream, true); }

template <class T> constexpr device_program program_of(const hornfels_model *model, bool trains = true,
                                                          const char *architectures = "sm_80,sm_90") {
  return {model, 0, bytes_per_sample<T>, initialize_step<T>, predict_step<T>, trains ? evaluate<T> : nullptr,
          trains ? train<T> : nullptr, tables<T>::real, architectures};
}

static const device_program code_f32 = program_of<float>(&hand_f32_device_model);
static const device_program code_f64 = program_of<double>(&hand_f64_device_model);
static const device_program code_predict = program_of<float>(&hand_predict_device_model, false);
static const device_program code_alone = program_of<float>(&hand_alone_device_model, true, "sm_90a");

template <const device_program &code> static int32_t create_handle(void **handle, int64_t capacity) {
  return create(code, handle, capacity);
}

} // namespace hand

extern "C" const hornfels_model hand_f32_device_model = hand::tables<float>::model("hand", hand::create_handle<hand::code_f32>, true,
                                                                                        &hornfels::functions_of_devices);
extern "C" const hornfels_model hand_f64_device_model = hand::tables<double>::model("hand", hand::create_handle<hand::code_f64>, true,
                                                                                         &hornfels::functions_of_devices);
extern "C" const hornfels_model hand_predict_device_model =
    hand::tables<float>::model("hand", hand::create_handle<hand::code_predict>, false, &hornfels::functions_of_devices);
extern "C" const hornfels_model hand_alone_device_model =
    hand::tables<float>::model("hand", hand::create_handle<hand::code_alone>);
