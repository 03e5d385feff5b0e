/* The time of each kernel of a step on a device: an event before the first launch and one behind each. Only sources that
 * are generated for it (`hornfels bench`) have laps:
 *
 *   launch(stream, dense_forward, ...);
 *   lap(s, stream, 0); */
#ifndef HORNFELS_DEVICE_LAPS_H
#define HORNFELS_DEVICE_LAPS_H

#include "program.h"

#include "runtime/core/lap.h"

#include <vector>

namespace hornfels::device {

class lap_events {
public:
  lap_events() = default;
  lap_events(const lap_events &) = delete;
  lap_events &operator=(const lap_events &) = delete;
  ~lap_events() {
    for (const cudaEvent_t event : events_)
      cudaEventDestroy(event);
  }

  /* A step begins. */
  cudaError_t begin(cudaStream_t stream) {
    kernels_.clear();
    failure_ = cudaSuccess;
    record(stream);
    return failure_;
  }
  /* A kernel of it was put into the stream. */
  void add(cudaStream_t stream, int kernel) {
    kernels_.push_back(kernel);
    record(stream);
  }
  /* Waits for the end, and adds each kernel's seconds to its place. */
  cudaError_t end(double *seconds, unsigned char *ran) {
    if (failure_ == cudaSuccess)
      failure_ = cudaEventSynchronize(events_[kernels_.size()]);
    for (size_t i = 0; i < kernels_.size() && failure_ == cudaSuccess; ++i) {
      float milliseconds = 0;
      failure_ = cudaEventElapsedTime(&milliseconds, events_[i], events_[i + 1]);
      seconds[kernels_[i]] += 1e-3 * static_cast<double>(milliseconds);
      ran[kernels_[i]] = 1;
    }
    return failure_;
  }
  size_t laps() const { return kernels_.size(); }

private:
  /* Event i lies before lap i. They are made once, for as many laps as a step was seen to have. */
  void record(cudaStream_t stream) {
    if (failure_ == cudaSuccess && events_.size() == kernels_.size()) {
      cudaEvent_t event = nullptr;
      failure_ = cudaEventCreate(&event);
      if (failure_ == cudaSuccess)
        events_.push_back(event);
    }
    if (failure_ == cudaSuccess)
      failure_ = cudaEventRecord(events_[kernels_.size()], stream);
  }

  std::vector<cudaEvent_t> events_;
  std::vector<int> kernels_; /* of this step's laps */
  cudaError_t failure_ = cudaSuccess;
};

/* In a generated step, behind what it puts into the stream. */
inline void lap(const device_step &s, cudaStream_t stream, int kernel) {
  if (s.laps)
    s.laps->add(stream, kernel);
}

} // namespace hornfels::device

#endif
