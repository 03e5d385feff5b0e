#include "prediction_lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

constexpr uint64_t most_bytes_of_names = uint64_t{16} << 20;
constexpr size_t longest_name = 1024;

template <class Number> std::string shortest(Number value) {
  char digits[40];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  return std::string(digits, end.ptr);
}

template <class Real> std::string shortest_real(Real value) { return std::isnan(value) ? "nan" : shortest(value); }

double number(int32_t type, const void *data, int64_t index) {
  switch (type) {
  case HORNFELS_F32:
    return static_cast<double>(static_cast<const float *>(data)[index]);
  case HORNFELS_F64:
    return static_cast<const double *>(data)[index];
  case HORNFELS_I32:
    return static_cast<double>(static_cast<const int32_t *>(data)[index]);
  case HORNFELS_I64:
    return static_cast<double>(static_cast<const int64_t *>(data)[index]);
  default:
    return static_cast<double>(static_cast<const uint8_t *>(data)[index]);
  }
}

std::string number_text(int32_t type, const void *data, int64_t index) {
  switch (type) {
  case HORNFELS_F32:
    return shortest_real(static_cast<const float *>(data)[index]);
  case HORNFELS_F64:
    return shortest_real(static_cast<const double *>(data)[index]);
  case HORNFELS_I32:
    return shortest(static_cast<const int32_t *>(data)[index]);
  case HORNFELS_I64:
    return shortest(static_cast<const int64_t *>(data)[index]);
  default:
    return shortest(static_cast<unsigned>(static_cast<const uint8_t *>(data)[index]));
  }
}

/* A name of a column: in quotes where it would end a field or the line. */
std::string field(const std::string &name) {
  if (name.find_first_of(",\"\r\n") == std::string::npos)
    return name;
  std::string text = "\"";
  for (const char c : name)
    text += c == '"' ? std::string("\"\"") : c == '\n' || c == '\r' ? std::string(" ") : std::string(1, c);
  return text + "\"";
}

/* Whether they are from 0 to 1 and add up to 1, as a softmax makes them. */
bool are_probabilities(int32_t type, const void *data, int64_t begin, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = number(type, data, begin + i);
    if (!(value >= 0 && value <= 1))
      return false;
    sum += value;
  }
  return std::fabs(sum - 1) < 1e-4;
}

} // namespace

std::vector<std::string> read_class_names(const std::string &path) {
  file_error error;
  input_file file;
  require(file.open(path, error), error);
  if (file.size() > most_bytes_of_names)
    throw failure(exit_input, file.name() + ": error: more than 16 MiB of names of classes");
  std::string all(static_cast<size_t>(file.size()), '\0');
  require(file.read(0, &all[0], all.size(), error), error);
  std::vector<std::string> names;
  for (size_t at = all.compare(0, 3, "\xef\xbb\xbf") == 0 ? 3 : 0; at < all.size();) {
    const size_t end = std::min(all.find('\n', at), all.size());
    std::string name = all.substr(at, end - at);
    if (!name.empty() && name.back() == '\r')
      name.pop_back();
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    const char *const wrong = name.empty()                                         ? "an empty line"
                              : name.size() > longest_name                         ? "a name of more than 1 KiB"
                              : std::any_of(name.begin(), name.end(), control) ? "a control character"
                                                                                   : nullptr;
    if (wrong)
      throw failure(exit_input, file.name() + format(":%zu: error: ", names.size() + 1) + wrong +
                                    ", expected the name of class " + std::to_string(names.size()));
    names.push_back(std::move(name));
    at = end + 1;
  }
  if (names.empty())
    throw failure(exit_input, file.name() + ": error: is empty, expected the name of a class on each line");
  return names;
}

prediction_lines::prediction_lines(const hornfels_model &of, form form_of_lines, std::vector<std::string> names,
                                   const std::string &place)
    : model(of), what(form_of_lines), classes(std::move(names)) {
  bool fits = classes.empty();
  for (int32_t i = 0; i < model.outputs; ++i) {
    const hornfels_tensor &output = model.output_info[i];
    elements.push_back(checked_product(output.shape, static_cast<size_t>(output.rank), int64_t{1} << 58));
    fits = fits || has_names(output);
  }
  if (!fits)
    throw failure(exit_input, place + format(": error: has %zu names of classes, but ", classes.size()) +
                                  model.output_info[0].name + " is " + tensor_text(model.output_info[0]));
}

/* Names are for outputs of as many classes; two of them for a single probability, too. */
bool prediction_lines::has_names(const hornfels_tensor &output) const {
  const int64_t count = static_cast<int64_t>(classes.size());
  const int64_t width = output.rank == 0 ? 1 : output.rank == 1 ? output.shape[0] : 0;
  return count > 0 && (width == count || (width == 1 && count == 2));
}

std::string prediction_lines::header() const {
  if (what == text)
    return "";
  std::string line;
  for (int32_t i = 0; i < model.outputs; ++i)
    for (int64_t e = 0; e < elements[static_cast<size_t>(i)]; ++e)
      line += (line.empty() ? "" : ",") +
              field(model.output_info[i].name +
                    (elements[static_cast<size_t>(i)] == 1 ? std::string() : "_" + std::to_string(e)));
  return line + "\n";
}

void prediction_lines::add_text(const hornfels_tensor &output, const void *data, int64_t row, int64_t begin,
                                std::string &to) const {
  const int32_t type = output.type;
  const int64_t count = elements[static_cast<size_t>(&output - model.output_info)];
  const bool named = has_names(output);
  if (named && count == 1 && classes.size() == 2) {
    const double value = number(type, data, begin);
    if (!(value >= 0 && value <= 1))
      throw failure(exit_input, format("error: --classes: row %lld of %s is %s, no probability",
                                       static_cast<long long>(row), output.name, shortest_real(value).c_str()));
    const bool second = value > 0.5;
    const double likelier = second ? value : 1 - value;
    to += classes[second] + " " +
          (type == HORNFELS_F64 ? shortest_real(likelier) : shortest_real(static_cast<float>(likelier)));
    return;
  }
  if (count > 1 && output.rank == 1 && (named || are_probabilities(type, data, begin, count))) {
    int64_t best = 0;
    for (int64_t e = 1; e < count; ++e)
      if (number(type, data, begin + e) > number(type, data, begin + best))
        best = e;
    to += (named ? classes[static_cast<size_t>(best)] : std::to_string(best)) + " " +
          number_text(type, data, begin + best);
    return;
  }
  for (int64_t e = 0; e < count; ++e)
    to += (e ? " " : "") + number_text(type, data, begin + e);
}

void prediction_lines::add(const std::vector<hornfels_result> &results, int64_t first, int64_t count,
                           std::string &to) const {
  for (int64_t row = 0; row < count; ++row) {
    for (int32_t i = 0; i < model.outputs; ++i) {
      const hornfels_tensor &output = model.output_info[i];
      const void *const data = results[static_cast<size_t>(i)].data;
      const int64_t width = elements[static_cast<size_t>(i)], begin = row * width;
      if (what == text) {
        to += i ? "\t" : "";
        to += model.outputs > 1 ? std::string(output.name) + " " : std::string();
        add_text(output, data, first + row, begin, to);
      } else {
        for (int64_t e = 0; e < width; ++e)
          to += (i || e ? "," : "") + number_text(output.type, data, begin + e);
      }
    }
    to += '\n';
  }
}

} // namespace hornfels
