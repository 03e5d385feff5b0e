#include "synthetic.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/text.h"
#include "runtime/program/training/shuffle.h"

namespace hornfels {

namespace {

constexpr int64_t usual_ids = 130;

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

int64_t elements_of(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

/* A target whose rows are made from class numbers. */
bool takes_classes(const hornfels_tensor &tensor) {
  return tensor.accepts_classes && tensor.rank > 0 && tensor.shape[tensor.rank - 1] > 1;
}

/* In (0, 1). */
double uniform(splitmix &random) { return (static_cast<double>(random.next() >> 11) + 0.5) * 0x1p-53; }

/* Box and Muller: sqrt(-2 ln u) cos(2 pi v) is normal. */
double normal(splitmix &random) {
  constexpr double two_pi = 6.283185307179586;
  const double radius = std::sqrt(-2.0 * std::log(uniform(random)));
  return radius * std::cos(two_pi * uniform(random));
}

/* limit^u - 1 for a uniform u: ids with the density 1 / (id + 1). */
int32_t frequent_id(splitmix &random, int64_t limit) {
  const double id = std::exp(uniform(random) * std::log(static_cast<double>(limit) + 1.0)) - 1.0;
  return static_cast<int32_t>(std::min(static_cast<int64_t>(id), limit - 1));
}

/* A row of ids as the model wants it: 0.4 to 1.6 times the usual number, a quarter of the vocabulary at most.
 */
void add_row(const hornfels_tensor &tensor, splitmix &random, std::vector<int32_t> &ids) {
  const int64_t most = std::max<int64_t>(1, tensor.limit / 4);
  const double wanted = static_cast<double>(usual_ids) * (0.4 + 1.2 * uniform(random));
  const size_t length = static_cast<size_t>(std::min(most, static_cast<int64_t>(wanted)));
  const size_t first = ids.size();
  const auto begin = [&] { return ids.begin() + static_cast<std::ptrdiff_t>(first); };
  while (ids.size() < first + length) {
    while (ids.size() < first + length)
      ids.push_back(frequent_id(random, tensor.limit));
    if (tensor.token_rows != HORNFELS_ROWS_AS_IS)
      std::sort(begin(), ids.end());
    if (tensor.token_rows == HORNFELS_ROWS_SETS)
      ids.erase(std::unique(begin(), ids.end()), ids.end());
  }
}

void make_tokens(bound_array &to, int64_t rows, splitmix &random) {
  std::vector<int32_t> ids;
  to.kept = bound_array::tokens;
  to.offsets = buffer(static_cast<size_t>(rows + 1) * sizeof(int64_t));
  int64_t *const offsets = to.offsets.as<int64_t>();
  for (int64_t row = 0; row < rows; ++row) {
    offsets[row] = static_cast<int64_t>(ids.size());
    add_row(*to.tensor, random, ids);
  }
  offsets[rows] = static_cast<int64_t>(ids.size());
  to.data = buffer(ids.size() * type_bytes(to.tensor->type));
  if (to.tensor->type == HORNFELS_TOKENS16)
    std::transform(ids.begin(), ids.end(), to.data.as<uint16_t>(),
                   [](int32_t id) { return static_cast<uint16_t>(id); });
  else
    std::copy(ids.begin(), ids.end(), to.data.as<int32_t>());
}

/* Whole numbers below the limit; without one, 0 or 1. */
template <class Number> void fill_whole(Number *to, int64_t count, int64_t limit, splitmix &random) {
  const uint32_t below = static_cast<uint32_t>(limit > 0 ? std::min<int64_t>(limit, INT32_MAX) : 2);
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<Number>(random.below(below));
}

template <class Real> void fill_normal(Real *to, int64_t count, splitmix &random) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<Real>(normal(random));
}

void fill(const hornfels_tensor &tensor, buffer &to, int64_t count, bool target, splitmix &random) {
  switch (tensor.type) {
  case HORNFELS_F32:
    return target ? fill_whole(to.as<float>(), count, 0, random) : fill_normal(to.as<float>(), count, random);
  case HORNFELS_F64:
    return target ? fill_whole(to.as<double>(), count, 0, random)
                  : fill_normal(to.as<double>(), count, random);
  case HORNFELS_I32:
    return fill_whole(to.as<int32_t>(), count, tensor.limit, random);
  case HORNFELS_I64:
    return fill_whole(to.as<int64_t>(), count, tensor.limit, random);
  default:
    return fill_whole(to.as<uint8_t>(), count, tensor.limit, random);
  }
}

bound_array make_array(const hornfels_tensor &tensor, int64_t rows, bool target, splitmix &random) {
  bound_array array;
  array.tensor = &tensor;
  if (is_tokens(tensor)) {
    make_tokens(array, rows, random);
    return array;
  }
  array.row_elements = elements_of(tensor);
  if (target && takes_classes(tensor)) {
    const int64_t classes = tensor.shape[tensor.rank - 1];
    array.kept = bound_array::classes;
    array.row_elements /= classes;
    array.data = buffer(static_cast<size_t>(rows * array.row_elements) * sizeof(int32_t));
    fill_whole(array.data.as<int32_t>(), rows * array.row_elements, classes, random);
    return array;
  }
  array.data = buffer(static_cast<size_t>(rows * array.row_elements) * type_bytes(tensor.type));
  fill(tensor, array.data, rows * array.row_elements, target, random);
  return array;
}

int64_t bytes_of(const hornfels_tensor &tensor) {
  const int64_t width = static_cast<int64_t>(type_bytes(tensor.type));
  return is_tokens(tensor) ? usual_ids * width + static_cast<int64_t>(sizeof(int64_t))
                           : elements_of(tensor) * width;
}

} // namespace

int64_t row_bytes(const hornfels_model &model, bool targets) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < model.inputs; ++i)
    bytes += bytes_of(model.input_info[i]);
  for (int32_t i = 0; targets && i < model.targets; ++i)
    bytes += bytes_of(model.target_info[i]);
  return bytes;
}

dataset make_synthetic(const hornfels_model &model, int64_t rows, bool targets, uint64_t seed) {
  dataset data;
  data.rows = rows;
  splitmix random(splitmix::mix(seed));
  for (int32_t i = 0; i < model.inputs; ++i)
    data.arrays.push_back(make_array(model.input_info[i], rows, false, random));
  for (int32_t i = 0; targets && i < model.targets; ++i)
    data.arrays.push_back(make_array(model.target_info[i], rows, true, random));
  return data;
}

} // namespace hornfels
