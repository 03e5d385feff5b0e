#include "ir/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace hornfels::horn {

/// The value of an affine expression (sums and products with constants) at a point of the domain.
static Value evaluate(OpBuilder &b, Location loc, AffineExpr expr, ValueRange index) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return b.create<arith::ConstantIndexOp>(loc, constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return index[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = evaluate(b, loc, binary.getLHS(), index), rhs = evaluate(b, loc, binary.getRHS(), index);
  if (expr.getKind() == AffineExprKind::Mul)
    return b.create<arith::MulIOp>(loc, lhs, rhs);
  return b.create<arith::AddIOp>(loc, lhs, rhs);
}

/// Follows views from a read to what is stored.
static Lowering::Read resolve(Lowering::Read read, const DenseMap<Value, Value> &lowered) {
  while (!lowered.contains(read.value)) {
    auto view = read.value.getDefiningOp<ViewOp>();
    if (!view)
      break;
    AffineMap source = view.getSourceMap();
    if (!source)
      break;
    read.map = source.compose(read.map);
    read.value = view->getOperand(0);
  }
  return read;
}

static double neutral(Combine combine, Type element) {
  bool real = isa<FloatType>(element);
  double largest = real ? std::numeric_limits<double>::infinity() : 2147483647.0;
  switch (combine) {
  case Combine::max:
    return real ? -largest : -largest - 1;
  case Combine::min:
    return largest;
  case Combine::prod:
    return 1.0;
  default:
    return 0.0;
  }
}

static Value combineElements(ScalarBuilder &s, Combine combine, Value accumulator, Value element) {
  switch (combine) {
  case Combine::max:
    return s.max(accumulator, element);
  case Combine::min:
    return s.min(accumulator, element);
  case Combine::prod:
    return s.mul(accumulator, element);
  default:
    return s.add(accumulator, element);
  }
}

Value Lowering::empty(Location loc, RankedTensorType type) {
  SmallVector<Value> sizes(type.getNumDynamicDims(), batch);
  return builder.create<tensor::EmptyOp>(loc, type, sizes);
}

namespace {
/// The domain without its dimensions of size 1.
struct Domain {
  Domain(ArrayRef<int64_t> all, AffineMap out, MLIRContext *context) : context(context) {
    for (auto [position, size] : llvm::enumerate(all)) {
      bool kept = size != 1;
      replacement.push_back(kept ? getAffineDimExpr(sizes.size(), context) : getAffineConstantExpr(0, context));
      if (!kept)
        continue;
      sizes.push_back(size);
      bool parallel = out.isFunctionOfDim(position);
      iterators.push_back(parallel ? utils::IteratorType::parallel : utils::IteratorType::reduction);
      reduces |= !parallel;
    }
  }
  AffineMap rewrite(AffineMap map) const {
    return simplifyAffineMap(map.replaceDimsAndSymbols(replacement, {}, sizes.size(), 0));
  }
  /// Where only the first elements of an axis are read, the index is d mod (size of the axis), which is d: linalg would
  /// infer the domain from a bare d.
  AffineMap markFirstElements(AffineMap map, ArrayRef<int64_t> shape) const {
    SmallVector<AffineExpr> exprs(map.getResults());
    for (auto [expr, size] : llvm::zip_equal(exprs, shape))
      if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && sizes[dim.getPosition()] != size)
        expr = expr % size;
    return AffineMap::get(map.getNumDims(), 0, exprs, context);
  }
  MLIRContext *context;
  SmallVector<AffineExpr> replacement;
  SmallVector<int64_t> sizes;
  SmallVector<utils::IteratorType> iterators;
  bool reduces = false;
};
} // namespace

Value Lowering::generic(Location loc, RankedTensorType type, ArrayRef<int64_t> sizes, AffineMap out,
                        ArrayRef<Read> reads, Combine combine, Body body) {
  Domain domain(sizes, out, builder.getContext());

  // linalg infers the domain from its operands: some axis must be indexed by each dimension alone. Where only views
  // (x[3:7]) or generators have a dimension, their reader needs them as tensors of their own.
  llvm::SmallBitVector inferred(sizes.size(), false);
  auto infer = [&](AffineMap map, ArrayRef<int64_t> shape) {
    for (auto [expr, size] : llvm::zip_equal(map.getResults(), shape))
      if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && sizes[dim.getPosition()] == size)
        inferred.set(dim.getPosition());
  };
  infer(out, type.getShape());
  for (const Read &read : reads) {
    Read stored = resolve(read, lowered_);
    if (lowered_.contains(stored.value) || !stored.value.getDefiningOp<GeneratorOp>())
      infer(stored.map, cast<RankedTensorType>(stored.value.getType()).getShape());
  }
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (size == 1)
      inferred.set(dim);
  SmallVector<Read> sources(reads);
  if (!inferred.all())
    for (Read &source : sources)
      source.value = materialize(source.value);

  // What is stored is an operand; what is computed from its place is built into the body.
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  SmallVector<Read> resolved;
  SmallVector<int64_t> operandOf; // -1: a generator
  for (Read read : sources) {
    read = resolve(read, lowered_);
    read.map = domain.rewrite(read.map);
    resolved.push_back(read);
    if (!lowered_.contains(read.value) && read.value.getDefiningOp<GeneratorOp>()) {
      operandOf.push_back(-1);
      continue;
    }
    Value stored = materialize(read.value);
    read.map = domain.markFirstElements(read.map, cast<RankedTensorType>(stored.getType()).getShape());
    int64_t slot = 0;
    while (slot < static_cast<int64_t>(operands.size()) && (operands[slot] != stored || maps[slot] != read.map))
      ++slot;
    operandOf.push_back(slot);
    if (slot == static_cast<int64_t>(operands.size())) {
      operands.push_back(stored);
      maps.push_back(read.map);
    }
  }

  Value init = empty(loc, type);
  if (domain.reduces) {
    ScalarBuilder s(builder, loc);
    Value start = s.constant(neutral(combine, type.getElementType()), type.getElementType());
    init = builder.create<linalg::FillOp>(loc, start, init).getResult(0);
  }
  maps.push_back(domain.rewrite(out));

  auto buildBody = [&](OpBuilder &b, Location bodyLoc, ValueRange arguments) {
    ScalarBuilder s(b, bodyLoc);
    SmallVector<Value> index, elements;
    auto indices = [&]() -> ValueRange {
      for (size_t dim = index.size(); dim < domain.sizes.size(); ++dim)
        index.push_back(b.create<linalg::IndexOp>(bodyLoc, dim));
      return index;
    };
    for (auto [read, slot] : llvm::zip(resolved, operandOf)) {
      if (slot >= 0) {
        elements.push_back(arguments[slot]);
        continue;
      }
      SmallVector<Value> place;
      for (AffineExpr expr : read.map.getResults())
        place.push_back(evaluate(b, bodyLoc, expr, indices()));
      elements.push_back(read.value.getDefiningOp<GeneratorOp>().buildElement(s, place));
    }
    SmallVector<Value> full;
    for (AffineExpr expr : domain.replacement)
      full.push_back(evaluate(b, bodyLoc, expr, indices()));
    Value element = body(s, elements, full);
    if (domain.reduces)
      element = combineElements(s, combine, arguments.back(), element);
    b.create<linalg::YieldOp>(bodyLoc, element);
  };
  auto op = builder.create<linalg::GenericOp>(loc, TypeRange{type}, operands, ValueRange{init}, maps, domain.iterators,
                                              buildBody);
  return op.getResult(0);
}

Value Lowering::filled(Location loc, RankedTensorType type, double number) {
  return generic(loc, type, type.getShape(), identity(type.getRank()), {}, Combine::none,
                 [&](ScalarBuilder &s, ValueRange, ValueRange) { return s.constant(number, type.getElementType()); });
}

Value Lowering::embed(Location loc, RankedTensorType type, Value x, ArrayRef<int64_t> offsets, ArrayRef<int64_t> strides,
                      double number) {
  return builder.create<InsertOp>(loc, x, filled(loc, type, number), offsets, strides);
}

Lowering::Read Lowering::withLastDimension(Location loc, const Read &read, unsigned dim) {
  auto type = cast<RankedTensorType>(read.value.getType());
  int64_t last = type.getRank() - 1, axis = *read.map.getResultPosition(builder.getAffineDimExpr(dim));
  if (axis == last || type.getDimSize(axis) == 1)
    return read;
  // turned[..., last, ..., axis] = value[..., axis, ..., last]
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<AffineExpr> from, to(read.map.getResults());
  for (int64_t i = 0; i <= last; ++i)
    from.push_back(builder.getAffineDimExpr(i));
  shape.erase(shape.begin() + axis);
  shape.push_back(type.getDimSize(axis));
  to.erase(to.begin() + axis);
  to.push_back(builder.getAffineDimExpr(dim));
  for (int64_t i = axis; i <= last; ++i)
    from[i] = builder.getAffineDimExpr(i == axis ? last : i - 1);
  Value turned = generic(loc, type.clone(shape), shape, identity(last + 1),
                         {{read.value, AffineMap::get(last + 1, 0, from, builder.getContext())}}, Combine::none,
                         [](ScalarBuilder &, ValueRange elements, ValueRange) { return elements[0]; });
  define(turned, turned);
  return {turned, AffineMap::get(read.map.getNumDims(), 0, to, builder.getContext())};
}

Value Lowering::copy(Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  AffineMap map = identity(type.getRank());
  return generic(loc, type, type.getShape(), map, {{value, map}}, Combine::none,
                 [](ScalarBuilder &, ValueRange elements, ValueRange) { return elements[0]; });
}

Value Lowering::materialize(Value value) {
  auto found = lowered_.find(value);
  if (found != lowered_.end())
    return found->second;
  if (!isa<RankedTensorType>(value.getType()))
    return value;
  // A view or a generator that has to be stored is copied; anything else is stored already.
  Operation *op = value.getDefiningOp();
  Value tensor = op && isa<ViewOp, GeneratorOp>(op) ? copy(op->getLoc(), value) : value;
  lowered_[value] = tensor;
  return tensor;
}

} // namespace hornfels::horn
