// Units whose inner loop runs over the ids of a row of tokens.
#include "passes/schedule/KernelScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// A tensor's first axis is found by `row`, not by the domain: the map of the rest, and the access to that row.
static AffineMap behindFirstAxis(AffineMap map) {
  SmallVector<AffineExpr> exprs(map.getResults());
  exprs.front() = getAffineDimExpr(map.getNumDims(), map.getContext());
  return AffineMap::get(map.getNumDims() + 1, 0, exprs, map.getContext());
}

/// The tile with one more dimension, a single step at `row`.
static Tile withRow(const Tile &tile, OpFoldResult row) {
  Tile result(tile.sizes.size() + 1);
  for (unsigned dim = 0; dim < tile.sizes.size(); ++dim) {
    result.offsets[dim] = tile.offsets[dim];
    result.sizes[dim] = tile.sizes[dim];
    result.kept[dim] = tile.kept[dim];
  }
  result.step(tile.sizes.size(), row);
  return result;
}

static AffineMap withOneMoreDim(AffineMap map) {
  return AffineMap::get(map.getNumDims() + 1, 0, map.getResults(), map.getContext());
}

static SmallVector<Value> addElements(OpBuilder &builder, Location loc, ValueRange elements) {
  return {builder.create<arith::AddFOp>(loc, elements[1], elements[0])};
}

/// for each row, for each id of the row: accumulator[row, columns] += table[id, columns]
void KernelScheduler::emitGatherSum(const Unit &unit, const Buffer &accumulator, const Tile &tile) {
  auto gather = cast<GatherSumOp>(unit.op);
  Value tokens = buffer(gather.getTokens()).memref;
  const Access &table = unit.reads.front(), &write = unit.writes.front();
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));
  tiles.fill(accumulator, write.map, tile, zero);
  int64_t count = tile.sizes[0];
  tiles.loop("r", tiles.constant(0), tiles.constant(count), 1, [&](OpFoldResult local) {
    Value row = tiles.value(tiles.add(tile.offsets[0], local));
    auto bounds = b.create<RowBoundsOp>(tiles.loc, b.getIndexType(), b.getIndexType(), tokens, row);
    tiles.loop("t", bounds.getBegin(), bounds.getEnd(), 1, [&](OpFoldResult position) {
      Value id = b.create<TokenOp>(tiles.loc, b.getIndexType(), tokens, tiles.value(position));
      Tile step = tile;
      step.set(0, local, 1);
      // In the accumulator the row counts from the tile's first.
      Buffer rowsOfTile = accumulator;
      rowsOfTile.relative.reset(0);
      tiles.generic({{buffer(table.value), behindFirstAxis(table.map)}}, {{rowsOfTile, withOneMoreDim(write.map)}},
                    withRow(step, id), addElements);
    });
  });
}

/// gradient rows [begin, end) = 0; then for each sample, for each of its ids in that range:
/// gradient[id, :] += rows[sample, :]
void KernelScheduler::emitScatterAdd(const Unit &unit, OpFoldResult first, OpFoldResult last) {
  auto scatter = cast<ScatterAddOp>(unit.op);
  tiles.loc = scatter.getLoc();
  Value tokens = buffer(scatter.getTokens()).memref;
  const Access &rowsRead = unit.reads.front(), &write = unit.writes.front();
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));

  auto overColumns = [&](Tile tile, llvm::function_ref<void(const Tile &)> emit) {
    SmallVector<int64_t> sizes(unit.sizes);
    std::function<void(Tile, unsigned)> nest = [&](Tile inner, unsigned dim) {
      if (dim == sizes.size())
        return emit(inner);
      bool lastDim = dim + 1 == sizes.size();
      int64_t step = lastDim ? std::min<int64_t>(4 * lanes(), sizes[dim]) : 1, main = sizes[dim] / step * step;
      tiles.loop("column", tiles.constant(0), tiles.constant(main), step, [&](OpFoldResult place) {
        Tile part = inner;
        part.set(dim, place, step);
        nest(part, dim + 1);
      });
      if (main < sizes[dim]) {
        inner.set(dim, tiles.constant(main), sizes[dim] - main);
        nest(inner, dim + 1);
      }
    };
    nest(tile, 1);
  };

  tiles.loop("row", first, last, 1, [&](OpFoldResult row) {
    Tile tile(unit.sizes.size());
    tile.set(0, row, 1);
    overColumns(tile, [&](const Tile &part) { tiles.fill(buffer(write.value), write.map, part, zero); });
  });
  tiles.loop("sample", tiles.constant(0), batch, 1, [&](OpFoldResult sample) {
    auto bounds = b.create<RowBoundsOp>(tiles.loc, b.getIndexType(), b.getIndexType(), tokens, tiles.value(sample));
    // Ids of a row ascend: those of this chunk are a range.
    auto boundOf = [&](OpFoldResult id) -> Value {
      return b.create<LowerBoundOp>(tiles.loc, b.getIndexType(), tokens, bounds.getBegin(), bounds.getEnd(),
                                    tiles.value(id));
    };
    Value from = boundOf(first), to = boundOf(last);
    tiles.loop("t", from, to, 1, [&](OpFoldResult position) {
      Value id = b.create<TokenOp>(tiles.loc, b.getIndexType(), tokens, tiles.value(position));
      Tile tile(unit.sizes.size());
      tile.set(0, id, 1);
      overColumns(tile, [&](const Tile &part) {
        tiles.generic({{buffer(rowsRead.value), behindFirstAxis(rowsRead.map)}},
                      {{buffer(write.value), withOneMoreDim(write.map)}}, withRow(part, sample), addElements);
      });
    });
  });
}

/// rows = 0, then 1 (or one more) at each id
void KernelScheduler::emitEncode(const Unit &unit, OpFoldResult row, int64_t rowCount) {
  tiles.loc = unit.op->getLoc();
  Value tokens = buffer(unit.op->getOperand(0)).memref;
  const Access &write = unit.writes.front();
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));
  Value one = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 1.0));
  bool adds = isa<CountOp>(unit.op);
  tiles.loop("r", tiles.constant(0), tiles.constant(rowCount), 1, [&](OpFoldResult local) {
    OpFoldResult sample = tiles.add(row, local);
    int64_t vocabulary = unit.sizes[1], step = std::min<int64_t>(4 * lanes(), vocabulary);
    int64_t main = vocabulary / step * step;
    auto zeroPart = [&](OpFoldResult column, int64_t columns) {
      Tile tile(2);
      tile.set(0, sample, 1);
      tile.set(1, column, columns);
      tiles.fill(buffer(write.value), write.map, tile, zero);
    };
    tiles.loop("column", tiles.constant(0), tiles.constant(main), step, [&](OpFoldResult column) { zeroPart(column, step); });
    if (main < vocabulary)
      zeroPart(tiles.constant(main), vocabulary - main);
    auto bounds = b.create<RowBoundsOp>(tiles.loc, b.getIndexType(), b.getIndexType(), tokens, tiles.value(sample));
    tiles.loop("t", bounds.getBegin(), bounds.getEnd(), 1, [&](OpFoldResult position) {
      Value id = b.create<TokenOp>(tiles.loc, b.getIndexType(), tokens, tiles.value(position));
      Tile tile(2);
      tile.set(0, sample, 1);
      tile.set(1, id, 1);
      tiles.generic({}, {{buffer(write.value), write.map}}, tile,
                    [&](OpBuilder &builder, Location loc, ValueRange elements) {
                      Value next = one;
                      if (adds)
                        next = builder.create<arith::AddFOp>(loc, elements[0], one);
                      return SmallVector<Value>{next};
                    });
    });
  });
}

} // namespace hornfels
