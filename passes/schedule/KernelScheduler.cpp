#include "passes/schedule/KernelScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

KernelScheduler::KernelScheduler(func::FuncOp kernel, int64_t vectorBytes, int64_t registers)
    : kernel(kernel), target(vectorBytes, registers), b(kernel.getContext()), tiles(b) {}

static Type bufferType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? Type(MemRefType::get(tensor.getShape(), tensor.getElementType())) : type;
}

/// Arguments of the new body: inputs, outputs (but those that overwrite an input), begin, end.
void KernelScheduler::makeBuffers() {
  original = &kernel.getBody().front();
  auto terminator = cast<func::ReturnOp>(original->getTerminator());
  auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
  body = new Block();
  kernel.getBody().push_back(body);
  b.setInsertionPointToStart(body);
  tiles.loc = kernel.getLoc();

  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (BlockArgument argument : original->getArguments()) {
    types.push_back(bufferType(argument.getType()));
    attributes.push_back(kernel.getArgAttrDict(argument.getArgNumber()));
    buffers[argument] = {body->addArgument(types.back(), argument.getLoc()), {}, {}};
  }
  for (auto [index, result] : llvm::enumerate(terminator.getOperands())) {
    int64_t overwritten = inPlace ? inPlace[index] : -1;
    if (overwritten >= 0) {
      buffers[result] = buffers[original->getArgument(overwritten)];
      continue;
    }
    types.push_back(bufferType(result.getType()));
    attributes.push_back(kernel.getResultAttrDict(index));
    buffers[result] = {body->addArgument(types.back(), result.getLoc()), {}, {}};
    if (kernel.getResultAttr(index, "horn.private"))
      privates.push_back(result);
  }
  if (kernel->hasAttr("horn.lazy") || kernel->hasAttr("horn.decays")) {
    types.push_back(TokensType::get(b.getContext(), INT32_MAX));
    attributes.push_back(b.getDictionaryAttr({b.getNamedAttr("horn.lazy", b.getUnitAttr()),
                                              b.getNamedAttr("horn.name", b.getStringAttr("lazy"))}));
    lazyRows = body->addArgument(types.back(), kernel.getLoc());
  }
  for (Value *bound : {&begin, &end}) {
    types.push_back(b.getIndexType());
    attributes.push_back({});
    *bound = body->addArgument(types.back(), kernel.getLoc());
  }
  kernel.setFunctionType(b.getFunctionType(types, {}));
  kernel.setAllArgAttrs(attributes);
  kernel.removeResAttrsAttr();
  batch = b.create<BatchOp>(tiles.loc, b.getIndexType());
  firstRow = begin, lastRow = end;
  firstSample = tiles.constant(0), lastSample = batch;
}

/// The units, and whether one loop over rows can carry them all.
void KernelScheduler::analyse() {
  for (unsigned argument = 0; argument < kernel.getNumArguments(); ++argument)
    if (auto width = kernel.getArgAttrOfType<IntegerAttr>(argument, "horn.panel"))
      packedWidth = width.getInt();
  for (Operation &op : *original) {
    if (isComputation(&op))
      units.emplace_back(&op);
    else if (isa<arith::ConstantOp>(op) && !isa<TensorType>(op.getResult(0).getType()))
      b.clone(op, scalars);
    else if (isa<BatchOp>(op))
      scalars.map(op.getResult(0), batch);
    else if (auto constant = dyn_cast<arith::ConstantOp>(op))
      buffers[constant.getResult()] = {b.create<UnrealizedConversionCastOp>(
                                            op.getLoc(), bufferType(constant.getType()),
                                            b.clone(op)->getResult(0)).getResult(0), {}, {}};
  }
  // A destination that is written over keeps its buffer, through several insertions.
  for (Operation &op : llvm::reverse(*original))
    if (auto insert = dyn_cast<InsertOp>(op); insert && buffers.contains(insert.getY())) {
      Buffer same = buffers[insert.getY()];
      buffers[insert.getDestination()] = same;
    }
  rows = commonRows(units);
}

Tile KernelScheduler::tileOf(const Unit &unit) const {
  Tile tile(unit.sizes.size());
  if (unit.part)
    tile.step(*unit.part, part);
  return tile;
}

/// The kernel as a whole, or for one part of the batch.
void KernelScheduler::emitUnits() {
  if (rows)
    emitRows();
  else
    emitWholeUnits();
}

/// A loop over the parts from begin to end, in each of them all rows; scalars first.
LogicalResult KernelScheduler::emitParts(const Unit &parted) {
  for (const Unit &unit : units) {
    if (&unit == &parted)
      continue;
    if (!unit.parallel.empty() || unit.part)
      return unit.op->emitOpError("shares a kernel with a sum over parts of the batch");
    emitUnit(unit, nullptr, tiles.constant(0), 1);
  }
  units = {Unit(parted)};
  rows = commonRows(units);
  tiles.loc = units.front().op->getLoc();
  int64_t count = units.front().sizes[*units.front().part];
  Value samples = samplesOfPart(count);
  tiles.loop("part", begin, end, 1, [&](OpFoldResult place) {
    choosePart(place, samples);
    if (rows)
      firstRow = tiles.constant(0), lastRow = extent(*rows);
    emitUnits();
  });
  kernel->setAttr("horn.parts", b.getUnitAttr());
  return success();
}

/// ceil(batch / count), up to whole tiles.
Value KernelScheduler::samplesOfPart(int64_t count) {
  constexpr int64_t tile = 16;
  OpFoldResult above = tiles.add(batch, tiles.constant(count * tile - 1));
  Value each = b.create<arith::DivUIOp>(tiles.loc, tiles.value(above), tiles.value(tiles.constant(count * tile)));
  return tiles.value(tiles.mul(each, tile));
}

/// The last parts of a small batch have no samples: their sums are what a sum starts from.
void KernelScheduler::choosePart(OpFoldResult place, Value samples) {
  part = place;
  auto atMost = [&](StringRef name, Value sample) -> Value {
    auto least = b.create<arith::MinSIOp>(tiles.loc, sample, batch);
    least->setAttr("horn.name", b.getStringAttr(name));
    return least;
  };
  Value first = atMost("first", b.create<arith::MulIOp>(tiles.loc, tiles.value(place), samples));
  firstSample = first;
  lastSample = atMost("last", tiles.value(tiles.add(first, samples)));
}

void KernelScheduler::emitRows() {
  if (std::optional<PanelKernel> panel = target.panelKernel(units, packedWidth))
    return emitPanels(*panel);
  int64_t step = target.tileRows(units, *rows);
  if (*rows != kBatch)
    step = std::min(step, *rows);
  if (kernel->hasAttr("horn.lazy"))
    return emitLazyRows(*scatterAndUpdate());
  if (std::optional<ScatterAndUpdate> both = sumsById())
    return emitSumsById(*both);
  // What does not depend on the row comes first: scalars, and gradients that gather from all samples.
  for (const Unit &unit : units)
    if (unit.parallel.empty())
      emitUnit(unit, nullptr, tiles.constant(0), 1);
    else if (isScatter(unit.op))
      emitScatterAdd(unit, begin, end);
  if (*rows == step && *rows != kBatch)
    return emitRowTile(tiles.constant(0), step);
  keepPrivate();
  OpFoldResult main = step == 1 ? lastRow
                                : tiles.add(firstRow, tiles.roundDown(tiles.sub(lastRow, firstRow), step));
  tiles.loop("row", firstRow, main, step, [&](OpFoldResult row) { emitRowTile(row, step); });
  if (step == 1)
    return;
  if (*rows == kBatch)
    return tiles.loop("row", main, lastRow, 1, [&](OpFoldResult row) { emitRowTile(row, 1); });
  // The last rows of a constant number are one smaller tile. Where they are columns of a packed matrix, its place says
  // that they lie in the last panel.
  int64_t rest = *rows % step;
  if (rest > 0 && packedWidth)
    tiles.when(tiles.constant(*rows - rest), lastRow, [&] { emitRowTile(tiles.constant(*rows - rest), rest); });
  else if (rest > 0)
    tiles.loop("row", main, lastRow, rest, [&](OpFoldResult row) { emitRowTile(row, rest); });
}

/// A result of samples that only these rows read, one after the other, needs the place of one tile: that of the first row,
/// which no other thread has. It stays in the cache and is not written to memory.
void KernelScheduler::keepPrivate() {
  for (Value value : privates) {
    // Ragged rows are written one by one, also in a tile of several.
    bool byRow = *rows == kBatch && value.getDefiningOp<linalg::GenericOp>() &&
                 llvm::all_of(value.getUsers(), [](Operation *user) { return isa<linalg::GenericOp, func::ReturnOp>(user); });
    for (const Unit &unit : units)
      for (ArrayRef<Access> accesses : {ArrayRef(unit.reads), ArrayRef(unit.writes)})
        for (const Access &access : accesses)
          if (access.value == value)
            byRow &= !unit.parallel.empty() && access.map.getResult(0) == b.getAffineDimExpr(unit.parallel.front());
    if (!byRow)
      continue;
    Buffer &buffer = buffers[value];
    size_t rank = cast<RankedTensorType>(value.getType()).getRank();
    buffer.relative.resize(rank);
    buffer.relative.set(0);
    buffer.origin.assign(rank, OpFoldResult(tiles.constant(0)));
    buffer.origin[0] = begin;
  }
}

/// How many lines of what `writer` makes (`unit`, or its epilogue) each line of `reader` reads, a pooling's two; 0 where a
/// line needs others, or fits better into a tile with the next.
int64_t KernelScheduler::linesOf(const Unit &unit, const Unit &writer, const Unit &reader) {
  if (!isContraction(unit.op) || unit.adds() || unit.parallel.size() < 4 || innerRows(unit, 1) > 1 ||
      !isElementwise(reader.op) || reader.parallel.size() < 3)
    return 0;
  for (const Access &write : writer.writes) // lines are axis 1 of what is written, too
    for (unsigned axis : {0u, 1u})
      if (write.map.getResult(axis) != b.getAffineDimExpr(writer.parallel[axis]))
        return 0;
  unsigned line = reader.parallel[1];
  int64_t lines = unit.sizes[unit.parallel[1]] / reader.sizes[line];
  if (lines * reader.sizes[line] != unit.sizes[unit.parallel[1]])
    return 0;
  bool reads = false;
  for (const Access &access : reader.reads) {
    if (llvm::none_of(writer.writes, [&](const Access &write) { return write.value == access.value; }))
      continue;
    reads = true;
    AffineExpr along = access.map.getResult(1);
    SmallVector<AffineExpr> zero;
    for (unsigned dim = 0; dim < access.map.getNumDims(); ++dim)
      zero.push_back(getAffineConstantExpr(0, along.getContext()));
    auto from = dyn_cast<AffineConstantExpr>(along.replaceDims(zero));
    bool byLine = access.map.getResult(0) == getAffineDimExpr(reader.parallel[0], along.getContext()) && from &&
                  coefficientOf(along, line) == lines && from.getValue() < lines;
    for (unsigned dim = 0; dim < access.map.getNumDims(); ++dim)
      byLine &= dim == line || !along.isFunctionOfDim(dim);
    if (!byLine)
      return 0;
  }
  return reads ? lines : 0;
}

/// One line of the reader after the lines that it reads: what is between them is in the first cache.
void KernelScheduler::emitByLines(const Unit &unit, const Unit *epilogue, const Unit &reader, int64_t lines,
                                  OpFoldResult row) {
  placeResults(epilogue ? *epilogue : unit, 1);
  placeResults(reader, 1);
  auto emitLine = [&](const Unit &of, const Unit *following, OpFoldResult line) {
    tiles.loc = of.op->getLoc();
    Tile tile = tileOf(of);
    tile.set(of.parallel[0], row, 1);
    tile.set(of.parallel[1], line, 1);
    emitColumns(of, following, tile, 2);
  };
  tiles.loop("line", tiles.constant(0), tiles.constant(reader.sizes[reader.parallel[1]]), 1, [&](OpFoldResult line) {
    OpFoldResult first = tiles.mul(line, lines);
    tiles.loop("i", first, tiles.add(first, tiles.constant(lines)), 1,
               [&](OpFoldResult place) { emitLine(unit, epilogue, place); });
    emitLine(reader, nullptr, line);
  });
}

void KernelScheduler::emitRowTile(OpFoldResult row, int64_t rowCount) {
  DenseMap<Value, Buffer> outside = buffers;
  SmallVector<const Unit *> ofRows;
  for (const Unit &unit : units)
    if (!isScatter(unit.op) && !unit.parallel.empty())
      ofRows.push_back(&unit);
  for (size_t i = 0; i < ofRows.size(); ++i) {
    bool paired = i + 1 < ofRows.size() && isEpilogue(*ofRows[i], *ofRows[i + 1]);
    const Unit &unit = *ofRows[i], *epilogue = paired ? ofRows[i + 1] : nullptr;
    i += paired;
    const Unit *reader = i + 1 < ofRows.size() ? ofRows[i + 1] : nullptr;
    int64_t lines = reader && rowCount == 1 ? linesOf(unit, epilogue ? *epilogue : unit, *reader) : 0;
    if (lines == 0) {
      emitUnit(unit, epilogue, row, rowCount);
      continue;
    }
    emitByLines(unit, epilogue, *reader, lines, row);
    ++i;
  }
  buffers = outside; // tiles of these rows end here
}

/// Units without common rows follow each other, each as a whole.
void KernelScheduler::emitWholeUnits() {
  for (const Unit &unit : units) {
    if (isScatter(unit.op)) {
      emitScatterAdd(unit, tiles.constant(0), extent(unit.rows()));
    } else if (unit.parallel.empty()) {
      emitUnit(unit, nullptr, tiles.constant(0), 1);
    } else {
      tiles.loop("row", tiles.constant(0), extent(unit.rows()), 1,
                 [&](OpFoldResult row) { emitUnit(unit, nullptr, row, 1); });
    }
  }
}

LogicalResult KernelScheduler::finish() {
  kernel->setAttr("horn.lanes", b.getI64IntegerAttr(lanes()));
  b.create<func::ReturnOp>(tiles.loc);
  original->dropAllReferences();
  original->erase();
  kernel->removeAttr("horn.in_place");
  return success();
}

LogicalResult KernelScheduler::run() {
  makeBuffers();
  analyse();
  // Only rows have a number that is not known.
  for (const Unit &unit : units)
    for (unsigned dim : llvm::drop_begin(unit.parallel, unit.parallel.empty() ? 0 : 1))
      if (unit.sizes[dim] == kBatch)
        return unit.op->emitOpError("has the batch behind another dimension");
  if (std::optional<Chunks> chunks = target.chunks(units, packedWidth)) {
    kernel->setAttr("horn.rows", b.getI64IntegerAttr(chunks->rows));
    kernel->setAttr("horn.grain", b.getI64IntegerAttr(chunks->grain));
  }
  // A block of rows may go through several kernels, and through them again, before another does.
  bool byRow = rows == kBatch && llvm::all_of(units, [](const Unit &unit) {
    return !unit.parallel.empty() && !unit.part && !reducesBatch(unit.op);
  });
  if (byRow && kernel->hasAttr("horn.in_loop"))
    kernel->setAttr("horn.by_row", b.getUnitAttr());
  auto parted = llvm::find_if(units, [](const Unit &unit) { return unit.part.has_value(); });
  if (parted == units.end())
    emitUnits();
  else if (failed(emitParts(*parted)))
    return failure();
  b.setInsertionPointToEnd(body);
  return finish();
}

} // namespace hornfels
