// Rows of a table by their ids, rows of ids as a matrix, orthonormal rows: shape rules, gradients, forms.
#include "ir/Builders.h"
#include "ir/Lowering.h"

using namespace mlir;

namespace hornfels::horn {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands, DictionaryAttr,
                                         OpaqueProperties, RegionRange, SmallVectorImpl<Type> &types) {
  auto ids = tensorType(operands[0]), table = tensorType(operands[1]);
  if (table.getRank() == 0 || !table.hasStaticShape())
    return emitOptionalError(loc, "'horn.gather' op takes rows of ", table);
  SmallVector<int64_t> shape(ids.getShape());
  llvm::append_range(shape, table.getShape().drop_front());
  types.push_back(RankedTensorType::get(shape, table.getElementType()));
  return success();
}

void GatherOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  dx.push_back(Value());
  dx.push_back(g.builder.create<ScatterOp>(g.loc, getTable().getType(), getIds(), dy));
}

void ScatterOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  dx.push_back(Value());
  dx.push_back(g.builder.create<GatherOp>(g.loc, getIds(), dy));
}

FailureOr<Value> GatherOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<GatherOp>(getLoc(), lowering.materialize(getIds()), lowering.materialize(getTable())));
}

FailureOr<Value> ScatterOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<ScatterOp>(getLoc(), getY().getType(), lowering.materialize(getIds()),
                                                   lowering.materialize(getRows())));
}

LogicalResult PadTokensOp::verify() {
  RankedTensorType type = getY().getType();
  bool isRows = type.getRank() == 2 && type.getDimSize(0) == kBatch && type.getDimSize(1) >= 1;
  return isRows ? success() : emitOpError("gives rows of a fixed length of at least 1, found ") << type;
}

FailureOr<Value> PadTokensOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<PadTokensOp>(getLoc(), getY().getType(), getTokens(), getBeforeAttr(),
                                                    getCutBeforeAttr(), getValueAttr()));
}

LogicalResult OrthonormalOp::verify() {
  auto type = tensorType(getX());
  bool fits = type.getRank() == 2 && type.hasStaticShape() && type.getDimSize(0) <= type.getDimSize(1);
  return fits ? success() : emitOpError("takes a matrix of no more rows than columns, found ") << type;
}

FailureOr<Value> OrthonormalOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<OrthonormalOp>(getLoc(), lowering.materialize(getX())));
}

} // namespace hornfels::horn
