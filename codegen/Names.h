// Makes names legal in C++, once and in one place.
#ifndef HORNFELS_CODEGEN_NAMES_H
#define HORNFELS_CODEGEN_NAMES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <string>

namespace hornfels {

/// A C++ identifier for `name`: "dense_1/kernel" -> "dense_1_kernel"; keywords, reserved forms and leading digits get
/// a letter more.
std::string legalName(llvm::StringRef name);

/// The last part of a path: "dense_1/kernel" -> "kernel".
llvm::StringRef lastPart(llvm::StringRef name);

/// A C string literal; whatever is in `text` cannot end it.
std::string quoted(llvm::StringRef text);

/// Text that is safe in a comment of either kind: no line ends, no end of a comment, no backslash or trigraph that joins
/// lines, nothing that reorders text.
std::string inComment(llvm::StringRef text);

/// Does a piece of C++ mention this identifier?
bool usesName(llvm::StringRef text, llvm::StringRef name);

/// The names of one scope, each given once.
class NameScope {
public:
  NameScope() = default;
  explicit NameScope(const NameScope *outer) : outer(outer) {}
  /// `wish`, made legal; numbered if it is taken here or in an outer scope.
  std::string take(llvm::StringRef wish);
  bool isTaken(llvm::StringRef name) const { return taken.contains(name) || (outer && outer->isTaken(name)); }

private:
  const NameScope *outer = nullptr;
  llvm::StringSet<> taken;
};

} // namespace hornfels

#endif
