// Reverse mode over the operations of one block. It names no operation: each builds its own gradients.
#ifndef HORNFELS_IR_REVERSE_H
#define HORNFELS_IR_REVERSE_H

#include "ir/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace hornfels::horn {

/// d loss / d value for what lies on a path from the wanted values to those whose gradient is given.
class ReverseWalk {
public:
  /// Builds at `builder`, wherever that stands: the operations that are walked may lie in another block.
  ReverseWalk(mlir::OpBuilder &builder, mlir::ValueRange wanted) : builder(builder) {
    reached.insert(wanted.begin(), wanted.end());
  }

  /// Adds to the gradient of a value.
  void add(mlir::Value value, mlir::Value gradient, mlir::Location loc);
  /// Walks the block from `end` (not included) to its beginning. Fails, with an error, at an operation on the path that
  /// has no gradient.
  mlir::LogicalResult run(mlir::Block &block, mlir::Operation *end);
  /// Null where nothing passes.
  mlir::Value gradientOf(mlir::Value value) const { return gradient.lookup(value); }

private:
  mlir::LogicalResult passThrough(mlir::Operation *forward);

  mlir::OpBuilder &builder;
  llvm::DenseSet<mlir::Value> reached;
  llvm::DenseMap<mlir::Value, mlir::Value> gradient;
};

} // namespace hornfels::horn

#endif
