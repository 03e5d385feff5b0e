/* The steps of a handle, and its metrics. */
#include "handle_state.h"

#include "denormals.h"

#include <cstring>

namespace hornfels {

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

namespace {

void (*function_of(const program &code, step_kind kind))(const step &) {
  return kind == step_kind::predict    ? code.predict
         : kind == step_kind::evaluate ? code.evaluate_step
                                       : code.train_step;
}

/* Here, or where the model's memory is. */
int32_t run(const handle &h, step_kind kind, const step &s) {
  if (h.code->device)
    return h.code->device->run(h.device, kind, s, h.error);
  function_of(*h.code, kind)(s);
  return HORNFELS_OK;
}

int32_t run_on_data(handle &h, step_kind kind, const hornfels_array *data, int64_t batch) {
  const hornfels_model &model = *h.code->model;
  if (h.code->device ? !h.code->device->has(*h.code, kind) : !function_of(*h.code, kind))
    return fail(h, HORNFELS_BAD_STATE, "%s: has no `train` block, so no training or evaluation", model.name);
  if (const int32_t status = check_batch(h, data, batch))
    return status;
  if (batch == 0)
    return HORNFELS_OK;
  const flush_denormals mode;
  for (int32_t i = 0; i < model.inputs + model.targets; ++i) {
    const bool is_target = i >= model.inputs;
    const hornfels_tensor &info = is_target ? model.target_info[i - model.inputs] : model.input_info[i];
    if (const int32_t status = check_array(h.error, info, data[i], batch))
      return status;
    if (const int32_t status = is_target ? check_target(h.error, info, data[i], batch) : HORNFELS_OK)
      return status;
  }
  step s = make_step(h, batch);
  s.data = data;
  return run(h, kind, s);
}

} // namespace

int32_t train_step(void *opaque, const hornfels_array *data, int64_t batch) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  const int32_t status = run_on_data(*h, step_kind::train, data, batch);
  if (status == HORNFELS_OK && batch > 0) {
    ++h->steps_done;
    ++h->steps_trained;
  }
  return status;
}

int32_t evaluate_step(void *opaque, const hornfels_array *data, int64_t batch) {
  handle *h = of(opaque);
  const call entered(h);
  return entered.status() ? entered.status() : run_on_data(*h, step_kind::evaluate, data, batch);
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
    if (const int32_t status = check_array(h->error, model.input_info[i], inputs[i], batch))
      return status;
  if (const int32_t status = check_results(h->error, model, inputs, outputs, batch))
    return status;
  step s = make_step(*h, batch);
  s.data = inputs;
  s.outputs = outputs;
  const flush_denormals mode;
  return run(*h, step_kind::predict, s);
}

int32_t reset_metrics(void *opaque) {
  handle *h = of(opaque);
  const call entered(h);
  if (entered.status())
    return entered.status();
  if (h->code->device)
    return h->code->device->reset_metrics(h->device, h->error);
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
  if (h->code->device)
    return h->code->device->get_metrics(h->device, values, h->error);
  std::memcpy(values, h->values, static_cast<size_t>(h->code->model->metrics) * sizeof(double));
  return HORNFELS_OK;
}

} // namespace hornfels
