/* The host's side of CUDA on the CPU: memory apart, copies, streams, events, graphs, and devices that are not
 * as they should be. */
#include "device_vector.h"

#include <cstdlib>

using namespace hornfels::device;
using hornfels::device::test::device_vector;

namespace {

/* Sets a variable of the environment, and puts it back at the end. */
class setting {
public:
  setting(const char *name_, const char *value) : name(name_) {
    if (const char *const now = std::getenv(name))
      before = now;
    setenv(name, value, 1);
  }
  ~setting() { setenv(name, before.c_str(), 1); }
  setting(const setting &) = delete;
  setting &operator=(const setting &) = delete;

private:
  const char *name;
  std::string before;
};

__global__ void add(float *y, const float *x, int n) {
  for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(gridDim.x * blockDim.x))
    y[i] += x[i];
}

__global__ void write_at(float *y, long at) { y[at] = 1; }

/* ---- memory ---- */

TEST(memory, is_undefined_until_written) {
  const device_vector<float> x(1000);
  for (const float v : x.read())
    EXPECT_TRUE(std::isnan(v));
}

TEST(memory, keeps_the_two_sides_apart) {
  const device_vector<float> x(10);
  std::vector<float> h(10);
  float *const d = x;
  EXPECT_EQ(cudaMemcpy(h.data(), d, 40, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(on_cpu::last_report().find("copy to "), 0u) << on_cpu::last_report();
  EXPECT_EQ(cudaMemcpy(d, h.data(), 40, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(d, h.data(), 44, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_NE(on_cpu::last_report().find("leaves the device's allocation"), std::string::npos);
  EXPECT_EQ(cudaMemset(h.data(), 0, 40), cudaErrorInvalidValue);
  EXPECT_EQ(launch(nullptr, add, 1, 32, 0, d, h.data(), 10), cudaErrorInvalidValue);
  EXPECT_NE(on_cpu::last_report().find("host_test.cu"), std::string::npos) << on_cpu::last_report();
  EXPECT_NE(on_cpu::last_report().find("argument 1 of the kernel"), std::string::npos)
      << on_cpu::last_report();
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(d, h.data(), 40, cudaMemcpyDefault), cudaSuccess);
}

TEST(memory, that_was_freed_is_no_argument) {
  float *p = nullptr;
  ASSERT_EQ(cudaMalloc(&p, 40), cudaSuccess);
  ASSERT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, p, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(p), cudaErrorInvalidValue);
}

TEST(memory, cannot_be_left_by_a_kernel) {
  const auto run = [](long at) {
    float *x = nullptr;
    cudaMalloc(&x, 40);
    launch(nullptr, write_at, 1, 1, 0, x, at);
    cudaDeviceSynchronize();
    cudaFree(x);
  };
  run(9);
  EXPECT_DEATH(run(10), "a byte 0 behind the end of 40 bytes of device memory at .* was written");
  EXPECT_DEATH(run(-1), "before 40 bytes of device memory at .* was written");
  EXPECT_DEATH(run(64),
               "216 bytes behind the end of 40 bytes of device memory.*in thread .0, 0, 0. of block .0, 0, "
               "0..*of the kernel launched at .*host_test.cu");
}

TEST(memory, cannot_be_touched_by_the_host_when_strict) {
  const setting strict("HORNFELS_STRICT_DEVICE", "1");
  const device_vector<float> x(std::vector<float>(10, 2.0f));
  EXPECT_DEATH(std::printf("%g", double(x[3])), "the host touched .*, byte 12 of 40 bytes of device memory");
  EXPECT_EQ(x.read()[3], 2.0f);
}

TEST(memory, ends_at_some_time) {
  const setting little("HORNFELS_DEVICE_MEMORY", "100000");
  size_t free = 0, total = 0;
  float *p = nullptr, *q = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 60000), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 40000u);
  EXPECT_EQ(total, 100000u);
  EXPECT_EQ(cudaMalloc(&q, 40001), cudaErrorMemoryAllocation);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&q, 100000), cudaSuccess);
  EXPECT_EQ(cudaFree(q), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  cudaGetLastError();
}

/* ---- streams ---- */

TEST(streams, run_late_when_told) {
  const setting late("HORNFELS_LATE_STREAMS", "1");
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  const device_vector<float> x(std::vector<float>(4, 1.0f)), y(std::vector<float>(4, 2.0f));
  float *pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 16), cudaSuccess);
  EXPECT_TRUE(std::isnan(pinned[0]));
  ASSERT_EQ(launch(stream, add, 1, 32, 0, y, x, 4), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned, y, 16, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_TRUE(std::isnan(pinned[0]));
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(pinned[0], 3.0f);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);

  // Pinned memory is read when the copy's turn comes: changing it too early changes what is copied.
  pinned[0] = 10;
  ASSERT_EQ(cudaMemcpyAsync(x, pinned, 16, cudaMemcpyHostToDevice, stream), cudaSuccess);
  pinned[0] = 11;
  EXPECT_EQ(x.read()[0], 11.0f);
  // Other memory of the host is read at once.
  float plain[4] = {20, 20, 20, 20};
  ASSERT_EQ(cudaMemcpyAsync(x, plain, 16, cudaMemcpyHostToDevice, stream), cudaSuccess);
  plain[0] = 21;
  EXPECT_EQ(x.read()[0], 20.0f);
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
}

TEST(streams, are_timed_by_events) {
  cudaEvent_t from = nullptr, to = nullptr;
  ASSERT_EQ(cudaEventCreate(&from), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&to), cudaSuccess);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, from, to), cudaErrorInvalidResourceHandle);
  const device_vector<float> x(std::vector<float>(1 << 20, 1.0f)), y(std::vector<float>(1 << 20, 2.0f));
  ASSERT_EQ(cudaEventRecord(from), cudaSuccess);
  ASSERT_EQ(launch(nullptr, add, 16, 256, 0, y, x, 1 << 20), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(to), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(to), cudaSuccess);
  ASSERT_EQ(cudaEventElapsedTime(&milliseconds, from, to), cudaSuccess);
  EXPECT_GT(milliseconds, 0.0f);
  EXPECT_EQ(cudaEventDestroy(from), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(to), cudaSuccess);
  cudaGetLastError();
}

/* ---- graphs ---- */

TEST(graphs, replay_launches_copies_and_fills) {
  cudaStream_t stream = nullptr, side = nullptr;
  cudaEvent_t fork = nullptr, join = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamCreate(&side), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&join, cudaEventDisableTiming), cudaSuccess);
  const device_vector<float> x(4), y(std::vector<float>(4, 0.0f)), z(4);
  float *in = nullptr;
  ASSERT_EQ(cudaMallocHost(&in, 16), cudaSuccess);

  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(x, in, 16, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(fork, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(side, fork), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(z, 0, 16, side), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(join, side), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(stream, join), cudaSuccess);
  ASSERT_EQ(launch(stream, add, 1, 32, 0, y, x, 4), cudaSuccess);
  cudaStreamCaptureStatus status{};
  ASSERT_EQ(cudaStreamIsCapturing(side, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  size_t nodes = 0;
  ASSERT_EQ(cudaGraphGetNodes(graph, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(nodes, 3u);
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);

  // Nothing has run while it was captured.
  EXPECT_TRUE(std::isnan(x.read()[0]));
  for (int i = 1; i <= 3; ++i) {
    in[0] = float(i);
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  }
  EXPECT_EQ(y.read()[0], 6.0f);
  EXPECT_EQ(z.read()[0], 0.0f);
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(in), cudaSuccess);
  for (const cudaEvent_t event : {fork, join})
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  for (const cudaStream_t s : {stream, side})
    EXPECT_EQ(cudaStreamDestroy(s), cudaSuccess);
}

TEST(graphs, are_broken_off_by_calls_that_wait_or_allocate) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  void *p = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&p, 100), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnmatched);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&p, 100), cudaSuccess);
  EXPECT_EQ(cudaFree(p), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  cudaGetLastError();
}

/* ---- launches ---- */

TEST(launches, are_refused_as_by_a_device) {
  const device_vector<float> y(1);
  EXPECT_EQ(launch(nullptr, write_at, 0, 32, 0, y, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(nullptr, write_at, 1, 1025, 0, y, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(nullptr, write_at, 1, 32, 228 * 1024, y, 0), cudaErrorInvalidValue);
  const setting small("HORNFELS_DEVICE_ARCH", "80");
  EXPECT_EQ(launch(nullptr, write_at, 1, 32, 164 * 1024, y, 0), cudaErrorInvalidValue);
  EXPECT_EQ(launch(nullptr, write_at, 1, 32, 163 * 1024, y, 0), cudaSuccess);
  cudaGetLastError();
}

TEST(launches, need_leave_for_more_shared_memory) {
  const device_vector<float> y(1);
  float *p = y;
  long at = 0;
  void *arguments[] = {&p, &at};
  EXPECT_EQ(cudaLaunchKernel(write_at, 1, 1, arguments, 48 * 1024), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(write_at, cudaFuncAttributeMaxDynamicSharedMemorySize, 48 * 1024),
            cudaSuccess);
  EXPECT_EQ(cudaLaunchKernel(write_at, 1, 1, arguments, 48 * 1024 + 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(write_at, cudaFuncAttributeMaxDynamicSharedMemorySize, 100000), cudaSuccess);
  EXPECT_EQ(cudaLaunchKernel(write_at, 1, 1, arguments, 100000), cudaSuccess);
  int blocks = 0;
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, write_at, 256, 100000), cudaSuccess);
  EXPECT_EQ(blocks, 2);
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, write_at, 256, 0), cudaSuccess);
  EXPECT_EQ(blocks, 8);
  cudaGetLastError();
}

/* ---- devices ---- */

TEST(devices, may_be_missing_or_too_old) {
  int count = -1;
  float *p = nullptr;
  {
    const setting none("HORNFELS_DEVICE_COUNT", "0");
    EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(cudaMalloc(&p, 4), cudaErrorNoDevice);
  }
  {
    const setting old("HORNFELS_DRIVER_VERSION", "12000");
    EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
    int version = 0;
    EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
    EXPECT_EQ(version, 12000);
  }
  {
    const setting old("HORNFELS_DEVICE_ARCH", "61");
    cudaDeviceProp p61;
    EXPECT_EQ(cudaGetDeviceProperties(&p61, 0), cudaSuccess);
    EXPECT_EQ(p61.major * 10 + p61.minor, 61);
    const device_vector<float> y(1);
    EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, y, 0), cudaErrorNoKernelImageForDevice);
  }
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaGetLastError()), "cudaErrorInvalidDevice");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorNoDevice), "no CUDA-capable device is detected");
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  EXPECT_EQ(value, 4);
}

TEST(devices, stay_broken_after_a_fault) {
  const setting late("HORNFELS_LATE_STREAMS", "1");
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  float *y = nullptr;
  ASSERT_EQ(cudaMalloc(&y, 4), cudaSuccess);
  const setting second("HORNFELS_DEVICE_FAULT", "2");
  EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, y, 0), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, y, 0), cudaSuccess);
  EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, y, 0), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(launch(nullptr, write_at, 1, 1, 0, y, 0), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaFree(y), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

/* ---- functions of a thread ---- */

__global__ void integers(unsigned *out) {
  out[0] = unsigned(__popc(0xf0f1u));
  out[1] = unsigned(__ffs(0x50)) + unsigned(__ffs(0)) * 100;
  out[2] = unsigned(__clz(1)) + unsigned(__clz(0)) * 100;
  out[3] = __umulhi(0xffffffffu, 0x80000000u);
  out[4] = __brev(1);
  out[5] = unsigned(__float2int_rz(NAN)) + unsigned(__float2int_rz(-1e20f)) + unsigned(__float2int_rn(2.5f));
  out[6] = __float_as_uint(1.0f);
  out[7] = __funnelshift_l(0x80000000u, 1, 1);
}

TEST(functions, of_integers) {
  const device_vector<unsigned> out(8);
  ASSERT_EQ(launch(nullptr, integers, 1, 1, 0, out), cudaSuccess);
  EXPECT_EQ(out.read(),
            (std::vector<unsigned>{9, 5, 3231, 0x7fffffff, 0x80000000, 0x80000002, 0x3f800000, 3}));
}

__global__ void atomics(unsigned *out) {
  atomicAdd(&out[0], threadIdx.x);
  atomicMax(&out[1], threadIdx.x);
  atomicMin(&out[2], threadIdx.x);
  atomicOr(&out[3], 1u << threadIdx.x % 32);
  atomicAnd(&out[4], ~(1u << threadIdx.x % 16));
  atomicInc(&out[5], 9);
  atomicCAS(&out[6], threadIdx.x, threadIdx.x + 1);
  if (threadIdx.x == 7)
    atomicExch(&out[7], 70);
}

TEST(functions, atomic) {
  const device_vector<unsigned> out(std::vector<unsigned>{0, 0, 1000, 0, 0xffffffff, 0, 1000, 0});
  ASSERT_EQ(launch(nullptr, atomics, 1, 64, 0, out), cudaSuccess);
  EXPECT_EQ(out.read(), (std::vector<unsigned>{2016, 63, 0, 0xffffffff, 0xffff0000, 4, 1000, 70}));
}

__global__ void reals(double *out) {
  float s = 0, c = 0;
  sincospif(1e9f + 64, &s, &c);
  out[0] = double(s) * 10 + double(c);
  double sine = 0, cosine = 0;
  sincospi(1.0 / 6, &sine, &cosine);
  out[1] = sine;
  out[2] = cosine * cosine;
  sincospi(-0.5, &sine, &cosine);
  out[3] = sine * 10 + cosine;
  out[4] = double(rsqrtf(4.0f)) + rsqrt(0.25);
  out[5] = double(max(NAN, 1.0f)) + double(min(2.0f, NAN));
  out[6] = double(__saturatef(-2.0f) + __saturatef(0.25f) + __saturatef(7.0f));
  out[7] = sinpi(0.5) + cospi(1.0);
}

TEST(functions, of_reals) {
  const device_vector<double> out(8);
  ASSERT_EQ(launch(nullptr, reals, 1, 1, 0, out), cudaSuccess);
  const std::vector<double> expected = {1, 0.5, 0.75, -10, 2.5, 3, 1.25, 0}, found = out.read();
  for (size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-15) << i;
}

} // namespace
