#include "model_handle.h"

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

void model_handle::refuse(int32_t status) {
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

void model_handle::load(const std::string &path) {
  file_error error;
  require(load_weights(model, handle, path, error) == HORNFELS_OK, error);
}

void model_handle::save(const std::string &path) {
  file_error error;
  require(save_weights(model, handle, path, error) == HORNFELS_OK, error);
}

const std::vector<double> &model_handle::metrics() {
  check(model.get_metrics(handle, values.data()));
  return values;
}

} // namespace hornfels
