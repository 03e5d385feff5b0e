// Builds the insides of a tiled kernel on buffers: static tiles as linalg.generic, loops between them.
#ifndef HORNFELS_PASSES_SCHEDULE_TILE_H
#define HORNFELS_PASSES_SCHEDULE_TILE_H

#include "ir/Unit.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace hornfels {

using mlir::OpFoldResult;

/// Where a value of the kernel lies. A relative axis holds only the part that the current tile covers, from its origin on
/// (0 without one); another axis with an origin holds what begins there.
struct Buffer {
  mlir::Value memref;
  llvm::SmallBitVector relative;
  llvm::SmallVector<OpFoldResult> origin;
};

/// The part of a domain that a tile covers: for each dimension where it starts and how many there are. A dimension
/// with `kept` false is one step of an outer loop and no dimension of the tile.
struct Tile {
  llvm::SmallVector<OpFoldResult> offsets;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallBitVector kept;

  explicit Tile(unsigned rank) : offsets(rank), sizes(rank, 1), kept(rank, false) {}
  void set(unsigned dim, OpFoldResult offset, int64_t size) {
    offsets[dim] = offset;
    sizes[dim] = size;
    kept[dim] = true;
  }
  void step(unsigned dim, OpFoldResult offset) {
    offsets[dim] = offset;
    sizes[dim] = 1;
    kept[dim] = false;
  }
  /// The tile with more dimensions behind its own, a single step at each of `places`.
  Tile with(llvm::ArrayRef<OpFoldResult> places) const;
};

/// The map over a domain with so many more dimensions, which it does not use.
inline mlir::AffineMap withMoreDims(mlir::AffineMap map, unsigned more = 1) {
  return mlir::AffineMap::get(map.getNumDims() + more, 0, map.getResults(), map.getContext());
}

/// Emits tiles and the index arithmetic around them.
class TileBuilder {
public:
  explicit TileBuilder(mlir::OpBuilder &builder) : b(builder) {}

  // Index arithmetic on constants and values.
  OpFoldResult constant(int64_t value) { return b.getIndexAttr(value); }
  mlir::Value value(OpFoldResult x);
  OpFoldResult add(OpFoldResult x, OpFoldResult y);
  OpFoldResult sub(OpFoldResult x, OpFoldResult y);
  OpFoldResult mul(OpFoldResult x, int64_t factor);
  /// The largest multiple of `step` that is not above x.
  OpFoldResult roundDown(OpFoldResult x, int64_t step);

  /// for (i = lower; i < upper; i += step) body(i); nothing for an empty range, no loop for a single step of
  /// constants. `name` is the variable's in what is printed.
  void loop(llvm::StringRef name, OpFoldResult lower, OpFoldResult upper, int64_t step,
            llvm::function_ref<void(OpFoldResult)> body);

  /// if (x < y) body()
  void when(OpFoldResult x, OpFoldResult y, llvm::function_ref<void()> body);

  /// A buffer on the stack, called `name` in what is printed.
  mlir::Value stack(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, mlir::Type element);

  /// Asks for the rows of the part of `buffer` that `tile` covers, ahead of their use.
  void prefetch(const Buffer &buffer, mlir::AffineMap map, const Tile &tile);

  /// The part of `buffer` that `access` touches in `tile`, and the map from the tile's dimensions to its axes.
  std::pair<mlir::Value, mlir::AffineMap> view(const Buffer &buffer, mlir::AffineMap map, const Tile &tile);

  /// out = value over the tile.
  void fill(const Buffer &out, mlir::AffineMap map, const Tile &tile, mlir::Value value);
  /// out = in over the tile.
  void copy(const Buffer &out, mlir::AffineMap outMap, const Buffer &in, mlir::AffineMap inMap, const Tile &tile);

  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;
  /// One static tile: body(elements of the inputs, elements of the outputs) gives the new elements of the outputs.
  /// Dimensions that no output has are reduced.
  void generic(llvm::ArrayRef<std::pair<Buffer, mlir::AffineMap>> inputs,
               llvm::ArrayRef<std::pair<Buffer, mlir::AffineMap>> outputs, const Tile &tile, Body body);
  /// The body of `original` on the elements of a tile: an index counts from the tile's offset.
  llvm::SmallVector<mlir::Value> cloneBody(mlir::OpBuilder &builder, mlir::linalg::GenericOp original,
                                           mlir::ValueRange elements, const Tile &tile, mlir::IRMapping &outer);

  mlir::OpBuilder &b;
  mlir::Location loc{mlir::UnknownLoc::get(b.getContext())};

private:
  OpFoldResult evaluate(mlir::AffineExpr expr, llvm::ArrayRef<OpFoldResult> dims);
};

} // namespace hornfels

#endif
