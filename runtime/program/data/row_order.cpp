#include "row_order.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

part_of_file choose_part(const data_file &file, const suffixes &wanted,
                         const std::function<bool(const std::string &)> &has) {
  constexpr double split_of_keras = 0.2;
  part_of_file part;
  const double said = file.how().test_split;
  const bool train = wanted.front() == "_train",
             test = wanted.front() == "_test" || (wanted.front() == "" && said > 0);
  const auto found = std::find_if(wanted.begin(), wanted.end(), has);
  part.names = found == wanted.end() ? wanted : suffixes{*found};
  const bool has_parts = has("_train") || has("_test");
  if (said > 0 && (train || test) && has_parts)
    throw failure(exit_usage, "error: --test-split: " + file.name() + " has parts of its own, _train or _test");
  if ((!train && !test) || has_parts || !has(""))
    return part;
  part.names = {""};
  part.split = said >= 0 ? said : file.what() == data_file::archive ? split_of_keras : 0;
  if (part.split > 0 || file.what() == data_file::archive)
    part.which = train ? part_of_file::training : part_of_file::test;
  return part;
}

std::vector<uint32_t> file_order(const part_of_file &part, const data_options &how, int64_t rows, bool ranks,
                                 int64_t before) {
  constexpr int64_t seed_of_keras = 113;
  int64_t seed = 0;
  const bool is_part = part.which != part_of_file::named || part.names.front() != "";
  if (how.seed.get(seed_of_keras, seed) && is_part && (ranks || part.split > 0))
    return numpy_shuffle(static_cast<uint32_t>(seed),
                         before > 0 ? std::vector<int64_t>{before, rows} : std::vector<int64_t>{rows});
  std::vector<uint32_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

row_range range_of_part(const part_of_file &part, int64_t rows) {
  if (part.which == part_of_file::named || part.split == 0)
    return {0, rows};
  const int64_t first = static_cast<int64_t>(static_cast<double>(rows) * (1.0 - part.split));
  const row_range range = part.which == part_of_file::training ? row_range{0, first} : row_range{first, rows - first};
  if (range.count == 0)
    throw failure(exit_usage, format("error: --test-split: %g of %lld rows leaves %lld to train and %lld to test",
                                     part.split, static_cast<long long>(rows), static_cast<long long>(first),
                                     static_cast<long long>(rows - first)));
  return range;
}

std::vector<uint32_t> part_of_rows(const part_of_file &part, std::vector<uint32_t> order,
                                   const std::string &file) {
  if (order.empty())
    throw failure(exit_usage, "error: --maxlen: no row of " + file + " is shorter");
  const row_range range = range_of_part(part, static_cast<int64_t>(order.size()));
  order.erase(order.begin() + range.first + range.count, order.end());
  order.erase(order.begin(), order.begin() + range.first);
  return order;
}

namespace {

bool is_all(const std::vector<uint32_t> &order, int64_t rows) {
  if (static_cast<int64_t>(order.size()) != rows)
    return false;
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != i)
      return false;
  return true;
}

/* Bytes of an element as it is kept. */
size_t kept_bytes(const bound_array &array) {
  return array.kept == bound_array::bytes     ? 1
         : array.kept == bound_array::classes ? sizeof(int32_t)
                                              : type_bytes(array.tensor->type);
}

bound_array select_tokens(const bound_array &array, const std::vector<uint32_t> &order) {
  bound_array selected;
  const int64_t *const from = array.offsets.as<int64_t>();
  const size_t width = kept_bytes(array);
  selected.offsets = buffer((order.size() + 1) * sizeof(int64_t));
  int64_t *const offsets = selected.offsets.as<int64_t>();
  offsets[0] = 0;
  for (size_t i = 0; i < order.size(); ++i)
    offsets[i + 1] = offsets[i] + from[order[i] + 1] - from[order[i]];
  selected.data = buffer(static_cast<size_t>(offsets[order.size()]) * width);
  for (size_t i = 0; i < order.size(); ++i)
    std::memcpy(selected.data.as<char>() + static_cast<size_t>(offsets[i]) * width,
                array.data.as<char>() + static_cast<size_t>(from[order[i]]) * width,
                static_cast<size_t>(offsets[i + 1] - offsets[i]) * width);
  return selected;
}

} // namespace

bound_array select_rows(bound_array array, const std::vector<uint32_t> &order, int64_t rows) {
  if (is_all(order, rows))
    return array;
  bound_array selected;
  if (array.kept == bound_array::tokens) {
    selected = select_tokens(array, order);
  } else {
    const size_t width = static_cast<size_t>(array.row_elements) * kept_bytes(array);
    selected.data = buffer(order.size() * width);
    for (size_t i = 0; i < order.size(); ++i)
      std::memcpy(selected.data.as<char>() + i * width, array.data.as<char>() + order[i] * width, width);
  }
  selected.tensor = array.tensor;
  selected.kept = array.kept;
  selected.row_elements = array.row_elements;
  return selected;
}

} // namespace hornfels
