// Training epochs and predictions of a generated model, in process, over its C ABI and nothing else: what an embedding
// program does. MODEL is the model's table, NAME_model. Built as a shared library; hornfels.py calls it.
#include "runtime/core/abi.h"
#include "runtime/core/pool.h"

#include <cstdint>
#include <cstring>
#include <vector>

extern "C" const hornfels_model MODEL;

namespace {

struct session {
  void *handle = nullptr;
  hornfels_pool *pool = nullptr;
  std::vector<float> x, y;
  std::vector<int32_t> classes;
  std::vector<uint16_t> ids;
  std::vector<int64_t> offsets;
};

// Rows of f32[rows, width], gathered.
template <class T>
hornfels_array gather(std::vector<T> &to, const T *from, int64_t width, const int64_t *rows, int64_t count) {
  to.resize(static_cast<size_t>(count * width));
  T *at = to.data();
  for (int64_t i = 0; i < count; ++i, at += width)
    std::memcpy(at, from + rows[i] * width, static_cast<size_t>(width) * sizeof(T));
  return {to.data(), nullptr, count * width};
}

hornfels_array gather_ids(session &s, const uint16_t *ids, const int64_t *offsets, const int64_t *rows,
                          int64_t count) {
  s.offsets.assign(1, 0);
  s.ids.clear();
  for (int64_t i = 0; i < count; ++i) {
    s.ids.insert(s.ids.end(), ids + offsets[rows[i]], ids + offsets[rows[i] + 1]);
    s.offsets.push_back(static_cast<int64_t>(s.ids.size()));
  }
  return {s.ids.data(), s.offsets.data(), s.offsets.back()};
}

} // namespace

extern "C" {

// All rows of a data set. Token rows: ids and offsets; else x of `inputs` columns. Targets: `labels`, or y of `outputs`
// columns.
struct bench_rows {
  const float *x;
  const uint16_t *ids;
  const int64_t *offsets;
  const float *y;
  const int32_t *labels;
  int64_t inputs, outputs;
};

// A model for batches of `capacity` rows and with `threads` threads; null when it cannot be made.
session *bench_open(int64_t capacity, int32_t threads) {
  auto *s = new session;
  if (MODEL.create(&s->handle, capacity) || MODEL.initialize(s->handle, 1))
    return nullptr;
  if (threads > 1) {
    s->pool = hornfels_pool_create(threads);
    if (!s->pool || MODEL.set_pool(s->handle, s->pool))
      return nullptr;
  }
  return s;
}

const char *bench_error(session *s) { return MODEL.last_error(s->handle); }

int bench_set(session *s, int32_t index, const float *values, int64_t size) {
  return MODEL.set_variable(s->handle, index, values, size);
}

// Steps over rows[0 .. count), batches of `batch`; losses[i] is that of step i unless `losses` is null.
int bench_train(session *s, const bench_rows *data, const int64_t *rows, int64_t count, int64_t batch,
                double *losses) {
  for (int64_t done = 0; done < count; done += batch, rows += batch) {
    const int64_t size = count - done < batch ? count - done : batch;
    const hornfels_array arrays[] = {
        data->ids ? gather_ids(*s, data->ids, data->offsets, rows, size)
                  : gather(s->x, data->x, data->inputs, rows, size),
        data->labels ? gather(s->classes, data->labels, 1, rows, size)
                     : gather(s->y, data->y, data->outputs, rows, size)};
    if (losses)
      MODEL.reset_metrics(s->handle);
    if (const int status = MODEL.train_step(s->handle, arrays, size))
      return status;
    if (losses) {
      std::vector<double> values(static_cast<size_t>(MODEL.metrics));
      MODEL.get_metrics(s->handle, values.data());
      *losses++ = values[0];
    }
  }
  return 0;
}

// Predicts the first `batch` rows `calls` times.
int bench_predict(session *s, const bench_rows *data, int64_t batch, int64_t calls, float *to) {
  const hornfels_array row = data->ids ? hornfels_array{data->ids, data->offsets, data->offsets[batch]}
                                       : hornfels_array{data->x, nullptr, batch * data->inputs};
  const hornfels_result result = {to, batch * data->outputs};
  for (int64_t i = 0; i < calls; ++i)
    if (const int status = MODEL.predict(s->handle, &row, &result, batch))
      return status;
  return 0;
}
}
