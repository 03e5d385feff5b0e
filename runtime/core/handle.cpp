#include "handle.h"

#include "denormals.h"
#include "memory_access.h"

#include <atomic>
#include <cmath>
#include <cstdio>
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
  mutable char error[512];
};

handle *of(void *opaque) { return static_cast<handle *>(opaque); }
const handle *of(const void *opaque) { return static_cast<const handle *>(opaque); }

int64_t element_size(int32_t type) {
  switch (type) {
  case HORNFELS_F64:
  case HORNFELS_I64:
    return 8;
  case HORNFELS_U8:
  case HORNFELS_BOOL:
    return 1;
  case HORNFELS_TOKENS16:
    return 2;
  default:
    return 4;
  }
}

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

bool is_saved(const hornfels_tensor &tensor) { return tensor.role == HORNFELS_WEIGHT || tensor.role == HORNFELS_STATE; }

template <class... Values> int32_t fail(const handle &h, int32_t status, const char *format, Values... values) {
  std::snprintf(h.error, sizeof h.error, format, values...);
  return status;
}

/* One call at a time: a second one, from another thread or from inside, is refused and changes nothing. */
class call {
public:
  explicit call(const handle *h) : h_(h), entered_(h && !h->busy.exchange(true, std::memory_order_acquire)) {
    if (entered_)
      h->error[0] = 0;
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

/* Whether some id of a row that should ascend follows one that is larger, or, in sets, equal. In vectors, the last of
 * which overlaps the one before: every id of every step passes here. */
template <class Id> bool out_of_order(const Id *ids, int64_t count, bool sets) {
  constexpr int width = 16 / int(sizeof(Id));
  using ids_v = vec<Id, width>;
  if (count <= width) {
    bool wrong = false;
    for (int64_t i = 1; i < count; ++i)
      wrong |= sets ? ids[i] <= ids[i - 1] : ids[i] < ids[i - 1];
    return wrong;
  }
  ids_v wrong{};
  auto look = [&](int64_t i) {
    const ids_v before = load<ids_v>(ids + i - 1), here = load<ids_v>(ids + i);
    wrong |= bits_as<ids_v>(sets ? here <= before : here < before);
  };
  for (int64_t i = 1; i < count - width; i += width)
    look(i);
  look(count - width);
  const v2l all = bits_as<v2l>(wrong);
  return (all[0] | all[1]) != 0;
}

/* The error about the first wrong id of a row that has one. */
template <class Id>
int32_t wrong_id(const handle &h, const hornfels_tensor &info, long long row, const Id *ids, int64_t count) {
  long long before = -1;
  for (int64_t i = 0; i < count; ++i) {
    const long long id = ids[i];
    if (id < 0 || id >= info.limit)
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: row %lld has the id %lld, ids are below %lld", info.name, row, id,
                  static_cast<long long>(info.limit));
    if (id < before || (id == before && info.token_rows == HORNFELS_ROWS_SETS))
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: row %lld is not %s: id %lld follows id %lld", info.name, row,
                  info.token_rows == HORNFELS_ROWS_SETS ? "a sorted set" : "sorted", id, before);
    before = info.token_rows == HORNFELS_ROWS_AS_IS ? -1 : id;
  }
  return HORNFELS_OK;
}

template <class Id>
int32_t check_ids(const handle &h, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  const Id *ids = static_cast<const Id *>(array.data);
  const bool sets = info.token_rows == HORNFELS_ROWS_SETS;
  if (batch > 0 && array.offsets[0] != 0)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: the first row begins at %lld, not at 0", info.name,
                static_cast<long long>(array.offsets[0]));
  for (int64_t row = 0; row < batch; ++row) {
    const int64_t first = array.offsets[row], last = array.offsets[row + 1], count = last - first;
    if (first < 0 || last < first || last > array.size)
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: row %lld goes from %lld to %lld of %lld ids", info.name,
                  static_cast<long long>(row), static_cast<long long>(first), static_cast<long long>(last),
                  static_cast<long long>(array.size));
    /* In a row that ascends, the first and the last id speak for all. */
    const bool ascends = info.token_rows != HORNFELS_ROWS_AS_IS;
    const int64_t least = count > 0 ? ids[first] : 0, most = count > 0 ? ids[last - 1] : 0;
    if (ascends && least >= 0 && (count == 0 || most < info.limit) && !out_of_order(ids + first, count, sets))
      continue;
    if (const int32_t status = wrong_id(h, info, row, ids + first, count))
      return status;
  }
  return HORNFELS_OK;
}

template <class Class>
int32_t check_classes(const handle &h, const hornfels_tensor &info, const hornfels_array &array, int64_t count) {
  const Class *classes = static_cast<const Class *>(array.data);
  for (int64_t i = 0; i < count; ++i)
    if (classes[i] < 0 || classes[i] >= info.limit)
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: element %lld is %lld, class numbers are from 0 to %lld", info.name,
                  static_cast<long long>(i), static_cast<long long>(classes[i]), static_cast<long long>(info.limit - 1));
  return HORNFELS_OK;
}

int32_t check_array(const handle &h, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  if (is_tokens(info)) {
    if (!array.offsets || (!array.data && array.size > 0))
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
    return info.type == HORNFELS_TOKENS16 ? check_ids<uint16_t>(h, info, array, batch)
                                          : check_ids<int32_t>(h, info, array, batch);
  }
  const int64_t needed = batch * elements(info);
  if (!array.data)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
  if (array.size != needed)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: %lld elements, a batch of %lld needs %lld", info.name,
                static_cast<long long>(array.size), static_cast<long long>(batch), static_cast<long long>(needed));
  if (reinterpret_cast<uintptr_t>(array.data) % static_cast<uintptr_t>(element_size(info.type)) != 0)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: address is not a multiple of the element size", info.name);
  if (info.limit > 0 && info.type == HORNFELS_I32)
    return check_classes<int32_t>(h, info, array, needed);
  if (info.limit > 0 && info.type == HORNFELS_I64)
    return check_classes<int64_t>(h, info, array, needed);
  return HORNFELS_OK;
}

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
  for (int32_t i = 0; i < model.inputs + model.targets; ++i) {
    const hornfels_tensor &info = i < model.inputs ? model.input_info[i] : model.target_info[i - model.inputs];
    if (const int32_t status = check_array(h, info, data[i], batch))
      return status;
  }
  step s = make_step(h, batch);
  s.data = data;
  const flush_denormals mode;
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
  const int64_t arena_size = code.fixed_bytes + code.bytes_per_sample * capacity;
  if (code.bytes_per_sample > 0 && capacity > (INT64_MAX / 4) / code.bytes_per_sample)
    return HORNFELS_OUT_OF_MEMORY;

  handle *h = static_cast<handle *>(std::calloc(1, sizeof(handle)));
  const size_t block = static_cast<size_t>(round_up(arena_offset + arena_size + alignment, alignment));
  char *memory = static_cast<char *>(std::aligned_alloc(static_cast<size_t>(alignment), block));
  void **variables = static_cast<void **>(std::calloc(static_cast<size_t>(model.variables) + 1, sizeof(void *)));
  double *values = static_cast<double *>(std::calloc(static_cast<size_t>(model.metrics) + 1, sizeof(double)));
  unsigned char *is_set = static_cast<unsigned char *>(std::calloc(static_cast<size_t>(model.variables) + 1, 1));
  lazy_rows *lazy = static_cast<lazy_rows *>(std::calloc(static_cast<size_t>(code.lazy_tables) + 1, sizeof(lazy_rows)));
  if (!h || !memory || !variables || !values || !is_set || !lazy) {
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
  *result = h;
  return HORNFELS_OK;
}

void destroy(void *opaque) {
  handle *h = of(opaque);
  if (!h)
    return;
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
    if (const int32_t status = check_array(*h, model.input_info[i], inputs[i], batch))
      return status;
  for (int32_t i = 0; i < model.outputs; ++i) {
    const int64_t needed = batch * elements(model.output_info[i]);
    if (!outputs || !outputs[i].data)
      return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", model.output_info[i].name);
    if (outputs[i].size < needed)
      return fail(*h, HORNFELS_BAD_ARGUMENT, "%s: room for %lld elements, a batch of %lld needs %lld",
                  model.output_info[i].name, static_cast<long long>(outputs[i].size), static_cast<long long>(batch),
                  static_cast<long long>(needed));
  }
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

double get_learning_rate(const void *opaque) { return opaque ? of(opaque)->learning_rate : 0.0; }

int32_t set_seed(void *opaque, uint64_t seed) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status() == HORNFELS_OK)
    h->seed = seed;
  return entered.status();
}

uint64_t get_seed(const void *opaque) { return opaque ? of(opaque)->seed : 0; }

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

int64_t get_step(const void *opaque) { return opaque ? of(opaque)->steps_done : 0; }
const char *last_error(const void *opaque) { return opaque ? of(opaque)->error : "the handle is null"; }
int64_t arena_bytes(const void *opaque) { return opaque ? of(opaque)->arena_size : 0; }

} // namespace hornfels
