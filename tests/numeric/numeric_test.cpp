// Graphs: both sides against the plain evaluation, fused against unfused code, one thread against three.
#include "tests/numeric/Model.h"
#include "tests/numeric/Table.h"
#include <algorithm>
#include <gtest/gtest.h>

namespace hornfels::numeric {
namespace {

/// Of abs(difference) / (1 + abs(reference)).
double tolerance(const hornfels_model &model) {
  return model.variable_info[0].type == HORNFELS_F64 ? 1e-12 : 1e-5;
}

/// Against the evaluation in double, whose sums have another order.
double oracleTolerance(const hornfels_model &model) {
  return model.variable_info[0].type == HORNFELS_F64 ? 1e-11 : 1e-5;
}

class Numbers : public testing::TestWithParam<Graph> {
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

TEST_P(Numbers, FusedIsUnfusedAndThreadsChangeNoBit) {
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
  std::printf("%s, %s, %s: worst %.1e\n", GetParam().name, GetParam().target,
              is_double(GetParam().fused->variable_info[0]) ? "f64" : "f32", worst);
}

TEST_P(Numbers, IsWhatItsOperationsMean) {
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
  std::printf("%s, %s: worst against the evaluation %.1e\n", GetParam().name, GetParam().target,
              largest);
}

INSTANTIATE_TEST_SUITE_P(Graph, Numbers, testing::ValuesIn(graphs),
                         [](const testing::TestParamInfo<Graph> &p) { return std::string(p.param.name); });

} // namespace
} // namespace hornfels::numeric
