// Cuts a sum over a large batch into parts, where its outputs are too few to be shared out among threads.
//
//   y[i] = sum over b of f(b, i)   ->   parts[p, i] = sum over the b of part p of f(b, i)   (horn.parts)
//                                       y[i]        = sum over p of parts[p, i]
//
// The number of parts is a constant and they are added in their order: bits do not depend on threads.
#include "ir/Chunks.h"
#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Passes.h"
#include "passes/schedule/Chunks.h"
#include "passes/schedule/Work.h"
#include "runtime/device/tile_choice.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_SPLIT
#include "passes/Passes.h.inc"

static constexpr int64_t kParts = 8;

/// Parts on a device, so that each multiprocessor gets a block. Nothing where there are too many outputs already, or too little
/// to sum; for products the model of their tiles decides (runtime/device/tile_choice.h).
static std::optional<int64_t> partsOnDevice(linalg::GenericOp op, int64_t batch) {
  constexpr int64_t multiprocessors = 132, ofBlock = 32, mostParts = 64, mostBytes = 1 << 22, fewSums = 1 << 20;
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  int64_t outputs = type.getNumElements(), steps = batch, bytes = elementBytes(type.getElementType());
  for (auto [size, iterator] : llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
    if (iterator == utils::IteratorType::reduction && size != kBatch)
      steps *= size;
  int64_t most = std::min({batch, mostParts, mostBytes / std::max<int64_t>(outputs * bytes, 1)}), parts = 1;
  if (isContraction(op)) {
    int64_t columns = type.getRank() > 0 ? type.getShape().back() : 1;
    parts = device::choose_tiles(outputs / columns, columns, steps, static_cast<int>(std::max<int64_t>(most, 1)), static_cast<int>(bytes)).parts;
  } else if (outputs * steps >= fewSums) {
    parts = std::min(most, multiprocessors / ((outputs + ofBlock - 1) / ofBlock));
  }
  return parts > 1 ? std::optional<int64_t>(parts) : std::nullopt;
}

/// The operation that combines a reduction's old value with a new element, where it may be done in any order; else null.
static Operation *combinerOf(linalg::GenericOp op) {
  Operation *combine = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!combine || !isa<arith::AddFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddIOp, arith::MaxSIOp,
                       arith::MinSIOp>(combine))
    return nullptr;
  Value old = op.getBody()->getArguments().back();
  bool once = old.hasOneUse() && (combine->getOperand(0) == old) != (combine->getOperand(1) == old);
  return once ? combine : nullptr;
}

/// A reduction over the batch that this pass knows how to cut.
static bool hasParts(linalg::GenericOp op) {
  return reducesBatch(op) && !op->hasAttr("horn.parts") && op->getNumResults() == 1 && combinerOf(op) &&
         op.getDpsInits()[0].getDefiningOp<linalg::FillOp>() &&
         cast<RankedTensorType>(op.getResult(0).getType()).hasStaticShape();
}

static double secondsAt(linalg::GenericOp op, int64_t batch) {
  Work work = workOf(op);
  auto at = [&](const Amount &amount) { return amount.fixed + amount.perSample * static_cast<double>(batch); };
  return secondsOf(at(work.flops), at(work.read) + at(work.written));
}

/// Bytes of what a reduction reads, at this batch.
static double bytesRead(linalg::GenericOp op, int64_t batch) {
  Amount read = workOf(op).read;
  return read.fixed + read.perSample * static_cast<double>(batch);
}

/// Worth more than one thread, and either with fewer chunks of outputs than there may be threads, or with operands that
/// the second cache does not hold while each tile of outputs reads them again.
static bool isWorthParts(linalg::GenericOp op, int64_t batch, const TargetTiles &target) {
  constexpr int64_t fewChunks = 4;
  constexpr int64_t nearBytes = 32 * 1024;   // of a part: it stays in the first cache
  constexpr int64_t mostBytes = 512 * 1024;  // of a part that is written once, tile by tile
  constexpr double mostOverhead = 1.0 / 8;   // of the time
  constexpr double secondCache = 1 << 20;
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  int64_t bytes = type.getNumElements() * elementBytes(type.getElementType());
  double seconds = secondsAt(op, batch);
  bool readsFar = isContraction(op) && bytesRead(op, batch) > secondCache;
  if (seconds < kSecondsWorthSplitting || bytes > (readsFar ? mostBytes : nearBytes) ||
      secondsOf(0, static_cast<double>(2 * kParts * bytes)) > mostOverhead * seconds)
    return false;
  Unit unit(op);
  std::optional<Chunks> chunks = target.chunks(unit, /*packedWidth=*/0);
  if (!chunks || readsFar)
    return true;
  int64_t chunk = chunkRows(chunks->rows, chunks->grain, seconds);
  return chunk == 0 || chunks->rows <= (fewChunks - 1) * chunk;
}

/// A tensor that holds what the reduction starts from.
static Value cleared(OpBuilder &b, linalg::GenericOp op, RankedTensorType type) {
  Value start = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>().getInputs()[0];
  Value empty = b.create<tensor::EmptyOp>(op.getLoc(), type.getShape(), type.getElementType());
  return b.create<linalg::FillOp>(op.getLoc(), start, empty).getResult(0);
}

/// parts[p, i] = sum over the b of part p of f(b, i); the parts are dimension 0.
static Value createParts(OpBuilder &b, linalg::GenericOp op, int64_t count) {
  auto whole = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<int64_t> shape{count};
  llvm::append_range(shape, whole.getShape());
  auto type = RankedTensorType::get(shape, whole.getElementType());
  SmallVector<AffineMap> maps = llvm::map_to_vector(op.getIndexingMapsArray(), [](AffineMap map) { return map.shiftDims(1); });
  SmallVector<AffineExpr> place{b.getAffineDimExpr(0)};
  llvm::append_range(place, maps.back().getResults());
  maps.back() = AffineMap::get(maps.back().getNumDims(), 0, place, b.getContext());
  SmallVector<utils::IteratorType> iterators{utils::IteratorType::parallel};
  llvm::append_range(iterators, op.getIteratorTypesArray());

  auto parts = b.create<linalg::GenericOp>(op.getLoc(), TypeRange{type}, op.getDpsInputs(),
                                           ValueRange{cleared(b, op, type)}, maps, iterators);
  IRMapping mapping;
  op.getRegion().cloneInto(&parts.getRegion(), mapping);
  for (auto index : parts.getBody()->getOps<linalg::IndexOp>())
    index.setDim(index.getDim() + 1);
  parts->setAttr("horn.parts", b.getUnitAttr());
  return parts.getResult(0);
}

/// y[i] = sum over p of parts[p, i]; the parallel dimensions are those of `op`, in their order.
static Value createSum(OpBuilder &b, linalg::GenericOp op, Value parts) {
  SmallVector<AffineExpr> dims;
  SmallVector<utils::IteratorType> iterators;
  for (utils::IteratorType iterator : op.getIteratorTypesArray()) {
    bool parallel = iterator == utils::IteratorType::parallel;
    dims.push_back(parallel ? b.getAffineDimExpr(iterators.size()) : b.getAffineConstantExpr(0));
    if (parallel)
      iterators.push_back(iterator);
  }
  unsigned part = iterators.size(), rank = part + 1;
  iterators.push_back(utils::IteratorType::reduction);
  AffineMap out = op.getIndexingMapsArray().back().replaceDimsAndSymbols(dims, {}, rank, 0);
  SmallVector<AffineExpr> place{b.getAffineDimExpr(part)};
  llvm::append_range(place, out.getResults());
  AffineMap in = AffineMap::get(rank, 0, place, b.getContext());

  Operation *combine = combinerOf(op);
  Value old = op.getBody()->getArguments().back();
  Value init = cleared(b, op, cast<RankedTensorType>(op.getResult(0).getType()));
  auto sum = b.create<linalg::GenericOp>(
      op.getLoc(), op->getResultTypes(), ValueRange{parts}, ValueRange{init}, ArrayRef<AffineMap>{in, out}, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange elements) {
        IRMapping mapping;
        for (Value operand : combine->getOperands())
          mapping.map(operand, operand == old ? elements[1] : elements[0]);
        inner.create<linalg::YieldOp>(loc, inner.clone(*combine, mapping)->getResult(0));
      });
  return sum.getResult(0);
}

namespace {
struct SplitPass : impl::SplitBase<SplitPass> {
  using SplitBase::SplitBase;

  void runOnOperation() override {
    int64_t batch = batchSizeOf(getOperation());
    TargetTiles target(vectorBytes, registers);
    SmallVector<std::pair<linalg::GenericOp, int64_t>> chosen;
    getOperation().walk([&](linalg::GenericOp op) {
      if (!hasParts(op))
        return;
      if (std::optional<int64_t> count = device ? partsOnDevice(op, batch) : std::nullopt)
        chosen.push_back({op, *count});
      else if (!device && isWorthParts(op, batch, target))
        chosen.push_back({op, kParts});
    });
    for (auto [op, count] : chosen) {
      OpBuilder b(op);
      op.getResult(0).replaceAllUsesWith(createSum(b, op, createParts(b, op, count)));
      op.erase();
    }
  }
};
} // namespace
} // namespace hornfels
