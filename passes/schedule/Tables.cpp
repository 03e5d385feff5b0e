// Units that find rows of a table by ids of a fixed number: embeddings.
#include "passes/schedule/KernelScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// The map of a tensor whose axes behind `leading` are the last dimensions of a domain, with one more dimension in place
/// of its first axis: the id.
static AffineMap byId(RankedTensorType table, unsigned dims, ArrayRef<AffineExpr> columns) {
  MLIRContext *context = table.getContext();
  SmallVector<AffineExpr> exprs{getAffineDimExpr(dims, context)};
  llvm::append_range(exprs, columns);
  return AffineMap::get(dims + 1, 0, exprs, context);
}

/// y[place, columns] = table[ids[place], columns], one place of the tile after the other
void KernelScheduler::emitGather(const Unit &unit, const Tile &tile) {
  auto gather = cast<GatherOp>(unit.op);
  const Access &write = unit.writes.front();
  auto ids = cast<RankedTensorType>(gather.getIds().getType());
  auto table = cast<RankedTensorType>(gather.getTable().getType());
  ArrayRef<AffineExpr> axes = write.map.getResults();
  AffineMap ofTable = byId(table, unit.sizes.size(), axes.drop_front(ids.getRank()));
  // On the stack a place counts from the tile's first.
  Buffer result = buffer(write.value);
  bool isLocal = !result.relative.empty() && result.relative.any();
  result.relative.reset();
  auto emitPlace = [&](const Tile &one, const Tile &inResult) {
    SmallVector<Value> place;
    for (AffineExpr expr : axes.take_front(ids.getRank())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      place.push_back(tiles.value(dim ? one.offsets[dim.getPosition()] : OpFoldResult(tiles.constant(0))));
    }
    Value id = b.create<IdOp>(tiles.loc, b.getIndexType(), buffer(gather.getIds()).memref, place);
    tiles.copy(result, withMoreDims(write.map), buffer(gather.getTable()), ofTable, inResult.with(OpFoldResult(id)));
  };
  std::function<void(unsigned, Tile, Tile)> overPlaces = [&](unsigned axis, Tile one, Tile inResult) {
    if (axis == ids.getRank())
      return emitPlace(one, inResult);
    auto dim = dyn_cast<AffineDimExpr>(axes[axis]);
    if (!dim)
      return overPlaces(axis + 1, one, inResult);
    unsigned at = dim.getPosition();
    tiles.loop("r", tiles.constant(0), tiles.constant(tile.sizes[at]), 1, [&](OpFoldResult local) {
      OpFoldResult global = tiles.add(tile.offsets[at], local);
      one.set(at, global, 1);
      inResult.set(at, isLocal && at == unit.parallel.front() ? local : global, 1);
      overPlaces(axis + 1, one, inResult);
    });
  };
  overPlaces(0, tile, tile);
}

/// table[begin, end) = 0; then for each place in its order, if its id lies there: table[id, :] += rows[place, :]
void KernelScheduler::emitScatter(const Unit &unit, OpFoldResult first, OpFoldResult last) {
  auto scatter = cast<ScatterOp>(unit.op);
  const Access &write = unit.writes.front();
  auto ids = cast<RankedTensorType>(scatter.getIds().getType());
  tiles.loop("row", first, last, 1, [&](OpFoldResult row) { emitClearedRow(unit, row); });
  SmallVector<Value> place;
  auto emitPlace = [&] {
    Value id = b.create<IdOp>(tiles.loc, b.getIndexType(), buffer(scatter.getIds()).memref, place);
    auto emitAdd = [&] {
      Tile tile(unit.sizes.size());
      tile.set(0, id, 1);
      emitOverColumns(unit, tile, 1, [&](const Tile &part) {
        // rows[place, columns]: the place stands still, and its sizes are axes of their own
        unsigned dims = unit.sizes.size(), leading = ids.getRank();
        SmallVector<AffineExpr> exprs;
        for (unsigned axis = 0; axis < leading; ++axis)
          exprs.push_back(b.getAffineDimExpr(dims + axis));
        llvm::append_range(exprs, write.map.getResults().drop_front());
        AffineMap ofRows = AffineMap::get(dims + leading, 0, exprs, b.getContext());
        AffineMap ofTable = withMoreDims(write.map, leading);
        Tile withPlace = part.with(llvm::map_to_vector(place, [](Value at) { return OpFoldResult(at); }));
        tiles.generic({{buffer(scatter.getRows()), ofRows}}, {{buffer(write.value), ofTable}}, withPlace,
                      [](OpBuilder &builder, Location loc, ValueRange elements) {
                        return SmallVector<Value>{builder.create<arith::AddFOp>(loc, elements[1], elements[0])};
                      });
      });
    };
    // This chunk's rows only.
    tiles.when(tiles.sub(first, tiles.constant(1)), id, [&] { tiles.when(id, last, emitAdd); });
  };
  std::function<void(int64_t)> overPlaces = [&](int64_t axis) {
    if (axis == ids.getRank())
      return emitPlace();
    int64_t size = ids.getDimSize(axis);
    tiles.loop(size == kBatch ? "sample" : "t", tiles.constant(0), extent(size), 1, [&](OpFoldResult at) {
      place.push_back(tiles.value(at));
      overPlaces(axis + 1);
      place.pop_back();
    });
  };
  overPlaces(0);
}

} // namespace hornfels
