// What an operation's record writes its scalar body and its gradient with: expressions instead of builder calls.
#ifndef HORNFELS_IR_BUILDERS_H
#define HORNFELS_IR_BUILDERS_H

#include "ir/HornDialect.h"
#include "mlir/IR/Builders.h"

namespace hornfels::horn {

/// Builds the scalar body of an element-wise operation: `s.mul(x, s.call("exp", y))`.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  /// The constant `value` in the type of `like` (or in `type`).
  mlir::Value real(double value, mlir::Value like) { return constant(value, like.getType()); }
  mlir::Value constant(double value, mlir::Type type);

  mlir::Value neg(mlir::Value x);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  /// NaN if either is NaN.
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value compare(ComparePredicate predicate, mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value logicalNot(mlir::Value x);
  mlir::Value logicalAnd(mlir::Value a, mlir::Value b);
  mlir::Value logicalOr(mlir::Value a, mlir::Value b);
  mlir::Value cast(mlir::Value x, mlir::Type type);
  /// A function of the runtime's vector.h, by name.
  mlir::Value call(llvm::StringRef function, mlir::ValueRange operands);
  mlir::Value call(llvm::StringRef function, mlir::Value x) { return call(function, mlir::ValueRange(x)); }
  mlir::Value call(llvm::StringRef function, mlir::Value a, mlir::Value b) {
    return call(function, mlir::ValueRange({a, b}));
  }

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Builds gradients on whole tensors. A number stands for a tensor of it, in the shape of the other operand.
class GradientBuilder {
public:
  /// A tensor or a number.
  struct Operand {
    Operand(mlir::Value value) : value(value) {}
    Operand(double number) : number(number) {}
    mlir::Value value;
    double number = 0.0;
  };

  GradientBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  mlir::Value neg(mlir::Value x);
  mlir::Value exp(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  mlir::Value sign(mlir::Value x);
  mlir::Value sigmoid(mlir::Value x);
  mlir::Value add(Operand a, Operand b);
  mlir::Value sub(Operand a, Operand b);
  mlir::Value mul(Operand a, Operand b);
  mlir::Value div(Operand a, Operand b);
  mlir::Value max(Operand a, Operand b);
  mlir::Value pow(Operand a, Operand b);
  mlir::Value greater(Operand a, Operand b);
  mlir::Value greaterEqual(Operand a, Operand b);
  mlir::Value select(mlir::Value condition, Operand a, Operand b);
  mlir::Value full(mlir::Type type, double value);
  mlir::Value toElement(mlir::Value x, mlir::Type element);
  mlir::Value sum(mlir::Value x, llvm::ArrayRef<int64_t> axes);
  /// x, which lacks `axes` of `type`, repeated along them.
  mlir::Value broadcastAlong(mlir::Value x, mlir::Type type, llvm::ArrayRef<int64_t> axes);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  template <typename Op> mlir::Value unary(mlir::Value x);
  template <typename Op> mlir::Value binary(Operand a, Operand b);
  mlir::Value compare(ComparePredicate predicate, Operand a, Operand b);
  mlir::Value materialize(Operand operand, mlir::Type type);
};

} // namespace hornfels::horn

#endif
