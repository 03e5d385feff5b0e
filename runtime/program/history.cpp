#include "history.h"

#include <charconv>

#include "failure.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

/* The shortest decimal that is this double; JSON has no infinities and no NaN. */
std::string number(double value) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  const std::string text(digits, end.ptr);
  return text.find_first_of("in") == std::string::npos ? text : "null";
}

std::string string(const std::string &text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      result += format("\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else
      result += c;
  }
  return result + "\"";
}

} // namespace

void history::add(const logs &epoch) { epochs.push_back(epoch); }

std::string history::json() const {
  std::string text = "{\n";
  const size_t keys = epochs.empty() ? 0 : epochs.front().size();
  for (size_t key = 0; key < keys; ++key) {
    text += "  " + string(epochs.front()[key].first) + ": [";
    for (size_t i = 0; i < epochs.size(); ++i)
      text += (i ? ", " : "") + number(epochs[i][key].second);
    text += "],\n";
  }
  text += "  \"epoch\": [";
  for (size_t i = 0; i < epochs.size(); ++i)
    text += (i ? ", " : "") + std::to_string(i);
  return text + "]\n}\n";
}

void history::write(const std::string &path) const {
  const std::string text = json();
  output_file file;
  file_error error;
  require(file.open(path, error) && file.write(text.data(), text.size(), error) && file.commit(error), error);
}

} // namespace hornfels
