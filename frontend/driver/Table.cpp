#include "frontend/driver/Table.h"

#include <algorithm>
#include <sstream>

namespace hornfels::driver {

size_t lengthOf(const std::string &text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The first `count` characters.
static std::string prefix(const std::string &text, size_t count) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && seen++ == count)
      break;
  return text.substr(0, end);
}

static std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

/// Lines of at most `width` characters, broken at spaces; a longer word ends in an ellipsis.
static std::vector<std::string> wrap(const std::string &text, size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (lengthOf(word) > width)
      word = prefix(word, width - 1) + "…";
    if (!lines.empty() && lengthOf(lines.back()) + 1 + lengthOf(word) <= width)
      lines.back() += " " + word;
    else
      lines.push_back(word);
  }
  if (lines.empty())
    lines.emplace_back();
  return lines;
}

void Table::rule(const char *left, const char *line, const char *between, const char *right) {
  text += left;
  for (size_t i = 0; i < widths.size(); ++i)
    text += (i ? between : "") + repeat(line, widths[i] + 2);
  text += std::string(right) + "\n";
}

void Table::head(const std::vector<std::string> &titles) {
  rule("┏", "━", "┳", "┓");
  row(titles, "┃");
  rule("┡", "━", "╇", "┩");
}

void Table::row(const std::vector<std::string> &cells, const char *bar) {
  std::vector<std::vector<std::string>> lines;
  size_t height = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    lines.push_back(wrap(cells[i], widths[i]));
    height = std::max(height, lines.back().size());
  }
  for (size_t line = 0; line < height; ++line) {
    text += bar;
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell = line < lines[i].size() ? lines[i][line] : "";
      std::string space(widths[i] - lengthOf(cell), ' ');
      bool right = std::find(numbers.begin(), numbers.end(), i) != numbers.end();
      text += " " + (right ? space + cell : cell + space) + " " + bar;
    }
    text += "\n";
  }
}

} // namespace hornfels::driver
