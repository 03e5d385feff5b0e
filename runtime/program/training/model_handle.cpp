#include "model_handle.h"

#include "runtime/core/npy.h"
#include "runtime/core/text.h"
#include "runtime/core/weights.h"

namespace hornfels {

model_handle::model_handle(const hornfels_model &table, int64_t capacity, int threads)
    : model(table), values(static_cast<size_t>(table.metrics)) {
  if (model.create(&handle, capacity) != HORNFELS_OK || !handle)
    throw failure(exit_system, format("error: no memory for %s with batches of %lld rows", model.name,
                                      static_cast<long long>(capacity)));
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
  throw failure(status == HORNFELS_OUT_OF_MEMORY ? exit_system : exit_input,
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
