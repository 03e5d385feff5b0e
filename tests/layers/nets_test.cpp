// Nets of convolutions, pooling and embeddings: the loss of each of 20 steps, and the last weights, against Keras in
// float64. The measure is abs(d) / (1 + abs(reference)).
#include "tests/layers/Models.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <vector>

using Json = nlohmann::json;

namespace {

constexpr double tolerance = 1e-5;
constexpr size_t steps = 20;

/// The values of a golden array, as the model takes them.
struct Array {
  std::vector<float> reals;
  std::vector<int32_t> ids;
  Array(const hornfels_tensor &info, const Json &values) {
    if (info.type == HORNFELS_I32)
      ids = values.get<std::vector<int32_t>>();
    else
      reals = values.get<std::vector<float>>();
  }
  hornfels_array view() const {
    if (reals.empty())
      return {ids.data(), nullptr, static_cast<int64_t>(ids.size())};
    return {reals.data(), nullptr, static_cast<int64_t>(reals.size())};
  }
};

class Nets : public ::testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    model = generated_models.at(GetParam());
    std::ifstream file(GOLDEN "/" + GetParam() + ".json");
    golden = Json::parse(file);
    ASSERT_EQ(model->create(&handle, golden["batch"]), HORNFELS_OK);
    check(model->initialize(handle, 1), "initialize");
  }
  void TearDown() override {
    if (handle)
      model->destroy(handle);
  }
  void check(int32_t status, const std::string &what) const {
    ASSERT_EQ(status, HORNFELS_OK) << what << ": " << model->last_error(handle);
  }
  static bool isWeight(const hornfels_tensor &info) {
    return info.role == HORNFELS_WEIGHT || info.role == HORNFELS_STATE;
  }
  static void near(double found, double expected, const std::string &what, double &worst) {
    double d = std::abs(found - expected) / (1 + std::abs(expected));
    EXPECT_LE(d, tolerance) << what << ": found " << found << ", Keras has " << expected;
    worst = std::max(worst, std::isnan(d) ? INFINITY : d);
  }

  const hornfels_model *model = nullptr;
  void *handle = nullptr;
  Json golden;
};

TEST_P(Nets, train_as_Keras_does) {
  size_t given = 0;
  for (int32_t i = 0; i < model->variables; ++i) {
    const hornfels_tensor &info = model->variable_info[i];
    if (!isWeight(info))
      continue;
    ASSERT_TRUE(golden["first"].contains(info.name)) << "Keras has no " << info.name;
    std::vector<float> values = golden["first"][info.name].get<std::vector<float>>();
    check(model->set_variable(handle, i, values.data(), static_cast<int64_t>(values.size())), info.name);
    ++given;
  }
  EXPECT_EQ(given, golden["first"].size());

  ASSERT_EQ(golden["losses"].size(), steps);
  double worst_loss = 0, worst_weight = 0;
  for (size_t step = 0; step < steps; ++step) {
    const size_t part = step % golden["inputs"].size();
    Array x(model->input_info[0], golden["inputs"][part]), y(model->target_info[0], golden["targets"][part]);
    hornfels_array data[] = {x.view(), y.view()};
    check(model->reset_metrics(handle), "reset_metrics");
    check(model->train_step(handle, data, golden["batch"]), "train_step");
    std::vector<double> metrics(static_cast<size_t>(model->metrics));
    check(model->get_metrics(handle, metrics.data()), "get_metrics");
    near(metrics[0], golden["losses"][step], "loss of step " + std::to_string(step + 1), worst_loss);
  }
  for (int32_t i = 0; i < model->variables; ++i) {
    const hornfels_tensor &info = model->variable_info[i];
    if (!isWeight(info))
      continue;
    const Json &last = golden["last"][info.name];
    std::vector<float> found(last.size());
    check(model->get_variable(handle, i, found.data(), static_cast<int64_t>(found.size())), info.name);
    for (size_t k = 0; k < found.size(); ++k)
      near(found[k], last[k], std::string(info.name) + "[" + std::to_string(k) + "]", worst_weight);
  }
  std::printf("%-8s worst loss %.1e, worst weight %.1e\n", GetParam().c_str(), worst_loss, worst_weight);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto &[name, model] : generated_models)
    if (name.rfind("nets_", 0) == 0)
      all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Keras, Nets, ::testing::ValuesIn(names()), [](const auto &info) { return info.param; });

} // namespace
