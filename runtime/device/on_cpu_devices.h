/* The host's interface: errors and devices. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_DEVICES_H
#define HORNFELS_DEVICE_ON_CPU_DEVICES_H

#include "on_cpu_streams.h"

/* ---- errors ---- */

inline cudaError_t cudaGetLastError() {
  using namespace hornfels::device::on_cpu;
  const cudaError_t error = last_error;
  last_error = host.fault; // a fault stays
  return error;
}
inline cudaError_t cudaPeekAtLastError() { return hornfels::device::on_cpu::last_error; }

/* ---- devices ---- */

struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor, totalConstMem;
  int major, minor, multiProcessorCount, warpSize, regsPerBlock, regsPerMultiprocessor, maxThreadsPerBlock,
      maxThreadsPerMultiProcessor, maxBlocksPerMultiProcessor, l2CacheSize, memoryBusWidth, cooperativeLaunch,
      asyncEngineCount, concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID;
  int maxThreadsDim[3], maxGridSize[3];
};

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMaxRegistersPerBlock = 12,
  cudaDevAttrClockRate = 13,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMemoryClockRate = 36,
  cudaDevAttrGlobalMemoryBusWidth = 37,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrCooperativeLaunch = 95,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMaxBlocksPerMultiprocessor = 106
};

namespace hornfels::device::on_cpu {

/* A small device, so that tests see what happens when a grid has more work than blocks at once. */
inline cudaDeviceProp properties() {
  const long arch = environment("HORNFELS_DEVICE_ARCH", 90);
  cudaDeviceProp p{};
  std::snprintf(p.name, sizeof p.name, "CUDA on the CPU");
  p.major = static_cast<int>(arch / 10);
  p.minor = static_cast<int>(arch % 10);
  p.totalGlobalMem = device_memory_bytes();
  p.totalConstMem = 65536;
  p.sharedMemPerBlock = 48 * 1024;
  p.sharedMemPerBlockOptin = size_t(arch >= 90 ? 227 : arch == 80 ? 163 : arch >= 80 ? 99 : 64) * 1024;
  p.sharedMemPerMultiprocessor = p.sharedMemPerBlockOptin + 1024;
  p.multiProcessorCount = static_cast<int>(environment("HORNFELS_DEVICE_MULTIPROCESSORS", 4));
  p.warpSize = 32;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsPerMultiProcessor = 2048;
  p.maxBlocksPerMultiProcessor = 32;
  p.l2CacheSize = 4 << 20;
  p.memoryBusWidth = 64;
  p.cooperativeLaunch = p.concurrentKernels = p.asyncEngineCount = 1;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  return p;
}

} // namespace hornfels::device::on_cpu

inline cudaError_t cudaDriverGetVersion(int *version) {
  using namespace hornfels::device::on_cpu;
  *version = static_cast<int>(environment("HORNFELS_DRIVER_VERSION", runtime_version));
  return cudaSuccess;
}
inline cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = hornfels::device::on_cpu::runtime_version;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceCount(int *count) {
  using namespace hornfels::device::on_cpu;
  *count = 0;
  return call([&] {
    *count = static_cast<int>(environment("HORNFELS_DEVICE_COUNT", 1));
    return cudaSuccess;
  });
}
inline cudaError_t cudaSetDevice(int device) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    return device >= 0 && device < environment("HORNFELS_DEVICE_COUNT", 1) ? cudaSuccess
                                                                           : cudaErrorInvalidDevice;
  });
}
inline cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return hornfels::device::on_cpu::call([] { return cudaSuccess; });
}
inline cudaError_t cudaInitDevice(int device, unsigned, unsigned) { return cudaSetDevice(device); }
inline cudaError_t cudaSetDeviceFlags(unsigned) {
  return hornfels::device::on_cpu::call([] { return cudaSuccess; });
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *result, int device) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    if (device < 0 || device >= environment("HORNFELS_DEVICE_COUNT", 1))
      return cudaErrorInvalidDevice;
    *result = properties();
    return cudaSuccess;
  });
}
inline cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device); error != cudaSuccess)
    return error;
  switch (attribute) {
  case cudaDevAttrMaxThreadsPerBlock:
    *value = p.maxThreadsPerBlock;
    break;
  case cudaDevAttrMaxSharedMemoryPerBlock:
    *value = static_cast<int>(p.sharedMemPerBlock);
    break;
  case cudaDevAttrWarpSize:
    *value = p.warpSize;
    break;
  case cudaDevAttrMaxRegistersPerBlock:
    *value = p.regsPerBlock;
    break;
  case cudaDevAttrClockRate:
  case cudaDevAttrMemoryClockRate:
    *value = 1000000; // kHz
    break;
  case cudaDevAttrMultiProcessorCount:
    *value = p.multiProcessorCount;
    break;
  case cudaDevAttrGlobalMemoryBusWidth:
    *value = p.memoryBusWidth;
    break;
  case cudaDevAttrL2CacheSize:
    *value = p.l2CacheSize;
    break;
  case cudaDevAttrMaxThreadsPerMultiProcessor:
    *value = p.maxThreadsPerMultiProcessor;
    break;
  case cudaDevAttrComputeCapabilityMajor:
    *value = p.major;
    break;
  case cudaDevAttrComputeCapabilityMinor:
    *value = p.minor;
    break;
  case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
    *value = static_cast<int>(p.sharedMemPerMultiprocessor);
    break;
  case cudaDevAttrCooperativeLaunch:
    *value = p.cooperativeLaunch;
    break;
  case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    *value = static_cast<int>(p.sharedMemPerBlockOptin);
    break;
  case cudaDevAttrMaxBlocksPerMultiprocessor:
    *value = p.maxBlocksPerMultiProcessor;
    break;
  }
  return cudaSuccess;
}

#endif
