// The gradients that do not fit into one line of a record.
#include "ir/Builders.h"

using namespace mlir;

namespace hornfels::horn {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

using Gradients = SmallVectorImpl<Value>;

/// A condition has no slope.
void CompareOp::buildGradient(GradientBuilder &, Value, Gradients &dx) { dx.assign(2, Value()); }

void SelectOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  if (!isa<FloatType>(getY().getType().getElementType())) {
    dx.assign(3, Value());
    return;
  }
  dx.push_back(Value());
  dx.push_back(g.select(getCondition(), dy, 0.0));
  dx.push_back(g.select(getCondition(), 0.0, dy));
}

void CastOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  Type from = getX().getType().getElementType(), to = getY().getType().getElementType();
  bool real = isa<FloatType>(from) && isa<FloatType>(to);
  dx.push_back(real ? g.toElement(dy, from) : Value());
}

void StopGradientOp::buildGradient(GradientBuilder &, Value, Gradients &dx) { dx.push_back(Value()); }

/// dx = the sum of dy over the axes along which x was repeated
void BroadcastOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  SmallVector<int64_t> repeated;
  for (int64_t axis = 0; axis < getY().getType().getRank(); ++axis)
    if (!llvm::is_contained(getDims(), axis))
      repeated.push_back(axis);
  dx.push_back(g.sum(dy, repeated));
}

void ReshapeOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(g.builder.create<ReshapeOp>(g.loc, getX().getType(), dy));
}

void TransposeOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    inverse[from] = to;
  dx.push_back(g.builder.create<TransposeOp>(g.loc, dy, inverse));
}

void SliceOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(g.builder.create<EmbedOp>(g.loc, getX().getType(), dy, getOffsets(), getStrides()));
}

static Value sliceOf(GradientBuilder &g, Value dy, ArrayRef<int64_t> offsets, RankedTensorType type,
                     ArrayRef<int64_t> strides) {
  SmallVector<int64_t> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(size == kBatch ? -1 : size);
  return g.builder.create<SliceOp>(g.loc, dy, offsets, sizes, strides);
}

void EmbedOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(sliceOf(g, dy, getOffsets(), tensorType(getX()), getStrides()));
}

void ConcatOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  SmallVector<int64_t> offsets(getY().getType().getRank(), 0), strides(getY().getType().getRank(), 1);
  for (Value x : getXs()) {
    dx.push_back(sliceOf(g, dy, offsets, tensorType(x), strides));
    offsets[getAxis()] += tensorType(x).getDimSize(getAxis());
  }
}

void ReduceSumOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(g.broadcastAlong(dy, getX().getType(), getAxes()));
}

/// dx = dy / (number of equal extrema) where x is the extremum, else 0
static Value extremumGradient(GradientBuilder &g, Value x, Value y, Value dy, ArrayRef<int64_t> axes) {
  Value wide = g.broadcastAlong(y, x.getType(), axes);
  Value isExtremum = g.builder.create<CompareOp>(g.loc, ComparePredicate::eq, x, wide);
  Value one = g.builder.create<CastOp>(g.loc, x.getType(), isExtremum);
  Value share = g.div(dy, g.sum(one, axes));
  return g.mul(one, g.broadcastAlong(share, x.getType(), axes));
}

void ReduceMaxOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(extremumGradient(g, getX(), getY(), dy, getAxes()));
}

void ReduceMinOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(extremumGradient(g, getX(), getY(), dy, getAxes()));
}

/// dx = dy * y / x
void ReduceProdOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(g.div(g.broadcastAlong(g.mul(dy, getY()), getX().getType(), getAxes()), getX()));
}

void ArgmaxOp::buildGradient(GradientBuilder &, Value, Gradients &dx) { dx.push_back(Value()); }

/// y = contract(a, b):  da = contract(dy, b), db = contract(a, dy); only the maps change places.
void ContractOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(g.builder.create<ContractOp>(g.loc, dy, getB(), getMap(2), getMap(1), getMap(0)));
  dx.push_back(g.builder.create<ContractOp>(g.loc, getA(), dy, getMap(0), getMap(2), getMap(1)));
}

void MultiHotOp::buildGradient(GradientBuilder &, Value, Gradients &dx) { dx.push_back(Value()); }
void CountOp::buildGradient(GradientBuilder &, Value, Gradients &dx) { dx.push_back(Value()); }

void GatherSumOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(Value());
  dx.push_back(g.builder.create<ScatterAddOp>(g.loc, getTokens(), dy, getDistinctAttr()));
}

void ScatterAddOp::buildGradient(GradientBuilder &g, Value dy, Gradients &dx) {
  dx.push_back(Value());
  dx.push_back(g.builder.create<GatherSumOp>(g.loc, getTokens(), dy, getDistinctAttr()));
}

} // namespace hornfels::horn
