// The `horn` dialect: its types, its enums and the classes from which the operations are made.
#ifndef HORN_DIALECT
#define HORN_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Horn_Dialect : Dialect {
  let name = "horn";
  let cppNamespace = "::hornfels::horn";
  let summary = "primitive tensor operations of neural networks and of their training";
  let description = [{
    Value semantics, static shapes; the batch is the only symbolic dimension and is always axis 0. An operation
    answers for itself through the interfaces in HornInterfaces.td: its gradient, its scalar body, the view it is of
    its input, its lowering. Element-wise operands have one shape: broadcasting is an operation.
  }];
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 0;
}

def Horn_TokensType : TypeDef<Horn_Dialect, "Tokens"> {
  let mnemonic = "tokens";
  let summary = "a ragged batch of rows of ids below `vocabulary`";
  let parameters = (ins "int64_t":$vocabulary);
  let assemblyFormat = "`<` $vocabulary `>`";
}

def Horn_ComparePredicate : I32EnumAttr<"ComparePredicate", "how two values are compared", [
    I32EnumAttrCase<"lt", 0>, I32EnumAttrCase<"le", 1>, I32EnumAttrCase<"gt", 2>,
    I32EnumAttrCase<"ge", 3>, I32EnumAttrCase<"eq", 4>, I32EnumAttrCase<"ne", 5>]> {
  let cppNamespace = "::hornfels::horn";
}

def Horn_Real    : AnyTypeOf<[F32, F64], "real">;
def Horn_Number  : AnyTypeOf<[F32, F64, I32, I64], "number">;
def Horn_Element : AnyTypeOf<[F32, F64, I32, I64, I1], "element">;
def Horn_RealTensor    : RankedTensorOf<[F32, F64]>;
def Horn_NumberTensor  : RankedTensorOf<[F32, F64, I32, I64]>;
def Horn_IntTensor     : RankedTensorOf<[I32, I64]>;
def Horn_BoolTensor    : RankedTensorOf<[I1]>;
def Horn_Tensor        : RankedTensorOf<[F32, F64, I32, I64, I1]>;
def Horn_ScalarTensor  : 0DTensorOf<[F32, F64]>;
def Horn_CounterTensor : 0DTensorOf<[I64]>;

#endif
