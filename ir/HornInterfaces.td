// What a pass may ask of an operation. A pass names no operation: it asks one of these.
#ifndef HORN_INTERFACES
#define HORN_INTERFACES

include "mlir/IR/OpBase.td"

def Horn_DifferentiableOp : OpInterface<"DifferentiableOp"> {
  let cppNamespace = "::hornfels::horn";
  let description = "Has a gradient, or declares that none passes.";
  let methods = [
    InterfaceMethod<[{
      Builds d loss / d operand for every operand from the gradient of the one result. A null value means that no
      gradient passes to that operand (integers, conditions, tokens).
    }], "void", "buildGradient",
      (ins "::hornfels::horn::GradientBuilder &":$builder, "::mlir::Value":$resultGradient,
           "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGradients)>,
    InterfaceMethod<[{
      The same from the gradients of all results, null where none comes. An operation with several results answers here
      instead. It may replace itself by an operation that keeps what the gradients need.
    }], "::mlir::LogicalResult", "buildGradients",
      (ins "::hornfels::horn::GradientBuilder &":$builder, "::llvm::ArrayRef<::mlir::Value>":$resultGradients,
           "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGradients), [{}], [{
        $_op.buildGradient(builder, resultGradients.front(), operandGradients);
        return ::mlir::success();
      }]>
  ];
}

def Horn_ScalarOp : OpInterface<"ScalarOp"> {
  let cppNamespace = "::hornfels::horn";
  let description = "An element-wise operation: one scalar body, applied to each element.";
  let methods = [
    InterfaceMethod<"The scalar body on one element of each operand.", "::mlir::Value", "buildScalar",
      (ins "::hornfels::horn::ScalarBuilder &":$builder, "::mlir::ValueRange":$elements)>
  ];
}

def Horn_GeneratorOp : OpInterface<"GeneratorOp"> {
  let cppNamespace = "::hornfels::horn";
  let description = [{
    Computes an element from its place alone: a constant, an index. It is never stored; its readers compute it.
  }];
  let methods = [
    InterfaceMethod<"The element at `index` (one value of index type for each axis).", "::mlir::Value", "buildElement",
      (ins "::hornfels::horn::ScalarBuilder &":$builder, "::mlir::ValueRange":$index)>
  ];
}

def Horn_ViewOp : OpInterface<"ViewOp"> {
  let cppNamespace = "::hornfels::horn";
  let description = [{
    Moves no data when its reader can address the source: result[i] = source[map(i)]. The map is empty when this
    instance is no such view (a reshape that really regroups axes).
  }];
  let methods = [
    InterfaceMethod<"From the result's index to the source's.", "::mlir::AffineMap", "getSourceMap", (ins)>
  ];
}

def Horn_LowerableOp : OpInterface<"LowerableOp"> {
  let cppNamespace = "::hornfels::horn";
  let description = "Knows its form in linalg.";
  let methods = [
    InterfaceMethod<"The result as linalg on tensors.", "::mlir::FailureOr<::mlir::Value>", "lower",
      (ins "::hornfels::horn::Lowering &":$lowering)>
  ];
}

#endif
