// Recurrent layers against Keras; the same bytes at any number of threads; no allocation in a step.
#include "runtime/core/abi.h"
#include "runtime/core/pool.h"
#include "tests/numeric/Allocations.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

using Json = nlohmann::json;

extern "C" const hornfels_model layers_model, stack_model, wide_model;

namespace {

constexpr double tolerance = 1e-5; // of abs(difference) / (1 + abs(reference))

Json golden(const char *part) {
  std::ifstream file(RECURRENT_FOLDER "/recurrent.json");
  return Json::parse(file)[part];
}

std::vector<float> numbers(const Json &list) { return list.get<std::vector<float>>(); }

class Handle {
public:
  Handle(const hornfels_model &model, int64_t capacity) : model(model) {
    EXPECT_EQ(model.create(&handle, capacity), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, 1), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }

  /// Positions of the weights of a layer, in order.
  std::vector<int32_t> variables_of(const std::string &layer) const {
    std::vector<int32_t> found;
    for (int32_t i = 0; i < model.variables; ++i)
      if (std::string(model.variable_info[i].name).rfind(layer + "/", 0) == 0 &&
          model.variable_info[i].role == HORNFELS_WEIGHT)
        found.push_back(i);
    return found;
  }

  void set_weights(const Json &weights) {
    for (const auto &[layer, lists] : weights.items()) {
      std::vector<int32_t> variables = variables_of(layer);
      ASSERT_EQ(variables.size(), lists.size()) << layer;
      for (size_t i = 0; i < lists.size(); ++i) {
        std::vector<float> values = numbers(lists[i]);
        ASSERT_EQ(model.set_variable(handle, variables[i], values.data(), static_cast<int64_t>(values.size())), HORNFELS_OK)
            << layer << " " << model.last_error(handle);
      }
    }
  }

  std::vector<float> variable(int32_t index, size_t count) const {
    std::vector<float> values(count);
    EXPECT_EQ(model.get_variable(handle, index, values.data(), static_cast<int64_t>(count)), HORNFELS_OK);
    return values;
  }

  const hornfels_model &model;
  void *handle = nullptr;
};

void expect_near(const std::vector<float> &found, const Json &reference, const std::string &what) {
  ASSERT_EQ(found.size(), reference.size()) << what;
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    double expected = reference[i].get<double>(), d = std::abs(found[i] - expected) / (1 + std::abs(expected));
    worst = std::max(worst, std::isnan(d) ? INFINITY : d);
  }
  std::printf("%-24s worst %.1e\n", what.c_str(), worst);
  EXPECT_LE(worst, tolerance) << what;
}

/// The losses of ten steps on the golden rows, and all weights behind them.
std::vector<float> train(const hornfels_pool *pool, std::vector<float> *losses = nullptr) {
  const Json data = golden("training");
  const std::vector<float> x = numbers(data["x"]), y = numbers(data["y"]);
  const auto rows = static_cast<int64_t>(y.size());
  Handle model(stack_model, rows);
  stack_model.set_pool(model.handle, pool);
  model.set_weights(data["weights"]);
  const hornfels_array arrays[] = {{x.data(), nullptr, static_cast<int64_t>(x.size())},
                                   {y.data(), nullptr, static_cast<int64_t>(y.size())}};
  std::vector<double> metrics(8);
  for (size_t step = 0; step < data["losses"].size(); ++step) {
    stack_model.reset_metrics(model.handle);
    const long before = hornfels::numeric::allocations();
    EXPECT_EQ(stack_model.train_step(model.handle, arrays, rows), HORNFELS_OK) << stack_model.last_error(model.handle);
    EXPECT_EQ(hornfels::numeric::allocations(), before);
    stack_model.get_metrics(model.handle, metrics.data());
    if (losses)
      losses->push_back(static_cast<float>(metrics[0]));
  }
  std::vector<float> weights;
  for (const auto &[layer, lists] : data["after"].items()) {
    std::vector<int32_t> variables = model.variables_of(layer);
    for (size_t i = 0; i < lists.size(); ++i) {
      std::vector<float> values = model.variable(variables[i], lists[i].size());
      if (losses)
        expect_near(values, lists[i], layer + " weight " + std::to_string(i));
      weights.insert(weights.end(), values.begin(), values.end());
    }
  }
  return weights;
}

TEST(Recurrent, layers_are_those_of_Keras) {
  const Json data = golden("layers");
  const std::vector<float> x = numbers(data["x"]);
  constexpr int64_t rows = 3;
  Handle model(layers_model, rows);
  ASSERT_NO_FATAL_FAILURE(model.set_weights(data["weights"]));
  std::vector<std::vector<float>> outputs;
  std::vector<hornfels_result> results;
  for (int32_t i = 0; i < layers_model.outputs; ++i) {
    std::string name = layers_model.output_info[i].name;
    outputs.emplace_back(data["outputs"][name.substr(0, name.size() - 2)].size(), NAN);
  }
  for (std::vector<float> &output : outputs)
    results.push_back({output.data(), static_cast<int64_t>(output.size())});
  const hornfels_array input = {x.data(), nullptr, static_cast<int64_t>(x.size())};
  ASSERT_EQ(layers_model.predict(model.handle, &input, results.data(), rows), HORNFELS_OK)
      << layers_model.last_error(model.handle);
  ASSERT_EQ(outputs.size(), data["outputs"].size());
  for (int32_t i = 0; i < layers_model.outputs; ++i) {
    std::string name = layers_model.output_info[i].name;
    expect_near(outputs[static_cast<size_t>(i)], data["outputs"][name.substr(0, name.size() - 2)], name);
  }
}

TEST(Recurrent, training_is_that_of_Keras) {
  std::vector<float> losses;
  train(nullptr, &losses);
  expect_near(losses, golden("training")["losses"], "losses");
}

/// All variables after three steps on random rows, the last of them with fewer.
std::vector<float> train_wide(const hornfels_pool *pool) {
  constexpr int64_t rows = 200;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> x(rows * 40 * 16), y(rows), all;
  for (std::vector<float> *values : {&x, &y})
    for (float &value : *values)
      value = uniform(random);
  Handle model(wide_model, rows);
  wide_model.set_pool(model.handle, pool);
  for (int64_t batch : {rows, rows, rows - 67}) {
    const hornfels_array arrays[] = {{x.data(), nullptr, batch * 40 * 16}, {y.data(), nullptr, batch}};
    const long before = hornfels::numeric::allocations();
    EXPECT_EQ(wide_model.train_step(model.handle, arrays, batch), HORNFELS_OK) << wide_model.last_error(model.handle);
    EXPECT_EQ(hornfels::numeric::allocations(), before);
  }
  for (int32_t i = 0; i < wide_model.variables; ++i) {
    size_t count = 1;
    for (int32_t axis = 0; axis < wide_model.variable_info[i].rank; ++axis)
      count *= static_cast<size_t>(wide_model.variable_info[i].shape[axis]);
    const std::vector<float> values = model.variable(i, count);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(Recurrent, threads_change_no_bit) {
  const std::vector<float> alone = train(nullptr), wide = train_wide(nullptr);
  for (float value : wide)
    ASSERT_TRUE(std::isfinite(value));
  for (int32_t threads : {1, 2, 3, 8}) {
    hornfels_pool *pool = hornfels_pool_create(threads);
    const std::vector<float> shared = train(pool), wideShared = train_wide(pool);
    hornfels_pool_destroy(pool);
    ASSERT_EQ(shared.size(), alone.size());
    ASSERT_EQ(wideShared.size(), wide.size());
    EXPECT_EQ(std::memcmp(shared.data(), alone.data(), alone.size() * sizeof(float)), 0) << threads << " threads";
    EXPECT_EQ(std::memcmp(wideShared.data(), wide.data(), wide.size() * sizeof(float)), 0) << threads << " threads, wide";
  }
}

} // namespace
