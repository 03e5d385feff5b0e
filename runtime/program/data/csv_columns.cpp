#include "csv_columns.h"

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

int64_t elements_of(const hornfels_tensor &tensor) {
  const int64_t count = checked_product(tensor.shape, static_cast<size_t>(tensor.rank), int64_t{1} << 32);
  return is_tokens(tensor) ? 1 : count;
}

[[noreturn]] void no_columns(const csv_table &table, const column_request &request,
                             const std::string &looked_for) {
  std::string present;
  constexpr size_t most = 20;
  const std::vector<std::string> &names = table.names();
  for (size_t i = 0; i < names.size() && i < most; ++i)
    present += (i ? ", " : "") + quoted(names[i]);
  throw failure(exit_input, table.name() + ":1:1: error: no " + looked_for + " for " + request.tensor->name +
                                " (" + tensor_text(*request.tensor) + ", " +
                                (request.tensor->position ? request.tensor->position : "?") +
                                "); the columns are " + present + (names.size() > most ? ", ..." : ""));
}

/* The column of the array's own name, where one can hold it. */
bool find_one(const csv_table &table, const column_request &request, std::vector<size_t> &found) {
  if (elements_of(*request.tensor) != 1 && !request.tensor->accepts_classes)
    return false;
  for (const std::string &name : request.names) {
    const int64_t column = table.find(name);
    if (column < 0)
      continue;
    found = {static_cast<size_t>(column)};
    return true;
  }
  return false;
}

/* NAME_0, NAME_1, ... */
bool find_numbered(const csv_table &table, const column_request &request, std::vector<size_t> &found) {
  for (const std::string &name : request.names) {
    if (is_tokens(*request.tensor) || table.find(name + "_0") < 0)
      continue;
    for (int64_t i = 0; i < elements_of(*request.tensor); ++i) {
      const std::string numbered = name + "_" + std::to_string(i);
      const int64_t column = table.find(numbered);
      if (column < 0)
        no_columns(table, request, "column " + quoted(numbered));
      found.push_back(static_cast<size_t>(column));
    }
    return true;
  }
  return false;
}

std::vector<size_t> unclaimed(const csv_table &table, const std::vector<std::vector<size_t>> &chosen) {
  std::vector<bool> taken(table.names().size());
  for (const std::vector<size_t> &columns : chosen)
    for (const size_t column : columns)
      taken[column] = true;
  std::vector<size_t> rest;
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i])
      rest.push_back(i);
  return rest;
}

std::string looked_for(const column_request &request, size_t rest) {
  const int64_t elements = elements_of(*request.tensor);
  std::string text;
  for (const std::string &name : request.names)
    text += (text.empty() ? "" : " or ") +
            (elements == 1 ? quoted(name)
                           : quoted(name + "_0") + " to " +
                                 quoted(name + format("_%lld", static_cast<long long>(elements - 1))));
  if (elements == 1)
    return "column " + text;
  return "columns " + text +
         format(", nor %lld columns that nothing else takes (there are %zu)",
                static_cast<long long>(elements), rest);
}

} // namespace

std::vector<std::vector<size_t>> choose_columns(const csv_table &table,
                                                const std::vector<column_request> &requests) {
  std::vector<std::vector<size_t>> chosen(requests.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < requests.size(); ++i)
    if (!find_one(table, requests[i], chosen[i]) && !find_numbered(table, requests[i], chosen[i]) &&
        requests[i].needed)
      open.push_back(i);
  const std::vector<size_t> rest = unclaimed(table, chosen);
  for (const size_t i : open) {
    const int64_t elements = elements_of(*requests[i].tensor);
    if (open.size() > 1 || elements < 2 || static_cast<int64_t>(rest.size()) != elements)
      no_columns(table, requests[i], looked_for(requests[i], rest.size()));
    chosen[i] = rest;
  }
  return chosen;
}

} // namespace hornfels
