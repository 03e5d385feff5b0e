// Scalar operations as C++ expressions, on one element or on the lanes of a vector.
#ifndef HORNFELS_CODEGEN_CPP_EXPRESSION_H
#define HORNFELS_CODEGEN_CPP_EXPRESSION_H

#include "codegen/cpp/Linear.h"
#include "mlir/IR/Operation.h"
#include <optional>

namespace hornfels {

/// C++ precedence, tighter first.
enum class Precedence { atom, unary, product, sum, relation, equality, conjunction, disjunction, conditional };

/// A value of a kernel's body as text.
struct Expr {
  std::string text;
  Precedence precedence = Precedence::atom;
  bool lanes = false;
  mlir::Type type;
  /// Of a comparison in lanes: bytes of an element of its mask.
  unsigned maskBytes = 0;
  /// Of index type: its arithmetic; the symbol `lane` stands for the position in the vector.
  std::optional<Linear> index;

  std::string in(Precedence outer) const { return precedence <= outer ? text : "(" + text + ")"; }
  std::string tighterThan(Precedence outer) const { return precedence < outer ? text : "(" + text + ")"; }
};

/// The symbol of the lane in index arithmetic.
inline const std::string kLane = "lane";

/// "v16f" for f32 and 16; "float" for 1.
std::string vectorType(mlir::Type element, unsigned lanes);
/// "float"
std::string scalarType(mlir::Type element);
/// A literal of the shortest text that reads back as the same number.
std::string literal(double value, mlir::Type type);

/// The expression of an operation of a kernel's body; refuses what has no spelling in C++.
mlir::FailureOr<Expr> expressionOf(mlir::Operation *op, llvm::ArrayRef<Expr> operands, unsigned lanes);

/// A sum, or difference, of which one side is a product of the given factors: one rounding, whatever a compiler would make
/// of it. `product` is the operand, 0 or 1, that is the product; `x` are the operands.
Expr fusedSum(mlir::Operation *op, unsigned product, const Expr &left, const Expr &right, llvm::ArrayRef<Expr> x,
              unsigned lanes);

/// x in every lane.
std::string splat(const Expr &x, unsigned lanes);

} // namespace hornfels

#endif
