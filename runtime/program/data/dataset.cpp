#include "dataset.h"

#include <algorithm>

#include "convert.h"
#include "csv_columns.h"
#include "data_checks.h"
#include "row_order.h"
#include "runtime/core/text.h"
#include "runtime/program/nearest.h"
#include "text_windows.h"
#include "tokens.h"

namespace hornfels {

namespace {

bool is_tokens(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32;
}

/* An input or target, what it is called in files, and its array. */
struct wanted_array {
  const hornfels_tensor *tensor;
  bool is_target;
  std::vector<std::string> names; /* without suffix: "review", and "x" when it is the only one */
  array_source source, offsets;   /* offsets: of tokens that are no lists */
  int64_t rows = 0;
};

bool holds_lists(const wanted_array &array) { return array.source.lists != nullptr; }

std::vector<wanted_array> list_arrays(const hornfels_model &model, bool targets) {
  std::vector<wanted_array> list;
  const auto add = [&](const hornfels_tensor *info, int32_t count, bool is_target, const char *stand_in) {
    for (int32_t i = 0; i < count; ++i) {
      wanted_array array{};
      array.tensor = info + i;
      array.is_target = is_target;
      array.names.push_back(info[i].name);
      if (count == 1)
        array.names.push_back(stand_in);
      list.push_back(std::move(array));
    }
  };
  add(model.input_info, model.inputs, false, "x");
  if (targets)
    add(model.target_info, model.targets - (weight_target(model) ? 1 : 0), true, "y");
  return list;
}

/* The weights of samples, where the model takes them and the file has them. */
void add_weights(std::vector<wanted_array> &list, const hornfels_model &model, bool present) {
  const hornfels_tensor *const weights = weight_target(model);
  if (!weights || !present)
    return;
  wanted_array array{};
  array.tensor = weights;
  array.is_target = true;
  array.names.push_back(weights->name);
  list.push_back(std::move(array));
}

/* The names to look for, most wanted first. */
std::vector<std::string> candidates(const wanted_array &array, const suffixes &wanted, const char *end) {
  std::vector<std::string> result;
  for (const std::string &suffix : wanted)
    for (const std::string &name : array.names)
      result.push_back(name + suffix + end);
  return result;
}

std::string enumerate(const std::vector<std::string> &names, const char *last) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 20; ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? last : ", ") + quoted(names[i]);
  return names.size() > 20 ? text + ", ..." : text;
}

[[noreturn]] void not_there(const wanted_array &array, const data_file &file,
                            const std::vector<std::string> &names) {
  const std::vector<std::string> present = file.names();
  throw failure(
      exit_input,
      file.name() + ": error: no array " + enumerate(names, " or ") + " for " + array.tensor->name + " (" +
          tensor_text(*array.tensor) + ", " + (array.tensor->position ? array.tensor->position : "?") + ")" +
          (present.empty() ? "; the file has no arrays" : "; it has " + enumerate(present, " and ")));
}

[[noreturn]] void does_not_fit(const wanted_array &array, const std::string &expected) {
  throw failure(exit_input, array.source.place + ": error: is " + array.source.header.text() + ", expected " +
                                expected + " for " + array.tensor->name + ", declared at " +
                                (array.tensor->position ? array.tensor->position : "?"));
}

/* Finds the array (of tokens, both arrays, or one of lists) and reads its header. */
void find(wanted_array &array, const data_file &file, const suffixes &wanted) {
  const bool tokens = is_tokens(*array.tensor);
  std::vector<std::string> names = candidates(array, wanted, tokens && !file.is_single() ? "_values" : "");
  std::string name = file.find(names);
  if (name.empty() && tokens) {
    const std::vector<std::string> lists = candidates(array, wanted, "");
    name = file.find(lists);
    names.insert(names.end(), lists.begin(), lists.end());
  }
  if (name.empty())
    not_there(array, file, names);
  array.source = file.open(name);
  if (!tokens || holds_lists(array))
    return;
  const bool has_values = name.size() > 7 && name.compare(name.size() - 7, 7, "_values") == 0;
  if (file.is_single() || !has_values)
    throw failure(exit_input, array.source.place + ": error: is " + array.source.header.text() +
                                  "; tokens need two arrays, " + array.names.front() + "_values and " +
                                  array.names.front() + "_offsets, or pickled lists");
  const std::string offsets = name.substr(0, name.size() - 7) + "_offsets";
  if (file.find({offsets}).empty())
    not_there(array, file, {offsets});
  array.offsets = file.open(offsets);
  if (array.offsets.lists)
    throw failure(exit_input, array.offsets.place + ": error: is " + array.offsets.header.text() +
                                  ", expected one axis of integers: where each row begins, and the end");
}

/* The columns of every array; those of the targets are known even where they are not read. */
void find_columns(std::vector<wanted_array> &list, const hornfels_model &model, const csv_table &table) {
  std::vector<column_request> requests;
  std::vector<wanted_array> all = list_arrays(model, true);
  add_weights(all, model, table.find("sample_weight") >= 0);
  for (const wanted_array &array : all)
    requests.push_back({array.tensor, array.names, requests.size() < list.size()});
  const std::vector<std::vector<size_t>> columns = choose_columns(table, requests);
  for (size_t i = 0; i < list.size(); ++i) {
    const hornfels_tensor &tensor = *list[i].tensor;
    const size_t rank = static_cast<size_t>(tensor.rank);
    if (is_tokens(tensor))
      list[i].source = table.open_lists(columns[i].front());
    else if (columns[i].size() == 1 && tensor.accepts_classes && rank > 0)
      list[i].source = table.open(columns[i], tensor.shape, rank - 1);
    else
      list[i].source = table.open(columns[i], tensor.shape, rank);
  }
}

/* Whether a[0..n) and b[0..m) are the same but for axes of 1 at the end of one of them. */
bool same_shape(const int64_t *a, size_t n, const int64_t *b, size_t m) {
  if (n > m)
    return same_shape(b, m, a, n);
  if (m > n + 1 || (m == n + 1 && b[n] != 1))
    return false;
  for (size_t i = 0; i < n; ++i)
    if (a[i] != b[i])
      return false;
  return true;
}

/* Whether the array's rows are class numbers for a target of one-hot rows. */
bool holds_classes(const wanted_array &array) {
  const hornfels_tensor &tensor = *array.tensor;
  const npy_header &header = array.source.header;
  const size_t rank = static_cast<size_t>(tensor.rank);
  return tensor.accepts_classes && rank > 0 && tensor.shape[rank - 1] > 1 &&
         same_shape(tensor.shape, rank - 1, header.shape + 1, header.rank - 1);
}

/* Compares the header with the tensor and finds how many rows there are. */
void measure(wanted_array &array) {
  const hornfels_tensor &tensor = *array.tensor;
  const npy_header &header = array.source.header;
  const size_t rank = static_cast<size_t>(tensor.rank);
  if (holds_lists(array)) {
    if (!is_tokens(tensor))
      does_not_fit(array, "numbers");
    array.rows = header.shape[0];
    return;
  }
  if (is_tokens(tensor)) {
    const npy_header &offsets = array.offsets.header;
    if (header.rank != 1 || header.kind == 'f' || header.kind == 'b')
      does_not_fit(array, "one axis of integers");
    if (offsets.rank != 1 || offsets.elements == 0 || offsets.kind == 'f' || offsets.kind == 'b')
      throw failure(exit_input, array.offsets.place + ": error: is " + offsets.text() +
                                    ", expected one axis of integers: where each row begins, and the end");
    array.rows = offsets.elements - 1;
    return;
  }
  const bool fits = header.rank > 0 && (same_shape(tensor.shape, rank, header.shape + 1, header.rank - 1) ||
                                        holds_classes(array));
  if (!fits) {
    std::string expected = type_name(tensor.type) + std::string("[rows");
    for (size_t i = 0; i < rank; ++i)
      expected += format(", %lld", static_cast<long long>(tensor.shape[i]));
    does_not_fit(array, expected + "]" + (tensor.accepts_classes ? " or class numbers" : ""));
  }
  array.rows = header.shape[0];
}

/* Element type in which the array is kept. */
int32_t kept_type(const wanted_array &array, bound_array::form &kept) {
  const int32_t type = array.tensor->type;
  const npy_header &header = array.source.header;
  kept = is_tokens(*array.tensor) ? bound_array::tokens
         : holds_classes(array)   ? bound_array::classes
         : !array.is_target && (type == HORNFELS_F32 || type == HORNFELS_F64) && header.kind == 'u' &&
                 header.width == 1
             ? bound_array::bytes
             : bound_array::plain;
  return kept == bound_array::classes ? HORNFELS_I32 : kept == bound_array::bytes ? HORNFELS_U8 : type;
}

void require_same_rows(const std::vector<wanted_array> &list) {
  const auto &place = [](const wanted_array &a) {
    return is_tokens(*a.tensor) && !holds_lists(a) ? a.offsets.place : a.source.place;
  };
  for (const wanted_array &array : list)
    if (array.rows != list.front().rows)
      throw failure(exit_input,
                    place(array) +
                        format(": error: has %lld rows, but ", static_cast<long long>(array.rows)) +
                        place(list.front()) + format(" has %lld", static_cast<long long>(list.front().rows)));
  if (list.front().rows == 0)
    throw failure(exit_input, place(list.front()) + ": error: has no rows");
  if (list.front().rows > most_rows)
    throw failure(exit_input, place(list.front()) + format(": error: has more than %lld rows",
                                                           static_cast<long long>(most_rows)));
}

/* Refuses what the machine cannot hold, before a page of it is touched. */
void require_memory_for(const std::vector<wanted_array> &list) {
  double needed = 0;
  for (const wanted_array &array : list) {
    bound_array::form kept;
    needed += static_cast<double>(array.source.header.elements) *
              static_cast<double>(type_bytes(kept_type(array, kept)));
    if (is_tokens(*array.tensor))
      needed += static_cast<double>(array.rows) * 8.0;
  }
  require_memory(list.front().source.place, needed);
}

bound_array read(wanted_array &array) {
  bound_array bound;
  bound.tensor = array.tensor;
  const int32_t type = kept_type(array, bound.kept);
  if (bound.kept == bound_array::tokens) {
    bound.offsets = read_offsets(array.offsets, array.rows, array.source.header.elements);
    read_tokens(array.source, array.rows, bound);
    return bound;
  }
  const int64_t elements = array.source.header.elements;
  bound.row_elements = elements / array.rows;
  bound.data = buffer(static_cast<size_t>(elements) * type_bytes(type));
  read_elements(array.source, type, bound.data.as<void>(), elements, 0, bound.row_elements);
  require_values({array.source.place, array.is_target, array.rows}, bound);
  return bound;
}

/* Tokens as lists, where words become ids by rules, or nothing, where they are ids as they stand. */
token_lists read_lists(wanted_array &array, const data_options &how) {
  if (holds_lists(array))
    return array.source.lists->read();
  if (is_tokens(*array.tensor) && asks_for_words(how))
    return lists_of_values(array.source, array.offsets, array.rows);
  return {};
}

/* Whether the file has all arrays with the suffix. */
bool has_all(const std::vector<wanted_array> &list, const data_file &file, const std::string &suffix) {
  for (const wanted_array &array : list)
    if (file.find(candidates(array, {suffix}, is_tokens(*array.tensor) ? "_values" : "")).empty() &&
        (!is_tokens(*array.tensor) || file.find(candidates(array, {suffix}, "")).empty()))
      return false;
  return true;
}

/* Rows of the arrays with a suffix, from the header of the first one; 0: there are none. */
int64_t rows_with(const hornfels_model &model, const data_file &file, const std::string &suffix) {
  wanted_array first = std::move(list_arrays(model, false).front());
  if (!has_all(list_arrays(model, false), file, suffix))
    return 0;
  find(first, file, {suffix});
  measure(first);
  return first.rows;
}

/* Which of the file's rows are meant, and how they are called. */
part_of_file choose(const hornfels_model &model, const data_file &file, const suffixes &wanted,
                    bool targets) {
  return choose_part(file, wanted, [&](const std::string &suffix) {
    return file.as_table() || file.as_text()
               ? suffix.empty()
               : !file.is_single() && has_all(list_arrays(model, targets), file, suffix);
  });
}

/* How the words of an array become ids: ranks in Keras's lists, ids elsewhere. */
word_rules rules_for(const wanted_array &array, const data_file &file) {
  return holds_lists(array) && !file.as_table() ? rules_of_ranks(file.how(), array.tensor->limit)
                                                : rules_of_ids(file.how());
}

/* Each --input must be an array that some command looks for: a mistake in a name would go unseen. */
void require_known_names(const hornfels_model &model, const data_file &file) {
  std::vector<std::string> known;
  for (const wanted_array &array : list_arrays(model, true))
    for (const std::string &name : array.names)
      for (const char *const suffix : {"", "_train", "_test", "_val", "_validation"}) {
        known.push_back(name + suffix);
        for (const char *const end : {"_values", "_offsets"})
          if (is_tokens(*array.tensor))
            known.push_back(name + suffix + end);
      }
  for (const std::string &name : file.names())
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw failure(exit_usage, "error: --input: " + quoted(name) + " is no array of " + model.name +
                                    did_you_mean(name, known));
}

/* What is said of words must find some. */
void require_words(const hornfels_model &model, const std::vector<wanted_array> &list,
                   const data_options &how) {
  if ((asks_for_words(how) || how.oov_char.given) &&
      std::none_of(list.begin(), list.end(),
                   [](const wanted_array &array) { return is_tokens(*array.tensor); }))
    throw failure(exit_usage,
                  std::string("error: --num-words, --skip-top, --maxlen, --start-char, --oov-char and "
                              "--index-from are about tokens; ") +
                      model.name + " has no such input");
}

} // namespace

const hornfels_tensor *weight_target(const hornfels_model &model) {
  const hornfels_tensor *const last = model.targets > 1 ? &model.target_info[model.targets - 1] : nullptr;
  return last && std::string(last->name) == "sample_weight" && last->rank == 0 &&
                 (last->type == HORNFELS_F32 || last->type == HORNFELS_F64)
             ? last
             : nullptr;
}

bound_array equal_weights(const hornfels_tensor &tensor, int64_t rows) {
  bound_array array;
  array.tensor = &tensor;
  array.data = buffer(static_cast<size_t>(rows) * type_bytes(tensor.type));
  for (int64_t i = 0; i < rows; ++i)
    if (tensor.type == HORNFELS_F64)
      array.data.as<double>()[i] = 1;
    else
      array.data.as<float>()[i] = 1;
  return array;
}

bool has_arrays(const hornfels_model &model, const data_file &file, const std::string &suffix) {
  if (file.is_single())
    return false;
  const part_of_file part = choose(model, file, {suffix}, true);
  return part.which != part_of_file::named
             ? part.split > 0
             : !file.as_table() && has_all(list_arrays(model, true), file, suffix);
}

dataset bind(const hornfels_model &model, const data_file &file, const suffixes &wanted, bool targets) {
  std::vector<wanted_array> list = list_arrays(model, targets);
  if (list.empty())
    throw failure(exit_input, std::string(model.source) + ": error: the model has no inputs");
  if (file.is_single() && list.size() != 1)
    throw failure(exit_input,
                  file.name() +
                      format(": error: a single array, but %zu are needed: save them in an .npz, or give "
                             "each by --input NAME=FILE",
                             list.size()));
  require_words(model, list, file.how());
  if (file.what() == data_file::several)
    require_known_names(model, file);
  const part_of_file part = choose(model, file, wanted, targets);
  if (file.as_text())
    return bind_windows(model, *file.as_text(), part, targets);
  const size_t without_weights = list.size();
  if (targets && file.as_table())
    add_weights(list, model, file.as_table()->find("sample_weight") >= 0);
  else if (targets)
    for (const std::string &suffix : part.names)
      if (list.size() == without_weights)
        add_weights(list, model, !file.find({"sample_weight" + suffix}).empty());
  if (file.as_table())
    find_columns(list, model, *file.as_table());
  bool ranks = false;
  for (wanted_array &array : list) {
    if (!file.as_table())
      find(array, file, part.names);
    measure(array);
    ranks = ranks || (holds_lists(array) && !file.as_table());
  }
  require_same_rows(list);
  require_memory_for(list);

  std::vector<token_lists> lists;
  for (wanted_array &array : list)
    lists.push_back(read_lists(array, file.how()));
  const auto rows_before = [&] {
    return part.names.front() == "_test" ? rows_with(model, file, "_train") : 0;
  };
  std::vector<uint32_t> order =
      file_order(part, file.how(), list.front().rows, ranks, ranks ? rows_before() : 0);
  for (size_t i = 0; i < list.size(); ++i)
    if (lists[i].rows > 0)
      order = rows_that_stay(lists[i], rules_for(list[i], file), order);
  order = part_of_rows(part, std::move(order), file.name());

  dataset result;
  result.rows = static_cast<int64_t>(order.size());
  for (size_t i = 0; i < list.size(); ++i)
    if (lists[i].rows > 0)
      result.arrays.push_back(
          make_tokens(lists[i], rules_for(list[i], file), order, *list[i].tensor, list[i].source.place));
    else
      result.arrays.push_back(select_rows(read(list[i]), order, list[i].rows));
  if (targets && weight_target(model) && list.size() == without_weights)
    result.arrays.push_back(equal_weights(*weight_target(model), result.rows));
  file.require_unchanged();
  return result;
}

} // namespace hornfels
