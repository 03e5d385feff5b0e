// The form in linalg of each operation that is not element-wise. Ragged operations stay as they are: their domain
// depends on data, and passes/schedule expands them at tile level.
#include "ir/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace hornfels::horn {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

FailureOr<Value> ConstantOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<arith::ConstantOp>(getLoc(), cast<TypedAttr>(getValue())));
}

/// element = the index of the element in row-major order
static Value linearIndex(ScalarBuilder &s, ArrayRef<int64_t> shape, ValueRange index) {
  Value linear = s.builder.create<arith::ConstantIndexOp>(s.loc, 0);
  for (auto [axis, size] : llvm::enumerate(shape)) {
    if (axis > 0) {
      Value width = s.builder.create<arith::ConstantIndexOp>(s.loc, size);
      linear = s.builder.create<arith::MulIOp>(s.loc, linear, width);
    }
    linear = s.builder.create<arith::AddIOp>(s.loc, linear, index[axis]);
  }
  return linear;
}

template <typename Op> static FailureOr<Value> lowerRandom(Op op, Lowering &lowering, StringRef function) {
  RankedTensorType type = op.getY().getType();
  int64_t rank = type.getRank();
  AffineMap everywhere = AffineMap::get(rank, 0, op.getContext());
  auto body = [&](ScalarBuilder &s, ValueRange counters, ValueRange index) -> Value {
    Value element = linearIndex(s, type.getShape(), index);
    return s.builder.create<RandomElementOp>(s.loc, type.getElementType(), s.builder.getStringAttr(function), counters[0],
                                             counters[1], element, op.getStreamAttr());
  };
  return lowering.generic(op.getLoc(), type, type.getShape(), lowering.identity(rank),
                          {{op.getSeed(), everywhere}, {op.getStep(), everywhere}}, Combine::none, body);
}

FailureOr<Value> RandomUniformOp::lower(Lowering &lowering) { return lowerRandom(*this, lowering, "uniform"); }
FailureOr<Value> RandomNormalOp::lower(Lowering &lowering) { return lowerRandom(*this, lowering, "normal"); }

/// A reshape that regroups axes names the same bytes by another type.
FailureOr<Value> ReshapeOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<ReshapeOp>(getLoc(), getY().getType(), lowering.materialize(getX())));
}

/// A slice that is no view stays an operation: a copy of its own.
FailureOr<Value> SliceOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<SliceOp>(getLoc(), lowering.materialize(getX()), getOffsets(), getSizes(),
                                                getStrides()));
}

static Value firstElement(ScalarBuilder &, ValueRange elements, ValueRange) { return elements[0]; }

FailureOr<Value> EmbedOp::lower(Lowering &lowering) {
  return lowering.embed(getLoc(), getY().getType(), lowering.materialize(getX()), getOffsets(), getStrides(),
                        getValue().convertToDouble());
}

FailureOr<Value> ConcatOp::lower(Lowering &lowering) {
  RankedTensorType type = getY().getType();
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  Value whole = lowering.empty(getLoc(), type);
  for (Value x : getXs()) {
    whole = lowering.builder.create<InsertOp>(getLoc(), lowering.materialize(x), whole, offsets, strides);
    offsets[getAxis()] += tensorType(x).getDimSize(getAxis());
  }
  return whole;
}

static FailureOr<Value> lowerReduce(Lowering &lowering, Location loc, Value x, Value y, ArrayRef<int64_t> axes,
                                    Combine combine) {
  int64_t rank = tensorType(x).getRank();
  SmallVector<AffineExpr> kept;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      kept.push_back(lowering.builder.getAffineDimExpr(axis));
  AffineMap out = AffineMap::get(rank, 0, kept, lowering.builder.getContext());
  return lowering.generic(loc, tensorType(y), tensorType(x).getShape(), out, {{x, lowering.identity(rank)}}, combine,
                          firstElement);
}

FailureOr<Value> ReduceSumOp::lower(Lowering &l) { return lowerReduce(l, getLoc(), getX(), getY(), getAxes(), Combine::sum); }
FailureOr<Value> ReduceMaxOp::lower(Lowering &l) { return lowerReduce(l, getLoc(), getX(), getY(), getAxes(), Combine::max); }
FailureOr<Value> ReduceMinOp::lower(Lowering &l) { return lowerReduce(l, getLoc(), getX(), getY(), getAxes(), Combine::min); }
FailureOr<Value> ReduceProdOp::lower(Lowering &l) { return lowerReduce(l, getLoc(), getX(), getY(), getAxes(), Combine::prod); }

/// Two plain reductions: the largest, then the smallest index that holds it (or a NaN, as NumPy counts).
FailureOr<Value> ArgmaxOp::lower(Lowering &lowering) {
  auto from = tensorType(getX()), to = tensorType(getY());
  int64_t rank = from.getRank(), axis = getAxis();
  SmallVector<AffineExpr> kept;
  for (int64_t other = 0; other < rank; ++other)
    if (other != axis)
      kept.push_back(lowering.builder.getAffineDimExpr(other));
  AffineMap out = AffineMap::get(rank, 0, kept, getContext()), all = lowering.identity(rank);
  Value largest = lowering.generic(getLoc(), to.clone(from.getElementType()), from.getShape(), out, {{getX(), all}},
                                   Combine::max, firstElement);
  lowering.define(largest, largest);
  auto body = [&](ScalarBuilder &s, ValueRange elements, ValueRange index) {
    Value x = elements[0], isLargest = s.compare(ComparePredicate::eq, x, elements[1]);
    Value found = s.logicalOr(isLargest, s.compare(ComparePredicate::ne, x, x));
    Value none = s.constant(static_cast<double>(from.getDimSize(axis) - 1), s.builder.getI32Type());
    return s.select(found, s.cast(index[axis], s.builder.getI32Type()), none);
  };
  return lowering.generic(getLoc(), to, from.getShape(), out, {{getX(), all}, {largest, out}}, Combine::min, body);
}

/// The result's axes become the outermost dimensions, in their order, whichever contraction this is the gradient of:
/// rows are tiled, the last axis runs in lanes, and an element-wise reader has the same domain.
FailureOr<Value> ContractOp::lower(Lowering &lowering) {
  unsigned dims = getMap(0).getNumDims(), next = 0;
  SmallVector<AffineExpr> place(dims);
  for (AffineExpr expr : getMap(2).getResults())
    place[cast<AffineDimExpr>(expr).getPosition()] = lowering.builder.getAffineDimExpr(next++);
  // What is summed goes through the right operand, a weight or a gradient, as it lies.
  for (AffineExpr expr : getMap(1).getResults())
    if (AffineExpr &mine = place[cast<AffineDimExpr>(expr).getPosition()]; !mine)
      mine = lowering.builder.getAffineDimExpr(next++);
  for (AffineExpr &expr : place)
    if (!expr)
      expr = lowering.builder.getAffineDimExpr(next++);
  auto ordered = [&](unsigned i) { return getMap(i).replaceDimsAndSymbols(place, {}, dims, 0); };

  SmallVector<int64_t> sizes(dims);
  Value operands[] = {getA(), getB()};
  Lowering::Read reads[2];
  for (unsigned i = 0; i < 2; ++i) {
    reads[i] = {operands[i], ordered(i)};
    for (auto [axis, expr] : llvm::enumerate(ordered(i).getResults()))
      sizes[cast<AffineDimExpr>(expr).getPosition()] = tensorType(operands[i]).getDimSize(axis);
  }
  // The last axis of a result with several runs in lanes: where a weight has it elsewhere (the input gradient of a
  // convolution), it is turned round once. Matrices are transposed panel by panel, in passes/schedule.
  unsigned rank = getY().getType().getRank();
  for (Lowering::Read &read : reads)
    if (tensorType(read.value).hasStaticShape() && rank > 2 && read.map.isFunctionOfDim(rank - 1))
      read = lowering.withLastDimension(getLoc(), read, rank - 1);
  return lowering.generic(getLoc(), getY().getType(), sizes, ordered(2), reads,
                          Combine::sum,
                          [](ScalarBuilder &s, ValueRange e, ValueRange) { return s.mul(e[0], e[1]); });
}

FailureOr<Value> MultiHotOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<MultiHotOp>(getLoc(), getY().getType(), getTokens()));
}

FailureOr<Value> CountOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<CountOp>(getLoc(), getY().getType(), getTokens()));
}

FailureOr<Value> GatherSumOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<GatherSumOp>(getLoc(), getTokens(), lowering.materialize(getTable()), getDistinctAttr()));
}

FailureOr<Value> ScatterAddOp::lower(Lowering &lowering) {
  return Value(lowering.builder.create<ScatterAddOp>(getLoc(), getTokens(), lowering.materialize(getRows()), getDistinctAttr()));
}

} // namespace hornfels::horn
