/* The generated program: its command line from the first argument to the exit code. */
#ifndef HORNFELS_PROGRAM_PROGRAM_H
#define HORNFELS_PROGRAM_PROGRAM_H

#include "runtime/core/abi.h"
#include "runtime/core/lap.h"
#include "runtime/program/bench/peaks.h"

namespace hornfels {

/* What a program has that was built to be measured; null: a program for use. One for a device has the last. */
struct bench_support {
  const lap_table *laps;
  int64_t (*heap_calls)();
  const peak_loops &(*loops)(); /* of the target that the program was built for */
  const device_bench *device;
};

/* Weights in the program itself: each saved variable's elements, row by row, from a multiple of 64 bytes on. */
struct embedded_weights {
  const unsigned char *begin, *end;
};

/* Does what the arguments say with the model; returns the exit code (failure.h). Messages go to standard
 * error. */
int run_program(const hornfels_model *model, int argc, char **argv, const bench_support *support = nullptr,
                const embedded_weights *weights = nullptr);

} // namespace hornfels

#endif
