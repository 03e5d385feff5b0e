#include "model_handle.h"

#include <algorithm>
#include <iterator>

#include "runtime/core/npy.h"
#include "runtime/core/text.h"
#include "runtime/core/weights.h"

namespace hornfels {

model_handle::model_handle(const hornfels_model &table, int64_t capacity, int threads)
    : model(table), values(static_cast<size_t>(table.metrics)) {
  if (model.create(&handle, capacity) != HORNFELS_OK || !handle)
    throw failure(exit_system, std::string("error: ") + model.last_error(nullptr));
  /* One thread is the caller's own. */
  if (threads == 1)
    return;
  pool = hornfels_pool_create(threads);
  if (!pool)
    return; /* without threads the same numbers come out, later */
  if (hornfels_pool_threads(pool) > 1)
    model.set_pool(handle, pool);
}

model_handle::~model_handle() {
  if (handle)
    model.destroy(handle);
  hornfels_pool_destroy(pool);
}

void model_handle::refuse(int32_t status) const {
  throw failure(status == HORNFELS_OUT_OF_MEMORY || status == HORNFELS_BAD_DEVICE ? exit_system : exit_input,
                std::string("error: ") + model.last_error(handle));
}

void model_handle::initialize(uint64_t seed) {
  /* A model that was compiled to predict only has neither. */
  if (model.initialize)
    check(model.initialize(handle, seed));
  if (model.set_seed)
    check(model.set_seed(handle, seed));
}

namespace {
const unsigned char *embedded_begin = nullptr, *embedded_end = nullptr;
}

void model_handle::embed(const unsigned char *begin, const unsigned char *end) {
  embedded_begin = begin;
  embedded_end = end;
}

bool model_handle::has_embedded() { return embedded_begin != nullptr; }

void model_handle::load_embedded() {
  const int32_t status = hornfels_weights_from_memory(&model, handle, embedded_begin,
                                                      static_cast<size_t>(embedded_end - embedded_begin));
  if (status != HORNFELS_OK)
    throw failure(exit_system, "error: the embedded weights do not fit the model");
}

void model_handle::load(const std::string &path) {
  if (path.empty())
    return load_embedded();
  file_error error;
  require(load_weights(model, handle, path, error) == HORNFELS_OK, error);
}

void model_handle::save(const std::string &path, bool optimizer) {
  file_error error;
  require(save_weights(model, handle, path, error, optimizer) == HORNFELS_OK, error);
}

const std::vector<double> &model_handle::metrics() {
  check(model.get_metrics(handle, values.data()));
  return values;
}

const std::vector<double> &model_handle::recent_metrics(int64_t steps) {
  recent.resize(static_cast<size_t>(steps) * values.size());
  check(model.device->get_recent_metrics(handle, steps, recent.data()));
  return recent;
}

int32_t model_handle::bind_data(const std::vector<hornfels_rows> &arrays, int64_t rows) {
  const auto free = std::find(std::begin(bound), std::end(bound), false);
  if (free == std::end(bound))
    return -1;
  const int32_t number = static_cast<int32_t>(free - std::begin(bound));
  const int32_t status = model.device->bind_data(handle, number, arrays.data(), rows);
  if (status == HORNFELS_BAD_DEVICE)
    refuse(status);
  /* What else is wrong with the data is said by the step that meets it. */
  *free = status == HORNFELS_OK;
  return status == HORNFELS_OK ? number : -1;
}

void model_handle::forget_data(int32_t number) {
  model.device->bind_data(handle, number, nullptr, 0);
  bound[number] = false;
}

saved_state::array model_handle::variable(int32_t index) const {
  const hornfels_tensor &info = model.variable_info[index];
  saved_state::array value;
  if (!npy_type_of(info.type, value.kind, value.width))
    throw failure(exit_input, std::string("error: ") + info.name + ": is " + tensor_text(info) + ", which no file holds");
  value.shape.assign(info.shape, info.shape + info.rank);
  int64_t elements = 1;
  for (const int64_t size : value.shape)
    elements *= size;
  value.bytes.resize(static_cast<size_t>(elements) * value.width);
  check(model.get_variable(handle, index, value.bytes.data(), elements));
  return value;
}

void model_handle::set_variable(int32_t index, const saved_state::array &value) {
  const hornfels_tensor &info = model.variable_info[index];
  char kind;
  size_t width;
  if (!npy_type_of(info.type, kind, width) || kind != value.kind || width != value.width ||
      value.shape != std::vector<int64_t>(info.shape, info.shape + info.rank))
    throw failure(exit_input, std::string("error: ") + info.name + " is " +
                                  shape_text(value.shape.data(), value.shape.size()) + ", this model needs " +
                                  tensor_text(info));
  check(model.set_variable(handle, index, value.bytes.data(), static_cast<int64_t>(value.bytes.size() / width)));
}

std::map<std::string, saved_state::array> model_handle::weights() const {
  std::map<std::string, saved_state::array> found;
  for (int32_t i = 0; i < model.variables; ++i)
    if (const int32_t role = model.variable_info[i].role; role == HORNFELS_WEIGHT || role == HORNFELS_STATE)
      found[model.variable_info[i].name] = variable(i);
  return found;
}

void model_handle::set_weights(const std::map<std::string, saved_state::array> &wanted) {
  for (int32_t i = 0; i < model.variables; ++i) {
    const auto found = wanted.find(model.variable_info[i].name);
    if (found != wanted.end())
      set_variable(i, found->second);
  }
}

} // namespace hornfels
