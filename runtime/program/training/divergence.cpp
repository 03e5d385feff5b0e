#include "divergence.h"

#include <cmath>
#include <cstring>

#include "runtime/core/text.h"

namespace hornfels {

namespace {

/* Values that are not finite among `count` of a type. */
struct bad_values {
  int64_t count = 0, first = 0;
  double value = 0;
};

template <class Real> bad_values look(const void *data, int64_t count) {
  bad_values bad;
  for (int64_t i = 0; i < count; ++i) {
    Real value;
    std::memcpy(&value, static_cast<const char *>(data) + static_cast<size_t>(i) * sizeof value,
                sizeof value);
    if (std::isfinite(value))
      continue;
    if (bad.count++ == 0) {
      bad.first = i;
      bad.value = static_cast<double>(value);
    }
  }
  return bad;
}

bad_values look(int32_t type, const void *data, int64_t count) {
  return type == HORNFELS_F32   ? look<float>(data, count)
         : type == HORNFELS_F64 ? look<double>(data, count)
                                : bad_values{};
}

/* "[1, 0]" of an element's number. */
std::string place(const hornfels_tensor &tensor, int64_t element) {
  std::vector<int64_t> at(static_cast<size_t>(tensor.rank));
  for (size_t axis = at.size(); axis-- > 0;) {
    at[axis] = element % tensor.shape[axis];
    element /= tensor.shape[axis];
  }
  return shape_text(at.data(), at.size());
}

const char *role_text(int32_t role) { return role == HORNFELS_SLOT ? " (the optimizer's)" : ""; }

} // namespace

std::string first_bad_variable(const model_handle &handle) {
  const hornfels_model &model = handle.table();
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &info = model.variable_info[i];
    if (info.role == HORNFELS_METRIC || (info.type != HORNFELS_F32 && info.type != HORNFELS_F64))
      continue;
    const saved_state::array value = handle.variable(i);
    const int64_t elements = static_cast<int64_t>(value.bytes.size() / value.width);
    const bad_values bad = look(info.type, value.bytes.data(), elements);
    if (bad.count > 0)
      return std::string(info.name) + role_text(info.role) +
             format(": %lld of %lld values are not finite, the first at ", static_cast<long long>(bad.count),
                    static_cast<long long>(elements)) +
             place(info, bad.first);
  }
  return "";
}

std::string first_bad_row(const dataset &data, const uint32_t *rows, int64_t count) {
  for (const bound_array &array : data.arrays) {
    if (array.kept != bound_array::plain)
      continue;
    const size_t bytes = static_cast<size_t>(array.row_elements) * type_bytes(array.tensor->type);
    for (int64_t i = 0; i < count; ++i) {
      const bad_values bad =
          look(array.tensor->type, array.data.as<char>() + rows[i] * bytes, array.row_elements);
      if (bad.count > 0)
        return std::string(array.tensor->name) +
               format(", row %lld of the data: element ", static_cast<long long>(rows[i])) +
               place(*array.tensor, bad.first) +
               (std::isnan(bad.value) ? " is nan"
                : bad.value > 0       ? " is inf"
                                      : " is -inf");
    }
  }
  return "";
}

} // namespace hornfels
