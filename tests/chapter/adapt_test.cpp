// normalization and the pass over the training rows that gives it its values: runtime/program/training/adapt.h.
#include "runtime/program/training/adapt.h"
#include "runtime/program/training/batches.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

extern "C" const hornfels_model adapting_model, given_model;

namespace {

using namespace hornfels;

constexpr int64_t rows = 200, features = 3, outputs = 2;
const std::vector<row_range> training = {{0, 70}, {110, 90}};

float value(int64_t row, int64_t feature) {
  const double x = static_cast<double>((row * 7919 + feature * 104729) % 1009) / 1009;
  return feature == 0 ? static_cast<float>(x) : feature == 1 ? static_cast<float>(5000 + 300 * x * x) : 100.1f;
}

dataset makeRows() {
  dataset data;
  data.rows = rows;
  for (int32_t i = 0; i < 3; ++i) { // x, then the targets of first and last, all 0
    bound_array array;
    array.tensor = i == 0 ? &adapting_model.input_info[0] : &adapting_model.target_info[i - 1];
    array.row_elements = array.tensor->shape[0];
    array.data = buffer(static_cast<size_t>(rows * array.row_elements) * sizeof(float));
    for (int64_t e = 0; e < rows * array.row_elements; ++e)
      array.data.as<float>()[e] = i == 0 ? value(e / features, e % features) : 0.0f;
    data.arrays.push_back(std::move(array));
  }
  return data;
}

std::vector<float> variable(const model_handle &handle, const std::string &name) {
  const hornfels_model &model = handle.table();
  for (int32_t i = 0; i < model.variables; ++i)
    if (name == model.variable_info[i].name) {
      const saved_state::array array = handle.variable(i);
      std::vector<float> values(array.bytes.size() / sizeof(float));
      std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
      return values;
    }
  ADD_FAILURE() << "no variable " << name;
  return std::vector<float>(features);
}

/// Both outputs of the given rows.
std::pair<std::vector<float>, std::vector<float>> predict(model_handle &handle, const std::vector<row_range> &ranges,
                                                          int64_t second) {
  std::vector<float> x;
  for (const row_range &range : ranges)
    for (int64_t row = range.first; row < range.first + range.count; ++row)
      for (int64_t feature = 0; feature < features; ++feature)
        x.push_back(value(row, feature));
  const int64_t count = static_cast<int64_t>(x.size()) / features;
  std::vector<float> first(x.size()), last(static_cast<size_t>(count * second));
  const hornfels_array input{x.data(), nullptr, static_cast<int64_t>(x.size())};
  const hornfels_result results[] = {{first.data(), static_cast<int64_t>(first.size())},
                                     {last.data(), static_cast<int64_t>(last.size())}};
  handle.predict(&input, results, count);
  return {first, last};
}

/// Mean and variance of column `column` of `width`.
std::pair<double, double> moments(const std::vector<float> &values, int64_t width, int64_t column) {
  double mean = 0, variance = 0;
  const double count = static_cast<double>(values.size()) / static_cast<double>(width);
  for (size_t i = static_cast<size_t>(column); i < values.size(); i += static_cast<size_t>(width))
    mean += values[i] / count;
  for (size_t i = static_cast<size_t>(column); i < values.size(); i += static_cast<size_t>(width))
    variance += (values[i] - mean) * (values[i] - mean) / count;
  return {mean, variance};
}

class Adapt : public testing::Test {
protected:
  Adapt() : data(makeRows()), handle(adapting_model, rows, 1) { handle.initialize(3); }
  dataset data;
  model_handle handle;
};

TEST_F(Adapt, BeforeItTheLayerIsTheIdentity) {
  const std::vector<float> first = predict(handle, {{0, rows}}, outputs).first;
  for (int64_t e = 0; e < rows * features; ++e)
    ASSERT_EQ(first[static_cast<size_t>(e)], value(e / features, e % features)) << e;
}

TEST_F(Adapt, TakesTheMomentsOfTheTrainingRowsAlone) {
  std::vector<float> x;
  for (const row_range &range : training)
    for (int64_t e = range.first * features; e < (range.first + range.count) * features; ++e)
      x.push_back(value(e / features, e % features));
  adapt(handle, data, training, 3, 1);
  const std::vector<float> mean = variable(handle, "first/mean"), variance = variable(handle, "first/variance");
  for (int64_t feature = 0; feature < 2; ++feature) {
    const auto [m, v] = moments(x, features, feature);
    EXPECT_NEAR(mean[static_cast<size_t>(feature)] / m, 1, 1e-6);
    EXPECT_NEAR(variance[static_cast<size_t>(feature)] / v, 1, 1e-5);
  }
  EXPECT_EQ(variable(handle, "first/count")[0], 160);
  EXPECT_EQ(variable(handle, "first/adapting")[0], 0);
}

TEST_F(Adapt, AConstantIsCentredAndNotScaled) {
  adapt(handle, data, training, 3, 1);
  EXPECT_EQ(variable(handle, "first/variance")[2], 1);
  for (const row_range &range : training) {
    const std::vector<float> first = predict(handle, {range}, outputs).first;
    for (size_t e = 2; e < first.size(); e += 3)
      ASSERT_NEAR(first[e], 0, 1e-4);
  }
}

TEST_F(Adapt, ALayerBehindWeightsSeesWhatTheFirstWeightsMake) {
  adapt(handle, data, training, 3, 1);
  const auto [first, last] = predict(handle, training, outputs);
  for (int64_t column = 0; column < outputs; ++column) {
    const auto [m, v] = moments(last, outputs, column);
    EXPECT_NEAR(m, 0, 1e-4);
    EXPECT_NEAR(v, 1, 1e-4);
  }
  EXPECT_NEAR(moments(first, features, 1).second, 1, 1e-4);
}

TEST_F(Adapt, WeightsAndStepsOfTheModelStay) {
  model_handle fresh(adapting_model, rows, 1);
  fresh.initialize(3);
  adapt(handle, data, training, 3, 1);
  EXPECT_EQ(variable(handle, "dense/kernel"), variable(fresh, "dense/kernel"));
  EXPECT_EQ(handle.step(), 0);
  EXPECT_EQ(handle.learning_rate(), fresh.learning_rate());
}

TEST_F(Adapt, TrainingLeavesItAlone) {
  adapt(handle, data, training, 3, 1);
  const std::vector<float> mean = variable(handle, "first/mean"), variance = variable(handle, "last/variance"),
                           kernel = variable(handle, "dense/kernel");
  batcher batches(data, rows);
  handle.train(batches.gather_range(0, rows), rows);
  EXPECT_EQ(variable(handle, "first/mean"), mean);
  EXPECT_EQ(variable(handle, "last/variance"), variance);
  EXPECT_NE(variable(handle, "dense/kernel"), kernel);
}

TEST(Given, AMeanAndAVarianceAreUsedAndUndone) {
  model_handle handle(given_model, rows, 1);
  handle.initialize(0);
  EXPECT_EQ(given_model.variables, 0);
  const auto [there, back] = predict(handle, {{0, rows}}, features);
  for (int64_t e = 0; e < rows * features; ++e) {
    const float x = value(e / features, e % features);
    EXPECT_NEAR(there[static_cast<size_t>(e)], (x - 2) / 2, 1e-6 * std::fabs(x) + 1e-6);
    EXPECT_NEAR(back[static_cast<size_t>(e)], x, 1e-6 * std::fabs(x) + 1e-6);
  }
}

} // namespace
