#include "passes/schedule/KernelScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

KernelScheduler::KernelScheduler(func::FuncOp kernel, int64_t vectorBytes, int64_t registers)
    : kernel(kernel), vectorBytes(vectorBytes), registerRows(registers >= 32 ? 8 : 6), b(kernel.getContext()),
      tiles(b) {}

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
  }
  if (kernel->hasAttr("horn.lazy")) {
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
    // A destination that is written over keeps its buffer.
    if (auto insert = dyn_cast<InsertOp>(op); insert && buffers.contains(insert.getY()))
      buffers[insert.getDestination()] = buffers[insert.getY()];
  }
  bool common = true;
  for (const Unit &unit : units)
    if (!unit.parallel.empty()) {
      common &= !rows || *rows == unit.rows();
      rows = unit.rows();
    }
  if (!common)
    rows.reset();
}

int64_t KernelScheduler::lanes() const {
  // A vector holds as many elements as there are of the widest real type: no vector is wider than a register.
  int64_t bytes = 4;
  for (const Unit &unit : units) {
    auto consider = [&](Type type) { bytes = type.isF64() ? 8 : bytes; };
    for (const auto &accesses : {unit.reads, unit.writes})
      for (const Access &access : accesses)
        if (auto type = dyn_cast<RankedTensorType>(access.value.getType()))
          consider(type.getElementType());
    unit.op->walk([&](Operation *scalar) { llvm::for_each(scalar->getResultTypes(), consider); });
  }
  return vectorBytes / bytes;
}

/// Rows of a tile: a register tile for products; one vector where rows are all there is; else one.
int64_t KernelScheduler::tileRows() const {
  size_t rank = 0;
  bool product = false;
  for (const Unit &unit : units) {
    rank = std::max(rank, unit.parallel.size());
    product |= unit.reduces() && unit.parallel.size() > 1 && unit.runsInLanes(unit.parallel.back());
  }
  if (rank <= 1)
    return *rows == kBatch ? lanes() : 2 * lanes();
  if (!product)
    return 1;
  int64_t columns = 0;
  for (const Unit &unit : units)
    if (unit.reduces() && unit.parallel.size() > 1)
      columns = std::max(columns, unit.sizes[unit.parallel.back()]);
  return units.size() <= 2 ? productRows(columns) : registerRows;
}

/// Every chunk of a scatter looks for its ids in every sample: four of them at most.
int64_t KernelScheduler::grainOf(int64_t step) const {
  bool scatters = llvm::any_of(units, [](const Unit &unit) { return isa<ScatterAddOp>(unit.op); });
  return scatters && *rows != kBatch ? llvm::alignTo(std::max<int64_t>(*rows / 4, 1), step) : step;
}

void KernelScheduler::emitRows() {
  if (std::optional<PanelKernel> panel = panelKernel())
    return emitPanels(*panel);
  int64_t step = tileRows();
  if (*rows != kBatch)
    step = std::min(step, *rows);
  kernel->setAttr("horn.rows", b.getI64IntegerAttr(*rows));
  kernel->setAttr("horn.grain", b.getI64IntegerAttr(grainOf(step)));
  if (lazyRows)
    return emitLazyRows(*scatterAndUpdate());
  if (std::optional<ScatterAndUpdate> both = sumsById())
    return emitSumsById(*both);
  // What does not depend on the row comes first: scalars, and gradients that gather from all samples.
  for (const Unit &unit : units)
    if (unit.parallel.empty())
      emitUnit(unit, nullptr, tiles.constant(0), 1);
    else if (isa<ScatterAddOp>(unit.op))
      emitScatterAdd(unit, begin, end);
  if (*rows == step && *rows != kBatch)
    return emitRowTile(tiles.constant(0), step);
  OpFoldResult main = step == 1 ? OpFoldResult(end)
                                : tiles.add(begin, tiles.roundDown(tiles.sub(end, begin), step));
  tiles.loop("row", begin, main, step, [&](OpFoldResult row) { emitRowTile(row, step); });
  if (step == 1)
    return;
  if (*rows == kBatch)
    return tiles.loop("row", main, end, 1, [&](OpFoldResult row) { emitRowTile(row, 1); });
  // The last rows of a constant number are one smaller tile. Where they are columns of a packed matrix, its place says
  // that they lie in the last panel.
  int64_t rest = *rows % step;
  if (rest > 0 && packedWidth)
    tiles.when(tiles.constant(*rows - rest), end, [&] { emitRowTile(tiles.constant(*rows - rest), rest); });
  else if (rest > 0)
    tiles.loop("row", main, end, rest, [&](OpFoldResult row) { emitRowTile(row, rest); });
}

void KernelScheduler::emitRowTile(OpFoldResult row, int64_t rowCount) {
  DenseMap<Value, Buffer> outside = buffers;
  SmallVector<const Unit *> ofRows;
  for (const Unit &unit : units)
    if (!isa<ScatterAddOp>(unit.op) && !unit.parallel.empty())
      ofRows.push_back(&unit);
  for (size_t i = 0; i < ofRows.size(); ++i) {
    bool paired = i + 1 < ofRows.size() && isEpilogue(*ofRows[i], *ofRows[i + 1]);
    emitUnit(*ofRows[i], paired ? ofRows[i + 1] : nullptr, row, rowCount);
    i += paired;
  }
  buffers = outside; // tiles of these rows end here
}

/// Units without common rows follow each other, each as a whole.
void KernelScheduler::emitWholeUnits() {
  for (const Unit &unit : units) {
    if (isa<ScatterAddOp>(unit.op)) {
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
  if (rows)
    emitRows();
  else
    emitWholeUnits();
  b.setInsertionPointToEnd(body);
  return finish();
}

} // namespace hornfels
