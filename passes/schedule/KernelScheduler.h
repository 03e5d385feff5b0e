// The schedule of one kernel.
#ifndef HORNFELS_PASSES_SCHEDULE_KERNELSCHEDULER_H
#define HORNFELS_PASSES_SCHEDULE_KERNELSCHEDULER_H

#include "passes/schedule/Chunks.h"
#include "passes/schedule/Tile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace hornfels {

/// Turns a kernel on tensors, (inputs) -> (outputs), into one on buffers, (inputs, outputs, begin, end), that does the
/// rows from begin to end. Its attributes say how it may be run:
///   horn.rows   number of rows: the batch (dynamic) or a constant; absent: the kernel is one piece, begin and end 0
///   horn.grain  a chunk is a multiple of this many rows
///   horn.lanes  elements of a vector
class KernelScheduler {
public:
  KernelScheduler(mlir::func::FuncOp kernel, int64_t vectorBytes, int64_t registers);
  mlir::LogicalResult run();

private:
  // KernelScheduler.cpp: the kernel as a whole.
  void makeBuffers();
  void analyse();
  void emitUnits();
  void emitRows();
  mlir::LogicalResult emitParts(const Unit &parted);
  mlir::Value samplesOfPart(int64_t count);
  void choosePart(OpFoldResult place, mlir::Value samples);
  void keepPrivate();
  void emitRowTile(OpFoldResult row, int64_t rows);
  int64_t linesOf(const Unit &unit, const Unit &writer, const Unit &reader);
  void emitByLines(const Unit &unit, const Unit *epilogue, const Unit &reader, int64_t lines, OpFoldResult row);
  void emitWholeUnits();
  mlir::LogicalResult finish();

  // Panels.cpp: products, a panel of columns at a time.
  /// A part of an axis: whole tiles from first to main, what remains to last.
  struct Bounds {
    OpFoldResult first, main, last;
  };
  /// Columns of a panel: those of two vectors, or of the packed weights.
  int64_t panelWidth() const { return target.panelWidth(units, packedWidth); }
  bool readsInPlace(const PanelKernel &panel) const;
  void emitPanels(const PanelKernel &panel);
  void emitPanel(const PanelKernel &panel, OpFoldResult column, int64_t count, const Bounds &rowBounds, int64_t step);
  std::optional<unsigned> farOperand(const PanelKernel &panel) const;
  bool isStacked(const PanelKernel &panel) const;
  void emitStacked(const PanelKernel &panel, const Bounds &ofRows, int64_t step, const Bounds &ofColumns);
  void prefetchEpilogue(const PanelKernel &panel, const Tile &tile);
  void emitTransposedPanel(const PanelKernel &panel, OpFoldResult column, int64_t count, const Bounds &rowBounds,
                           int64_t step);
  Buffer emitPacked(const Access &operand, const Unit &unit, OpFoldResult first, int64_t steps, OpFoldResult column,
                    int64_t count);
  mlir::AffineMap packedMap(const Unit &unit);
  void overRows(const PanelKernel &panel, const Bounds &bounds, int64_t step, OpFoldResult column, int64_t count,
                llvm::function_ref<void(const Tile &)> body);

  // Emit.cpp: one unit.
  /// All columns of a unit for a tile of rows, with its epilogue.
  void emitUnit(const Unit &unit, const Unit *epilogue, OpFoldResult row, int64_t rows);
  void emitAdding(const Unit &unit, OpFoldResult row, int64_t rows);
  void emitColumns(const Unit &unit, const Unit *epilogue, Tile tile, size_t depth);
  void emitTile(const Unit &unit, const Unit *epilogue, const Tile &tile);
  /// Several tiles of a sum, whose reduction is one loop.
  void emitTiles(const Unit &unit, const Unit *epilogue, llvm::ArrayRef<Tile> group);
  /// What is in the accumulators goes through the epilogue, or to its place.
  void finishTile(const Unit &unit, const Unit *epilogue, const Buffer &accumulator, const Tile &tile);
  Buffer makeAccumulator(const Unit &unit, const Tile &tile);
  void placeResults(const Unit &writer, int64_t rowCount);
  /// What an element that is read counts as.
  using Reading = llvm::function_ref<mlir::Value(mlir::OpBuilder &, const Access &, mlir::Value)>;
  void emitElementwise(const Unit &unit, const Tile &tile, Reading reading = {});
  void emitReduction(const Unit &unit, const Buffer &accumulator, const Tile &tile);
  void emitReductionInLanes(const Unit &unit, const Buffer &accumulator, const Tile &tile);
  void emitBatchReductionInLanes(const Unit &unit, const Buffer &accumulator, const Tile &tile);
  void emitGenericStep(const Unit &unit, const Buffer &accumulator, mlir::AffineMap out, const Tile &tile);
  void emitReductionLoops(const Unit &unit, Tile tile, llvm::ArrayRef<unsigned> dims,
                          llvm::function_ref<void(const Tile &)> body);

  // Tables.cpp: rows of a table by their ids.
  void emitGather(const Unit &unit, const Tile &tile);
  void emitScatter(const Unit &unit, OpFoldResult begin, OpFoldResult end);

  // Ragged.cpp: units whose inner loop runs over the ids of a row.
  void emitGatherSum(const Unit &unit, const Buffer &accumulator, const Tile &tile);
  void emitScatterAdd(const Unit &unit, OpFoldResult begin, OpFoldResult end);
  void emitClearedRow(const Unit &scatter, OpFoldResult row);
  void emitSamplesRows(const Unit &scatter, OpFoldResult begin, OpFoldResult end);
  int64_t sumsOfRow(const Tile &tile) const;
  void emitSumOfIds(const Unit &unit, mlir::Value tokens, llvm::ArrayRef<Buffer> sums, const Tile &tile,
                    OpFoldResult first, OpFoldResult last);
  /// A scatter and the element-wise unit that alone reads it.
  struct ScatterAndUpdate {
    const Unit &scatter, &update;
  };
  std::optional<ScatterAndUpdate> sumsById();
  void emitSumsById(const ScatterAndUpdate &kernelUnits);
  std::optional<ScatterAndUpdate> scatterAndUpdate() const;
  void emitLazyRows(const ScatterAndUpdate &kernelUnits);
  void emitDecay(const Unit &update, OpFoldResult row);
  /// A call of the runtime: `name` tells the printer which. One that only fills a buffer has a result that nobody reads.
  mlir::Operation *call(llvm::StringRef name, mlir::TypeRange results, mlir::ValueRange operands);
  void emitPrefetch(const Buffer &buffer, mlir::AffineMap map, const Tile &tile, mlir::Value tokens,
                    OpFoldResult position, OpFoldResult last, int64_t rowBytes, bool write);
  void emitOverColumns(const Unit &unit, Tile tile, unsigned dim, llvm::function_ref<void(const Tile &)> emit);
  void emitEncode(const Unit &unit, OpFoldResult row, int64_t rows);
  void emitPad(const Unit &unit, OpFoldResult row, int64_t rows);

  /// The same tile in the domain of another unit with the same parallel dimensions.
  static Tile transfer(const Unit &from, const Unit &to, const Tile &tile);
  /// The buffer of a value; one on the stack is made when a unit first writes it.
  const Buffer &buffer(mlir::Value value) { return buffers.find(value)->second; }
  bool hasBuffer(mlir::Value value) const { return buffers.contains(value); }
  int64_t lanes() const { return target.lanes(units); }
  /// A tile of a unit before its dimensions are set: in the current part of the batch.
  Tile tileOf(const Unit &unit) const;
  int64_t columnTile(const Unit &unit) const;
  int64_t innerRows(const Unit &unit, size_t depth) const;
  static int64_t evenTile(int64_t size, int64_t most);
  void overColumns(const Unit &unit, OpFoldResult first, OpFoldResult last,
                   llvm::function_ref<void(OpFoldResult, int64_t)> body);
  void emitSingleRow(const Unit &unit, const Unit *epilogue, const Tile &row, OpFoldResult first, OpFoldResult last);
  bool sumsSingleRow(const Unit &unit, const Tile &tile) const;
  int64_t turnsOf(const Unit &unit, const Tile &tile) const;
  OpFoldResult extent(int64_t size);
  /// Where a reduction over `size` begins and ends: over the batch, in the current part.
  OpFoldResult firstOf(int64_t size) { return size == horn::kBatch ? firstSample : OpFoldResult(tiles.constant(0)); }
  OpFoldResult lastOf(int64_t size) { return size == horn::kBatch ? lastSample : OpFoldResult(tiles.constant(size)); }
  mlir::Value neutralOf(const Unit &unit);

  mlir::func::FuncOp kernel;
  TargetTiles target;
  int64_t packedWidth = 0;  ///< columns of a panel of the packed weights that the kernel touches; 0: none
  mlir::OpBuilder b;
  TileBuilder tiles;
  mlir::Block *original = nullptr;
  mlir::Block *body = nullptr;
  mlir::IRMapping scalars; ///< constants of the original body -> their clones
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  llvm::SmallVector<mlir::Value> privates; ///< results that nobody else reads
  std::vector<Unit> units;
  mlir::Value batch, begin, end;
  mlir::Value lazyRows; ///< the state of a table that is updated lazily; null: there is none
  OpFoldResult firstRow, lastRow;       ///< from begin to end; all rows where these count parts of the batch
  OpFoldResult firstSample, lastSample; ///< of a reduction over the batch: all, or those of the current part
  OpFoldResult part;                    ///< null outside of parts
  std::optional<int64_t> rows; ///< absent: no common rows
};

} // namespace hornfels

#endif
