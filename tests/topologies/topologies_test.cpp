// Graphs of layers, from Horn and from Keras's JSON: the prediction, the loss of each of five steps and the last weights
// against Keras in float64. The measure is abs(d) / (1 + abs(reference)).
#include "tests/topologies/Models.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using Json = nlohmann::json;

namespace {

constexpr double tolerance = 1e-5;

struct Worst {
  double value = 0;
  void near(double found, double expected, const std::string &what) {
    double d = std::abs(found - expected) / (1 + std::abs(expected));
    EXPECT_LE(d, tolerance) << what << ": found " << found << ", Keras has " << expected;
    value = std::max(value, std::isnan(d) ? INFINITY : d);
  }
  void near(const std::vector<float> &found, const Json &expected, const std::string &what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (size_t i = 0; i < found.size(); ++i)
      near(static_cast<double>(found[i]), expected[i].get<double>(), what + "[" + std::to_string(i) + "]");
  }
};

/// Arrays as a step takes them, and what they point into.
struct Arrays {
  std::vector<std::vector<float>> reals;
  std::vector<std::vector<int32_t>> ids;
  std::vector<hornfels_array> arrays;
  void add(const hornfels_tensor &info, const Json &values) {
    int64_t size = static_cast<int64_t>(values.size());
    if (info.type == HORNFELS_I32)
      arrays.push_back({ids.emplace_back(values.get<std::vector<int32_t>>()).data(), nullptr, size});
    else
      arrays.push_back({reals.emplace_back(values.get<std::vector<float>>()).data(), nullptr, size});
  }
};

const Json &golden() {
  static const Json all = [] {
    std::ifstream file(GOLDEN);
    return Json::parse(file);
  }();
  return all;
}

bool is_weight(const hornfels_tensor &info) { return info.role == HORNFELS_WEIGHT || info.role == HORNFELS_STATE; }

class Topologies : public ::testing::TestWithParam<std::tuple<size_t, bool>> {
protected:
  void SetUp() override {
    const Forms &forms = topologies[std::get<0>(GetParam())];
    name = forms.name;
    model = std::get<1>(GetParam()) ? forms.keras : forms.horn;
    values = golden()["topologies"][name];
    batch = golden()["batch"];
    ASSERT_EQ(model->create(&handle, batch), HORNFELS_OK);
    check(model->initialize(handle, 1), "initialize");
  }
  void TearDown() override {
    if (handle)
      model->destroy(handle);
  }
  void check(int32_t status, const std::string &what) const {
    ASSERT_EQ(status, HORNFELS_OK) << what << ": " << model->last_error(handle);
  }
  void set_weights() const {
    size_t given = 0;
    for (int32_t i = 0; i < model->variables; ++i) {
      const hornfels_tensor &info = model->variable_info[i];
      if (!is_weight(info))
        continue;
      ASSERT_TRUE(values["first"].contains(info.name)) << "Keras has no " << info.name;
      std::vector<float> first = values["first"][info.name].get<std::vector<float>>();
      check(model->set_variable(handle, i, first.data(), static_cast<int64_t>(first.size())), info.name);
      ++given;
    }
    EXPECT_EQ(given, values["first"].size());
  }

  std::string name;
  const hornfels_model *model = nullptr;
  void *handle = nullptr;
  Json values;
  int64_t batch = 0;
};

TEST_P(Topologies, predict_and_train_as_in_Keras) {
  ASSERT_NO_FATAL_FAILURE(set_weights());
  Worst prediction, loss, weight;
  Arrays data;
  for (int32_t i = 0; i < model->inputs; ++i)
    data.add(model->input_info[i], values["inputs"][model->input_info[i].name]);
  std::vector<std::vector<float>> outputs;
  std::vector<hornfels_result> results;
  for (int32_t i = 0; i < model->outputs; ++i)
    outputs.emplace_back(values["predictions"][model->output_info[i].name].size(), NAN);
  for (std::vector<float> &output : outputs)
    results.push_back({output.data(), static_cast<int64_t>(output.size())});
  check(model->predict(handle, data.arrays.data(), results.data(), batch), "predict");
  ASSERT_EQ(outputs.size(), values["predictions"].size());
  for (int32_t i = 0; i < model->outputs; ++i)
    prediction.near(outputs[static_cast<size_t>(i)], values["predictions"][model->output_info[i].name],
                    model->output_info[i].name);

  for (int32_t i = 0; i < model->targets; ++i)
    data.add(model->target_info[i], values["targets"][model->target_info[i].name]);
  for (const Json &expected : values["losses"]) {
    check(model->reset_metrics(handle), "reset_metrics");
    check(model->train_step(handle, data.arrays.data(), batch), "train_step");
    std::vector<double> metrics(static_cast<size_t>(model->metrics));
    check(model->get_metrics(handle, metrics.data()), "get_metrics");
    loss.near(metrics[0], expected.get<double>(), "loss");
  }
  for (int32_t i = 0; i < model->variables; ++i) {
    const hornfels_tensor &info = model->variable_info[i];
    if (!is_weight(info))
      continue;
    std::vector<float> found(values["last"][info.name].size());
    check(model->get_variable(handle, i, found.data(), static_cast<int64_t>(found.size())), info.name);
    weight.near(found, values["last"][info.name], info.name);
  }
  std::printf("%-12s worst prediction %.1e, loss %.1e, weight %.1e\n", name.c_str(), prediction.value, loss.value,
              weight.value);
}

TEST(Topology, the_test_has_every_one_that_Keras_ran) { EXPECT_EQ(topologies.size(), golden()["topologies"].size()); }

INSTANTIATE_TEST_SUITE_P(Keras, Topologies,
                         ::testing::Combine(::testing::Range(size_t{0}, topologies.size()), ::testing::Bool()),
                         [](const auto &info) {
                           return topologies[std::get<0>(info.param)].name + (std::get<1>(info.param) ? "_json" : "_horn");
                         });

} // namespace
