/* A model written by hand, once for the device (hand_model.cu) and once for the CPU (hand_twin.cpp): everything that the host
 * side of a device has to do with, and little else.
 *
 *   y = x . kernel + the sum of table[id] over the words of a sample - the same over its marks
 *   x [batch][3], words and marks below 10, y [batch][2]
 *   loss = the mean of (y - t)^2; gradient descent; `steps` keeps the count of the last step, `total` and `rows` the metric
 *
 * First values depend on the seed; `rows` begins at 0, `total` at -0. */
#ifndef HORNFELS_TESTS_HAND_MODEL_H
#define HORNFELS_TESTS_HAND_MODEL_H

#include "runtime/core/abi.h"
#include "runtime/core/handle.h"

#include <cstddef>

#ifndef HAND_FUNCTION
#define HAND_FUNCTION /* of both: __host__ __device__ */
#endif

extern "C" const hornfels_model hand_f32_device_model, hand_f64_device_model, hand_f32_twin_model, hand_f64_twin_model;
/* One has no training, one is compiled for sm_90a alone. */
extern "C" const hornfels_model hand_predict_device_model, hand_alone_device_model;

namespace hand {

constexpr int inputs = 3, outputs = 2, vocabulary = 10;
enum variable { kernel, table, steps, total, rows, variables };
enum input { x, words, marks, target, arrays };

/* The first value of element i of the kernel and of the table, of the seed's low bits. */
HAND_FUNCTION constexpr double first_value(int64_t seed, int64_t i) {
  return 0.01 * static_cast<double>((seed + 3 * i) % 11) - 0.05;
}

/* Fixed part of the arena: nothing. A row: y and its gradient. */
template <class T> constexpr int64_t bytes_per_sample = 2 * outputs * int64_t(sizeof(T));

/* Threads of a block of the model on the device: a number that no device takes makes its launches fail. */
extern int threads;
std::size_t free_device_memory();
/* How many launches the CPU has made in the device's place. */
long device_launches();

template <class T> struct tables {
  static constexpr int32_t real = sizeof(T) == 8 ? HORNFELS_F64 : HORNFELS_F32;
  static constexpr int64_t of_x[] = {inputs}, of_y[] = {outputs}, of_kernel[] = {inputs, outputs}, of_table[] = {vocabulary, outputs};
  static constexpr hornfels_tensor input_info[] = {
      {"x", real, 0, 1, HORNFELS_ROWS_AS_IS, of_x, 0, 0, "here", ""},
      {"words", HORNFELS_TOKENS16, 0, 0, HORNFELS_ROWS_AS_IS, of_x, vocabulary, 0, "here", ""},
      {"marks", HORNFELS_TOKENS32, 0, 0, HORNFELS_ROWS_AS_IS, of_x, vocabulary, 0, "here", ""}};
  static constexpr hornfels_tensor output_info[] = {{"y", real, 0, 1, 0, of_y, 0, 0, "here", ""}};
  static constexpr hornfels_tensor target_info[] = {{"t", real, 0, 1, 0, of_y, 0, 0, "here", ""}};
  static constexpr hornfels_tensor variable_info[] = {
      {"kernel", real, HORNFELS_WEIGHT, 2, 0, of_kernel, 0, 0, "here", ""},
      {"table", real, HORNFELS_WEIGHT, 2, 0, of_table, 0, 0, "here", ""},
      {"steps", HORNFELS_I64, HORNFELS_SLOT, 0, 0, of_x, 0, 0, "here", ""},
      {"total", real, HORNFELS_METRIC, 0, 0, of_x, 0, 0, "here", ""},
      {"rows", real, HORNFELS_METRIC, 0, 0, of_x, 0, 0, "here", ""}};
  static constexpr const char *metric_names[] = {"none", "loss", nullptr};
  static constexpr hornfels_training training = {1, 4, 0.1, nullptr};

  static constexpr hornfels_model model(const char *name, int32_t (*create)(void **, int64_t), bool trains = true,
                                        const hornfels_device *device = nullptr) {
    using namespace hornfels;
    return {HORNFELS_ABI_VERSION, name, "here", "hand", 3, 1, 1, variables, 2, input_info, output_info, target_info, variable_info,
            metric_names, trains ? &training : nullptr, create, destroy, set_pool, initialize, train_step, evaluate_step, predict,
            reset_metrics, get_metrics, get_variable, set_variable, set_learning_rate, get_learning_rate, set_seed, get_seed,
            set_step, get_step, last_error, arena_bytes, device};
  }
};

} // namespace hand

#endif
