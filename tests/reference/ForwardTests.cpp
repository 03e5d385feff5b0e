// Activations, merging layers and initializers against Keras.
#include "GoldenModels.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numeric>

using Json = nlohmann::json;

namespace {

class Forward : public ::testing::Test {
protected:
  void open(const std::string &name) {
    auto found = golden_models.find(name);
    ASSERT_NE(found, golden_models.end()) << name;
    model = found->second;
    ASSERT_EQ(model->create(&handle, 4), HORNFELS_OK);
    ASSERT_EQ(model->initialize(handle, 1), HORNFELS_OK);
  }
  void TearDown() override {
    if (handle)
      model->destroy(handle);
  }

  /// Predicts and compares each output NAME_y with expected[NAME].
  void compare(std::vector<std::vector<float>> inputs, int64_t batch, const Json &expected) {
    std::vector<hornfels_array> data;
    for (const std::vector<float> &input : inputs)
      data.push_back({input.data(), nullptr, static_cast<int64_t>(input.size())});
    std::vector<std::vector<float>> outputs;
    for (int32_t i = 0; i < model->outputs; ++i)
      outputs.emplace_back(expected[name_of(i)].size(), NAN);
    std::vector<hornfels_result> results;
    for (std::vector<float> &output : outputs)
      results.push_back({output.data(), static_cast<int64_t>(output.size())});
    ASSERT_EQ(model->predict(handle, data.data(), results.data(), batch), HORNFELS_OK)
        << model->last_error(handle);
    ASSERT_EQ(outputs.size(), expected.size());
    for (int32_t i = 0; i < model->outputs; ++i) {
      double worst = 0;
      for (size_t j = 0; j < outputs[static_cast<size_t>(i)].size(); ++j) {
        double reference = expected[name_of(i)][j].get<double>(), found = outputs[static_cast<size_t>(i)][j];
        double d = std::abs(found - reference) / (1 + std::abs(reference));
        EXPECT_LE(d, 4e-6) << name_of(i) << "[" << j << "]: found " << found << ", Keras has " << reference;
        worst = std::max(worst, std::isnan(d) ? INFINITY : d);
      }
      std::printf("%-16s worst %.1e\n", name_of(i).c_str(), worst);
    }
  }

  std::string name_of(int32_t output) const {
    std::string name = model->output_info[output].name;
    return name.substr(0, name.size() - 2);
  }

  static Json read_golden() {
    std::ifstream file(HORNFELS_GOLDEN "/forward.json");
    return Json::parse(file);
  }

  const hornfels_model *model = nullptr;
  void *handle = nullptr;
  const Json golden = read_golden();
};

} // namespace

TEST_F(Forward, every_activation_on_a_grid) {
  ASSERT_NO_FATAL_FAILURE(open("activations"));
  compare({golden["grid"].get<std::vector<float>>()}, 1, golden["activations"]);
}

TEST_F(Forward, merging_layers) {
  ASSERT_NO_FATAL_FAILURE(open("merging"));
  compare({golden["a"].get<std::vector<float>>(), golden["b"].get<std::vector<float>>()}, 4,
          golden["merging"]);
}

TEST_F(Forward, initializers_have_the_spread_of_Keras) {
  ASSERT_NO_FATAL_FAILURE(open("initializers"));
  std::vector<float> values(300 * 200);
  ASSERT_EQ(static_cast<size_t>(model->variables), golden["initializers"].size());
  for (int32_t i = 0; i < model->variables; ++i) {
    std::string name = model->variable_info[i].name;
    name = name.substr(0, name.find('/'));
    SCOPED_TRACE(name);
    const Json &expected = golden["initializers"][name];
    ASSERT_EQ(model->get_variable(handle, i, values.data(), static_cast<int64_t>(values.size())),
              HORNFELS_OK);
    auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
    double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
           squares = 0;
    for (float value : values)
      squares += (value - mean) * (value - mean);
    double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    double reference = expected["deviation"];
    // 60,000 values: the deviation is known to 0.3 %, the mean to 0.004 deviations.
    EXPECT_NEAR(deviation, reference, 0.015 * reference);
    EXPECT_NEAR(mean, expected["mean"].get<double>(), 0.025 * reference + 1e-7);
    if (name == "random_normal")
      continue; // no bounds
    EXPECT_NEAR(*smallest, expected["smallest"].get<double>(),
                0.01 * std::abs(expected["smallest"].get<double>()));
    EXPECT_NEAR(*largest, expected["largest"].get<double>(),
                0.01 * std::abs(expected["largest"].get<double>()));
  }
}
