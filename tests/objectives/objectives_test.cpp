// Losses and their gradients, metrics over two batches, and twenty steps of each optimizer, against Keras in float64.
// The measure is abs(d) / (1 + abs(reference)); the worst of each is printed.
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

const Json &golden() {
  static const Json values = [] {
    std::ifstream file(GOLDEN);
    return Json::parse(file);
  }();
  return values;
}

struct Worst {
  double value = 0;
  void near(const std::string &what, double found, double expected) {
    double d = std::abs(found - expected) / (1 + std::abs(expected));
    EXPECT_LE(d, tolerance) << what << ": found " << found << ", Keras has " << expected;
    value = std::max(value, std::isnan(d) ? INFINITY : d);
  }
  void near(const std::string &what, const std::vector<float> &found, const Json &expected) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (size_t i = 0; i < found.size(); ++i)
      near(what + "[" + std::to_string(i) + "]", static_cast<double>(found[i]), expected[i].get<double>());
  }
};

/// A generated model; every call must succeed.
class Model {
public:
  explicit Model(const std::string &name) : model(*generated_models.at(name)) {
    EXPECT_EQ(model.create(&handle, 12), HORNFELS_OK);
    check(model.initialize(handle, 1));
  }
  ~Model() { model.destroy(handle); }
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  void set(const std::string &name, const Json &values) {
    std::vector<float> data = values.get<std::vector<float>>();
    check(model.set_variable(handle, index(name), data.data(), static_cast<int64_t>(data.size())));
  }
  std::vector<float> get(const std::string &name, size_t size) const {
    std::vector<float> values(size);
    check(model.get_variable(handle, index(name), values.data(), static_cast<int64_t>(size)));
    return values;
  }
  /// Rows begin to end of x and of each target, of `rows` in all.
  void step(bool trains, const Json &x, const std::vector<const Json *> &targets, size_t rows, size_t begin,
            size_t end) {
    std::vector<std::vector<float>> reals;
    std::vector<std::vector<int32_t>> ids;
    std::vector<hornfels_array> data;
    auto add = [&](const Json &values, int32_t type) {
      size_t width = values.size() / rows;
      std::vector<float> part;
      for (size_t i = begin * width; i < end * width; ++i)
        part.push_back(values[i].get<float>());
      int64_t size = static_cast<int64_t>(part.size());
      if (type == HORNFELS_I32)
        data.push_back({ids.emplace_back(part.begin(), part.end()).data(), nullptr, size});
      else
        data.push_back({reals.emplace_back(std::move(part)).data(), nullptr, size});
    };
    add(x, HORNFELS_F32);
    for (size_t i = 0; i < targets.size(); ++i)
      add(*targets[i], model.target_info[i].type);
    auto run = trains ? model.train_step : model.evaluate_step;
    check(run(handle, data.data(), static_cast<int64_t>(end - begin)));
  }
  void reset_metrics() { check(model.reset_metrics(handle)); }
  std::map<std::string, double> metrics() const {
    std::vector<double> values(static_cast<size_t>(model.metrics));
    check(model.get_metrics(handle, values.data()));
    std::map<std::string, double> named;
    for (size_t i = 0; i < values.size(); ++i)
      named[model.metric_names[i]] = values[i];
    return named;
  }

private:
  int32_t index(const std::string &name) const {
    for (int32_t i = 0; i < model.variables; ++i)
      if (name == model.variable_info[i].name)
        return i;
    ADD_FAILURE() << "no variable " << name;
    return 0;
  }
  void check(int32_t status) const { ASSERT_EQ(status, HORNFELS_OK) << model.last_error(handle); }
  const hornfels_model &model;
  void *handle = nullptr;
};

/// The weights of each output of `all_losses` and `all_metrics`, and their targets.
std::vector<const Json *> prepare(Model &model, const Json &entries) {
  std::vector<const Json *> targets;
  for (size_t i = 0; i < entries.size(); ++i) {
    model.set("y" + std::to_string(i) + "/kernel", entries[i]["kernel"]);
    model.set("y" + std::to_string(i) + "/bias", entries[i]["bias"]);
    targets.push_back(&entries[i]["target"]);
  }
  return targets;
}

TEST(Objectives, losses_and_their_gradients) {
  const Json &entries = golden()["losses"];
  ASSERT_GE(entries.size(), 25u);
  Model model("all_losses");
  std::vector<const Json *> targets = prepare(model, entries);
  model.step(true, golden()["x"], targets, 12, 0, 12);
  std::map<std::string, double> found = model.metrics();
  for (size_t i = 0; i < entries.size(); ++i) {
    const Json &entry = entries[i];
    std::string name = "y" + std::to_string(i), what = entry["name"].get<std::string>() + " (" + name + ")";
    Worst loss, weights;
    loss.near(what, found.at(name + "_loss"), entry["value"].get<double>());
    weights.near(what + " kernel", model.get(name + "/kernel", entry["kernel"].size()), entry["kernel_after"]);
    weights.near(what + " bias", model.get(name + "/bias", entry["bias"].size()), entry["bias_after"]);
    std::printf("%-44s worst: loss %.1e  gradients %.1e\n", what.c_str(), loss.value, weights.value);
  }
}

TEST(Objectives, metrics_over_two_batches) {
  const Json &entries = golden()["metrics"];
  ASSERT_GE(entries.size(), 40u);
  Model model("all_metrics");
  std::vector<const Json *> targets = prepare(model, entries);
  for (int round = 0; round < 2; ++round) { // the second time all begin again
    model.reset_metrics();
    std::vector<Worst> worst(entries.size());
    for (size_t batch = 0; batch < 2; ++batch) {
      model.step(false, golden()["x"], targets, 12, batch * 8, batch ? 12 : 8);
      std::map<std::string, double> found = model.metrics();
      for (size_t i = 0; i < entries.size(); ++i) {
        std::string start = "y" + std::to_string(i) + "_", what = entries[i]["name"].get<std::string>() + " " + start;
        auto metric = std::find_if(found.begin(), found.end(), [&](const auto &each) {
          return each.first.rfind(start, 0) == 0 && each.first != start + "loss";
        });
        ASSERT_NE(metric, found.end()) << what;
        worst[i].near(what + std::to_string(batch), metric->second, entries[i]["values"][batch].get<double>());
      }
    }
    for (size_t i = 0; round == 0 && i < entries.size(); ++i)
      std::printf("%-32s worst %.1e\n", entries[i]["name"].get<std::string>().c_str(), worst[i].value);
  }
}

class Optimizers : public ::testing::TestWithParam<std::string> {};

TEST_P(Optimizers, twenty_steps) {
  const Json &all = golden()["optimizers"], &run = all["runs"][GetParam()];
  Model model("steps_" + GetParam());
  for (const auto &[name, values] : all["first"].items())
    model.set(name, values);
  Worst losses, weights, averages;
  for (size_t step = 0; step < run["losses"].size(); ++step) {
    model.reset_metrics();
    model.step(true, all["x"], {&all["target"]}, 12, step % 3 * 4, step % 3 * 4 + 4);
    losses.near("step " + std::to_string(step + 1), model.metrics().at("loss"), run["losses"][step].get<double>());
  }
  for (const auto &[name, values] : run["final"].items())
    weights.near(name, model.get(name, values.size()), values);
  if (run.contains("averages"))
    for (const auto &[name, values] : run["averages"].items())
      averages.near(name, model.get(name + "/moving-average", values.size()), values);
  std::printf("%-18s worst: loss %.1e  weights %.1e  averages %.1e\n", GetParam().c_str(), losses.value,
              weights.value, averages.value);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto &[name, model] : generated_models)
    if (name.rfind("steps_", 0) == 0)
      all.push_back(name.substr(6));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Keras, Optimizers, ::testing::ValuesIn(names()),
                         [](const auto &info) { return info.param; });

} // namespace
