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

static SmallVector<Value> addElements(OpBuilder &builder, Location loc, ValueRange elements) {
  return {builder.create<arith::AddFOp>(loc, elements[1], elements[0])};
}

/// Bytes of a table that one id stands for, at most `columns` of its elements.
static int64_t bytesOfRow(const Access &access, int64_t columns) {
  auto type = cast<RankedTensorType>(access.value.getType());
  int64_t elements = 1;
  for (int64_t size : type.getShape().drop_front())
    elements *= size;
  return std::min(elements, columns) * elementBytes(type.getElementType());
}

/// Fetches the part of `buffer` that `tile` needs for an id some places ahead of `position`; the last ids of a row
/// fetch their last one again. Ids of a row ascend: the first of the next row are frequent, and in cache.
void KernelScheduler::emitPrefetch(const Buffer &buffer, AffineMap map, const Tile &tile, Value tokens,
                                   OpFoldResult position, OpFoldResult last, int64_t rowBytes, bool write) {
  constexpr int64_t bytesAhead = 8192, mostAhead = 16;
  int64_t distance = std::clamp<int64_t>(bytesAhead / rowBytes, 1, mostAhead);
  Value far = tiles.value(tiles.add(position, tiles.constant(distance)));
  Value final = tiles.value(tiles.sub(last, tiles.constant(1)));
  Value ahead = b.create<arith::MinSIOp>(tiles.loc, far, final);
  Value next = b.create<TokenOp>(tiles.loc, b.getIndexType(), tokens, ahead);
  SmallVector<Value> place{next};
  for (AffineExpr expr : map.getResults().drop_front()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    place.push_back(tiles.value(dim ? tile.offsets[dim.getPosition()] : OpFoldResult(tiles.constant(0))));
  }
  b.create<memref::PrefetchOp>(tiles.loc, buffer.memref, place, /*isWrite=*/write, /*localityHint=*/3, /*isDataCache=*/true);
}

/// A table that the first cache does not hold is fetched ahead when its rows are also written; one that is only read
/// when it is larger than the second: reads of that wait for nothing.
static bool isFetchedAhead(Value table, bool write) {
  constexpr int64_t firstCache = 32 << 10, secondCache = 1 << 20;
  auto type = cast<RankedTensorType>(table.getType());
  return type.hasStaticShape() && type.getNumElements() * elementBytes(type.getElementType()) > (write ? firstCache : secondCache);
}

/// for each row, for each id of the row: accumulator[row, columns] += table[id, columns]
void KernelScheduler::emitGatherSum(const Unit &unit, const Buffer &accumulator, const Tile &tile) {
  auto gather = cast<GatherSumOp>(unit.op);
  Value tokens = buffer(gather.getTokens()).memref;
  const Access &write = unit.writes.front();
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));
  int64_t sums = sumsOfRow(tile);
  if (sums == 1)
    tiles.fill(accumulator, write.map, tile, zero);
  tiles.loop("r", tiles.constant(0), tiles.constant(tile.sizes[0]), 1, [&](OpFoldResult local) {
    Value row = tiles.value(tiles.add(tile.offsets[0], local));
    auto bounds = b.create<RowBoundsOp>(tiles.loc, b.getIndexType(), b.getIndexType(), tokens, row);
    Tile ofRow = tile;
    ofRow.set(0, local, 1);
    // In the accumulator the row counts from the tile's first.
    Buffer rowsOfTile = accumulator;
    rowsOfTile.relative.reset(0);
    if (sums == 1)
      return emitSumOfIds(unit, tokens, {rowsOfTile}, ofRow, bounds.getBegin(), bounds.getEnd());
    // Neighbouring ids go to different sums, which do not wait for each other.
    SmallVector<Buffer> parts;
    auto shape = cast<MemRefType>(accumulator.memref.getType()).getShape();
    SmallVector<int64_t> partShape(shape);
    partShape[0] = 1;
    for (int64_t part = 0; part < sums; ++part) {
      parts.push_back({tiles.stack("sum", partShape, element), llvm::SmallBitVector(shape.size(), true), {}});
      tiles.fill(parts.back(), write.map, ofRow, zero);
    }
    OpFoldResult count = tiles.sub(bounds.getEnd(), bounds.getBegin());
    OpFoldResult main = tiles.add(bounds.getBegin(), tiles.roundDown(count, sums));
    emitSumOfIds(unit, tokens, parts, ofRow, bounds.getBegin(), main);
    emitSumOfIds(unit, tokens, {parts.front()}, ofRow, main, bounds.getEnd());
    tiles.generic({{parts[0], write.map}, {parts[1], write.map}}, {{rowsOfTile, write.map}}, ofRow,
                  [](OpBuilder &builder, Location loc, ValueRange elements) {
                    return SmallVector<Value>{builder.create<arith::AddFOp>(loc, elements[0], elements[1])};
                  });
  });
}

/// Sums that a row's ids take turns in: where a row is one or two vectors, additions wait for each other.
int64_t KernelScheduler::sumsOfRow(const Tile &tile) const {
  return tile.sizes.size() > 1 && tile.sizes.back() <= 2 * lanes() ? 2 : 1;
}

/// sums[k][columns] += table[ids[t + k], columns] for t from `first` to `last` in steps of the number of sums
void KernelScheduler::emitSumOfIds(const Unit &unit, Value tokens, ArrayRef<Buffer> sums, const Tile &tile,
                                   OpFoldResult first, OpFoldResult last) {
  const Access &table = unit.reads.front(), &write = unit.writes.front();
  AffineMap ofTable = behindFirstAxis(table.map);
  tiles.loop("t", first, last, sums.size(), [&](OpFoldResult position) {
    for (auto [part, sum] : llvm::enumerate(sums)) {
      OpFoldResult place = tiles.add(position, tiles.constant(part));
      if (isFetchedAhead(table.value, /*write=*/false))
        emitPrefetch(buffer(table.value), table.map, tile, tokens, place, last, bytesOfRow(table, tile.sizes.back()), false);
      Value id = b.create<TokenOp>(tiles.loc, b.getIndexType(), tokens, tiles.value(place));
      tiles.generic({{buffer(table.value), ofTable}}, {{sum, withMoreDims(write.map)}}, tile.with(OpFoldResult(id)), addElements);
    }
  });
}

/// Tiles of columns of one row, and a smaller last one.
void KernelScheduler::emitOverColumns(const Unit &unit, Tile tile, unsigned dim,
                                      llvm::function_ref<void(const Tile &)> emit) {
  if (dim == unit.sizes.size())
    return emit(tile);
  bool lastDim = dim + 1 == unit.sizes.size();
  int64_t size = unit.sizes[dim], step = lastDim ? std::min<int64_t>(4 * lanes(), size) : 1, main = size / step * step;
  tiles.loop("column", tiles.constant(0), tiles.constant(main), step, [&](OpFoldResult place) {
    Tile part = tile;
    part.set(dim, place, step);
    emitOverColumns(unit, part, dim + 1, emit);
  });
  if (main < size) {
    tile.set(dim, tiles.constant(main), size - main);
    emitOverColumns(unit, tile, dim + 1, emit);
  }
}

/// gradient rows [begin, end) = 0; then for each sample, for each of its ids in that range:
/// gradient[id, :] += rows[sample, :]
void KernelScheduler::emitScatterAdd(const Unit &unit, OpFoldResult first, OpFoldResult last) {
  if (isa<ScatterOp>(unit.op))
    return emitScatter(unit, first, last);
  tiles.loc = unit.op->getLoc();
  tiles.loop("row", first, last, 1, [&](OpFoldResult row) { emitClearedRow(unit, row); });
  emitSamplesRows(unit, first, last);
}

/// gradient[row, :] = 0
void KernelScheduler::emitClearedRow(const Unit &scatter, OpFoldResult row) {
  const Access &write = scatter.writes.front();
  Type element = cast<RankedTensorType>(write.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));
  Tile tile(scatter.sizes.size());
  tile.set(0, row, 1);
  emitOverColumns(scatter, tile, 1, [&](const Tile &part) { tiles.fill(buffer(write.value), write.map, part, zero); });
}

/// for each sample, for each of its ids from `first` to `last`: gradient[id, :] += rows[sample, :]
void KernelScheduler::emitSamplesRows(const Unit &unit, OpFoldResult first, OpFoldResult last) {
  Value tokens = buffer(cast<ScatterAddOp>(unit.op).getTokens()).memref;
  const Access &rowsRead = unit.reads.front(), &write = unit.writes.front();
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
      emitOverColumns(unit, tile, 1, [&](const Tile &part) {
        if (isFetchedAhead(write.value, /*write=*/true))
          emitPrefetch(buffer(write.value), write.map, part, tokens, position, to, bytesOfRow(write, part.sizes.back()), true);
        tiles.generic({{buffer(rowsRead.value), behindFirstAxis(rowsRead.map)}},
                      {{buffer(write.value), withMoreDims(write.map)}}, part.with(OpFoldResult(sample)), addElements);
      });
    });
  });
}

/// The scatter and the update of a kernel that has one of each, over the same elements.
std::optional<KernelScheduler::ScatterAndUpdate> KernelScheduler::scatterAndUpdate() const {
  const Unit *scatter = nullptr, *update = nullptr;
  for (const Unit &unit : units) {
    if (unit.parallel.empty())
      continue;
    const Unit *&place = isa<ScatterAddOp>(unit.op) ? scatter : update;
    if (place)
      return std::nullopt;
    place = &unit;
  }
  if (!rows || !scatter || !update || !isElementwise(update->op) || !llvm::equal(scatter->sizes, update->sizes))
    return std::nullopt;
  const Access &gradient = scatter->writes.front();
  for (const Access &read : update->reads)
    if (read.value == gradient.value && read.map != gradient.map)
      return std::nullopt;
  return ScatterAndUpdate{*scatter, *update};
}

/// A scatter whose result only the element-wise unit behind it reads, in rows of a few cache lines: adding each sample's
/// row to a gradient in memory costs more than to find, for each id, its samples, and to sum their rows in registers.
std::optional<KernelScheduler::ScatterAndUpdate> KernelScheduler::sumsById() {
  constexpr int64_t leastBytes = 256;
  std::optional<ScatterAndUpdate> both = scatterAndUpdate();
  if (!both || both->scatter.sizes.size() < 2)
    return std::nullopt;
  const Access &gradient = both->scatter.writes.front();
  auto argument = dyn_cast<BlockArgument>(buffer(gradient.value).memref);
  bool isPrivate = argument && kernel.getArgAttr(argument.getArgNumber(), "horn.private");
  if (!isPrivate || bytesOfRow(gradient, INT64_MAX) < leastBytes)
    return std::nullopt;
  return both;
}

Operation *KernelScheduler::call(StringRef name, TypeRange results, ValueRange operands) {
  auto result = b.create<UnrealizedConversionCastOp>(tiles.loc, results, operands);
  result->setAttr("horn.call", b.getStringAttr(name));
  return result;
}

/// samples = for each id its samples, in the place of the gradient; where they do not fit, the gradient itself
/// for each id, if it has samples or a row without gradient does more than decay: sum = 0; for each of its samples: sum += rows[sample, :]; or sum = gradient[id, :]; update(sum)
/// Both sums add in the order of the samples, and there is one update: bits do not depend on what fits.
void KernelScheduler::emitSumsById(const ScatterAndUpdate &kernelUnits) {
  const Unit &scatter = kernelUnits.scatter, &update = kernelUnits.update;
  for (const Unit &unit : units)
    if (unit.parallel.empty())
      emitUnit(unit, nullptr, tiles.constant(0), 1);
  auto op = cast<ScatterAddOp>(scatter.op);
  tiles.loc = op.getLoc();
  const Access &gradient = scatter.writes.front();
  const Buffer stored = buffer(gradient.value);
  Type element = cast<RankedTensorType>(gradient.value.getType()).getElementType();
  Value zero = b.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element, 0.0));
  // The samples, whether they fit, whether they do not.
  Operation *samples = call("samples_of_ids",
                            {TokensType::get(b.getContext(), INT32_MAX), b.getI1Type(), b.getI1Type()},
                            {buffer(op.getTokens()).memref, stored.memref, batch, begin, end});
  auto inCase = [&](unsigned result, llvm::function_ref<void()> emit) {
    auto branch = b.create<scf::IfOp>(tiles.loc, samples->getResult(result), /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emit();
  };
  constexpr unsigned fit = 1, doNotFit = 2;
  inCase(doNotFit, [&] { emitScatterAdd(scatter, begin, end); });
  auto updateRow = [&](OpFoldResult row) {
    Tile ofRow(scatter.sizes.size());
    ofRow.set(0, row, 1);
    emitOverColumns(scatter, ofRow, 1, [&](const Tile &part) {
      Buffer sum{tiles.stack("sum", part.sizes, element), llvm::SmallBitVector(part.sizes.size(), true), {}};
      tiles.fill(sum, gradient.map, part, zero);
      inCase(fit, [&] {
        auto bounds = b.create<RowBoundsOp>(tiles.loc, b.getIndexType(), b.getIndexType(), samples->getResult(0),
                                            tiles.value(tiles.sub(row, begin)));
        emitSumOfIds(scatter, samples->getResult(0), {sum}, part, bounds.getBegin(), bounds.getEnd());
      });
      inCase(doNotFit, [&] { tiles.copy(sum, gradient.map, stored, gradient.map, part); });
      buffers[gradient.value] = sum;
      emitElementwise(update, part);
      buffers[gradient.value] = stored;
    });
  };
  tiles.loop("row", begin, end, 1, [&](OpFoldResult row) {
    if (!kernel->hasAttr("horn.decays"))
      return updateRow(row);
    Value place = tiles.value(tiles.sub(row, begin));
    Value decays = call("only_decays", b.getI1Type(), {lazyRows, samples->getResult(0), place})->getResult(0);
    auto branch = b.create<scf::IfOp>(tiles.loc, decays, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitDecay(update, row);
    b.setInsertionPointToStart(branch.elseBlock());
    updateRow(row);
  });
}

/// slot[row, :] *= factor: all that an update does to a row without gradient.
void KernelScheduler::emitDecay(const Unit &update, OpFoldResult row) {
  ArrayRef<double> factors = kernel->getAttrOfType<DenseF64ArrayAttr>("horn.decays").asArrayRef();
  Tile ofRow(update.sizes.size());
  ofRow.set(0, row, 1);
  for (const Access &read : update.reads) {
    auto argument = dyn_cast<BlockArgument>(read.value);
    double factor = argument ? factors[argument.getArgNumber()] : 1;
    if (factor == 1)
      continue;
    emitOverColumns(update, ofRow, 1, [&](const Tile &part) {
      tiles.generic({}, {{buffer(read.value), read.map}}, part, [&](OpBuilder &builder, Location loc, ValueRange elements) {
        Value constant = builder.create<arith::ConstantOp>(loc, b.getFloatAttr(elements[0].getType(), factor));
        return SmallVector<Value>{builder.create<arith::MulFOp>(loc, elements[0], constant)};
      });
    });
  }
}

/// ids = those from begin to end that occur, each once; for each: gradient[id, :] = 0
/// gradient[id, :] += rows[sample, :] as in emitScatterAdd
/// for each of them: slot[id, :] *= factor as often as the row has missed a step; update(gradient[id, :])
void KernelScheduler::emitLazyRows(const ScatterAndUpdate &kernelUnits) {
  const Unit &scatter = kernelUnits.scatter, &update = kernelUnits.update;
  tiles.loc = scatter.op->getLoc();
  ArrayRef<double> factors = kernel->getAttrOfType<DenseF64ArrayAttr>("horn.lazy").asArrayRef();
  Value tokens = buffer(cast<ScatterAddOp>(scatter.op).getTokens()).memref;
  Value count = call("collect", b.getIndexType(), {lazyRows, tokens, batch, begin, end})->getResult(0);
  auto overIds = [&](llvm::function_ref<void(Value)> body) {
    tiles.loop("i", begin, tiles.add(begin, count), 1, [&](OpFoldResult place) {
      body(b.create<TokenOp>(tiles.loc, b.getIndexType(), lazyRows, tiles.value(place)));
    });
  };
  overIds([&](Value row) { emitClearedRow(scatter, row); });
  emitSamplesRows(scatter, begin, end);
  overIds([&](Value row) {
    Value missed = call("touch", b.getIndexType(), {lazyRows, row})->getResult(0);
    Tile ofRow(update.sizes.size());
    ofRow.set(0, row, 1);
    emitOverColumns(update, ofRow, 1, [&](const Tile &part) {
      emitElementwise(update, part, [&](OpBuilder &builder, const Access &read, Value element) -> Value {
        auto argument = dyn_cast<BlockArgument>(read.value);
        double factor = argument ? factors[argument.getArgNumber()] : 1;
        if (factor == 1)
          return element;
        Value decay = builder.create<arith::ConstantOp>(tiles.loc, b.getFloatAttr(element.getType(), factor));
        return builder.create<MathOp>(tiles.loc, element.getType(), "decayed", ValueRange{element, decay, missed});
      });
    });
  });
}

/// y[sample, :] = the ids of the sample's row, by the runtime
void KernelScheduler::emitPad(const Unit &unit, OpFoldResult row, int64_t rowCount) {
  auto pad = cast<PadTokensOp>(unit.op);
  const Access &write = unit.writes.front();
  tiles.loop("r", tiles.constant(0), tiles.constant(rowCount), 1, [&](OpFoldResult local) {
    OpFoldResult sample = tiles.add(row, local);
    Tile tile(unit.sizes.size());
    tile.set(0, sample, 1);
    if (unit.sizes.size() > 1)
      tile.set(1, tiles.constant(0), unit.sizes[1]);
    Value ofSample = tiles.view(buffer(write.value), write.map, tile).first;
    Operation *made = call("pad_row", b.getIndexType(), {buffer(pad.getTokens()).memref, tiles.value(sample), ofSample});
    made->setAttr("length", b.getI64IntegerAttr(pad.getY().getType().getDimSize(1)));
    made->setAttr("value", pad.getValueAttr());
    made->setAttr("before", b.getBoolAttr(pad.getBefore()));
    made->setAttr("cut_before", b.getBoolAttr(pad.getCutBefore()));
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
