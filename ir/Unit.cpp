#include "ir/Unit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// Map from a domain without unit dimensions to a tensor's axes, and the domain's sizes.
static AffineMap axesMap(ArrayRef<int64_t> shape, SmallVectorImpl<int64_t> &sizes, MLIRContext *context,
                         bool keepsFirst = false) {
  SmallVector<AffineExpr> exprs;
  for (int64_t size : shape) {
    if (size == 1 && !(keepsFirst && exprs.empty())) {
      exprs.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    exprs.push_back(getAffineDimExpr(sizes.size(), context));
    sizes.push_back(size);
  }
  return AffineMap::get(sizes.size(), 0, exprs, context);
}

static void fromGeneric(Unit &unit, linalg::GenericOp generic) {
  unit.sizes = generic.getStaticLoopRanges();
  if (generic->hasAttr("horn.parts"))
    unit.part = 0;
  for (auto [dim, iterator] : llvm::enumerate(generic.getIteratorTypesArray()))
    if (unit.part != static_cast<unsigned>(dim))
      (iterator == utils::IteratorType::parallel ? unit.parallel : unit.reduced).push_back(dim);
  for (OpOperand *input : generic.getDpsInputOperands())
    unit.reads.push_back({input->get(), generic.getMatchingIndexingMap(input)});
  for (OpResult result : generic->getOpResults())
    unit.writes.push_back({result, generic.getIndexingMapMatchingResult(result)});
}

static void fromInsert(Unit &unit, InsertOp insert) {
  MLIRContext *context = insert.getContext();
  auto shape = cast<RankedTensorType>(insert.getX().getType()).getShape();
  AffineMap read = axesMap(shape, unit.sizes, context);
  SmallVector<AffineExpr> exprs;
  for (auto [expr, offset, stride] : llvm::zip(read.getResults(), insert.getOffsets(), insert.getStrides()))
    exprs.push_back(expr * stride + offset);
  unit.reads.push_back({insert.getX(), read});
  unit.writes.push_back({insert.getY(), AffineMap::get(read.getNumDims(), 0, exprs, context)});
}

static void fromSlice(Unit &unit, SliceOp slice) {
  MLIRContext *context = slice.getContext();
  AffineMap write = axesMap(cast<RankedTensorType>(slice.getY().getType()).getShape(), unit.sizes, context);
  SmallVector<AffineExpr> exprs;
  for (auto [expr, offset, stride] : llvm::zip(write.getResults(), slice.getOffsets(), slice.getStrides()))
    exprs.push_back(expr * stride + offset);
  unit.reads.push_back({slice.getX(), AffineMap::get(write.getNumDims(), 0, exprs, context)});
  unit.writes.push_back({slice.getY(), write});
}

/// The domain of a gather is its result; of a scatter, the table that it adds to. The other operands are found by id.
static void fromTable(Unit &unit) {
  Value result = unit.op->getResult(0);
  AffineMap map = axesMap(cast<RankedTensorType>(result.getType()).getShape(), unit.sizes, unit.op->getContext(),
                          /*keepsFirst=*/isa<ScatterOp>(unit.op));
  unit.writes.push_back({result, map});
}

/// One point: all of the matrix.
static void fromOrthonormal(Unit &unit) {
  Builder b(unit.op->getContext());
  AffineMap whole = AffineMap::get(0, 0, {b.getAffineConstantExpr(0), b.getAffineConstantExpr(0)}, b.getContext());
  unit.reads.push_back({unit.op->getOperand(0), whole});
  unit.writes.push_back({unit.op->getResult(0), whole});
}

static void fromRagged(Unit &unit) {
  Value result = unit.op->getResult(0);
  // Rows of a table are a dimension, also where there is only one: they are what ids count.
  AffineMap map = axesMap(cast<RankedTensorType>(result.getType()).getShape(), unit.sizes, unit.op->getContext(),
                          /*keepsFirst=*/true);
  unit.writes.push_back({result, map});
  // The axes behind the first are those of the table's or the gradient's rows.
  if (unit.op->getNumOperands() == 2)
    unit.reads.push_back({unit.op->getOperand(1), map});
}

Unit::Unit(Operation *op) : op(op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    fromGeneric(*this, generic);
    return;
  }
  if (auto insert = dyn_cast<InsertOp>(op))
    fromInsert(*this, insert);
  else if (auto slice = dyn_cast<SliceOp>(op))
    fromSlice(*this, slice);
  else if (isa<GatherOp, ScatterOp, PadTokensOp>(op))
    fromTable(*this);
  else if (isa<OrthonormalOp>(op))
    fromOrthonormal(*this);
  else
    fromRagged(*this);
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    parallel.push_back(dim);
}

/// Elements from row to row of a kernel's parameter, where it says so.
static std::optional<int64_t> rowStrideOf(Value value) {
  auto known = [](Attribute stride) -> std::optional<int64_t> {
    return stride ? std::optional<int64_t>(cast<IntegerAttr>(stride).getInt()) : std::nullopt;
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto kernel = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return kernel ? known(kernel.getArgAttr(argument.getArgNumber(), "horn.stride")) : std::nullopt;
  }
  for (OpOperand &use : value.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      if (auto stride = known(use.getOwner()->getParentOfType<func::FuncOp>().getResultAttr(use.getOperandNumber(), "horn.stride")))
        return stride;
  return std::nullopt;
}

int64_t Unit::strideAlong(const Access &access, unsigned dim) const {
  auto type = dyn_cast<RankedTensorType>(access.value.getType());
  if (!type)
    return 0;
  int64_t stride = 0, width = 1;
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
    if (axis == 0)
      if (std::optional<int64_t> rows = rowStrideOf(access.value))
        width = *rows;
    stride += coefficientOf(access.map.getResult(axis), dim) * width;
    width *= type.isDynamicDim(axis) ? 1 << 20 : type.getDimSize(axis);
  }
  return stride;
}

bool Unit::runsInLanes(unsigned dim) const {
  auto contiguous = [&](const Access &access) {
    int64_t stride = strideAlong(access, dim);
    return stride == 0 || stride == 1;
  };
  return llvm::all_of(reads, contiguous) && llvm::all_of(writes, contiguous);
}

} // namespace hornfels
