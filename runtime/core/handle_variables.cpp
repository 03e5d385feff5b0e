/* The variables of a handle, and the numbers that its steps take: learning rate, seed, count. */
#include "handle_state.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace hornfels {

/* Slots that are behind are not for anybody's eyes. */
static void catch_up_all(const handle &h) {
  for (int32_t i = 0; i < h.code->lazy_tables; ++i)
    catch_up(h.lazy[i], h.variables);
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
  if (h->code->device)
    return h->code->device->read(h->device, index, data, h->error);
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
  if (h->code->device) {
    if (const int32_t status = h->code->device->write(h->device, index, data, h->error))
      return status;
  } else {
    const char *from = static_cast<const char *>(data);
    char *to = static_cast<char *>(h->variables[index]);
    if (const int64_t width = panel_width(*h, index))
      over_panels(info, width, [&](int64_t packed, int64_t plain, size_t bytes) { std::memcpy(to + packed, from + plain, bytes); });
    else
      std::memcpy(to, from, static_cast<size_t>(size * element_size(info.type)));
  }
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
  if (const handle *h = of(opaque))
    return h->error.text;
  return !opaque && why_not_created()[0] ? why_not_created() : "the handle is null, or was destroyed";
}

int64_t arena_bytes(const void *opaque) {
  const handle *h = of(opaque);
  return h ? h->arena_size : 0;
}

} // namespace hornfels
