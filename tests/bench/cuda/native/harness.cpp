// Training epochs and predictions of a generated model on a device, in process, over its C ABI: what an embedding program
// does. The rows lie on the device; an epoch sends their order and nothing else. MODEL is the model's table, NAME_model.
// Built as a shared library; rivals/cuda_hornfels.py calls it.
#include "runtime/core/abi.h"

#include <algorithm>
#include <cstdint>
#include <vector>

extern "C" const hornfels_model MODEL;

namespace {

struct session {
  void *handle = nullptr;
  std::vector<double> values = std::vector<double>(static_cast<size_t>(MODEL.metrics) + 1);
};

} // namespace

extern "C" {

// All rows of a data set. Token rows: ids and offsets; else x. Targets: `labels`, class numbers, or y.
struct bench_rows {
  const float *x;
  const uint16_t *ids;
  const int64_t *offsets;
  const float *y;
  const int32_t *labels;
  int64_t rows, inputs, outputs;
};

// A model for batches of `capacity` rows; null when it cannot be made, and why is in bench_error(null).
session *bench_open(int64_t capacity) {
  auto *s = new session;
  if (!MODEL.create(&s->handle, capacity) && !MODEL.initialize(s->handle, 1))
    return s;
  delete s;
  return nullptr;
}

const char *bench_error(session *s) { return MODEL.last_error(s ? s->handle : nullptr); }

int bench_set(session *s, int32_t index, const float *values, int64_t size) {
  return MODEL.set_variable(s->handle, index, values, size);
}

// Puts the rows on the device.
int bench_bind(session *s, const bench_rows *data) {
  hornfels_rows arrays[2] = {};
  arrays[0].array = data->ids ? hornfels_array{data->ids, data->offsets, data->offsets[data->rows]}
                              : hornfels_array{data->x, nullptr, data->rows * data->inputs};
  const bool isOneHot = data->labels && MODEL.target_info[0].type == HORNFELS_F32;
  arrays[1].array = data->labels ? hornfels_array{data->labels, nullptr, data->rows}
                                 : hornfels_array{data->y, nullptr, data->rows * data->outputs};
  arrays[1].form = isOneHot ? HORNFELS_CLASSES : HORNFELS_PLAIN;
  return MODEL.device->bind_data(s->handle, 0, arrays, data->rows);
}

// Steps over order[0 .. count), batches of `batch`; losses[i] is that of step i unless `losses` is null. On return
// everything is done.
int bench_train(session *s, const uint32_t *order, int64_t count, int64_t batch, double *losses) {
  if (const int status = MODEL.device->set_order(s->handle, 0, order, count))
    return status;
  const int64_t rows_of_call = losses ? batch : count;
  for (int64_t first = 0; first < count; first += rows_of_call) {
    if (losses)
      MODEL.reset_metrics(s->handle);
    if (const int status = MODEL.device->train_rows(s->handle, 0, first, std::min(rows_of_call, count - first), batch))
      return status;
    if (losses) {
      if (const int status = MODEL.get_metrics(s->handle, s->values.data()))
        return status;
      *losses++ = s->values[0];
    }
  }
  return MODEL.get_metrics(s->handle, s->values.data()); // waits
}
}
