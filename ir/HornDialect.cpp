// Verifiers, shape rules and folds. Gradients are in Gradients.cpp, forms in linalg in Lowerings.cpp.
#include "ir/HornDialect.h"

#include "ir/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "ir/HornDialect.cpp.inc"
#include "ir/HornEnums.cpp.inc"
#include "ir/HornInterfaces.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/HornTypes.cpp.inc"

// The records' expressions name ScalarBuilder and GradientBuilder.
namespace hornfels::horn {}
using hornfels::horn::GradientBuilder;
using hornfels::horn::ScalarBuilder;
#define GET_OP_CLASSES
#include "ir/HornOps.cpp.inc"

namespace hornfels::horn {

void HornDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/HornTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/HornOps.cpp.inc"
      >();
}

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

// ---------------------------------------------------------------------------------------------------------------------
// Element-wise
// ---------------------------------------------------------------------------------------------------------------------

LogicalResult CompareOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, ValueRange operands,
                                          DictionaryAttr, OpaqueProperties, RegionRange,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(tensorType(operands[0]).clone(IntegerType::get(context, 1)));
  return success();
}

Value CompareOp::buildScalar(ScalarBuilder &s, ValueRange in) { return s.compare(getPredicate(), in[0], in[1]); }
Value SelectOp::buildScalar(ScalarBuilder &s, ValueRange in) { return s.select(in[0], in[1], in[2]); }
Value CastOp::buildScalar(ScalarBuilder &s, ValueRange in) { return s.cast(in[0], getY().getType().getElementType()); }
Value StopGradientOp::buildScalar(ScalarBuilder &, ValueRange in) { return in[0]; }

LogicalResult SelectOp::verify() {
  if (tensorType(getCondition()).getShape() != tensorType(getA()).getShape())
    return emitOpError("has a condition of another shape than its values");
  return success();
}

/// The number that a `full` holds, if `value` comes from one.
static std::optional<double> fullValue(Value value) {
  if (auto full = value.getDefiningOp<FullOp>())
    return full.getValue().convertToDouble();
  return std::nullopt;
}

/// x + 0, 0 + x -> x
OpFoldResult AddOp::fold(FoldAdaptor) {
  if (fullValue(getB()) == 0.0)
    return getA();
  if (fullValue(getA()) == 0.0)
    return getB();
  return {};
}

/// x - 0 -> x
OpFoldResult SubOp::fold(FoldAdaptor) { return fullValue(getB()) == 0.0 ? OpFoldResult(getA()) : OpFoldResult(); }

/// x * 1, 1 * x -> x
OpFoldResult MulOp::fold(FoldAdaptor) {
  if (fullValue(getB()) == 1.0)
    return getA();
  if (fullValue(getA()) == 1.0)
    return getB();
  return {};
}

/// x / 1 -> x
OpFoldResult DivOp::fold(FoldAdaptor) { return fullValue(getB()) == 1.0 ? OpFoldResult(getA()) : OpFoldResult(); }

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getX().getType() == getY().getType() ? OpFoldResult(getX()) : OpFoldResult();
}

// ---------------------------------------------------------------------------------------------------------------------
// Generators
// ---------------------------------------------------------------------------------------------------------------------

Value FullOp::buildElement(ScalarBuilder &s, ValueRange) {
  return s.constant(getValue().convertToDouble(), getY().getType().getElementType());
}

Value IotaOp::buildElement(ScalarBuilder &s, ValueRange index) {
  Value position = s.cast(index[getAxis()], s.builder.getI32Type());
  return s.cast(position, getY().getType().getElementType());
}

LogicalResult IotaOp::verify() {
  int64_t rank = getY().getType().getRank();
  if (getAxis() >= static_cast<uint64_t>(rank))
    return emitOpError("counts along axis ") << getAxis() << " of a tensor of rank " << rank;
  return success();
}

Value BatchSizeOp::buildElement(ScalarBuilder &s, ValueRange) {
  Value batch = s.builder.create<BatchOp>(s.loc, s.builder.getIndexType());
  return s.cast(s.cast(batch, s.builder.getI64Type()), getY().getType().getElementType());
}

// ---------------------------------------------------------------------------------------------------------------------
// Data movement
// ---------------------------------------------------------------------------------------------------------------------

LogicalResult BroadcastOp::verify() {
  auto from = tensorType(getX()), to = tensorType(getY());
  ArrayRef<int64_t> dims = getDims();
  if (static_cast<int64_t>(dims.size()) != from.getRank())
    return emitOpError("has ") << dims.size() << " dims for an input of rank " << from.getRank();      // C1
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    if (dim < 0 || dim >= to.getRank() || (axis > 0 && dims[axis - 1] >= dim))
      return emitOpError("has dims that are not ascending axes of the result");                        // C1
    if (from.getDimSize(axis) != to.getDimSize(dim))
      return emitOpError("would stretch axis ") << axis << " of " << from << " to " << to;             // C2
  }
  return success();
}

AffineMap BroadcastOp::getSourceMap() {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : getDims())
    exprs.push_back(getAffineDimExpr(dim, getContext()));
  return AffineMap::get(getY().getType().getRank(), 0, exprs, getContext());
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  return getX().getType() == getY().getType() ? OpFoldResult(getX()) : OpFoldResult();
}

/// The shape without axes of size 1, and where its axes stand.
static void dropUnits(ArrayRef<int64_t> shape, SmallVectorImpl<int64_t> &sizes, SmallVectorImpl<int64_t> &axes) {
  for (auto [axis, size] : llvm::enumerate(shape))
    if (size != 1) {
      sizes.push_back(size);
      axes.push_back(axis);
    }
}

/// A reshape that only adds or drops axes of size 1 is a view; any other regroups axes: an empty map.
AffineMap ReshapeOp::getSourceMap() {
  auto from = tensorType(getX()), to = tensorType(getY());
  SmallVector<int64_t> fromSizes, fromAxes, toSizes, toAxes;
  dropUnits(from.getShape(), fromSizes, fromAxes);
  dropUnits(to.getShape(), toSizes, toAxes);
  if (fromSizes != toSizes)
    return AffineMap();
  SmallVector<AffineExpr> exprs(from.getRank(), getAffineConstantExpr(0, getContext()));
  for (auto [fromAxis, toAxis] : llvm::zip(fromAxes, toAxes))
    exprs[fromAxis] = getAffineDimExpr(toAxis, getContext());
  return AffineMap::get(to.getRank(), 0, exprs, getContext());
}

LogicalResult ReshapeOp::verify() {
  auto elements = [](RankedTensorType type) {
    int64_t product = 1;
    for (int64_t size : type.getShape())
      product *= size == kBatch ? 1 : size;
    return product;
  };
  auto from = tensorType(getX()), to = tensorType(getY());
  if (elements(from) != elements(to))
    return emitOpError("makes ") << elements(to) << " elements of " << elements(from);                 // C1
  bool batched = from.getRank() > 0 && from.isDynamicDim(0);
  if (batched != (to.getRank() > 0 && to.isDynamicDim(0)))
    return emitOpError("moves the batch axis: ") << from << " to " << to;                              // C2
  return success();
}

/// reshape(reshape(x)) -> reshape(x), and to its own type nothing
OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getX().getType() == getY().getType())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    setOperand(inner.getX());
    return getResult();
  }
  return {};
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands,
                                            DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                            SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto from = tensorType(operands[0]);
  SmallVector<int64_t> sorted(adaptor.getPermutation());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(from.getRank())))
    return emitOptionalError(loc, "'horn.transpose' op does not name each axis of ", from, " once");
  SmallVector<int64_t> shape;
  for (int64_t axis : adaptor.getPermutation())
    shape.push_back(from.getDimSize(axis));
  types.push_back(RankedTensorType::get(shape, from.getElementType()));
  return success();
}

AffineMap TransposeOp::getSourceMap() {
  SmallVector<AffineExpr> exprs(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    exprs[from] = getAffineDimExpr(to, getContext());
  return AffineMap::get(exprs.size(), 0, exprs, getContext());
}

/// transpose(transpose(x, p), q) -> x when q undoes p
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  for (auto [to, middle] : llvm::enumerate(getPermutation()))
    if (inner.getPermutation()[middle] != static_cast<int64_t>(to))
      return {};
  return inner.getX();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands,
                                        DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                        SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto from = tensorType(operands[0]);
  for (ArrayRef<int64_t> given : {adaptor.getOffsets(), adaptor.getSizes(), adaptor.getStrides()})
    if (static_cast<int64_t>(given.size()) != from.getRank())
      return emitOptionalError(loc, "'horn.slice' op needs an offset, a size and a stride for each axis of ", from);
  SmallVector<int64_t> shape;
  for (auto [axis, size] : llvm::enumerate(adaptor.getSizes()))
    shape.push_back(size < 0 ? from.getDimSize(axis) : size);
  types.push_back(RankedTensorType::get(shape, from.getElementType()));
  return success();
}

LogicalResult SliceOp::verify() {
  auto from = tensorType(getX());
  for (int64_t axis = 0; axis < from.getRank(); ++axis) {
    int64_t offset = getOffsets()[axis], size = getSizes()[axis], stride = getStrides()[axis];
    if (from.isDynamicDim(axis)) {
      if (offset != 0 || size >= 0 || stride != 1)
        return emitOpError("slices the batch axis");
    } else if (offset < 0 || size < 0 || stride == 0 ||
               (size > 0 && (offset >= from.getDimSize(axis) || offset + (size - 1) * stride < 0 ||
                             offset + (size - 1) * stride >= from.getDimSize(axis)))) {
      return emitOpError("leaves axis ") << axis << " of " << from;
    }
  }
  return success();
}

/// The whole -> x; a slice of a slice -> one slice.
OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto isOne = [](int64_t stride) { return stride == 1; };
  if (getX().getType() == getY().getType() && llvm::all_of(getStrides(), isOne))
    return getX();
  auto inner = getX().getDefiningOp<SliceOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> offsets, strides;
  for (auto [offset, stride, innerOffset, innerStride] :
       llvm::zip(getOffsets(), getStrides(), inner.getOffsets(), inner.getStrides())) {
    offsets.push_back(innerOffset + offset * innerStride);
    strides.push_back(stride * innerStride);
  }
  getXMutable().assign(inner.getX());
  setOffsets(offsets);
  setStrides(strides);
  return getResult();
}

AffineMap SliceOp::getSourceMap() {
  SmallVector<AffineExpr> exprs;
  for (auto [axis, offset, stride] : llvm::enumerate(getOffsets(), getStrides()))
    exprs.push_back(getAffineDimExpr(axis, getContext()) * stride + offset);
  return AffineMap::get(exprs.size(), 0, exprs, getContext());
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands,
                                         DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (operands.empty())
    return emitOptionalError(loc, "'horn.concat' op has no inputs");
  SmallVector<int64_t> shape(tensorType(operands[0]).getShape());
  uint64_t axis = adaptor.getAxis();
  if (axis >= shape.size() || shape[axis] == kBatch)
    return emitOptionalError(loc, "'horn.concat' op has no fixed axis ", axis, " in ", operands[0].getType());
  for (Value next : operands.drop_front()) {
    SmallVector<int64_t> expected(tensorType(next).getShape());
    if (axis < expected.size())
      expected[axis] = tensorType(operands[0]).getDimSize(axis);
    if (tensorType(operands[0]) != tensorType(next).clone(expected))
      return emitOptionalError(loc, "'horn.concat' op puts ", next.getType(), " behind ", operands[0].getType());
    shape[axis] += tensorType(next).getDimSize(axis);
  }
  types.push_back(RankedTensorType::get(shape, tensorType(operands[0]).getElementType()));
  return success();
}

// ---------------------------------------------------------------------------------------------------------------------
// Reduction and contraction
// ---------------------------------------------------------------------------------------------------------------------

static LogicalResult inferReduced(std::optional<Location> loc, StringRef op, Value x, ArrayRef<int64_t> axes,
                                  Type element, SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape;
  for (int64_t axis : axes)
    if (axis < 0 || axis >= tensorType(x).getRank())
      return emitOptionalError(loc, "'", op, "' op reduces axis ", axis, " of ", x.getType());
  for (auto [axis, size] : llvm::enumerate(tensorType(x).getShape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      shape.push_back(size);
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

#define INFER_REDUCED(Op)                                                                                              \
  LogicalResult Op::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands,                  \
                                     DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,      \
                                     SmallVectorImpl<Type> &types) {                                                   \
    Adaptor adaptor(operands, attributes, properties, regions);                                                        \
    return inferReduced(loc, getOperationName(), operands[0], adaptor.getAxes(),                                       \
                        tensorType(operands[0]).getElementType(), types);                                              \
  }
INFER_REDUCED(ReduceSumOp)
INFER_REDUCED(ReduceMaxOp)
INFER_REDUCED(ReduceMinOp)
INFER_REDUCED(ReduceProdOp)
#undef INFER_REDUCED

OpFoldResult ReduceSumOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getX()) : OpFoldResult(); }

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, ValueRange operands,
                                         DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                         SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  return inferReduced(loc, getOperationName(), operands[0], {static_cast<int64_t>(adaptor.getAxis())},
                      IntegerType::get(context, 32), types);
}

/// The size of each dimension, from the operands that it indexes.
static SmallVector<int64_t> dimensionSizes(ValueRange operands, ArrayAttr maps) {
  AffineMap lhs = cast<AffineMapAttr>(maps[0]).getValue();
  SmallVector<int64_t> sizes(lhs.getNumDims(), 0);
  for (auto [operand, map] : llvm::zip(operands, maps))
    for (auto [axis, expr] : llvm::enumerate(cast<AffineMapAttr>(map).getValue().getResults()))
      sizes[cast<AffineDimExpr>(expr).getPosition()] = tensorType(operand).getDimSize(axis);
  return sizes;
}

/// (C1), as far as it can be said without the result; the shape rule relies on it.
static LogicalResult checkMaps(std::optional<Location> loc, ValueRange operands, ArrayAttr maps) {
  if (maps.size() != 3)
    return emitOptionalError(loc, "'horn.contract' op needs three maps");
  unsigned dims = cast<AffineMapAttr>(maps[0]).getValue().getNumDims();
  for (unsigned i = 0; i < 3; ++i) {
    AffineMap map = cast<AffineMapAttr>(maps[i]).getValue();
    if (!map.isProjectedPermutation() || map.getNumDims() != dims ||
        (i < 2 && map.getNumResults() != static_cast<unsigned>(tensorType(operands[i]).getRank())))
      return emitOptionalError(loc, "'horn.contract' op has a map that does not fit operand ", i);
  }
  return success();
}

LogicalResult ContractOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands,
                                           DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
                                           SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkMaps(loc, operands, adaptor.getMaps())))
    return failure();
  SmallVector<int64_t> sizes = dimensionSizes(operands, adaptor.getMaps()), shape;
  for (AffineExpr expr : cast<AffineMapAttr>(adaptor.getMaps()[2]).getValue().getResults())
    shape.push_back(sizes[cast<AffineDimExpr>(expr).getPosition()]);
  types.push_back(RankedTensorType::get(shape, tensorType(operands[0]).getElementType()));
  return success();
}

LogicalResult ContractOp::verify() {
  Value operands[] = {getA(), getB(), getY()};
  if (failed(checkMaps(getLoc(), getOperands(), getMaps())))                                           // C1
    return failure();
  SmallVector<int64_t> sizes(getMap(0).getNumDims(), 0), uses(getMap(0).getNumDims(), 0);
  for (unsigned i = 0; i < 3; ++i) {
    AffineMap map = getMap(i);
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      int64_t size = tensorType(operands[i]).getDimSize(axis);
      if (uses[dim]++ && sizes[dim] != size)
        return emitOpError("contracts ") << sizes[dim] << " features with " << size;                  // C2
      sizes[dim] = size;
    }
  }
  for (int64_t count : uses)
    if (count < 2)
      return emitOpError("has a dimension in one map only");                                          // C3
  return success();
}

Value ContractOp::createMatmul(OpBuilder &builder, Location loc, Value x, Value w) {
  unsigned leading = tensorType(x).getRank() - 1, trailing = tensorType(w).getRank() - 1;
  unsigned dims = leading + trailing + 1;
  SmallVector<AffineExpr> lhs, rhs, out;
  for (unsigned i = 0; i < leading + trailing; ++i)
    out.push_back(builder.getAffineDimExpr(i));
  lhs.assign(out.begin(), out.begin() + leading);
  lhs.push_back(builder.getAffineDimExpr(dims - 1));
  rhs.push_back(builder.getAffineDimExpr(dims - 1));
  rhs.append(out.begin() + leading, out.end());
  auto map = [&](ArrayRef<AffineExpr> exprs) { return AffineMap::get(dims, 0, exprs, builder.getContext()); };
  return builder.create<ContractOp>(loc, x, w, map(lhs), map(rhs), map(out));
}

// ---------------------------------------------------------------------------------------------------------------------
// Tokens, gradients
// ---------------------------------------------------------------------------------------------------------------------

LogicalResult GatherSumOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands,
                                            DictionaryAttr, OpaqueProperties, RegionRange,
                                            SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(tensorType(operands[1]).getShape());
  shape[0] = kBatch;
  types.push_back(RankedTensorType::get(shape, tensorType(operands[1]).getElementType()));
  return success();
}

LogicalResult ScatterAddOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands,
                                             DictionaryAttr, OpaqueProperties, RegionRange,
                                             SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(tensorType(operands[1]).getShape());
  shape[0] = cast<TokensType>(operands[0].getType()).getVocabulary();
  types.push_back(RankedTensorType::get(shape, tensorType(operands[1]).getElementType()));
  return success();
}

LogicalResult GradientOp::verify() {
  if (getWeights().getTypes() != getGradients().getTypes())
    return emitOpError("gives gradients of other types than the weights");
  return success();
}

} // namespace hornfels::horn
