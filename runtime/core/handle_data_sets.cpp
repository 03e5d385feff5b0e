/* Data sets that a device has, and metrics of steps gone by: hornfels_device of abi.h. */
#include "handle_state.h"

#include <cstdlib>
#include <cstring>

namespace hornfels {
namespace {

const char *name_of(const handle &h) { return h.code->model->name; }

/* Every call's beginning: `body` for a handle that nobody else is using, of a model on a device. */
template <class Handle, class Body> int32_t on_device(Handle *h, const Body &body) {
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (!h->code->device)
    return fail(*h, HORNFELS_BAD_STATE, "%s: is on no device", name_of(*h));
  return body(*h);
}

int32_t check_set(const handle &h, int32_t set, bool bound) {
  if (set < 0 || set >= HORNFELS_DATA_SETS)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: data set %d, there may be %d", name_of(h), static_cast<int>(set), HORNFELS_DATA_SETS);
  if (bound && h.sets[set].rows == 0)
    return fail(h, HORNFELS_BAD_STATE, "%s: data set %d is not bound", name_of(h), static_cast<int>(set));
  return HORNFELS_OK;
}

void forget(handle &h, int32_t set) {
  std::free(h.sets[set].seen);
  h.sets[set] = {};
}

int32_t bind(handle &h, int32_t set, const hornfels_rows *data, int64_t rows) {
  constexpr int64_t most_rows = (int64_t(1) << 32) - 1; /* row numbers have 32 bits */
  if (const int32_t status = check_set(h, set, false))
    return status;
  if (rows < 0 || rows > most_rows)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: %lld rows of data, there may be %lld", name_of(h), static_cast<long long>(rows),
                static_cast<long long>(most_rows));
  if (!data && rows > 0)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", name_of(h));
  for (int32_t i = 0; rows > 0 && i < h.code->model->inputs + h.code->model->targets; ++i)
    if (const int32_t status = check_rows(h.error, *h.code->model, i, data[i], rows))
      return status;
  forget(h, set);
  unsigned char *const seen = static_cast<unsigned char *>(std::malloc(static_cast<size_t>(rows / 8 + 1)));
  if (!seen)
    return fail(h, HORNFELS_OUT_OF_MEMORY, "%s: no memory for an order of %lld rows", name_of(h), static_cast<long long>(rows));
  const int32_t status = h.code->device->bind(h.device, set, data, rows, h.error);
  if (status == HORNFELS_OK && rows > 0)
    h.sets[set] = {rows, rows, seen};
  else
    std::free(seen);
  return status;
}

int32_t check_order(const handle &h, const bound_rows &set, const uint32_t *order, int64_t count) {
  if (count < 0 || count > set.rows)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: an order of %lld rows, the data set has %lld", name_of(h),
                static_cast<long long>(count), static_cast<long long>(set.rows));
  std::memset(set.seen, 0, static_cast<size_t>(set.rows / 8 + 1));
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t row = order[i];
    const unsigned char bit = static_cast<unsigned char>(1u << (row % 8));
    if (row >= set.rows || (set.seen[row / 8] & bit))
      return fail(h, HORNFELS_BAD_ARGUMENT, row >= set.rows ? "%s: place %lld of the order has row %lld, the data set has %lld"
                                                            : "%s: place %lld of the order has row %lld, which was there before",
                  name_of(h), static_cast<long long>(i), static_cast<long long>(row), static_cast<long long>(set.rows));
    set.seen[row / 8] = static_cast<unsigned char>(set.seen[row / 8] | bit);
  }
  return HORNFELS_OK;
}

int32_t run(handle &h, step_kind kind, const rows_of_set &which) {
  if (!h.code->device->has(*h.code, kind))
    return fail(h, HORNFELS_BAD_STATE, "%s: has no `train` block, so no training or evaluation", name_of(h));
  if (const int32_t status = check_set(h, which.set, true))
    return status;
  if (const int32_t status = check_batch(h, &which, which.batch))
    return status;
  const bound_rows &set = h.sets[which.set];
  const int64_t present = kind == step_kind::train ? set.ordered : set.rows;
  if (which.first < 0 || which.rows < 0 || which.first > present || which.rows > present - which.first)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: rows %lld to %lld of %lld", name_of(h), static_cast<long long>(which.first),
                static_cast<long long>(which.first) + static_cast<long long>(which.rows), static_cast<long long>(present));
  if (which.rows == 0)
    return HORNFELS_OK;
  if (which.batch == 0)
    return fail(h, HORNFELS_BAD_ARGUMENT, "%s: %lld rows in batches of none", name_of(h), static_cast<long long>(which.rows));
  int64_t done = 0;
  const int32_t status = h.code->device->run_rows(h.device, kind, which, make_step(h, which.batch), &done, h.error);
  if (kind == step_kind::train) {
    h.steps_done += done;
    h.steps_trained += done;
  }
  return status;
}

int32_t bind_data(void *opaque, int32_t set, const hornfels_rows *data, int64_t rows) {
  return on_device(of(opaque), [&](handle &h) { return bind(h, set, data, rows); });
}

int32_t set_order(void *opaque, int32_t set, const uint32_t *order, int64_t count) {
  return on_device(of(opaque), [&](handle &h) -> int32_t {
    if (const int32_t status = check_set(h, set, true))
      return status;
    if (const int32_t status = order ? check_order(h, h.sets[set], order, count) : HORNFELS_OK)
      return status;
    const int32_t status = h.code->device->set_order(h.device, set, order, count, h.error);
    if (status == HORNFELS_OK)
      h.sets[set].ordered = order ? count : h.sets[set].rows;
    return status;
  });
}

int32_t train_rows(void *opaque, int32_t set, int64_t first, int64_t rows, int64_t batch) {
  return on_device(of(opaque), [&](handle &h) { return run(h, step_kind::train, {set, first, rows, batch}); });
}

int32_t evaluate_rows(void *opaque, int32_t set, int64_t first, int64_t rows, int64_t batch) {
  return on_device(of(opaque), [&](handle &h) { return run(h, step_kind::evaluate, {set, first, rows, batch}); });
}

int32_t get_recent_metrics(const void *opaque, int64_t steps, double *values) {
  return on_device(static_cast<const handle *>(of(opaque)), [&](const handle &h) -> int32_t {
    if (!values)
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: null pointer", name_of(h));
    const int64_t kept = h.steps_trained < HORNFELS_RECENT_STEPS ? h.steps_trained : HORNFELS_RECENT_STEPS;
    if (steps < 0 || steps > kept)
      return fail(h, HORNFELS_BAD_ARGUMENT, "%s: metrics of the last %lld steps, there are those of %lld", name_of(h),
                  static_cast<long long>(steps), static_cast<long long>(kept));
    return steps == 0 ? HORNFELS_OK : h.code->device->get_recent_metrics(h.device, steps, values, h.error);
  });
}

} // namespace

const hornfels_device functions_of_devices = {get_recent_metrics, bind_data, set_order, train_rows, evaluate_rows};

} // namespace hornfels
