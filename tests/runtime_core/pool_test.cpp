// The thread pool: every chunk once, at any number of threads, also from several threads at once and from
// inside a task; workers asleep; denormals. Clean under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <signal.h>

#include "runtime/core/pool.h"

namespace {

struct pool {
  hornfels_pool *p;
  explicit pool(int threads) : p(hornfels_pool_create(threads)) {}
  ~pool() { hornfels_pool_destroy(p); }
  pool(const pool &) = delete;
  pool &operator=(const pool &) = delete;
  template <class F> void run(int64_t chunks, F &f) {
    p->run(
        p->pool, chunks, [](void *context, int64_t chunk) { (*static_cast<F *>(context))(chunk); }, &f);
  }
};

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, RunsEveryChunkOnce) {
  pool p(GetParam());
  ASSERT_NE(p.p, nullptr);
  EXPECT_EQ(hornfels_pool_threads(p.p), GetParam());
  std::vector<int> count(300); /* not atomic: a chunk run twice at once is a race */
  auto task = [&](int64_t chunk) { ++count[size_t(chunk)]; };
  for (int round = 0; round < 2000; ++round)
    p.run(round % 300 + 1, task);
  for (int i = 0; i < 300; ++i) {
    int expected = 0;
    for (int round = 0; round < 2000; ++round)
      expected += round % 300 >= i;
    EXPECT_EQ(count[size_t(i)], expected) << "chunk " << i;
  }
}

TEST_P(Pool, DoesNothingForNoChunks) {
  pool p(GetParam());
  auto task = [](int64_t) { ADD_FAILURE(); };
  p.run(0, task);
  p.run(-3, task);
}

TEST_P(Pool, WakesSleepers) {
  pool p(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5)); /* far beyond the time of looking */
    std::atomic<int> sum{0};
    auto task = [&](int64_t chunk) { sum += int(chunk); };
    p.run(100, task);
    EXPECT_EQ(sum.load(), 4950);
  }
}

/* The caller waits for shares that others have begun, however long they take. */
TEST_P(Pool, WaitsForSlowShares) {
  pool p(GetParam());
  std::atomic<int> done{0};
  auto task = [&](int64_t chunk) {
    std::this_thread::sleep_for(std::chrono::milliseconds(chunk == 3 ? 30 : 1));
    ++done;
  };
  p.run(4, task);
  EXPECT_EQ(done.load(), 4);
}

TEST_P(Pool, NestedAndConcurrentRuns) {
  pool p(GetParam());
  std::atomic<int> count{0};
  auto inner = [&](int64_t) { ++count; };
  auto outer = [&](int64_t) { p.run(7, inner); };
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        p.run(5, outer);
    });
  for (std::thread &t : callers)
    t.join();
  EXPECT_EQ(count.load(), 3 * 50 * 5 * 7);
}

TEST_P(Pool, DenormalsCountAsZeroInEveryTask) {
  pool p(GetParam());
  volatile float tiny = 1e-38f;
  std::atomic<int> alive{0};
  auto task = [&](int64_t) { alive += tiny * 0.25f != 0; };
  p.run(200, task);
  p.run(1, task);
  EXPECT_EQ(alive.load(), 0);
  EXPECT_NE(tiny * 0.25f, 0.0f); /* the caller's mode is back */
}

/* Neither races nor hangs, whether the workers are awake, about to sleep, or not yet started. */
TEST_P(Pool, ComesAndGoes) {
  for (int round = 0; round < 50; ++round) {
    pool p(GetParam());
    std::atomic<int> sum{0};
    auto task = [&](int64_t chunk) { sum += int(chunk); };
    if (round % 2 == 0) {
      p.run(10, task);
      EXPECT_EQ(sum.load(), 45);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 8, 64));

TEST(PoolLimits, ThreadCounts) {
  pool many(1000), all(0);
  EXPECT_EQ(hornfels_pool_threads(many.p), 64);
  EXPECT_GE(hornfels_pool_threads(all.p), 1);
  hornfels_pool_destroy(nullptr);
}

/* Many threads on few processors cost little: 64 threads stay within a factor of what one needs. */
TEST(PoolLimits, NoCollapseWithManyThreads) {
  auto seconds = [](int threads) {
    pool p(threads);
    std::vector<double> x(64);
    auto task = [&](int64_t chunk) {
      double s = x[size_t(chunk)];
      for (int i = 0; i < 2000; ++i)
        s = s * 0.999 + 1;
      x[size_t(chunk)] = s;
    };
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < 300; ++round)
      p.run(64, task);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double one = seconds(1);
  for (int threads : {2, 8, 64})
    EXPECT_LT(seconds(threads), 3 * one + 0.05) << threads << " threads";
}

/* A signal to the process reaches the program's own threads. */
TEST(PoolLimits, WorkersBlockSignals) {
  pool p(4);
  std::atomic<int> open{0};
  const std::thread::id caller = std::this_thread::get_id();
  auto task = [&](int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (std::this_thread::get_id() == caller)
      return;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    open += !sigismember(&set, SIGINT);
  };
  for (int round = 0; round < 10; ++round)
    p.run(4, task);
  EXPECT_EQ(open.load(), 0);
}

} // namespace
