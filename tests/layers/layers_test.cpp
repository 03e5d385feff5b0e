// Layers against Keras in float64: prediction, loss, and every variable after one step of plain descent at rate 1,
// which moves a weight by its gradient. The measure is abs(d) / (1 + abs(reference)); the worst of each kind of layer
// is printed.
#include "tests/layers/Models.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

using Json = nlohmann::json;

namespace {

/// Models of layers beside each other: layers_0, wrapped_0; not nets.
bool holds_layers(const std::string &model) { return model.rfind("layers_", 0) == 0 || model.rfind("wrapped_", 0) == 0; }

constexpr double tolerance = 1e-5;

/// The worst difference of each kind. A NaN is never near anything.
struct Worst {
  std::map<std::string, double> kinds;
  void near(const std::string &kind, const std::string &what, double found, double expected) {
    double d = std::abs(found - expected) / (1 + std::abs(expected));
    EXPECT_LE(d, tolerance) << kind << ", " << what << ": found " << found << ", Keras has " << expected;
    double &worst = kinds[kind];
    worst = std::max(worst, std::isnan(d) ? INFINITY : d);
  }
  template <class T>
  void near(const std::string &kind, const std::string &what, const std::vector<T> &found, const Json &expected) {
    ASSERT_EQ(found.size(), expected.size()) << kind << ", " << what;
    for (size_t i = 0; i < found.size(); ++i)
      near(kind, what + "[" + std::to_string(i) + "]", static_cast<double>(found[i]), expected[i].get<double>());
  }
};

/// Arrays for the inputs or targets of a model, and what they point into.
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

class Layers : public ::testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    model = generated_models.at(GetParam());
    std::ifstream file(GOLDEN "/" + GetParam() + ".json");
    golden = Json::parse(file);
    batch = golden["batch"];
    ASSERT_EQ(model->abi, HORNFELS_ABI_VERSION);
    ASSERT_EQ(model->create(&handle, 5), HORNFELS_OK); // more than the batch
    check(model->initialize(handle, 1), "initialize");
    for (int32_t i = 0; i < model->variables; ++i) {
      auto [name, local] = parts(model->variable_info[i].name);
      if (!golden["cases"].contains(name)) // a probe: 0 at first
        continue;
      const Json &first = golden["cases"][name]["first"];
      ASSERT_TRUE(first.contains(name + "/" + local)) << "Keras has no " << name << "/" << local;
      std::vector<float> values = first[name + "/" + local].get<std::vector<float>>();
      check(model->set_variable(handle, i, values.data(), static_cast<int64_t>(values.size())), "set_variable");
    }
  }
  void TearDown() override {
    if (handle)
      model->destroy(handle);
  }
  void check(int32_t status, const std::string &what) const {
    ASSERT_EQ(status, HORNFELS_OK) << what << ": " << model->last_error(handle);
  }
  /// "case3", "kernel" of "case3/kernel".
  static std::pair<std::string, std::string> parts(const std::string &name) {
    return {name.substr(0, name.find('/')), name.substr(name.find('/') + 1)};
  }
  /// "case3" of "case3_x1", "case3_y", "case3_probe_0".
  static std::string case_of(const std::string &name) { return name.substr(0, name.find('_')); }
  Arrays inputs() const {
    Arrays arrays;
    for (int32_t i = 0; i < model->inputs; ++i) {
      std::string name = model->input_info[i].name;
      size_t number = std::stoul(name.substr(name.rfind('x') + 1));
      arrays.add(model->input_info[i], golden["cases"][case_of(name)]["inputs"][number]);
    }
    return arrays;
  }
  const Json &of(const std::string &name) const { return golden["cases"][case_of(name)]; }

  const hornfels_model *model = nullptr;
  void *handle = nullptr;
  Json golden;
  int64_t batch = 0;
};

TEST_P(Layers, agree_with_Keras) {
  Worst worst;
  Arrays data = inputs();
  // Prediction.
  std::vector<std::vector<float>> outputs;
  std::vector<hornfels_result> results;
  for (int32_t i = 0; i < model->outputs; ++i)
    outputs.emplace_back(of(model->output_info[i].name)["prediction"].size(), NAN);
  for (std::vector<float> &output : outputs)
    results.push_back({output.data(), static_cast<int64_t>(output.size())});
  check(model->predict(handle, data.arrays.data(), results.data(), batch), "predict");
  for (int32_t i = 0; i < model->outputs; ++i) {
    std::string name = model->output_info[i].name;
    worst.near(of(name)["kind"], name, outputs[static_cast<size_t>(i)], of(name)["prediction"]);
  }
  // One step: the losses, then every variable.
  for (int32_t i = 0; i < model->targets; ++i)
    data.add(model->target_info[i], of(model->target_info[i].name)["target"]);
  check(model->reset_metrics(handle), "reset_metrics");
  check(model->train_step(handle, data.arrays.data(), batch), "train_step");
  std::vector<double> metrics(static_cast<size_t>(model->metrics));
  check(model->get_metrics(handle, metrics.data()), "get_metrics");
  double total = 0;
  for (const Json &each : golden["cases"])
    total += each["loss"].get<double>() + each["penalty"].get<double>();
  worst.near("the sum of losses and penalties", "loss", metrics[0], total);
  for (size_t i = 1; i < metrics.size(); ++i) {
    std::string name = model->metric_names[i];
    worst.near(of(name)["kind"], name, metrics[i], of(name)["loss"].get<double>());
  }
  size_t compared = 0, expected = 0;
  for (const Json &each : golden["cases"])
    expected += each["after"].size();
  for (int32_t i = 0; i < model->variables; ++i) {
    const hornfels_tensor &info = model->variable_info[i];
    if (info.role == HORNFELS_METRIC)
      continue;
    std::string name = info.name;
    const Json &after = of(parts(name).first)["after"];
    ASSERT_TRUE(after.contains(name)) << "Keras has no " << name;
    std::vector<float> found(after[name].size());
    check(model->get_variable(handle, i, found.data(), static_cast<int64_t>(found.size())), name);
    worst.near(of(parts(name).first)["kind"], name + " after a step", found, after[name]);
    ++compared;
  }
  EXPECT_EQ(compared, expected);
  for (const auto &[kind, value] : worst.kinds)
    std::printf("%-32s worst %.1e\n", kind.c_str(), value);
}

TEST(LayerCases, are_many) {
  std::set<std::string> kinds;
  size_t cases = 0;
  for (const auto &[name, model] : generated_models) {
    if (!holds_layers(name))
      continue;
    std::ifstream file(GOLDEN "/" + name + ".json");
    const Json golden = Json::parse(file);
    for (const Json &each : golden["cases"]) {
      kinds.insert(each["kind"].get<std::string>());
      ++cases;
    }
  }
  std::printf("%zu cases of %zu kinds\n", cases, kinds.size());
  EXPECT_GE(cases, 380u);
  EXPECT_GE(kinds.size(), 130u);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto &[name, model] : generated_models)
    if (holds_layers(name))
      all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Keras, Layers, ::testing::ValuesIn(names()),
                         [](const auto &info) { return info.param; });

} // namespace
