// Sums over the batch in parts, of a net with few outputs: the same bytes at any number of threads, and the numbers of
// the same net without parts and without fusion. Batches are large, last ones, smaller than the number of parts, single.
#include "tests/numeric/Model.h"

extern "C" const hornfels_model few_parts_model, few_whole_model, few_unfused_model, few_parts_f64_model,
    few_whole_f64_model;

namespace hornfels::numeric {
namespace {

constexpr int64_t largest = 8192;
const std::vector<int64_t> sizes = {largest, 3001, 127, 128, 129, 5, 1, largest - 1};

struct Trace {
  std::vector<std::vector<double>> metrics;
  std::vector<std::vector<Elements>> variables;
};

/// A step for each size, each from where the last one ended; or all from the first weights, so that rounding does not grow.
Trace train(const hornfels_model &model, const hornfels_pool *pool, bool anew = false) {
  Handle handle(model, pool, largest);
  handle.setVariables(drawVariables(model));
  EXPECT_EQ(model.set_learning_rate(handle.opaque(), model.training->learning_rate), HORNFELS_OK);
  Trace trace;
  for (int64_t size : sizes) {
    if (anew)
      handle.setVariables(drawVariables(model));
    trace.metrics.push_back(handle.train(Data(model, size), size));
    trace.variables.push_back(handle.variables());
  }
  return trace;
}

void expectSameBytes(const Trace &found, const Trace &wanted, const hornfels_model &model, const std::string &what) {
  for (size_t step = 0; step < sizes.size(); ++step) {
    const std::string when = what + ", step " + std::to_string(step) + ", ";
    EXPECT_EQ(found.metrics[step], wanted.metrics[step]) << when;
    for (size_t i = 0; i < wanted.variables[step].size(); ++i)
      EXPECT_TRUE(found.variables[step][i].same_bytes(wanted.variables[step][i])) << when << model.variable_info[i].name;
  }
}

void expectClose(const hornfels_model &model, const hornfels_model &reference, double tolerance) {
  const Trace wanted = train(reference, nullptr, true), found = train(model, nullptr, true);
  double worst = 0;
  auto compare = [&](double a, double b, const std::string &what) {
    worst = std::max(worst, difference(a, b));
    EXPECT_LE(difference(a, b), tolerance) << what;
  };
  for (size_t step = 0; step < sizes.size(); ++step) {
    const std::string when = "step " + std::to_string(step) + ", ";
    for (size_t i = 0; i < wanted.metrics[step].size(); ++i)
      compare(found.metrics[step][i], wanted.metrics[step][i], when + model.metric_names[i]);
    for (size_t i = 0; i < wanted.variables[step].size(); ++i)
      for (size_t e = 0; e < wanted.variables[step][i].size(); ++e)
        compare(found.variables[step][i][e], wanted.variables[step][i][e], when + model.variable_info[i].name);
  }
  std::printf("%s: worst %.1e\n", model.name, worst);
}

/// A pool of one thread that does the chunks in turn, the last one first, and counts runs of eight.
struct Backwards {
  int runsOfParts = 0;
  hornfels_pool pool{run, this};
  static void run(void *self, int64_t chunks, void (*task)(void *, int64_t), void *context) {
    static_cast<Backwards *>(self)->runsOfParts += chunks == 8;
    while (chunks-- > 0)
      task(context, chunks);
  }
};

class Parts : public testing::TestWithParam<std::string> {};

TEST_P(Parts, AnyNumberOfThreadsLeavesTheSameBytes) {
  const hornfels_model *const all[] = {&few_parts_model, &few_unfused_model, &few_parts_f64_model};
  const hornfels_model &model = **std::find_if(std::begin(all), std::end(all),
                                               [](const hornfels_model *of) { return of->name == GetParam(); });
  const Trace alone = train(model, nullptr);
  for (int32_t threads : {1, 2, 3, 4, 8}) {
    hornfels_pool *pool = hornfels_pool_create(threads);
    expectSameBytes(train(model, pool), alone, model, std::to_string(threads) + " threads");
    hornfels_pool_destroy(pool);
  }
  Backwards last;
  expectSameBytes(train(model, &last.pool), alone, model, "last part first");
  // Five weights, loss and metric; the second weight has rows enough to be shared by them.
  EXPECT_GE(last.runsOfParts, 7 * static_cast<int>(sizes.size()));
}

INSTANTIATE_TEST_SUITE_P(Few, Parts, testing::Values("few_parts", "few_unfused", "few_parts_f64"),
                         [](const auto &of) { return of.param; });

TEST(FewOutputs, PartsAddUpToTheWhole) {
  expectClose(few_parts_model, few_whole_model, 2e-6);
  expectClose(few_parts_f64_model, few_whole_f64_model, 1e-13);
}

TEST(FewOutputs, FusedIsUnfused) { expectClose(few_parts_model, few_unfused_model, 2e-6); }

} // namespace
} // namespace hornfels::numeric
