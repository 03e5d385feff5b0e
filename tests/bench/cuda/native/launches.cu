// A step of a generated model as the device runs it, and nothing around it: its data lie there, no result comes back.
//
//   launches STEP BATCH SECONDS [fp32|tf32|bf16]      STEP: predict or train
//
// prints one object of JSON: microseconds of the step, of each of its kernels, and of a copy of 256 MiB; with a third
// argument the model is one dense layer with relu, and the toolkit's library computes the same in turns.
// MODEL_FILE is the generated source with laps, in quotes; MODEL its name. WITH_CUBLASLT: the library is there.
#include MODEL_FILE

#include "runtime/device/limits.h"

#ifdef WITH_CUBLASLT
#include "library.h"
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

namespace bench {

using namespace hornfels;
using namespace hornfels::device;
namespace generated = hornfels::device::PASTE(MODEL, _model_code);

static const hornfels_model &model = PASTE(MODEL, _model);
static const lap_table &laps = PASTE(MODEL, _laps);

static void require(cudaError_t status, const char *what) {
  if (status == cudaSuccess)
    return;
  std::fprintf(stderr, "launches: %s: %s\n", what, cudaGetErrorString(status));
  std::exit(3);
}

static void *allocate(int64_t bytes) {
  void *memory = nullptr;
  require(cudaMalloc(&memory, static_cast<size_t>(std::max<int64_t>(bytes, 1))), "cudaMalloc");
  return memory;
}

// Numbers from -1 to 1, or whole ones below a limit, the same each time.
static __device__ unsigned hash(long i) {
  unsigned x = static_cast<unsigned>(i) * 2654435761u + 12345u;
  x = (x ^ (x >> 15)) * 2246822519u;
  x = (x ^ (x >> 13)) * 3266489917u;
  return x ^ (x >> 16);
}
static __global__ void fill_reals(float *to, long count) {
  for (long i = static_cast<long>(blockIdx.x) * 256L + threadIdx.x; i < count; i += gridDim.x * 256L)
    to[i] = static_cast<float>(hash(i)) * (2.0f / 4294967296.0f) - 1.0f;
}
static __global__ void fill_whole(int *to, long count, int limit) {
  for (long i = static_cast<long>(blockIdx.x) * 256L + threadIdx.x; i < count; i += gridDim.x * 256L)
    to[i] = static_cast<int>(hash(i) % static_cast<unsigned>(limit));
}
static int64_t elements_of(const hornfels_tensor &info) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < info.rank; ++axis)
    count *= info.shape[axis];
  return count;
}

// A model's memory on the device, with first weights and made-up data.
class machine {
public:
  machine(step_kind kind, int64_t batch) : launch_(generated::code.steps[static_cast<int>(kind)]) {
    require(cudaStreamCreate(&stream), "stream");
    for (int32_t i = 0; i < model.variables; ++i)
      variables_.push_back(allocate(elements_of(model.variable_info[i]) * 8));
    for (int32_t i = 0; i < model.inputs + model.targets; ++i)
      data_.push_back({made_up(i < model.inputs ? model.input_info[i] : model.target_info[i - model.inputs], batch), nullptr});
    for (int32_t i = 0; i < model.outputs; ++i)
      outputs_.push_back(allocate(batch * elements_of(model.output_info[i]) * 8));
    const int64_t capacity = (batch + 15) / 16 * 16;
    step_scalars scalars{};
    scalars.float_rate = 1e-6f;
    scalars.rate = 1e-6;
    scalars.count = scalars.seed = 1;
    void *const on_device = allocate(sizeof scalars);
    require(cudaMemcpy(on_device, &scalars, sizeof scalars, cudaMemcpyHostToDevice), "scalars");
    step.variables = variables_.data();
    step.data = data_.data();
    step.outputs = outputs_.data();
    step.values = static_cast<char *>(allocate(8 * (model.metrics + 1)));
    step.arena = static_cast<char *>(allocate(generated::code.fixed_bytes + generated::code.bytes_per_sample * capacity));
    step.fixed_bytes = generated::code.fixed_bytes;
    step.capacity = capacity;
    step.batch = batch;
    step.scalars = static_cast<const step_scalars *>(on_device);
    generated::code.steps[static_cast<int>(step_kind::initialize)](step, stream);
    require(cudaStreamSynchronize(stream), "initialize");
  }

  void launch() {
    launch_(step, stream);
    require(cudaPeekAtLastError(), "launch");
  }

  device_step step{};
  cudaStream_t stream = nullptr;

private:
  static const void *made_up(const hornfels_tensor &info, int64_t batch) {
    const int64_t count = batch * elements_of(info);
    void *const memory = allocate(count * 8);
    if (info.type == HORNFELS_F32)
      hornfels::device::launch(nullptr, fill_reals, 1024L, 256, 0, static_cast<float *>(memory), static_cast<long>(count));
    else if (info.type == HORNFELS_I32)
      hornfels::device::launch(nullptr, fill_whole, 1024L, 256, 0, static_cast<int *>(memory), static_cast<long>(count),
                               static_cast<int>(info.limit > 0 ? info.limit : 2));
    else
      std::fprintf(stderr, "launches: %s is neither f32 nor i32\n", info.name), std::exit(2);
    require(cudaDeviceSynchronize(), "data");
    return memory;
  }

  step_function launch_;
  std::vector<void *> variables_, outputs_;
  std::vector<device_array> data_;
};

// --- time ------------------------------------------------------------------------------------------------------------

class watch {
public:
  watch() {
    require(cudaEventCreate(&from_), "event");
    require(cudaEventCreate(&to_), "event");
  }
  template <class Work> double seconds(cudaStream_t stream, const Work &work) {
    float milliseconds = 0;
    require(cudaEventRecord(from_, stream), "event");
    work();
    require(cudaEventRecord(to_, stream), "event");
    require(cudaEventSynchronize(to_), "wait");
    require(cudaEventElapsedTime(&milliseconds, from_, to_), "event");
    return 1e-3 * static_cast<double>(milliseconds);
  }

private:
  cudaEvent_t from_ = nullptr, to_ = nullptr;
};

// Something that is launched, `in_graph` times in one graph, so that neither side pays for the host.
class contestant {
public:
  template <class Launch> contestant(cudaStream_t stream, const Launch &launch) : stream_(stream) {
    launch(); // loads what is not loaded yet
    require(cudaStreamSynchronize(stream), "first launch");
    cudaGraph_t graph = nullptr;
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "capture");
    for (int i = 0; i < in_graph; ++i)
      launch();
    require(cudaStreamEndCapture(stream, &graph), "capture");
    require(cudaGraphInstantiate(&graph_, graph, 0), "graph");
    cudaGraphDestroy(graph);
    while (repeats_ < 1 << 16 && once() < least_sample)
      repeats_ *= 2;
  }
  void sample() { samples_.push_back(once() / (in_graph * static_cast<double>(repeats_))); }
  double median() {
    std::nth_element(samples_.begin(), samples_.begin() + static_cast<long>(samples_.size() / 2), samples_.end());
    return samples_[samples_.size() / 2];
  }
  double least() const { return *std::min_element(samples_.begin(), samples_.end()); }

private:
  static constexpr int in_graph = 10;
  static constexpr double least_sample = 3e-3;
  double once() {
    return watch_.seconds(stream_, [&] {
      for (int64_t i = 0; i < repeats_; ++i)
        require(cudaGraphLaunch(graph_, stream_), "graph");
    });
  }
  cudaStream_t stream_;
  cudaGraphExec_t graph_ = nullptr;
  watch watch_;
  int64_t repeats_ = 1;
  std::vector<double> samples_;
};

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Each takes a sample in turn until the time is over.
static void play(const std::vector<contestant *> &all, double seconds) {
  constexpr int least_rounds = 5;
  const double start = now();
  for (int round = 0; round < least_rounds || now() - start < seconds; ++round)
    for (contestant *one : all)
      one->sample();
}

// --- what is printed -------------------------------------------------------------------------------------------------

static void print(const char *name, contestant &one) {
  std::printf("\"%s\": {\"us\": %.5g, \"least_us\": %.5g}", name, 1e6 * one.median(), 1e6 * one.least());
}

static double value_of(const amount &a, int64_t batch) { return a.fixed + a.per_sample * static_cast<double>(batch); }

// Kernels by events around each, the median of some steps.
static void print_kernels(machine &of, const lap_list &list) {
  constexpr int steps = 15;
  lap_events events;
  of.step.laps = &events;
  std::vector<std::vector<double>> times(static_cast<size_t>(list.count));
  std::vector<unsigned char> ran(static_cast<size_t>(list.count));
  for (int i = 0; i < steps; ++i) {
    std::vector<double> seconds(static_cast<size_t>(list.count));
    require(events.begin(of.stream), "laps");
    of.launch();
    require(events.end(seconds.data(), ran.data()), "laps");
    for (size_t kernel = 0; kernel < times.size(); ++kernel)
      times[kernel].push_back(seconds[kernel]);
  }
  of.step.laps = nullptr;
  std::printf("\"kernels\": [");
  bool isFirst = true;
  for (int32_t i = 0; i < list.count; ++i) {
    std::vector<double> &each = times[static_cast<size_t>(i)];
    if (!ran[static_cast<size_t>(i)])
      continue;
    std::nth_element(each.begin(), each.begin() + steps / 2, each.end());
    const lap_kernel &kernel = list.kernels[i];
    std::printf("%s{\"name\": \"%s\", \"us\": %.5g, \"bytes\": %.6g, \"flops\": %.6g}", isFirst ? "" : ", ", kernel.name,
                1e6 * each[steps / 2], value_of(kernel.read, of.step.batch) + value_of(kernel.written, of.step.batch),
                value_of(kernel.flops, of.step.batch));
    isFirst = false;
  }
  std::printf("]");
}

#ifdef WITH_CUBLASLT
// Two bfloat16 in a word.
static __global__ void fill_halves(unsigned *to, const float *from, long words) {
  for (long i = static_cast<long>(blockIdx.x) * 256L + threadIdx.x; i < words; i += gridDim.x * 256L)
    to[i] = to_bf16(from[2 * i], from[2 * i + 1]);
}

// |x - y| / |x| of two matrices on the device; `halves`: the second is bfloat16.
static double difference(const float *x, const void *y, int64_t count, bool halves) {
  std::vector<float> left(static_cast<size_t>(count)), right(static_cast<size_t>(count));
  std::vector<uint16_t> words(halves ? static_cast<size_t>(count) : 0);
  require(cudaMemcpy(left.data(), x, left.size() * 4, cudaMemcpyDeviceToHost), "results");
  require(cudaMemcpy(halves ? static_cast<void *>(words.data()) : right.data(), y, left.size() * (halves ? 2 : 4),
                     cudaMemcpyDeviceToHost), "results");
  double off = 0, size = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    if (halves) {
      const uint32_t bits = static_cast<uint32_t>(words[i]) << 16;
      std::memcpy(&right[i], &bits, 4);
    }
    const double d = static_cast<double>(left[i]) - static_cast<double>(right[i]);
    off += d * d, size += static_cast<double>(left[i]) * static_cast<double>(left[i]);
  }
  return std::sqrt(off / size);
}

static const void *as_halves(const void *from, int64_t count) {
  void *const to = allocate(2 * count);
  launch(nullptr, fill_halves, 1024L, 256, 0, static_cast<unsigned *>(to), static_cast<const float *>(from),
         static_cast<long>(count / 2));
  require(cudaDeviceSynchronize(), "bfloat16");
  return to;
}

// The dense layer of the model against the library's.
static void play_against_library(machine &of, contestant &ours, const std::string &math, double seconds) {
  const int64_t batch = of.step.batch, k = model.variable_info[0].shape[0], n = model.variable_info[0].shape[1];
  const bool halves = math == "bf16";
  const void *a = of.step.data[0].data, *b = of.step.variables[0], *bias = of.step.variables[1];
  if (halves)
    a = as_halves(a, batch * k), b = as_halves(b, k * n), bias = as_halves(bias, n);
  void *const d = allocate(4 * batch * n);
  library_product product({batch, n, k}, math, a, b, bias, d);
  if (!product.ok())
    std::fprintf(stderr, "launches: the library has no such product\n"), std::exit(3);
  size_t best = 0;
  double least = 1e300;
  watch clock;
  for (size_t i = 0; i < product.candidates(); ++i) {
    bool right = product.run(of.stream, i);
    const double taken = clock.seconds(of.stream, [&] {
      for (int times = 0; times < 5; ++times)
        right = product.run(of.stream, i) && right;
    });
    if (right && taken < least)
      best = i, least = taken;
  }
  contestant library(of.stream, [&] { product.run(of.stream, best); });
  play({&ours, &library}, seconds);
  print("library", library);
  std::printf(", \"candidates\": %zu, \"difference\": %.3g, ", product.candidates(),
              difference(static_cast<const float *>(of.step.outputs[0]), d, batch * n, halves));
}
#endif

// A copy of `bytes` bytes to as many.
static double copy_seconds(cudaStream_t stream, int64_t bytes) {
  namespace l = hornfels::device::limits;
  const long words = static_cast<long>(bytes / 16 / l::words_of_block * l::words_of_block);
  float4 *const from = static_cast<float4 *>(allocate(bytes)), *const to = static_cast<float4 *>(allocate(bytes));
  require(cudaMemset(from, 1, static_cast<size_t>(bytes)), "copy");
  double least = 1e300;
  watch clock;
  for (int i = 0; i < 12; ++i)
    least = std::min(least, clock.seconds(stream, [&] {
      require(launch(stream, l::copy_words, words / l::words_of_block, l::threads, 0, to, static_cast<const float4 *>(from), words),
              "copy");
    }));
  cudaFree(from);
  cudaFree(to);
  return least * static_cast<double>(bytes) / (16.0 * static_cast<double>(words));
}

static int run(int argc, char **argv) {
  if (argc < 4)
    return std::fprintf(stderr, "usage: launches predict|train BATCH SECONDS [fp32|tf32|bf16]\n"), 2;
  const bool trains = std::string(argv[1]) == "train";
  const double seconds = std::atof(argv[3]);
  machine of(trains ? step_kind::train : step_kind::predict, std::atoll(argv[2]));
  const char *size = std::getenv("HORNFELS_BENCH_COPY_BYTES");
  const int64_t bytes = size ? std::atoll(size) : int64_t{256} << 20;
  const double copied = copy_seconds(of.stream, bytes);
  contestant ours(of.stream, [&] { of.launch(); });
  std::printf("{\"model\": \"%s\", \"step\": \"%s\", \"batch\": %lld, ", model.name, argv[1], static_cast<long long>(of.step.batch));
#ifdef WITH_CUBLASLT
  if (argc > 4)
    play_against_library(of, ours, argv[4], seconds);
  else
#endif
    play({&ours}, seconds);
  print("ours", ours);
  std::printf(", \"copy_gb_s\": %.5g, ", 2e-9 * static_cast<double>(bytes) / copied);
  print_kernels(of, trains ? laps.train : laps.predict);
  std::printf("}\n");
  return 0;
}

} // namespace bench

int main(int argc, char **argv) { return bench::run(argc, argv); }
