#include "feed.h"

namespace hornfels {

namespace {

/* As the device is told. */
hornfels_rows describe(const dataset &data, size_t index) {
  const bound_array &array = data.arrays[index];
  hornfels_rows result{};
  result.array.data = array.data.as<void>();
  result.array.size = data.rows * array.row_elements;
  switch (array.kept) {
  case bound_array::plain:
    result.form = HORNFELS_PLAIN;
    if (index + 1 == data.arrays.size() && data.training_weights.bytes() > 0)
      result.training = data.training_weights.as<void>();
    break;
  case bound_array::bytes:
    result.form = HORNFELS_BYTES;
    break;
  case bound_array::classes:
    result.form = HORNFELS_CLASSES;
    break;
  case bound_array::tokens:
    result.form = HORNFELS_PLAIN;
    result.array.offsets = array.offsets.as<int64_t>();
    result.array.size = result.array.offsets[data.rows];
    break;
  case bound_array::windows:
    result.form = HORNFELS_WINDOWS;
    result.stride = array.stride;
    result.array.data = array.text;
    result.array.size = (data.rows - 1) * array.stride + array.row_elements;
    break;
  }
  return result;
}

std::vector<hornfels_rows> describe(const dataset &data) {
  std::vector<hornfels_rows> all;
  for (size_t i = 0; i < data.arrays.size(); ++i)
    all.push_back(describe(data, i));
  return all;
}

} // namespace

feed::feed(model_handle &handle, const dataset &data, int64_t batch) : model(handle), set(data), rows_of_step(batch) {
  if (model.on_device() && data.rows > 0)
    number = model.bind_data(describe(data), data.rows);
  if (number < 0)
    here = std::make_unique<batcher>(data, batch);
}

feed::~feed() {
  if (number >= 0)
    model.forget_data(number);
}

void feed::set_order(const uint32_t *rows, int64_t count) {
  order = rows;
  if (number >= 0)
    model.set_order(number, rows, count);
}

void feed::train(int64_t first, int64_t count) {
  if (number >= 0)
    model.train_rows(number, first, count, rows_of_step);
  else
    model.train(here->gather(order + first, count), count);
}

void feed::evaluate(int64_t first, int64_t count) {
  if (number >= 0)
    model.evaluate_rows(number, first, count, rows_of_step);
  else
    model.evaluate(here->gather_range(first, count), count);
}

} // namespace hornfels
