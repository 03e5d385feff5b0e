// Long statements and lists over several lines.
#ifndef HORNFELS_CODEGEN_WRAP_H
#define HORNFELS_CODEGEN_WRAP_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace hornfels {

/// A statement `depth` levels in, over several lines where it is long; with the end of the last one.
std::string wrappedStatement(std::string text, unsigned depth);

/// head, the items with commas between them, tail; lines go on below the first item.
std::string wrappedList(const std::string &head, llvm::ArrayRef<std::string> items, llvm::StringRef tail);

} // namespace hornfels

#endif
