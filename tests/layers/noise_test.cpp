// The noise of layers that are random while training: mean and variance over 16 x 4096 inputs of 1, and that
// spatial dropout keeps or drops whole channels. Predictions pass through unchanged.
#include "tests/layers/Models.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace {

constexpr int64_t rows = 16, width = 4096;

TEST(Noise, has_the_moments_that_it_should) {
  const hornfels_model &model = *generated_models.at("noise");
  void *handle = nullptr;
  ASSERT_EQ(model.create(&handle, rows), HORNFELS_OK);
  ASSERT_EQ(model.initialize(handle, 1), HORNFELS_OK);
  std::vector<float> ones(rows * width, 1.0f);
  std::vector<hornfels_array> data(static_cast<size_t>(1 + model.targets),
                                   {ones.data(), nullptr, static_cast<int64_t>(ones.size())});
  ASSERT_EQ(model.reset_metrics(handle), HORNFELS_OK);
  ASSERT_EQ(model.train_step(handle, data.data(), rows), HORNFELS_OK) << model.last_error(handle);
  std::vector<double> values(static_cast<size_t>(model.metrics));
  ASSERT_EQ(model.get_metrics(handle, values.data()), HORNFELS_OK);
  std::map<std::string, double> found;
  for (size_t i = 0; i < values.size(); ++i)
    found[model.metric_names[i]] = values[i];
  // alpha dropout of 1 at rate r: a (1 or l) + b
  const double r = 0.3, l = -1.7580993408473766, a = 1 / std::sqrt((1 - r) * (1 + r * l * l)), b = -a * l * r;
  struct {
    const char *name;
    double mean, variance;
    bool whole;
  } const expected[] = {{"dropped", 1, 0.25 / 0.75, false},
                        {"gaussian", 1, 0.2 / 0.8, false},
                        {"noisy", 1, 0.25, false},
                        {"alpha", a * (1 - r + r * l) + b, a * a * r * (1 - r) * (1 - l) * (1 - l), false},
                        {"one", 1, 1, true},
                        {"two", 1, 1, true},
                        {"three", 1, 1, true}};
  for (const auto &layer : expected) {
    SCOPED_TRACE(layer.name);
    const std::string name = layer.name;
    double mean = found.at(name + "_loss"), variance = found.at(name + "_square_mean") - mean * mean;
    // 65,536 values, or 1,024 channels: five deviations of the mean
    double draws = layer.whole ? 1024 : 65536;
    EXPECT_NEAR(mean, layer.mean, 5 * std::sqrt(layer.variance / draws));
    EXPECT_NEAR(variance, layer.variance, (layer.whole ? 0.02 : 0.05) * layer.variance + 1e-6);
    if (layer.whole)
      EXPECT_LT(found.at(name + "_channels"), 1e-6);
    else
      EXPECT_GT(found.at(name + "_channels"), 0.5 * layer.variance);
    std::printf("%-10s mean %.4f (%.4f)  variance %.4f (%.4f)\n", layer.name, mean, layer.mean, variance,
                layer.variance);
  }
  std::vector<std::vector<float>> outputs(static_cast<size_t>(model.outputs), std::vector<float>(ones.size(), NAN));
  std::vector<hornfels_result> results;
  for (std::vector<float> &output : outputs)
    results.push_back({output.data(), static_cast<int64_t>(output.size())});
  ASSERT_EQ(model.predict(handle, data.data(), results.data(), rows), HORNFELS_OK);
  for (const std::vector<float> &output : outputs)
    EXPECT_EQ(output, ones);
  model.destroy(handle);
}

} // namespace
