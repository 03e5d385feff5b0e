// Weights of samples in the loss: powers of two leave every bit where they should, so that weights need no tolerance.
#include "runtime/core/abi.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

extern "C" const hornfels_model alike_model, weighted_model, rows_plain_model, rows_weighted_model;

namespace {

struct Result {
  std::vector<std::vector<float>> variables;
  double loss = 0, other = 0;
};

std::vector<float> numbers(size_t count, int seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(static_cast<int>((i * 37 + static_cast<size_t>(seed) * 11) % 64) - 32) / 16;
  return values;
}

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

/// Three steps on rows 0 .. batch-1, in which row i has weights[i] (none: a model without weights).
Result train(const hornfels_model &model, int64_t batch, std::vector<float> weights = {}, double rate = 0.125) {
  void *handle = nullptr;
  EXPECT_EQ(model.create(&handle, 16), HORNFELS_OK);
  EXPECT_EQ(model.initialize(handle, 7), HORNFELS_OK);
  EXPECT_EQ(model.set_learning_rate(handle, rate), HORNFELS_OK);
  const std::vector<float> x = numbers(static_cast<size_t>(batch * elements(model.input_info[0])), 1);
  const std::vector<float> y = numbers(static_cast<size_t>(batch * elements(model.target_info[0])), 2);
  hornfels_array data[] = {{x.data(), nullptr, static_cast<int64_t>(x.size())},
                           {y.data(), nullptr, static_cast<int64_t>(y.size())},
                           {weights.data(), nullptr, static_cast<int64_t>(weights.size())}};
  for (int step = 0; step < 3; ++step) {
    model.reset_metrics(handle);
    EXPECT_EQ(model.train_step(handle, data, batch), HORNFELS_OK) << model.last_error(handle);
  }
  Result result;
  double values[2] = {};
  model.get_metrics(handle, values);
  result.loss = values[0];
  result.other = values[1];
  for (int32_t i = 0; i < model.variables; ++i) {
    if (model.variable_info[i].role != HORNFELS_WEIGHT)
      continue;
    result.variables.emplace_back(static_cast<size_t>(elements(model.variable_info[i])));
    model.get_variable(handle, i, result.variables.back().data(), elements(model.variable_info[i]));
  }
  model.destroy(handle);
  return result;
}

struct Pair {
  const hornfels_model &plain, &weighted;
};

class Weighted : public testing::TestWithParam<int> {
protected:
  const Pair models = GetParam() == 0 ? Pair{alike_model, weighted_model} : Pair{rows_plain_model, rows_weighted_model};
};

TEST_P(Weighted, TheWeightsAreTheLastTarget) {
  ASSERT_EQ(models.weighted.targets, 2);
  EXPECT_EQ(std::string(models.weighted.target_info[1].name), "sample_weight");
  EXPECT_EQ(models.weighted.target_info[1].rank, 0);
  EXPECT_EQ(models.weighted.target_info[1].type, HORNFELS_F32);
}

TEST_P(Weighted, OnesChangeNoBit) {
  for (int64_t batch : {1, 2, 7, 16}) {
    const Result plain = train(models.plain, batch);
    const Result ones = train(models.weighted, batch, std::vector<float>(static_cast<size_t>(batch), 1));
    EXPECT_EQ(plain.variables, ones.variables) << batch;
    EXPECT_EQ(plain.loss, ones.loss);
    EXPECT_EQ(plain.other, ones.other);
  }
}

/// Twice the loss at half the rate is the same step.
TEST_P(Weighted, TwosAreTwiceTheLoss) {
  const Result plain = train(models.plain, 7);
  const Result twos = train(models.weighted, 7, std::vector<float>(7, 2), 0.0625);
  EXPECT_EQ(plain.variables, twos.variables);
  EXPECT_EQ(2 * plain.loss, twos.loss);
  EXPECT_EQ(plain.other, GetParam() == 0 ? twos.other : plain.other) << "metrics have no weights";
}

/// The mean is over the number of samples, weights or not: of two rows, 2 and 0 are the first one alone.
TEST_P(Weighted, ARowOfWeightZeroIsNotThere) {
  const Result one = train(models.plain, 1);
  const Result two = train(models.weighted, 2, {2, 0});
  for (size_t i = 0; i < one.variables.size(); ++i)
    for (size_t k = 0; k < one.variables[i].size(); ++k)
      EXPECT_NEAR(one.variables[i][k], two.variables[i][k], 1e-6);
  EXPECT_NEAR(one.loss, two.loss, 1e-6);
  EXPECT_NE(train(models.weighted, 2, {0, 2}).variables, two.variables);
}

INSTANTIATE_TEST_SUITE_P(Losses, Weighted, testing::Values(0, 1));

} // namespace
