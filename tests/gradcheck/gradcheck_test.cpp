// Every gradient against fourth-order central differences in float64, in seeded random directions.
#include "tests/gradcheck/Table.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace hornfels::gradcheck {
namespace {

constexpr double tolerance = 1e-7; // of abs(difference) / (1 + abs(reference))
constexpr double step = 1.0 / 4096;
constexpr int directions = 3;

using Values = std::vector<double>;

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

struct Tokens {
  std::vector<uint16_t> small;
  std::vector<int32_t> large;
  std::vector<int64_t> offsets{0};
};

/// A generated model with its arrays by name: operands go in, outputs come out.
class Runner {
public:
  Runner(const hornfels_model &model, int64_t batch) : model(model), batch(batch) {
    EXPECT_EQ(model.create(&handle, batch + 3), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, 1), HORNFELS_OK);
    for (int32_t i = 0; i < model.inputs; ++i)
      inputs[model.input_info[i].name] = i;
    for (int32_t i = 0; i < model.variables; ++i)
      variables[model.variable_info[i].name] = i;
  }
  ~Runner() { model.destroy(handle); }

  const hornfels_tensor &info(const std::string &name) const {
    auto found = inputs.find(name);
    return found != inputs.end() ? model.input_info[found->second] : model.variable_info[variables.at(name)];
  }
  int64_t size(const std::string &name) const {
    return elements(info(name)) * (inputs.count(name) ? batch : 1);
  }

  /// Runs predict on `operands` and keeps all outputs.
  void run(const std::map<std::string, Values> &operands, const std::map<std::string, Tokens> &rows) {
    std::vector<hornfels_array> arrays(static_cast<size_t>(model.inputs) + 1);
    for (int32_t i = 0; i < model.inputs; ++i) {
      const hornfels_tensor &input = model.input_info[i];
      hornfels_array &array = arrays[static_cast<size_t>(i)];
      if (is_tokens(input)) {
        const Tokens &tokens = rows.at(input.name);
        const bool small = input.type == HORNFELS_TOKENS16;
        array = {small ? static_cast<const void *>(tokens.small.data()) : tokens.large.data(),
                 tokens.offsets.data(), tokens.offsets.back()};
      } else {
        const Values &values = operands.at(input.name);
        array = {values.data(), nullptr, static_cast<int64_t>(values.size())};
      }
    }
    for (const auto &[name, index] : variables) {
      const Values &values = operands.at(name);
      ASSERT_EQ(model.set_variable(handle, index, values.data(), static_cast<int64_t>(values.size())),
                HORNFELS_OK);
    }
    std::vector<hornfels_result> results;
    for (int32_t i = 0; i < model.outputs; ++i) {
      Values &values = outputs[model.output_info[i].name];
      values.assign(static_cast<size_t>(elements(model.output_info[i]) * batch), NAN);
      results.push_back({values.data(), static_cast<int64_t>(values.size())});
    }
    ASSERT_EQ(model.predict(handle, arrays.data(), results.data(), batch), HORNFELS_OK)
        << model.last_error(handle);
  }

  const hornfels_model &model;
  const int64_t batch;
  std::map<std::string, Values> outputs;

private:
  void *handle = nullptr;
  std::map<std::string, int32_t> inputs, variables;
};

/// The slope of a case in one direction: by differences and by the gradients.
struct Slope {
  double by_difference, by_gradient;
};

/// A model at random operands, with the slopes of all its cases.
class CheckedRun {
public:
  CheckedRun(const CheckedModel &checked, int64_t batch)
      : checked(checked), runner(*checked.model, batch), random(17) {
    draw();
    runner.run(operands, rows);
    gradients = runner.outputs;
    for (int i = 0; i < directions; ++i)
      move();
  }

  const CheckedModel &checked;
  Runner runner;
  std::map<std::string, Values> gradients;
  std::vector<std::vector<Slope>> slopes; // [direction][case]

private:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }

  void draw() {
    for (const CheckedCase &c : checked.cases)
      for (const CheckedOperand &operand : c.operands) {
        const std::string name = operand.name;
        if (is_tokens(runner.info(name))) {
          drawRows(name);
          continue;
        }
        Values values = operand.values;
        if (operand.copy_of)
          values = operands.at(operand.copy_of);
        if (values.empty())
          values = drawn(operand, runner.size(name), c.exact_in_float);
        ASSERT_EQ(static_cast<int64_t>(values.size()), runner.size(name)) << name;
        operands[name] = std::move(values);
      }
  }

  Values drawn(const CheckedOperand &operand, int64_t count, bool exact_in_float) {
    Values values;
    for (int64_t i = 0; i < count; ++i) {
      const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
      double value = operand.spread ? operand.low + (operand.high - operand.low) * share
                                    : uniform(operand.low, operand.high);
      if (operand.both_signs && random() % 2)
        value = -value;
      values.push_back(exact_in_float ? std::round(value * 64) / 64 : value);
    }
    if (operand.spread)
      std::shuffle(values.begin(), values.end(), random);
    return values;
  }

  /// Rows of 0 to 5 ids, as the model wants them; the first and every fourth are empty.
  void drawRows(const std::string &name) {
    const hornfels_tensor &info = runner.info(name);
    Tokens &tokens = rows[name];
    for (int64_t row = 0; row < runner.batch; ++row) {
      std::vector<int64_t> ids;
      for (uint64_t count = row % 4 == 0 ? 0 : random() % 6; count > 0; --count)
        ids.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(info.limit)));
      if (info.token_rows != HORNFELS_ROWS_AS_IS)
        std::sort(ids.begin(), ids.end());
      if (info.token_rows == HORNFELS_ROWS_SETS)
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
      for (int64_t id : ids) {
        tokens.small.push_back(static_cast<uint16_t>(id));
        tokens.large.push_back(static_cast<int32_t>(id));
      }
      tokens.offsets.push_back(static_cast<int64_t>(tokens.large.size()));
    }
  }

  /// All operands of all cases that are not fixed, a step along a random direction.
  void move() {
    std::map<std::string, Values> direction;
    for (const CheckedCase &c : checked.cases)
      for (const CheckedOperand &operand : c.operands)
        if (operand.gradient && operand.values.empty())
          for (int64_t i = runner.size(operand.name); i > 0; --i)
            direction[operand.name].push_back(std::round(uniform(-1, 1) * 8) / 8);
    auto losses = [&](double distance) {
      std::map<std::string, Values> moved = operands;
      for (const auto &[name, along] : direction)
        for (size_t i = 0; i < along.size(); ++i)
          moved[name][i] += distance * along[i];
      runner.run(moved, rows);
      std::vector<double> values;
      for (const CheckedCase &c : checked.cases)
        values.push_back(runner.outputs.at(c.loss)[0]);
      return values;
    };
    const std::vector<double> f1 = losses(step), b1 = losses(-step), f2 = losses(2 * step),
                              b2 = losses(-2 * step);
    std::vector<Slope> found;
    for (size_t i = 0; i < checked.cases.size(); ++i) {
      Slope slope{(8 * (f1[i] - b1[i]) - (f2[i] - b2[i])) / (12 * step), 0};
      for (const CheckedOperand &operand : checked.cases[i].operands)
        if (operand.gradient && operand.values.empty())
          for (int64_t e = 0; e < runner.size(operand.name); ++e)
            slope.by_gradient += direction.at(operand.name)[static_cast<size_t>(e)] *
                                 gradients.at(operand.gradient)[static_cast<size_t>(e)];
      found.push_back(slope);
    }
    slopes.push_back(found);
  }

  std::mt19937_64 random;
  std::map<std::string, Values> operands;
  std::map<std::string, Tokens> rows;
};

/// Batches that fill a tile, do not, and are one sample.
const std::vector<std::unique_ptr<CheckedRun>> &runs() {
  static const std::vector<std::unique_ptr<CheckedRun>> all = [] {
    std::vector<std::unique_ptr<CheckedRun>> made;
    for (const CheckedModel &model : models)
      for (int64_t batch : {1, 5, 8, 19})
        made.push_back(std::make_unique<CheckedRun>(model, batch));
    return made;
  }();
  return all;
}

class Gradient : public testing::TestWithParam<const char *> {};

TEST_P(Gradient, AgreesWithDifferences) {
  double worst = 0;
  int cases = 0;
  for (const std::unique_ptr<CheckedRun> &run : runs())
    for (size_t i = 0; i < run->checked.cases.size(); ++i) {
      const CheckedCase &c = run->checked.cases[i];
      if (std::strcmp(c.op, GetParam()) != 0)
        continue;
      ++cases;
      SCOPED_TRACE(std::string(run->checked.model->name) + ", batch " + std::to_string(run->runner.batch) +
                   ": " + c.text);
      for (const std::vector<Slope> &slopes : run->slopes) {
        const Slope slope = slopes[i];
        const double error =
            std::fabs(slope.by_gradient - slope.by_difference) / (1 + std::fabs(slope.by_difference));
        EXPECT_LE(error, tolerance) << "slope " << slope.by_gradient << ", by differences "
                                    << slope.by_difference;
        if (!(error <= worst))
          worst = error;
      }
      for (const CheckedOperand &operand : c.operands)
        for (size_t e = 0; e < operand.expected.size(); ++e)
          EXPECT_NEAR(run->gradients.at(operand.gradient)[e], operand.expected[e], 1e-14)
              << operand.name << "[" << e << "]";
    }
  EXPECT_GT(cases, 0) << "horn." << GetParam() << " has a gradient and no case: add one to tests/gradcheck";
  std::printf("%-14s %3d runs of cases, worst %.1e\n", GetParam(), cases, worst);
}

INSTANTIATE_TEST_SUITE_P(, Gradient, testing::ValuesIn(operations),
                         [](const testing::TestParamInfo<const char *> &p) { return std::string(p.param); });

} // namespace
} // namespace hornfels::gradcheck
