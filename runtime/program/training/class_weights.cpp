#include "class_weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

[[noreturn]] void wrong(const std::string &option, const std::string &part) {
  throw failure(exit_usage, "error: " + option + ": " + quoted(part) +
                                " is not a class and its weight from 0 up, as in 0=1,1=3.5");
}

double real_at(const bound_array &array, int64_t element) {
  switch (array.tensor->type) {
  case HORNFELS_F32:
    return array.kept == bound_array::bytes ? array.data.as<uint8_t>()[element]
                                            : static_cast<double>(array.data.as<float>()[element]);
  case HORNFELS_F64:
    return array.kept == bound_array::bytes ? array.data.as<uint8_t>()[element]
                                            : array.data.as<double>()[element];
  case HORNFELS_I64:
    return static_cast<double>(array.data.as<int64_t>()[element]);
  case HORNFELS_I32:
    return array.data.as<int32_t>()[element];
  default:
    return array.data.as<uint8_t>()[element];
  }
}

int64_t class_of(const bound_array &array, int64_t row) {
  const int64_t width = array.row_elements, first = row * width;
  if (array.kept == bound_array::classes)
    return array.data.as<int32_t>()[first];
  if (width == 1) /* half to even, as NumPy rounds */
    return static_cast<int64_t>(std::nearbyint(real_at(array, first)));
  int64_t best = 0;
  for (int64_t i = 1; i < width; ++i)
    if (real_at(array, first + i) > real_at(array, first + best))
      best = i;
  return best;
}

void set_weight(buffer &weights, int32_t type, int64_t row, double weight) {
  if (type == HORNFELS_F64)
    weights.as<double>()[row] = weight;
  else
    weights.as<float>()[row] = static_cast<float>(weight);
}

} // namespace

class_weights parse_class_weights(const std::string &option, const std::string &value) {
  class_weights result;
  for (size_t at = 0; at <= value.size();) {
    const size_t end = std::min(value.find(',', at), value.size());
    const std::string part = value.substr(at, end - at);
    int64_t number = 0;
    double weight = 0;
    const char *const stop = part.data() + part.size();
    const std::from_chars_result left = std::from_chars(part.data(), stop, number);
    if (left.ec != std::errc() || left.ptr == stop || *left.ptr != '=' || number < 0)
      wrong(option, part);
    const std::from_chars_result right = std::from_chars(left.ptr + 1, stop, weight);
    if (right.ec != std::errc() || right.ptr != stop || !std::isfinite(weight) || weight < 0)
      wrong(option, part);
    for (const auto &one : result)
      if (one.first == number)
        throw failure(exit_usage,
                      "error: " + option + ": class " + std::to_string(number) + " is given twice");
    result.emplace_back(number, weight);
    at = end + 1;
  }
  return result;
}

void apply_class_weights(const hornfels_model &model, dataset &data, const class_weights &weights,
                         bool has_sample_weights) {
  if (weights.empty())
    return;
  if (!weight_target(model))
    throw failure(exit_usage,
                  std::string("error: --class-weight: ") + model.name +
                      " takes no weights of samples; say sample_weight = true in its train block");
  if (model.targets != 2)
    throw failure(exit_usage, std::string("error: --class-weight: ") + model.name +
                                  " has several outputs: which one's classes are meant is not known");
  if (has_sample_weights)
    throw failure(exit_input, "error: --class-weight and sample_weight_train in the data exclude each other");
  const bound_array &target = data.arrays[data.arrays.size() - 2];
  if (target.kept == bound_array::windows)
    throw failure(exit_usage, "error: --class-weight: a row of text is a window of characters, not of a class");
  const int32_t type = data.arrays.back().tensor->type;
  data.training_weights = buffer(static_cast<size_t>(data.rows) * type_bytes(type));
  const int64_t classes = target.tensor->limit > 0 ? target.tensor->limit : target.row_elements;
  for (const auto &one : weights)
    if (classes > 1 && one.first >= classes)
      throw failure(exit_usage, format("error: --class-weight: class %lld; %s has classes 0 to %lld",
                                       static_cast<long long>(one.first), target.tensor->name,
                                       static_cast<long long>(classes - 1)));
  for (int64_t row = 0; row < data.rows; ++row) {
    const int64_t number = class_of(target, row);
    double weight = 1;
    for (const auto &one : weights)
      weight = one.first == number ? one.second : weight;
    set_weight(data.training_weights, type, row, weight);
  }
}

void check_sample_weights(const hornfels_model &model, const dataset &data) {
  if (!weight_target(model))
    return;
  const bound_array &weights = data.arrays.back();
  for (int64_t row = 0; row < data.rows; ++row) {
    const double weight = real_at(weights, row);
    if (!std::isfinite(weight) || weight < 0)
      throw failure(exit_input, format("error: sample_weight: row %lld is %g, expected a number from 0 up",
                                       static_cast<long long>(row), weight));
  }
}

} // namespace hornfels
