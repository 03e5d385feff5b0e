// What a kernel computes, as a line of mathematics for the comment above it.
#ifndef HORNFELS_PASSES_FUSE_EQUATION_H
#define HORNFELS_PASSES_FUSE_EQUATION_H

#include "mlir/IR/Operation.h"
#include <functional>
#include <string>

namespace hornfels {

/// Writes "dense = max(dense_sum + dense/bias, 0)".
class EquationWriter {
public:
  explicit EquationWriter(std::function<std::string(mlir::Value)> nameOf) : nameOf(std::move(nameOf)) {}

  /// The equation of one operation; what other members of its unit compute is written out, up to a length.
  std::string equation(mlir::Operation *op, llvm::ArrayRef<mlir::Operation *> unit);

private:
  std::string valueText(mlir::Value value, llvm::ArrayRef<mlir::Operation *> unit, unsigned depth);
  std::string right(mlir::Operation *op, llvm::ArrayRef<mlir::Operation *> unit, unsigned depth);
  std::string scalarText(mlir::Value value, mlir::Operation *generic, llvm::ArrayRef<mlir::Operation *> unit,
                         unsigned depth);

  std::function<std::string(mlir::Value)> nameOf;
};

} // namespace hornfels

#endif
