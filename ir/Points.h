// Which elements a thread of a device owns: the points of a loop nest.
#ifndef HORNFELS_IR_POINTS_H
#define HORNFELS_IR_POINTS_H

#include "ir/Unit.h"

namespace hornfels {

/// The points of a unit: one thread, or a group of them, makes the results of each. They are its parallel dimensions, the
/// parts of the batch first. Where several sums are added to one element, or an insertion leaves the rest as it was filled,
/// they are the elements of the result instead, and what belongs to an element is looked for (`ofResult`).
struct Points {
  explicit Points(const Unit &unit);

  bool ofResult = false;
  llvm::SmallVector<int64_t> sizes;  ///< of each axis; none is 1
  llvm::SmallVector<unsigned> dims;  ///< of the unit for each axis, else (`ofResult`) the axis of the result

  /// For each axis of what is read or written by `map` the axis of the points that runs along it; absent where the map is
  /// anything else. Axes of size 1 have -1.
  std::optional<llvm::SmallVector<int64_t>> placeOf(mlir::AffineMap map) const;
  /// Where the unit writes its results.
  std::optional<llvm::SmallVector<int64_t>> placeOfResult(const Unit &unit, unsigned number) const;
  bool isBatched() const { return !sizes.empty() && sizes.front() == horn::kBatch; }
};

/// How many points, with `batch` samples.
int64_t countOf(llvm::ArrayRef<int64_t> sizes, int64_t batch);

/// An insertion that continues a buffer from outside of the kernel: only the elements that it writes are its points.
bool continuesArgument(const Unit &unit);

} // namespace hornfels

#endif
