/* Whether this machine can run a program: its driver, its device, and that the device adds up. Part of program.cu. */
#ifndef HORNFELS_DEVICE_MACHINE_H
#define HORNFELS_DEVICE_MACHINE_H

#include "program.h"

namespace hornfels::device {

/* How every text ends that is about a machine without what a program needs. */
constexpr const char cpu_offer[] = "a program for the CPU needs no device: build it without --target=cuda";

/* One entry of a list of architectures, "sm_80" or "sm_90a". */
struct architecture {
  int capability; /* 80 for 8.0 */
  bool alone;     /* with an `a`: for this one and no later one */

  /* Reads the entry at `text` and moves to the next one; false at the end. */
  static bool next(const char *&text, architecture &entry) {
    while (*text && (*text < '0' || *text > '9'))
      ++text;
    entry = {0, false};
    for (; *text >= '0' && *text <= '9'; ++text)
      entry.capability = entry.capability * 10 + (*text - '0');
    entry.alone = *text == 'a';
    return entry.capability > 0;
  }
};

/* Whether code for a list of architectures runs on a device of `capability`: the lowest of the list is there as PTX too,
 * which runs on everything later. */
inline bool runs_on(const char *architectures, int capability) {
  architecture entry;
  bool runs = false;
  while (architecture::next(architectures, entry))
    runs = runs || (entry.alone ? capability == entry.capability : capability >= entry.capability);
  return runs;
}

/* "sm_80,sm_90 or later". */
struct architectures_text {
  char text[128];
  explicit architectures_text(const char *architectures) {
    constexpr int any_later = 1 << 20;
    snprintf(text, sizeof text, "%s%s", architectures, runs_on(architectures, any_later) ? " or later" : "");
  }
};

/* A driver's or toolkit's version, 13000 for 13.0. */
struct version_text {
  char text[16];
  explicit version_text(int version) {
    snprintf(text, sizeof text, "%d.%d", version / 1000, version % 1000 / 10);
  }
};

struct device_text {
  cudaDeviceProp properties{};
  int capability;
  explicit device_text(int device) {
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess)
      snprintf(properties.name, sizeof properties.name, "device %d", device);
    capability = 10 * properties.major + properties.minor;
  }
  const char *name() const { return properties.name; }
};

inline int32_t wrong_architecture(const device_program &code, int device, error_text &error) {
  constexpr int floor_of_toolkit = 75;
  const device_text present(device);
  char hint[64] = "";
  if (present.capability >= floor_of_toolkit)
    snprintf(hint, sizeof hint, "compile for it with --arch=sm_%d; ", present.capability);
  return error.fail(HORNFELS_BAD_DEVICE, "%s: compiled for %s, this machine's device is sm_%d (%.64s); %s%s", code.model->name,
                    architectures_text(code.architectures).text, present.capability, present.name(), hint, cpu_offer);
}

/* A call or a launch that failed while `what` was going on, as text; a hornfels_status. */
inline int32_t refuse(const device_program &code, const char *what, cudaError_t failure, error_text &error) {
  int device = 0;
  switch (failure) {
  case cudaSuccess:
    return HORNFELS_OK;
  case cudaErrorNoKernelImageForDevice:
  case cudaErrorInvalidDeviceFunction:
    cudaGetDevice(&device);
    return wrong_architecture(code, device, error);
  case cudaErrorMemoryAllocation:
    return error.fail(HORNFELS_OUT_OF_MEMORY, "%s: %s: out of memory", code.model->name, what);
  default:
    return error.fail(HORNFELS_BAD_DEVICE, "%s: %s: %s (%s)", code.model->name, what, cudaGetErrorString(failure),
                      cudaGetErrorName(failure));
  }
}

/* No device that can be counted, and why. */
inline int32_t no_device(const device_program &code, cudaError_t failure, error_text &error) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const version_text present(driver), required(runtime);
  if (failure == cudaErrorInsufficientDriver && driver > 0)
    return error.fail(HORNFELS_BAD_DEVICE, "%s: needs a driver for CUDA %s, this machine's is for CUDA %s; %s", code.model->name,
                      required.text, present.text, cpu_offer);
  if (failure == cudaSuccess || failure == cudaErrorNoDevice || failure == cudaErrorInsufficientDriver)
    return error.fail(HORNFELS_BAD_DEVICE, "%s: needs a CUDA device of %s, this machine has %s; %s", code.model->name,
                      architectures_text(code.architectures).text, driver > 0 ? "none" : "no driver for one", cpu_offer);
  return error.fail(HORNFELS_BAD_DEVICE, "%s: needs a CUDA device, looking for one failed: %s (%s); %s", code.model->name,
                    cudaGetErrorString(failure), cudaGetErrorName(failure), cpu_offer);
}

/* A hornfels_status. `device`: the calling thread's, which the handle keeps to. */
inline int32_t check_machine(const device_program &code, int *device, error_text &error) {
  int count = 0, major = 0, minor = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted != cudaSuccess || count == 0)
    return no_device(code, counted, error);
  cudaError_t failure = cudaGetDevice(device);
  if (failure == cudaSuccess)
    failure = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, *device);
  if (failure == cudaSuccess)
    failure = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, *device);
  if (failure != cudaSuccess)
    return refuse(code, "asking for the device", failure, error);
  return runs_on(code.architectures, 10 * major + minor) ? HORNFELS_OK : wrong_architecture(code, *device, error);
}

constexpr int test_threads = 256;

/* 0/4 + 1/4 + 2/4 + ..., exact in any order, by halves of what is left. */
static __global__ void __launch_bounds__(test_threads) sum_of_quarters(float *sum) {
  __shared__ float parts[test_threads];
  const int t = static_cast<int>(threadIdx.x);
  parts[t] = 0.25f * static_cast<float>(t);
  for (int half = test_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half)
      parts[t] += parts[t + half];
  }
  if (t == 0)
    *sum = parts[0];
}

/* A block with shared memory and barriers adds numbers whose sum is known. `place`: a float of device memory. */
inline int32_t self_test(const device_program &code, float *place, cudaStream_t stream, error_text &error) {
  constexpr float expected = 0.25f * (test_threads - 1) * test_threads / 2;
  float sum = 0;
  cudaError_t failure = launch(stream, sum_of_quarters, 1L, test_threads, 0, place);
  if (failure == cudaSuccess)
    failure = cudaMemcpyAsync(&sum, place, sizeof sum, cudaMemcpyDeviceToHost, stream);
  if (failure == cudaSuccess)
    failure = cudaStreamSynchronize(stream);
  if (failure != cudaSuccess)
    return refuse(code, "self-test", failure, error);
  if (sum == expected)
    return HORNFELS_OK;
  return error.fail(HORNFELS_BAD_DEVICE, "%s: self-test: the device adds up to %g, expected %g; %s", code.model->name,
                    static_cast<double>(sum), static_cast<double>(expected), cpu_offer);
}

} // namespace hornfels::device

#endif
