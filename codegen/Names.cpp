#include "codegen/Names.h"

#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace hornfels {

/// Keywords of C++20, and names that the generated file and the runtime's vector.h use themselves.
static const llvm::StringSet<> &reserved() {
  static const llvm::StringSet<> names{
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
      "char8_t", "char16_t", "char32_t", "class", "compl", "concept", "const", "consteval", "constexpr", "constinit",
      "const_cast", "continue", "co_await", "co_return", "co_yield", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
      "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short",
      "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual",
      "void", "volatile", "wchar_t", "while", "xor", "xor_eq", "linux", "unix", "main",
      // the runtime's
      "abs", "acos", "any", "asin", "atan", "ceil", "convert", "cos", "element", "erf", "erfinv", "exp", "expm1",
      "floor", "half", "hornfels", "iota", "lanes", "load", "load_as", "load_part", "load_part_as", "log", "log1p",
      "lower_bound", "max", "min", "normal", "plain", "pow", "polynomial", "reduce_add", "reduce_max", "reduce_min",
      "reduce_mul", "rsqrt", "same", "select", "sigmoid", "sign", "sin", "softplus", "splat", "sqrt", "square", "std",
      "store", "store_as", "store_part", "store_part_as", "tan", "tanh", "token_rows", "uniform", "vd", "vec", "vf",
      "vi", "vl", "batch", "begin", "end", "model", "data", "handle", "UNROLL", "exit", "free", "malloc", "signal",
      "time", "index", "y0", "y1", "yn", "j0", "j1", "jn", "gamma", "read", "write", "errno"};
  return names;
}

std::string legalName(StringRef name) {
  std::string result;
  for (char c : name) {
    char next = llvm::isAlnum(c) ? c : '_';
    if (next == '_' && !result.empty() && result.back() == '_')
      continue; // a double underscore is the implementation's
    result += next;
  }
  while (!result.empty() && result.front() == '_')
    result.erase(0, 1);
  if (result.empty())
    return "value";
  if (llvm::isDigit(result.front()))
    result = "n" + result;
  if (reserved().contains(result))
    result += "_value";
  constexpr size_t longest = 200;
  return result.substr(0, longest);
}

StringRef lastPart(StringRef name) { return name.substr(name.rfind('/') + 1); }

std::string quoted(StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (byte < 0x20 || byte >= 0x7f || c == '?')
      // Octal: three digits at most, so that what follows cannot join in. A '?' may begin a trigraph.
      result += {'\\', char('0' + byte / 64), char('0' + byte / 8 % 8), char('0' + byte % 8)};
    else
      result += c;
  }
  return result + "\"";
}

std::string inComment(StringRef text) {
  std::string result;
  for (char c : text)
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (!result.empty() && (result.back() == '\\' || result.back() == ' '))
    result.pop_back();
  return result;
}

std::string NameScope::take(StringRef wish) {
  std::string base = legalName(wish), name = base;
  for (unsigned number = 2; isTaken(name); ++number)
    name = base + "_" + std::to_string(number);
  taken.insert(name);
  return name;
}

} // namespace hornfels
