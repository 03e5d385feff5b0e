#include "codegen/Names.h"

#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace hornfels {

/// Keywords of C++20, and names that the generated file and the runtime's vector.h use themselves.
static const llvm::StringSet<> &reserved() {
  static const llvm::StringSet<> names{
      // C's, and macros of what the generated files include
      "restrict", "typeof", "i386", "NULL", "EOF", "NAN", "INFINITY", "assert", "offsetof", "int8_t", "int16_t",
      "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "intptr_t", "uintptr_t", "intmax_t",
      "uintmax_t", "size_t", "ptrdiff_t", "max_align_t", "nullptr_t", "memory_order", "ssize_t", "pthread", "timer",
      // headers of C's library, which a model's header must not stand before
      "alloca", "complex", "ctype", "elf", "endian", "fcntl", "features", "fenv", "inttypes", "iso646", "limits",
      "locale", "math", "memory", "poll", "regex", "sched", "search", "setjmp", "stdalign", "stdarg", "stdbool",
      "stddef", "stdint", "stdio", "stdlib", "string", "strings", "threads", "uchar", "unistd", "values", "wchar",
      "wctype",
      // functions of C's library that a model's type could meet
      "abort", "acosh", "asinh", "atan2", "atanh", "atexit", "bind", "calloc", "cbrt", "clock", "close", "connect", "cosh",
      "div", "drem", "dup", "erfc", "exp2", "fabs", "fma", "fmax", "fmin", "fmod", "fork", "frexp", "getenv", "hypot",
      "labs", "ldexp", "lgamma", "link", "listen", "llabs", "lldiv", "ldiv", "log10", "log2", "logb", "modf", "nan", "open",
      "pause", "pipe", "printf", "putc", "puts", "qsort", "raise", "rand", "random", "realloc", "remainder", "remove",
      "rename", "rint", "round", "scalb", "send", "sinh", "sleep", "socket", "srand", "stdin", "stdout", "stderr", "strlen",
      "sync", "system", "tgamma", "trunc", "unlink", "wait",
      // CUDA's, at the scope of the file
      "norm", "rnorm", "norm3d", "norm4d", "rnorm3d", "rnorm4d", "rhypot", "rcbrt", "cospi", "sinpi", "exp10", "erfcx", "erfcinv",
      "normcdf", "normcdfinv", "sincos", "sincospi", "clock64", "umulhi", "saturate",
      // C++'s
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
      "mul_add", "nearest", "join", "decayed", "lazy_rows", "lazy_table", "decaying_slot",
      "pad_row", "orthonormal_rows",
      "time", "index", "y0", "y1", "yn", "j0", "j1", "jn", "gamma", "read", "write", "errno"};
  return names;
}

/// v16f, v8d, v4i, v2l
static bool isVectorType(StringRef name) {
  if (!name.consume_front("v") || name.size() < 2 || !StringRef("fdil").contains(name.back()))
    return false;
  return llvm::all_of(name.drop_back(), llvm::isDigit);
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
  if (reserved().contains(result) || isVectorType(result) || StringRef(result).starts_with("hornfels_") ||
      StringRef(result).starts_with("HORNFELS_") || StringRef(result).starts_with("LANES_"))
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

/// A character that reorders what stands after it: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
static bool isBidirectionalControl(StringRef text) {
  if (text.size() < 3 || text[0] != '\xe2')
    return false;
  unsigned char second = static_cast<unsigned char>(text[1]), third = static_cast<unsigned char>(text[2]);
  return (second == 0x80 && (third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

std::string inComment(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i], before = result.empty() ? ' ' : result.back();
    if (isBidirectionalControl(text.substr(i))) {
      result += '?';
      i += 2;
      continue;
    }
    // A backslash, or its trigraph, before a line end would join the next line; lines may be broken at a space.
    bool lineEnds = i + 1 == text.size() || static_cast<unsigned char>(text[i + 1]) <= ' ';
    if (c == '\\' && lineEnds)
      continue;
    if ((before == '*' && c == '/') || (before == '/' && c == '*') || (before == '?' && c == '?'))
      result += ' ';
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return StringRef(result).rtrim(" \\").str();
}

std::string NameScope::take(StringRef wish) {
  std::string base = legalName(wish), name = base;
  for (unsigned number = 2; isTaken(name); ++number)
    name = base + "_" + std::to_string(number);
  taken.insert(name);
  return name;
}

bool usesName(StringRef text, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + name.size())) {
    size_t end = at + name.size();
    if ((at == 0 || !isPart(text[at - 1])) && (end == text.size() || !isPart(text[end])))
      return true;
  }
  return false;
}

} // namespace hornfels
