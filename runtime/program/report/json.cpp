#include "json.h"

#include <charconv>

#include "runtime/core/text.h"

namespace hornfels {

std::string json_number(double value) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  const std::string text(digits, end.ptr);
  return text.find_first_of("in") == std::string::npos ? text : "null";
}

std::string json_string(const std::string &text) {
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

} // namespace hornfels
