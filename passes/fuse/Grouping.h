// Partition of a list of operations into groups whose graph stays free of cycles.
#ifndef HORNFELS_PASSES_FUSE_GROUPING_H
#define HORNFELS_PASSES_FUSE_GROUPING_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace hornfels {

/// Operations are added in program order; each opens a group or joins one that holds a producer of it.
class Grouping {
public:
  using MayJoin = llvm::function_ref<bool(llvm::ArrayRef<mlir::Operation *> group)>;

  /// Joins the youngest group that holds a producer of `op`, that `mayJoin` accepts and that closes no cycle; else
  /// opens a new group. With `siblings`, groups without a producer of `op` are candidates too.
  void add(mlir::Operation *op, MayJoin mayJoin, bool siblings = false);

  using MaySink = llvm::function_ref<bool(mlir::Operation *, llvm::ArrayRef<mlir::Operation *> from,
                                          llvm::ArrayRef<mlir::Operation *> to)>;

  /// Moves operations from their group into the one group that reads them, last ones first, where `maySink` allows.
  void sink(MaySink maySink);

  /// The groups, each after those that it depends on; members in program order.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> sorted() const;

private:
  /// The groups that `op` reads from.
  llvm::SmallVector<unsigned> producersOf(mlir::Operation *op) const;
  bool dependsOn(unsigned group, unsigned other) const;

  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> groups;
  llvm::DenseMap<mlir::Operation *, unsigned> groupOf;
};

} // namespace hornfels

#endif
