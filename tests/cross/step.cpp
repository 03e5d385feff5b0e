// Three training steps and a prediction; prints numbers that another processor must agree with. Exit code 1: a thread
// pool changed a byte.
#include "mlp.h"
#include "runtime/core/pool.h"
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr int64_t capacity = 64, inputs = 100, classes = 10;

/// Numbers from -1 to 1, the same everywhere.
float draw() {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
}

struct Batch {
  std::vector<float> images, ones;
  int64_t rows;
  explicit Batch(int64_t rows) : ones(static_cast<size_t>(rows * classes)), rows(rows) {
    for (int64_t i = 0; i < rows * inputs; ++i)
      images.push_back(draw());
    for (int64_t i = 0; i < rows; ++i)
      ones[static_cast<size_t>(i * classes + i * 7 % classes)] = 1;
  }
};

/// All weights, slots and metrics after a step on each batch, then the last batch's probabilities.
std::vector<float> run(const std::vector<Batch> &batches, hornfels_pool *pool) {
  mlp *handle = nullptr;
  if (mlp_create(&handle, capacity) || mlp_initialize(handle, 5) || mlp_set_pool(handle, pool))
    return {};
  for (const Batch &batch : batches) {
    const hornfels_array data[] = {{batch.images.data(), nullptr, batch.rows * inputs},
                                   {batch.ones.data(), nullptr, batch.rows * classes}};
    if (mlp_train_step(handle, data, batch.rows))
      std::printf("%s\n", mlp_last_error(handle));
  }
  std::vector<float> all;
  for (int32_t i = 0; i < mlp_model.variables; ++i) {
    int64_t size = 1;
    for (int32_t axis = 0; axis < mlp_model.variable_info[i].rank; ++axis)
      size *= mlp_model.variable_info[i].shape[axis];
    std::vector<float> values(static_cast<size_t>(size));
    mlp_get_variable(handle, i, values.data(), size);
    all.insert(all.end(), values.begin(), values.end());
  }
  const Batch &last = batches.back();
  std::vector<float> output(static_cast<size_t>(last.rows * classes));
  const hornfels_array data = {last.images.data(), nullptr, last.rows * inputs};
  const hornfels_result result = {output.data(), last.rows * classes};
  mlp_predict(handle, &data, &result, last.rows);
  all.insert(all.end(), output.begin(), output.end());
  mlp_destroy(handle);
  return all;
}

} // namespace

int main() {
  std::vector<Batch> batches;
  for (int64_t rows : {64, 37, 13})
    batches.emplace_back(rows);
  const std::vector<float> alone = run(batches, nullptr);
  hornfels_pool *pool = hornfels_pool_create(3);
  const std::vector<float> shared = run(batches, pool);
  hornfels_pool_destroy(pool);
  for (float value : alone)
    std::printf("%.9g\n", static_cast<double>(value));
  return alone.empty() || alone.size() != shared.size() ||
         std::memcmp(alone.data(), shared.data(), alone.size() * sizeof(float)) != 0;
}
