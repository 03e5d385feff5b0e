// Generated programs against Keras: losses, metrics, weights, gradients and predictions from the same first
// weights.
//
// The measure is abs(d) / (1 + abs(reference)); the worst of each kind is printed.
#include "GoldenModels.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <vector>

using Json = nlohmann::json;

namespace {

constexpr long rows = 40, batch_rows = 16, features = 12, steps = 20;
constexpr double tolerance = 1e-5;

Json read_golden(const std::string &name) {
  std::ifstream file(std::string(HORNFELS_GOLDEN "/") + name + ".json");
  EXPECT_TRUE(file.good()) << name;
  return Json::parse(file);
}

double difference(double found, double expected) {
  return std::abs(found - expected) / (1 + std::abs(expected));
}

/// Compares and remembers the worst difference. A NaN is never near anything.
struct Worst {
  double value = 0;
  void near(double found, double expected, const std::string &what) {
    double d = difference(found, expected);
    EXPECT_LE(d, tolerance) << what << ": found " << found << ", Keras has " << expected;
    value = std::max(value, std::isnan(d) ? INFINITY : d);
  }
  void near(const std::vector<float> &found, const Json &expected, const std::string &what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (size_t i = 0; i < found.size(); ++i)
      near(found[i], expected[i].get<double>(), what + "[" + std::to_string(i) + "]");
  }
};

/// A handle of a generated model; every call must succeed.
class Model {
public:
  explicit Model(const std::string &name) : model(find(name)) {
    EXPECT_EQ(model.abi, HORNFELS_ABI_VERSION);
    EXPECT_EQ(model.create(&handle, batch_rows), HORNFELS_OK);
    check(model.initialize(handle, 1), "initialize");
  }
  ~Model() { model.destroy(handle); }
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  void set(const std::string &name, const std::vector<float> &values) {
    check(model.set_variable(handle, index(name), values.data(), static_cast<int64_t>(values.size())), name);
  }
  std::vector<float> get(const std::string &name) const {
    const hornfels_tensor &info = model.variable_info[index(name)];
    EXPECT_EQ(info.type, HORNFELS_F32);
    int64_t size = 1;
    for (int axis = 0; axis < info.rank; ++axis)
      size *= info.shape[axis];
    std::vector<float> values(static_cast<size_t>(size));
    check(model.get_variable(handle, index(name), values.data(), size), name);
    return values;
  }
  void set_all(const Json &weights) {
    for (const auto &[name, values] : weights.items())
      set(name, values.get<std::vector<float>>());
  }

  enum Kind { Train, Evaluate };
  /// One step on the rows [begin, end) of the golden data.
  void step(Kind kind, const Json &golden, long begin, long end) {
    std::vector<float> x = slice<float>(golden["x"], begin, end);
    int64_t count = end - begin;
    hornfels_array data[2] = {{x.data(), nullptr, static_cast<int64_t>(x.size())}, {}};
    std::vector<float> reals;
    std::vector<int32_t> classes;
    if (model.target_info[0].type == HORNFELS_I32) {
      classes = slice<int32_t>(golden["y"], begin, end);
      data[1] = {classes.data(), nullptr, static_cast<int64_t>(classes.size())};
    } else {
      reals = slice<float>(golden["y"], begin, end);
      data[1] = {reals.data(), nullptr, static_cast<int64_t>(reals.size())};
    }
    check((kind == Train ? model.train_step : model.evaluate_step)(handle, data, count), "step");
  }
  std::vector<float> predict(const Json &golden, long begin, long end) {
    std::vector<float> x = slice<float>(golden["x"], begin, end);
    std::vector<float> y(static_cast<size_t>((end - begin) * golden["outputs"].get<long>()));
    hornfels_array input = {x.data(), nullptr, static_cast<int64_t>(x.size())};
    hornfels_result output = {y.data(), static_cast<int64_t>(y.size())};
    check(model.predict(handle, &input, &output, end - begin), "predict");
    return y;
  }
  void reset_metrics() { check(model.reset_metrics(handle), "reset_metrics"); }
  /// The loss, then the metric.
  std::vector<double> metrics() const {
    EXPECT_EQ(model.metrics, 2);
    std::vector<double> values(2);
    check(model.get_metrics(handle, values.data()), "get_metrics");
    return values;
  }
  void set_learning_rate(double rate) { check(model.set_learning_rate(handle, rate), "set_learning_rate"); }

private:
  static const hornfels_model &find(const std::string &name) {
    auto found = golden_models.find(name);
    if (found == golden_models.end())
      throw std::runtime_error("no generated model " + name);
    return *found->second;
  }
  int32_t index(const std::string &name) const {
    for (int32_t i = 0; i < model.variables; ++i)
      if (name == model.variable_info[i].name)
        return i;
    throw std::runtime_error("no variable " + name);
  }
  void check(int32_t status, const std::string &what) const {
    ASSERT_EQ(status, HORNFELS_OK) << what << ": " << model.last_error(handle);
  }
  template <class T> static std::vector<T> slice(const Json &values, long begin, long end) {
    long width = static_cast<long>(values.size()) / rows;
    std::vector<T> part;
    for (long i = begin * width; i < end * width; ++i)
      part.push_back(values[static_cast<size_t>(i)].get<T>());
    return part;
  }

  const hornfels_model &model;
  void *handle = nullptr;
};

/// The rows of step 0, 1, 2, ...: 16, 16, 8, and from the beginning.
std::pair<long, long> rows_of(long step) {
  long begin = step % ((rows + batch_rows - 1) / batch_rows) * batch_rows;
  return {begin, std::min(begin + batch_rows, rows)};
}

void expect_weights(Worst &worst, const Model &model, const Json &expected) {
  for (const auto &[name, values] : expected.items())
    worst.near(model.get(name), values, name);
}

/// One of bce, cce, scce, mse, mae, and whether its losses are those on clipped probabilities.
struct Loss {
  std::string name;
  bool clip;
  std::string model(const std::string &optimizer) const {
    return name + "_" + optimizer + (clip ? "_clip" : "");
  }
  Json values() const { return read_golden(name + (clip ? "_clip" : "")); }
};

std::ostream &operator<<(std::ostream &stream, const Loss &loss) {
  return stream << loss.name << (loss.clip ? "_clip" : "");
}

const std::vector<Loss> on_logits = {
    {"bce", false}, {"cce", false}, {"scce", false}, {"mse", false}, {"mae", false}};
const std::vector<Loss> two_forms = {{"bce", false}, {"cce", false}, {"scce", false},
                                     {"bce", true},  {"cce", true},  {"scce", true}};

class Golden : public ::testing::TestWithParam<Loss> {
protected:
  const Json golden = read_golden(GetParam().name); // data and first weights
};

/// A loss that takes logits where it can, or the probabilities.
class Training : public Golden {};
/// The losses that have both forms, in both.
class Saturation : public Golden {};
/// What does not depend on the form.
class Steps : public Golden {};

std::string name_of(const ::testing::TestParamInfo<Loss> &info) {
  return info.param.name + (info.param.clip ? "_clip" : "");
}

} // namespace

TEST_P(Training, twenty_steps_of_every_optimizer) {
  const Json values = GetParam().values();
  ASSERT_EQ(values["runs"].size(), 8u);
  int compared = 0;
  for (const auto &[optimizer, run] : values["runs"].items()) {
    std::string name = GetParam().model(optimizer);
    if (!golden_models.count(name))
      continue; // this program holds some of the cases
    ++compared;
    SCOPED_TRACE(name);
    Model model(name);
    model.set_all(golden["first"]);
    Worst loss, metric, weights;
    for (long step = 0; step < steps; ++step) {
      auto [begin, end] = rows_of(step);
      model.reset_metrics();
      model.step(Model::Train, golden, begin, end);
      std::vector<double> found = model.metrics();
      std::string what = "step " + std::to_string(step + 1);
      loss.near(found[0], run["losses"][static_cast<size_t>(step)], what + " loss");
      metric.near(found[1], run["metric"][static_cast<size_t>(step)], what + " metric");
    }
    expect_weights(weights, model, run["final"]);
    std::printf("%-26s worst: loss %.1e  metric %.1e  weights %.1e  (Keras's own noise %.1e)\n", name.c_str(),
                loss.value, metric.value, weights.value, run["keras_noise"].get<double>());
  }
  EXPECT_GE(compared, 3);
}

TEST_P(Saturation, a_saturated_batch) {
  const Json values = GetParam().values();
  const Json &saturated = values["saturated"];
  Model model(GetParam().model("sgd"));
  model.set_all(golden["first"]);
  std::vector<float> kernel = golden["first"]["dense_2/kernel"].get<std::vector<float>>();
  for (float &value : kernel)
    value *= saturated["scale"].get<float>();
  model.set("dense_2/kernel", kernel);
  model.reset_metrics();
  model.step(Model::Train, golden, 0, batch_rows);
  Worst loss, weights;
  loss.near(model.metrics()[0], saturated["loss"], "loss");
  expect_weights(weights, model, saturated["final"]);
  std::printf("worst: loss %.1e  weights %.1e\n", loss.value, weights.value);
}

TEST_P(Steps, running_means_over_epochs) {
  Model model(GetParam().model("adam"));
  model.set_all(golden["first"]);
  Worst worst;
  for (size_t epoch = 0; epoch < 2; ++epoch) {
    model.reset_metrics();
    for (long step = 0; step < 3; ++step)
      model.step(Model::Train, golden, rows_of(step).first, rows_of(step).second);
    for (size_t i = 0; i < 2; ++i)
      worst.near(model.metrics()[i], golden["epochs"]["train"][epoch][i],
                 "epoch " + std::to_string(epoch + 1));
  }
  model.reset_metrics();
  for (long step = 0; step < 3; ++step)
    model.step(Model::Evaluate, golden, rows_of(step).first, rows_of(step).second);
  for (size_t i = 0; i < 2; ++i)
    worst.near(model.metrics()[i], golden["epochs"]["evaluate"][i], "evaluate");
  std::printf("worst: %.1e\n", worst.value);
}

TEST_P(Steps, gradients_at_the_first_weights) {
  Worst worst;
  for (long step = 0; step < 3; ++step) {
    // Plain descent at rate 1 moves a weight by its gradient.
    Model model(GetParam().model("sgd"));
    model.set_all(golden["first"]);
    model.set_learning_rate(1.0);
    model.step(Model::Train, golden, rows_of(step).first, rows_of(step).second);
    for (const auto &[name, expected] : golden["gradients"][static_cast<size_t>(step)].items()) {
      std::vector<float> first = golden["first"][name].get<std::vector<float>>(), gradient = model.get(name);
      for (size_t i = 0; i < gradient.size(); ++i)
        gradient[i] = first[i] - gradient[i];
      worst.near(gradient, expected, name);
    }
  }
  std::printf("worst: %.1e\n", worst.value);
}

TEST_P(Steps, predictions) {
  Model model(GetParam().model("sgd"));
  model.set_all(golden["first"]);
  std::vector<float> found;
  for (long step = 0; step < 3; ++step) {
    std::vector<float> part = model.predict(golden, rows_of(step).first, rows_of(step).second);
    found.insert(found.end(), part.begin(), part.end());
  }
  Worst worst;
  worst.near(found, golden["predictions"], "prediction");
  std::printf("worst: %.1e\n", worst.value);
}

INSTANTIATE_TEST_SUITE_P(Keras, Training, ::testing::ValuesIn(on_logits), name_of);
INSTANTIATE_TEST_SUITE_P(Clip, Training,
                         ::testing::Values(Loss{"bce", true}, Loss{"cce", true}, Loss{"scce", true}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Keras, Saturation, ::testing::ValuesIn(two_forms), name_of);
INSTANTIATE_TEST_SUITE_P(Keras, Steps, ::testing::ValuesIn(on_logits), name_of);
