#include "text_windows.h"

#include <algorithm>

#include "data_checks.h"
#include "excerpt.h"
#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

bool is_integers(const hornfels_tensor &tensor) {
  return tensor.type == HORNFELS_I32 || tensor.type == HORNFELS_I64 || tensor.type == HORNFELS_U8;
}

const char *position(const hornfels_tensor &tensor) { return tensor.position ? tensor.position : "?"; }

[[noreturn]] void does_not_fit(const std::string &text, const hornfels_tensor &tensor,
                               const std::string &expected) {
  const std::string is = tensor.name + std::string(" is ") + tensor_text(tensor);
  throw failure(exit_input,
                (text.empty() ? position(tensor) + (": error: " + is)
                              : text + ": error: is text, but " + is + ", declared at " + position(tensor)) +
                    "; expected " + expected);
}

void limit_vocabulary(text_shape &shape, const hornfels_tensor &tensor) {
  if (tensor.limit <= 0 || tensor.limit >= shape.vocabulary)
    return;
  shape.vocabulary = tensor.limit;
  shape.limited_by = tensor.limit_position ? tensor.limit_position : position(tensor);
}

/* Without targets: whether a prediction has a place for each character of the window. */
bool predicts_every_place(const hornfels_model &model, int64_t window) {
  const hornfels_tensor &output = model.output_info[0];
  return output.rank == 2 && output.shape[0] == window;
}

/* How many targets there are beside the weights of samples. */
int32_t count_targets(const hornfels_model &model) { return model.targets - (weight_target(model) ? 1 : 0); }

buffer read_text(const input_file &file) {
  require_memory(file.name(), static_cast<double>(file.size()));
  buffer text(static_cast<size_t>(file.size()));
  file_error error;
  require(file.read(0, text.as<char>(), text.bytes(), error), error);
  require(file.unchanged(error), error);
  return text;
}

void require_vocabulary(const input_file &file, const buffer &text, const text_shape &shape) {
  const uint8_t *const begin = text.as<uint8_t>(), *const end = begin + text.bytes();
  const uint8_t *const wrong = std::find_if(begin, end, [&](uint8_t c) { return c >= shape.vocabulary; });
  if (wrong == end)
    return;
  const uint64_t number = static_cast<uint64_t>(std::count(begin, wrong, '\n')) + 1;
  const uint8_t *line = wrong;
  while (line > begin && line[-1] != '\n')
    --line;
  const std::string shown(line, std::find(wrong, std::min(end, wrong + 200), '\n'));
  fail_in_line(file.name(), number, shown, static_cast<size_t>(wrong - line),
               format("byte 0x%02X is outside the vocabulary, which is %lld: see %s", *wrong,
                      static_cast<long long>(shape.vocabulary), shape.limited_by));
}

/* How many windows the text has; with `targets` a character must follow each. */
int64_t count_rows(const input_file &file, const text_shape &shape, bool targets) {
  const int64_t characters = static_cast<int64_t>(file.size()), needed = shape.window + (targets ? 1 : 0);
  if (characters == 0)
    throw failure(exit_input, file.name() + ": error: is empty, expected text");
  if (characters < needed)
    throw failure(exit_input, file.name() +
                                  format(": error: has %lld characters, expected at least %lld: a window",
                                         static_cast<long long>(characters), static_cast<long long>(needed)) +
                                  (targets ? " and the character after it" : ""));
  const int64_t rows = (characters - needed) / shape.stride() + 1;
  if (rows > most_rows)
    throw failure(exit_input, file.name() + format(": error: has more than %lld windows of text",
                                                   static_cast<long long>(most_rows)));
  return rows;
}

bound_array windows(const hornfels_tensor &tensor, const uint8_t *text, const text_shape &shape) {
  bound_array array;
  array.tensor = &tensor;
  array.kept = bound_array::windows;
  array.row_elements = tensor.rank == 0 ? 1 : tensor.shape[0];
  array.text = text;
  array.stride = shape.stride();
  return array;
}

} // namespace

text_shape shape_of_text(const hornfels_model &model, const std::string &text, bool targets) {
  const hornfels_tensor &input = model.input_info[0];
  if (!is_integers(input) || input.rank != 1 || input.shape[0] < 1)
    does_not_fit(text, input, "one axis of integers, a window of characters: i32[100]");
  if (model.inputs > 1)
    does_not_fit(text, model.input_info[1], std::string("no input beside ") + input.name);
  text_shape shape;
  shape.window = input.shape[0];
  shape.every_place = predicts_every_place(model, shape.window);
  limit_vocabulary(shape, input);
  if (!targets)
    return shape;
  const hornfels_tensor &target = model.target_info[0];
  const int64_t places = target.rank == 0 ? 1 : target.rank == 1 ? target.shape[0] : 0;
  if (!is_integers(target) || (places != shape.window && places != 1))
    does_not_fit(text, target,
                 format("i32[%lld], the next character at each place, or i32[], the one after the window",
                        static_cast<long long>(shape.window)));
  if (count_targets(model) > 1)
    does_not_fit(text, model.target_info[1], std::string("no target beside ") + target.name);
  /* A window of one character: both come to the same. */
  shape.every_place = places == shape.window;
  limit_vocabulary(shape, target);
  return shape;
}

dataset bind_windows(const hornfels_model &model, const input_file &text, const part_of_file &part,
                     bool targets) {
  const text_shape shape = shape_of_text(model, text.name(), targets);
  const int64_t all = count_rows(text, shape, targets);
  const row_range rows = range_of_part(part, all);
  dataset result;
  result.rows = rows.count;
  result.text = read_text(text);
  require_vocabulary(text, result.text, shape);
  const uint8_t *const begin = result.text.as<uint8_t>() + rows.first * shape.stride();
  result.arrays.push_back(windows(model.input_info[0], begin, shape));
  if (targets)
    result.arrays.push_back(
        windows(model.target_info[0], begin + (shape.every_place ? 1 : shape.window), shape));
  if (targets && weight_target(model))
    result.arrays.push_back(equal_weights(*weight_target(model), result.rows));
  return result;
}

} // namespace hornfels
