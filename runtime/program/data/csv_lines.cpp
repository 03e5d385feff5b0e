#include "csv_lines.h"

#include <algorithm>

#include "csv.h"
#include "excerpt.h"
#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

constexpr size_t block = 65536;

void csv_lines::fail_at(size_t byte, const std::string &message) const {
  fail_in_line(file.name(), number, line, byte, message);
}

void csv_lines::fail(size_t i, const std::string &message) const {
  fail_at(i < begins.size() ? begins[i] : line.size(), message);
}

/* The next line of the file, in `line`. */
bool csv_lines::read_line() {
  line.clear();
  for (;;) {
    const size_t end = input.find('\n', at);
    line.append(input, at, (end == std::string::npos ? input.size() : end) - at);
    if (line.size() > csv_longest_line) {
      ++number;
      line.resize(1000);
      fail_at(0, format("a line of more than %zu MiB", csv_longest_line >> 20));
    }
    if (end != std::string::npos) {
      at = end + 1;
      break;
    }
    const size_t more = static_cast<size_t>(std::min<uint64_t>(block, file.size() - offset));
    input.resize(more);
    at = 0;
    if (more == 0) {
      if (line.empty())
        return false;
      break;
    }
    file_error error;
    require(file.read(offset, &input[0], more, error), error);
    offset += more;
  }
  if (++number == 1 && line.compare(0, 3, "\xef\xbb\xbf") == 0)
    line.erase(0, 3);
  if (!line.empty() && line.back() == '\r')
    line.pop_back();
  return true;
}

bool csv_lines::next() {
  do {
    if (!read_line())
      return false;
  } while (line.empty());
  separate();
  return true;
}

/* A field in quotes, from the opening one; `at_byte` ends behind it. */
void csv_lines::separate_quoted(size_t &at_byte) {
  const size_t opening = at_byte, start = unquoted.size();
  for (size_t i = opening + 1;; ++i) {
    if (i >= line.size())
      fail_at(opening, "a quote without an end on this line");
    if (line[i] != '"') {
      unquoted += line[i];
      continue;
    }
    if (i + 1 < line.size() && line[i + 1] == '"') {
      unquoted += line[i++];
      continue;
    }
    at_byte = i + 1;
    break;
  }
  if (at_byte < line.size() && line[at_byte] != ',')
    fail_at(at_byte, "expected a comma after the closing quote");
  parts.emplace_back(unquoted.data() + start, unquoted.size() - start);
}

void csv_lines::separate() {
  const size_t nul = line.find('\0');
  if (nul != std::string::npos)
    fail_at(nul, "a NUL byte");
  parts.clear();
  begins.clear();
  unquoted.clear();
  unquoted.reserve(line.size());
  for (size_t i = 0;; ++i) {
    begins.push_back(i);
    if (i < line.size() && line[i] == '"') {
      separate_quoted(i);
    } else {
      const size_t end = std::min(line.find(',', i), line.size());
      parts.emplace_back(line.data() + i, end - i);
      i = end;
    }
    if (i >= line.size())
      return;
  }
}

} // namespace hornfels
