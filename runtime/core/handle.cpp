#include "handle_state.h"

#include "denormals.h"

#include <cstdlib>
#include <cstring>

namespace hornfels {
namespace {

/* A cache line, and the widest vector. The capacity is a multiple of 16 rows, so that rows of 4 bytes keep it. */
constexpr int64_t alignment = 64;

int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

/* Somebody has given a table's slots new values. */
void all_rows_are_current(lazy_rows &rows) {
  std::memset(rows.steps, 0, static_cast<size_t>(rows.table->rows) * sizeof(int32_t));
  rows.now = 0;
  rows.touched = true;
}

int32_t run_initialize(handle &h, uint64_t seed) {
  step s = make_step(h, 1);
  s.seed = seed;
  if (h.code->device)
    return h.code->device->run(h.device, step_kind::initialize, s, h.error);
  const flush_denormals mode;
  h.code->initialize(s);
  for (int32_t i = 0; i < h.code->lazy_tables; ++i)
    all_rows_are_current(h.lazy[i]);
  return HORNFELS_OK;
}

} // namespace

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

namespace {

/* Why the last create of this thread made no handle, where there is more to say than its status. */
thread_local error_text create_error;

void release(handle *h) {
  if (h->device)
    h->code->device->close(h->device);
  std::free(h->memory);
  std::free(h->variables);
  std::free(h->values);
  std::free(h->is_set);
  std::free(h->lazy);
  for (bound_rows &set : h->sets)
    std::free(set.seen);
  std::free(h);
}

/* One block: the variables, the metrics' first values, what is known of lazy rows, the arena. */
int32_t take_memory(handle &h) {
  const program &code = *h.code;
  const hornfels_model &model = *code.model;
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

  const size_t block = static_cast<size_t>(round_up(arena_offset + h.arena_size + alignment, alignment));
  h.memory = static_cast<char *>(std::aligned_alloc(static_cast<size_t>(alignment), block));
  h.variables = static_cast<void **>(std::calloc(static_cast<size_t>(model.variables) + 1, sizeof(void *)));
  h.values = static_cast<double *>(std::calloc(static_cast<size_t>(model.metrics) + 1, sizeof(double)));
  h.lazy = static_cast<lazy_rows *>(std::calloc(static_cast<size_t>(code.lazy_tables) + 1, sizeof(lazy_rows)));
  if (!h.memory || !h.variables || !h.values || !h.lazy)
    return HORNFELS_OUT_OF_MEMORY;
  std::memset(h.memory, 0, static_cast<size_t>(arena_offset));
  char *place = h.memory + lazy_offset;
  for (int32_t i = 0; i < code.lazy_tables; ++i) {
    const int64_t bytes = round_up(code.lazy[i].rows * static_cast<int64_t>(sizeof(int32_t)), alignment);
    h.lazy[i].table = &code.lazy[i];
    h.lazy[i].steps = static_cast<int32_t *>(static_cast<void *>(place));
    h.lazy[i].ids = static_cast<int32_t *>(static_cast<void *>(place + bytes));
    place += 2 * bytes;
  }
  h.metric_start = h.memory + total;
  h.arena = h.memory + arena_offset;
  int64_t offset = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    h.variables[i] = h.memory + offset;
    offset += round_up(elements(model.variable_info[i]) * element_size(model.variable_info[i].type), alignment);
  }
  /* Slots and metrics start as `initialize` makes them, also where the weights will be loaded. */
  run_initialize(h, 0);
  save_metric_start(h, false);
  return HORNFELS_OK;
}

/* A handle with nothing in it yet. */
handle *new_handle(const program &code, int64_t capacity) {
  const hornfels_model &model = *code.model;
  handle *h = static_cast<handle *>(std::calloc(1, sizeof(handle)));
  unsigned char *is_set = static_cast<unsigned char *>(std::calloc(static_cast<size_t>(model.variables) + 1, 1));
  if (!h || !is_set) {
    std::free(h);
    std::free(is_set);
    return nullptr;
  }
  h->code = &code;
  h->capacity = capacity;
  h->arena_size = code.fixed_bytes + code.bytes_per_sample * capacity;
  h->learning_rate = model.training ? model.training->learning_rate : 0.0;
  h->is_set = is_set;
  for (int32_t i = 0; i < model.variables; ++i)
    h->unset += is_saved(model.variable_info[i]);
  return h;
}

int32_t out_of_memory(const program &code, int64_t capacity) {
  return create_error.fail(HORNFELS_OUT_OF_MEMORY, "no memory for %s with batches of %lld rows", code.model->name,
                           static_cast<long long>(capacity));
}

} // namespace

int32_t create(const program &code, void **result, int64_t capacity) {
  constexpr int64_t largest_capacity = int64_t(1) << 24;
  create_error.text[0] = 0;
  if (!result || capacity < 1 || capacity > largest_capacity)
    return HORNFELS_BAD_ARGUMENT;
  *result = nullptr;
  const int64_t rows = round_up(capacity, 16);
  if (code.bytes_per_sample > 0 && rows > (INT64_MAX / 4) / code.bytes_per_sample)
    return out_of_memory(code, capacity);
  handle *h = new_handle(code, rows);
  if (!h)
    return out_of_memory(code, capacity);
  const int32_t status = code.device ? code.device->open(code, rows, &h->device, h->error) : take_memory(*h);
  void *const number = status ? nullptr : add_live_handle(h);
  if (number) {
    *result = number;
    return HORNFELS_OK;
  }
  create_error = h->error;
  release(h);
  return create_error.text[0] ? status : out_of_memory(code, capacity);
}

const char *why_not_created() { return create_error.text; }

void destroy(void *opaque) {
  handle *h = of(opaque);
  if (!h || h->busy.exchange(true, std::memory_order_acquire))
    return;
  remove_live_handle(opaque);
  release(h);
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
  if (const int32_t status = run_initialize(*h, seed))
    return status;
  h->seed = seed;
  h->steps_done = 0;
  h->unset = 0;
  return HORNFELS_OK;
}

} // namespace hornfels
