/* What bench.cu measures of a handle's device, and program.cu finds there. */
#ifndef HORNFELS_DEVICE_MEASURED_STEP_H
#define HORNFELS_DEVICE_MEASURED_STEP_H

#include "program.h"

namespace hornfels::device {

/* A step that has run: what launches it, what it was given, and its graph. They hold until the next call of the ABI. */
struct measured_step {
  const device_program *code;
  step_function launch;
  device_step given;
  cudaGraphExec_t graph;
  cudaStream_t stream;
};

/* Of the device of a handle: the step that ran last, if it was one of this kind with so many rows that were sent with the
 * call. False: it was not. */
bool find_measured_step(void *device, step_kind kind, int64_t batch, measured_step &found);

} // namespace hornfels::device

#endif
