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

[[noreturn]] void beyond_limit(const hornfels_tensor &tensor, const std::string &place, int64_t row, int64_t id) {
  throw failure(exit_input,
                std::string(tensor.position ? tensor.position : "?") + ": error: " + tensor.name + " is " +
                    tensor_text(tensor) +
                    format(", whose ids are 0 to %lld, but row %lld of ",
                           static_cast<long long>(tensor.limit - 1), static_cast<long long>(row)) +
                    place + format(" holds %lld", static_cast<long long>(id)));
}

/* The row that an element is in. */
int64_t row_of(const bound_array &array, int64_t rows, int64_t element) {
  const int64_t *const offsets = array.offsets.as<int64_t>();
  return std::upper_bound(offsets, offsets + rows + 1, element) - offsets - 1;
}

/* Ids are below it. */
template <class Id> int64_t limit_of(const hornfels_tensor &tensor) {
  return tensor.limit > 0 ? tensor.limit : int64_t{std::numeric_limits<Id>::max()} + 1;
}

/* The ids as they are in the file, in `to.data`. */
template <class Id> void read_ids(array_source &source, int64_t rows, bound_array &to) {
  constexpr int64_t chunk = 4096;
  const int64_t count = source.header.elements;
  const int64_t limit = limit_of<Id>(*to.tensor);
  to.data = buffer(static_cast<size_t>(count) * sizeof(Id));
  Id *const ids = to.data.as<Id>();
  int64_t values[chunk];
  for (int64_t done = 0; done < count; done += chunk) {
    const int64_t now = std::min(chunk, count - done);
    read_integers(source, values, now, done, 1);
    for (int64_t i = 0; i < now; ++i) {
      if (values[i] < 0 || values[i] >= limit)
        beyond_limit(*to.tensor, source.place, row_of(to, rows, done + i), values[i]);
      ids[done + i] = static_cast<Id>(values[i]);
    }
  }
}

/* Makes each row what the model asks for. */
void arrange_rows(bound_array &tokens, int64_t rows) {
  const hornfels_tensor &tensor = *tokens.tensor;
  const int64_t ids = hornfels_sort_rows(tensor.type, tensor.token_rows, tensor.limit, tokens.data.as<void>(),
                                         tokens.offsets.as<int64_t>(), rows);
  tokens.data.shrink(static_cast<size_t>(ids) * type_bytes(tensor.type));
}

} // namespace

void read_tokens(array_source &source, int64_t rows, bound_array &to) {
  if (to.tensor->type == HORNFELS_TOKENS16)
    read_ids<uint16_t>(source, rows, to);
  else
    read_ids<int32_t>(source, rows, to);
  arrange_rows(to, rows);
}

bool asks_for_words(const data_options &how) {
  return how.num_words > 0 || how.skip_top > 0 || how.maxlen > 0 || how.start_char.given || how.index_from.given;
}

word_rules rules_of_ids(const data_options &how) {
  word_rules rules;
  rules.num_words = how.num_words > 0 ? how.num_words : INT64_MAX;
  rules.skip_top = how.skip_top;
  rules.maxlen = how.maxlen;
  rules.starts = how.start_char.get(0, rules.start_char) && how.start_char.given;
  rules.replaces = how.oov_char.get(2, rules.oov_char);
  how.index_from.get(0, rules.index_from);
  return rules;
}

token_lists lists_of_values(array_source &values, array_source &offsets, int64_t rows) {
  token_lists lists;
  lists.rows = rows;
  lists.offsets = read_offsets(offsets, rows, values.header.elements);
  lists.values = buffer(static_cast<size_t>(values.header.elements) * sizeof(int32_t));
  int32_t *const numbers = lists.values.as<int32_t>();
  read_elements(values, HORNFELS_I32, numbers, values.header.elements, 0, 1);
  const int32_t *const negative =
      std::find_if(numbers, numbers + values.header.elements, [](int32_t number) { return number < 0; });
  if (negative != numbers + values.header.elements)
    throw failure(exit_input, values.place + format(": error: value %lld is %d; words are 0 or more",
                                                    static_cast<long long>(negative - numbers), *negative));
  return lists;
}

bound_array make_tokens(const token_lists &lists, const word_rules &rules, const std::vector<uint32_t> &order,
                        const hornfels_tensor &tensor, const std::string &place) {
  bound_array tokens;
  tokens.tensor = &tensor;
  tokens.kept = bound_array::tokens;
  const auto refuse = [&](uint32_t row, int64_t id) { beyond_limit(tensor, place, row, id); };
  if (tensor.type == HORNFELS_TOKENS16)
    make_ids<uint16_t>(lists, rules, order, limit_of<uint16_t>(tensor), tokens.data, tokens.offsets, refuse);
  else
    make_ids<int32_t>(lists, rules, order, limit_of<int32_t>(tensor), tokens.data, tokens.offsets, refuse);
  arrange_rows(tokens, static_cast<int64_t>(order.size()));
  return tokens;
}

} // namespace hornfels
