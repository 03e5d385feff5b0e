// A product as panels of columns: each panel of the right operand is used for all rows before the next.
//
//   for each panel of columns:  [pack the panel, if it lies transposed]
//     for each tile of rows:    accumulators = 0;  for k: accumulators += left[rows, k] * right[k, columns];  epilogue
#include "passes/schedule/Panels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/schedule/KernelScheduler.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

bool isEpilogue(const Unit &unit, const Unit &next) {
  if (isElementwise(unit.op) || !isElementwise(next.op) || unit.adds() ||
      isa<ScatterAddOp, MultiHotOp, CountOp, InsertOp, SliceOp, GatherOp, ScatterOp, PadTokensOp,
          OrthonormalOp>(unit.op))
    return false;
  Value result = unit.writes.front().value;
  auto sizesOf = [](const Unit &of) {
    return llvm::map_to_vector(of.parallel, [&](unsigned dim) { return of.sizes[dim]; });
  };
  if (!next.reads_(result) || sizesOf(unit) != sizesOf(next) || unit.parallel.empty())
    return false;
  for (const Access &access : next.reads)
    if (access.value == result && access.map != writeMap(result))
      return false;
  return llvm::all_of(result.getUsers(),
                      [&](Operation *user) { return user == next.op || isa<func::ReturnOp>(user); });
}

/// The operand of a product that must be transposed before columns can run in lanes; nothing where none must, failure
/// where that does not help.
static FailureOr<std::optional<unsigned>> transposedOperand(const Unit &unit) {
  unsigned row = unit.parallel[0], column = unit.parallel[1];
  std::optional<unsigned> transposed;
  for (auto [index, read] : llvm::enumerate(unit.reads)) {
    if (unit.strideAlong(read, column) <= 1)
      continue;
    auto type = cast<RankedTensorType>(read.value.getType());
    bool readTwice = llvm::count_if(unit.reads, [&](const Access &other) { return other.value == read.value; }) > 1;
    if (transposed || readTwice || unit.reduced.size() != 1 || type.getRank() != 2 || !type.hasStaticShape() ||
        !read.map.isProjectedPermutation() || read.map.isFunctionOfDim(row) ||
        unit.strideAlong(read, unit.reduced[0]) != 1)
      return failure();
    transposed = index;
  }
  for (const Access &write : unit.writes)
    if (unit.strideAlong(write, column) > 1)
      return failure();
  return transposed;
}

std::optional<PanelKernel> matchProduct(ArrayRef<Unit> units) {
  if (units.empty() || units.size() > 2 || !isContraction(units.front().op))
    return std::nullopt;
  PanelKernel kernel;
  kernel.unit = &units.front();
  if (kernel.unit->parallel.size() != 2)
    return std::nullopt;
  if (units.size() == 2) {
    kernel.epilogue = &units.back();
    if (!isEpilogue(*kernel.unit, *kernel.epilogue) || !kernel.epilogue->runsInLanes(kernel.epilogue->parallel.back()))
      return std::nullopt;
  }
  FailureOr<std::optional<unsigned>> transposed = transposedOperand(*kernel.unit);
  if (failed(transposed))
    return std::nullopt;
  kernel.transposed = *transposed;
  // The epilogue would find the transposed columns where it reads the operand.
  if (kernel.transposed && kernel.epilogue && kernel.epilogue->reads_(kernel.unit->reads[*kernel.transposed].value))
    return std::nullopt;
  if (kernel.transposed && kernel.unit->sizes[kernel.unit->reduced[0]] > kPackedSteps && !partialSums(kernel))
    return std::nullopt;
  return kernel;
}

std::optional<PanelKernel> matchSweep(ArrayRef<Unit> units) {
  if (units.size() != 1 || !isElementwise(units.front().op) || units.front().parallel.size() != 2 ||
      !units.front().runsInLanes(units.front().parallel.back()))
    return std::nullopt;
  PanelKernel kernel;
  kernel.unit = &units.front();
  return kernel;
}

Value partialSums(const PanelKernel &kernel) {
  Value result = kernel.unit->writes.front().value;
  auto isReturned = [](Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) { return isa<func::ReturnOp>(user); });
  };
  if (isReturned(result))
    return result;
  if (!kernel.epilogue)
    return {};
  // The new value of a variable may be written over an old one of its type, which the epilogue has yet to read.
  auto type = cast<RankedTensorType>(result.getType());
  if (type.hasStaticShape() && llvm::any_of(kernel.epilogue->reads, [&](const Access &read) {
        return isa<BlockArgument>(read.value) && read.value.getType() == type;
      }))
    return {};
  for (const Access &write : kernel.epilogue->writes)
    if (write.value.getType() == result.getType() && isReturned(write.value) && writeMap(write.value) == writeMap(result))
      return write.value;
  return {};
}

//===-- Emitting ---------------------------------------------------------------------------------------------------===//

void KernelScheduler::emitPanels(const PanelKernel &panel) {
  const Unit &unit = *panel.unit;
  int64_t columns = panel.columns();
  int64_t step = panelRows(panel, *rows, target.productRows(columns, lanes()));
  bool byColumns = !unit.part && splitsColumns(panel, panelWidth());
  OpFoldResult zero = tiles.constant(0);
  Bounds ofRows = byColumns ? Bounds{zero, zero, extent(*rows)} : Bounds{firstRow, zero, lastRow};
  Bounds ofColumns = byColumns ? Bounds{begin, zero, end} : Bounds{zero, zero, tiles.constant(columns)};
  if (isStacked(panel)) {
    step = unit.part ? evenTile(*rows, target.innerRows(columns, lanes())) : step;
    ofRows.main = tiles.add(ofRows.first, tiles.roundDown(tiles.sub(ofRows.last, ofRows.first), step));
    return emitStacked(panel, ofRows, step, ofColumns);
  }
  ofRows.main = tiles.add(ofRows.first, tiles.roundDown(tiles.sub(ofRows.last, ofRows.first), step));

  auto emitAll = [&] {
    overColumns(unit, ofColumns.first, ofColumns.last,
               [&](OpFoldResult column, int64_t count) { emitPanel(panel, column, count, ofRows, step); });
  };
  if (!panel.transposed) {
    emitAll();
    // The last samples pass by all panels, one by one.
    if (*rows == kBatch && step > 1)
      tiles.loop("row", ofRows.main, ofRows.last, 1,
                 [&](OpFoldResult row) {
                   Tile tile = tileOf(unit);
                   tile.set(panel.rowDim(), row, 1);
                   emitSingleRow(unit, panel.epilogue, tile, ofColumns.first, ofColumns.last);
                 });
    return;
  }
  if (!readsInPlace(panel))
    return emitAll();
  // Packing is for whole tiles of rows; the last samples read a small weight as it lies.
  tiles.when(ofRows.first, ofRows.main, emitAll);
  tiles.loop("row", ofRows.main, ofRows.last, 1, [&](OpFoldResult row) {
    Tile tile = tileOf(unit);
    tile.set(panel.rowDim(), row, 1);
    overColumns(unit, ofColumns.first, ofColumns.last, [&](OpFoldResult column, int64_t count) {
      tile.set(panel.columnDim(), column, count);
      emitTile(unit, panel.epilogue, tile);
    });
  });
}

/// A transposed operand so small that single rows read it as it lies, in dot products.
bool KernelScheduler::readsInPlace(const PanelKernel &panel) const {
  auto type = cast<RankedTensorType>(panel.unit->reads[*panel.transposed].value.getType());
  return *rows == kBatch && type.getNumElements() * elementBytes(type.getElementType()) <= kFirstCacheBytes;
}

/// body(tile, rows) for the tiles of rows of a panel: whole ones; then single samples, or one smaller tile.
void KernelScheduler::overRows(const PanelKernel &panel, const Bounds &bounds, int64_t step, OpFoldResult column,
                               int64_t count, llvm::function_ref<void(const Tile &)> body) {
  auto emit = [&](OpFoldResult row, int64_t rowCount) {
    Tile tile = tileOf(*panel.unit);
    tile.set(panel.rowDim(), row, rowCount);
    tile.set(panel.columnDim(), column, count);
    body(tile);
  };
  tiles.loop("row", bounds.first, bounds.main, step, [&](OpFoldResult row) { emit(row, step); });
  if (*rows == kBatch) {
    if (panel.transposed && !readsInPlace(panel))
      tiles.loop("row", bounds.main, bounds.last, 1, [&](OpFoldResult row) { emit(row, 1); });
  } else if (int64_t rest = *rows % step) {
    tiles.loop("row", bounds.main, bounds.last, rest, [&](OpFoldResult row) { emit(row, rest); });
  }
}

void KernelScheduler::emitPanel(const PanelKernel &panel, OpFoldResult column, int64_t count, const Bounds &bounds,
                                int64_t step) {
  if (panel.transposed)
    return emitTransposedPanel(panel, column, count, bounds, step);
  auto emitRowsOf = [&](const Unit &unit) {
    overRows(panel, bounds, step, column, count, [&](const Tile &tile) {
      prefetchEpilogue(panel, tile);
      emitTile(unit, panel.epilogue, tile);
    });
  };
  std::optional<unsigned> far = farOperand(panel);
  if (!far)
    return emitRowsOf(*panel.unit);
  // Rows of the panel lie pages apart: a batch that is not too large is copied together first.
  OpFoldResult limit = tiles.constant(kCopiedSamples);
  tiles.when(batch, tiles.add(limit, tiles.constant(1)), [&] {
    Unit near = *panel.unit;
    Access &operand = near.reads[*far];
    Buffer original = buffer(operand.value);
    Type element = cast<RankedTensorType>(operand.value.getType()).getElementType();
    Buffer copied{tiles.stack("copied", {kCopiedSamples, panelWidth()}, element), {}, {tiles.constant(0), column}};
    AffineMap byColumn = packedMap(near);
    tiles.loop("sample", tiles.constant(0), batch, 1, [&](OpFoldResult sample) {
      Tile tile(near.sizes.size());
      tile.set(near.reduced[0], sample, 1);
      tile.set(panel.columnDim(), column, count);
      tiles.copy(copied, byColumn, original, operand.map, tile);
    });
    operand.map = byColumn;
    buffers[operand.value] = copied;
    emitRowsOf(near);
    buffers[operand.value] = original;
  });
  tiles.when(limit, batch, [&] { emitRowsOf(*panel.unit); });
}

/// A product over samples and places whose right operand has wide rows: a few samples' rows of it fit the second cache, those
/// of all samples do not.
bool KernelScheduler::isStacked(const PanelKernel &panel) const {
  constexpr int64_t wideBytes = 512;
  const Unit &unit = *panel.unit;
  if (panel.epilogue || panel.transposed || isElementwise(unit.op) || unit.adds() || unit.reduced.size() != 2 ||
      unit.sizes[unit.reduced[0]] != kBatch || *rows == kBatch)
    return false;
  return llvm::any_of(unit.reads, [&](const Access &read) {
    auto type = dyn_cast<RankedTensorType>(read.value.getType());
    return type && type.getRank() == 3 && read.map.isProjectedPermutation() &&
           read.map.isFunctionOfDim(panel.columnDim()) && read.map.isFunctionOfDim(unit.reduced[0]) &&
           read.map.isFunctionOfDim(unit.reduced[1]) && unit.strideAlong(read, panel.columnDim()) == 1 &&
           type.getDimSize(2) * elementBytes(type.getElementType()) >= wideBytes;
  });
}

/// out = 0; then a few samples after the other, for all tiles: out += the products over their places. Between them the sums
/// wait in the result, which is smaller than what would be read again for each tile.
void KernelScheduler::emitStacked(const PanelKernel &panel, const Bounds &ofRows, int64_t step, const Bounds &ofColumns) {
  const Unit &unit = *panel.unit;
  Buffer sums = buffer(unit.writes.front().value);
  AffineMap out = unit.writes.front().map;
  auto overTiles = [&](llvm::function_ref<void(const Tile &)> body) {
    auto overLine = [&](OpFoldResult row, int64_t rowCount) {
      overColumns(unit, ofColumns.first, ofColumns.last, [&](OpFoldResult column, int64_t count) {
        Tile tile = tileOf(unit);
        tile.set(panel.rowDim(), row, rowCount);
        tile.set(panel.columnDim(), column, count);
        body(tile);
      });
    };
    tiles.loop("row", ofRows.first, ofRows.main, step, [&](OpFoldResult row) { overLine(row, step); });
    if (int64_t rest = *rows % step)
      tiles.loop("row", ofRows.main, ofRows.last, rest, [&](OpFoldResult row) { overLine(row, rest); });
  };
  overTiles([&](const Tile &tile) { tiles.fill(sums, out, tile, neutralOf(unit)); });

  auto emitSamples = [&](OpFoldResult first, int64_t samples) {
    overTiles([&](const Tile &tile) {
      Buffer accumulator = makeAccumulator(unit, tile);
      tiles.copy(accumulator, out, sums, out, tile);
      tiles.loop("sample", first, tiles.add(first, tiles.constant(samples)), 1, [&](OpFoldResult sample) {
        Tile inner = tile;
        inner.step(unit.reduced[0], sample);
        emitReductionLoops(unit, inner, ArrayRef(unit.reduced).drop_front(),
                           [&](const Tile &place) { emitGenericStep(unit, accumulator, out, place); });
      });
      tiles.copy(sums, out, accumulator, out, tile);
    });
  };
  int64_t together = std::max<int64_t>(kStepsBetweenSums / unit.sizes[unit.reduced[1]], 1);
  OpFoldResult main = tiles.add(firstSample, tiles.roundDown(tiles.sub(lastSample, firstSample), together));
  tiles.loop("sample", firstSample, main, together, [&](OpFoldResult first) { emitSamples(first, together); });
  if (together > 1)
    tiles.loop("sample", main, lastSample, 1, [&](OpFoldResult first) { emitSamples(first, 1); });
}

/// The right operand of a product over the batch, if a row of it is so wide that neighbouring rows of a panel share no
/// page: each takes an entry of the address cache, and all fall into few sets of the first cache.
std::optional<unsigned> KernelScheduler::farOperand(const PanelKernel &panel) const {
  constexpr int64_t wideBytes = 2048;
  const Unit &unit = *panel.unit;
  if (unit.part || isElementwise(unit.op) || unit.reduced.size() != 1 || unit.sizes[unit.reduced[0]] != kBatch || *rows < 64)
    return std::nullopt;
  for (auto [index, read] : llvm::enumerate(unit.reads)) {
    auto type = dyn_cast<RankedTensorType>(read.value.getType());
    bool once = llvm::count_if(unit.reads, [&](const Access &other) { return other.value == read.value; }) == 1 &&
                !(panel.epilogue && panel.epilogue->reads_(read.value));
    if (type && type.getRank() == 2 && once && read.map.isProjectedPermutation() &&
        read.map.isFunctionOfDim(panel.columnDim()) && read.map.isFunctionOfDim(unit.reduced[0]) &&
        unit.strideAlong(read, panel.columnDim()) == 1 &&
        type.getDimSize(1) * elementBytes(type.getElementType()) >= wideBytes)
      return index;
  }
  return std::nullopt;
}

/// What the optimizer updates is on its way while the gradient is summed.
void KernelScheduler::prefetchEpilogue(const PanelKernel &panel, const Tile &tile) {
  if (!panel.epilogue || *rows == kBatch)
    return;
  for (const Access &read : panel.epilogue->reads)
    if (auto argument = dyn_cast<BlockArgument>(read.value);
        argument && kernel.getArgAttr(argument.getArgNumber(), "horn.panel"))
      tiles.prefetch(buffer(read.value), read.map, transfer(*panel.unit, *panel.epilogue, tile));
}

/// packed[k - first, column] = operand[column, k]
Buffer KernelScheduler::emitPacked(const Access &operand, const Unit &unit, OpFoldResult first, int64_t steps,
                                   OpFoldResult column, int64_t count) {
  unsigned k = unit.reduced[0], columnDim = unit.parallel[1];
  Type element = cast<RankedTensorType>(operand.value.getType()).getElementType();
  Buffer packed{tiles.stack("packed", {steps, panelWidth()}, element), {}, {first, column}};
  AffineMap byColumn = packedMap(unit);
  // Squares of a vector's width; what remains is narrower.
  auto emitSquares = [&](OpFoldResult place, int64_t size) {
    for (int64_t c = 0; c < count; c += lanes()) {
      Tile square(unit.sizes.size());
      square.set(k, place, size);
      square.set(columnDim, tiles.add(column, tiles.constant(c)), std::min(lanes(), count - c));
      tiles.copy(packed, byColumn, buffer(operand.value), operand.map, square);
    }
  };
  // The operand may lie in panels along k: from panel to panel, so that a square's place in its panel is known.
  auto emitPanel = [&](OpFoldResult place, int64_t size) {
    for (int64_t s = 0; s < size; s += lanes())
      emitSquares(tiles.add(place, tiles.constant(s)), std::min(lanes(), size - s));
  };
  int64_t width = panelWidth(), whole = steps / width * width;
  OpFoldResult last = tiles.add(first, tiles.constant(whole));
  tiles.loop("k", first, last, width, [&](OpFoldResult place) { emitPanel(place, width); });
  if (whole < steps)
    emitPanel(last, steps - whole);
  return packed;
}

AffineMap KernelScheduler::packedMap(const Unit &unit) {
  return AffineMap::get(unit.sizes.size(), 0,
                        {b.getAffineDimExpr(unit.reduced[0]), b.getAffineDimExpr(unit.parallel[1])}, b.getContext());
}

void KernelScheduler::emitTransposedPanel(const PanelKernel &panel, OpFoldResult column, int64_t count,
                                          const Bounds &bounds, int64_t step) {
  const Unit &unit = *panel.unit;
  unsigned k = unit.reduced[0];
  int64_t steps = unit.sizes[k];
  Unit direct = unit; // the same product, its operand packed
  Access &operand = direct.reads[*panel.transposed];
  Buffer original = buffer(operand.value);
  auto withPacked = [&](OpFoldResult first, int64_t depth, llvm::function_ref<void()> body) {
    Buffer packed = emitPacked(unit.reads[*panel.transposed], unit, first, depth, column, count);
    operand.map = packedMap(unit);
    buffers[operand.value] = packed;
    body();
    buffers[operand.value] = original;
  };
  if (steps <= kPackedSteps)
    return withPacked(tiles.constant(0), steps, [&] {
      overRows(panel, bounds, step, column, count, [&](const Tile &tile) { emitTile(direct, panel.epilogue, tile); });
    });

  // Too many steps to pack at once: sums over a part of them wait in the output.
  Value result = unit.writes.front().value;
  AffineMap out = unit.writes.front().map;
  Buffer sums = buffer(partialSums(panel));
  overRows(panel, bounds, step, column, count, [&](const Tile &tile) { tiles.fill(sums, out, tile, neutralOf(unit)); });
  // Whole panels: the operand may lie in panels along k.
  int64_t parts = (steps + kPackedSteps - 1) / kPackedSteps, width = panelWidth();
  int64_t depth = ((steps + parts - 1) / parts + width - 1) / width * width;
  auto emitPart = [&](OpFoldResult first, int64_t part) {
    withPacked(first, part, [&] {
      overRows(panel, bounds, step, column, count, [&](const Tile &tile) {
        Buffer accumulator = makeAccumulator(direct, tile);
        tiles.copy(accumulator, out, sums, out, tile);
        tiles.loop("k", first, tiles.add(first, tiles.constant(part)), 1, [&](OpFoldResult place) {
          Tile inner = tile;
          inner.step(k, place);
          emitGenericStep(direct, accumulator, out, inner);
        });
        tiles.copy(sums, out, accumulator, out, tile);
      });
    });
  };
  int64_t main = steps / depth * depth;
  tiles.loop("part", tiles.constant(0), tiles.constant(main), depth, [&](OpFoldResult first) { emitPart(first, depth); });
  if (main < steps)
    emitPart(tiles.constant(main), steps - main);
  if (!panel.epilogue)
    return;
  overRows(panel, bounds, step, column, count, [&](const Tile &tile) {
    bool stored = hasBuffer(result);
    Buffer kept = stored ? buffer(result) : Buffer();
    buffers[result] = sums;
    emitElementwise(*panel.epilogue, transfer(unit, *panel.epilogue, tile));
    if (stored)
      buffers[result] = kept;
    else
      buffers.erase(result);
  });
}

} // namespace hornfels
