#include "ir/Structure.h"

using namespace mlir;

namespace hornfels::horn {

bool isComputation(Operation *op) {
  return isa<linalg::GenericOp, GatherSumOp, ScatterAddOp, MultiHotOp, CountOp, InsertOp, SliceOp, GatherOp, ScatterOp,
             PadTokensOp, OrthonormalOp, LoopOp>(op);
}

bool isScatter(Operation *op) { return isa<ScatterAddOp, ScatterOp>(op); }

bool isElementwise(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumReductionLoops() == 0;
}

bool isContraction(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumReductionLoops() == 0)
    return false;
  unsigned first = op->hasAttr("horn.parts") ? 1 : 0; // no operand has the dimension of the parts
  for (OpOperand *input : generic.getDpsInputOperands()) {
    AffineMap map = generic.getMatchingIndexingMap(input);
    bool all = true;
    for (unsigned dim = first; dim < map.getNumDims(); ++dim)
      all &= map.isFunctionOfDim(dim);
    if (all)
      return false;
  }
  return generic.getNumDpsInputs() > 0;
}

int64_t coefficientOf(AffineExpr expr, unsigned dim) {
  if (auto same = dyn_cast<AffineDimExpr>(expr))
    return same.getPosition() == dim;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return 0;
  if (expr.getKind() == AffineExprKind::Mod) // only the first elements of an axis: what stands before it
    return coefficientOf(binary.getLHS(), dim);
  if (expr.getKind() == AffineExprKind::Mul)
    return coefficientOf(binary.getLHS(), dim) * cast<AffineConstantExpr>(binary.getRHS()).getValue();
  return coefficientOf(binary.getLHS(), dim) + coefficientOf(binary.getRHS(), dim);
}

SmallVector<int64_t> parallelSizes(Operation *op) {
  SmallVector<int64_t> sizes;
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    for (auto [size, iterator] : llvm::zip(generic.getStaticLoopRanges(), generic.getIteratorTypesArray()))
      if (iterator == utils::IteratorType::parallel)
        sizes.push_back(size);
    return sizes;
  }
  if (isa<OrthonormalOp>(op)) // row after row, each against those before: one piece of work
    return sizes;
  for (int64_t size : cast<RankedTensorType>(op->getResult(0).getType()).getShape())
    if (size != 1)
      sizes.push_back(size);
  return sizes;
}

bool isBatched(Operation *op) {
  SmallVector<int64_t> sizes = parallelSizes(op);
  return !sizes.empty() && sizes.front() == kBatch;
}

bool reducesBatch(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return isScatter(op);
  for (auto [size, iterator] : llvm::zip(generic.getStaticLoopRanges(), generic.getIteratorTypesArray()))
    if (iterator == utils::IteratorType::reduction && size == kBatch)
      return true;
  return false;
}

AffineMap readMap(Operation *op, Value value) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return AffineMap();
  for (OpOperand *input : generic.getDpsInputOperands())
    if (input->get() == value)
      return generic.getMatchingIndexingMap(input);
  return AffineMap();
}

AffineMap writeMap(Value value) {
  auto result = cast<OpResult>(value);
  MLIRContext *context = value.getContext();
  SmallVector<AffineExpr> dims;
  auto generic = dyn_cast<linalg::GenericOp>(result.getOwner());
  if (!generic) {
    // Ragged operations write axis by axis; axes of size 1 have no dimension.
    unsigned rank = 0;
    for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
      dims.push_back(size == 1 ? getAffineConstantExpr(0, context) : getAffineDimExpr(rank++, context));
    return AffineMap::get(rank, 0, dims, context);
  }
  unsigned parallel = 0;
  for (utils::IteratorType iterator : generic.getIteratorTypesArray())
    dims.push_back(iterator == utils::IteratorType::parallel ? getAffineDimExpr(parallel++, context)
                                                             : getAffineConstantExpr(0, context));
  return generic.getIndexingMapMatchingResult(result).replaceDimsAndSymbols(dims, {}, parallel, 0);
}

Origin originOf(Location loc) {
  Origin origin;
  while (true) {
    if (auto name = dyn_cast<NameLoc>(loc)) {
      if (name.getName() == "backward")
        origin.backward = true;
      else if (origin.name.empty())
        origin.name = name.getName();
      loc = name.getChildLoc();
    } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
      loc = fused.getLocations().front();
    } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
      loc = call.getCallee();
    } else {
      break;
    }
  }
  origin.position = dyn_cast<FileLineColLoc>(loc);
  return origin;
}

std::string nameByOrigin(Value value) {
  Origin origin = originOf(value.getLoc());
  std::string name = origin.name.empty() ? "value" : origin.name.str();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if ((name == "loss" || name == "metrics") && type && type.getRank() > 0)
    name += "_of_sample";
  Operation *op = value.getDefiningOp();
  if (op && op->hasAttr("horn.parts"))
    return (origin.backward ? "d_" : "") + name + "_parts";
  if (origin.backward)
    return "d_" + name;
  bool sums = op && isComputation(op) && !isElementwise(op) &&
              !isa<InsertOp, SliceOp, LoopOp, PadTokensOp, OrthonormalOp>(op);
  return sums ? name + "_sum" : name;
}

int64_t elementsPerSample(ShapedType type) {
  int64_t count = 1;
  for (int64_t size : type.getShape())
    count *= size == kBatch ? 1 : size;
  return count;
}

int64_t elementBytes(Type element) { return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8); }

} // namespace hornfels::horn
