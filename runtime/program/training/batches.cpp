#include "batches.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/core/text.h"

namespace hornfels {

namespace {

size_t id_bytes(const bound_array &array) { return type_bytes(array.tensor->type); }

/* One-hot elements that a class number stands for: the last axis. */
int64_t classes_of(const bound_array &array) { return array.tensor->shape[array.tensor->rank - 1]; }

/* Elements that a row has in the batch. */
int64_t batch_elements(const bound_array &array) {
  return array.kept == bound_array::classes ? array.row_elements * classes_of(array) : array.row_elements;
}

/* The most ids that `capacity` different rows can have: those of the longest ones. */
int64_t most_ids(const bound_array &array, int64_t rows, int64_t capacity) {
  const int64_t *const offsets = array.offsets.as<int64_t>();
  std::vector<int64_t> lengths(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i)
    lengths[static_cast<size_t>(i)] = offsets[i + 1] - offsets[i];
  const auto middle = lengths.begin() + std::min(capacity, rows);
  std::nth_element(lengths.begin(), middle, lengths.end(), std::greater<int64_t>());
  return std::accumulate(lengths.begin(), middle, int64_t{0});
}

/* Asks for the first bytes of what will be copied some rows later: rows are drawn from anywhere. */
void fetch(const char *from, size_t bytes) {
  constexpr size_t line = 64, most = 512;
  for (size_t at = 0; at < bytes && at < most; at += line)
    __builtin_prefetch(from + at);
}

void gather_tokens(const bound_array &array, const uint32_t *rows, int64_t count, char *ids,
                   int64_t *offsets) {
  const int64_t *const from = array.offsets.as<int64_t>();
  const char *const all = array.data.as<char>();
  const size_t width = id_bytes(array);
  constexpr int64_t ahead = 6;
  int64_t at = 0;
  offsets[0] = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i + ahead < count) {
      const int64_t *const next = from + rows[i + ahead];
      fetch(all + static_cast<size_t>(next[0]) * width, static_cast<size_t>(next[1] - next[0]) * width);
    }
    const int64_t begin = from[rows[i]], length = from[rows[i] + 1] - begin;
    std::memcpy(ids + static_cast<size_t>(at) * width, all + static_cast<size_t>(begin) * width,
                static_cast<size_t>(length) * width);
    at += length;
    offsets[i + 1] = at;
  }
}

/* Elements of type T: as they are. */
template <class T>
void gather_plain(const buffer &data, int64_t row_elements, const uint32_t *rows, int64_t count, T *to) {
  const size_t width = static_cast<size_t>(row_elements);
  const T *const from = data.as<T>();
  if (width == 1) {
    for (int64_t i = 0; i < count; ++i)
      to[i] = from[rows[i]];
    return;
  }
  for (int64_t i = 0; i < count; ++i, to += width)
    std::memcpy(to, from + rows[i] * width, width * sizeof(T));
}

template <class Real>
void gather_bytes(const bound_array &array, const uint32_t *rows, int64_t count, Real *to) {
  const size_t width = static_cast<size_t>(array.row_elements);
  for (int64_t i = 0; i < count; ++i, to += width) {
    const uint8_t *const from = array.data.as<uint8_t>() + rows[i] * width;
    for (size_t e = 0; e < width; ++e)
      to[e] = static_cast<Real>(from[e]);
  }
}

template <class Element>
void gather_windows(const bound_array &array, const uint32_t *rows, int64_t count, Element *to) {
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *const from = array.text + rows[i] * array.stride;
    for (int64_t e = 0; e < array.row_elements; ++e)
      *to++ = static_cast<Element>(from[e]);
  }
}

template <class Element>
void gather_classes(const bound_array &array, const uint32_t *rows, int64_t count, Element *to) {
  const size_t width = static_cast<size_t>(array.row_elements),
               classes = static_cast<size_t>(classes_of(array));
  std::fill(to, to + static_cast<size_t>(count) * width * classes, Element(0));
  for (int64_t i = 0; i < count; ++i) {
    const int32_t *const from = array.data.as<int32_t>() + rows[i] * width;
    for (size_t e = 0; e < width; ++e, to += classes)
      to[from[e]] = Element(1);
  }
}

/* `gather(element pointer)` with a pointer to the tensor's element type. */
template <class Gather> void with_type(int32_t type, buffer &to, Gather gather) {
  switch (type_bytes(type)) {
  case 8:
    return type == HORNFELS_F64 ? gather(to.as<double>()) : gather(to.as<int64_t>());
  case 4:
    return type == HORNFELS_F32 ? gather(to.as<float>()) : gather(to.as<int32_t>());
  default:
    return gather(to.as<uint8_t>());
  }
}

} // namespace

batcher::batcher(const dataset &data, int64_t capacity) : set(data), largest(capacity) {
  for (const bound_array &array : set.arrays) {
    slot s;
    if (array.kept == bound_array::tokens) {
      s.data = buffer(static_cast<size_t>(most_ids(array, set.rows, capacity)) * id_bytes(array));
      s.offsets = buffer(static_cast<size_t>(capacity + 1) * sizeof(int64_t));
    } else {
      s.data = buffer(static_cast<size_t>(capacity * batch_elements(array)) * type_bytes(array.tensor->type));
    }
    slots.push_back(std::move(s));
  }
  arrays.resize(slots.size());
  range.resize(static_cast<size_t>(capacity));
}

const hornfels_array *batcher::gather(const uint32_t *rows, int64_t count) {
  return gather(rows, count, true);
}

const hornfels_array *batcher::gather(const uint32_t *rows, int64_t count, bool to_train) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const bound_array &array = set.arrays[i];
    slot &to = slots[i];
    hornfels_array &result = arrays[i];
    result.data = to.data.as<void>();
    result.offsets = nullptr;
    result.size = count * batch_elements(array);
    switch (array.kept) {
    case bound_array::tokens:
      gather_tokens(array, rows, count, to.data.as<char>(), to.offsets.as<int64_t>());
      result.offsets = to.offsets.as<int64_t>();
      result.size = result.offsets[count];
      break;
    case bound_array::bytes:
      if (array.tensor->type == HORNFELS_F32)
        gather_bytes(array, rows, count, to.data.as<float>());
      else
        gather_bytes(array, rows, count, to.data.as<double>());
      break;
    case bound_array::classes:
      with_type(array.tensor->type, to.data,
                [&](auto *elements) { gather_classes(array, rows, count, elements); });
      break;
    case bound_array::windows:
      with_type(array.tensor->type, to.data,
                [&](auto *elements) { gather_windows(array, rows, count, elements); });
      break;
    case bound_array::plain: {
      const bool weighs = to_train && i + 1 == slots.size() && set.training_weights.bytes() > 0;
      const buffer &from = weighs ? set.training_weights : array.data;
      with_type(array.tensor->type, to.data,
                [&](auto *elements) { gather_plain(from, array.row_elements, rows, count, elements); });
      break;
    }
    }
  }
  return arrays.data();
}

const hornfels_array *batcher::gather_range(int64_t first, int64_t count) {
  std::iota(range.begin(), range.begin() + count, static_cast<uint32_t>(first));
  return gather(range.data(), count, false);
}

} // namespace hornfels
