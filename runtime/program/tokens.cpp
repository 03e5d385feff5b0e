#include "tokens.h"

#include <algorithm>
#include <limits>

#include "convert.h"
#include "runtime/core/sort_rows.h"
#include "runtime/core/text.h"

namespace hornfels {

buffer read_offsets(array_source &source, int64_t rows, int64_t values) {
  buffer result(static_cast<size_t>(rows + 1) * sizeof(int64_t));
  int64_t *const offsets = result.as<int64_t>();
  read_integers(source, offsets, rows + 1, 0, 1);
  const auto fail = [&](int64_t row, const std::string &expected) {
    throw failure(exit_input, source.place +
                                  format(": error: offset %lld is %lld, expected ",
                                         static_cast<long long>(row), static_cast<long long>(offsets[row])) +
                                  expected);
  };
  if (offsets[0] != 0)
    fail(0, "0");
  for (int64_t row = 1; row <= rows; ++row)
    if (offsets[row] < offsets[row - 1])
      fail(row, format("%lld or more, the one before", static_cast<long long>(offsets[row - 1])));
  if (offsets[rows] != values)
    fail(rows, format("%lld, the number of values", static_cast<long long>(values)));
  return result;
}

namespace {

[[noreturn]] void beyond_limit(const array_source &source, const bound_array &to, int64_t rows,
                               int64_t element, int64_t id) {
  const int64_t *const offsets = to.offsets.as<int64_t>();
  const int64_t row = std::upper_bound(offsets, offsets + rows + 1, element) - offsets - 1;
  const hornfels_tensor &tensor = *to.tensor;
  throw failure(exit_input,
                std::string(tensor.position ? tensor.position : "?") + ": error: " + tensor.name + " is " +
                    tensor_text(tensor) +
                    format(", whose ids are 0 to %lld, but row %lld of ",
                           static_cast<long long>(tensor.limit - 1), static_cast<long long>(row)) +
                    source.place + format(" holds %lld", static_cast<long long>(id)));
}

/* The ids as they are in the file, in `to.data`. */
template <class Id> void read_ids(array_source &source, int64_t rows, bound_array &to) {
  constexpr int64_t chunk = 4096;
  const int64_t count = source.header.elements;
  const int64_t limit = to.tensor->limit > 0 ? to.tensor->limit : int64_t{std::numeric_limits<Id>::max()} + 1;
  to.data = buffer(static_cast<size_t>(count) * sizeof(Id));
  Id *const ids = to.data.as<Id>();
  int64_t values[chunk];
  for (int64_t done = 0; done < count; done += chunk) {
    const int64_t now = std::min(chunk, count - done);
    read_integers(source, values, now, done, 1);
    for (int64_t i = 0; i < now; ++i) {
      if (values[i] < 0 || values[i] >= limit)
        beyond_limit(source, to, rows, done + i, values[i]);
      ids[done + i] = static_cast<Id>(values[i]);
    }
  }
}

} // namespace

void read_tokens(array_source &source, int64_t rows, bound_array &to) {
  const hornfels_tensor &tensor = *to.tensor;
  if (tensor.type == HORNFELS_TOKENS16)
    read_ids<uint16_t>(source, rows, to);
  else
    read_ids<int32_t>(source, rows, to);
  const int64_t ids = hornfels_sort_rows(tensor.type, tensor.token_rows, tensor.limit, to.data.as<void>(),
                                         to.offsets.as<int64_t>(), rows);
  to.data.shrink(static_cast<size_t>(ids) * type_bytes(tensor.type));
}

} // namespace hornfels
