#include "passes/lazy/Decay.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
namespace {

/// What is known of a scalar in a row without gradient.
struct Fact {
  enum Kind {
    unknown,
    zero,     ///< +0
    positive, ///< above 0, perhaps infinite; never so small that it is flushed to 0
    rate,     ///< finite, not negative
    input     ///< the input `number` times `factor`
  } kind = unknown;
  unsigned number = 0;
  double factor = 1;
  bool isNotNegative = false; ///< known of whatever kind: a slot, its root
};

class Row {
public:
  /// `slots`: inputs that are not negative.
  Row(linalg::GenericOp update, const UpdateOperands &operands, const llvm::SmallDenseSet<unsigned> &slots)
      : update(update), operands(operands), slots(slots) {}

  /// Follows the body; nothing is known of what has no rule.
  void follow() {
    Block *body = update.getBody();
    for (BlockArgument argument : body->getArguments())
      facts[argument] = ofInput(argument.getArgNumber());
    for (Operation &op : body->without_terminator())
      if (op.getNumResults() == 1)
        facts[op.getResult(0)] = ofOperation(op);
  }

  Fact of(Value value) const {
    if (FloatAttr constant = constantOf(value)) {
      double number = constant.getValueAsDouble();
      // Smaller ones may be flushed, or be lost beside a rounding.
      bool normal = number >= APFloat::getSmallestNormalized(constant.getValue().getSemantics()).convertToDouble();
      return {normal && std::isfinite(number)      ? Fact::positive
              : constant.getValue().isPosZero()    ? Fact::zero
                                                   : Fact::unknown};
    }
    return facts.lookup(value);
  }

  /// Not negative in any row, whatever its gradient, if slots are not, and a number if gradient and slots are: sums of such,
  /// their roots, products with constants, squares of the gradient. (Infinity times zero is no number.)
  bool staysNotNegative(Value value) const {
    if (FloatAttr constant = constantOf(value))
      return constant.getValueAsDouble() >= 0 && constant.getValue().isFinite();
    if (auto argument = dyn_cast<BlockArgument>(value))
      return facts.lookup(argument).isNotNegative || facts.lookup(argument).kind == Fact::rate;
    Operation *op = value.getDefiningOp();
    if (auto math = dyn_cast<MathOp>(op))
      return math.getFunction() == "sqrt"     ? staysNotNegative(math.getOperand(0))
             : math.getFunction() == "square" ? isScaledGradient(math.getOperand(0))
                                              : false;
    if (isa<arith::MulFOp>(op) && op->getOperand(0) == op->getOperand(1))
      return isScaledGradient(op->getOperand(0));
    if (isa<arith::MulFOp>(op) && !constantOf(op->getOperand(0)) && !constantOf(op->getOperand(1)))
      return false;
    return isa<arith::AddFOp, arith::MulFOp>(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return staysNotNegative(operand); });
  }

private:
  /// The gradient, times constants.
  bool isScaledGradient(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getArgNumber() == operands.gradient;
    auto product = value.getDefiningOp<arith::MulFOp>();
    if (!product)
      return false;
    for (auto [factor, other] : {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      if (FloatAttr constant = constantOf(factor); constant && constant.getValue().isFinite())
        return isScaledGradient(other);
    return false;
  }

  static FloatAttr constantOf(Value value) {
    auto constant = value.getDefiningOp<arith::ConstantOp>();
    return constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  }

  Fact ofInput(unsigned number) const {
    if (number >= update.getNumDpsInputs())
      return {};
    if (number == operands.gradient)
      return {Fact::zero};
    if (operands.rates.contains(number))
      return {Fact::rate};
    return {Fact::input, number, 1, slots.contains(number)};
  }

  Fact ofOperation(Operation &op) const {
    if (auto math = dyn_cast<MathOp>(op))
      return ofFunction(math);
    if (op.getNumOperands() != 2)
      return {};
    Fact x = of(op.getOperand(0)), y = of(op.getOperand(1));
    if (isa<arith::MulFOp>(op))
      return product(op, x, y);
    if (isa<arith::AddFOp>(op))
      return sum(x, y);
    if (isa<arith::SubFOp>(op)) // x - (+0) is x, also where x is -0
      return y.kind == Fact::zero ? x : Fact();
    if (isa<arith::DivFOp>(op))
      return x.kind == Fact::zero && y.kind == Fact::positive ? x : Fact();
    return {};
  }

  Fact ofFunction(MathOp math) const {
    Fact x = of(math.getOperand(0));
    if (math.getFunction() == "square")
      return x.kind == Fact::zero ? x : Fact();
    if (math.getFunction() == "sqrt") // the root of a normal number is one
      return x.kind == Fact::zero || x.kind == Fact::positive ? x : Fact{Fact::unknown, 0, 1, x.isNotNegative};
    return {};
  }

  Fact product(Operation &op, const Fact &x, const Fact &y) const {
    auto isFinite = [&](const Fact &fact, Value value) {
      return fact.kind == Fact::zero || fact.kind == Fact::rate || constantOf(value);
    };
    for (auto [a, b, other] : {std::tuple(x, y, op.getOperand(1)), std::tuple(y, x, op.getOperand(0))}) {
      if (a.kind == Fact::zero && isFinite(b, other) && b.kind != Fact::unknown)
        return {Fact::zero};
      if (a.kind == Fact::input && a.factor == 1 && b.kind == Fact::positive && constantOf(other)) {
        double factor = constantOf(other).getValueAsDouble();
        return factor <= 1 ? Fact{Fact::input, a.number, factor, a.isNotNegative} : Fact();
      }
    }
    return {};
  }

  static bool isNotNegative(const Fact &fact) {
    return fact.isNotNegative || fact.kind == Fact::zero || fact.kind == Fact::positive || fact.kind == Fact::rate;
  }

  Fact sum(const Fact &x, const Fact &y) const {
    for (auto [a, b] : {std::pair(x, y), std::pair(y, x)}) {
      // -0 + (+0) is +0: only of what is not negative it is said that nothing changes.
      if (a.kind == Fact::zero && (b.isNotNegative || b.kind == Fact::zero || b.kind == Fact::positive))
        return b;
      if (a.kind == Fact::positive && isNotNegative(b))
        return {Fact::positive};
    }
    return {Fact::unknown, 0, 1, isNotNegative(x) && isNotNegative(y)};
  }

  mutable linalg::GenericOp update; ///< MLIR's handles are not const
  const UpdateOperands &operands;
  const llvm::SmallDenseSet<unsigned> &slots;
  DenseMap<Value, Fact> facts;
};

/// The inputs that are overwritten and never become negative if they are not: as many as prove each other.
llvm::SmallDenseSet<unsigned> slotsOf(linalg::GenericOp update, const UpdateOperands &operands) {
  llvm::SmallDenseSet<unsigned> slots;
  for (std::optional<unsigned> input : operands.overwritten)
    if (input && operands.slots.contains(*input))
      slots.insert(*input);
  for (bool changed = true; changed;) {
    changed = false;
    Row row(update, operands, slots);
    row.follow();
    for (auto [index, yielded] : llvm::enumerate(update.getBody()->getTerminator()->getOperands()))
      if (std::optional<unsigned> input = operands.overwritten[index]; input && !row.staysNotNegative(yielded))
        changed |= slots.erase(*input);
  }
  return slots;
}

} // namespace

std::optional<llvm::SmallDenseMap<unsigned, double>> decaysWithoutGradient(linalg::GenericOp update,
                                                                           const UpdateOperands &operands) {
  llvm::SmallDenseSet<unsigned> slots = slotsOf(update, operands);
  Row row(update, operands, slots);
  row.follow();
  llvm::SmallDenseMap<unsigned, double> factors;
  for (auto [index, yielded] : llvm::enumerate(update.getBody()->getTerminator()->getOperands())) {
    std::optional<unsigned> overwritten = operands.overwritten[index];
    if (!overwritten)
      continue;
    Fact fact = row.of(yielded);
    if (fact.kind != Fact::input || fact.number != *overwritten)
      return std::nullopt;
    factors[*overwritten] = fact.factor;
  }
  return factors;
}

} // namespace hornfels
