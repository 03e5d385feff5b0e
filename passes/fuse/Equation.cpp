#include "passes/fuse/Equation.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

static constexpr unsigned mostNesting = 24;

static std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.6g", value);
  return text;
}

/// In parentheses if it is a sum.
static std::string factor(const std::string &text) {
  return text.find(" + ") == std::string::npos && text.find(" - ") == std::string::npos ? text : "(" + text + ")";
}

static StringRef comparison(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OLT:
    return " < ";
  case arith::CmpFPredicate::OLE:
    return " <= ";
  case arith::CmpFPredicate::OGT:
    return " > ";
  case arith::CmpFPredicate::OGE:
    return " >= ";
  case arith::CmpFPredicate::OEQ:
    return " == ";
  default:
    return " != ";
  }
}

/// A value of a generic's body.
std::string EquationWriter::scalarText(Value value, Operation *generic, ArrayRef<Operation *> unit, unsigned depth) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto structured = cast<linalg::GenericOp>(generic);
    return valueText(structured->getOperand(argument.getArgNumber()), unit, depth);
  }
  Operation *op = value.getDefiningOp();
  if (depth > mostNesting)
    return "...";
  auto x = [&](unsigned i) { return scalarText(op->getOperand(i), generic, unit, depth + 1); };
  auto call = [&](StringRef name) {
    std::string text = name.str() + "(";
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      text += (i ? ", " : "") + x(i);
    return text + ")";
  };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case<arith::ConstantOp>([](arith::ConstantOp constant) {
        if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
          return number(real.getValueAsDouble());
        return std::to_string(cast<IntegerAttr>(constant.getValue()).getInt());
      })
      .Case<arith::AddFOp, arith::AddIOp>([&](auto) { return x(0) + " + " + x(1); })
      .Case<arith::SubFOp, arith::SubIOp>([&](auto) { return x(0) + " - " + factor(x(1)); })
      .Case<arith::MulFOp, arith::MulIOp>([&](auto) { return factor(x(0)) + " * " + factor(x(1)); })
      .Case<arith::DivFOp, arith::DivSIOp>([&](auto) { return factor(x(0)) + " / " + factor(x(1)); })
      .Case<arith::NegFOp>([&](auto) { return "-" + factor(x(0)); })
      .Case<arith::MaximumFOp, arith::MaxSIOp>([&](auto) { return call("max"); })
      .Case<arith::MinimumFOp, arith::MinSIOp>([&](auto) { return call("min"); })
      .Case<arith::CmpFOp>([&](arith::CmpFOp compare) { return x(0) + comparison(compare.getPredicate()).str() + x(1); })
      .Case<arith::SelectOp>([&](auto) { return "(" + x(0) + " ? " + x(1) + " : " + x(2) + ")"; })
      .Case<MathOp>([&](MathOp math) { return call(math.getFunction()); })
      .Case<RandomElementOp>([](RandomElementOp random) { return random.getFunction().str() + "()"; })
      .Case<BatchOp>([](auto) { return std::string("batch"); })
      .Case<linalg::IndexOp>([](auto) { return std::string("index"); })
      .Default([&](Operation *other) { return other->getNumOperands() == 1 ? x(0) : call(other->getName().stripDialect()); });
}

std::string EquationWriter::valueText(Value value, ArrayRef<Operation *> unit, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (op && llvm::is_contained(unit, op) && depth <= mostNesting)
    return right(op, unit, depth + 1);
  return nameOf(value);
}

std::string EquationWriter::right(Operation *op, ArrayRef<Operation *> unit, unsigned depth) {
  if (auto gather = dyn_cast<GatherSumOp>(op))
    return "sum of " + nameOf(gather.getTable()) + "[id] over the ids of a row of " + nameOf(gather.getTokens());
  if (auto scatter = dyn_cast<ScatterAddOp>(op))
    return "for each id of each row of " + nameOf(scatter.getTokens()) + ": [id] += " + nameOf(scatter.getRows()) + "[row]";
  if (auto gather = dyn_cast<GatherOp>(op))
    return nameOf(gather.getTable()) + "[" + nameOf(gather.getIds()) + "]";
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return "for each id of " + nameOf(scatter.getIds()) + ": [id] += " + nameOf(scatter.getRows());
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic) {
    std::string text = op->getName().stripDialect().str() + "(";
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      text += (i ? ", " : "") + valueText(operand, unit, depth);
    return text + ")";
  }
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  if (generic.getNumReductionLoops() == 0)
    return scalarText(yielded, op, unit, depth);
  // The last operation combines the old value with a new element.
  Operation *combine = yielded.getDefiningOp();
  Value old = generic.getBody()->getArguments().back();
  Value element = combine->getOperand(combine->getOperand(0) == old ? 1 : 0);
  StringRef range = op->hasAttr("horn.parts") ? " over each part of the batch" : "";
  if (auto product = element.getDefiningOp<arith::MulFOp>(); product && generic.getNumDpsInputs() == 2)
    return valueText(generic->getOperand(0), unit, depth) + " . " + valueText(generic->getOperand(1), unit, depth) +
           (range.empty() ? "" : ("," + range).str());
  Operation *producer = generic->getOperand(0).getDefiningOp();
  if (range.empty())
    range = reducesBatch(op)                                  ? " over the batch"
            : producer && producer->hasAttr("horn.parts")     ? " over the parts"
                                                              : " over the row";
  StringRef name = isa<arith::AddFOp, arith::AddIOp>(combine)          ? "sum"
                   : isa<arith::MaximumFOp, arith::MaxSIOp>(combine)   ? "max"
                   : isa<arith::MinimumFOp, arith::MinSIOp>(combine)   ? "min"
                                                                       : "product";
  return (name + range + " of ").str() + scalarText(element, op, unit, depth);
}

std::string EquationWriter::equation(Operation *op, ArrayRef<Operation *> unit) {
  constexpr size_t longest = 240;
  std::string text = nameOf(op->getResult(0)) + " = " + right(op, unit, 0);
  return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

} // namespace hornfels
