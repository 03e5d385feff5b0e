// Random graphs: both sides against the plain evaluation, fused against unfused code, one thread against
// three.
#include "runtime/core/pool.h"
#include "tests/numeric/GraphData.h"
#include "tests/numeric/Table.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace hornfels::numeric {
namespace {

const std::vector<int64_t> batches = {1, 5, 8, 19, 64, 517};
constexpr int64_t capacity = 530;

/// Of abs(difference) / (1 + abs(reference)).
double tolerance(const hornfels_model &model) {
  return model.variable_info[0].type == HORNFELS_F64 ? 1e-12 : 1e-5;
}

/// Against the evaluation in double, whose sums have another order.
double oracleTolerance(const hornfels_model &model) {
  return model.variable_info[0].type == HORNFELS_F64 ? 1e-11 : 1e-5;
}

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
  Handle(const hornfels_model &of, const hornfels_pool *pool) : model(of) {
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
  Handle fused(*GetParam().fused, nullptr), threaded(*GetParam().fused, pool),
      unfused(*GetParam().unfused, nullptr);
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
    const std::vector<Elements> a = fused.predict(data, batch), b = threaded.predict(data, batch),
                                c = unfused.predict(data, batch);
    for (size_t i = 0; i < a.size(); ++i) {
      const std::string name = when + ", " + GetParam().fused->output_info[i].name;
      EXPECT_TRUE(a[i].same_bytes(b[i])) << name << " differs between one thread and three";
      expectClose(a[i], c[i], name);
    }
    for (int step = 0; step < 2; ++step) {
      const std::vector<double> x = fused.train(data, batch), y = threaded.train(data, batch),
                                z = unfused.train(data, batch);
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(std::memcmp(&x[i], &y[i], sizeof x[i]), 0)
            << when << ", metric " << i << " differs between threads";
        EXPECT_LE(difference(x[i], z[i]), tolerance(*GetParam().fused))
            << when << ", metric " << i << ": " << x[i] << ", " << z[i];
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

/// Variables as the evaluation has them: what is trained on both sides of 0, the rest above it.
std::vector<Elements> drawVariables(const hornfels_model &model) {
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

TEST_P(RandomGraph, IsWhatItsOperationsMean) {
  double largest = 0;
  for (const hornfels_model *model : {GetParam().fused, GetParam().unfused})
    for (const Expectation &expected : GetParam().expected) {
      SCOPED_TRACE(std::string(model->name) + ", batch " + std::to_string(expected.batch));
      Handle handle(*model, nullptr);
      handle.setVariables(drawVariables(*model));
      const Data data(*model, expected.batch);
      auto compare = [&](const std::vector<Named> &wanted, const std::string &name,
                         const std::vector<double> &found) {
        for (const Named &entry : wanted)
          if (entry.name == name) {
            const double d = difference(tests::projection(found), entry.projection);
            EXPECT_LE(d, oracleTolerance(*model))
                << name << ": " << tests::projection(found) << ", evaluated " << entry.projection;
            largest = std::max(largest, d);
          }
      };
      const std::vector<Elements> outputs = handle.predict(data, expected.batch);
      for (size_t i = 0; i < outputs.size(); ++i)
        compare(expected.outputs, model->output_info[i].name, outputs[i].all());
      const std::vector<double> metrics = handle.train(data, expected.batch);
      for (size_t i = 0; i < metrics.size(); ++i)
        compare(expected.metrics, model->metric_names[i], {metrics[i]});
      const std::vector<Elements> variables = handle.variables();
      for (size_t i = 0; i < variables.size(); ++i)
        compare(expected.variables, model->variable_info[i].name, variables[i].all());
    }
  std::printf("seed %llu, %s: worst against the evaluation %.1e\n", GetParam().seed, GetParam().target,
              largest);
}

/// Rows of every length up to 40, right and with one id that is wrong, at every place.
TEST(Tokens, IdsOutOfOrderAreRefused) {
  int models = 0;
  for (const Graph &graph : graphs) {
    const hornfels_model &model = *graph.fused;
    int32_t input = 0;
    while (input < model.inputs && model.input_info[input].type != HORNFELS_TOKENS16)
      ++input;
    if (input == model.inputs || model.input_info[input].limit < 500)
      continue;
    ++models;
    const hornfels_tensor &info = model.input_info[input];
    const bool sets = info.token_rows == HORNFELS_ROWS_SETS;
    Handle handle(model, nullptr);
    Data data(model, 1);
    for (int64_t length = 0; length <= 40; ++length) {
      std::vector<uint16_t> ids;
      for (int64_t i = 0; i < length; ++i)
        ids.push_back(static_cast<uint16_t>(info.limit - 3 * length + 3 * i + 2));
      const std::vector<uint16_t> right = ids;
      const int64_t offsets[] = {0, length};
      data.arrays[static_cast<size_t>(input)] = {ids.data(), offsets, length};
      EXPECT_EQ(handle.status(data, 1), HORNFELS_OK) << info.name << ", " << length << " ids";
      for (int64_t wrong = 1; wrong < length; ++wrong) {
        const size_t at = static_cast<size_t>(wrong);
        ids = right;
        ids[at] = static_cast<uint16_t>(ids[at - 1] - (sets ? 0 : 1));
        data.arrays[static_cast<size_t>(input)].data = ids.data();
        EXPECT_EQ(handle.status(data, 1), HORNFELS_BAD_ARGUMENT) << info.name << ", id " << wrong << " of " << length;
      }
      if (length == 0)
        continue;
      ids = right;
      ids.back() = static_cast<uint16_t>(info.limit);
      data.arrays[static_cast<size_t>(input)].data = ids.data();
      EXPECT_EQ(handle.status(data, 1), HORNFELS_BAD_ARGUMENT) << info.name << ", " << length << " ids";
    }
  }
  EXPECT_GT(models, 1);
}

INSTANTIATE_TEST_SUITE_P(, RandomGraph, testing::ValuesIn(graphs),
                         [](const testing::TestParamInfo<Graph> &p) { return std::to_string(p.param.seed); });

} // namespace
} // namespace hornfels::numeric
