#include "frontend/horn/Unicode.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace hornfels::frontend {

CodePoint decodeUtf8(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const CodePoint invalid{lead, 1, false};
  if (lead < 0x80)
    return {lead, 1, true};
  const unsigned length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length)
    return invalid;
  uint32_t value = lead & (0x7Fu >> length);
  for (unsigned i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80)
      return invalid;
    value = value << 6 | (byte(at + i) & 0x3Fu);
  }
  static constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return invalid;
  return {value, length, true};
}

size_t countCodePoints(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += decodeUtf8(text, at).bytes)
    ++count;
  return count;
}

bool isControl(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool isInvisible(uint32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

bool isWordLike(uint32_t c) {
  if (c < 0xC0)
    return c == 0xAA || c == 0xB5 || c == 0xBA;
  return c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x303F) &&
         !(c >= 0xFE00 && c <= 0xFE6F) && c < 0x1F000 && !isInvisible(c);
}

namespace {
struct Lookalike {
  uint32_t codePoint;
  char ascii;
};
constexpr Lookalike lookalikes[] = {
    // in the order of code points
    {0x00B4, '\''}, {0x00D7, '*'}, {0x00F7, '/'}, {0x0131, 'i'}, {0x0391, 'A'}, {0x0392, 'B'},
    {0x0395, 'E'},  {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'}, {0x039A, 'K'}, {0x039C, 'M'},
    {0x039D, 'N'},  {0x039F, 'O'}, {0x03A1, 'P'}, {0x03A4, 'T'}, {0x03A5, 'Y'}, {0x03A7, 'X'},
    {0x03B1, 'a'},  {0x03B9, 'i'}, {0x03BA, 'k'}, {0x03BD, 'v'}, {0x03BF, 'o'}, {0x03C1, 'p'},
    {0x03C5, 'u'},  {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'}, {0x0410, 'A'}, {0x0412, 'B'},
    {0x0415, 'E'},  {0x041A, 'K'}, {0x041C, 'M'}, {0x041D, 'H'}, {0x041E, 'O'}, {0x0420, 'P'},
    {0x0421, 'C'},  {0x0422, 'T'}, {0x0423, 'Y'}, {0x0425, 'X'}, {0x0430, 'a'}, {0x0435, 'e'},
    {0x043E, 'o'},  {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x0455, 's'},
    {0x0456, 'i'},  {0x0458, 'j'}, {0x04BB, 'h'}, {0x0501, 'd'}, {0x051B, 'q'}, {0x051D, 'w'},
    {0x2010, '-'},  {0x2011, '-'}, {0x2012, '-'}, {0x2013, '-'}, {0x2014, '-'}, {0x2018, '\''},
    {0x2019, '\''}, {0x201C, '"'}, {0x201D, '"'}, {0x2044, '/'}, {0x2212, '-'}, {0x2217, '*'},
    {0x2223, '|'},
};
} // namespace

char looksLike(uint32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) // the full-width forms
    return static_cast<char>(c - 0xFF01 + '!');
  auto found =
      std::lower_bound(std::begin(lookalikes), std::end(lookalikes), c,
                       [](const Lookalike &entry, uint32_t value) { return entry.codePoint < value; });
  return found != std::end(lookalikes) && found->codePoint == c ? found->ascii : 0;
}

std::string codePointText(uint32_t c) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "U+%04X", static_cast<unsigned>(c));
  return buffer;
}

} // namespace hornfels::frontend
