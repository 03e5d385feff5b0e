#include "codegen/Wrap.h"

#include "llvm/ADT/StringRef.h"

using llvm::StringRef;

namespace hornfels {

static constexpr size_t kWidth = 100;

std::string wrappedStatement(std::string rest, unsigned depth) {
  std::string out;
  size_t indent = depth * 2;
  while (indent + rest.size() > kWidth) {
    // Break behind a comma or before an operator, as far out of parentheses as can be, then as late.
    size_t best = std::string::npos;
    int nesting = 0, bestNesting = 1 << 20;
    for (size_t i = 0; i + 2 < rest.size() && indent + i < kWidth; ++i) {
      nesting += rest[i] == '(' || rest[i] == '[' || rest[i] == '{';
      nesting -= rest[i] == ')' || rest[i] == ']' || rest[i] == '}';
      bool comma = rest[i] == ',' && rest[i + 1] == ' ';
      bool operation = rest[i] == ' ' && rest[i + 2] == ' ' && StringRef("+-*/?:").contains(rest[i + 1]);
      constexpr size_t shortest = 30; // a line of a few characters helps nobody
      if (i < shortest || !(comma || operation) || nesting > bestNesting)
        continue;
      best = comma ? i + 1 : i;
      bestNesting = nesting;
    }
    if (best == std::string::npos)
      break;
    out.append(indent, ' ');
    out += rest.substr(0, best) + "\n";
    rest = rest.substr(best + 1);
    indent = depth * 2 + 4;
  }
  out.append(indent, ' ');
  return out + rest + "\n";
}

std::string wrappedList(const std::string &head, llvm::ArrayRef<std::string> items, StringRef tail) {
  std::string text = head;
  size_t column = head.size(), indent = head.rfind('(') + 1;
  if (items.empty())
    text += tail;
  for (size_t i = 0; i < items.size(); ++i) {
    std::string piece = items[i] + (i + 1 < items.size() ? "," : tail.str());
    if (i > 0 && column + 1 + piece.size() > kWidth) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (i > 0) {
      text += ' ';
      ++column;
    }
    text += piece;
    column += piece.size();
  }
  return text + "\n";
}

} // namespace hornfels
