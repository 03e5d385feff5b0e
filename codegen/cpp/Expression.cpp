#include "codegen/cpp/Expression.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include <charconv>
#include <cmath>

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

std::string scalarType(Type element) {
  if (element.isF32())
    return "float";
  if (element.isF64())
    return "double";
  if (element.isInteger(1))
    return "bool";
  if (element.isIndex())
    return "long";
  return "int" + std::to_string(element.getIntOrFloatBitWidth()) + "_t";
}

std::string vectorType(Type element, unsigned lanes) {
  if (lanes <= 1)
    return scalarType(element);
  std::string count = std::to_string(lanes);
  if (element.isF32() && lanes >= 4)
    return "v" + count + "f";
  if (element.isF64() && lanes <= 8)
    return "v" + count + "d";
  if (element.isInteger(32) && lanes >= 4)
    return "v" + count + "i";
  return "vec<" + scalarType(element) + ", " + count + ">";
}

template <typename Float> static std::string shortest(Float value) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, end);
  if (text.find_first_of(".en") == std::string::npos)
    text += ".0";
  return text;
}

std::string literal(double value, Type type) {
  bool single = type.isF32();
  if (!isa<FloatType>(type)) {
    int64_t integer = static_cast<int64_t>(value);
    if (type.isInteger(1))
      return integer ? "true" : "false";
    // The smallest int has no literal of its own.
    if (type.isInteger(32) && integer == std::numeric_limits<int32_t>::min())
      return "(-2147483647 - 1)";
    return std::to_string(integer);
  }
  if (std::isinf(value))
    return std::string(value < 0 ? "-" : "") + (single ? "__builtin_inff()" : "__builtin_inf()");
  if (std::isnan(value))
    return single ? "__builtin_nanf(\"\")" : "__builtin_nan(\"\")";
  return single ? shortest(static_cast<float>(value)) + "f" : shortest(value);
}

std::string splat(const Expr &x, unsigned lanes) {
  if (x.lanes)
    return x.text;
  return "splat<" + vectorType(x.type, lanes) + ">(" + x.text + ")";
}

static Expr binary(StringRef symbol, Precedence precedence, const Expr &a, const Expr &b, Type type) {
  Expr result;
  result.text = a.in(precedence) + " " + symbol.str() + " " + b.tighterThan(precedence);
  result.precedence = precedence;
  result.lanes = a.lanes || b.lanes;
  result.type = type;
  return result;
}

/// f(a, b, ...): where one argument is in lanes, all are.
static Expr call(StringRef function, ArrayRef<Expr> arguments, unsigned lanes, Type type) {
  Expr result;
  result.lanes = llvm::any_of(arguments, [](const Expr &x) { return x.lanes; });
  result.type = type;
  result.text = function.str() + "(";
  for (auto [i, argument] : llvm::enumerate(arguments))
    // A count is one for all lanes.
    result.text += (i ? ", " : "") + (result.lanes && !argument.type.isIndex() ? splat(argument, lanes) : argument.text);
  result.text += ")";
  return result;
}

static Expr comparison(StringRef symbol, const Expr &a, const Expr &b, Type type) {
  Precedence precedence = symbol == "==" || symbol == "!=" ? Precedence::equality : Precedence::relation;
  Expr result = binary(symbol, precedence, a, b, type);
  result.maskBytes = a.type.getIntOrFloatBitWidth() / 8;
  return result;
}

static StringRef symbolOf(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OLT:
    return "<";
  case arith::CmpFPredicate::OLE:
    return "<=";
  case arith::CmpFPredicate::OGT:
    return ">";
  case arith::CmpFPredicate::OGE:
    return ">=";
  case arith::CmpFPredicate::OEQ:
    return "==";
  case arith::CmpFPredicate::UNE:
    return "!=";
  default:
    return "";
  }
}

static StringRef symbolOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::slt:
    return "<";
  case arith::CmpIPredicate::sle:
    return "<=";
  case arith::CmpIPredicate::sgt:
    return ">";
  case arith::CmpIPredicate::sge:
    return ">=";
  case arith::CmpIPredicate::eq:
    return "==";
  case arith::CmpIPredicate::ne:
    return "!=";
  default:
    return "";
  }
}

/// A condition as a mask of elements of so many bytes: -1 where it holds, else 0.
static Expr asMask(const Expr &condition, unsigned bytes, unsigned lanes) {
  Expr result = condition;
  result.maskBytes = bytes;
  if (condition.lanes && condition.maskBytes == bytes)
    return result;
  std::string vector = "vec<int" + std::to_string(bytes * 8) + "_t, " + std::to_string(lanes) + ">";
  result.lanes = true;
  result.precedence = Precedence::atom;
  if (condition.lanes)
    result.text = "convert<" + vector + ">(" + condition.text + ")";
  else
    result.text = "splat<" + vector + ">(" + condition.tighterThan(Precedence::conditional) + " ? -1 : 0)";
  return result;
}

/// The mask in elements as wide as those of `type`.
static std::string maskFor(const Expr &mask, Type type, unsigned lanes) {
  return asMask(mask, type.getIntOrFloatBitWidth() / 8, lanes).text;
}

static Expr selection(const Expr &mask, const Expr &a, const Expr &b, unsigned lanes, Type type) {
  if (type.isInteger(1) && (mask.lanes || a.lanes || b.lanes)) {
    // Of conditions in lanes: all three are masks of one width.
    unsigned bytes = std::max({mask.maskBytes, a.maskBytes, b.maskBytes});
    Expr result;
    result.type = type;
    result.lanes = true;
    result.maskBytes = bytes;
    result.text = "select(" + asMask(mask, bytes, lanes).text + ", " + asMask(a, bytes, lanes).text + ", " +
                  asMask(b, bytes, lanes).text + ")";
    return result;
  }
  Expr result;
  result.type = type;
  if (mask.lanes) {
    result.lanes = true;
    result.text = "select(" + maskFor(mask, type, lanes) + ", " + splat(a, lanes) + ", " + splat(b, lanes) + ")";
    return result;
  }
  result.lanes = a.lanes || b.lanes;
  result.precedence = Precedence::conditional;
  result.text = mask.tighterThan(Precedence::conditional) + " ? " + (result.lanes ? splat(a, lanes) : a.text) + " : " +
                (result.lanes ? splat(b, lanes) : b.text);
  return result;
}

/// Bool to number: 1 or 0.
static Expr fromBool(const Expr &x, unsigned lanes, Type type) {
  Expr one{literal(1, type), Precedence::atom, false, type, 0, {}}, zero{literal(0, type), Precedence::atom, false, type, 0, {}};
  return selection(x, one, zero, lanes, type);
}

static Expr conversion(const Expr &x, unsigned lanes, Type type) {
  Expr result;
  result.type = type;
  result.lanes = x.lanes;
  result.text = x.lanes ? "convert<" + vectorType(type, lanes) + ">(" + x.text + ")" : scalarType(type) + "(" + x.text + ")";
  return result;
}

/// An index as a number: base + factor * lane.
static Expr fromIndex(const Expr &x, unsigned lanes, Type type) {
  Expr result;
  result.type = type;
  const Linear &index = *x.index;
  int64_t factor = index.factorOf(kLane);
  Linear base = index.without(kLane);
  if (factor == 0) {
    // An index is a long, which is as wide as int64_t.
    bool wide = type.isInteger(64);
    result.text = wide ? base.operand() : scalarType(type) + "(" + base.str() + ")";
    return result;
  }
  result.lanes = true;
  result.text = "iota<" + vectorType(type, lanes) + ">()";
  if (factor != 1)
    result.text += " * " + std::to_string(factor);
  if (!base.isConstant() || base.constant != 0) {
    result.text += " + " + scalarType(type) + "(" + base.str() + ")";
    result.precedence = Precedence::sum;
  } else if (factor != 1) {
    result.precedence = Precedence::product;
  }
  return result;
}

static Expr logical(StringRef symbol, const Expr &a, const Expr &b, unsigned lanes, Type type) {
  bool isOr = symbol == "||";
  Precedence precedence = isOr ? Precedence::disjunction : Precedence::conjunction;
  if (!a.lanes && !b.lanes) {
    // "x && y || z" is right and yet a warning.
    auto inParentheses = [&](const Expr &x) {
      Expr result = x;
      if (isOr && x.precedence == Precedence::conjunction) {
        result.text = "(" + x.text + ")";
        result.precedence = Precedence::atom;
      }
      return result;
    };
    return binary(symbol, precedence, inParentheses(a), inParentheses(b), type);
  }
  unsigned bytes = std::max(a.maskBytes, b.maskBytes);
  Expr result;
  result.type = type;
  result.precedence = precedence;
  result.lanes = true;
  result.maskBytes = bytes;
  result.text = asMask(a, bytes, lanes).tighterThan(Precedence::product) + " " + symbol.take_front(1).str() + " " +
                asMask(b, bytes, lanes).tighterThan(Precedence::product);
  return result;
}

/// Lanes draw neighbouring elements, or all the same one.
static FailureOr<Expr> random(RandomElementOp op, ArrayRef<Expr> operands, unsigned lanes, Type type) {
  const Linear &element = *operands[2].index;
  int64_t factor = element.factorOf(kLane);
  if (factor != 0 && factor != 1)
    return failure();
  bool vector = factor == 1;
  uint64_t stream = op.getStream();
  Expr result;
  result.type = type;
  result.lanes = vector;
  result.text = op.getFunction().str() + "<" + vectorType(type, vector ? lanes : 1) + ">(uint64_t(" + operands[0].text +
                "), " + std::to_string(static_cast<uint32_t>(stream ^ (stream >> 32))) + "u, uint64_t(" +
                operands[1].text + "), uint64_t(" + element.without(kLane).str() + "))";
  return result;
}

Expr fusedSum(Operation *op, unsigned product, const Expr &left, const Expr &right, ArrayRef<Expr> x, unsigned lanes) {
  Type type = op->getResult(0).getType();
  Expr other = x[1 - product];
  bool subtracts = isa<arith::SubFOp>(op);
  if (subtracts && product == 0) { // a * b - c
    other.text = "-" + other.tighterThan(Precedence::unary);
    other.precedence = Precedence::unary;
  }
  return call(subtracts && product == 1 ? "neg_mul_add" : "mul_add", {left, right, other}, lanes, type);
}

FailureOr<Expr> expressionOf(Operation *op, ArrayRef<Expr> x, unsigned lanes) {
  Type type = op->getResult(0).getType();
  auto sum = [&](StringRef symbol) { return binary(symbol, Precedence::sum, x[0], x[1], type); };
  auto product = [&](StringRef symbol) { return binary(symbol, Precedence::product, x[0], x[1], type); };
  auto indexed = [&](Linear linear) {
    Expr result;
    result.type = type;
    result.text = linear.str();
    result.precedence = Precedence::sum;
    result.index = std::move(linear);
    return result;
  };
  return llvm::TypeSwitch<Operation *, FailureOr<Expr>>(op)
      .Case<arith::ConstantOp>([&](auto constant) -> FailureOr<Expr> {
        Expr result;
        result.type = type;
        if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
          result.text = literal(real.getValueAsDouble(), type);
        else if (type.isIndex())
          return indexed(Linear(cast<IntegerAttr>(constant.getValue()).getInt()));
        else
          result.text = literal(static_cast<double>(cast<IntegerAttr>(constant.getValue()).getInt()), type);
        if (result.text.front() == '-')
          result.precedence = Precedence::unary;
        return result;
      })
      .Case<arith::AddIOp>([&](auto) -> FailureOr<Expr> {
        return type.isIndex() ? indexed(*x[0].index + *x[1].index) : sum("+");
      })
      .Case<arith::SubIOp>([&](auto) -> FailureOr<Expr> {
        return type.isIndex() ? indexed(*x[0].index - *x[1].index) : sum("-");
      })
      .Case<arith::MulIOp>([&](auto) -> FailureOr<Expr> {
        if (!type.isIndex())
          return product("*");
        if (x[1].index->isConstant())
          return indexed(*x[0].index * x[1].index->constant);
        if (x[0].index->isConstant())
          return indexed(*x[1].index * x[0].index->constant);
        return failure();
      })
      .Case<arith::AddFOp>([&](auto) { return sum("+"); })
      .Case<arith::SubFOp>([&](auto) { return sum("-"); })
      .Case<arith::MulFOp>([&](auto) { return product("*"); })
      .Case<arith::DivFOp, arith::DivSIOp>([&](auto) { return product("/"); })
      .Case<arith::NegFOp>([&](auto) {
        Expr result = x[0];
        result.text = "-" + x[0].tighterThan(Precedence::unary);
        result.precedence = Precedence::unary;
        return result;
      })
      .Case<arith::MaximumFOp, arith::MaxSIOp>([&](auto) { return call("max", x, lanes, type); })
      .Case<arith::MinimumFOp, arith::MinSIOp>([&](auto) { return call("min", x, lanes, type); })
      .Case<arith::CmpFOp>([&](arith::CmpFOp compare) -> FailureOr<Expr> {
        StringRef symbol = symbolOf(compare.getPredicate());
        return symbol.empty() ? FailureOr<Expr>(failure()) : comparison(symbol, x[0], x[1], type);
      })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) -> FailureOr<Expr> {
        StringRef symbol = symbolOf(compare.getPredicate());
        return symbol.empty() ? FailureOr<Expr>(failure()) : comparison(symbol, x[0], x[1], type);
      })
      .Case<arith::SelectOp>([&](auto) { return selection(x[0], x[1], x[2], lanes, type); })
      .Case<arith::AndIOp>([&](auto) { return logical("&&", x[0], x[1], lanes, type); })
      .Case<arith::OrIOp>([&](auto) { return logical("||", x[0], x[1], lanes, type); })
      // On bools, exclusive or with true: not.
      .Case<arith::XOrIOp>([&](auto) {
        const Expr &operand = x[0].text == "true" ? x[1] : x[0];
        Expr result = operand;
        result.text = std::string(operand.lanes ? "~" : "!") + operand.tighterThan(Precedence::unary);
        result.precedence = Precedence::unary;
        return result;
      })
      .Case<arith::UIToFPOp, arith::ExtUIOp>([&](auto) { return fromBool(x[0], lanes, type); })
      .Case<arith::SIToFPOp, arith::FPToSIOp, arith::ExtFOp, arith::TruncFOp, arith::ExtSIOp, arith::TruncIOp>(
          [&](auto) { return conversion(x[0], lanes, type); })
      .Case<arith::IndexCastOp>([&](auto) { return fromIndex(x[0], lanes, type); })
      .Case<MathOp>([&](MathOp math) { return call(math.getFunction(), x, lanes, type); })
      .Case<RandomElementOp>([&](RandomElementOp op) -> FailureOr<Expr> { return random(op, x, lanes, type); })
      .Default([](Operation *) { return failure(); });
}

} // namespace hornfels
