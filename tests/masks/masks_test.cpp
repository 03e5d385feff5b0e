// Layers, losses and metrics under masks against Keras.
#include "runtime/core/abi.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using Json = nlohmann::json;

extern "C" const hornfels_model layers_model, labels_model, moments_model, ignoring_model, numbers_model,
    moments_read_model, ignoring_read_model, numbers_read_model,
    masks_model;

namespace {

constexpr double tolerance = 1e-5; // of abs(difference) / (1 + abs(reference))

Json golden(const std::string &part) {
  std::ifstream file(MASKS_FOLDER "/masks.json");
  return Json::parse(file)[part];
}

/// Numbers of a model's input or target, in its element type.
class Numbers {
public:
  Numbers(const Json &list, int32_t type) : type(type) {
    if (type == HORNFELS_I32)
      ints = list.get<std::vector<int32_t>>();
    else
      floats = list.get<std::vector<float>>();
  }
  hornfels_array array() const {
    if (type == HORNFELS_I32)
      return {ints.data(), nullptr, static_cast<int64_t>(ints.size())};
    return {floats.data(), nullptr, static_cast<int64_t>(floats.size())};
  }

private:
  int32_t type;
  std::vector<int32_t> ints;
  std::vector<float> floats;
};

double worst_difference(const std::vector<double> &found, const Json &reference) {
  EXPECT_EQ(found.size(), reference.size());
  double worst = 0;
  for (size_t i = 0; i < std::min(found.size(), reference.size()); ++i) {
    double expected = reference[i].get<double>(), d = std::abs(found[i] - expected) / (1 + std::abs(expected));
    worst = std::max(worst, std::isnan(d) ? INFINITY : d);
  }
  return worst;
}

void expect_near(const std::vector<double> &found, const Json &reference, const std::string &what) {
  const double worst = worst_difference(found, reference);
  std::printf("%-24s worst %.1e\n", what.c_str(), worst);
  EXPECT_LE(worst, tolerance) << what;
}

class Handle {
public:
  Handle(const hornfels_model &model, int64_t capacity) : model(model) {
    EXPECT_EQ(model.create(&handle, capacity), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, 1), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }

  /// Positions of the weights and averages of a layer, in order.
  std::vector<int32_t> variables_of(const std::string &layer) const {
    std::vector<int32_t> found;
    for (int32_t i = 0; i < model.variables; ++i)
      if (std::string(model.variable_info[i].name).rfind(layer + "/", 0) == 0 &&
          (model.variable_info[i].role == HORNFELS_WEIGHT || model.variable_info[i].role == HORNFELS_STATE))
        found.push_back(i);
    return found;
  }

  void set_weights(const Json &weights) {
    for (const auto &[layer, lists] : weights.items()) {
      std::vector<int32_t> variables = variables_of(layer);
      ASSERT_EQ(variables.size(), lists.size()) << layer;
      for (size_t i = 0; i < lists.size(); ++i) {
        auto values = lists[i].get<std::vector<float>>();
        ASSERT_EQ(model.set_variable(handle, variables[i], values.data(), static_cast<int64_t>(values.size())), HORNFELS_OK)
            << layer << " " << model.last_error(handle);
      }
    }
  }

  void expect_weights(const Json &weights) {
    for (const auto &[layer, lists] : weights.items()) {
      std::vector<int32_t> variables = variables_of(layer);
      for (size_t i = 0; i < lists.size(); ++i) {
        std::vector<float> values(lists[i].size());
        EXPECT_EQ(model.get_variable(handle, variables[i], values.data(), static_cast<int64_t>(values.size())), HORNFELS_OK);
        expect_near({values.begin(), values.end()}, lists[i], model.variable_info[variables[i]].name);
      }
    }
  }

  const hornfels_model &model;
  void *handle = nullptr;
};

TEST(Masks, layers_are_those_of_Keras) {
  const Json data = golden("layers");
  constexpr int64_t rows = 4;
  Handle model(layers_model, rows);
  ASSERT_NO_FATAL_FAILURE(model.set_weights(data["weights"]));
  std::vector<std::vector<float>> outputs;
  std::vector<hornfels_result> results;
  auto nameOf = [](int32_t i) {
    const std::string name = layers_model.output_info[i].name;
    return name.substr(0, name.size() - 2);
  };
  for (int32_t i = 0; i < layers_model.outputs; ++i)
    outputs.emplace_back(data["outputs"][nameOf(i)].size(), NAN);
  for (std::vector<float> &output : outputs)
    results.push_back({output.data(), static_cast<int64_t>(output.size())});
  const Numbers ids(data["ids"], HORNFELS_I32), x(data["x"], HORNFELS_F32);
  const hornfels_array inputs[] = {ids.array(), x.array()};
  ASSERT_EQ(layers_model.predict(model.handle, inputs, results.data(), rows), HORNFELS_OK)
      << layers_model.last_error(model.handle);
  ASSERT_EQ(outputs.size(), data["outputs"].size());
  for (int32_t i = 0; i < layers_model.outputs; ++i) {
    const std::vector<float> &output = outputs[static_cast<size_t>(i)];
    expect_near({output.begin(), output.end()}, data["outputs"][nameOf(i)], nameOf(i));
  }
}

/// Masks that Keras's JSON hands to calls, and one that it keeps from a call.
TEST(Masks, a_graph_with_masks_is_that_of_Keras) {
  const Json data = golden("graph");
  constexpr int64_t rows = 6;
  Handle model(masks_model, rows);
  ASSERT_NO_FATAL_FAILURE(model.set_weights(data["weights"]));
  const Numbers ids(data["ids"], HORNFELS_I32);
  const hornfels_array input = ids.array();
  std::vector<float> output(data["output"].size(), NAN);
  hornfels_result result = {output.data(), static_cast<int64_t>(output.size())};
  ASSERT_EQ(masks_model.predict(model.handle, &input, &result, rows), HORNFELS_OK) << masks_model.last_error(model.handle);
  expect_near({output.begin(), output.end()}, data["output"], "graph");
}

struct Case {
  const char *name;
  const hornfels_model &model;
  const char *label = name;
};

class Trained : public testing::TestWithParam<Case> {};

/// Ten steps: each step's loss, the metrics before it, and all weights and averages behind them.
TEST_P(Trained, as_by_Keras) {
  const hornfels_model &model = GetParam().model;
  const Json data = golden(GetParam().name);
  constexpr int64_t rows = 16;
  Handle handle(model, rows);
  ASSERT_NO_FATAL_FAILURE(handle.set_weights(data["weights"]));
  std::vector<Numbers> numbers;
  numbers.emplace_back(data["input"], model.input_info[0].type);
  numbers.emplace_back(data["target"], model.target_info[0].type);
  ASSERT_EQ(data.contains("sample_weight"), model.targets == 2);
  if (model.targets == 2)
    numbers.emplace_back(data["sample_weight"], HORNFELS_F32);
  std::vector<hornfels_array> arrays;
  for (const Numbers &each : numbers)
    arrays.push_back(each.array());
  std::vector<double> losses, metrics(static_cast<size_t>(model.metrics));
  double worst = 0;
  for (size_t step = 0; step < data["losses"].size(); ++step) {
    const Json &expected = data["metrics"][step];
    model.reset_metrics(handle.handle);
    ASSERT_EQ(model.evaluate_step(handle.handle, arrays.data(), rows), HORNFELS_OK) << model.last_error(handle.handle);
    model.get_metrics(handle.handle, metrics.data());
    ASSERT_EQ(metrics.size(), expected.size() + 1);
    worst = std::max(worst, worst_difference({metrics.begin() + 1, metrics.end()}, expected));
    model.reset_metrics(handle.handle);
    ASSERT_EQ(model.train_step(handle.handle, arrays.data(), rows), HORNFELS_OK) << model.last_error(handle.handle);
    model.get_metrics(handle.handle, metrics.data());
    losses.push_back(metrics[0]);
  }
  std::printf("%-24s worst %.1e\n", "metrics", worst);
  EXPECT_LE(worst, tolerance);
  expect_near(losses, data["losses"], "losses");
  handle.expect_weights(data["after"]);
}

INSTANTIATE_TEST_SUITE_P(Masks, Trained,
                         testing::Values(Case{"labels", labels_model}, Case{"moments", moments_model},
                                         Case{"ignoring", ignoring_model}, Case{"numbers", numbers_model},
                                         Case{"moments", moments_read_model, "moments_from_JSON"},
                                         Case{"ignoring", ignoring_read_model, "ignoring_from_JSON"},
                                         Case{"numbers", numbers_read_model, "numbers_from_JSON"}),
                         [](const auto &info) { return std::string(info.param.label); });

/// Where nothing counts the loss is 0, the metrics are 0, and no weight moves.
TEST(Masks, nothing_counts) {
  constexpr int64_t rows = 16;
  Handle handle(numbers_model, rows);
  const Json weights = golden("numbers")["weights"];
  ASSERT_NO_FATAL_FAILURE(handle.set_weights(weights));
  const std::vector<int32_t> ids(rows * 9, 0);
  const std::vector<float> target(rows * 18, 1);
  const hornfels_array arrays[] = {{ids.data(), nullptr, rows * 9}, {target.data(), nullptr, rows * 18}};
  ASSERT_EQ(numbers_model.train_step(handle.handle, arrays, rows), HORNFELS_OK);
  double metrics[3] = {NAN, NAN, NAN};
  numbers_model.get_metrics(handle.handle, metrics);
  for (double metric : metrics)
    EXPECT_EQ(metric, 0);
  handle.expect_weights(weights);
}

} // namespace
