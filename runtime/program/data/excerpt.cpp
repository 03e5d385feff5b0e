#include "excerpt.h"

#include <algorithm>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/* Columns count characters, not bytes. */
size_t characters(const std::string &text, size_t begin, size_t end) {
  return static_cast<size_t>(std::count_if(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                           text.begin() + static_cast<std::ptrdiff_t>(end),
                                           [](char c) { return !continues_character(c); }));
}

/* The part of a line around a byte that fits a screen, and how far the byte stands in it. What is not plain
 * text is shown as '?', so that the caret stands where it should. */
std::string excerpt(const std::string &line, size_t byte, size_t &caret) {
  constexpr size_t before = 60, after = 40;
  size_t begin = byte > before ? byte - before : 0;
  while (begin > 0 && begin < line.size() && continues_character(line[begin]))
    ++begin;
  const size_t end = std::min(line.size(), byte + after);
  std::string text = begin > 0 ? "..." : "";
  caret = text.size();
  for (size_t i = begin; i < end; ++i) {
    const unsigned char c = static_cast<unsigned char>(line[i]);
    if (continues_character(line[i]))
      continue;
    text += c >= 0x20 && c < 0x7f ? line[i] : c == '\t' ? ' ' : '?';
    caret += i < byte;
  }
  return text + (end < line.size() ? "..." : "");
}

} // namespace

void fail_in_line(const std::string &file, uint64_t number, const std::string &line, size_t byte,
                  const std::string &message) {
  size_t caret = 0;
  const std::string shown = excerpt(line, byte, caret);
  throw failure(exit_input, file +
                                format(":%llu:%zu: error: ", static_cast<unsigned long long>(number),
                                       characters(line, 0, std::min(byte, line.size())) + 1) +
                                message + "\n  " + shown + "\n  " + std::string(caret, ' ') + "^");
}

} // namespace hornfels
