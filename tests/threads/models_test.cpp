// Every model of models/: steps on made up rows leave the same bytes at any number of threads, and allocate nothing.
#include "models_under_test.h"
#include "runtime/core/pool.h"
#include "runtime/program/bench/heap_calls.h"
#include "runtime/program/bench/synthetic.h"
#include "runtime/program/training/batches.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

namespace hornfels {
namespace {

/// Batches of a training: whole ones, the last of an epoch, a single row.
std::vector<int64_t> sizesFor(const hornfels_model &model) {
  const int64_t whole = model.training->batch_size;
  return {whole, whole, std::max<int64_t>(whole / 3, 1), 1};
}

struct Trace {
  std::vector<std::vector<char>> variables; ///< bytes of each after the last step
  std::vector<double> metrics;
  int64_t heapCalls = 0; ///< in all steps
};

Trace train(const hornfels_model &model, const dataset &data, const hornfels_pool *pool) {
  const std::vector<int64_t> sizes = sizesFor(model);
  batcher batches(data, sizes.front());
  void *handle = nullptr;
  EXPECT_EQ(model.create(&handle, sizes.front()), HORNFELS_OK);
  EXPECT_EQ(model.initialize(handle, 7), HORNFELS_OK);
  EXPECT_EQ(model.set_pool(handle, pool), HORNFELS_OK);
  EXPECT_EQ(model.set_learning_rate(handle, model.training->learning_rate), HORNFELS_OK);
  Trace trace;
  int64_t first = 0;
  for (int64_t size : sizes) {
    const hornfels_array *arrays = batches.gather_range(first, size);
    const int64_t before = heap_calls();
    EXPECT_EQ(model.train_step(handle, arrays, size), HORNFELS_OK) << model.last_error(handle);
    EXPECT_EQ(model.evaluate_step(handle, arrays, size), HORNFELS_OK) << model.last_error(handle);
    trace.heapCalls += heap_calls() - before;
    first += size;
  }
  trace.metrics.resize(static_cast<size_t>(model.metrics));
  EXPECT_EQ(model.get_metrics(handle, trace.metrics.data()), HORNFELS_OK);
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &info = model.variable_info[i];
    int64_t elements = 1;
    for (int32_t axis = 0; axis < info.rank; ++axis)
      elements *= info.shape[axis];
    trace.variables.emplace_back(static_cast<size_t>(elements) * sizeof(float));
    EXPECT_EQ(model.get_variable(handle, i, trace.variables.back().data(), elements), HORNFELS_OK) << info.name;
  }
  model.destroy(handle);
  return trace;
}

class Models : public testing::TestWithParam<const hornfels_model *> {};

TEST_P(Models, the_same_bytes_with_any_number_of_threads_and_no_heap) {
  const hornfels_model &model = *GetParam();
  const dataset data = make_synthetic(model, 3 * sizesFor(model).front(), /*targets=*/true, 1);
  const Trace alone = train(model, data, nullptr);
  EXPECT_EQ(alone.heapCalls, 0);
  for (int32_t threads : {1, 2, 3, 8}) {
    hornfels_pool *pool = hornfels_pool_create(threads);
    const Trace found = train(model, data, pool);
    hornfels_pool_destroy(pool);
    EXPECT_EQ(found.heapCalls, 0) << threads << " threads";
    EXPECT_EQ(0, std::memcmp(found.metrics.data(), alone.metrics.data(), alone.metrics.size() * sizeof(double)))
        << threads << " threads";
    for (size_t i = 0; i < alone.variables.size(); ++i)
      EXPECT_EQ(found.variables[i], alone.variables[i]) << threads << " threads, " << model.variable_info[i].name;
  }
}

void PrintTo(const hornfels_model *model, std::ostream *out) { *out << model->name; }

INSTANTIATE_TEST_SUITE_P(Of, Models, testing::ValuesIn(modelsUnderTest),
                         [](const auto &of) { return std::string(of.param->name); });

} // namespace
} // namespace hornfels
