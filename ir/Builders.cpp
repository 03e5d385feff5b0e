#include "ir/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace hornfels::horn {

static bool isReal(Value x) { return isa<FloatType>(x.getType()); }

Value ScalarBuilder::constant(double value, Type type) {
  TypedAttr attr = isa<FloatType>(type) ? TypedAttr(builder.getFloatAttr(type, value))
                                        : TypedAttr(builder.getIntegerAttr(type, int64_t(value)));
  return builder.create<arith::ConstantOp>(loc, attr);
}

template <typename Float, typename Int> static Value either(ScalarBuilder &s, Value a, Value b) {
  if (isReal(a))
    return s.builder.create<Float>(s.loc, a, b);
  return s.builder.create<Int>(s.loc, a, b);
}

Value ScalarBuilder::neg(Value x) {
  return isReal(x) ? Value(builder.create<arith::NegFOp>(loc, x)) : sub(constant(0, x.getType()), x);
}
Value ScalarBuilder::add(Value a, Value b) { return either<arith::AddFOp, arith::AddIOp>(*this, a, b); }
Value ScalarBuilder::sub(Value a, Value b) { return either<arith::SubFOp, arith::SubIOp>(*this, a, b); }
Value ScalarBuilder::mul(Value a, Value b) { return either<arith::MulFOp, arith::MulIOp>(*this, a, b); }
Value ScalarBuilder::div(Value a, Value b) { return either<arith::DivFOp, arith::DivSIOp>(*this, a, b); }
Value ScalarBuilder::max(Value a, Value b) { return either<arith::MaximumFOp, arith::MaxSIOp>(*this, a, b); }
Value ScalarBuilder::min(Value a, Value b) { return either<arith::MinimumFOp, arith::MinSIOp>(*this, a, b); }

Value ScalarBuilder::compare(ComparePredicate predicate, Value a, Value b) {
  static constexpr arith::CmpFPredicate ofReals[] = {arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
                                                     arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE,
                                                     arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE};
  static constexpr arith::CmpIPredicate ofInts[] = {arith::CmpIPredicate::slt, arith::CmpIPredicate::sle,
                                                    arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge,
                                                    arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne};
  unsigned index = static_cast<unsigned>(predicate);
  if (isReal(a))
    return builder.create<arith::CmpFOp>(loc, ofReals[index], a, b);
  return builder.create<arith::CmpIOp>(loc, ofInts[index], a, b);
}

Value ScalarBuilder::select(Value condition, Value a, Value b) {
  return builder.create<arith::SelectOp>(loc, condition, a, b);
}
Value ScalarBuilder::logicalNot(Value x) {
  return builder.create<arith::XOrIOp>(loc, x, builder.create<arith::ConstantOp>(loc, builder.getBoolAttr(true)));
}
Value ScalarBuilder::logicalAnd(Value a, Value b) { return builder.create<arith::AndIOp>(loc, a, b); }
Value ScalarBuilder::logicalOr(Value a, Value b) { return builder.create<arith::OrIOp>(loc, a, b); }

Value ScalarBuilder::cast(Value x, Type type) {
  Type from = x.getType();
  if (from == type)
    return x;
  if (isa<FloatType>(type)) {
    if (from.isInteger(1))
      return builder.create<arith::UIToFPOp>(loc, type, x);
    if (!isa<FloatType>(from))
      return builder.create<arith::SIToFPOp>(loc, type, x);
    if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
      return builder.create<arith::ExtFOp>(loc, type, x);
    return builder.create<arith::TruncFOp>(loc, type, x);
  }
  if (isa<FloatType>(from))
    return builder.create<arith::FPToSIOp>(loc, type, x);
  if (from.isIndex() || type.isIndex())
    return builder.create<arith::IndexCastOp>(loc, type, x);
  if (from.isInteger(1))
    return builder.create<arith::ExtUIOp>(loc, type, x);
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return builder.create<arith::ExtSIOp>(loc, type, x);
  return builder.create<arith::TruncIOp>(loc, type, x);
}

Value ScalarBuilder::call(StringRef function, ValueRange operands) {
  return builder.create<MathOp>(loc, operands.front().getType(), builder.getStringAttr(function), operands);
}

Value GradientBuilder::full(Type type, double value) { return builder.create<FullOp>(loc, type, value); }

Value GradientBuilder::materialize(Operand operand, Type type) {
  return operand.value ? operand.value : full(type, operand.number);
}

template <typename Op> Value GradientBuilder::unary(Value x) { return builder.create<Op>(loc, x); }

template <typename Op> Value GradientBuilder::binary(Operand a, Operand b) {
  Type type = a.value ? a.value.getType() : b.value.getType();
  return builder.create<Op>(loc, materialize(a, type), materialize(b, type));
}

Value GradientBuilder::compare(ComparePredicate predicate, Operand a, Operand b) {
  Type type = a.value ? a.value.getType() : b.value.getType();
  return builder.create<CompareOp>(loc, predicate, materialize(a, type), materialize(b, type));
}

Value GradientBuilder::neg(Value x) { return unary<NegOp>(x); }
Value GradientBuilder::exp(Value x) { return unary<ExpOp>(x); }
Value GradientBuilder::log(Value x) { return unary<LogOp>(x); }
Value GradientBuilder::sin(Value x) { return unary<SinOp>(x); }
Value GradientBuilder::cos(Value x) { return unary<CosOp>(x); }
Value GradientBuilder::sign(Value x) { return unary<SignOp>(x); }
Value GradientBuilder::sigmoid(Value x) { return unary<SigmoidOp>(x); }
Value GradientBuilder::add(Operand a, Operand b) { return binary<AddOp>(a, b); }
Value GradientBuilder::sub(Operand a, Operand b) { return binary<SubOp>(a, b); }
Value GradientBuilder::mul(Operand a, Operand b) { return binary<MulOp>(a, b); }
Value GradientBuilder::div(Operand a, Operand b) { return binary<DivOp>(a, b); }
Value GradientBuilder::max(Operand a, Operand b) { return binary<MaxOp>(a, b); }
Value GradientBuilder::pow(Operand a, Operand b) { return binary<PowOp>(a, b); }
Value GradientBuilder::greater(Operand a, Operand b) { return compare(ComparePredicate::gt, a, b); }
Value GradientBuilder::greaterEqual(Operand a, Operand b) { return compare(ComparePredicate::ge, a, b); }

Value GradientBuilder::select(Value condition, Operand a, Operand b) {
  Type type = a.value ? a.value.getType() : b.value.getType();
  return builder.create<SelectOp>(loc, type, condition, materialize(a, type), materialize(b, type));
}

Value GradientBuilder::toElement(Value x, Type element) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getElementType() == element)
    return x;
  return builder.create<CastOp>(loc, type.clone(element), x);
}

Value GradientBuilder::sum(Value x, ArrayRef<int64_t> axes) {
  return axes.empty() ? x : Value(builder.create<ReduceSumOp>(loc, x, axes));
}

Value GradientBuilder::broadcastAlong(Value x, Type type, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  SmallVector<int64_t> dims;
  for (int64_t axis = 0, rank = cast<RankedTensorType>(type).getRank(); axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      dims.push_back(axis);
  return builder.create<BroadcastOp>(loc, type, x, dims);
}

} // namespace hornfels::horn
