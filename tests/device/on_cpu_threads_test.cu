/* Threads of CUDA on the CPU: indices, barriers that count, exchanges within a warp, and what is said of
 * mistakes. */
#include "device_vector.h"

using namespace hornfels::device;
using hornfels::device::test::device_vector;

namespace {

__global__ void write_indices(int *out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  atomicAdd(&out[block * blockDim.x * blockDim.y * blockDim.z + thread], int(block * 1000 + thread));
}

TEST(threads, each_runs_once_with_its_indices) {
  const dim3 blocks(2, 3, 2), size(5, 3, 4);
  const device_vector<int> out(std::vector<int>(12 * 60, 0));
  ASSERT_EQ(launch(nullptr, write_indices, blocks, size, 0, out), cudaSuccess);
  const std::vector<int> values = out.read();
  for (int b = 0; b < 12; ++b)
    for (int t = 0; t < 60; ++t)
      EXPECT_EQ(values[size_t(b * 60 + t)], b * 1000 + t);
}

/* Each thread passes its value to its neighbour, through shared memory. */
__global__ void rotate_values(float *out, int times) {
  HORNFELS_SHARED(bytes);
  float *const values = reinterpret_cast<float *>(bytes);
  values[threadIdx.x] = float(threadIdx.x);
  for (int i = 0; i < times; ++i) {
    __syncthreads();
    const float next = values[(threadIdx.x + 1) % blockDim.x];
    __syncthreads();
    values[threadIdx.x] = next;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = values[threadIdx.x];
}

TEST(threads, barriers_hold_a_block_together) {
  for (const int threads : {1, 31, 32, 33, 100, 256, 1024}) {
    device_vector<float> out(size_t(2 * threads));
    ASSERT_EQ(launch(nullptr, rotate_values, 2, threads, size_t(threads) * 4, out, 7), cudaSuccess);
    const std::vector<float> values = out.read();
    for (int i = 0; i < 2 * threads; ++i)
      EXPECT_EQ(values[size_t(i)], float((i % threads + 7) % threads));
  }
}

/* Sets HORNFELS_FIBER_SEED, and back at the end. */
class turns {
public:
  explicit turns(const char *seed) {
    if (const char *const now = std::getenv("HORNFELS_FIBER_SEED"))
      before = now;
    setenv("HORNFELS_FIBER_SEED", seed, 1);
  }
  ~turns() { setenv("HORNFELS_FIBER_SEED", before.c_str(), 1); }

private:
  std::string before;
};

/* Launches and waits: returns when the kernel has run. */
template <class... P, class... A>
void run(void (*kernel)(P...), long blocks, int threads, size_t shared_bytes, const A &...arguments) {
  ASSERT_EQ(launch(nullptr, kernel, blocks, threads, shared_bytes, arguments...), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

__global__ void note_turn(int *turn_of, int *turns) { turn_of[threadIdx.x] = atomicAdd(turns, 1); }

TEST(threads, take_turns_as_told) {
  const device_vector<int> turn_of(100);
  std::vector<std::vector<int>> seen;
  for (const char *seed : {"forward", "backward", "3", "4", "4"}) {
    const turns set(seed);
    const device_vector<int> count(std::vector<int>(1, 0));
    run(note_turn, 1, 100, 0, turn_of, count);
    seen.push_back(turn_of.read());
  }
  for (size_t t = 0; t < 100; ++t) {
    EXPECT_EQ(seen[0][t], int(t));
    EXPECT_EQ(seen[1][t], 99 - int(t));
  }
  EXPECT_NE(seen[2], seen[3]);
  EXPECT_EQ(seen[3], seen[4]);
}

/* As rotate_values, but nobody waits before reading. */
__global__ void rotate_without_barrier(float *out) {
  HORNFELS_SHARED(bytes);
  float *const values = reinterpret_cast<float *>(bytes);
  values[threadIdx.x] = float(threadIdx.x);
  out[threadIdx.x] = values[(threadIdx.x + 1) % blockDim.x];
}

TEST(threads, a_missing_barrier_shows) {
  const device_vector<float> out(64);
  for (const char *seed : {"forward", "backward", "1"}) {
    const turns set(seed);
    run(rotate_without_barrier, 1, 64, 256, out);
    int undefined = 0;
    for (const float v : out.read())
      undefined += std::isnan(v);
    EXPECT_GT(undefined, 0) << seed;
  }
}

/* Threads above `last` return before the barrier, which then waits for the others alone. */
__global__ void return_early(int *out, int last) {
  if (int(threadIdx.x) > last)
    return;
  out[threadIdx.x] = __syncthreads_count(threadIdx.x % 2 == 0);
  out[threadIdx.x] +=
      1000 * __syncthreads_and(threadIdx.x < 1000) + 10000 * __syncthreads_or(threadIdx.x == 3);
}

TEST(threads, barriers_count_those_that_have_not_returned) {
  const device_vector<int> out(100);
  run(return_early, 1, 100, 0, out, 69);
  const std::vector<int> values = out.read();
  for (size_t t = 0; t < 70; ++t)
    EXPECT_EQ(values[t], 35 + 1000 + 10000);
  run(return_early, 1, 100, 0, out, 2);
  EXPECT_EQ(out.read()[1], 2 + 1000);
}

/* ---- within a warp ---- */

template <class T> __global__ void shuffle_all(T *out) {
  const T own = T(threadIdx.x + 1);
  T *const mine = out + threadIdx.x * 7;
  mine[0] = __shfl_sync(0xffffffffu, own, 5);
  mine[1] = __shfl_sync(0xffffffffu, own, 9, 8);
  mine[2] = __shfl_up_sync(0xffffffffu, own, 3);
  mine[3] = __shfl_down_sync(0xffffffffu, own, 3, 16);
  mine[4] = __shfl_xor_sync(0xffffffffu, own, 17);
  mine[5] = __shfl_xor_sync(0xffffffffu, own, 8, 8);
  mine[6] = __shfl_up_sync(0xffffffffu, own, 3, 8);
}

template <class T> void expect_shuffles() {
  const device_vector<T> out(64 * 7);
  run(shuffle_all<T>, 1, 64, 0, out);
  const std::vector<T> values = out.read();
  for (int t = 0; t < 64; ++t) {
    const int lane = t % 32, warp = t - lane;
    const T *const v = &values[size_t(t) * 7];
    EXPECT_EQ(v[0], T(warp + 6));
    EXPECT_EQ(v[1], T(warp + lane / 8 * 8 + 2));
    EXPECT_EQ(v[2], T(lane < 3 ? t + 1 : t - 2));
    EXPECT_EQ(v[3], T(lane % 16 > 12 ? t + 1 : t + 4));
    EXPECT_EQ(v[4], T(warp + (lane ^ 17) + 1));
    // Lanes of an earlier segment can be read, those of a later cannot.
    EXPECT_EQ(v[5], T(lane & 8 ? t - 7 : t + 1));
    EXPECT_EQ(v[6], T(lane % 8 < 3 ? t + 1 : t - 2));
  }
}

TEST(warps, shuffle) {
  expect_shuffles<int>();
  expect_shuffles<unsigned>();
  expect_shuffles<long>();
  expect_shuffles<unsigned long long>();
  expect_shuffles<float>();
  expect_shuffles<double>();
}

/* The halves of a warp meet on their own, a different number of times. */
__global__ void vote_by_halves(unsigned *out) {
  const unsigned lane = threadIdx.x % 32, mask = lane < 16 ? 0xffffu : 0xffff0000u;
  unsigned *const mine = out + threadIdx.x * 6;
  for (unsigned i = 0; i <= lane / 16; ++i)
    mine[0] = __ballot_sync(mask, lane % 3 == 0);
  mine[1] = unsigned(__any_sync(mask, lane == 20));
  mine[2] = unsigned(__all_sync(mask, lane != 20));
  mine[3] = __reduce_add_sync(mask, lane);
  mine[4] = unsigned(__reduce_max_sync(mask, int(lane) - 100) + __reduce_min_sync(mask, int(lane)) + 100);
  mine[5] = __match_any_sync(mask, lane / 4);
}

TEST(warps, vote_and_reduce_in_groups) {
  const device_vector<unsigned> out(32 * 6);
  run(vote_by_halves, 1, 32, 0, out);
  const std::vector<unsigned> values = out.read();
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned half = lane / 16, *const v = &values[lane * 6];
    EXPECT_EQ(v[0], half ? 0x49240000u : 0x9249u);
    EXPECT_EQ(v[1], half);
    EXPECT_EQ(v[2], 1 - half);
    EXPECT_EQ(v[3], half ? 376u : 120u);
    EXPECT_EQ(v[4], half ? 47u : 15u);
    EXPECT_EQ(v[5], 0xfu << lane / 4 * 4);
  }
}

/* Lane 0 meets lane 2 before lane 1, which waits for it with another mask. */
__global__ void meet_in_turn(int *out) {
  const int lane = int(threadIdx.x);
  if (lane == 0 || lane == 2)
    out[lane] = __shfl_sync(0x5u, lane + 1, 2 - lane);
  if (lane < 2)
    out[lane + 3] = __shfl_sync(0x3u, lane + 1, 1 - lane);
}

TEST(warps, meet_in_groups_that_overlap) {
  const device_vector<int> out(std::vector<int>(5, 0));
  run(meet_in_turn, 1, 32, 0, out);
  EXPECT_EQ(out.read(), (std::vector<int>{3, 0, 1, 2, 1}));
}

/* Lanes that have returned, or were never there, are not waited for; what is read from them is undefined. */
__global__ void shuffle_with_few(float *out) {
  if (threadIdx.x < 4)
    return;
  out[threadIdx.x] = __shfl_sync(0xffffffffu, float(threadIdx.x), int(threadIdx.x) - 2);
}

TEST(warps, absent_lanes_give_nothing) {
  const device_vector<float> out(20);
  run(shuffle_with_few, 1, 20, 0, out);
  const std::vector<float> values = out.read();
  for (size_t t = 4; t < 20; ++t) {
    if (t < 6)
      EXPECT_TRUE(std::isnan(values[t])) << t;
    else
      EXPECT_EQ(values[t], float(t - 2));
  }
}

/* Neighbours hand a value on, through shared memory. */
__global__ void write_and_read(float *out, bool wait) {
  HORNFELS_SHARED(bytes);
  float *const values = reinterpret_cast<float *>(bytes);
  values[threadIdx.x] = float(threadIdx.x);
  if (wait)
    __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

TEST(warps, a_missing_syncwarp_shows) {
  const device_vector<float> out(32);
  run(write_and_read, 1, 32, 128, out, true);
  const std::vector<float> right = out.read();
  for (size_t t = 0; t < 32; ++t)
    EXPECT_EQ(right[t], float(t ^ 1));
  run(write_and_read, 1, 32, 128, out, false);
  EXPECT_NE(out.read(), right);
}

/* ---- the grid ---- */

/* Each block needs what all others wrote. */
__global__ void sum_over_grid(int *sums, int *out) {
  HORNFELS_SHARED(bytes);
  int *const count = reinterpret_cast<int *>(bytes);
  if (threadIdx.x == 0)
    *count = 0;
  __syncthreads();
  atomicAdd(count, int(blockIdx.x));
  __syncthreads();
  if (threadIdx.x == 0)
    sums[blockIdx.x] = *count;
  grid_barrier();
  int sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b)
    sum += sums[b];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

TEST(grid, waits_for_all_blocks) {
  const device_vector<int> sums(6), out(6 * 40);
  ASSERT_EQ(launch_cooperative(nullptr, sum_over_grid, 6, 40, 4, sums, out), cudaSuccess);
  EXPECT_EQ(out.read(), std::vector<int>(6 * 40, 15 * 40));
}

TEST(grid, is_refused_where_it_does_not_fit_at_once) {
  const device_vector<int> sums(5000), out(5000);
  EXPECT_EQ(launch_cooperative(nullptr, sum_over_grid, 5000, 1, 4, sums, out),
            cudaErrorCooperativeLaunchTooLarge);
  EXPECT_EQ(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
}

/* Block 0 sleeps until the last one has come. */
__global__ void wait_for_last_block(int *flag) {
  if (blockIdx.x + 1 == gridDim.x)
    atomicExch(flag, 1);
  else
    while (atomicAdd(flag, 0) == 0)
      __nanosleep(100);
}

TEST(grid, a_block_that_sleeps_lets_others_run) {
  const device_vector<int> flag(std::vector<int>(1, 0));
  ASSERT_EQ(launch_cooperative(nullptr, wait_for_last_block, 8, 32, 0, flag), cudaSuccess);
  EXPECT_EQ(flag.read()[0], 1);
}

/* ---- shared memory ---- */

template <class T> __global__ void reverse_block(T *values) {
  __shared__ T kept[64];
  kept[threadIdx.x] = values[blockIdx.x * 64 + threadIdx.x];
  __syncthreads();
  values[blockIdx.x * 64 + threadIdx.x] = kept[63 - threadIdx.x];
}

TEST(shared_memory, may_be_static_in_a_template) {
  std::vector<double> x(128);
  for (size_t i = 0; i < 128; ++i)
    x[i] = double(i);
  const device_vector<double> doubles(x);
  const device_vector<float> floats(std::vector<float>(x.begin(), x.end()));
  run(reverse_block<double>, 2, 64, 0, doubles);
  run(reverse_block<float>, 2, 64, 0, floats);
  for (size_t i = 0; i < 128; ++i) {
    EXPECT_EQ(doubles.read()[i], x[i / 64 * 64 + 63 - i % 64]);
    EXPECT_EQ(floats.read()[i], float(x[i / 64 * 64 + 63 - i % 64]));
  }
}

__global__ void touch_shared(long offset, bool write) {
  HORNFELS_SHARED(bytes);
  char *const p = bytes + offset;
  if (write)
    *p = 1;
  else if (*p == 1)
    __trap();
}

__global__ void expect_undefined_shared(int *defined) {
  HORNFELS_SHARED(bytes);
  if (bytes[threadIdx.x] != char(0xff))
    atomicAdd(defined, 1);
  __syncthreads();
  bytes[threadIdx.x] = 0;
}

TEST(shared_memory, is_undefined_in_each_block) {
  const device_vector<int> defined(std::vector<int>(1, 0));
  run(expect_undefined_shared, 3, 100, 100, defined);
  EXPECT_EQ(defined.read()[0], 0);
}

TEST(shared_memory, ends_where_the_launch_says) {
  run(touch_shared, 1, 1, 100, 99, true);
  EXPECT_DEATH(run(touch_shared, 1, 1, 100, 100, true),
               "byte 100 of the block's shared memory was written, the "
               "launch gave 100");
  EXPECT_DEATH(run(touch_shared, 1, 1, 100, -1, true), "byte -1 of the block's shared memory was written");
  EXPECT_DEATH(run(touch_shared, 1, 1, 100, 300, false),
               "access to byte 300 of the block's shared memory, the "
               "launch gave 100");
  run(touch_shared, 1, 1, 200 * 1024, 200 * 1024 - 1, true);
  EXPECT_EQ(launch(nullptr, touch_shared, 1, 1, 300 * 1024, 0, true), cudaErrorInvalidValue);
}

/* ---- what is said of mistakes ---- */

__global__ void half_waits_for_ever() {
  HORNFELS_SHARED(bytes);
  if (threadIdx.x < 16)
    __syncthreads();
  else if (bytes[0] != 1)
    __syncwarp();
}

__global__ void barriers_of_two_branches() {
  if (threadIdx.x < 16)
    __syncthreads();
  else
    __syncthreads();
}

__global__ void functions_of_two_branches(int *out) {
  if (threadIdx.x < 16)
    out[threadIdx.x] = __any_sync(0xffffffffu, 1);
  else
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void mask_without_me() { __syncwarp(0xfffffffeu); }

/* Each call keeps 4 KiB, which the next one reads. */
__attribute__((noinline)) int deep(const volatile char *above, int depth) {
  volatile char frame[4096];
  frame[depth] = static_cast<char>(above[depth] + 1);
  return depth > 0 ? deep(frame, depth - 1) + frame[depth] : frame[0];
}

__global__ void go_deep(int *out, int depth) {
  const volatile char zeros[4096] = {};
  out[0] = deep(zeros, depth);
}

__global__ void wait_for_the_grid() { grid_barrier(); }

__global__ void sleep_for_ever() {
  for (;;)
    __nanosleep(1);
}

TEST(mistakes, a_deadlock_names_block_threads_and_places) {
  EXPECT_DEATH(
      run(half_waits_for_ever, 1, 32, 16),
      "deadlock: 32 threads wait, and none can go on.*block .0, 0, 0.: 32 of 32 threads have not returned.*"
      "16 wait at the barrier of .*on_cpu_threads_test.cu:[0-9]+.*"
      "warp 0: lanes 0xffff0000 wait in __syncwarp .*on_cpu_threads_test.cu:[0-9]+. with mask 0xffffffff for "
      "lanes "
      "0x0000ffff.*of the kernel launched at .*on_cpu_threads_test.cu");
}

TEST(mistakes, barriers_in_two_branches) {
  EXPECT_DEATH(run(barriers_of_two_branches, 1, 32, 0), "threads of one block wait at different barriers");
}

TEST(mistakes, functions_of_a_warp_in_two_branches) {
  const device_vector<int> out(32);
  EXPECT_DEATH(run(functions_of_two_branches, 1, 32, 0, out),
               "lanes of one warp meet in different functions");
}

TEST(mistakes, a_mask_without_the_caller) {
  EXPECT_DEATH(run(mask_without_me, 1, 32, 0), "mask 0xfffffffe in lane 0, which the mask does not name");
}

TEST(mistakes, too_deep_a_stack) {
  const device_vector<int> out(1);
  run(go_deep, 1, 1, 0, out, 5);
  EXPECT_DEATH(run(go_deep, 1, 1, 0, out, 100), "needs more than the 65536 bytes of its stack");
}

TEST(mistakes, a_grid_barrier_without_a_cooperative_launch) {
  EXPECT_DEATH(run(wait_for_the_grid, 1, 32, 0), "not launched by launch_cooperative");
}

TEST(mistakes, sleeping_for_ever) {
  EXPECT_DEATH(run(sleep_for_ever, 1, 1, 0), "1 threads sleep or wait for ever");
}

} // namespace
