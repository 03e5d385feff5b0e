/* What a generated .cu file says of itself, and what its steps are given. The host side, program.cu, owns the memory of the
 * device and runs the steps; every function and check of the ABI is runtime/core's.
 *
 *   static void train_step(const device_step &s, cudaStream_t stream) {
 *     const long batch = long(s.batch);
 *     float *const dense = s.rows<float>(0); // [batch][16]
 *     launch(stream, dense_forward, blocks, 256, 0, dense, s.input<float>(0), s.variable<float>(0), batch);
 *     ...
 *   static const device_program code = {&imdb_model, 1024, 96, initialize, predict, evaluate_step, train_step,
 *                                       HORNFELS_F32, "sm_80,sm_90"};
 *   static int32_t create_handle(void **handle, int64_t capacity) { return hornfels::create(code, handle, capacity); } */
#ifndef HORNFELS_DEVICE_PROGRAM_H
#define HORNFELS_DEVICE_PROGRAM_H

#include "runtime/device/cuda.h"

#include "runtime/core/backend.h"
#include "runtime/core/handle.h"

#include <type_traits>

namespace hornfels::device {

/* The numbers of a step. They lie in device memory, so that a captured step reads those of the step that runs. */
struct step_scalars {
  float float_rate;
  double rate;
  int64_t count; /* of this step, from 1 */
  int64_t seed;  /* the same 64 bits */
  int64_t row;   /* where the batch begins, of a data set on the device */
};

/* Data of a batch, as hornfels_array. */
struct device_array {
  const void *data;
  const int64_t *offsets;
};

class lap_events; /* laps.h */

/* What a generated step function is given: addresses in device memory. A step is run once and its launches are kept, to be
 * launched again: nothing that it does on the host may depend on more than `batch`, nor wait for the device. */
struct device_step {
  void *const *variables;   /* in the order of variable_info */
  const device_array *data; /* inputs, then targets */
  void *const *outputs;     /* of predict */
  char *values;             /* of train and evaluate: the metrics, so far, each in 8 bytes of its own */
  char *arena;              /* fixed part, then the part with a row for each sample */
  int64_t fixed_bytes, capacity;
  int64_t batch;
  const step_scalars *scalars;
  lap_events *laps; /* null: nobody takes the time */

  /* The buffer at an offset of the fixed part. */
  template <class T> T *fixed(int64_t offset) const { return at<T>(arena + offset); }
  /* The buffer at an offset, in bytes for each sample, of the other part. */
  template <class T> T *rows(int64_t offset) const { return at<T>(arena + fixed_bytes + offset * capacity); }
  template <class T> T *variable(int index) const { return static_cast<T *>(variables[index]); }
  template <class T> const T *input(int index) const { return static_cast<const T *>(data[index].data); }
  template <class T> T *output(int index) const { return static_cast<T *>(outputs[index]); }
  /* A metric; T is the model's real type. */
  template <class T> T *value(int index) const { return at<T>(values + 8 * index); }

  template <class T> const T *learning_rate() const {
    if constexpr (std::is_same_v<T, float>)
      return &scalars->float_rate;
    else
      return &scalars->rate;
  }
  const int64_t *count() const { return &scalars->count; }
  const int64_t *seed() const { return &scalars->seed; }

private:
  template <class T> static T *at(char *address) { return static_cast<T *>(static_cast<void *>(address)); }
};

using step_function = void (*)(const device_step &, cudaStream_t);

/* The host side. */
extern const backend on_device;

/* What a generated model is, beyond hornfels_model. Steps that it has not are null. */
struct device_program : program {
  step_function steps[4];    /* by step_kind */
  int32_t real;              /* HORNFELS_F32 or HORNFELS_F64: what a metric is on the device */
  const char *architectures; /* "sm_80,sm_90": what the file is compiled for, and PTX of the lowest of them */

  constexpr device_program(const hornfels_model *table, int64_t arena_fixed_bytes, int64_t arena_bytes_per_sample,
                           step_function initialize_step, step_function predict_step, step_function evaluation_step,
                           step_function training_step, int32_t real_type, const char *compiled_for)
      : program{table,   arena_fixed_bytes, arena_bytes_per_sample, nullptr, nullptr, nullptr, nullptr,
                nullptr, nullptr,           0,                      &on_device},
        steps{initialize_step, predict_step, evaluation_step, training_step}, real(real_type),
        architectures(compiled_for) {}
};

} // namespace hornfels::device

#endif
