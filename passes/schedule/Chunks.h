// How a kernel is cut: the rows of a tile and of a chunk, from its loop nests and the target's registers.
#ifndef HORNFELS_PASSES_SCHEDULE_CHUNKS_H
#define HORNFELS_PASSES_SCHEDULE_CHUNKS_H

#include "passes/schedule/Panels.h"

namespace hornfels {

/// A kernel may be given any range of `rows` that begins at a multiple of `grain`.
struct Chunks {
  int64_t rows, grain;
};

/// The registers of a target, as tiles use them.
class TargetTiles {
public:
  TargetTiles(int64_t vectorBytes, int64_t registers) : vectorBytes(vectorBytes), rows(registers >= 32 ? 8 : 6) {}

  /// Elements of a vector.
  int64_t lanes(llvm::ArrayRef<Unit> units) const;
  /// Rows of a tile of a product.
  int64_t productRows(int64_t columns, int64_t lanes) const { return columns <= lanes ? 2 * rows : rows; }
  /// The most rows of a tile of a product in a kernel that is cut by other rows: the sums and one row of the right operand
  /// fill the registers.
  int64_t innerRows(int64_t columns, int64_t lanes) const { return columns <= lanes ? 3 * rows - 3 : rows + rows / 2 + 1; }
  /// Rows of a tile in which all units follow each other.
  int64_t tileRows(llvm::ArrayRef<Unit> units, int64_t ofKernel) const;
  /// The product or sweep that runs a panel at a time; nothing for other kernels. `packedWidth`: columns of a panel of
  /// the packed weights that it touches, 0 where there are none.
  std::optional<PanelKernel> panelKernel(llvm::ArrayRef<Unit> units, int64_t packedWidth) const;
  int64_t panelWidth(llvm::ArrayRef<Unit> units, int64_t packedWidth) const {
    return packedWidth > 0 ? packedWidth : 2 * lanes(units);
  }
  /// Nothing where the units have no common rows: the kernel is one piece.
  std::optional<Chunks> chunks(llvm::ArrayRef<Unit> units, int64_t packedWidth) const;

private:
  int64_t vectorBytes;
  int64_t rows; ///< of a register tile two vectors wide
};

/// The rows that all units have: the batch or a constant; nothing where they differ, or there are none.
std::optional<int64_t> commonRows(llvm::ArrayRef<Unit> units);

/// Rows of a tile of a kernel of panels, of `rows` in all.
int64_t panelRows(const PanelKernel &panel, int64_t rows, int64_t productRows);
/// Work on panels is shared by columns where there are many of them.
bool splitsColumns(const PanelKernel &panel, int64_t width);

} // namespace hornfels

#endif
