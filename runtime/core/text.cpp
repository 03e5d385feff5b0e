#include "text.h"

#include <cstdarg>
#include <cstdio>

namespace hornfels {

std::string format(const char *pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  if (length > 0)
    std::vsnprintf(&text[0], text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

namespace {

/* Bytes of the valid UTF-8 character at `at`, 0 when there is none or it is a control, bidi or invisible one. */
size_t printable_character(const std::string &text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80)
    return first > 0x20 && first < 0x7f && first != '"' && first != '\\' ? 1 : 0;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  unsigned code = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0u) != 0x80)
      return 0;
    code = code << 6 | (byte(at + i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  const bool control = code < 0xa0 || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || code > 0x10ffff;
  return overlong || surrogate || control ? 0 : length;
}

} // namespace

std::string quoted(const std::string &name) {
  std::string text;
  bool plain = !name.empty();
  for (size_t i = 0; i < name.size();) {
    const size_t length = printable_character(name, i);
    if (length) {
      text.append(name, i, length);
      i += length;
      continue;
    }
    const char c = name[i++];
    plain = false;
    if (c == ' ')
      text += ' ';
    else if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else
      text += format("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return plain ? text : "\"" + text + "\"";
}

std::string shape_text(const int64_t *shape, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i)
    text += format(i ? ", %lld" : "%lld", static_cast<long long>(shape[i]));
  return text + "]";
}

const char *type_name(int32_t type) {
  static const char *const names[] = {"f32", "f64", "i32", "i64", "u8", "bool", "tokens", "tokens"};
  return type >= 0 && type < 8 ? names[type] : "unknown";
}

size_t type_bytes(int32_t type) {
  static const size_t bytes[] = {4, 8, 4, 8, 1, 1, 2, 4};
  return type >= 0 && type < 8 ? bytes[type] : 0;
}

std::string tensor_text(const hornfels_tensor &tensor) {
  if (tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32)
    return format("tokens[%lld]", static_cast<long long>(tensor.limit));
  return type_name(tensor.type) + shape_text(tensor.shape, static_cast<size_t>(tensor.rank));
}

int64_t checked_product(const int64_t *shape, size_t rank, int64_t most) {
  int64_t product = 1;
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (shape[i] < 0)
      return -1;
    if (shape[i] == 0)
      empty = true;
    else if (product > most / shape[i])
      return -1;
    else
      product *= shape[i];
  }
  return empty ? 0 : product;
}

} // namespace hornfels
