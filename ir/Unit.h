// One loop nest of a kernel: its domain, what it reads and what it writes, in one form for every kind of operation.
#ifndef HORNFELS_IR_UNIT_H
#define HORNFELS_IR_UNIT_H

#include "ir/Structure.h"
#include "llvm/ADT/SmallBitVector.h"

#include <optional>

namespace hornfels {

/// A value read or written at `map` of the domain.
struct Access {
  mlir::Value value;
  mlir::AffineMap map;
};

/// An operation as a loop nest. The domain has no dimension of size 1. Ragged operations have the domain of their
/// regular dimensions; the ids of a row are an inner loop of their own.
struct Unit {
  explicit Unit(mlir::Operation *op);

  mlir::Operation *op;
  llvm::SmallVector<int64_t> sizes;     ///< of each dimension; horn::kBatch for the batch
  llvm::SmallVector<unsigned> parallel; ///< dimensions, outermost first
  llvm::SmallVector<unsigned> reduced;
  std::optional<unsigned> part; ///< dimension of the parts of the batch, of which a point reduces one; neither of these
  llvm::SmallVector<Access> reads;
  llvm::SmallVector<Access> writes;

  bool isGeneric() const { return mlir::isa<mlir::linalg::GenericOp>(op); }
  bool reduces() const { return !reduced.empty(); }
  /// The place of a result depends on what is reduced: several sums are added to one element.
  bool adds() const {
    return llvm::any_of(reduced, [&](unsigned dim) { return writes.front().map.isFunctionOfDim(dim); });
  }
  /// Size of the first parallel dimension: the rows that a kernel is split by.
  int64_t rows() const { return sizes[parallel.front()]; }
  /// Elements between neighbours along `dim` in an operand.
  int64_t strideAlong(const Access &access, unsigned dim) const;
  /// Elements along `dim` are next to each other, or the same, in every operand: it may run in the lanes of a vector.
  bool runsInLanes(unsigned dim) const;
  bool reads_(mlir::Value value) const {
    return llvm::any_of(reads, [&](const Access &access) { return access.value == value; });
  }
};

} // namespace hornfels

#endif
