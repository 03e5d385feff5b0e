// The CUDA of every model against its C++, step by step from the same weights on the same rows: predictions, metrics, every
// gradient, and steps of the model's own optimizer. The measure is abs(d) / (1 + abs(of the CPU)); the worst is printed.
#include "runtime/program/bench/synthetic.h"
#include "runtime/program/training/batches.h"
#include "tests/cuda/models/Table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

using namespace hornfels;

namespace {

constexpr double tolerance = 1e-5;

/// Gradients are also compared with the largest of their tensor: in deep layers they are small.
constexpr double of_the_largest = 1e-3;

/// A weight moves by rate * g / (sqrt(v) + epsilon), or the like. Where g is next to nothing, v is too, and the quotient turns
/// what rounding left in g into any part of a step: of a few elements in a thousand, which may be off by that.
constexpr double tolerance_of_optimizers = 1e-4, share_of_them = 2e-3;

int64_t elements_of(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

std::string orders_bytes() {
  const char *path = std::getenv("HORNFELS_BYTES");
  return path ? path : "";
}

/// All that a handle gives.
struct Handle {
  const hornfels_model &model;
  void *opaque = nullptr;

  explicit Handle(const hornfels_model &given) : model(given) { EXPECT_EQ(model.create(&opaque, 5), HORNFELS_OK); }
  ~Handle() { model.destroy(opaque); }
  void good(int32_t status, const char *call) const {
    ASSERT_EQ(status, HORNFELS_OK) << call << ": " << model.last_error(opaque);
  }
  std::vector<float> variable(int32_t number) const {
    std::vector<float> values(static_cast<size_t>(elements_of(model.variable_info[number])));
    good(model.get_variable(opaque, number, values.data(), static_cast<int64_t>(values.size())), "get_variable");
    return values;
  }
  void set(int32_t number, const std::vector<float> &values) const {
    good(model.set_variable(opaque, number, values.data(), static_cast<int64_t>(values.size())), "set_variable");
  }
  std::vector<double> metrics() const {
    std::vector<double> values(static_cast<size_t>(model.metrics));
    good(model.get_metrics(opaque, values.data()), "get_metrics");
    return values;
  }
  std::vector<std::vector<float>> predict(const hornfels_array *rows, int64_t batch) const {
    std::vector<std::vector<float>> outputs;
    std::vector<hornfels_result> results;
    for (int32_t i = 0; i < model.outputs; ++i)
      outputs.emplace_back(static_cast<size_t>(batch * elements_of(model.output_info[i])), NAN);
    for (std::vector<float> &output : outputs)
      results.push_back({output.data(), static_cast<int64_t>(output.size())});
    good(model.predict(opaque, rows, results.data(), batch), "predict");
    return outputs;
  }
};

class Models : public testing::TestWithParam<Model> {
protected:
  /// What the device gave: kept to be compared with what another order of threads gives.
  template <class T> void keep(const std::vector<T> &found) {
    if (const std::string path = orders_bytes(); !path.empty())
      std::ofstream(path, std::ios::app | std::ios::binary)
          .write(reinterpret_cast<const char *>(found.data()), static_cast<std::streamsize>(found.size() * sizeof(T)));
  }

  /// Each element within `bound`. Returns how many are farther than `tolerance`.
  template <class T>
  size_t near(const std::string &what, const std::vector<T> &found, const std::vector<T> &expected, double bound = tolerance) {
    keep(found);
    if (found.size() != expected.size()) {
      ADD_FAILURE() << what << " has " << found.size() << " elements, expected " << expected.size();
      return 0;
    }
    double largest = 0;
    size_t place = 0, beyond = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      double d = std::abs(double(found[i]) - double(expected[i])) / (1 + std::abs(double(expected[i])));
      if (std::isnan(d))
        d = INFINITY; // nothing here is without a number
      beyond += d > tolerance;
      if (d > largest)
        largest = d, place = i;
    }
    EXPECT_LE(largest, bound) << what << "[" << place << "] of " << found.size() << ": " << found[place] << " on the device, "
                              << expected[place] << " on the CPU";
    if (largest > worst)
      worst = largest, worst_place = what;
    return beyond;
  }

  /// The same weights at first, and the rows of all steps.
  void begin(const Handle &cpu, const Handle &device, uint64_t seed) {
    cpu.good(cpu.model.initialize(cpu.opaque, seed), "initialize");
    device.good(device.model.initialize(device.opaque, seed), "initialize");
    for (int32_t i = 0; i < cpu.model.variables; ++i) {
      near(std::string("first ") + cpu.model.variable_info[i].name, device.variable(i), cpu.variable(i));
      device.set(i, cpu.variable(i));
    }
  }

  /// What a step gives that changes no weight.
  void forward(const Handle &cpu, const Handle &device, const hornfels_array *rows, int64_t batch) {
    const auto expected = cpu.predict(rows, batch), found = device.predict(rows, batch);
    for (size_t i = 0; i < found.size(); ++i)
      near(std::string("predicted ") + cpu.model.output_info[i].name, found[i], expected[i]);
    for (const Handle *handle : {&cpu, &device}) {
      handle->good(handle->model.reset_metrics(handle->opaque), "reset_metrics");
      handle->good(handle->model.evaluate_step(handle->opaque, rows, batch), "evaluate_step");
    }
    near("metrics of an evaluation", device.metrics(), cpu.metrics());
    for (const Handle *handle : {&cpu, &device}) {
      handle->good(handle->model.reset_metrics(handle->opaque), "reset_metrics");
      handle->good(handle->model.train_step(handle->opaque, rows, batch), "train_step");
    }
    near("metrics of a step", device.metrics(), cpu.metrics());
  }

  void TearDown() override { std::printf("%-24s worst %.1e, %s\n", GetParam().name.c_str(), worst, worst_place.c_str()); }

  double worst = 0;
  std::string worst_place = "of nothing";
};

constexpr int64_t batches[] = {3, 1};

} // namespace

/* Fresh weights for each step, which moves them by their gradients. */
TEST_P(Models, gradients) {
  const Handle cpu(*GetParam().descent.cpu), device(*GetParam().descent.device);
  const dataset data = make_synthetic(cpu.model, 8, true, 1);
  batcher rows(data, 5);
  int64_t first = 0;
  for (int64_t batch : batches) {
    begin(cpu, device, 7 + static_cast<uint64_t>(batch));
    std::vector<std::vector<float>> before;
    for (int32_t i = 0; i < cpu.model.variables; ++i)
      before.push_back(cpu.variable(i));
    forward(cpu, device, rows.gather_range(first, batch), batch);
    first += batch;
    for (int32_t i = 0; i < cpu.model.variables; ++i) {
      const hornfels_tensor &info = cpu.model.variable_info[i];
      const std::vector<float> expected = cpu.variable(i), found = device.variable(i);
      const std::string what = std::string(info.name) + " after a step of " + std::to_string(batch);
      near(what, found, expected);
      if (info.role != HORNFELS_WEIGHT)
        continue;
      // Differences of weights have what rounding leaves of them.
      double gradient = 0, weight = 0, difference = 0;
      for (size_t k = 0; k < found.size(); ++k) {
        gradient = std::max(gradient, std::abs(double(expected[k]) - double(before[size_t(i)][k])));
        weight = std::max(weight, std::abs(double(expected[k])));
        difference = std::max(difference, std::abs(double(expected[k]) - double(found[k])));
      }
      EXPECT_LE(difference, of_the_largest * gradient + 1.2e-7 * weight) << what << ": of gradients up to " << gradient;
    }
  }
}

/* Steps of its own optimizer; the CPU's weights and slots go on. */
TEST_P(Models, steps) {
  const Handle cpu(*GetParam().own.cpu), device(*GetParam().own.device);
  const dataset data = make_synthetic(cpu.model, 8, true, 2);
  batcher rows(data, 5);
  begin(cpu, device, 7);
  int64_t first = 0;
  size_t beyond = 0, all = 0;
  for (int64_t batch : {3, 3, 1}) {
    forward(cpu, device, rows.gather_range(first, batch), batch);
    first += batch;
    for (int32_t i = 0; i < cpu.model.variables; ++i) {
      const std::vector<float> expected = cpu.variable(i);
      beyond += near(std::string(cpu.model.variable_info[i].name) + " after " + std::to_string(first) + " rows",
                     device.variable(i), expected, tolerance_of_optimizers);
      all += expected.size();
      device.set(i, expected);
    }
  }
  EXPECT_LE(double(beyond), share_of_them * double(all)) << "of " << all << " elements";
}

INSTANTIATE_TEST_SUITE_P(OnDevice, Models, testing::ValuesIn(all_models), [](const auto &info) { return info.param.name; });
