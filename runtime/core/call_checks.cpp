#include "call_checks.h"

#include "arithmetic.h"
#include "memory_access.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace hornfels {

int64_t element_size(int32_t type) {
  switch (type) {
  case HORNFELS_F64:
  case HORNFELS_I64:
    return 8;
  case HORNFELS_U8:
  case HORNFELS_BOOL:
    return 1;
  case HORNFELS_TOKENS16:
    return 2;
  default:
    return 4;
  }
}

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

namespace {

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

/* Whether some id of a row that should ascend follows one that is larger, or, in sets, equal. In vectors, the last of
 * which overlaps the one before: every id of every step passes here. */
template <class Id> bool out_of_order(const Id *ids, int64_t count, bool sets) {
  constexpr int width = 16 / int(sizeof(Id));
  using ids_v = vec<Id, width>;
  if (count <= width) {
    bool wrong = false;
    for (int64_t i = 1; i < count; ++i)
      wrong |= sets ? ids[i] <= ids[i - 1] : ids[i] < ids[i - 1];
    return wrong;
  }
  ids_v wrong{};
  auto look = [&](int64_t i) {
    const ids_v before = load<ids_v>(ids + i - 1), here = load<ids_v>(ids + i);
    wrong |= bits_as<ids_v>(sets ? here <= before : here < before);
  };
  for (int64_t i = 1; i < count - width; i += width)
    look(i);
  look(count - width);
  const v2l all = bits_as<v2l>(wrong);
  return (all[0] | all[1]) != 0;
}

/* The error about the first wrong id of a row that has one. */
template <class Id>
int32_t wrong_id(error_text &error, const hornfels_tensor &info, long long row, const Id *ids, int64_t count) {
  long long before = -1;
  for (int64_t i = 0; i < count; ++i) {
    const long long id = ids[i];
    if (id < 0 || id >= info.limit)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld has the id %lld, ids are below %lld", info.name, row, id,
                  static_cast<long long>(info.limit));
    if (id < before || (id == before && info.token_rows == HORNFELS_ROWS_SETS))
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld is not %s: id %lld follows id %lld", info.name, row,
                  info.token_rows == HORNFELS_ROWS_SETS ? "a sorted set" : "sorted", id, before);
    before = info.token_rows == HORNFELS_ROWS_AS_IS ? -1 : id;
  }
  return HORNFELS_OK;
}

template <class Id>
int32_t check_ids(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  const Id *ids = static_cast<const Id *>(array.data);
  const bool sets = info.token_rows == HORNFELS_ROWS_SETS;
  if (batch > 0 && array.offsets[0] != 0)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: the first row begins at %lld, not at 0", info.name,
                static_cast<long long>(array.offsets[0]));
  for (int64_t row = 0; row < batch; ++row) {
    const int64_t first = array.offsets[row], last = array.offsets[row + 1], count = last - first;
    if (first < 0 || last < first || last > array.size)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld goes from %lld to %lld of %lld ids", info.name,
                  static_cast<long long>(row), static_cast<long long>(first), static_cast<long long>(last),
                  static_cast<long long>(array.size));
    /* In a row that ascends, the first and the last id speak for all. */
    const bool ascends = info.token_rows != HORNFELS_ROWS_AS_IS;
    const int64_t least = count > 0 ? ids[first] : 0, most = count > 0 ? ids[last - 1] : 0;
    if (ascends && least >= 0 && (count == 0 || most < info.limit) && !out_of_order(ids + first, count, sets))
      continue;
    if (const int32_t status = wrong_id(error, info, row, ids + first, count))
      return status;
  }
  return HORNFELS_OK;
}

template <class Class>
int32_t check_classes(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t count) {
  const Class *classes = static_cast<const Class *>(array.data);
  for (int64_t i = 0; i < count; ++i)
    if (classes[i] < 0 || classes[i] >= info.limit)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld has %lld, class numbers are from 0 to %lld", info.name,
                        static_cast<long long>(i / elements(info)), static_cast<long long>(classes[i]),
                        static_cast<long long>(info.limit - 1));
  return HORNFELS_OK;
}

bool is_aligned(const void *address, int64_t size) {
  return reinterpret_cast<uintptr_t>(address) % static_cast<uintptr_t>(size) == 0;
}

int32_t misaligned(error_text &error, const hornfels_tensor &info) {
  return error.fail(HORNFELS_BAD_ARGUMENT, "%s: its address is not a multiple of the element size, %lld", info.name,
                    static_cast<long long>(element_size(info.type)));
}

/* Some memory of the caller's. */
struct bytes {
  const void *first;
  int64_t count;

  bool overlap(const bytes &other) const {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(first), begin_other = reinterpret_cast<uintptr_t>(other.first);
    return begin < begin_other + static_cast<uintptr_t>(other.count) &&
           begin_other < begin + static_cast<uintptr_t>(count);
  }
};

/* The sum of one row, to some last places. */
template <class Real> double sum_of(const Real *row, int64_t count) {
  constexpr int width = 16 / int(sizeof(Real));
  using reals = vec<Real, width>;
  reals sum{};
  int64_t i = 0;
  for (; i + width <= count; i += width)
    sum += load<reals>(row + i);
  Real rest = 0;
  for (; i < count; ++i)
    rest += row[i];
  return static_cast<double>(reduce_add(sum) + rest);
}

template <class Real>
int32_t check_reals(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  const Real *values = static_cast<const Real *>(array.data);
  const int64_t classes = info.rank > 0 ? info.shape[info.rank - 1] : 1, count = batch * elements(info);
  const auto row_of = [&](int64_t element) { return static_cast<long long>(element / elements(info)); };
  if (info.accepts_classes && classes > 1)
    for (int64_t i = 0; i < count; i += classes) {
      const double sum = sum_of(values + i, classes);
      if (!(std::fabs(sum - 1) <= 1e-3))
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld sums to %g, the probabilities of %lld classes to 1",
                          info.name, row_of(i), sum, static_cast<long long>(classes));
    }
  if (std::strcmp(info.name, "sample_weight") == 0)
    for (int64_t i = 0; i < count; ++i)
      if (!(values[i] >= 0 && values[i] <= std::numeric_limits<Real>::max()))
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld has %g, a weight is a number from 0 on", info.name,
                          row_of(i), static_cast<double>(values[i]));
  return HORNFELS_OK;
}

} // namespace

int32_t check_array(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  const bool tokens = is_tokens(info);
  if (tokens ? !array.offsets || (!array.data && array.size > 0) : !array.data)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
  if (!is_aligned(array.data, element_size(info.type)))
    return misaligned(error, info);
  if (tokens) {
    if (!is_aligned(array.offsets, static_cast<int64_t>(alignof(int64_t))))
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: the address of its offsets is not a multiple of 8", info.name);
    return info.type == HORNFELS_TOKENS16 ? check_ids<uint16_t>(error, info, array, batch)
                                          : check_ids<int32_t>(error, info, array, batch);
  }
  const int64_t needed = batch * elements(info);
  if (array.size != needed)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: %lld elements, a batch of %lld needs %lld", info.name,
                      static_cast<long long>(array.size), static_cast<long long>(batch),
                      static_cast<long long>(needed));
  if (info.limit > 0 && info.type == HORNFELS_I32)
    return check_classes<int32_t>(error, info, array, needed);
  if (info.limit > 0 && info.type == HORNFELS_I64)
    return check_classes<int64_t>(error, info, array, needed);
  return HORNFELS_OK;
}

int32_t check_target(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  if (info.type == HORNFELS_F32)
    return check_reals<float>(error, info, array, batch);
  return info.type == HORNFELS_F64 ? check_reals<double>(error, info, array, batch) : HORNFELS_OK;
}

namespace {

/* Bytes that become elements: ids and classes below the limit, probabilities that sum to 1. */
int32_t check_bytes(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t stride, int64_t rows,
                    bool is_target) {
  const unsigned char *const bytes = static_cast<const unsigned char *>(array.data);
  const int64_t width = elements(info), classes = info.rank > 0 ? info.shape[info.rank - 1] : 1;
  const bool reals = info.type == HORNFELS_F32 || info.type == HORNFELS_F64;
  for (int64_t row = 0; row < rows && (reals ? is_target && info.accepts_classes && classes > 1 : info.limit > 0); ++row)
    for (int64_t i = 0, sum = 0; i < width; ++i) {
      const int64_t value = bytes[row * stride + i];
      if (!reals && value >= info.limit)
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld has %lld, class numbers are from 0 to %lld", info.name,
                          static_cast<long long>(row), static_cast<long long>(value), static_cast<long long>(info.limit - 1));
      sum = (i % classes == 0 ? 0 : sum) + value;
      if (reals && i % classes == classes - 1 && sum != 1)
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld sums to %lld, the probabilities of %lld classes to 1", info.name,
                          static_cast<long long>(row), static_cast<long long>(sum), static_cast<long long>(classes));
    }
  return HORNFELS_OK;
}

int32_t check_class_numbers(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t rows) {
  const int64_t classes = info.shape[info.rank - 1], width = elements(info) / classes;
  const int32_t *const numbers = static_cast<const int32_t *>(array.data);
  for (int64_t i = 0; i < rows * width; ++i)
    if (numbers[i] < 0 || numbers[i] >= classes)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: row %lld has %lld, class numbers are from 0 to %lld", info.name,
                        static_cast<long long>(i / width), static_cast<long long>(numbers[i]), static_cast<long long>(classes - 1));
  return HORNFELS_OK;
}

/* The elements that rows need; -1 for a form that the tensor does not take. */
int64_t size_of_rows(const hornfels_tensor &info, const hornfels_rows &data, int64_t rows) {
  const bool bytes = !is_tokens(info) && info.type != HORNFELS_BOOL;
  switch (data.form) {
  case HORNFELS_BYTES:
    return bytes ? rows * elements(info) : -1;
  case HORNFELS_CLASSES:
    return info.accepts_classes && info.rank > 0 ? rows * elements(info) / info.shape[info.rank - 1] : -1;
  case HORNFELS_WINDOWS:
    return bytes && data.stride > 0 && data.stride <= INT64_MAX / rows ? (rows - 1) * data.stride + elements(info) : -1;
  default:
    return -1;
  }
}

int32_t check_plain(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t rows, bool is_target) {
  const int32_t status = check_array(error, info, array, rows);
  return status || !is_target ? status : check_target(error, info, array, rows);
}

} // namespace

int32_t check_rows(error_text &error, const hornfels_model &model, int32_t index, const hornfels_rows &data, int64_t rows) {
  const bool is_target = index >= model.inputs;
  const hornfels_tensor &info = is_target ? model.target_info[index - model.inputs] : model.input_info[index];
  if (!is_tokens(info) && rows > INT64_MAX / 16 / (elements(info) > 0 ? elements(info) : 1))
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: %lld rows are more than memory holds", info.name, static_cast<long long>(rows));
  if (is_tokens(info) && data.training)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: tokens are the same in training", info.name);
  if (data.form == HORNFELS_PLAIN) {
    const int32_t status = check_plain(error, info, data.array, rows, is_target);
    const hornfels_array of_training = {data.training, nullptr, data.array.size};
    return status || !data.training ? status : check_plain(error, info, of_training, rows, is_target);
  }
  const int64_t needed = size_of_rows(info, data, rows);
  if (needed < 0 || data.training)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: is not to be had in form %d", info.name, static_cast<int>(data.form));
  if (!data.array.data)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
  if (data.form == HORNFELS_WINDOWS ? data.array.size < needed : data.array.size != needed)
    return error.fail(HORNFELS_BAD_ARGUMENT, "%s: %lld elements, %lld rows need %lld", info.name,
                      static_cast<long long>(data.array.size), static_cast<long long>(rows), static_cast<long long>(needed));
  if (data.form == HORNFELS_CLASSES)
    return is_aligned(data.array.data, 4) ? check_class_numbers(error, info, data.array, rows) : misaligned(error, info);
  return check_bytes(error, info, data.array, data.form == HORNFELS_WINDOWS ? data.stride : elements(info), rows, is_target);
}

int32_t check_results(error_text &error, const hornfels_model &model, const hornfels_array *inputs,
                      const hornfels_result *outputs, int64_t batch) {
  for (int32_t i = 0; i < model.outputs; ++i) {
    const hornfels_tensor &info = model.output_info[i];
    const int64_t needed = batch * elements(info), size = element_size(info.type);
    if (!outputs || !outputs[i].data)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: null pointer", info.name);
    if (outputs[i].size < needed)
      return error.fail(HORNFELS_BAD_ARGUMENT, "%s: room for %lld elements, a batch of %lld needs %lld", info.name,
                        static_cast<long long>(outputs[i].size), static_cast<long long>(batch),
                        static_cast<long long>(needed));
    if (!is_aligned(outputs[i].data, size))
      return misaligned(error, info);
    const bytes written{outputs[i].data, needed * size};
    for (int32_t k = 0; k < model.inputs; ++k) {
      const hornfels_tensor &input = model.input_info[k];
      const int64_t read = is_tokens(input) ? inputs[k].size : batch * elements(input);
      if (written.overlap({inputs[k].data, read * element_size(input.type)}) ||
          (is_tokens(input) && written.overlap({inputs[k].offsets, (batch + 1) * int64_t(sizeof(int64_t))})))
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: lies where the input %s lies", info.name, input.name);
    }
    for (int32_t k = 0; k < i; ++k) {
      const hornfels_tensor &other = model.output_info[k];
      if (written.overlap({outputs[k].data, batch * elements(other) * element_size(other.type)}))
        return error.fail(HORNFELS_BAD_ARGUMENT, "%s: lies where the output %s lies", info.name, other.name);
    }
  }
  return HORNFELS_OK;
}

} // namespace hornfels
