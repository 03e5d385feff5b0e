// As much of Unicode as refusing it politely takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hornfels::frontend {

/// One step through UTF-8. An invalid byte is a step of one byte with its value.
struct CodePoint {
  uint32_t value = 0;
  unsigned bytes = 1;
  bool isValid = true;
};

/// Decodes at `at` < text.size(). Overlong forms, surrogates and values above U+10FFFF are invalid.
CodePoint decodeUtf8(std::string_view text, size_t at);

/// The number of code points; an invalid byte counts as one.
size_t countCodePoints(std::string_view text);

/// Control characters other than tab, line feed and carriage return are; so are those two in names of files.
bool isControl(uint32_t codePoint);

/// Characters that reorder or hide text: bidirectional controls, zero-width characters, line separators.
bool isInvisible(uint32_t codePoint);

/// Whether a character above U+007F is probably part of a word (a letter), not a sign.
bool isWordLike(uint32_t codePoint);

/// The ASCII character that `codePoint` (Cyrillic, Greek, full-width, typographic) looks like, or 0.
char looksLike(uint32_t codePoint);

/// "U+0435"
std::string codePointText(uint32_t codePoint);

} // namespace hornfels::frontend
