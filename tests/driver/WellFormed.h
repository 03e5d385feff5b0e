// Whether a text is XML: tags closed in turn, attributes quoted, no stray mark.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace driver_tests {

/// What is wrong with it; nothing: it is well-formed. Knows elements, text and comments, which is all that we
/// write.
inline std::string xmlError(const std::string &text) {
  static const std::regex tag(
      "<(/?)([a-z]+)((?: [A-Za-z0-9-]+=\"[^\"<&]*(?:&[a-z]+;[^\"<&]*)*\")*) ?(/?)>");
  static const std::regex plain("[^<>&]*(?:&(?:amp|lt|gt|quot);[^<>&]*)*");
  std::vector<std::string> open;
  int roots = 0;
  for (size_t at = 0; at < text.size();) {
    size_t next = std::min(text.find('<', at), text.size());
    std::string between = text.substr(at, next - at);
    if (!std::regex_match(between, plain))
      return "text: " + between;
    if (open.empty() && between.find_first_not_of(" \n") != std::string::npos)
      return "text outside: " + between;
    if (next == text.size())
      break;
    if (text.compare(next, 4, "<!--") == 0) {
      size_t end = text.find("-->", next);
      if (end == std::string::npos)
        return "comment without an end";
      at = end + 3;
      continue;
    }
    size_t end = text.find('>', next);
    std::string one = text.substr(next, end == std::string::npos ? end : end - next + 1);
    std::smatch parts;
    if (!std::regex_match(one, parts, tag))
      return "tag: " + one;
    if (parts[1].length()) {
      if (open.empty() || open.back() != parts[2])
        return "closes what is not open: " + one;
      open.pop_back();
    } else {
      roots += open.empty();
      if (!parts[4].length())
        open.push_back(parts[2]);
    }
    at = end + 1;
  }
  return !open.empty() ? "not closed: " + open.back() : roots == 1 ? "" : "not one element";
}

} // namespace driver_tests
