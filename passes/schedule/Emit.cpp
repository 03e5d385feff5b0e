// One unit of a kernel, tile by tile.
#include "passes/schedule/KernelScheduler.h"

#include "ir/Builders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

OpFoldResult KernelScheduler::extent(int64_t size) {
  return size == kBatch ? OpFoldResult(batch) : OpFoldResult(tiles.constant(size));
}

/// Columns of a tile: two vectors for arithmetic, four for sums of rows, whose additions wait for each other.
int64_t KernelScheduler::columnTile(const Unit &unit) const {
  return isa<GatherSumOp>(unit.op) ? 4 * lanes() : panelWidth();
}

/// What a reduction starts from: the value that its destination was filled with.
Value KernelScheduler::neutralOf(const Unit &unit) {
  auto generic = cast<linalg::GenericOp>(unit.op);
  auto fill = generic.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  return scalars.lookup(fill.getInputs()[0]);
}

void KernelScheduler::emitUnit(const Unit &unit, const Unit *epilogue, OpFoldResult row, int64_t rowCount) {
  tiles.loc = unit.op->getLoc();
  if (isa<MultiHotOp, CountOp>(unit.op))
    return emitEncode(unit, row, rowCount);
  if (isa<PadTokensOp>(unit.op))
    return emitPad(unit, row, rowCount);
  if (isa<OrthonormalOp>(unit.op)) {
    Value x = buffer(unit.reads.front().value).memref, y = buffer(unit.writes.front().value).memref;
    call("orthonormal_rows", b.getIndexType(), {x, y});
    return;
  }
  if (unit.adds())
    return emitAdding(unit, row, rowCount);
  // With an epilogue the result stays in the accumulators.
  placeResults(epilogue ? *epilogue : unit, rowCount);

  Tile tile = tileOf(unit);
  if (!unit.parallel.empty())
    tile.set(unit.parallel.front(), row, rowCount);
  emitColumns(unit, epilogue, tile, 1);
}

/// out = 0 in these rows; then, for one place inside the windows after the other, out += the sums over what remains:
///   out[row, p * stride + k * dilation, i] += sum over o of a[row, p, o] * b[k, o, i]
/// What the rows of one sample take stays in the first caches, and nothing is computed for places that no window has.
void KernelScheduler::emitAdding(const Unit &unit, OpFoldResult row, int64_t rowCount) {
  placeResults(unit, rowCount);
  const Access &write = unit.writes.front();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(write.value.getType()).getShape();
  AffineMap whole = AffineMap::getMultiDimIdentityMap(shape.size(), b.getContext());
  std::function<void(size_t, Tile)> clear = [&](size_t axis, Tile tile) {
    if (axis + 1 == shape.size()) {
      tile.set(axis, tiles.constant(0), shape[axis]);
      return tiles.fill(buffer(write.value), whole, tile, neutralOf(unit));
    }
    tiles.loop("i", tiles.constant(0), tiles.constant(shape[axis]), 1, [&](OpFoldResult place) {
      Tile inner = tile;
      inner.set(axis, place, 1);
      clear(axis + 1, inner);
    });
  };
  Tile rows(shape.size());
  rows.set(0, row, rowCount);
  clear(1, rows);

  Unit sums = unit;
  SmallVector<unsigned> inside;
  for (unsigned dim : unit.reduced)
    if (write.map.isFunctionOfDim(dim))
      inside.push_back(dim);
  llvm::erase_if(sums.reduced, [&](unsigned dim) { return write.map.isFunctionOfDim(dim); });
  Tile tile = tileOf(unit);
  tile.set(unit.parallel.front(), row, rowCount);
  emitReductionLoops(unit, tile, inside, [&](const Tile &place) { emitColumns(sums, nullptr, place, 1); });
}

/// A value that has no place yet gets a tile on the stack: these rows, all columns.
void KernelScheduler::placeResults(const Unit &writer, int64_t rowCount) {
  for (const Access &write : writer.writes) {
    if (hasBuffer(write.value))
      continue;
    if (auto insert = dyn_cast<InsertOp>(writer.op)) {
      buffers[write.value] = Buffer(buffer(insert.getDestination())); // a copy: the map may grow
      continue;
    }
    auto type = cast<RankedTensorType>(write.value.getType());
    SmallVector<int64_t> shape(type.getShape());
    llvm::SmallBitVector relative(shape.size(), false);
    for (auto [axis, expr] : llvm::enumerate(write.map.getResults()))
      if (!writer.parallel.empty() && rows && expr.isFunctionOfDim(writer.parallel.front())) {
        shape[axis] = rowCount;
        relative.set(axis);
      }
    buffers[write.value] = {tiles.stack(nameByOrigin(write.value), shape, type.getElementType()), relative, {}};
  }
}

/// The largest tile of `size` that has at most `most`, in as few tiles as there may be, of nearly one size.
int64_t KernelScheduler::evenTile(int64_t size, int64_t most) {
  int64_t count = (size + most - 1) / most;
  return (size + count - 1) / count;
}

/// Rows of a tile where they are not what a kernel is cut by: the places of a convolution along a line, the features of a
/// weight's gradient; whole lines of an image where several fit.
int64_t KernelScheduler::innerRows(const Unit &unit, size_t depth) const {
  if (depth + 3 < unit.parallel.size() || !isContraction(unit.op) || !unit.runsInLanes(unit.parallel.back()))
    return 1;
  int64_t most = target.innerRows(unit.sizes[unit.parallel.back()], lanes()), size = unit.sizes[unit.parallel[depth]];
  if (depth + 2 == unit.parallel.size())
    return evenTile(size, most);
  int64_t line = unit.sizes[unit.parallel[depth + 1]];
  return evenTile(size, std::max<int64_t>(most / line, 1));
}

/// Middle dimensions one by one, but for the last two of them in a product; the last in tiles of columns and a smaller last
/// tile.
void KernelScheduler::emitColumns(const Unit &unit, const Unit *epilogue, Tile tile, size_t depth) {
  if (depth >= unit.parallel.size())
    return emitTile(unit, epilogue, tile);
  unsigned dim = unit.parallel[depth];
  if (depth + 1 < unit.parallel.size()) {
    int64_t size = unit.sizes[dim], step = innerRows(unit, depth);
    auto emit = [&](OpFoldResult place, int64_t count) {
      Tile inner = tile;
      inner.set(dim, place, count);
      emitColumns(unit, epilogue, inner, depth + 1);
    };
    int64_t main = size / step * step;
    tiles.loop("i", tiles.constant(0), tiles.constant(main), step, [&](OpFoldResult place) { emit(place, step); });
    if (main < size)
      emit(tiles.constant(main), size - main);
    return;
  }
  if (sumsSingleRow(unit, tile))
    return emitSingleRow(unit, epilogue, tile, tiles.constant(0), tiles.constant(unit.sizes[dim]));
  overColumns(unit, tiles.constant(0), tiles.constant(unit.sizes[dim]), [&](OpFoldResult column, int64_t columns) {
    Tile inner = tile;
    inner.set(dim, column, columns);
    emitTile(unit, epilogue, inner);
  });
}

/// body(column, count) for the columns from first to last: whole tiles, then those that remain of all the unit's columns.
void KernelScheduler::overColumns(const Unit &unit, OpFoldResult first, OpFoldResult last,
                                  llvm::function_ref<void(OpFoldResult, int64_t)> body) {
  int64_t columns = unit.sizes[unit.parallel.back()], width = std::min(columnTile(unit), columns);
  int64_t main = columns / width * width;
  bool toTheEnd = getConstantIntValue(last).has_value();
  OpFoldResult whole = toTheEnd ? OpFoldResult(tiles.constant(main)) : main == columns ? last : tiles.roundDown(last, width);
  tiles.loop("column", first, whole, width, [&](OpFoldResult column) { body(column, width); });
  if (main == columns)
    return;
  OpFoldResult rest = tiles.constant(main);
  if (toTheEnd)
    return body(rest, columns - main);
  tiles.when(rest, last, [&] { body(rest, columns - main); });
}

/// The columns of a single row, several tiles to a loop over the reduction.
void KernelScheduler::emitSingleRow(const Unit &unit, const Unit *epilogue, const Tile &row, OpFoldResult first,
                                    OpFoldResult last) {
  unsigned dim = unit.parallel.back();
  int64_t width = std::min(columnTile(unit), unit.sizes[dim]);
  int64_t together = std::clamp<int64_t>(unit.sizes[dim] / width, 1, kTilesOfSingleRow);
  auto emitGroup = [&](OpFoldResult column, int64_t count, int64_t columns) {
    SmallVector<Tile> group(count, row);
    for (int64_t i = 0; i < count; ++i)
      group[i].set(dim, tiles.add(column, tiles.constant(i * width)), columns);
    emitTiles(unit, epilogue, group);
  };
  OpFoldResult grouped = tiles.add(first, tiles.roundDown(tiles.sub(last, first), together * width));
  tiles.loop("column", first, grouped, together * width,
             [&](OpFoldResult column) { emitGroup(column, together, width); });
  overColumns(unit, grouped, last, [&](OpFoldResult column, int64_t columns) { emitGroup(column, 1, columns); });
}

/// A single row of a product has too few sums to keep the multipliers busy: tiles share a loop, sums take turns.
bool KernelScheduler::sumsSingleRow(const Unit &unit, const Tile &tile) const {
  return unit.parallel.size() == 2 && tile.sizes[unit.parallel.front()] == 1 && isContraction(unit.op) &&
         unit.runsInLanes(unit.parallel.back());
}

/// How many sums take turns in each place of a single row: additions to one sum wait for each other, while some eight
/// could be under way. It depends on the row alone, not on the tiles that share a loop: these depend on the chunk.
int64_t KernelScheduler::turnsOf(const Unit &unit, const Tile &tile) const {
  constexpr int64_t underWay = 8, most = 4;
  if (unit.reduced.size() != 1 || unit.sizes[unit.reduced[0]] == kBatch || !sumsSingleRow(unit, tile))
    return 1;
  auto generic = cast<linalg::GenericOp>(unit.op);
  if (!isa<arith::AddFOp>(generic.getBody()->getTerminator()->getOperand(0).getDefiningOp()))
    return 1;
  int64_t vectors = (unit.sizes[unit.parallel.back()] + lanes() - 1) / lanes();
  int64_t turns = std::clamp<int64_t>(underWay / vectors, 1, most);
  return unit.sizes[unit.reduced[0]] >= 4 * turns ? turns : 1;
}

Tile KernelScheduler::transfer(const Unit &from, const Unit &to, const Tile &tile) {
  Tile result(to.sizes.size());
  for (auto [source, target] : llvm::zip(from.parallel, to.parallel))
    result.set(target, tile.offsets[source], tile.sizes[source]);
  return result;
}

Buffer KernelScheduler::makeAccumulator(const Unit &unit, const Tile &tile) {
  const Access &write = unit.writes.front();
  SmallVector<int64_t> shape;
  for (AffineExpr expr : write.map.getResults()) {
    const auto *dim = llvm::find_if(unit.parallel, [&](unsigned of) { return expr.isFunctionOfDim(of); });
    shape.push_back(dim != unit.parallel.end() ? tile.sizes[*dim] : 1);
  }
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  return {tiles.stack("acc", shape, element), llvm::SmallBitVector(shape.size(), true), {}};
}

void KernelScheduler::finishTile(const Unit &unit, const Unit *epilogue, const Buffer &accumulator, const Tile &tile) {
  const Access &write = unit.writes.front();
  bool stored = hasBuffer(write.value);
  bool adds = llvm::any_of(write.map.getResults(), [](AffineExpr expr) { return isa<AffineBinaryOpExpr>(expr); });
  if (adds) {
    tiles.generic({{accumulator, write.map}}, {{buffer(write.value), write.map}}, tile,
                  [](OpBuilder &builder, Location loc, ValueRange elements) {
                    return SmallVector<Value>{ScalarBuilder(builder, loc).add(elements[1], elements[0])};
                  });
    return;
  }
  if (stored)
    tiles.copy(buffer(write.value), write.map, accumulator, write.map, tile);
  if (!epilogue)
    return;
  Buffer kept = stored ? buffer(write.value) : Buffer();
  buffers[write.value] = accumulator;
  emitElementwise(*epilogue, transfer(unit, *epilogue, tile));
  if (stored)
    buffers[write.value] = kept;
  else
    buffers.erase(write.value);
}

void KernelScheduler::emitTile(const Unit &unit, const Unit *epilogue, const Tile &tile) {
  if (isElementwise(unit.op) || isa<InsertOp, SliceOp>(unit.op))
    return emitElementwise(unit, tile);
  if (isa<GatherOp>(unit.op))
    return emitGather(unit, tile);

  // Accumulate in a tile of its own; then the epilogue, or a copy, writes the result.
  const Access &write = unit.writes.front();
  // A result on the stack that has no columns is its own accumulator.
  bool onStack = hasBuffer(write.value) && buffer(write.value).memref.getDefiningOp<memref::AllocaOp>();
  bool direct = !epilogue && onStack && unit.parallel.size() <= 1;
  Buffer accumulator = direct ? buffer(write.value) : makeAccumulator(unit, tile);
  if (direct)
    accumulator.relative.set();
  if (isa<GatherSumOp>(unit.op))
    emitGatherSum(unit, accumulator, tile);
  else
    emitReduction(unit, accumulator, tile);
  if (!direct)
    finishTile(unit, epilogue, accumulator, tile);
}

void KernelScheduler::emitTiles(const Unit &unit, const Unit *epilogue, ArrayRef<Tile> group) {
  int64_t turns = turnsOf(unit, group.front());
  if (group.size() == 1 && turns == 1)
    return emitTile(unit, epilogue, group.front());
  AffineMap out = unit.writes.front().map;
  SmallVector<SmallVector<Buffer>> sums(group.size());
  for (auto [tile, ofTile] : llvm::zip(group, sums))
    for (int64_t turn = 0; turn < turns; ++turn) {
      ofTile.push_back(makeAccumulator(unit, tile));
      tiles.fill(ofTile.back(), out, tile, neutralOf(unit));
    }
  auto add = [&](const Tile &step, int64_t turn) {
    for (auto [tile, ofTile] : llvm::zip(group, sums)) {
      Tile inner = tile;
      for (unsigned dim : unit.reduced)
        inner.step(dim, step.offsets[dim]);
      emitGenericStep(unit, ofTile[turn], out, inner);
    }
  };
  if (turns == 1) {
    emitReductionLoops(unit, group.front(), unit.reduced, [&](const Tile &step) { add(step, 0); });
  } else {
    unsigned k = unit.reduced[0];
    int64_t steps = unit.sizes[k], main = steps / turns * turns;
    Tile step = group.front();
    tiles.loop("k", tiles.constant(0), tiles.constant(main), turns, [&](OpFoldResult place) {
      for (int64_t turn = 0; turn < turns; ++turn) {
        step.step(k, tiles.add(place, tiles.constant(turn)));
        add(step, turn);
      }
    });
    tiles.loop("k", tiles.constant(main), tiles.constant(steps), 1, [&](OpFoldResult place) {
      step.step(k, place);
      add(step, 0);
    });
  }
  for (auto [tile, ofTile] : llvm::zip(group, sums)) {
    for (const Buffer &other : llvm::drop_begin(ofTile))
      tiles.generic({{other, out}}, {{ofTile.front(), out}}, tile, [](OpBuilder &builder, Location loc, ValueRange elements) {
        return SmallVector<Value>{builder.create<arith::AddFOp>(loc, elements[1], elements[0])};
      });
    finishTile(unit, epilogue, ofTile.front(), tile);
  }
}

void KernelScheduler::emitElementwise(const Unit &unit, const Tile &tile, Reading reading) {
  SmallVector<std::pair<Buffer, AffineMap>> inputs, outputs;
  for (const Access &read : unit.reads)
    inputs.push_back({buffer(read.value), read.map});
  for (const Access &write : unit.writes)
    outputs.push_back({buffer(write.value), write.map});
  auto generic = dyn_cast<linalg::GenericOp>(unit.op);
  tiles.generic(inputs, outputs, tile, [&](OpBuilder &builder, Location, ValueRange elements) {
    if (auto insert = dyn_cast<InsertOp>(unit.op); insert && insert.getAdds())
      return SmallVector<Value>{ScalarBuilder(builder, tiles.loc).add(elements[1], elements[0])};
    if (!generic)
      return SmallVector<Value>{elements[0]};
    SmallVector<Value> given(elements);
    for (auto [read, element] : llvm::zip(unit.reads, given))
      element = reading ? reading(builder, read, element) : element;
    return tiles.cloneBody(builder, generic, given, tile, scalars);
  });
}

/// accumulator = combine(accumulator, element) for one step or one tile of the reduction
void KernelScheduler::emitGenericStep(const Unit &unit, const Buffer &accumulator, AffineMap out, const Tile &tile) {
  SmallVector<std::pair<Buffer, AffineMap>> inputs;
  for (const Access &read : unit.reads)
    inputs.push_back({buffer(read.value), read.map});
  tiles.generic(inputs, {{accumulator, out}}, tile, [&](OpBuilder &builder, Location, ValueRange elements) {
    return tiles.cloneBody(builder, cast<linalg::GenericOp>(unit.op), elements, tile, scalars);
  });
}

/// One step of the reduction at a time, over `dims`, outermost first.
void KernelScheduler::emitReductionLoops(const Unit &unit, Tile tile, ArrayRef<unsigned> dims,
                                         llvm::function_ref<void(const Tile &)> body) {
  if (dims.empty())
    return body(tile);
  int64_t size = unit.sizes[dims.front()];
  tiles.loop(size == kBatch ? "sample" : "k", firstOf(size), lastOf(size), 1, [&](OpFoldResult place) {
    Tile inner = tile;
    inner.step(dims.front(), place);
    emitReductionLoops(unit, inner, dims.drop_front(), body);
  });
}

void KernelScheduler::emitReduction(const Unit &unit, const Buffer &accumulator, const Tile &tile) {
  AffineMap out = unit.writes.front().map;
  bool columnsInLanes = !unit.parallel.empty() && unit.runsInLanes(unit.parallel.back());
  unsigned last = unit.reduced.back();
  // A place in a window is an axis together with the window's own.
  bool isOwnAxis = llvm::all_of(unit.reads, [&](const Access &read) {
    return llvm::all_of(read.map.getResults(), [&](AffineExpr expr) {
      return !expr.isFunctionOfDim(last) ||
             llvm::none_of(unit.parallel, [&](unsigned dim) { return expr.isFunctionOfDim(dim); });
    });
  });
  if (!columnsInLanes && isOwnAxis && unit.runsInLanes(last)) {
    if (unit.sizes[last] == kBatch && unit.parallel.empty())
      return emitBatchReductionInLanes(unit, accumulator, tile);
    if (unit.sizes[last] != kBatch)
      return emitReductionInLanes(unit, accumulator, tile);
  }
  tiles.fill(accumulator, out, tile, neutralOf(unit));
  emitReductionLoops(unit, tile, unit.reduced,
                     [&](const Tile &step) { emitGenericStep(unit, accumulator, out, step); });
}

/// The last reduction dimension runs in lanes: partial results in a vector, combined at the end.
void KernelScheduler::emitReductionInLanes(const Unit &unit, const Buffer &accumulator, const Tile &tile) {
  AffineMap out = unit.writes.front().map;
  tiles.fill(accumulator, out, tile, neutralOf(unit));
  unsigned last = unit.reduced.back();
  emitReductionLoops(unit, tile, ArrayRef(unit.reduced).drop_back(), [&](const Tile &step) {
    auto emitPart = [&](OpFoldResult first, int64_t count) {
      Tile part = step;
      part.set(last, first, count);
      emitGenericStep(unit, accumulator, out, part);
    };
    // A tile lies in one panel.
    int64_t size = unit.sizes[last], width = packedWidth > 0 ? packedWidth : size, main = size / width * width;
    tiles.loop("column", tiles.constant(0), tiles.constant(main), width,
               [&](OpFoldResult first) { emitPart(first, width); });
    if (main < size)
      emitPart(tiles.constant(main), size - main);
  });
}

/// Samples run in lanes, into one partial result a lane; the last samples go to the first lane; the lanes are combined
/// in a fixed order.
void KernelScheduler::emitBatchReductionInLanes(const Unit &unit, const Buffer &accumulator, const Tile &tile) {
  auto generic = cast<linalg::GenericOp>(unit.op);
  unsigned last = unit.reduced.back();
  int64_t width = lanes();
  Type element = cast<RankedTensorType>(unit.writes.front().value.getType()).getElementType();
  MLIRContext *context = b.getContext();
  unsigned rank = unit.sizes.size();
  Buffer partial{tiles.stack("lane_acc", {width}, element), llvm::SmallBitVector(1, true), {}};
  AffineMap inLane = AffineMap::get(rank, 0, getAffineDimExpr(last, context));

  Tile lane = tile;
  lane.set(last, tiles.constant(0), width);
  tiles.fill(partial, inLane, lane, neutralOf(unit));
  OpFoldResult main = tiles.add(firstSample, tiles.roundDown(tiles.sub(lastSample, firstSample), width));
  auto emitOuter = [&](OpFoldResult sample, int64_t count) {
    Tile samples = tile;
    samples.set(last, sample, count);
    emitReductionLoops(unit, samples, ArrayRef(unit.reduced).drop_back(),
                       [&](const Tile &step) { emitGenericStep(unit, partial, inLane, step); });
  };
  tiles.loop("sample", firstSample, main, width, [&](OpFoldResult sample) { emitOuter(sample, width); });
  tiles.loop("sample", main, lastSample, 1, [&](OpFoldResult sample) { emitOuter(sample, 1); });

  // result = combine over the lanes
  AffineMap out = AffineMap::get(1, 0, unit.writes.front().map.getResults().empty()
                                           ? SmallVector<AffineExpr>{}
                                           : SmallVector<AffineExpr>(unit.writes.front().map.getNumResults(),
                                                                     getAffineConstantExpr(0, context)), context);
  Tile all(1);
  all.step(0, tiles.constant(0));
  tiles.fill(accumulator, out, all, neutralOf(unit));
  all.set(0, tiles.constant(0), width);
  Operation *combine = generic.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  Value before = generic.getBody()->getArguments().back();
  tiles.generic({{partial, AffineMap::getMultiDimIdentityMap(1, context)}}, {{accumulator, out}}, all,
                [&](OpBuilder &builder, Location, ValueRange elements) {
                  IRMapping map;
                  for (Value operand : combine->getOperands())
                    map.map(operand, operand == before ? elements[1] : elements[0]);
                  return SmallVector<Value>{builder.clone(*combine, map)->getResult(0)};
                });
}

} // namespace hornfels
