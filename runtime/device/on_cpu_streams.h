/* Streams, their capture into graphs, events, and what every call of the host's interface goes through. Part
 * of on_cpu.h.
 *
 * What is put into a stream runs at once, or, with HORNFELS_LATE_STREAMS=1, when somebody waits for a stream,
 * an event or the device, all streams in the order of the calls. A capturing stream keeps it for the graph.
 */
#ifndef HORNFELS_DEVICE_ON_CPU_STREAMS_H
#define HORNFELS_DEVICE_ON_CPU_STREAMS_H

#include "on_cpu_errors.h"
#include "on_cpu_memory.h"

#include <chrono>
#include <deque>
#include <functional>
#include <set>

namespace hornfels::device::on_cpu {

/* Something that a stream does. An error makes the device unusable, as a fault does. */
using work = std::function<cudaError_t()>;

struct capture {
  std::vector<work> nodes;
  bool relaxed = false;
  bool invalid = false;
};

} // namespace hornfels::device::on_cpu

struct CUstream_st {
  std::shared_ptr<hornfels::device::on_cpu::capture> capturing;
  bool began_capture = false;
};
struct CUevent_st {
  bool recorded = false, done = false, timed = true;
  std::chrono::steady_clock::time_point when;
  std::shared_ptr<hornfels::device::on_cpu::capture> capturing; // of the stream that recorded it
};
struct CUgraph_st {
  std::vector<hornfels::device::on_cpu::work> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<hornfels::device::on_cpu::work>> nodes;
};
typedef CUstream_st *cudaStream_t;
typedef CUevent_st *cudaEvent_t;
typedef CUgraph_st *cudaGraph_t;
typedef CUgraphExec_st *cudaGraphExec_t;

namespace hornfels::device::on_cpu {

constexpr int runtime_version = 13000;

struct host_state {
  cudaError_t fault = cudaSuccess; // what has made the device unusable
  std::deque<work> late;
  std::set<cudaStream_t> streams;
  std::map<const void *, size_t> allowed_shared; // kernels that were allowed more shared memory
  long launches = 0;
};
inline host_state host;
inline thread_local cudaError_t last_error = cudaSuccess;

inline bool runs_late() { return environment("HORNFELS_LATE_STREAMS", 0) != 0; }

/* Runs what was put off. Returns the device's fault. */
inline cudaError_t catch_up() {
  const device_access access;
  while (!host.late.empty() && host.fault == cudaSuccess) {
    const work next = std::move(host.late.front());
    host.late.pop_front();
    host.fault = next();
  }
  return host.fault;
}

/* What is wrong with the device altogether. */
inline cudaError_t state_of_device() {
  if (host.fault != cudaSuccess)
    return host.fault;
  if (environment("HORNFELS_DRIVER_VERSION", runtime_version) < runtime_version)
    return cudaErrorInsufficientDriver;
  return environment("HORNFELS_DEVICE_COUNT", 1) <= 0 ? cudaErrorNoDevice : cudaSuccess;
}

/* The body of a call of the host's interface: one at a time, with the device in order; its error is
 * remembered. */
template <class Body> inline cudaError_t call(Body body) {
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  if (machine.call)
    fail("a kernel calls the host's interface");
  describe_faults();
  cudaError_t error = state_of_device();
  if (error == cudaSuccess)
    error = body();
  if (error != cudaSuccess && error != cudaErrorNotReady)
    last_error = error;
  return error;
}

/* A call that no stream may be capturing at: it breaks the captures off. */
template <class Body> inline cudaError_t call_outside_capture(Body body) {
  return call([&]() -> cudaError_t {
    bool forbidden = false;
    for (const cudaStream_t stream : host.streams)
      if (stream->capturing && !stream->capturing->relaxed)
        forbidden = stream->capturing->invalid = true;
    if (!forbidden)
      return body();
    report("a call that waits or allocates while a stream is capturing");
    return cudaErrorStreamCaptureUnsupported;
  });
}

/* Puts `next` into the stream. */
inline cudaError_t enqueue(cudaStream_t stream, work next) {
  if (stream && !host.streams.count(stream))
    return cudaErrorInvalidResourceHandle;
  if (stream && stream->capturing) {
    if (stream->capturing->invalid)
      return cudaErrorStreamCaptureInvalidated;
    stream->capturing->nodes.push_back(std::move(next));
    return cudaSuccess;
  }
  if (!stream)
    for (const cudaStream_t other : host.streams)
      if (other->capturing && !other->capturing->relaxed) {
        other->capturing->invalid = true;
        return cudaErrorStreamCaptureImplicit;
      }
  host.late.push_back(std::move(next));
  return runs_late() ? cudaSuccess : catch_up();
}

} // namespace hornfels::device::on_cpu

/* ---- streams ---- */

enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1 };

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *stream = *host.streams.insert(new CUstream_st).first;
    return cudaSuccess;
  });
}
inline cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, 0); }
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  using namespace hornfels::device::on_cpu;
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  if (!host.streams.erase(stream))
    return last_error = cudaErrorInvalidResourceHandle;
  const cudaError_t error = catch_up();
  delete stream;
  return error;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  using namespace hornfels::device::on_cpu;
  return call_outside_capture([&]() -> cudaError_t {
    if (stream && !host.streams.count(stream))
      return cudaErrorInvalidResourceHandle;
    if (stream && stream->capturing) { // however relaxed
      stream->capturing->invalid = true;
      return cudaErrorStreamCaptureUnsupported;
    }
    return catch_up();
  });
}
inline cudaError_t cudaStreamQuery(cudaStream_t) {
  using namespace hornfels::device::on_cpu;
  return call_outside_capture([] { return host.late.empty() ? cudaSuccess : cudaErrorNotReady; });
}
inline cudaError_t cudaDeviceSynchronize() {
  using namespace hornfels::device::on_cpu;
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  for (const cudaStream_t stream : host.streams)
    if (stream->capturing)
      return cudaStreamSynchronize(stream);
  return cudaStreamSynchronize(nullptr);
}

/* Calls function(data) in its turn. */
inline cudaError_t cudaLaunchHostFunc(cudaStream_t stream, void (*function)(void *), void *data) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    return enqueue(stream, [=] {
      function(data);
      return cudaSuccess;
    });
  });
}

/* ---- events ---- */

enum { cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *event = new CUevent_st;
    (*event)->timed = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
  });
}
inline cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  using namespace hornfels::device::on_cpu;
  const std::lock_guard<std::recursive_mutex> lock(memory.lock);
  if (!event)
    return last_error = cudaErrorInvalidResourceHandle;
  const cudaError_t error = catch_up();
  delete event;
  return error;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (stream && stream->capturing) {
      event->capturing = stream->capturing;
      return cudaSuccess;
    }
    event->capturing = nullptr;
    event->recorded = true;
    event->done = false;
    return enqueue(stream, [=] {
      event->done = true;
      event->when = std::chrono::steady_clock::now();
      return cudaSuccess;
    });
  });
}
/* Work that is put into the stream later waits for the event, and belongs to the event's capture. */
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned = 0) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (stream && event->capturing)
      stream->capturing = event->capturing;
    return cudaSuccess;
  });
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  using namespace hornfels::device::on_cpu;
  return call_outside_capture([&] { return event->recorded && !event->done ? catch_up() : cudaSuccess; });
}
inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  using namespace hornfels::device::on_cpu;
  return call([&] { return event->recorded && !event->done ? cudaErrorNotReady : cudaSuccess; });
}
inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    if (!from->recorded || !to->recorded || !from->timed || !to->timed)
      return cudaErrorInvalidResourceHandle;
    if (!from->done || !to->done)
      return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(to->when - from->when).count();
    return cudaSuccess;
  });
}

/* ---- graphs ---- */

enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2
};
enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2
};

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (!stream)
      return cudaErrorStreamCaptureUnsupported;
    if (!host.streams.count(stream))
      return cudaErrorInvalidResourceHandle;
    if (stream->capturing)
      return cudaErrorIllegalState;
    stream->capturing = std::make_shared<capture>();
    stream->capturing->relaxed = mode == cudaStreamCaptureModeRelaxed;
    stream->began_capture = true;
    return cudaSuccess;
  });
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    *graph = nullptr;
    if (!stream || !host.streams.count(stream) || !stream->capturing || !stream->began_capture)
      return cudaErrorStreamCaptureUnmatched;
    const std::shared_ptr<capture> ended = stream->capturing;
    stream->began_capture = false;
    for (const cudaStream_t other : host.streams)
      if (other->capturing == ended)
        other->capturing = nullptr;
    if (ended->invalid)
      return cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st{ended->nodes};
    return cudaSuccess;
  });
}
inline cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    *status = !stream || !stream->capturing ? cudaStreamCaptureStatusNone
              : stream->capturing->invalid  ? cudaStreamCaptureStatusInvalidated
                                            : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph,
                                        unsigned long long = 0) {
  using namespace hornfels::device::on_cpu;
  return call([&] {
    if (!graph)
      return cudaErrorInvalidValue;
    *executable = new CUgraphExec_st{std::make_shared<const std::vector<work>>(graph->nodes)};
    return cudaSuccess;
  });
}
/* The number of nodes; there is no way to ask for more. */
inline cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void *, size_t *nodes) {
  *nodes = graph->nodes.size();
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
inline cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  return hornfels::device::on_cpu::call([] { return cudaSuccess; });
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  using namespace hornfels::device::on_cpu;
  return call([&]() -> cudaError_t {
    if (!executable)
      return cudaErrorInvalidValue;
    return enqueue(stream, [nodes = executable->nodes]() -> cudaError_t {
      for (const work &node : *nodes)
        if (const cudaError_t error = node(); error != cudaSuccess)
          return error;
      return cudaSuccess;
    });
  });
}

#endif
