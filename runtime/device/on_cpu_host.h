/* The host's interface: memory and copies. Part of on_cpu.h. A call that mixes up host and device
 * memory is refused with cudaErrorInvalidValue, and stderr says why. */
#ifndef HORNFELS_DEVICE_ON_CPU_HOST_H
#define HORNFELS_DEVICE_ON_CPU_HOST_H

#include "on_cpu_devices.h"

/* ---- memory ---- */

enum {
  cudaHostAllocDefault = 0,
  cudaHostAllocPortable = 1,
  cudaHostAllocMapped = 2,
  cudaHostAllocWriteCombined = 4
};

inline cudaError_t cudaMalloc(void **p, size_t bytes) {
  using namespace hornfels::device::on_cpu;
  *p = nullptr;
  return call_outside_capture([&] {
    if (bytes == 0)
      return cudaSuccess;
    if (bytes > device_memory_bytes() || memory.used > device_memory_bytes() - bytes)
      return cudaErrorMemoryAllocation;
    const device_access access;
    *p = allocate(memory.device, bytes);
    memory.used += *p ? bytes : 0;
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}
template <class T> inline cudaError_t cudaMalloc(T **p, size_t bytes) {
  void *memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  *p = static_cast<T *>(memory);
  return error;
}
/* Also gives back what a faulty device still holds. */
inline cudaError_t cudaFree(void *p) {
  using namespace hornfels::device::on_cpu;
  const auto give_back = [&] {
    if (!p)
      return cudaSuccess;
    const allocation *const a = find(memory.device, p);
    const size_t bytes = a ? a->bytes : 0;
    const device_access access;
    catch_up();
    if (!release(memory.device, p)) {
      report("cudaFree of %p, which cudaMalloc has not returned", p);
      return cudaErrorInvalidValue;
    }
    memory.used -= bytes;
    return cudaSuccess;
  };
  if (host.fault == cudaSuccess)
    return call_outside_capture(give_back);
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  give_back();
  return last_error = host.fault;
}
inline cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }
inline cudaError_t cudaFreeAsync(void *p, cudaStream_t) { return cudaFree(p); }

inline cudaError_t cudaMallocHost(void **p, size_t bytes, unsigned = 0) {
  using namespace hornfels::device::on_cpu;
  *p = nullptr;
  return call_outside_capture([&] {
    *p = bytes ? allocate(memory.pinned, bytes) : nullptr;
    return *p || bytes == 0 ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}
template <class T> inline cudaError_t cudaMallocHost(T **p, size_t bytes, unsigned flags = 0) {
  void *memory = nullptr;
  const cudaError_t error = cudaMallocHost(&memory, bytes, flags);
  *p = static_cast<T *>(memory);
  return error;
}
template <class T> inline cudaError_t cudaHostAlloc(T **p, size_t bytes, unsigned flags) {
  return cudaMallocHost(p, bytes, flags);
}
inline cudaError_t cudaFreeHost(void *p) {
  using namespace hornfels::device::on_cpu;
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  if (!p)
    return cudaSuccess;
  catch_up();
  if (release(memory.pinned, p))
    return cudaSuccess;
  report("cudaFreeHost of %p, which cudaMallocHost has not returned", p);
  return last_error = cudaErrorInvalidValue;
}
inline cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *total = device_memory_bytes();
    *free = *total - memory.used;
    return cudaSuccess;
  });
}

/* ---- copies ---- */

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};

namespace hornfels::device::on_cpu {

/* The side of a copy is where its direction says, and the device's side lies within one allocation. */
inline bool side_is(const char *side, const void *p, size_t bytes, bool device) {
  const bool is_device = owner_of(p) == owner::device;
  if (is_device != device) {
    report("copy %s %p, which is %s memory: the direction says the %s's", side, p,
           is_device ? "device" : "host", device ? "device" : "host");
    return false;
  }
  if (device && !within_allocation(p, bytes)) {
    report("copy of %zu bytes %s %p leaves the device's allocation", bytes, side, p);
    return false;
  }
  return true;
}

inline bool copy_is_right(const void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyDefault
                             ? owner_of(to) == owner::device
                             : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDefault
                               ? owner_of(from) == owner::device
                               : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return side_is("to", to, bytes, to_device) && side_is("from", from, bytes, from_device);
}

inline cudaError_t copy_now(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  if (!copy_is_right(to, from, bytes, kind))
    return cudaErrorIllegalAddress;
  const device_access access;
  std::memmove(to, from, bytes);
  return cudaSuccess;
}

} // namespace hornfels::device::on_cpu

inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream = nullptr) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (bytes == 0)
      return cudaSuccess;
    if (!copy_is_right(to, from, bytes, kind))
      return cudaErrorInvalidValue;
    const bool captures = stream && host.streams.count(stream) && stream->capturing;
    // Memory that is not pinned is read before the call returns, and written before it returns.
    if (!captures && runs_late() && owner_of(from) == owner::host) {
      auto kept = std::make_shared<const std::vector<char>>(static_cast<const char *>(from),
                                                            static_cast<const char *>(from) + bytes);
      return enqueue(stream, [=] { return copy_now(to, kept->data(), kept->size(), kind); });
    }
    const cudaError_t error = enqueue(stream, [=] { return copy_now(to, from, bytes, kind); });
    if (error == cudaSuccess && !captures && owner_of(to) == owner::host)
      return catch_up();
    return error;
  });
}
inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  using namespace hornfels::device::on_cpu;
  const cudaError_t error = call_outside_capture([] { return cudaSuccess; });
  if (error != cudaSuccess)
    return error;
  if (const cudaError_t copied = cudaMemcpyAsync(to, from, bytes, kind); copied != cudaSuccess)
    return copied;
  return call([] { return catch_up(); });
}

inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream = nullptr) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (bytes == 0)
      return cudaSuccess;
    if (!side_is("to", to, bytes, true))
      return cudaErrorInvalidValue;
    return enqueue(stream, [=]() -> cudaError_t {
      if (!side_is("to", to, bytes, true))
        return cudaErrorIllegalAddress;
      const device_access access;
      std::memset(to, value, bytes);
      return cudaSuccess;
    });
  });
}
inline cudaError_t cudaMemset(void *to, int value, size_t bytes) { return cudaMemsetAsync(to, value, bytes); }

/* ---- __device__ variables ---- */

template <class T> inline cudaError_t cudaGetSymbolAddress(void **p, T &variable) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *p = const_cast<void *>(static_cast<const void *>(&variable));
    memory.variables[reinterpret_cast<uintptr_t>(*p)] = sizeof variable;
    return cudaSuccess;
  });
}
template <class T>
inline cudaError_t cudaMemcpyToSymbol(T &variable, const void *from, size_t bytes, size_t offset = 0,
                                      cudaMemcpyKind = cudaMemcpyHostToDevice) {
  void *p = nullptr;
  cudaGetSymbolAddress(&p, variable);
  return offset + bytes > sizeof variable
             ? hornfels::device::on_cpu::call([] { return cudaErrorInvalidValue; })
             : cudaMemcpy(static_cast<char *>(p) + offset, from, bytes, cudaMemcpyHostToDevice);
}
template <class T>
inline cudaError_t cudaMemcpyFromSymbol(void *to, T &variable, size_t bytes, size_t offset = 0,
                                        cudaMemcpyKind = cudaMemcpyDeviceToHost) {
  void *p = nullptr;
  cudaGetSymbolAddress(&p, variable);
  return offset + bytes > sizeof variable
             ? hornfels::device::on_cpu::call([] { return cudaErrorInvalidValue; })
             : cudaMemcpy(to, static_cast<char *>(p) + offset, bytes, cudaMemcpyDeviceToHost);
}

/* All of the device's memory is gone, and its fault too; streams and pinned memory stay. */
inline cudaError_t cudaDeviceReset() {
  using namespace hornfels::device::on_cpu;
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  host.late.clear();
  {
    const device_access access;
    while (!memory.device.empty())
      release(memory.device, memory.device.begin()->second.begin);
  }
  memory.used = 0;
  host.fault = last_error = cudaSuccess;
  host.launches = 0;
  return cudaSuccess;
}

#endif
