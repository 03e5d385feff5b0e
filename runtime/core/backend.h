/* Where a model's memory is and its steps run, when that is not this process: a device (runtime/device). Part of handle.cpp,
 * which checks every call before; what comes here is right. */
#ifndef HORNFELS_BACKEND_H
#define HORNFELS_BACKEND_H

#include "call_checks.h"
#include "handle.h"

namespace hornfels {

enum class step_kind { initialize, predict, evaluate, train };

/* Rows of a data set, in batches; of training, in the set's order. */
struct rows_of_set {
  int32_t set;
  int64_t first, rows, batch;
};

/* All but `has` and `close` return a hornfels_status; what fails says why in `error`. A `device` is what open() has made for
 * one handle; it is used by one thread at a time. */
struct backend {
  bool (*has)(const program &code, step_kind kind);

  /* Everything that a handle for `capacity` samples (a multiple of 16) needs: variables with the values that `initialize`
   * gives them for the seed 0, the arena, room for the data of a batch. The variables of metrics take these values again
   * in reset_metrics(). The only place to say what the machine lacks, required and present. */
  int32_t (*open)(const program &code, int64_t capacity, void **device, error_text &error);
  void (*close)(void *device);

  /* All elements of a variable, in the order in which they lie, to and from this process. */
  int32_t (*read)(void *device, int32_t variable, void *to, error_text &error);
  int32_t (*write)(void *device, int32_t variable, const void *from, error_text &error);

  /* Runs a step on the data (of predict: and into the outputs) of `step`, which are this process's, with its batch, learning
   * rate, count and seed. Only predict waits for the end; an error of a step may come out of a later call. */
  int32_t (*run)(void *device, step_kind kind, const step &step, error_text &error);

  int32_t (*reset_metrics)(void *device, error_text &error);
  int32_t (*get_metrics)(void *device, double *values, error_text &error);
  /* Those after each of the last `steps` steps of training. */
  int32_t (*get_recent_metrics)(void *device, int64_t steps, double *values, error_text &error);

  /* Data sets of the device's own, by number. HORNFELS_OUT_OF_MEMORY: as if there had been none. No rows: forgets it. */
  int32_t (*bind)(void *device, int32_t set, const hornfels_rows *data, int64_t rows, error_text &error);
  int32_t (*set_order)(void *device, int32_t set, const uint32_t *order, int64_t count, error_text &error);
  /* Trains or evaluates on rows of a data set. `first_step` has no data; its count is that of the first step. `done`: how
   * many steps were run. */
  int32_t (*run_rows)(void *device, step_kind kind, const rows_of_set &which, const step &first_step, int64_t *done,
                      error_text &error);
};

} // namespace hornfels

#endif
