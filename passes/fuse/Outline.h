// Makes a function of each group of operations, and a call of it in the place of the group.
#ifndef HORNFELS_PASSES_FUSE_OUTLINE_H
#define HORNFELS_PASSES_FUSE_OUTLINE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace hornfels {

/// A kernel is a private function with the attribute `horn.kernel`: tensors in, tensors out, its body a list of units
/// (generics, ragged operations) in order. `horn.name` on arguments and results says what they are called.
class Outliner {
public:
  using Units = llvm::ArrayRef<llvm::SmallVector<mlir::Operation *>>;

  explicit Outliner(mlir::func::FuncOp host) : host(host), builder(host.getContext()) {}

  /// Outlines `members`, computed as `units` (which may compute other operations again).
  void outline(llvm::ArrayRef<mlir::Operation *> members, Units units);
  /// A loop stays in the host function: its body is one of its own.
  void keep(mlir::Operation *loop);
  /// Removes what was outlined from the host function.
  void finish();

private:
  mlir::Value inHost(mlir::Value value);

  mlir::func::FuncOp host;
  mlir::OpBuilder builder;
  mlir::IRMapping hostValues; ///< result of an outlined operation -> result of the call
};

} // namespace hornfels

#endif
