#include "handle.h"

#include "call_checks.h"
#include "denormals.h"
#include "live_handles.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace hornfels {
namespace {

/* A cache line, and the widest vector. The capacity is a multiple of 16 rows, so that rows of 4 bytes keep it. */
constexpr int64_t alignment = 64;

int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

struct handle {
  const program *code;
  char *memory;       /* everything: variables, first values of the metrics, arena */
  void **variables;
  char *metric_start; /* first values of the metrics' variables, one after another */
  char *arena;
  double *values;
  int64_t capacity, arena_size;
  int64_t steps_done;
  uint64_t seed;
  double learning_rate;
  hornfels_pool pool;
  bool has_pool;
  int32_t unset; /* weights and states not yet given a value */
  unsigned char *is_set;
  lazy_rows *lazy;
  mutable std::atomic<bool> busy;
  mutable error_text error;
};

/* Null, a number that is no handle's, or one that was destroyed: null. */
handle *of(const void *opaque) { return static_cast<handle *>(find_live_handle(opaque)); }

bool is_saved(const hornfels_tensor &tensor) { return tensor.role == HORNFELS_WEIGHT || tensor.role == HORNFELS_STATE; }

template <class... Values> int32_t fail(const handle &h, int32_t status, const char *format, Values... values) {
  return h.error.fail(status, format, values...);
}

/* One call at a time: a second one, from another thread or from inside, is refused and changes nothing. */
class call {
public:
  explicit call(const handle *h) : h_(h), entered_(h && !h->busy.exchange(true, std::memory_order_acquire)) {
    if (entered_)
      h->error.text[0] = 0;
  }
  ~call() {
    if (entered_)
      h_->busy.store(false, std::memory_order_release);
  }
  call(const call &) = delete;
  call &operator=(const call &) = delete;
  int32_t status() const { return !h_ ? HORNFELS_BAD_ARGUMENT : entered_ ? HORNFELS_OK : HORNFELS_BAD_STATE; }

private:
  const handle *h_;
  bool entered_;
};

int32_t check_batch(const handle &h, const void *data, int64_t batch) {
  if (h.unset > 0)
    return fail(h, HORNFELS_BAD_STATE, "%s: the weights are neither initialised nor loaded", h.code->model->name);
  if (!data)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", h.code->model->name);
  if (batch < 0 || batch > h.capacity)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: a batch of %lld, this handle takes 0 to %lld", h.code->model->name,
                static_cast<long long>(batch), static_cast<long long>(h.capacity));
  return HORNFELS_OK;
}

step make_step(const handle &h, int64_t batch) {
  step s{};
  s.variables = h.variables;
  s.values = h.values;
  s.arena = h.arena;
  s.fixed_bytes = h.code->fixed_bytes;
  s.capacity = h.capacity;
  s.batch = batch;
  s.learning_rate = h.learning_rate;
  s.count = h.steps_done + 1;
  s.seed = h.seed;
  s.pool = h.has_pool ? &h.pool : nullptr;
  s.lazy = h.lazy;
  return s;
}

int32_t run_on_data(handle &h, void (*function)(const step &), const hornfels_array *data, int64_t batch) {
  const hornfels_model &model = *h.code->model;
  if (!function)
    return fail(h, HORNFELS_BAD_STATE, "%s: has no `train` block, so no training or evaluation", model.name);
  if (const int32_t status = check_batch(h, data, batch))
    return status;
  if (batch == 0)
    return HORNFELS_OK;
  const flush_denormals mode;
  for (int32_t i = 0; i < model.inputs + model.targets; ++i) {
    const bool is_target = i >= model.inputs;
    const hornfels_tensor &info = is_target ? model.target_info[i - model.inputs] : model.input_info[i];
    if (const int32_t status = check_array(h.error, info, data[i], batch))
      return status;
    if (const int32_t status = is_target ? check_target(h.error, info, data[i], batch) : HORNFELS_OK)
      return status;
  }
  step s = make_step(h, batch);
  s.data = data;
  function(s);
  return HORNFELS_OK;
}

void save_metric_start(const handle &h, bool restore) {
  char *place = h.metric_start;
  const hornfels_model &model = *h.code->model;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &info = model.variable_info[i];
    if (info.role != HORNFELS_METRIC)
      continue;
    const size_t bytes = static_cast<size_t>(elements(info) * element_size(info.type));
    if (restore)
      std::memcpy(h.variables[i], place, bytes);
    else
      std::memcpy(place, h.variables[i], bytes);
    place += bytes;
  }
}

/* Somebody has given a table's slots new values. */
void all_rows_are_current(lazy_rows &rows) {
  std::memset(rows.steps, 0, static_cast<size_t>(rows.table->rows) * sizeof(int32_t));
  rows.now = 0;
  rows.touched = true;
}

/* Slots that are behind are not for anybody's eyes. */
void catch_up_all(const handle &h) {
  for (int32_t i = 0; i < h.code->lazy_tables; ++i)
    catch_up(h.lazy[i], h.variables);
}

void run_initialize(handle &h, uint64_t seed) {
  step s = make_step(h, 1);
  s.seed = seed;
  const flush_denormals mode;
  h.code->initialize(s);
  for (int32_t i = 0; i < h.code->lazy_tables; ++i)
    all_rows_are_current(h.lazy[i]);
}

} // namespace

int32_t create(const program &code, void **result, int64_t capacity) {
  constexpr int64_t largest_capacity = int64_t(1) << 24;
  if (!result || capacity < 1 || capacity > largest_capacity)
    return HORNFELS_BAD_ARGUMENT;
  *result = nullptr;
  const hornfels_model &model = *code.model;
  capacity = round_up(capacity, 16);

  /* One block: the variables, the metrics' first values, what is known of lazy rows, the arena. */
  int64_t total = 0, metric_bytes = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    const int64_t bytes = elements(model.variable_info[i]) * element_size(model.variable_info[i].type);
    total += round_up(bytes, alignment);
    if (model.variable_info[i].role == HORNFELS_METRIC)
      metric_bytes += bytes;
  }
  int64_t lazy_bytes = 0;
  for (int32_t i = 0; i < code.lazy_tables; ++i)
    lazy_bytes += 2 * round_up(code.lazy[i].rows * static_cast<int64_t>(sizeof(int32_t)), alignment);
  const int64_t lazy_offset = total + round_up(metric_bytes, alignment), arena_offset = lazy_offset + lazy_bytes;
  if (code.bytes_per_sample > 0 && capacity > (INT64_MAX / 4) / code.bytes_per_sample)
    return HORNFELS_OUT_OF_MEMORY;
  const int64_t arena_size = code.fixed_bytes + code.bytes_per_sample * capacity;

  handle *h = static_cast<handle *>(std::calloc(1, sizeof(handle)));
  const size_t block = static_cast<size_t>(round_up(arena_offset + arena_size + alignment, alignment));
  char *memory = static_cast<char *>(std::aligned_alloc(static_cast<size_t>(alignment), block));
  void **variables = static_cast<void **>(std::calloc(static_cast<size_t>(model.variables) + 1, sizeof(void *)));
  double *values = static_cast<double *>(std::calloc(static_cast<size_t>(model.metrics) + 1, sizeof(double)));
  unsigned char *is_set = static_cast<unsigned char *>(std::calloc(static_cast<size_t>(model.variables) + 1, 1));
  lazy_rows *lazy = static_cast<lazy_rows *>(std::calloc(static_cast<size_t>(code.lazy_tables) + 1, sizeof(lazy_rows)));
  void *number = h ? add_live_handle(h) : nullptr;
  if (!number || !memory || !variables || !values || !is_set || !lazy) {
    remove_live_handle(number);
    std::free(h);
    std::free(memory);
    std::free(variables);
    std::free(values);
    std::free(is_set);
    std::free(lazy);
    return HORNFELS_OUT_OF_MEMORY;
  }
  std::memset(memory, 0, static_cast<size_t>(arena_offset));
  h->code = &code;
  h->memory = memory;
  h->variables = variables;
  h->values = values;
  h->is_set = is_set;
  h->lazy = lazy;
  char *place = memory + lazy_offset;
  for (int32_t i = 0; i < code.lazy_tables; ++i) {
    const int64_t bytes = round_up(code.lazy[i].rows * static_cast<int64_t>(sizeof(int32_t)), alignment);
    lazy[i].table = &code.lazy[i];
    lazy[i].steps = static_cast<int32_t *>(static_cast<void *>(place));
    lazy[i].ids = static_cast<int32_t *>(static_cast<void *>(place + bytes));
    place += 2 * bytes;
  }
  h->metric_start = memory + total;
  h->arena = memory + arena_offset;
  h->capacity = capacity;
  h->arena_size = arena_size;
  h->learning_rate = model.training ? model.training->learning_rate : 0.0;
  int64_t offset = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    variables[i] = memory + offset;
    offset += round_up(elements(model.variable_info[i]) * element_size(model.variable_info[i].type), alignment);
    h->unset += is_saved(model.variable_info[i]);
  }
  /* Slots and metrics start as `initialize` makes them, also where the weights will be loaded. */
  run_initialize(*h, 0);
  save_metric_start(*h, false);
  *result = number;
  return HORNFELS_OK;
}

void destroy(void *opaque) {
  handle *h = of(opaque);
  if (!h || h->busy.exchange(true, std::memory_order_acquire))
    return;
  remove_live_handle(opaque);
  std::free(h->memory);
  std::free(h->variables);
  std::free(h->values);
  std::free(h->is_set);
  std::free(h->lazy);
  std::free(h);
}

int32_t set_pool(void *opaque, const hornfels_pool *pool) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (pool && !pool->run)
    return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: the pool has no run function", h->code->model->name);
  h->has_pool = pool != nullptr;
  if (pool)
    h->pool = *pool;
  return HORNFELS_OK;
}

int32_t initialize(void *opaque, uint64_t seed) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  h->seed = seed;
  run_initialize(*h, seed);
  h->steps_done = 0;
  h->unset = 0;
  return HORNFELS_OK;
}

int32_t train_step(void *opaque, const hornfels_array *data, int64_t batch) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  const int32_t status = run_on_data(*h, h->code->train_step, data, batch);
  if (status == HORNFELS_OK && batch > 0)
    ++h->steps_done;
  return status;
}

int32_t evaluate_step(void *opaque, const hornfels_array *data, int64_t batch) {
  handle *h = of(opaque);
  const call entered(h);
  return entered.status() ? entered.status() : run_on_data(*h, h->code->evaluate_step, data, batch);
}

int32_t predict(void *opaque, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  const hornfels_model &model = *h->code->model;
  if (const int32_t status = check_batch(*h, inputs, batch))
    return status;
  if (batch == 0)
    return HORNFELS_OK;
  for (int32_t i = 0; i < model.inputs; ++i)
    if (const int32_t status = check_array(h->error, model.input_info[i], inputs[i], batch))
      return status;
  if (const int32_t status = check_results(h->error, model, inputs, outputs, batch))
    return status;
  step s = make_step(*h, batch);
  s.data = inputs;
  s.outputs = outputs;
  const flush_denormals mode;
  h->code->predict(s);
  return HORNFELS_OK;
}

int32_t reset_metrics(void *opaque) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  save_metric_start(*h, true);
  std::memset(h->values, 0, static_cast<size_t>(h->code->model->metrics) * sizeof(double));
  return HORNFELS_OK;
}

int32_t get_metrics(const void *opaque, double *values) {
  const handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (!values)
    return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", h->code->model->name);
  std::memcpy(values, h->values, static_cast<size_t>(h->code->model->metrics) * sizeof(double));
  return HORNFELS_OK;
}

static int32_t check_variable(const handle &h, int32_t index, const void *data, int64_t size) {
  const hornfels_model &model = *h.code->model;
  if (index < 0 || index >= model.variables)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: variable %d of %d", model.name, static_cast<int>(index),
                static_cast<int>(model.variables));
  const hornfels_tensor &info = model.variable_info[index];
  if (!data)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
  if (size != elements(info))
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: %lld elements given, it has %lld", info.name,
                static_cast<long long>(size), static_cast<long long>(elements(info)));
  return HORNFELS_OK;
}

static int64_t panel_width(const handle &h, int32_t index) { return h.code->panels ? h.code->panels[index] : 0; }

/* A packed matrix [rows, columns] lies in panels of `width` columns (the last one may be narrower), each row by row.
 * Calls move(packed, plain, bytes) for each run of elements that both have together. */
template <class Move> static void over_panels(const hornfels_tensor &info, int64_t width, const Move &move) {
  const int64_t rows = info.shape[0], columns = info.shape[1], size = element_size(info.type);
  int64_t packed = 0;
  for (int64_t first = 0; first < columns; first += width) {
    const int64_t count = first + width <= columns ? width : columns - first;
    for (int64_t row = 0; row < rows; ++row, packed += count)
      move(packed * size, (row * columns + first) * size, static_cast<size_t>(count * size));
  }
}

int32_t get_variable(const void *opaque, int32_t index, void *data, int64_t size) {
  const handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (const int32_t status = check_variable(*h, index, data, size))
    return status;
  const hornfels_tensor &info = h->code->model->variable_info[index];
  if (info.role == HORNFELS_SLOT)
    catch_up_all(*h);
  const char *from = static_cast<const char *>(h->variables[index]);
  char *to = static_cast<char *>(data);
  if (const int64_t width = panel_width(*h, index))
    over_panels(info, width, [&](int64_t packed, int64_t plain, size_t bytes) { std::memcpy(to + plain, from + packed, bytes); });
  else
    std::memcpy(to, from, static_cast<size_t>(size * element_size(info.type)));
  return HORNFELS_OK;
}

int32_t set_variable(void *opaque, int32_t index, const void *data, int64_t size) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (const int32_t status = check_variable(*h, index, data, size))
    return status;
  const hornfels_tensor &info = h->code->model->variable_info[index];
  if (info.role == HORNFELS_SLOT)
    catch_up_all(*h);
  for (int32_t i = 0; i < h->code->lazy_tables; ++i)
    h->lazy[i].touched = true;
  const char *from = static_cast<const char *>(data);
  char *to = static_cast<char *>(h->variables[index]);
  if (const int64_t width = panel_width(*h, index))
    over_panels(info, width, [&](int64_t packed, int64_t plain, size_t bytes) { std::memcpy(to + packed, from + plain, bytes); });
  else
    std::memcpy(to, from, static_cast<size_t>(size * element_size(info.type)));
  if (h->unset > 0 && is_saved(info) && !h->is_set[index]) {
    h->is_set[index] = 1;
    --h->unset;
  }
  return HORNFELS_OK;
}

int32_t set_learning_rate(void *opaque, double rate) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  /* In this order: to compare a NaN may trap. Steps of a model of floats take the rate as one. */
  bool fits = std::isfinite(rate);
  for (int32_t i = 0; fits && i < h->code->model->variables; ++i)
    fits = h->code->model->variable_info[i].type != HORNFELS_F32 || rate <= static_cast<double>(std::numeric_limits<float>::max());
  if (!fits || rate < 0.0)
    return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: a learning rate of %g", h->code->model->name, rate);
  h->learning_rate = rate;
  return HORNFELS_OK;
}

double get_learning_rate(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->learning_rate : 0.0;
}

int32_t set_seed(void *opaque, uint64_t seed) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status() == HORNFELS_OK)
    h->seed = seed;
  return entered.status();
}

uint64_t get_seed(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->seed : 0;
}

int32_t set_step(void *opaque, int64_t count) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (count < 0)
    return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: step %lld", h->code->model->name, static_cast<long long>(count));
  h->steps_done = count;
  return HORNFELS_OK;
}

int64_t get_step(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->steps_done : 0;
}

const char *last_error(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->error.text : "the handle is null, or was destroyed";
}

int64_t arena_bytes(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->arena_size : 0;
}

} // namespace hornfels
