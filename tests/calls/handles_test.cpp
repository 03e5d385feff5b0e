// Rows R09, R10, R12 and R14: who may call when, and on which stack.
#include "runtime/core/pool.h"
#include "tests/calls/Calls.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <pthread.h>
#include <thread>

namespace calls {
namespace {

/// A batch for `wide`, whose work a pool shares out.
struct Rows {
  static constexpr int64_t inputs = 784;
  static constexpr int64_t batch = 64;
  std::vector<float> x = std::vector<float>(batch * inputs, 0.5f);
  std::vector<int32_t> classes = std::vector<int32_t>(batch, 3);
  hornfels_array data[2] = {{x.data(), nullptr, batch * inputs}, {classes.data(), nullptr, batch}};
};

/// Every call of the ABI that takes a handle, on this one; `status` is what each returns.
void callEverything(const hornfels_model &m, void *handle, int32_t status) {
  Prices batch;
  const hornfels_result result = batch.result();
  const std::vector<hornfels_array> data = batch.data();
  std::vector<float> kernel(15);
  double metrics[2];
  EXPECT_EQ(m.set_pool(handle, nullptr), status);
  EXPECT_EQ(m.initialize(handle, 3), status);
  EXPECT_EQ(m.train_step(handle, data.data(), 2), status);
  EXPECT_EQ(m.evaluate_step(handle, data.data(), 2), status);
  EXPECT_EQ(m.predict(handle, data.data(), &result, 2), status);
  EXPECT_EQ(m.reset_metrics(handle), status);
  EXPECT_EQ(m.get_metrics(handle, metrics), status);
  EXPECT_EQ(m.get_variable(handle, 0, kernel.data(), 15), status);
  EXPECT_EQ(m.set_variable(handle, 0, kernel.data(), 15), status);
  EXPECT_EQ(m.set_learning_rate(handle, 0.1), status);
  EXPECT_EQ(m.set_seed(handle, 5), status);
  EXPECT_EQ(m.set_step(handle, 7), status);
}

TEST(Handles, R12_null_or_made_up) {
  int here = 0;
  for (void *wrong : {static_cast<void *>(nullptr), static_cast<void *>(&here), reinterpret_cast<void *>(1),
                      reinterpret_cast<void *>(~uintptr_t{0})}) {
    callEverything(prices_model, wrong, HORNFELS_BAD_ARGUMENT);
    EXPECT_STREQ(prices_model.last_error(wrong), "the handle is null, or was destroyed");
    EXPECT_EQ(prices_model.get_learning_rate(wrong), 0.0);
    EXPECT_EQ(prices_model.get_seed(wrong), 0u);
    EXPECT_EQ(prices_model.get_step(wrong), 0);
    EXPECT_EQ(prices_model.arena_bytes(wrong), 0);
    prices_model.destroy(wrong);
  }
}

TEST(Handles, R12_used_or_freed_after_it_was_freed) {
  void *first = nullptr;
  ASSERT_EQ(prices_model.create(&first, 16), HORNFELS_OK);
  callEverything(prices_model, first, HORNFELS_OK);
  prices_model.destroy(first);
  callEverything(prices_model, first, HORNFELS_BAD_ARGUMENT);
  prices_model.destroy(first);
  /* Where another one has taken its place, too. */
  const Handle second(prices_model);
  const std::vector<float> before = second.state();
  EXPECT_NE(second.opaque, first);
  callEverything(prices_model, first, HORNFELS_BAD_ARGUMENT);
  prices_model.destroy(first);
  EXPECT_EQ(second.state(), before);
}

TEST(Handles, R12_a_second_first_value_begins_anew) {
  const Handle handle(prices_model);
  const std::vector<float> before = handle.state();
  EXPECT_EQ(prices_model.train_step(handle.opaque, Prices().data().data(), 2), HORNFELS_OK);
  EXPECT_NE(handle.state(), before);
  EXPECT_EQ(prices_model.initialize(handle.opaque, 1), HORNFELS_OK);
  EXPECT_EQ(prices_model.reset_metrics(handle.opaque), HORNFELS_OK);
  EXPECT_EQ(handle.state(), before);
}

TEST(Handles, R12_many_come_and_go) {
  std::vector<void *> alive;
  for (int i = 0; i < 300; ++i) {
    void *handle = nullptr;
    ASSERT_EQ(edges_model.create(&handle, 1), HORNFELS_OK);
    alive.push_back(handle);
    if (i % 3 == 2) {
      edges_model.destroy(alive[static_cast<size_t>(i) / 2]);
      alive[static_cast<size_t>(i) / 2] = nullptr;
    }
  }
  for (void *handle : alive) {
    EXPECT_EQ(edges_model.set_seed(handle, 1), handle ? HORNFELS_OK : HORNFELS_BAD_ARGUMENT);
    edges_model.destroy(handle);
  }
}

TEST(Handles, R10_calls_from_inside_a_step) {
  const Handle handle(wide_model, Rows::batch);
  struct Inside {
    const Handle &handle;
    int times;
  } inside{handle, 0};
  const auto run = [](void *context, int64_t chunks, void (*task)(void *, int64_t), void *of) {
    Inside &state = *static_cast<Inside *>(context);
    if (state.times++ == 0) {
      callEverything(wide_model, state.handle.opaque, HORNFELS_BAD_STATE);
      wide_model.destroy(state.handle.opaque); /* it goes on */
    }
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      task(of, chunk);
  };
  const hornfels_pool pool{run, &inside};
  ASSERT_EQ(wide_model.set_pool(handle.opaque, &pool), HORNFELS_OK);
  const Rows rows;
  EXPECT_EQ(wide_model.train_step(handle.opaque, rows.data, Rows::batch), HORNFELS_OK) << handle.error();
  EXPECT_GT(inside.times, 0);
  EXPECT_EQ(wide_model.get_step(handle.opaque), 1);
  /* The refused calls have changed nothing. */
  const Handle other(wide_model, Rows::batch);
  ASSERT_EQ(wide_model.train_step(other.opaque, rows.data, Rows::batch), HORNFELS_OK);
  EXPECT_EQ(handle.state(), other.state());
}

/// Until the flag is set, calls of one thread into `model`; how many of them were refused because of another.
int64_t callUntil(const std::atomic<bool> &stop, const hornfels_model &model, void *handle) {
  Prices batch;
  const hornfels_result result = batch.result();
  const std::vector<hornfels_array> data = batch.data();
  int64_t refused = 0;
  while (!stop) {
    for (const int32_t status : {model.train_step(handle, data.data(), 2), model.predict(handle, data.data(), &result, 2)}) {
      EXPECT_TRUE(status == HORNFELS_OK || status == HORNFELS_BAD_STATE) << status;
      refused += status == HORNFELS_BAD_STATE;
    }
  }
  return refused;
}

TEST(Handles, R09_two_threads_on_one) {
  const Handle handle(prices_model);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] { refused += callUntil(stop, prices_model, handle.opaque); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(prices_model.train_step(handle.opaque, Prices().data().data(), 2), HORNFELS_OK) << "it is free again";
}

TEST(Handles, R09_two_threads_on_two_with_one_pool) {
  hornfels_pool *pool = hornfels_pool_create(2);
  const Rows rows;
  std::vector<float> states[3];
  const auto train = [&](int which) {
    const Handle handle(wide_model, Rows::batch);
    EXPECT_EQ(wide_model.set_pool(handle.opaque, pool), HORNFELS_OK);
    for (int step = 0; step < 3; ++step)
      EXPECT_EQ(wide_model.train_step(handle.opaque, rows.data, Rows::batch), HORNFELS_OK);
    states[which] = handle.state();
  };
  std::thread one(train, 0), two(train, 1);
  one.join();
  two.join();
  train(2);
  EXPECT_EQ(states[0], states[2]);
  EXPECT_EQ(states[1], states[2]);
  hornfels_pool_destroy(pool);
}

/// Runs `body` on a thread with 64 KiB of stack.
void onSmallStack(const std::function<void()> &body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 65536), 0);
  pthread_t thread;
  const auto run = [](void *what) -> void * {
    (*static_cast<const std::function<void()> *>(what))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()> *>(&body)), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(Handles, R14_a_stack_of_64_KiB) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers widen the frames";
#endif
  const Handle handle(wide_model, Rows::batch);
  const Rows rows;
  std::vector<float> predicted(Rows::batch * 10);
  const hornfels_result result{predicted.data(), Rows::batch * 10};
  int32_t statuses[3] = {-1, -1, -1};
  onSmallStack([&] {
    statuses[0] = wide_model.train_step(handle.opaque, rows.data, Rows::batch);
    statuses[1] = wide_model.evaluate_step(handle.opaque, rows.data, Rows::batch);
    statuses[2] = wide_model.predict(handle.opaque, rows.data, &result, Rows::batch);
  });
  for (const int32_t status : statuses)
    EXPECT_EQ(status, HORNFELS_OK) << handle.error();
}

} // namespace
} // namespace calls
