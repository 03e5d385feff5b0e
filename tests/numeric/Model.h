// A generated model in a test: drawn data, its variables, its steps.
#ifndef HORNFELS_TESTS_NUMERIC_MODEL_H
#define HORNFELS_TESTS_NUMERIC_MODEL_H

#include "runtime/core/pool.h"
#include "tests/numeric/GraphData.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace hornfels::numeric {

constexpr int64_t capacity = 530;

inline int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

inline bool is_double(const hornfels_tensor &tensor) { return tensor.type == HORNFELS_F64; }

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
  const void *data() const {
    return wide ? static_cast<const void *>(wide_values.data()) : narrow_values.data();
  }
  void set(const std::vector<double> &values) {
    for (size_t i = 0; i < values.size(); ++i)
      wide ? void(wide_values[i] = values[i]) : void(narrow_values[i] = static_cast<float>(values[i]));
  }
  std::vector<double> all() const {
    return wide ? wide_values : std::vector<double>(narrow_values.begin(), narrow_values.end());
  }
  double operator[](size_t i) const { return wide ? wide_values[i] : static_cast<double>(narrow_values[i]); }
  bool same_bytes(const Elements &other) const {
    return size() == other.size() && std::memcmp(data(), other.data(), size() * (wide ? 8 : 4)) == 0;
  }
};

/// Inputs and targets of one batch.
class Data {
public:
  Data(const hornfels_model &model, int64_t batch) {
    const int32_t count = model.inputs + model.targets;
    dense.reserve(static_cast<size_t>(count));
    rows.reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) {
      const hornfels_tensor &info =
          i < model.inputs ? model.input_info[i] : model.target_info[i - model.inputs];
      if (info.type == HORNFELS_TOKENS16 || info.type == HORNFELS_TOKENS32)
        addRows(info, batch);
      else
        addDense(info, batch);
    }
  }

  std::vector<hornfels_array> arrays;

private:
  struct Tokens {
    std::vector<int32_t> ids;
    std::vector<uint16_t> short_ids;
    std::vector<int64_t> offsets;
  };

  void addDense(const hornfels_tensor &info, int64_t batch) {
    dense.emplace_back(info, batch);
    dense.back().set(
        tests::drawElements(info.name, batch, elements(info) * batch, -1.5, 1.5, is_double(info)));
    arrays.push_back({dense.back().data(), nullptr, static_cast<int64_t>(dense.back().size())});
  }

  void addRows(const hornfels_tensor &info, int64_t batch) {
    const tests::Rows drawn =
        tests::drawRows(info.name, batch, info.limit, info.token_rows == HORNFELS_ROWS_SETS);
    rows.push_back({{drawn.ids.begin(), drawn.ids.end()}, {}, drawn.offsets});
    for (int64_t id : drawn.ids)
      rows.back().short_ids.push_back(static_cast<uint16_t>(id));
    const bool is_short = info.type == HORNFELS_TOKENS16;
    arrays.push_back(
        {is_short ? static_cast<const void *>(rows.back().short_ids.data()) : rows.back().ids.data(),
         rows.back().offsets.data(), rows.back().offsets.back()});
  }

  std::vector<Elements> dense;
  std::vector<Tokens> rows;
};

/// A handle of a model.
class Handle {
public:
  Handle(const hornfels_model &of, const hornfels_pool *pool, int64_t samples = capacity) : model(of) {
    EXPECT_EQ(model.create(&handle, samples), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, 42), HORNFELS_OK);
    EXPECT_EQ(model.set_pool(handle, pool), HORNFELS_OK);
    EXPECT_EQ(model.set_learning_rate(handle, 0.05), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }

  std::vector<Elements> variables() const {
    std::vector<Elements> all;
    for (int32_t i = 0; i < model.variables; ++i) {
      all.emplace_back(model.variable_info[i], 1);
      EXPECT_EQ(model.get_variable(handle, i, all.back().data(), static_cast<int64_t>(all.back().size())),
                HORNFELS_OK);
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
    EXPECT_EQ(model.predict(handle, data.arrays.data(), results.data(), batch), HORNFELS_OK)
        << model.last_error(handle);
    return outputs;
  }
  std::vector<double> train(const Data &data, int64_t batch) {
    EXPECT_EQ(model.train_step(handle, data.arrays.data(), batch), HORNFELS_OK) << model.last_error(handle);
    std::vector<double> metrics(static_cast<size_t>(model.metrics));
    EXPECT_EQ(model.get_metrics(handle, metrics.data()), HORNFELS_OK);
    return metrics;
  }

  int32_t status(const Data &data, int64_t batch) { return model.train_step(handle, data.arrays.data(), batch); }

  void *opaque() const { return handle; }

  const hornfels_model &model;

private:
  void *handle = nullptr;
};

/// abs(found - wanted) / (1 + abs(wanted)); what is no number must be the same one.
inline double difference(double found, double wanted) {
  if (!std::isfinite(wanted) || !std::isfinite(found))
    return (std::isnan(found) && std::isnan(wanted)) || found == wanted ? 0.0 : INFINITY;
  return std::fabs(found - wanted) / (1 + std::fabs(wanted));
}

/// Variables as the evaluation has them: what is trained on both sides of 0, the rest above it.
inline std::vector<Elements> drawVariables(const hornfels_model &model) {
  std::vector<Elements> all;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &info = model.variable_info[i];
    const bool is_trained = info.role == HORNFELS_WEIGHT || info.role == HORNFELS_STATE;
    all.emplace_back(info, 1);
    all.back().set(tests::drawElements(info.name, 0, elements(info), is_trained ? -0.4 : 0.1,
                                       is_trained ? 0.4 : 0.5, is_double(info)));
  }
  return all;
}

} // namespace hornfels::numeric

#endif
