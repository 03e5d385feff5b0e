// Kernels that run a panel of columns at a time: products of matrices, and sweeps over packed weights.
#ifndef HORNFELS_PASSES_SCHEDULE_PANELS_H
#define HORNFELS_PASSES_SCHEDULE_PANELS_H

#include "ir/Unit.h"

#include <optional>

namespace hornfels {

/// Steps of a reduction for which a transposed operand is packed at once: 128 KiB of scratch with the widest vectors.
inline constexpr int64_t kPackedSteps = 1024;
/// Tiles of a single row that share a loop over the reduction.
inline constexpr int64_t kTilesOfSingleRow = 4;
/// Samples of a panel that are copied together before they are used many times.
inline constexpr int64_t kCopiedSamples = 256;
/// Steps of a product over samples and places for which a tile of sums stays in registers.
inline constexpr int64_t kStepsBetweenSums = 96;
/// A weight larger than this is packed for the whole of training; a smaller one stays in the first cache anyway.
inline constexpr int64_t kFirstCacheBytes = 32 * 1024;

/// `next` can run on the accumulators of `unit`: it alone reads the result, element by element.
bool isEpilogue(const Unit &unit, const Unit &next);

/// What a kernel of this form does.
struct PanelKernel {
  const Unit *unit = nullptr;     ///< a product, or an element-wise sweep
  const Unit *epilogue = nullptr; ///< runs on its accumulators
  /// The operand (index into unit->reads) whose elements lie together along the reduction instead of the columns: a tile of it
  /// is transposed into scratch before it is used.
  std::optional<unsigned> transposed;

  unsigned rowDim() const { return unit->parallel[0]; }
  unsigned columnDim() const { return unit->parallel[1]; }
  int64_t columns() const { return unit->sizes[columnDim()]; }
};

/// Units of a kernel as one product over rows and columns, with at most one epilogue; nothing for other kernels.
std::optional<PanelKernel> matchProduct(llvm::ArrayRef<Unit> units);
/// One element-wise unit over rows and columns.
std::optional<PanelKernel> matchSweep(llvm::ArrayRef<Unit> units);

/// Where the sums over a part of the reduction are kept while a kernel goes on with the next: the result, or an output of the
/// epilogue of the same type that it does not read. Null where there is none.
mlir::Value partialSums(const PanelKernel &kernel);

} // namespace hornfels

#endif
