// What every call of the ABI keeps: nothing on the heap, the caller's floating-point mode, and the same bytes in
// whatever mode and on whatever threads it is called.
#include "tests/numeric/Allocations.h"
#include "tests/numeric/Model.h"
#include "tests/numeric/Table.h"
#include <functional>
#include <thread>

namespace hornfels::numeric {
namespace {

#if defined(__x86_64__)
using Mode = unsigned;
Mode mode() { return __builtin_ia32_stmxcsr(); }
void setMode(Mode wanted) { __builtin_ia32_ldmxcsr(wanted); }
// As a process starts; flushed; flushed results alone; rounding down, up, to zero; with flags that are set already
// (invalid, inexact); with traps for division by zero; for all but inexact results.
const std::vector<Mode> modes = {0x1f80, 0x9fc0, 0x9f80, 0x3f80, 0x5f80, 0x7f80, 0x1fa1, 0x1d80, 0x1000};
constexpr Mode plain = 0x1f80, upwards = 0x5f80;
#elif defined(__aarch64__)
using Mode = uint64_t;
Mode mode() {
  Mode now;
  __asm__ volatile("mrs %0, fpcr" : "=r"(now));
  return now;
}
void setMode(Mode wanted) { __asm__ volatile("msr fpcr, %0" ::"r"(wanted)); }
const std::vector<Mode> modes = {0, Mode{1} << 24, Mode{1} << 22, Mode{2} << 22, Mode{3} << 22};
constexpr Mode plain = 0, upwards = Mode{1} << 22;
#endif

/// One call of the ABI and what it must return.
struct Call {
  const char *name;
  int32_t status;
  std::function<int32_t()> run;
};

/// A model with memory for everything that its calls are given.
class Caller {
public:
  Caller(const hornfels_model &model, const hornfels_pool *pool)
      : handle(model, pool), model(model), data(model, batch), values(handle.variables()) {
    for (int32_t i = 0; i < model.outputs; ++i)
      outputs.emplace_back(model.output_info[i], batch);
    for (Elements &output : outputs)
      results.push_back({output.data(), static_cast<int64_t>(output.size())});
    small = results;
    small[0].size = 1;
    cut = data.arrays;
    cut[0].data = nullptr;
    metrics.resize(static_cast<size_t>(model.metrics));
    makeCalls();
  }
  Caller(const Caller &) = delete;

  static constexpr int64_t batch = 70;
  Handle handle;
  std::vector<Call> calls;

private:
  void makeCalls() {
    void *h = handle.opaque();
    auto ok = [this](const char *name, std::function<int32_t()> run) { calls.push_back({name, HORNFELS_OK, run}); };
    auto bad = [this](const char *name, std::function<int32_t()> run) {
      calls.push_back({name, HORNFELS_BAD_ARGUMENT, run});
    };
    const int64_t size = static_cast<int64_t>(values[0].size());
    ok("train_step", [=, this] { return model.train_step(h, data.arrays.data(), batch); });
    ok("evaluate_step", [=, this] { return model.evaluate_step(h, data.arrays.data(), batch); });
    ok("predict", [=, this] { return model.predict(h, data.arrays.data(), results.data(), batch); });
    ok("an empty train_step", [=, this] { return model.train_step(h, data.arrays.data(), 0); });
    ok("get_metrics", [=, this] { return model.get_metrics(h, metrics.data()); });
    ok("reset_metrics", [=, this] { return model.reset_metrics(h); });
    ok("get_variable", [=, this] { return model.get_variable(h, 0, values[0].data(), size); });
    ok("set_variable", [=, this] { return model.set_variable(h, 0, values[0].data(), size); });
    ok("initialize", [=, this] { return model.initialize(h, 3); });
    ok("set_learning_rate", [=, this] { return model.set_learning_rate(h, 0.01); });
    bad("train_step, batch too large",
        [=, this] { return model.train_step(h, data.arrays.data(), capacity * 2); });
    bad("train_step, null data", [=, this] { return model.train_step(h, cut.data(), batch); });
    bad("evaluate_step, batch below 0", [=, this] { return model.evaluate_step(h, data.arrays.data(), -1); });
    bad("predict, little room",
        [=, this] { return model.predict(h, data.arrays.data(), small.data(), batch); });
    bad("get_variable, wrong size", [=, this] { return model.get_variable(h, 0, values[0].data(), size + 1); });
    bad("set_variable, no such", [=, this] { return model.set_variable(h, -1, values[0].data(), size); });
    bad("set_learning_rate, not a number", [=, this] { return model.set_learning_rate(h, NAN); });
  }

  const hornfels_model &model;
  Data data;
  std::vector<hornfels_array> cut;
  std::vector<Elements> values, outputs;
  std::vector<hornfels_result> results, small;
  std::vector<double> metrics;
};

class Abi : public testing::TestWithParam<Graph> {};

TEST_P(Abi, NoCallAllocates) {
  if (allocations() < 0)
    GTEST_SKIP() << "allocations are not counted under a sanitizer";
  const long before = allocations();
  void *volatile some = operator new(3); // which no compiler leaves out
  operator delete(some);
  ASSERT_EQ(allocations(), before + 1) << "allocations are not counted";
  hornfels_pool *pool = hornfels_pool_create(4);
  for (const hornfels_model *model : {GetParam().fused, GetParam().unfused})
    for (const hornfels_pool *threads : {static_cast<hornfels_pool *>(nullptr), pool}) {
      Caller caller(*model, threads);
      for (int turn = 0; turn < 2; ++turn)
        for (const Call &call : caller.calls) {
          const long start = allocations();
          const int32_t status = call.run();
          EXPECT_EQ(allocations() - start, 0) << call.name << (threads ? ", threads" : "");
          EXPECT_EQ(status, call.status) << call.name;
        }
    }
  hornfels_pool_destroy(pool);
}

TEST_P(Abi, TheCallersModeComesBack) {
  const Mode before = mode();
  hornfels_pool *pool = hornfels_pool_create(2);
  for (const hornfels_pool *threads : {static_cast<hornfels_pool *>(nullptr), pool}) {
    Caller caller(*GetParam().fused, threads);
    for (Mode wanted : modes)
      for (const Call &call : caller.calls) {
        setMode(wanted);
        const int32_t status = call.run();
        const Mode after = mode();
        setMode(before);
        EXPECT_EQ(after, wanted) << call.name;
        EXPECT_EQ(status, call.status) << call.name;
      }
  }
  hornfels_pool_destroy(pool);
}

/// Threads of somebody else: every chunk on one of its own, which rounds upwards and keeps denormals.
void runOnThreads(void *, int64_t chunks, void (*task)(void *, int64_t), void *context) {
  for (int64_t chunk = chunks; chunk-- > 0;)
    std::thread([&] {
      setMode(upwards);
      task(context, chunk);
      EXPECT_EQ(mode(), upwards);
    }).join();
}

/// Weights so small that products with them are denormal, beside others.
std::vector<Elements> smallVariables(const hornfels_model &model) {
  std::vector<Elements> all = drawVariables(model);
  for (Elements &one : all) {
    std::vector<double> values = one.all();
    for (size_t i = 0; i < values.size(); i += 3)
      values[i] *= one.wide ? 1e-306 : 1e-36;
    one.set(values);
  }
  return all;
}

TEST_P(Abi, TheCallersModeChangesNoByte) {
  const Mode before = mode();
  const hornfels_model &model = *GetParam().fused;
  const Data data(model, 130);
  auto trained = [&](Mode wanted, const hornfels_pool *pool) {
    setMode(before);
    Handle handle(model, pool);
    handle.setVariables(smallVariables(model));
    setMode(wanted);
    handle.train(data, 130);
    setMode(before);
    return handle.variables();
  };
  const hornfels_pool own{runOnThreads, nullptr};
  const std::vector<Elements> wanted = trained(plain, nullptr), up = trained(upwards, nullptr),
                              threads = trained(plain, &own);
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_TRUE(wanted[i].same_bytes(up[i])) << model.variable_info[i].name << ", called while rounding upwards";
    EXPECT_TRUE(wanted[i].same_bytes(threads[i])) << model.variable_info[i].name << ", on threads that round upwards";
  }
}

INSTANTIATE_TEST_SUITE_P(Graph, Abi, testing::ValuesIn(graphs),
                         [](const testing::TestParamInfo<Graph> &p) { return std::string(p.param.name); });

} // namespace
} // namespace hornfels::numeric
