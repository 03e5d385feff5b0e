/* The host side of a model on a CUDA device: transfers, and the steps as CUDA graphs. One stream for each handle; training
 * waits for the device only when it is two steps ahead of it. */
#include "program.h"

#include "data_sets.h"
#include "device_memory.h"
#include "machine.h"
#include "measured_step.h"
#include "staging.h"

namespace hornfels::device {
namespace {

/* The handle's device is the thread's while this lives. */
class current_device {
public:
  explicit current_device(int wanted) {
    changed_ = cudaGetDevice(&before_) == cudaSuccess && before_ != wanted && cudaSetDevice(wanted) == cudaSuccess;
  }
  ~current_device() {
    if (changed_)
      cudaSetDevice(before_);
  }
  current_device(const current_device &) = delete;
  current_device &operator=(const current_device &) = delete;

private:
  int before_ = 0;
  bool changed_;
};

const char *name_of(step_kind kind) {
  return kind == step_kind::train      ? "train_step"
         : kind == step_kind::evaluate ? "evaluate_step"
         : kind == step_kind::predict  ? "predict"
                                       : "initialize";
}

int32_t arrays_of(const model_on_device &m, step_kind kind) {
  return kind == step_kind::initialize ? 0 : kind == step_kind::predict ? m.model().inputs : m.data_arrays();
}

/* What fails while the device works has spoilt it for good: the handle says so from then on. */
int32_t check(model_on_device &m, const char *what, cudaError_t failure, error_text &error) {
  const int32_t status = refuse(*m.code, what, failure, error);
  if (status != HORNFELS_OK && status != HORNFELS_OUT_OF_MEMORY) {
    m.failed = true;
    m.fault = error;
  }
  return status;
}

int32_t refuse_after_fault(const model_on_device &m, error_text &error) {
  return error.fail(HORNFELS_BAD_DEVICE, "%.400s; the handle is of no use after this", m.fault.text);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* New blocks for the data of a batch, with room for ids as m.places says. */
int32_t allocate_data_again(model_on_device &m, const char *what, error_text &error) {
  if (const cudaError_t failure = cudaStreamSynchronize(m.stream); failure != cudaSuccess)
    return check(m, what, failure, error);
  forget_captured(m);
  free_data(m);
  const cudaError_t allocated = allocate_data(m);
  if (allocated != cudaSuccess)
    free_data(m);
  /* What needed it is refused; the next batch, which may be smaller, finds none and makes its own. */
  for (int32_t i = 0; i < m.data_arrays() && allocated != cudaSuccess; ++i)
    m.places[i].id_room = 0;
  return check(m, "room for the ids of a batch", allocated, error);
}

/* Makes room for the ids of a batch that is larger than any before; but for data sets the only memory that is taken after
 * open(). */
int32_t make_room_for_ids(model_on_device &m, step_kind kind, const step &s, error_text &error) {
  const int32_t arrays = arrays_of(m, kind);
  bool enough = true;
  for (int32_t i = 0; i < arrays; ++i)
    if (const hornfels_tensor &info = data_info(m.model(), i); is_tokens(info)) {
      const int64_t needed = id_bytes(info, s.data[i], s.batch);
      if (needed > m.places[i].id_room) {
        m.places[i].id_room = aligned(needed + needed / 2);
        enough = false;
      }
    }
  if (enough && m.data)
    return HORNFELS_OK;
  return allocate_data_again(m, name_of(kind), error);
}

cudaError_t send_data(model_on_device &m, int32_t arrays, const step &s, layout block) {
  staging &turn = m.turns[m.steps_run++ % stagings];
  HORNFELS_TRY(cudaEventSynchronize(turn.copied));
  fill(m.model(), arrays, s, m.places, turn.block);
  m.scalars_known = false;
  HORNFELS_TRY(upload(m.model(), arrays, s, m.places, block, m.data, turn.block, m.stream));
  return cudaEventRecord(turn.copied, m.stream);
}

device_step step_on_device(const model_on_device &m, int32_t arrays, int64_t batch) {
  for (int32_t i = 0; i < arrays; ++i) {
    const bool tokens = is_tokens(data_info(m.model(), i));
    void *const offsets = tokens ? m.data + m.places[i].offsets : nullptr;
    m.arrays[i] = {m.data + m.places[i].data, static_cast<const int64_t *>(offsets)};
  }
  device_step d{};
  d.variables = m.variables;
  d.data = m.arrays;
  d.outputs = m.outputs;
  d.values = m.values;
  d.arena = m.arena;
  d.fixed_bytes = m.code->fixed_bytes;
  d.capacity = m.capacity;
  d.batch = batch;
  d.scalars = static_cast<const step_scalars *>(static_cast<const void *>(m.data));
  return d;
}

/* What a step of training or of a data set leaves behind. */
void launch_end(const model_on_device &m, step_kind kind, const device_step &d, bool of_set) {
  const bool trains = kind == step_kind::train;
  step_scalars *const scalars = static_cast<step_scalars *>(static_cast<void *>(m.data));
  launch(m.stream, end_step, 1L, 32, 0, trains ? m.recent : recent_metrics{}, static_cast<const char *>(m.values),
         m.model().metrics, of_set ? scalars : nullptr, d.batch, int64_t(trains ? 1 : 0));
}

/* Launches everything that a step does behind the upload. `set`: null, or the data set that the batch comes from. */
cudaError_t launch_step(const model_on_device &m, step_kind kind, const device_step &d, const data_set *set) {
  cudaGetLastError(); /* somebody else's */
  const int64_t result_bytes = kind == step_kind::predict ? place_results(m, d.batch) : 0;
  if (set)
    launch_gather(m, *set, kind == step_kind::train, d.batch);
  m.code->steps[static_cast<int>(kind)](d, m.stream);
  if (set || kind == step_kind::train)
    launch_end(m, kind, d, set != nullptr);
  HORNFELS_TRY(cudaGetLastError());
  if (result_bytes > 0)
    return cudaMemcpyAsync(m.host_results, m.results, static_cast<size_t>(result_bytes), cudaMemcpyDeviceToHost, m.stream);
  return cudaSuccess;
}

/* The launches as one graph. Kernels may be loaded when they are first launched: hence a relaxed capture. */
cudaError_t capture(const model_on_device &m, const device_step &d, captured_step &to) {
  cudaGraph_t recorded = nullptr;
  HORNFELS_TRY(cudaStreamBeginCapture(m.stream, cudaStreamCaptureModeRelaxed));
  cudaError_t failure = cudaSuccess;
  for (int64_t step = 0; step < to.steps && failure == cudaSuccess; ++step)
    failure = launch_step(m, to.kind, d, to.set < 0 ? nullptr : &m.sets[to.set]);
  const cudaError_t ended = cudaStreamEndCapture(m.stream, &recorded);
  if (failure == cudaSuccess)
    failure = ended;
  if (failure == cudaSuccess)
    failure = cudaGraphGetNodes(recorded, nullptr, &to.nodes);
  if (failure == cudaSuccess)
    failure = cudaGraphInstantiate(&to.graph, recorded, 0);
  if (recorded)
    cudaGraphDestroy(recorded);
  return failure;
}

/* What was captured for this batch of this data set (-1: uploaded), or null. */
captured_step *find_captured(model_on_device &m, step_kind kind, int64_t batch, int32_t set, int64_t steps) {
  for (captured_step &one : m.captured)
    if (one.graph && one.kind == kind && one.batch == batch && one.set == set && one.steps == steps)
      return &one;
  return nullptr;
}

/* The same in the place of what has not been used for longest, yet to be captured. */
captured_step *make_place(model_on_device &m, step_kind kind, int64_t batch, int32_t set, int64_t steps) {
  captured_step *oldest = m.captured;
  for (captured_step &one : m.captured)
    if (!one.graph || (oldest->graph && one.last_use < oldest->last_use))
      oldest = &one;
  if (oldest->graph)
    cudaGraphExecDestroy(oldest->graph);
  *oldest = {kind, batch, set, steps, 0, nullptr, 0};
  return oldest;
}

cudaError_t launch_captured(model_on_device &m, step_kind kind, const device_step &d, int32_t set, int64_t steps) {
  captured_step *captured = find_captured(m, kind, d.batch, set, steps);
  if (!captured) {
    captured = make_place(m, kind, d.batch, set, steps);
    HORNFELS_TRY(capture(m, d, *captured));
  }
  captured->last_use = m.steps_run;
  return cudaGraphLaunch(captured->graph, m.stream);
}

/* The results that launch_step has laid out for this batch. */
void copy_results(const model_on_device &m, const step &s) {
  place_results(m, s.batch);
  for (int32_t i = 0; i < m.model().outputs; ++i)
    std::memcpy(s.outputs[i].data, m.host_results + (static_cast<char *>(m.outputs[i]) - m.results),
                static_cast<size_t>(s.batch * bytes_of(m.model().output_info[i])));
}

int32_t run(void *device, step_kind kind, const step &s, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  const int32_t arrays = arrays_of(m, kind);
  if (const int32_t status = make_room_for_ids(m, kind, s, error))
    return status;
  const layout block = lay_out(m.model(), arrays, s.batch, m.places);
  cudaError_t failure = send_data(m, arrays, s, block);
  const device_step d = step_on_device(m, arrays, s.batch);
  if (failure == cudaSuccess)
    failure = kind == step_kind::initialize ? launch_step(m, kind, d, nullptr) : launch_captured(m, kind, d, -1, 1);
  const bool waits = kind == step_kind::initialize || kind == step_kind::predict;
  if (failure == cudaSuccess && waits)
    failure = cudaStreamSynchronize(m.stream);
  if (failure == cudaSuccess && kind == step_kind::train)
    ++m.steps_trained;
  if (failure == cudaSuccess && kind == step_kind::predict)
    copy_results(m, s);
  return check(m, name_of(kind), failure, error);
}

/* --- data sets ---------------------------------------------------------------------------------------------------- */

/* Nothing that is captured may know a set that goes. */
void forget_set(model_on_device &m, int32_t number) {
  for (captured_step &step : m.captured)
    if (step.graph && step.set == number) {
      cudaGraphExecDestroy(step.graph);
      step.graph = nullptr;
    }
  free_set(m, m.sets[number]);
}

/* Room for the ids of every batch of the data set. */
int32_t make_room_for_set(model_on_device &m, const data_set &set, const char *what, error_text &error) {
  bool enough = m.data != nullptr;
  for (int32_t i = 0; i < m.data_arrays(); ++i)
    if (set.arrays[i].id_room > m.places[i].id_room) {
      m.places[i].id_room = set.arrays[i].id_room;
      enough = false;
    }
  return enough ? HORNFELS_OK : allocate_data_again(m, what, error);
}

int32_t bind(void *device, int32_t set, const hornfels_rows *data, int64_t rows, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  if (const cudaError_t failure = cudaStreamSynchronize(m.stream); failure != cudaSuccess)
    return check(m, "bind_data", failure, error);
  forget_set(m, set);
  if (rows == 0)
    return HORNFELS_OK;
  if (const int32_t status = check_room(m, data, rows, error))
    return status;
  cudaError_t failure = copy_set(m, m.sets[set], data, rows);
  /* The caller's arrays are his again. */
  if (failure == cudaSuccess)
    failure = cudaStreamSynchronize(m.stream);
  int32_t status = check(m, "memory for a data set", failure, error);
  if (status == HORNFELS_OK)
    status = make_room_for_set(m, m.sets[set], "bind_data", error);
  if (status == HORNFELS_OK)
    return status;
  cudaStreamSynchronize(m.stream);
  free_set(m, m.sets[set]);
  cudaGetLastError(); /* it has been said */
  return status;
}

int32_t set_order(void *device, int32_t set, const uint32_t *order, int64_t count, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  data_set &ordered = m.sets[set];
  /* Whether there is an order is part of what was captured. */
  if (ordered.ordered != (order != nullptr))
    for (captured_step &step : m.captured)
      if (step.graph && step.set == set && step.kind == step_kind::train) {
        cudaGraphExecDestroy(step.graph);
        step.graph = nullptr;
      }
  return check(m, "set_order", copy_order(m, ordered, order, count), error);
}

bool same(const step_scalars &a, const step_scalars &b) {
  return a.rate == b.rate && a.count == b.count && a.seed == b.seed && a.row == b.row;
}

/* The device counts by itself; only what it cannot know is sent. */
cudaError_t send_scalars(model_on_device &m, const step_scalars &wanted) {
  ++m.steps_run;
  if (m.scalars_known && same(m.scalars, wanted))
    return cudaSuccess;
  staging &turn = m.turns[m.steps_run % stagings];
  HORNFELS_TRY(cudaEventSynchronize(turn.copied));
  std::memcpy(turn.block, &wanted, sizeof wanted);
  HORNFELS_TRY(cudaMemcpyAsync(m.data, turn.block, sizeof wanted, cudaMemcpyHostToDevice, m.stream));
  m.scalars = wanted;
  m.scalars_known = true;
  return cudaEventRecord(turn.copied, m.stream);
}

/* How many of `left` whole batches to run at once. A first step shows what one is made of. */
int64_t steps_at_once(model_on_device &m, step_kind kind, int32_t set, int64_t batch, int64_t left) {
  if (left < steps_of_graph)
    return 1;
  const captured_step *const one = find_captured(m, kind, batch, set, 1);
  return one && one->nodes <= most_nodes_to_repeat ? steps_of_graph : 1;
}

/* Batches of a data set, one after another. */
cudaError_t run_batches(model_on_device &m, step_kind kind, int32_t set, int64_t batch, int64_t steps, const step_scalars &first) {
  const int32_t arrays = arrays_of(m, kind);
  lay_out(m.model(), arrays, batch, m.places);
  const device_step d = step_on_device(m, arrays, batch);
  HORNFELS_TRY(send_scalars(m, first));
  HORNFELS_TRY(launch_captured(m, kind, d, set, steps));
  m.scalars.row += steps * batch;
  if (kind != step_kind::train)
    return cudaSuccess;
  m.scalars.count += steps;
  m.steps_trained += steps;
  return cudaSuccess;
}

int32_t run_rows(void *device, step_kind kind, const rows_of_set &which, const step &first_step, int64_t *done,
                 error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  if (const int32_t status = make_room_for_set(m, m.sets[which.set], name_of(kind), error))
    return status;
  step_scalars scalars{static_cast<float>(first_step.learning_rate), first_step.learning_rate, first_step.count,
                       static_cast<int64_t>(first_step.seed), which.first};
  for (int64_t left = which.rows; left > 0;) {
    const int64_t batch = left < which.batch ? left : which.batch;
    const int64_t steps = steps_at_once(m, kind, which.set, batch, left / which.batch);
    if (const cudaError_t failure = run_batches(m, kind, which.set, batch, steps, scalars); failure != cudaSuccess)
      return check(m, name_of(kind), failure, error);
    *done += steps;
    scalars.count += kind == step_kind::train ? steps : 0;
    scalars.row += steps * batch;
    left -= steps * batch;
  }
  return HORNFELS_OK;
}

/* --- variables and metrics ---------------------------------------------------------------------------------------- */

/* Copies and waits. */
int32_t copy(model_on_device &m, const char *what, void *to, const void *from, int64_t bytes, cudaMemcpyKind kind,
             error_text &error) {
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  cudaError_t failure = cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, m.stream);
  if (failure == cudaSuccess)
    failure = cudaStreamSynchronize(m.stream);
  return check(m, what, failure, error);
}

int32_t read(void *device, int32_t variable, void *to, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  const hornfels_tensor &info = m.model().variable_info[variable];
  return copy(m, "get_variable", to, m.variables[variable], bytes_of(info), cudaMemcpyDeviceToHost, error);
}

int32_t write(void *device, int32_t variable, const void *from, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  const hornfels_tensor &info = m.model().variable_info[variable];
  return copy(m, "set_variable", m.variables[variable], from, bytes_of(info), cudaMemcpyHostToDevice, error);
}

/* Metrics lie in the 8 bytes of their doubles. */
void widen(const model_on_device &m, double *values, int64_t count) {
  for (int64_t i = 0; i < count && m.code->real == HORNFELS_F32; ++i) {
    float value;
    std::memcpy(&value, values + i, sizeof value);
    values[i] = static_cast<double>(value);
  }
}

int32_t get_metrics(void *device, double *values, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  const int32_t count = m.model().metrics;
  if (count == 0)
    return HORNFELS_OK;
  const int32_t status = copy(m, "get_metrics", values, m.values, 8 * count, cudaMemcpyDeviceToHost, error);
  if (status == HORNFELS_OK)
    widen(m, values, count);
  return status;
}

int32_t get_recent_metrics(void *device, int64_t steps, double *values, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  const int64_t width = m.model().metrics, begin = m.steps_trained - steps;
  /* The ring's end may lie between them. */
  for (int64_t done = 0; done < steps && width > 0;) {
    const int64_t place = (begin + done) % HORNFELS_RECENT_STEPS, to_end = HORNFELS_RECENT_STEPS - place;
    const int64_t count = steps - done < to_end ? steps - done : to_end;
    if (const int32_t status = copy(m, "get_recent_metrics", values + done * width, m.recent.values + 8 * place * width,
                                    8 * count * width, cudaMemcpyDeviceToHost, error))
      return status;
    done += count;
  }
  widen(m, values, steps * width);
  return HORNFELS_OK;
}

/* The metrics' variables to their first values, or these from the variables. */
cudaError_t copy_metric_start(const model_on_device &m, bool restore) {
  char *start = m.metric_start;
  for (int32_t i = 0; i < m.model().variables; ++i) {
    const hornfels_tensor &info = m.model().variable_info[i];
    if (info.role != HORNFELS_METRIC)
      continue;
    void *const variable = m.variables[i];
    HORNFELS_TRY(cudaMemcpyAsync(restore ? variable : start, restore ? start : variable,
                                 static_cast<size_t>(bytes_of(info)), cudaMemcpyDeviceToDevice, m.stream));
    start += aligned(bytes_of(info));
  }
  return cudaMemsetAsync(m.values, 0, static_cast<size_t>(8 * (m.model().metrics + 1)), m.stream);
}

int32_t reset_metrics(void *device, error_text &error) {
  model_on_device &m = *static_cast<model_on_device *>(device);
  if (m.failed)
    return refuse_after_fault(m, error);
  const current_device current(m.device);
  return check(m, "reset_metrics", copy_metric_start(m, true), error);
}

/* --- the handle's beginning and end ------------------------------------------------------------------------------- */

bool has(const program &code, step_kind kind) {
  return static_cast<const device_program &>(code).steps[static_cast<int>(kind)] != nullptr;
}

int32_t prepare(model_on_device &m, error_text &error) {
  if (const int32_t status = check_memory(m, error))
    return status;
  if (const cudaError_t failure = allocate_all(m); failure != cudaSuccess)
    return refuse(*m.code, "memory for a handle", failure, error);
  if (const int32_t status = self_test(*m.code, static_cast<float *>(static_cast<void *>(m.data)), m.stream, error))
    return status;
  /* Slots and metrics start as `initialize` makes them, also where the weights will be loaded. */
  step first{};
  first.batch = first.count = 1;
  if (const int32_t status = run(&m, step_kind::initialize, first, error))
    return status;
  cudaError_t failure = copy_metric_start(m, false);
  if (failure == cudaSuccess)
    failure = cudaStreamSynchronize(m.stream);
  return check(m, "initialize", failure, error);
}

int32_t open(const program &code, int64_t capacity, void **device, error_text &error) {
  const device_program &program = static_cast<const device_program &>(code);
  int number = 0;
  if (const int32_t status = check_machine(program, &number, error))
    return status;
  model_on_device *m = new_model(program, capacity);
  if (!m)
    return HORNFELS_OUT_OF_MEMORY;
  m->device = number;
  const int32_t status = prepare(*m, error);
  if (status == HORNFELS_OK)
    *device = m;
  else
    release(m);
  return status;
}

void close(void *device) {
  model_on_device *m = static_cast<model_on_device *>(device);
  const current_device current(m->device);
  release(m);
}

} // namespace

bool find_measured_step(void *device, step_kind kind, int64_t batch, measured_step &found) {
  const model_on_device &m = *static_cast<model_on_device *>(device);
  for (const captured_step &each : m.captured)
    if (each.graph && each.kind == kind && each.batch == batch && each.set < 0) {
      found = {m.code, m.code->steps[static_cast<int>(kind)], step_on_device(m, arrays_of(m, kind), batch), each.graph, m.stream};
      return true;
    }
  return false;
}

const backend on_device = {has, open, close, read, write, run, reset_metrics, get_metrics, get_recent_metrics, bind, set_order, run_rows};

} // namespace hornfels::device
