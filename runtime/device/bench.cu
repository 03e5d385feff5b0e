/* How the steps of a model on a device are measured: by events in the handle's stream. Linked where somebody asks. */
#include "bench.h"

#include "laps.h"
#include "limits.h"
#include "machine.h"
#include "measured_step.h"

#include "runtime/core/handle_state.h"

#include <cstring>

namespace hornfels::device {
namespace {

#define TRY(CALL)                                                                                                      \
  if (const cudaError_t failure_of_call = (CALL); failure_of_call != cudaSuccess)                                      \
  return failure_of_call

/* The time between two places in a stream. */
class stopwatch {
public:
  stopwatch() = default;
  stopwatch(const stopwatch &) = delete;
  stopwatch &operator=(const stopwatch &) = delete;
  ~stopwatch() {
    for (const cudaEvent_t event : {from_, to_})
      if (event)
        cudaEventDestroy(event);
  }
  cudaError_t begin(cudaStream_t stream) {
    for (cudaEvent_t *event : {&from_, &to_})
      if (!*event)
        TRY(cudaEventCreate(event));
    return cudaEventRecord(from_, stream);
  }
  cudaError_t end(cudaStream_t stream, double &seconds) {
    float milliseconds = 0;
    TRY(cudaEventRecord(to_, stream));
    TRY(cudaEventSynchronize(to_));
    TRY(cudaEventElapsedTime(&milliseconds, from_, to_));
    seconds = 1e-3 * static_cast<double>(milliseconds);
    return cudaSuccess;
  }

private:
  cudaEvent_t from_ = nullptr, to_ = nullptr;
};

/* Calls what(step) for the step that ran last; a hornfels_status. */
template <class What> int32_t measure(void *opaque, int32_t kind, int64_t batch, const char *name, const What &what) {
  const handle *const h = of(opaque);
  const call one(h);
  if (one.status() != HORNFELS_OK)
    return one.status();
  measured_step step;
  if (!find_measured_step(h->device, static_cast<step_kind>(kind), batch, step))
    return fail(*h, HORNFELS_BAD_STATE, "%s: no such step has run with batches of %lld rows", name, static_cast<long long>(batch));
  return refuse(*step.code, name, what(step), h->error);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

int32_t time_steps(void *opaque, int32_t kind, int64_t batch, int64_t steps, double *seconds) {
  return measure(opaque, kind, batch, "time_steps", [&](const measured_step &step) -> cudaError_t {
    stopwatch watch;
    TRY(watch.begin(step.stream));
    for (int64_t i = 0; i < steps; ++i)
      TRY(cudaGraphLaunch(step.graph, step.stream));
    return watch.end(step.stream, *seconds);
  });
}

static __global__ void __launch_bounds__(32) doze(int microseconds) {
  for (int i = 0; i < microseconds; ++i)
    __nanosleep(1000);
}

/* What stands in the stream behind this waits until all of it is there: else the time of a short kernel would be that of
 * its launch. */
cudaError_t wait_for_launches(cudaStream_t stream, size_t laps) {
  constexpr size_t us_of_launch = 8, most = 4096; /* about; no queue holds more */
  return launch(stream, doze, 1L, 32, 0, static_cast<int>(us_of_launch * (laps < most ? laps : most)));
}

/* What a lap around nothing takes: the least of several. */
cudaError_t time_empty_lap(cudaStream_t stream, double &seconds) {
  constexpr int laps = 20;
  lap_events events;
  double sum[laps] = {};
  unsigned char ran[laps];
  TRY(wait_for_launches(stream, laps));
  TRY(events.begin(stream));
  for (int i = 0; i < laps; ++i)
    events.add(stream, i);
  TRY(events.end(sum, ran));
  seconds = sum[0];
  for (const double lap : sum)
    seconds = lap < seconds ? lap : seconds;
  return cudaSuccess;
}

int32_t time_kernels(void *opaque, int32_t kind, int64_t batch, int64_t steps, int32_t kernels, double *seconds,
                     unsigned char *ran) {
  return measure(opaque, kind, batch, "time_kernels", [&](measured_step &step) -> cudaError_t {
    lap_events events;
    step.given.laps = &events;
    double empty = 0;
    TRY(time_empty_lap(step.stream, empty));
    std::memset(ran, 0, static_cast<size_t>(kernels));
    std::vector<double> unused(static_cast<size_t>(kernels));
    for (int64_t i = -1; i < steps; ++i) { /* the first one makes the events, and shows how many there are */
      double *const of_step = i < 0 ? unused.data() : seconds + i * kernels;
      std::memset(of_step, 0, static_cast<size_t>(kernels) * sizeof *of_step);
      TRY(wait_for_launches(step.stream, events.laps()));
      TRY(events.begin(step.stream));
      cudaGetLastError(); /* somebody else's */
      step.launch(step.given, step.stream);
      TRY(cudaGetLastError());
      TRY(events.end(of_step, ran));
      for (int32_t kernel = 0; kernel < kernels; ++kernel)
        of_step[kernel] = of_step[kernel] > empty ? of_step[kernel] - empty : 0;
    }
    return cudaSuccess;
  });
}

/* --- the device's limits ------------------------------------------------------------------------------------------- */

/* Two buffers of floats. */
class buffers {
public:
  buffers() = default;
  buffers(const buffers &) = delete;
  buffers &operator=(const buffers &) = delete;
  ~buffers() {
    cudaFree(from);
    cudaFree(to);
  }
  cudaError_t allocate(size_t bytes) {
    for (float4 **buffer : {&from, &to}) {
      void *memory = nullptr;
      TRY(cudaMalloc(&memory, bytes));
      *buffer = static_cast<float4 *>(memory);
      TRY(cudaMemsetAsync(memory, 0, bytes, nullptr));
    }
    return cudaStreamSynchronize(nullptr);
  }
  float4 *from = nullptr, *to = nullptr;
};

/* The most work a second of some runs of run(); it returns a cudaError_t. */
template <class Run> cudaError_t best_rate(cudaStream_t stream, double work, double &rate, const Run &run) {
  constexpr int trials = 6;
  stopwatch watch;
  for (int trial = 0; trial < trials; ++trial) {
    double seconds = 0;
    TRY(watch.begin(stream));
    TRY(run());
    TRY(watch.end(stream, seconds));
    if (trial > 0 && seconds > 0 && work / seconds > rate) /* the first one finds clocks and caches as they were */
      rate = work / seconds;
  }
  return cudaSuccess;
}

/* The same for run(rounds), of so many rounds that a run takes two milliseconds. */
template <class Run> cudaError_t best_rate_of_rounds(cudaStream_t stream, double work_of_round, double &rate, const Run &run) {
  constexpr double enough = 2e-3;
  constexpr long most = 1L << 24;
  long rounds = 4;
  stopwatch watch;
  for (double seconds = 0; rounds < most; rounds *= 2) {
    TRY(watch.begin(stream));
    TRY(run(rounds));
    TRY(watch.end(stream, seconds));
    if (seconds >= enough)
      break;
  }
  return best_rate(stream, work_of_round * static_cast<double>(rounds), rate, [&] { return run(rounds); });
}

constexpr size_t word = sizeof(float4);

/* Copies of 256 MiB, which no cache holds; of less where the device has no room, or takes as long for less. */
cudaError_t measure_memory(cudaStream_t stream, double &rate) {
  constexpr size_t most = size_t{256} << 20, least = size_t{16} << 20;
  constexpr double slow = 10e-3;
  size_t free = 0, all = 0;
  TRY(cudaMemGetInfo(&free, &all));
  size_t bytes = free / 4 < most ? free / 4 / (size_t{1} << 20) * (size_t{1} << 20) : most;
  if (bytes == 0)
    return cudaErrorMemoryAllocation;
  buffers both;
  TRY(both.allocate(bytes));
  const auto copy = [&](size_t of_all) {
    const long words = static_cast<long>(of_all / word);
    return launch(stream, limits::copy_words, words / limits::words_of_block, limits::threads, 0, both.to,
                  static_cast<const float4 *>(both.from), words);
  };
  stopwatch watch;
  double seconds = 0;
  const size_t small = bytes < least ? bytes : least;
  TRY(watch.begin(stream));
  TRY(copy(small));
  TRY(watch.end(stream, seconds));
  if (seconds > slow)
    bytes = small;
  return best_rate(stream, 2.0 * static_cast<double>(bytes), rate, [&] { return copy(bytes); });
}

/* Copies of a quarter of the cache, both ends together. */
cudaError_t measure_cache(cudaStream_t stream, int64_t cache_bytes, double &rate) {
  constexpr long of_block = limits::words_of_block * static_cast<long>(word);
  const long blocks = cache_bytes / 8 < of_block ? 1 : cache_bytes / 8 / of_block;
  const long words = blocks * limits::words_of_block;
  buffers both;
  TRY(both.allocate(static_cast<size_t>(words) * word));
  return best_rate_of_rounds(stream, 2.0 * static_cast<double>(words) * static_cast<double>(word), rate, [&](long rounds) {
    return launch(stream, limits::copy_in_cache, blocks, limits::threads, 0, both.to, static_cast<const float4 *>(both.from),
                  words, rounds);
  });
}

struct arithmetic {
  cudaStream_t stream;
  long blocks; /* that fill the device */
  float4 *place;

  double work_of_threads(double of_one) const { return of_one * static_cast<double>(blocks) * limits::threads; }
  template <class T> cudaError_t products(double &rate) const {
    return best_rate_of_rounds(stream, work_of_threads(limits::flops_of_thread), rate, [&](long rounds) {
      return launch(stream, limits::multiply_add<T>, blocks, limits::threads, 0,
                    static_cast<T *>(static_cast<void *>(place)), rounds, T(0.5), T(1));
    });
  }
  template <bool bf16> cudaError_t matrices(double &rate) const {
    return best_rate_of_rounds(stream, work_of_threads(limits::matrix_flops_of_warp(bf16) / 32), rate, [&](long rounds) {
      return launch(stream, limits::multiply_matrices<bf16>, blocks, limits::threads, 0,
                    static_cast<float *>(static_cast<void *>(place)), rounds, 0u);
    });
  }
};

cudaError_t measure_all(cudaStream_t stream, const char *math, device_limits &limits) {
  constexpr int blocks_of_multiprocessor = 8, first_with_matrices = 80;
  int device = 0;
  TRY(cudaGetDevice(&device));
  cudaDeviceProp properties{};
  TRY(cudaGetDeviceProperties(&properties, device));
  std::memcpy(limits.name, properties.name, sizeof limits.name);
  limits.capability = 10 * properties.major + properties.minor;
  limits.multiprocessors = properties.multiProcessorCount;
  limits.l2_bytes = properties.l2CacheSize;
  limits.memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  TRY(measure_memory(stream, limits.memory));
  TRY(measure_cache(stream, limits.l2_bytes, limits.l2));
  buffers place;
  TRY(place.allocate(word));
  const arithmetic rates{stream, static_cast<long>(properties.multiProcessorCount) * blocks_of_multiprocessor, place.to};
  TRY(rates.products<float>(limits.f32));
  TRY(rates.products<double>(limits.f64));
  if (limits.capability < first_with_matrices)
    return cudaSuccess;
  if (std::strcmp(math, "tf32") == 0)
    TRY(rates.matrices<false>(limits.tf32));
  if (std::strcmp(math, "bf16") == 0)
    TRY(rates.matrices<true>(limits.bf16));
  return cudaSuccess;
}

int32_t measure_limits(void *opaque, const char *math, device_limits *limits) {
  const handle *const h = of(opaque);
  const call one(h);
  if (one.status() != HORNFELS_OK)
    return one.status();
  *limits = {};
  return refuse(static_cast<const device_program &>(*h->code), "measure_limits", measure_all(nullptr, math, *limits), h->error);
}

} // namespace

const device_bench bench_on_device = {time_steps, time_kernels, measure_limits};

} // namespace hornfels::device
