// Fused against unfused code, and one thread against three, on random graphs.
#include "runtime/core/pool.h"
#include "tests/numeric/Table.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace hornfels::numeric {
namespace {

const std::vector<int64_t> batches = {1, 5, 8, 19, 64, 517};
constexpr int64_t capacity = 530;

/// Of abs(difference) / (1 + abs(reference)).
double tolerance(const hornfels_model &model) { return model.variable_info[0].type == HORNFELS_F64 ? 1e-12 : 1e-5; }

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

bool is_double(const hornfels_tensor &tensor) { return tensor.type == HORNFELS_F64; }

/// Elements of one tensor, in the type of the model.
struct Elements {
  bool wide = false;
  std::vector<float> narrow_values;
  std::vector<double> wide_values;

  Elements() = default;
  Elements(const hornfels_tensor &tensor, int64_t samples) : wide(is_double(tensor)) {
    const auto count = static_cast<size_t>(elements(tensor) * samples);
    wide ? wide_values.resize(count) : narrow_values.resize(count);
  }
  size_t size() const { return wide ? wide_values.size() : narrow_values.size(); }
  void *data() { return wide ? static_cast<void *>(wide_values.data()) : narrow_values.data(); }
  const void *data() const { return wide ? static_cast<const void *>(wide_values.data()) : narrow_values.data(); }
  double operator[](size_t i) const { return wide ? wide_values[i] : static_cast<double>(narrow_values[i]); }
  bool same_bytes(const Elements &other) const {
    return size() == other.size() && std::memcmp(data(), other.data(), size() * (wide ? 8 : 4)) == 0;
  }
};

/// Inputs and targets of one batch.
class Data {
public:
  Data(const hornfels_model &model, int64_t batch) : random(static_cast<uint64_t>(batch)) {
    const int32_t count = model.inputs + model.targets;
    arrays.resize(static_cast<size_t>(count));
    dense.resize(arrays.size());
    ids.resize(arrays.size());
    short_ids.resize(arrays.size());
    offsets.resize(arrays.size());
    for (int32_t i = 0; i < count; ++i) {
      const hornfels_tensor &info = i < model.inputs ? model.input_info[i] : model.target_info[i - model.inputs];
      if (info.type == HORNFELS_TOKENS16 || info.type == HORNFELS_TOKENS32)
        drawRows(info, static_cast<size_t>(i), batch);
      else
        drawDense(info, static_cast<size_t>(i), batch);
    }
  }

  std::vector<hornfels_array> arrays;

private:
  void drawDense(const hornfels_tensor &info, size_t i, int64_t batch) {
    dense[i] = Elements(info, batch);
    std::uniform_real_distribution<double> uniform(-1.5, 1.5);
    for (size_t e = 0; e < dense[i].size(); ++e) {
      const double value = uniform(random);
      if (dense[i].wide)
        dense[i].wide_values[e] = value;
      else
        dense[i].narrow_values[e] = static_cast<float>(value);
    }
    arrays[i] = {dense[i].data(), nullptr, static_cast<int64_t>(dense[i].size())};
  }

  void drawRows(const hornfels_tensor &info, size_t i, int64_t batch) {
    offsets[i].push_back(0);
    for (int64_t row = 0; row < batch; ++row) {
      std::vector<int64_t> drawn;
      for (uint64_t count = row % 5 == 0 ? 0 : random() % 12; count > 0; --count)
        drawn.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(info.limit)));
      if (info.token_rows != HORNFELS_ROWS_AS_IS)
        std::sort(drawn.begin(), drawn.end());
      if (info.token_rows == HORNFELS_ROWS_SETS)
        drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
      for (int64_t id : drawn) {
        ids[i].push_back(static_cast<int32_t>(id));
        short_ids[i].push_back(static_cast<uint16_t>(id));
      }
      offsets[i].push_back(static_cast<int64_t>(ids[i].size()));
    }
    const bool is_short = info.type == HORNFELS_TOKENS16;
    arrays[i] = {is_short ? static_cast<const void *>(short_ids[i].data()) : ids[i].data(), offsets[i].data(), offsets[i].back()};
  }

  std::mt19937_64 random;
  std::vector<Elements> dense;
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<uint16_t>> short_ids;
  std::vector<std::vector<int64_t>> offsets;
};

/// A handle of a model.
class Handle {
public:
  Handle(const hornfels_model &model, const hornfels_pool *pool) : model(model) {
    EXPECT_EQ(model.create(&handle, capacity), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, 42), HORNFELS_OK);
    EXPECT_EQ(model.set_pool(handle, pool), HORNFELS_OK);
    EXPECT_EQ(model.set_learning_rate(handle, 0.05), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }

  std::vector<Elements> variables() const {
    std::vector<Elements> all;
    for (int32_t i = 0; i < model.variables; ++i) {
      all.emplace_back(model.variable_info[i], 1);
      EXPECT_EQ(model.get_variable(handle, i, all.back().data(), static_cast<int64_t>(all.back().size())), HORNFELS_OK);
    }
    return all;
  }
  void setVariables(const std::vector<Elements> &values) {
    for (int32_t i = 0; i < model.variables; ++i) {
      const Elements &value = values[static_cast<size_t>(i)];
      EXPECT_EQ(model.set_variable(handle, i, value.data(), static_cast<int64_t>(value.size())), HORNFELS_OK);
    }
  }
  std::vector<Elements> predict(const Data &data, int64_t batch) {
    std::vector<Elements> outputs;
    std::vector<hornfels_result> results;
    for (int32_t i = 0; i < model.outputs; ++i)
      outputs.emplace_back(model.output_info[i], batch);
    for (Elements &output : outputs)
      results.push_back({output.data(), static_cast<int64_t>(output.size())});
    EXPECT_EQ(model.predict(handle, data.arrays.data(), results.data(), batch), HORNFELS_OK) << model.last_error(handle);
    return outputs;
  }
  std::vector<double> train(const Data &data, int64_t batch) {
    EXPECT_EQ(model.train_step(handle, data.arrays.data(), batch), HORNFELS_OK) << model.last_error(handle);
    std::vector<double> metrics(static_cast<size_t>(model.metrics));
    EXPECT_EQ(model.get_metrics(handle, metrics.data()), HORNFELS_OK);
    return metrics;
  }

  const hornfels_model &model;

private:
  void *handle = nullptr;
};

/// abs(found - wanted) / (1 + abs(wanted)); what is no number must be the same one.
double difference(double found, double wanted) {
  if (!std::isfinite(wanted) || !std::isfinite(found))
    return (std::isnan(found) && std::isnan(wanted)) || found == wanted ? 0.0 : INFINITY;
  return std::fabs(found - wanted) / (1 + std::fabs(wanted));
}

class RandomGraph : public testing::TestWithParam<Graph> {
protected:
  void expectClose(const Elements &found, const Elements &wanted, const std::string &what) {
    double largest = 0;
    size_t at = 0;
    for (size_t e = 0; e < wanted.size(); ++e)
      if (const double d = difference(found[e], wanted[e]); !(d <= largest)) {
        largest = d;
        at = e;
      }
    worst = std::max(worst, largest);
    EXPECT_LE(largest, tolerance(*GetParam().fused))
        << what << "[" << at << "]: fused " << found[at] << ", unfused " << wanted[at];
  }
  double worst = 0;
};

TEST_P(RandomGraph, FusedIsUnfusedAndThreadsChangeNoBit) {
  hornfels_pool *pool = hornfels_pool_create(3);
  Handle fused(*GetParam().fused, nullptr), threaded(*GetParam().fused, pool), unfused(*GetParam().unfused, nullptr);
  auto compareVariables = [&](const std::string &when) {
    const std::vector<Elements> a = fused.variables(), b = threaded.variables(), c = unfused.variables();
    for (size_t i = 0; i < a.size(); ++i) {
      const std::string name = when + ", " + GetParam().fused->variable_info[i].name;
      EXPECT_TRUE(a[i].same_bytes(b[i])) << name << " differs between one thread and three";
      expectClose(a[i], c[i], name);
    }
  };
  compareVariables("initialize");
  for (int64_t batch : batches) {
    const std::string when = "batch " + std::to_string(batch);
    const Data data(*GetParam().fused, batch);
    const std::vector<Elements> a = fused.predict(data, batch), b = threaded.predict(data, batch), c = unfused.predict(data, batch);
    for (size_t i = 0; i < a.size(); ++i) {
      const std::string name = when + ", " + GetParam().fused->output_info[i].name;
      EXPECT_TRUE(a[i].same_bytes(b[i])) << name << " differs between one thread and three";
      expectClose(a[i], c[i], name);
    }
    for (int step = 0; step < 2; ++step) {
      const std::vector<double> x = fused.train(data, batch), y = threaded.train(data, batch), z = unfused.train(data, batch);
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(std::memcmp(&x[i], &y[i], sizeof x[i]), 0) << when << ", metric " << i << " differs between threads";
        EXPECT_LE(difference(x[i], z[i]), tolerance(*GetParam().fused)) << when << ", metric " << i << ": " << x[i] << ", " << z[i];
      }
      compareVariables(when);
      // The next step starts from the same weights, so that rounding does not grow.
      const std::vector<Elements> common = unfused.variables();
      fused.setVariables(common);
      threaded.setVariables(common);
      if (HasFailure())
        break;
    }
    if (HasFailure())
      break;
  }
  hornfels_pool_destroy(pool);
  std::printf("seed %llu, %s, %s: worst %.1e\n", GetParam().seed, GetParam().target,
              is_double(GetParam().fused->variable_info[0]) ? "f64" : "f32", worst);
}

INSTANTIATE_TEST_SUITE_P(, RandomGraph, testing::ValuesIn(graphs),
                         [](const testing::TestParamInfo<Graph> &p) { return std::to_string(p.param.seed); });

} // namespace
} // namespace hornfels::numeric
