// What `bench` measures of a device: the steps that ran last run again, as often as is said, each kernel of them in its turn.
#include "program_test.h"

#include "runtime/device/bench.h"

using namespace hand;
using hornfels::device::bench_on_device;

namespace {

constexpr int32_t predict_kind = 1, evaluate_kind = 2, train_kind = 3;

class Bench : public testing::Test {
protected:
  Bench() { device.initialize(3), again.initialize(3); }
  handle_of<float> device{hand_f32_device_model}, again{hand_f32_device_model};
  const batch_of<float> batch{5, 7};
};

} // namespace

TEST_F(Bench, graphs_are_the_step_itself) {
  device.train(batch);
  double seconds = -1;
  device.right(bench_on_device.time_steps(device.opaque, train_kind, batch.size, 3, &seconds));
  EXPECT_GT(seconds, 0);
  for (int step = 0; step < 4; ++step)
    again.train(batch);
  for (int index : {kernel, table, total, rows})
    EXPECT_EQ(device.variable(index), again.variable(index)) << index;
}

TEST_F(Bench, every_kernel_has_a_lap) {
  device.train(batch);
  device.metrics(); // waits
  const long before = device_launches();
  std::vector<double> seconds(2 * 4, -1);
  std::vector<unsigned char> ran(4, 9);
  device.right(bench_on_device.time_kernels(device.opaque, train_kind, batch.size, 2, 4, seconds.data(), ran.data()));
  EXPECT_EQ(ran, (std::vector<unsigned char>{1, 1, 1, 0})) << "the model has three kernels";
  for (int step = 0; step < 2; ++step) {
    for (int kernel = 0; kernel < 3; ++kernel)
      EXPECT_GE(seconds[static_cast<size_t>(4 * step + kernel)], 0);
    EXPECT_EQ(seconds[static_cast<size_t>(4 * step + 3)], 0);
  }
  // Once to see how many laps there are, then twice; each behind a kernel that waits, and one more before an empty lap.
  EXPECT_EQ(device_launches() - before, 3 * (3 + 1) + 1);
  for (int step = 0; step < 4; ++step)
    again.train(batch);
  EXPECT_EQ(device.variable(kernel), again.variable(kernel));
  device.evaluate(batch);
  device.right(bench_on_device.time_kernels(device.opaque, evaluate_kind, batch.size, 2, 4, seconds.data(), ran.data()));
  EXPECT_EQ(ran, (std::vector<unsigned char>{1, 1, 0, 0}));
}

TEST_F(Bench, a_step_that_has_not_run_is_refused) {
  double seconds = 0;
  const auto refuses = [&](int32_t kind, int64_t rows) {
    EXPECT_EQ(bench_on_device.time_steps(device.opaque, kind, rows, 1, &seconds), HORNFELS_BAD_STATE);
    EXPECT_EQ(device.error(), "time_steps: no such step has run with batches of " + std::to_string(rows) + " rows");
  };
  refuses(train_kind, 5);
  device.train(batch);
  refuses(train_kind, 4);
  refuses(predict_kind, 5);
  EXPECT_EQ(bench_on_device.time_steps(nullptr, train_kind, 5, 1, &seconds), HORNFELS_BAD_ARGUMENT);
}

TEST_F(Bench, a_kernel_that_fails_is_named) {
  device.train(batch);
  std::vector<double> seconds(3);
  std::vector<unsigned char> ran(3);
  threads = 4096;
  EXPECT_EQ(bench_on_device.time_kernels(device.opaque, train_kind, batch.size, 1, 3, seconds.data(), ran.data()), HORNFELS_BAD_DEVICE);
  threads = 64;
  EXPECT_EQ(device.error().rfind("hand: time_kernels: ", 0), 0u) << device.error();
}

TEST_F(Bench, limits_are_those_of_the_device) {
  const environment small("HORNFELS_DEVICE_MULTIPROCESSORS", "1"), memory("HORNFELS_DEVICE_MEMORY", std::to_string(64 << 20));
  const size_t before = free_device_memory();
  hornfels::device_limits limits{};
  device.right(bench_on_device.measure_limits(device.opaque, "tf32", &limits));
  for (const double rate : {limits.f32, limits.f64, limits.tf32, limits.l2, limits.memory})
    EXPECT_GT(rate, 0);
  EXPECT_EQ(limits.bf16, 0) << "nobody asked";
  EXPECT_EQ(limits.capability, 90);
  EXPECT_EQ(limits.multiprocessors, 1);
  EXPECT_STREQ(limits.name, "CUDA on the CPU");
  EXPECT_EQ(free_device_memory(), before);
}
