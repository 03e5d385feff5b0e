#include "data_checks.h"

#include <algorithm>
#include <cmath>

#include <unistd.h>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

/* Class numbers in [0, limit), with the whole range of the data in the message. */
template <class Number>
void require_classes(const checked_array &array, const bound_array &bound, const Number *values,
                     int64_t limit) {
  const int64_t row_elements = bound.row_elements, count = array.rows * row_elements;
  Number largest = 0;
  int64_t wrong = -1;
  for (int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, values[i]);
    if (wrong < 0 && (values[i] < 0 || static_cast<int64_t>(values[i]) >= limit))
      wrong = i;
  }
  if (wrong < 0)
    return;
  const hornfels_tensor &tensor = *bound.tensor;
  const char *const where = tensor.limit_position ? tensor.limit_position
                            : tensor.position     ? tensor.position
                                                  : "?";
  const long long row = static_cast<long long>(wrong / std::max<int64_t>(row_elements, 1));
  const long long value = static_cast<long long>(values[wrong]);
  const std::string what = array.is_target ? "classes" : "values";
  std::string message = std::string(where) + ": error: ";
  if (value < 0)
    message += format("%s must be from 0 to %lld, but row %lld of ", what.c_str(),
                      static_cast<long long>(limit - 1), row) +
               array.place + format(" holds %lld", value);
  else
    message += format("%lld %s, but the data have %llu: row %lld of ", static_cast<long long>(limit),
                      what.c_str(), static_cast<unsigned long long>(largest) + 1, row) +
               array.place + format(" holds %lld", value);
  if (tensor.limit_position && tensor.position)
    message += std::string("\n") + tensor.position + ": note: " + tensor.name + " is declared here";
  throw failure(exit_input, message);
}

/* Targets are numbers; rows of one-hot targets sum to 1. */
template <class Real>
void require_targets(const checked_array &array, const bound_array &bound, const Real *values) {
  const hornfels_tensor &tensor = *bound.tensor;
  const int64_t classes = tensor.rank > 0 ? tensor.shape[tensor.rank - 1] : 1;
  const auto fail = [&](int64_t element, const std::string &what) {
    throw failure(exit_input,
                  array.place +
                      format(": error: row %lld ", static_cast<long long>(element / bound.row_elements)) +
                      what + "; it is the target of " + tensor.name);
  };
  const int64_t count = array.rows * bound.row_elements;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i]))
      fail(i, format("holds %g", static_cast<double>(values[i])));
  if (!tensor.accepts_classes || classes < 2)
    return;
  for (int64_t i = 0; i < count; i += classes) {
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c)
      sum += static_cast<double>(values[i + c]);
    if (std::fabs(sum - 1) > 1e-3)
      fail(i, format("sums to %g; the probabilities of %lld classes sum to 1", sum,
                     static_cast<long long>(classes)));
  }
}

} // namespace

void require_values(const checked_array &array, const bound_array &bound) {
  const hornfels_tensor &tensor = *bound.tensor;
  if (bound.kept == bound_array::classes)
    return require_classes(array, bound, bound.data.as<int32_t>(), tensor.shape[tensor.rank - 1]);
  if (tensor.limit > 0 && tensor.type == HORNFELS_I32)
    return require_classes(array, bound, bound.data.as<int32_t>(), tensor.limit);
  if (tensor.limit > 0 && tensor.type == HORNFELS_I64)
    return require_classes(array, bound, bound.data.as<int64_t>(), tensor.limit);
  if (array.is_target && tensor.type == HORNFELS_F32)
    return require_targets(array, bound, bound.data.as<float>());
  if (array.is_target && tensor.type == HORNFELS_F64)
    return require_targets(array, bound, bound.data.as<double>());
}

void require_memory(const std::string &place, double bytes) {
  const double machine =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (machine > 0 && bytes > machine)
    throw failure(exit_system, place + format(": error: these arrays need %.1f GB, this machine has %.1f",
                                              bytes / 1e9, machine / 1e9));
}

} // namespace hornfels
