#include "adapt.h"

#include <algorithm>
#include <cstring>

#include "batches.h"
#include "runtime/core/text.h"
#include "runtime/program/console.h"
#include "runtime/program/signals.h"

namespace hornfels {

namespace {

/* "norm" of a variable "norm/adapting"; empty: it is none. */
std::string adapting_layer(const hornfels_tensor &info) {
  const std::string name = info.name, ending = "/adapting";
  const bool is_one = info.role == HORNFELS_STATE && info.rank == 0 && name.size() > ending.size() &&
                      name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
  return is_one ? name.substr(0, name.size() - ending.size()) : std::string();
}

/* The layer's own states: "norm/mean", not "norm/dense/kernel". */
bool belongs_to(const hornfels_tensor &info, const std::string &layer) {
  const std::string name = info.name;
  return info.role == HORNFELS_STATE && name.size() > layer.size() + 1 && name.compare(0, layer.size(), layer) == 0 &&
         name.find('/', layer.size()) == layer.size() && name.find('/', layer.size() + 1) == std::string::npos;
}

/* Elements of an array of reals. */
double element(const saved_state::array &array, size_t index) {
  double wide;
  float narrow;
  if (array.width == sizeof wide) {
    std::memcpy(&wide, array.bytes.data() + index * sizeof wide, sizeof wide);
    return wide;
  }
  std::memcpy(&narrow, array.bytes.data() + index * sizeof narrow, sizeof narrow);
  return static_cast<double>(narrow);
}

void set_element(saved_state::array &array, size_t index, double value) {
  const float narrow = static_cast<float>(value);
  if (array.width == sizeof value)
    std::memcpy(array.bytes.data() + index * sizeof value, &value, sizeof value);
  else
    std::memcpy(array.bytes.data() + index * sizeof narrow, &narrow, sizeof narrow);
}

void set_number(model_handle &handle, int32_t index, double value) {
  saved_state::array number = handle.variable(index);
  set_element(number, 0, value);
  handle.set_variable(index, number);
}

int32_t find(const hornfels_model &model, const std::string &name) {
  for (int32_t i = 0; i < model.variables; ++i)
    if (name == model.variable_info[i].name)
      return i;
  return -1;
}

/* A constant's variance is the square of what summing it rounds away; dividing by its root would blow that up. */
void settle_constants(model_handle &handle, const std::string &layer) {
  const hornfels_model &model = handle.table();
  const int32_t at_mean = find(model, layer + "/mean"), at_variance = find(model, layer + "/variance");
  if (at_mean < 0 || at_variance < 0)
    return;
  const saved_state::array mean = handle.variable(at_mean);
  saved_state::array variance = handle.variable(at_variance);
  if (mean.shape != variance.shape || mean.kind != 'f' || variance.kind != 'f')
    return;
  constexpr double rounding = 1e-6; /* of sums in f32, relative */
  const size_t features = variance.bytes.size() / variance.width;
  size_t constant = 0, first = 0;
  for (size_t i = 0; i < features; ++i) {
    const double least = rounding * element(mean, i);
    if (!(element(variance, i) <= least * least))
      continue;
    first = constant++ ? first : i;
    set_element(variance, i, 1);
  }
  if (constant == 0)
    return;
  handle.set_variable(at_variance, variance);
  print_error(std::string(model.name) + format(": warning: %s: %zu of %zu features are the same in all training rows, the "
                                               "first is feature %zu; they are centred and not scaled",
                                               layer.c_str(), constant, features, first));
}

} // namespace

void adapt(model_handle &handle, const dataset &data, const std::vector<row_range> &ranges, uint64_t seed, int threads) {
  const hornfels_model &model = handle.table();
  std::vector<int32_t> flags;
  for (int32_t i = 0; i < model.variables; ++i)
    if (!adapting_layer(model.variable_info[i]).empty())
      flags.push_back(i);
  if (flags.empty())
    return;
  constexpr int64_t rows_of_step = 64;
  const int64_t capacity = std::min(rows_of_step, std::max<int64_t>(data.rows, 1));
  batcher batches(data, capacity);
  model_handle trial(model, capacity, threads);
  std::vector<int32_t> adapted;
  for (const int32_t flag : flags) {
    /* Layers before it have their values; weights are the first ones, whatever the last pass made of them. */
    trial.initialize(seed);
    trial.set_learning_rate(0);
    for (const int32_t index : adapted)
      trial.set_variable(index, handle.variable(index));
    set_number(trial, flag, 1);
    for (const row_range &range : ranges)
      for (int64_t done = 0; done < range.count && !signal_received(); done += capacity) {
        const int64_t count = std::min(capacity, range.count - done);
        trial.train(batches.gather_range(range.first + done, count), count);
      }
    set_number(trial, flag, 0);
    const std::string layer = adapting_layer(model.variable_info[flag]);
    for (int32_t i = 0; i < model.variables; ++i)
      if (belongs_to(model.variable_info[i], layer)) {
        handle.set_variable(i, trial.variable(i));
        adapted.push_back(i);
      }
    settle_constants(handle, layer);
  }
}

} // namespace hornfels
