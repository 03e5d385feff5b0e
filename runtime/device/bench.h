/* How the steps of a model on a device are measured. */
#ifndef HORNFELS_DEVICE_BENCH_H
#define HORNFELS_DEVICE_BENCH_H

#include "runtime/core/lap.h"

namespace hornfels::device {

extern const device_bench bench_on_device;

} // namespace hornfels::device

#endif
