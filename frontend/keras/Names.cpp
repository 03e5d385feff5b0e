#include "frontend/keras/Names.h"

namespace hornfels::keras {

static bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
static bool isLower(char c) { return c >= 'a' && c <= 'z'; }
static bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::string snakeCase(std::string_view className) {
  // A `_` before a capital that a small letter follows ("Max_Pooling2D"), then between small and capital
  // ("Re_LU").
  std::string out;
  for (size_t i = 0; i < className.size(); ++i) {
    char c = className[i];
    bool startsWord = isUpper(c) && i + 1 < className.size() && isLower(className[i + 1]);
    bool endsSmall = isUpper(c) && i > 0 && isLower(className[i - 1]);
    if (i > 0 && (startsWord || endsSmall))
      out += '_';
    if (isUpper(c))
      out += static_cast<char>(c - 'A' + 'a');
    else if (isLower(c) || isDigit(c) || c == '_')
      out += c;
  }
  return out;
}

std::string legalName(std::string_view name, const std::string &otherwise) {
  std::string out;
  for (char c : name.substr(0, 256)) {
    bool isLegal = isUpper(c) || isLower(c) || isDigit(c) || c == '_';
    if (isLegal)
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_')
    out.pop_back();
  if (out.size() > 64)
    out.resize(64);
  if (out.empty())
    return otherwise;
  return isDigit(out[0]) ? otherwise + "_" + out : out;
}

std::string commentText(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 64))
    out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::string NameSet::take(const std::string &name) {
  std::string unique = name;
  for (int &number = numbers[name]; !taken.insert(unique).second;)
    unique = name + "_" + std::to_string(++number);
  return unique;
}

bool AutomaticNames::gives(const std::string &kind, const std::string &wanted) {
  std::string name = kind;
  int number = numbers[kind];
  while (taken.count(name))
    name = kind + "_" + std::to_string(++number);
  bool isSame = name == wanted;
  taken.insert(wanted);
  if (isSame)
    numbers[kind] = number;
  return isSame;
}

} // namespace hornfels::keras
