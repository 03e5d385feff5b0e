/* What one handle has on the device, and where it comes from. Part of program.cu. */
#ifndef HORNFELS_DEVICE_DEVICE_MEMORY_H
#define HORNFELS_DEVICE_DEVICE_MEMORY_H

#include "gather_batch.h"
#include "machine.h"
#include "staging.h"

#include <new>

namespace hornfels::device {

/* In a function that returns a cudaError_t: goes on if the call was right. */
#define HORNFELS_TRY(CALL)                                                                                             \
  if (const cudaError_t hornfels_failure = (CALL); hornfels_failure != cudaSuccess)                                    \
  return hornfels_failure

/* A step for batches of one size, or several such one after another, as launched when it first ran. */
struct captured_step {
  step_kind kind;
  int64_t batch;
  int32_t set;           /* the data set whose rows it gathers; -1: data are uploaded */
  int64_t steps;
  size_t nodes;          /* of the graph */
  cudaGraphExec_t graph; /* null: none */
  int64_t last_use;
};
constexpr int captured_steps = 16;

/* Steps on data that are the device's are launched so many at once, where one has few nodes: that of a small model takes
 * little longer than its launch. */
constexpr int64_t steps_of_graph = 8;
constexpr size_t most_nodes_to_repeat = 64;

/* Locked host memory that a copy may still read. */
struct staging {
  char *block;
  cudaEvent_t copied;
};
constexpr int stagings = 2;

/* All rows of one array. */
struct resident_array {
  void *data, *training; /* `training`: null, or what takes the place of data in training */
  int64_t *offsets, *scan; /* of tokens; `scan`: ids before each place of the order */
  int32_t form;
  int64_t stride;
  int64_t id_room; /* bytes of ids that a batch may have */
};

/* A data set that has been bound. */
struct data_set {
  int64_t rows; /* 0: there is none */
  resident_array *arrays; /* [inputs + targets], on the host */
  uint32_t *order;        /* [rows] */
  bool ordered;
};

/* One handle's part of the device; all zeros at first. */
struct model_on_device {
  const device_program *code;
  int device;
  int64_t capacity;
  cudaStream_t stream;

  void **variables;   /* [variables] */
  char *metric_start; /* first values of the metrics' variables, one after another, each aligned */
  char *values;       /* [metrics] of 8 bytes */
  char *arena;
  char *data;         /* of a batch, see staging.h */
  staging turns[stagings];
  place *places;        /* [inputs + targets] */
  device_array *arrays; /* the same as addresses */
  char *results;        /* of predict, one output after another, each aligned */
  char *host_results;   /* the same in locked memory */
  void **outputs;       /* [outputs], in `results` */

  recent_metrics recent;
  data_set sets[HORNFELS_DATA_SETS];
  step_scalars scalars; /* what the device's are when all that was launched is done, where that is known */
  bool scalars_known;

  int64_t steps_run, steps_trained;
  captured_step captured[captured_steps];
  bool failed; /* a fault of the device: nothing on it is right any more */
  error_text fault;

  const hornfels_model &model() const { return *code->model; }
  int32_t data_arrays() const { return model().inputs + model().targets; }
};

inline int64_t bytes_of(const hornfels_tensor &variable) { return elements(variable) * element_size(variable.type); }

/* Sets the addresses of the results of a batch; returns the bytes of all. */
inline int64_t place_results(const model_on_device &m, int64_t batch) {
  int64_t at = 0;
  for (int32_t i = 0; i < m.model().outputs; ++i) {
    m.outputs[i] = m.results + at;
    at += aligned(batch * bytes_of(m.model().output_info[i]));
  }
  return at;
}

/* Room for 256 ids a row at first, a million at most; it grows with the batches that come. */
inline int64_t first_id_room(const hornfels_tensor &info, int64_t capacity) {
  constexpr int64_t ids_of_row = 256, most_ids = int64_t(1) << 20;
  return (ids_of_row * capacity < most_ids ? ids_of_row * capacity : most_ids) * element_size(info.type);
}

inline int64_t recent_bytes(const model_on_device &m) { return int64_t(8) * HORNFELS_RECENT_STEPS * m.model().metrics; }

/* The device's memory that a handle takes. As a double: sizes of a model may be more than 64 bits hold. */
inline double bytes_needed(const model_on_device &m) {
  const hornfels_model &model = m.model();
  const auto size = [](const hornfels_tensor &info, int64_t rows) {
    double bytes = static_cast<double>(rows) * static_cast<double>(element_size(info.type));
    for (int32_t axis = 0; axis < info.rank; ++axis)
      bytes *= static_cast<double>(info.shape[axis]);
    return bytes + staging_alignment;
  };
  double bytes = static_cast<double>(m.code->fixed_bytes) +
                 static_cast<double>(m.code->bytes_per_sample) * static_cast<double>(m.capacity);
  for (int32_t i = 0; i < model.variables; ++i)
    bytes += size(model.variable_info[i], model.variable_info[i].role == HORNFELS_METRIC ? 2 : 1);
  for (int32_t i = 0; i < model.outputs; ++i)
    bytes += size(model.output_info[i], m.capacity);
  for (int32_t i = 0; i < m.data_arrays(); ++i)
    bytes += is_tokens(data_info(model, i)) ? static_cast<double>(m.places[i].id_room + 8 * (m.capacity + 1))
                                            : size(data_info(model, i), m.capacity);
  return bytes + static_cast<double>(recent_bytes(m));
}

/* A hornfels_status: whether the device has so much left. */
inline int32_t check_memory(const model_on_device &m, error_text &error) {
  constexpr double mebibyte = 1024.0 * 1024.0;
  size_t free = 0, all = 0;
  if (const cudaError_t failure = cudaMemGetInfo(&free, &all); failure != cudaSuccess)
    return refuse(*m.code, "asking for free memory", failure, error);
  const double needed = bytes_needed(m), present = static_cast<double>(free);
  if (needed <= present)
    return HORNFELS_OK;
  return error.fail(HORNFELS_OUT_OF_MEMORY,
                    "%s: batches of %lld rows need %.1f MiB of device memory, %.1f of %.1f MiB are free (%.64s): take smaller "
                    "batches; %s",
                    m.model().name, static_cast<long long>(m.capacity), needed / mebibyte, present / mebibyte,
                    static_cast<double>(all) / mebibyte, device_text(m.device).name(), cpu_offer);
}

/* At least a byte, so that every buffer has an address of its own. */
inline size_t size_to_allocate(int64_t bytes) { return static_cast<size_t>(bytes > 0 ? bytes : 1); }

template <class T> cudaError_t allocate(T *&to, int64_t bytes) {
  void *address = nullptr;
  HORNFELS_TRY(cudaMalloc(&address, size_to_allocate(bytes)));
  to = static_cast<T *>(address);
  return cudaSuccess;
}

inline cudaError_t allocate_locked(char *&to, int64_t bytes) {
  void *address = nullptr;
  HORNFELS_TRY(cudaMallocHost(&address, size_to_allocate(bytes)));
  to = static_cast<char *>(address);
  return cudaSuccess;
}

template <class T> cudaError_t allocate_zeros(model_on_device &m, T *&to, int64_t bytes) {
  HORNFELS_TRY(allocate(to, bytes));
  return cudaMemsetAsync(to, 0, size_to_allocate(bytes), m.stream);
}

/* Blocks for the data of the largest batch, with room for ids as `places` says. */
inline cudaError_t allocate_data(model_on_device &m) {
  const int64_t bytes = lay_out(m.model(), m.data_arrays(), m.capacity, m.places).bytes;
  HORNFELS_TRY(allocate(m.data, bytes));
  for (staging &turn : m.turns)
    HORNFELS_TRY(allocate_locked(turn.block, bytes));
  return cudaSuccess;
}

inline void free_data(model_on_device &m) {
  m.scalars_known = false;
  cudaFree(m.data);
  m.data = nullptr;
  for (staging &turn : m.turns) {
    cudaFreeHost(turn.block);
    turn.block = nullptr;
  }
}

inline cudaError_t allocate_all(model_on_device &m) {
  const hornfels_model &model = m.model();
  HORNFELS_TRY(cudaStreamCreateWithFlags(&m.stream, cudaStreamNonBlocking));
  for (staging &turn : m.turns)
    HORNFELS_TRY(cudaEventCreateWithFlags(&turn.copied, cudaEventDisableTiming));
  int64_t metric_bytes = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    const int64_t bytes = bytes_of(model.variable_info[i]);
    HORNFELS_TRY(allocate_zeros(m, m.variables[i], bytes));
    metric_bytes += model.variable_info[i].role == HORNFELS_METRIC ? aligned(bytes) : 0;
  }
  const int64_t result_bytes = place_results(m, m.capacity);
  HORNFELS_TRY(allocate(m.metric_start, metric_bytes));
  HORNFELS_TRY(allocate_zeros(m, m.values, 8 * (model.metrics + 1)));
  HORNFELS_TRY(allocate_zeros(m, m.recent.values, recent_bytes(m)));
  HORNFELS_TRY(allocate_zeros(m, m.recent.steps, static_cast<int64_t>(sizeof *m.recent.steps)));
  HORNFELS_TRY(allocate(m.arena, m.code->fixed_bytes + m.code->bytes_per_sample * m.capacity));
  HORNFELS_TRY(allocate(m.results, result_bytes));
  HORNFELS_TRY(allocate_locked(m.host_results, result_bytes));
  return allocate_data(m);
}

inline void forget_captured(model_on_device &m) {
  for (captured_step &step : m.captured) {
    if (step.graph)
      cudaGraphExecDestroy(step.graph);
    step.graph = nullptr;
  }
}

/* A data set's part of the device; the stream must be done with it. */
inline void free_set(model_on_device &m, data_set &set) {
  for (int32_t i = 0; set.arrays && i < m.data_arrays(); ++i)
    for (void *part : {set.arrays[i].data, set.arrays[i].training, static_cast<void *>(set.arrays[i].offsets),
                       static_cast<void *>(set.arrays[i].scan)})
      cudaFree(part);
  cudaFree(set.order);
  delete[] set.arrays;
  set = {};
}

/* Everything, also after a fault or when only a part could be had; what is null is not freed. */
inline void release(model_on_device *m) {
  if (m->stream)
    cudaStreamSynchronize(m->stream);
  forget_captured(*m);
  free_data(*m);
  for (int32_t i = 0; m->variables && i < m->model().variables; ++i)
    cudaFree(m->variables[i]);
  for (data_set &set : m->sets)
    free_set(*m, set);
  for (char *buffer : {m->metric_start, m->values, m->arena, m->results, m->recent.values})
    cudaFree(buffer);
  cudaFree(m->recent.steps);
  cudaFreeHost(m->host_results);
  for (staging &turn : m->turns)
    if (turn.copied)
      cudaEventDestroy(turn.copied);
  if (m->stream)
    cudaStreamDestroy(m->stream);
  delete[] m->variables;
  delete[] m->places;
  delete[] m->arrays;
  delete[] m->outputs;
  delete m;
}

/* The host's part of a handle; null: no memory. */
inline model_on_device *new_model(const device_program &code, int64_t capacity) {
  model_on_device *m = new (std::nothrow) model_on_device();
  if (!m)
    return nullptr;
  const auto count = [](int32_t n) { return static_cast<size_t>(n) + 1; };
  m->code = &code;
  m->capacity = capacity;
  m->variables = new (std::nothrow) void *[count(code.model->variables)]();
  m->outputs = new (std::nothrow) void *[count(code.model->outputs)]();
  m->places = new (std::nothrow) place[count(m->data_arrays())]();
  m->arrays = new (std::nothrow) device_array[count(m->data_arrays())]();
  if (!m->variables || !m->outputs || !m->places || !m->arrays) {
    release(m);
    return nullptr;
  }
  for (int32_t i = 0; i < m->data_arrays(); ++i)
    if (is_tokens(data_info(*code.model, i)))
      m->places[i].id_room = first_id_room(data_info(*code.model, i), capacity);
  return m;
}

} // namespace hornfels::device

#endif
