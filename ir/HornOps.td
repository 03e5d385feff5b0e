// The operations. An element-wise operation is one record: name, scalar body, gradient.
#ifndef HORN_OPS
#define HORN_OPS

include "HornDialect.td"
include "HornInterfaces.td"

class Horn_Op<string mnemonic, list<Trait> traits = []> : Op<Horn_Dialect, mnemonic, traits # [Pure]>;

// ---------------------------------------------------------------------------------------------------------------------
// Element-wise
// ---------------------------------------------------------------------------------------------------------------------

/// y = f(x). `scalar` is an expression of s (ScalarBuilder) and x; `gradient` one of g (GradientBuilder), x, y and dy.
class Horn_UnaryOp<string mnemonic, Type tensor = Horn_RealTensor>
    : Horn_Op<mnemonic, [SameOperandsAndResultType, DeclareOpInterfaceMethods<Horn_ScalarOp>,
                         DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  string scalar = "";
  string gradient = "";
  let arguments = (ins tensor:$x);
  let results = (outs tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::buildScalar(ScalarBuilder &s, ::mlir::ValueRange in) {
      [[maybe_unused]] ::mlir::Value x = in[0];
      return }] # scalar # [{;
    }
    void $cppClass::buildGradient(GradientBuilder &g, ::mlir::Value dy,
                                  ::llvm::SmallVectorImpl<::mlir::Value> &dx) {
      [[maybe_unused]] ::mlir::Value x = getX(), y = getY();
      dx.push_back(}] # gradient # [{);
    }
  }];
}

/// y = f(a, b), both of the result's type. `gradientA` and `gradientB` are expressions of g, a, b, y and dy.
class Horn_BinaryOp<string mnemonic, Type tensor = Horn_NumberTensor, list<Trait> traits = []>
    : Horn_Op<mnemonic, traits # [SameOperandsAndResultType, DeclareOpInterfaceMethods<Horn_ScalarOp>,
                                  DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  string scalar = "";
  string gradientA = "::mlir::Value()";
  string gradientB = "::mlir::Value()";
  let arguments = (ins tensor:$a, tensor:$b);
  let results = (outs tensor:$y);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a)";
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::buildScalar(ScalarBuilder &s, ::mlir::ValueRange in) {
      ::mlir::Value a = in[0], b = in[1];
      return }] # scalar # [{;
    }
    void $cppClass::buildGradient(GradientBuilder &g, [[maybe_unused]] ::mlir::Value dy,
                                  ::llvm::SmallVectorImpl<::mlir::Value> &dx) {
      [[maybe_unused]] ::mlir::Value a = getA(), b = getB(), y = getY();
      dx.push_back(}] # gradientA # [{);
      dx.push_back(}] # gradientB # [{);
    }
  }];
}

def Horn_NegOp : Horn_UnaryOp<"neg", Horn_NumberTensor> {
  let summary = "-x";
  let scalar = [{s.neg(x)}];
  let gradient = [{g.neg(dy)}];
}
def Horn_AbsOp : Horn_UnaryOp<"abs"> {
  let summary = "|x|; the gradient at 0 is 0";
  let scalar = [{s.call("abs", x)}];
  let gradient = [{g.mul(dy, g.sign(x))}];
}
def Horn_SignOp : Horn_UnaryOp<"sign"> {
  let summary = "-1, 0 or 1";
  let scalar = [{s.call("sign", x)}];
  let gradient = [{::mlir::Value()}];
}
def Horn_ExpOp : Horn_UnaryOp<"exp"> {
  let summary = "e^x";
  let scalar = [{s.call("exp", x)}];
  let gradient = [{g.mul(dy, y)}];
}
def Horn_Expm1Op : Horn_UnaryOp<"expm1"> {
  let summary = "e^x - 1, exact near 0";
  let scalar = [{s.call("expm1", x)}];
  let gradient = [{g.mul(dy, g.exp(x))}];
}
def Horn_LogOp : Horn_UnaryOp<"log"> {
  let summary = "natural logarithm";
  let scalar = [{s.call("log", x)}];
  let gradient = [{g.div(dy, x)}];
}
def Horn_Log1pOp : Horn_UnaryOp<"log1p"> {
  let summary = "log(1 + x), exact near 0";
  let scalar = [{s.call("log1p", x)}];
  let gradient = [{g.div(dy, g.add(1.0, x))}];
}
def Horn_SqrtOp : Horn_UnaryOp<"sqrt"> {
  let summary = "square root, correctly rounded";
  let scalar = [{s.call("sqrt", x)}];
  let gradient = [{g.div(g.mul(dy, 0.5), y)}];
}
def Horn_RsqrtOp : Horn_UnaryOp<"rsqrt"> {
  let summary = "1 / sqrt(x)";
  let scalar = [{s.call("rsqrt", x)}];
  let gradient = [{g.mul(g.mul(dy, -0.5), g.div(y, x))}];
}
def Horn_ReciprocalOp : Horn_UnaryOp<"reciprocal"> {
  let summary = "1 / x";
  let scalar = [{s.div(s.real(1.0, x), x)}];
  let gradient = [{g.neg(g.mul(dy, g.mul(y, y)))}];
}
def Horn_SquareOp : Horn_UnaryOp<"square"> {
  let summary = "x * x";
  let scalar = [{s.mul(x, x)}];
  let gradient = [{g.mul(dy, g.mul(2.0, x))}];
}
def Horn_SinOp : Horn_UnaryOp<"sin"> {
  let summary = "sine, x in radians";
  let scalar = [{s.call("sin", x)}];
  let gradient = [{g.mul(dy, g.cos(x))}];
}
def Horn_CosOp : Horn_UnaryOp<"cos"> {
  let summary = "cosine, x in radians";
  let scalar = [{s.call("cos", x)}];
  let gradient = [{g.neg(g.mul(dy, g.sin(x)))}];
}
def Horn_SinhOp : Horn_UnaryOp<"sinh"> {
  let summary = "hyperbolic sine, exact near 0";
  let scalar = [{s.mul(s.real(0.5, x), s.sub(s.call("expm1", x), s.call("expm1", s.neg(x))))}];
  let gradient = [{g.mul(dy, g.mul(0.5, g.add(g.exp(x), g.exp(g.neg(x)))))}];
}
def Horn_TanhOp : Horn_UnaryOp<"tanh"> {
  let summary = "hyperbolic tangent";
  let scalar = [{s.call("tanh", x)}];
  let gradient = [{g.mul(dy, g.sub(1.0, g.mul(y, y)))}];
}
def Horn_SigmoidOp : Horn_UnaryOp<"sigmoid"> {
  let summary = "1 / (1 + e^-x)";
  let scalar = [{s.call("sigmoid", x)}];
  let gradient = [{g.mul(dy, g.mul(y, g.sub(1.0, y)))}];
}
def Horn_SoftplusOp : Horn_UnaryOp<"softplus"> {
  let summary = "log(1 + e^x), without overflow";
  let scalar = [{s.call("softplus", x)}];
  let gradient = [{g.mul(dy, g.sigmoid(x))}];
}
def Horn_ReluOp : Horn_UnaryOp<"relu"> {
  let summary = "max(x, 0), NaN kept; the gradient at 0 is 0";
  let scalar = [{s.max(x, s.real(0.0, x))}];
  let gradient = [{g.select(g.greater(y, 0.0), dy, 0.0)}];
}
def Horn_ErfOp : Horn_UnaryOp<"erf"> {
  let summary = "2/sqrt(pi) * integral of e^(-t^2) from 0 to x";
  let scalar = [{s.call("erf", x)}];
  // 2 / sqrt(pi) * e^(-x^2)
  let gradient = [{g.mul(dy, g.mul(1.1283791670955126, g.exp(g.neg(g.mul(x, x)))))}];
}
def Horn_ErfinvOp : Horn_UnaryOp<"erfinv"> {
  let summary = "the inverse of erf";
  let scalar = [{s.call("erfinv", x)}];
  // sqrt(pi) / 2 * e^(y^2)
  let gradient = [{g.mul(dy, g.mul(0.88622692545275801, g.exp(g.mul(y, y))))}];
}
def Horn_FloorOp : Horn_UnaryOp<"floor"> {
  let summary = "largest integer not above x";
  let scalar = [{s.call("floor", x)}];
  let gradient = [{::mlir::Value()}];
}
def Horn_CeilOp : Horn_UnaryOp<"ceil"> {
  let summary = "smallest integer not below x";
  let scalar = [{s.call("ceil", x)}];
  let gradient = [{::mlir::Value()}];
}
def Horn_NotOp : Horn_UnaryOp<"not", Horn_BoolTensor> {
  let summary = "logical not";
  let scalar = [{s.logicalNot(x)}];
  let gradient = [{::mlir::Value()}];
}

def Horn_AddOp : Horn_BinaryOp<"add", Horn_NumberTensor, [Commutative]> {
  let summary = "a + b";
  let scalar = [{s.add(a, b)}];
  let gradientA = [{dy}];
  let gradientB = [{dy}];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def Horn_SubOp : Horn_BinaryOp<"sub"> {
  let summary = "a - b";
  let scalar = [{s.sub(a, b)}];
  let gradientA = [{dy}];
  let gradientB = [{g.neg(dy)}];
  let hasFolder = 1;
}
def Horn_MulOp : Horn_BinaryOp<"mul", Horn_NumberTensor, [Commutative]> {
  let summary = "a * b";
  let scalar = [{s.mul(a, b)}];
  let gradientA = [{g.mul(dy, b)}];
  let gradientB = [{g.mul(dy, a)}];
  let hasFolder = 1;
}
def Horn_DivOp : Horn_BinaryOp<"div"> {
  let summary = "a / b";
  let scalar = [{s.div(a, b)}];
  let gradientA = [{g.div(dy, b)}];
  let gradientB = [{g.neg(g.div(g.mul(dy, y), b))}];
  let hasFolder = 1;
}
def Horn_MaxOp : Horn_BinaryOp<"max", Horn_NumberTensor, [Commutative]> {
  let summary = "the larger, NaN if either is; the gradient goes to a where a >= b, else to b";
  let scalar = [{s.max(a, b)}];
  let gradientA = [{g.select(g.greaterEqual(a, b), dy, 0.0)}];
  let gradientB = [{g.select(g.greaterEqual(a, b), 0.0, dy)}];
}
def Horn_MinOp : Horn_BinaryOp<"min", Horn_NumberTensor, [Commutative]> {
  let summary = "the smaller, NaN if either is; the gradient goes to a where a <= b, else to b";
  let scalar = [{s.min(a, b)}];
  let gradientA = [{g.select(g.greaterEqual(b, a), dy, 0.0)}];
  let gradientB = [{g.select(g.greaterEqual(b, a), 0.0, dy)}];
}
def Horn_PowOp : Horn_BinaryOp<"pow", Horn_RealTensor> {
  let summary = "a to the power of b; the gradient by b is 0 where a <= 0";
  let scalar = [{s.call("pow", a, b)}];
  let gradientA = [{g.mul(dy, g.mul(b, g.pow(a, g.sub(b, 1.0))))}];
  let gradientB = [{g.mul(dy, g.mul(y, g.select(g.greater(a, 0.0), g.log(g.max(a, 1e-300)), 0.0)))}];
}
def Horn_AndOp : Horn_BinaryOp<"and", Horn_BoolTensor, [Commutative]> {
  let summary = "logical and";
  let scalar = [{s.logicalAnd(a, b)}];
}
def Horn_OrOp : Horn_BinaryOp<"or", Horn_BoolTensor, [Commutative]> {
  let summary = "logical or";
  let scalar = [{s.logicalOr(a, b)}];
}

def Horn_CompareOp : Horn_Op<"compare", [SameTypeOperands, DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_ScalarOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "a ? b for a predicate lt, le, gt, ge, eq, ne; false where either is NaN (ne: true)";
  let arguments = (ins Horn_ComparePredicate:$predicate, Horn_NumberTensor:$a, Horn_NumberTensor:$b);
  let results = (outs Horn_BoolTensor:$y);
  let assemblyFormat = "$predicate $a `,` $b attr-dict `:` type($a)";
}

def Horn_SelectOp : Horn_Op<"select", [AllTypesMatch<["a", "b", "y"]>, DeclareOpInterfaceMethods<Horn_ScalarOp>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "a where the condition holds, else b";
  let arguments = (ins Horn_BoolTensor:$condition, Horn_Tensor:$a, Horn_Tensor:$b);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a)";
  let hasVerifier = 1;
}

def Horn_CastOp : Horn_Op<"cast", [SameOperandsAndResultShape, DeclareOpInterfaceMethods<Horn_ScalarOp>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "another element type: bool or int to real, bool to int, int to int, real to real, real to int (towards 0)";
  let arguments = (ins Horn_Tensor:$x);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
}

def Horn_StopGradientOp : Horn_Op<"stop_gradient", [SameOperandsAndResultType,
    DeclareOpInterfaceMethods<Horn_ScalarOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "x, through which no gradient passes";
  let arguments = (ins Horn_Tensor:$x);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

// ---------------------------------------------------------------------------------------------------------------------
// Generators: an element is computed from its place
// ---------------------------------------------------------------------------------------------------------------------

def Horn_FullOp : Horn_Op<"full", [DeclareOpInterfaceMethods<Horn_GeneratorOp>]> {
  let summary = "every element is `value`";
  let arguments = (ins F64Attr:$value);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$value attr-dict `:` type($y)";
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "double":$value), [{
    build($_builder, $_state, type, $_builder.getF64FloatAttr(value));
  }]>];
}

def Horn_ConstantOp : Horn_Op<"constant", [AllTypesMatch<["value", "y"]>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "a static tensor known when compiling";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$value attr-dict";
}

def Horn_IotaOp : Horn_Op<"iota", [DeclareOpInterfaceMethods<Horn_GeneratorOp>]> {
  let summary = "the index along `axis`";
  let arguments = (ins I64Attr:$axis);
  let results = (outs Horn_NumberTensor:$y);
  let assemblyFormat = "$axis attr-dict `:` type($y)";
  let hasVerifier = 1;
}

def Horn_BatchSizeOp : Horn_Op<"batch_size", [DeclareOpInterfaceMethods<Horn_GeneratorOp>]> {
  let summary = "the number of samples in this step";
  let results = (outs Horn_ScalarTensor:$y);
  let assemblyFormat = "attr-dict `:` type($y)";
}

class Horn_RandomOp<string mnemonic> : Horn_Op<mnemonic, [AllTypesMatch<["seed", "step"]>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let description = [{
    Element e (its index in row-major order) is a pure function of (seed, stream, step, e): Philox 4x32-10, the same
    numbers for any number of threads and any order of evaluation.
  }];
  let arguments = (ins Horn_CounterTensor:$seed, Horn_CounterTensor:$step, I64Attr:$stream);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$seed `,` $step `stream` $stream attr-dict `:` type($seed) `to` type($y)";
}
def Horn_RandomUniformOp : Horn_RandomOp<"random_uniform"> { let summary = "uniform in [0, 1)"; }
def Horn_RandomNormalOp : Horn_RandomOp<"random_normal"> { let summary = "normal, mean 0, variance 1"; }

def Horn_OrthonormalOp : Horn_Op<"orthonormal", [SameOperandsAndResultType, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "the rows of a matrix made orthonormal, first row first; a row keeps the side on which it lies";
  let description = "No more rows than columns. It is Q^T of x^T = Q R with a positive diagonal of R; weights start from it.";
  let arguments = (ins Horn_RealTensor:$x);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

// ---------------------------------------------------------------------------------------------------------------------
// Data movement
// ---------------------------------------------------------------------------------------------------------------------

class Horn_MoveOp<string mnemonic, list<Trait> traits = []>
    : Horn_Op<mnemonic, traits # [DeclareOpInterfaceMethods<Horn_ViewOp>,
                                  DeclareOpInterfaceMethods<Horn_DifferentiableOp>]>;

def Horn_BroadcastOp : Horn_MoveOp<"broadcast"> {
  let summary = "y[i] = x[i restricted to `dims`]";
  let description = [{
    (C1) `dims` has one result axis for each axis of x, ascending; (C2) those axes of the result have x's sizes.
  }];
  let arguments = (ins Horn_Tensor:$x, DenseI64ArrayAttr:$dims);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x `dims` $dims attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Horn_ReshapeOp : Horn_MoveOp<"reshape", [DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "the same elements in row-major order, in another shape";
  let description = "(C1) the element counts agree; (C2) a batch axis stays axis 0.";
  let arguments = (ins Horn_Tensor:$x);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Horn_TransposeOp : Horn_MoveOp<"transpose", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "result axis i is x's axis permutation[i]";
  let arguments = (ins Horn_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x `permutation` $permutation attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Horn_SliceOp : Horn_MoveOp<"slice", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[i] = x[offsets + i * strides]";
  let description = [{
    One offset, size and stride for each axis; the batch axis has offset 0, size -1, stride 1. A negative stride goes
    backwards.
  }];
  let arguments = (ins Horn_Tensor:$x, DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$sizes,
                       DenseI64ArrayAttr:$strides);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x `offsets` $offsets `sizes` $sizes `strides` $strides attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Horn_EmbedOp : Horn_Op<"embed", [DeclareOpInterfaceMethods<Horn_LowerableOp>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "the inverse of slice: y[offsets + i * strides] = x[i], `value` (0) elsewhere";
  let arguments = (ins Horn_Tensor:$x, DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$strides,
                       DefaultValuedAttr<F64Attr, "0.0">:$value);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$x `offsets` $offsets `strides` $strides attr-dict `:` type($x) `to` type($y)";
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$x, "::llvm::ArrayRef<int64_t>":$offsets,
                                 "::llvm::ArrayRef<int64_t>":$strides), [{
    build($_builder, $_state, type, x, $_builder.getDenseI64ArrayAttr(offsets), $_builder.getDenseI64ArrayAttr(strides),
          $_builder.getF64FloatAttr(0.0));
  }]>];
}

def Horn_InsertOp : Horn_Op<"insert", [AllTypesMatch<["destination", "y"]>]> {
  let summary = "the destination with x written over it, or added to it: y[offsets + i * strides] = x[i]";
  let arguments = (ins Horn_Tensor:$x, Horn_Tensor:$destination, DenseI64ArrayAttr:$offsets,
                       DenseI64ArrayAttr:$strides, UnitAttr:$adds);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = [{
    $x `into` $destination `offsets` $offsets `strides` $strides (`adds` $adds^)? attr-dict `:` type($x) `,`
    type($destination)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$destination, "::llvm::ArrayRef<int64_t>":$offsets,
                                 "::llvm::ArrayRef<int64_t>":$strides, CArg<"bool", "false">:$adds), [{
    build($_builder, $_state, destination.getType(), x, destination, $_builder.getDenseI64ArrayAttr(offsets),
          $_builder.getDenseI64ArrayAttr(strides), adds ? $_builder.getUnitAttr() : ::mlir::UnitAttr());
  }]>];
}

def Horn_ConcatOp : Horn_Op<"concat", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "the inputs one after another along `axis`, which is not the batch";
  let arguments = (ins Variadic<Horn_Tensor>:$xs, I64Attr:$axis);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = "$xs `axis` $axis attr-dict `:` type($xs)";
}

// ---------------------------------------------------------------------------------------------------------------------
// Reduction and contraction
// ---------------------------------------------------------------------------------------------------------------------

class Horn_ReduceOp<string mnemonic> : Horn_Op<mnemonic, [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let description = "Reduces over `axes`, which are dropped from the shape.";
  let arguments = (ins Horn_NumberTensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs Horn_NumberTensor:$y);
  let assemblyFormat = "$x `axes` $axes attr-dict `:` type($x)";
}
def Horn_ReduceSumOp : Horn_ReduceOp<"reduce_sum"> { let summary = "sum"; let hasFolder = 1; }
def Horn_ReduceMaxOp : Horn_ReduceOp<"reduce_max"> { let summary = "maximum; equal maxima share the gradient"; }
def Horn_ReduceMinOp : Horn_ReduceOp<"reduce_min"> { let summary = "minimum; equal minima share the gradient"; }
def Horn_ReduceProdOp : Horn_ReduceOp<"reduce_prod"> { let summary = "product; its gradient needs x != 0"; }

def Horn_ArgmaxOp : Horn_Op<"argmax", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "index of the largest along `axis`, the first of equals; i32";
  let arguments = (ins Horn_RealTensor:$x, I64Attr:$axis);
  let results = (outs RankedTensorOf<[I32]>:$y);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` type($x)";
}

def Horn_ContractOp : Horn_Op<"contract", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "y[out] = sum over the remaining dims of a[lhs] * b[rhs]";
  let description = [{
    Maps from the common dimensions to the axes of a, b and y, as in linalg: a transpose is a map.
    (C1) the maps are projected permutations of the same dimensions; (C2) a dimension has one size wherever it
    occurs; (C3) each dimension occurs in at least two of the three maps, so that each gradient is a contraction too.

        horn.contract %x, %w [(b, n, k) -> (b, k), (k, n), (b, n)]      x . w
  }];
  let arguments = (ins Horn_RealTensor:$a, Horn_RealTensor:$b, AffineMapArrayAttr:$maps);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$a `,` $b $maps attr-dict `:` type($a) `,` type($b)";
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, "::mlir::AffineMap":$lhs,
                                 "::mlir::AffineMap":$rhs, "::mlir::AffineMap":$out), [{
    build($_builder, $_state, a, b, $_builder.getAffineMapArrayAttr({lhs, rhs, out}));
  }]>];
  let extraClassDeclaration = [{
    ::mlir::AffineMap getMap(unsigned i) {
      return ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[i]).getValue();
    }
    /// Contracts the last axis of x with the first axis of w: x[..., k] . w[k, ...].
    static ::mlir::Value createMatmul(::mlir::OpBuilder &builder, ::mlir::Location loc, ::mlir::Value x,
                                      ::mlir::Value w);
  }];
  let hasVerifier = 1;
}

// ---------------------------------------------------------------------------------------------------------------------
// Windows: what convolutions and pooling look at
// ---------------------------------------------------------------------------------------------------------------------

def Horn_WindowsOp : Horn_MoveOp<"windows", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "y[..., p, ..., k] = x[..., p * stride + k * dilation, ...] for each of `axes`";
  let description = [{
    Every axis in `axes` becomes the places of a window, (size - (k - 1) * dilation - 1) / stride + 1 of them; the
    places inside a window, `sizes`, are axes behind all others, in the order of `axes`. A convolution is a contraction
    with it, average pooling a sum. No data move.

    (C1) `axes` ascend and are not the batch; (C2) one size, stride and dilation for each, all at least 1; (C3) one window fits.
  }];
  let arguments = (ins Horn_Tensor:$x, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations);
  let results = (outs Horn_Tensor:$y);
  let assemblyFormat = [{
    $x `axes` $axes `sizes` $sizes `strides` $strides `dilations` $dilations attr-dict `:` type($x)
  }];
}

def Horn_FoldOp : Horn_Op<"fold", [DeclareOpInterfaceMethods<Horn_LowerableOp>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let summary = "the transpose of windows: each element of y is the sum of the x that windows takes from it";
  let arguments = (ins Horn_RealTensor:$x, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$sizes,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = [{
    $x `axes` $axes `sizes` $sizes `strides` $strides `dilations` $dilations attr-dict `:` type($x) `to` type($y)
  }];
  let hasVerifier = 1;
}

class Horn_OfWindowsOp<string mnemonic, Type result> : Horn_Op<mnemonic, [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>, DeclareOpInterfaceMethods<Horn_DifferentiableOp>]> {
  let description = "Windows as in `windows`, without axes for the places inside.";
  let arguments = (ins Horn_RealTensor:$x, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$sizes,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations);
  let results = (outs result:$y);
  let assemblyFormat = [{
    $x `axes` $axes `sizes` $sizes `strides` $strides `dilations` $dilations attr-dict `:` type($x)
  }];
}
def Horn_WindowMaxOp : Horn_OfWindowsOp<"window_max", Horn_RealTensor> {
  let summary = "the largest of each window, NaN if one is; the gradient goes to the first of equals";
}
def Horn_WindowSumOp : Horn_OfWindowsOp<"window_sum", Horn_RealTensor> { let summary = "the sum of each window"; }
def Horn_WindowArgmaxOp : Horn_OfWindowsOp<"window_argmax", RankedTensorOf<[I32]>> {
  let summary = "the place of the first largest in each window, counted in row-major order";
}

// ---------------------------------------------------------------------------------------------------------------------
// Rows of a table
// ---------------------------------------------------------------------------------------------------------------------

def Horn_GatherOp : Horn_Op<"gather", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[i..., :] = table[ids[i...], :]";
  let description = "Ids lie in the table: who binds the data has checked them.";
  let arguments = (ins RankedTensorOf<[I32]>:$ids, Horn_RealTensor:$table);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$ids `,` $table attr-dict `:` type($ids) `,` type($table)";
}

def Horn_ScatterOp : Horn_Op<"scatter", [DeclareOpInterfaceMethods<Horn_DifferentiableOp>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[v, :] = sum of rows[i..., :] over the places i with ids[i...] = v; the transpose of gather";
  let arguments = (ins RankedTensorOf<[I32]>:$ids, Horn_RealTensor:$rows);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$ids `,` $rows attr-dict `:` type($ids) `,` type($rows) `to` type($y)";
}

// ---------------------------------------------------------------------------------------------------------------------
// Ragged tokens
// ---------------------------------------------------------------------------------------------------------------------

class Horn_EncodeOp<string mnemonic> : Horn_Op<mnemonic, [DeclareOpInterfaceMethods<Horn_DifferentiableOp>,
    DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let arguments = (ins Horn_TokensType:$tokens);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$tokens attr-dict `:` type($tokens) `to` type($y)";
}
def Horn_MultiHotOp : Horn_EncodeOp<"multi_hot"> {
  let summary = "y[b, v] = 1 if id v occurs in row b, else 0";
  let builders = [OpBuilder<(ins "::mlir::Value":$tokens, "::mlir::Type":$element), [{
    auto tokensType = ::llvm::cast<::hornfels::horn::TokensType>(tokens.getType());
    build($_builder, $_state, ::mlir::RankedTensorType::get(
        {::mlir::ShapedType::kDynamic, tokensType.getVocabulary()}, element), tokens);
  }]>];
}
def Horn_CountOp : Horn_EncodeOp<"count"> {
  let summary = "y[b, v] = how often id v occurs in row b";
  let builders = [OpBuilder<(ins "::mlir::Value":$tokens, "::mlir::Type":$element), [{
    auto tokensType = ::llvm::cast<::hornfels::horn::TokensType>(tokens.getType());
    build($_builder, $_state, ::mlir::RankedTensorType::get(
        {::mlir::ShapedType::kDynamic, tokensType.getVocabulary()}, element), tokens);
  }]>];
}

def Horn_GatherSumOp : Horn_Op<"gather_sum", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[b, :] = sum of the rows table[id, :] for the ids of row b";
  let description = "With `distinct`, a repeated id counts once. It is multi_hot(tokens) . table (count without).";
  let arguments = (ins Horn_TokensType:$tokens, Horn_RealTensor:$table, UnitAttr:$distinct);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$tokens `,` $table (`distinct` $distinct^)? attr-dict `:` type($tokens) `,` type($table)";
}

def Horn_ScatterAddOp : Horn_Op<"scatter_add", [DeclareOpInterfaceMethods<InferTypeOpInterface>,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp>, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[v, :] = sum of rows[b, :] over the occurrences of id v in row b; the transpose of gather_sum";
  let arguments = (ins Horn_TokensType:$tokens, Horn_RealTensor:$rows, UnitAttr:$distinct);
  let results = (outs Horn_RealTensor:$y);
  let assemblyFormat = "$tokens `,` $rows (`distinct` $distinct^)? attr-dict `:` type($tokens) `,` type($rows)";
}

def Horn_PadTokensOp : Horn_Op<"pad_tokens", [DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "y[b, :] = the ids of row b in their order, `value` where there are none";
  let description = [{
    A shorter row is filled up before its first id (`before`) or behind its last; of a longer one the first ids are cut off
    (`cut_before`) or the last.
  }];
  let arguments = (ins Horn_TokensType:$tokens, UnitAttr:$before, UnitAttr:$cut_before, I32Attr:$value);
  let results = (outs RankedTensorOf<[I32]>:$y);
  let assemblyFormat = [{
    $tokens `value` $value (`before` $before^)? (`cut_before` $cut_before^)? attr-dict `:` type($tokens) `to` type($y)
  }];
  let hasVerifier = 1;
}

// ---------------------------------------------------------------------------------------------------------------------
// Recurrence
// ---------------------------------------------------------------------------------------------------------------------

def Horn_ScanOp : Horn_Op<"scan", [IsolatedFromAbove, AttrSizedOperandSegments, SingleBlock,
    DeclareOpInterfaceMethods<Horn_DifferentiableOp, ["buildGradients"]>]> {
  let summary = "a recurrence along axis 1: (carries, y[t]) = body(carries, x[t], invariants) for t = 0, 1, ...";
  let description = [{
    The carries begin as `initial`; x[t] is xs[:, t]; with `reverse`, t runs from the last to the first. The results are
    the last carries, then all y[t] stacked along axis 1: ys[:, t] = y[t].

    (C1) the body's arguments have the types of the carries, of xs without axis 1, and of the invariants; (C2) it yields
    the carries' types, then the ys without axis 1; (C3) xs and ys are batched and have `length` places along axis 1;
    (C4) length >= 1; (C5) the first results have the carries' types.
  }];
  let arguments = (ins I64Attr:$length, Variadic<Horn_Tensor>:$initial, Variadic<Horn_Tensor>:$xs,
                       Variadic<AnyType>:$invariants, UnitAttr:$reverse);
  let results = (outs Variadic<Horn_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $length (`reverse` $reverse^)? `initial` `(` $initial `)` `over` `(` $xs `)` `with` `(` $invariants `)` attr-dict
    `:` functional-type(operands, results) $body
  }];
  let extraClassDeclaration = [{
    ::mlir::ResultRange getLast() { return getResults().take_front(getInitial().size()); }
    ::mlir::ResultRange getYs() { return getResults().drop_front(getInitial().size()); }
    /// The body's arguments.
    ::llvm::ArrayRef<::mlir::BlockArgument> getCarries() {
      return getBody().getArguments().take_front(getInitial().size());
    }
    ::llvm::ArrayRef<::mlir::BlockArgument> getElements() {
      return getBody().getArguments().slice(getInitial().size(), getXs().size());
    }
    ::llvm::ArrayRef<::mlir::BlockArgument> getInner() {
      return getBody().getArguments().take_back(getInvariants().size());
    }
    /// What the body yields: the new carries, then the ys.
    ::mlir::Operation *getYield() { return &getBody().front().back(); }
    /// x[t] as a type, from xs.
    static ::mlir::RankedTensorType elementOf(::mlir::Type stacked);
    /// The type of `length` elements along axis 1.
    static ::mlir::RankedTensorType stackOf(::mlir::Type element, int64_t length);
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Horn_YieldOp : Horn_Op<"yield", [Terminator, HasParent<"ScanOp">]> {
  let summary = "the new carries and the y[t] of a scan's body";
  let arguments = (ins Variadic<Horn_Tensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Horn_LoopOp : Horn_Op<"loop", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<Horn_LowerableOp>]> {
  let summary = "a scan whose body is a function: (carries, x[t], invariants) -> (carries, y[t])";
  let arguments = (ins FlatSymbolRefAttr:$body, I64Attr:$length, Variadic<Horn_Tensor>:$initial,
                       Variadic<Horn_Tensor>:$xs, Variadic<AnyType>:$invariants, UnitAttr:$reverse);
  let results = (outs Variadic<Horn_Tensor>:$results);
  let assemblyFormat = [{
    $body $length (`reverse` $reverse^)? `initial` `(` $initial `)` `over` `(` $xs `)` `with` `(` $invariants `)` attr-dict
    `:` functional-type(operands, results)
  }];
}

// ---------------------------------------------------------------------------------------------------------------------
// Training
// ---------------------------------------------------------------------------------------------------------------------

def Horn_GradientOp : Horn_Op<"gradient"> {
  let summary = "d loss / d weight for each weight";
  let description = "Stands for the gradients until passes/autodiff builds them. One result for each weight, of its type.";
  let arguments = (ins Horn_ScalarTensor:$loss, Variadic<Horn_RealTensor>:$weights);
  let results = (outs Variadic<Horn_RealTensor>:$gradients);
  let assemblyFormat = "$loss `of` $weights attr-dict `:` type($loss) `,` type($weights) `->` type($gradients)";
  let builders = [OpBuilder<(ins "::mlir::Value":$loss, "::mlir::ValueRange":$weights), [{
    build($_builder, $_state, weights.getTypes(), loss, weights);
  }]>];
  let hasVerifier = 1;
}

// ---------------------------------------------------------------------------------------------------------------------
// Inside kernels
// ---------------------------------------------------------------------------------------------------------------------

def Horn_MathOp : Horn_Op<"math"> {
  let summary = "a scalar function of the runtime, by name: exp, tanh, sigmoid, pow, ...";
  let arguments = (ins StrAttr:$function, Variadic<AnyType>:$operands);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$function `(` $operands `)` attr-dict `:` functional-type($operands, $result)";
}

def Horn_RandomElementOp : Horn_Op<"random_element"> {
  let summary = "element `element` of a random tensor; `function` is uniform or normal";
  let arguments = (ins StrAttr:$function, I64:$seed, I64:$step, Index:$element, I64Attr:$stream);
  let results = (outs Horn_Real:$result);
  let assemblyFormat = "$function `(` $seed `,` $step `,` $element `)` `stream` $stream attr-dict `:` type($result)";
}

def Horn_BatchOp : Horn_Op<"batch"> {
  let summary = "the number of samples in this step, as an index";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Horn_LaunchOp : Op<Horn_Dialect, "launch", [AttrSizedOperandSegments]> {
  let summary = "runs a kernel on buffers: what it reads, then what it writes";
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs, Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $kernel `ins` `(` $inputs `:` type($inputs) `)` `outs` `(` $outputs `:` type($outputs) `)` attr-dict
  }];
}

def Horn_ArenaOp : Horn_Op<"arena"> {
  let summary = "a buffer of the arena, at `fixed + per_sample * capacity` bytes";
  let arguments = (ins I64Attr:$fixed, I64Attr:$per_sample);
  let results = (outs AnyMemRef:$buffer);
  let assemblyFormat = "$fixed `+` $per_sample `*` `capacity` attr-dict `:` type($buffer)";
}

def Horn_SlotOp : Horn_Op<"slot"> {
  let summary = "one place along axis 1 of a buffer [rows, places, ...], or the places from `first` on";
  let description = [{
    Without a step: the places from `first` on, as many as the type has. With one: place first + by * step, modulo
    `modulo` unless that is 0. Rows of a slot are as far apart as the buffer's (`horn.stride` on parameters of kernels).
    A slot without samples is a place along axis 0.
  }];
  let arguments = (ins AnyMemRef:$buffer, Optional<Index>:$step, I64Attr:$first, I64Attr:$by, I64Attr:$modulo);
  let results = (outs AnyMemRef:$slot);
  let assemblyFormat = [{
    $buffer `[` $first `+` $by `*` ($step^)? `mod` $modulo `]` attr-dict `:` type($buffer) `to` type($slot)
  }];
  let extraClassDeclaration = [{
    /// Elements from row to row of the slot; 0 where it has no samples.
    int64_t getRowStride();
  }];
}

def Horn_RowBoundsOp : Horn_Op<"row_bounds"> {
  let summary = "first and one past last position of a row of tokens";
  let arguments = (ins Horn_TokensType:$tokens, Index:$row);
  let results = (outs Index:$begin, Index:$end);
  let assemblyFormat = "$tokens `[` $row `]` attr-dict `:` type($tokens)";
}

def Horn_TokenOp : Horn_Op<"token"> {
  let summary = "the id at a position";
  let arguments = (ins Horn_TokensType:$tokens, Index:$position);
  let results = (outs Index:$id);
  let assemblyFormat = "$tokens `[` $position `]` attr-dict `:` type($tokens)";
}

def Horn_IdOp : Horn_Op<"id"> {
  let summary = "an element of a buffer of ids, as an index";
  let arguments = (ins AnyMemRef:$ids, Variadic<Index>:$place);
  let results = (outs Index:$id);
  let assemblyFormat = "$ids `[` $place `]` attr-dict `:` type($ids)";
}

def Horn_LowerBoundOp : Horn_Op<"lower_bound"> {
  let summary = "first position in [begin, end) of a sorted row whose id is not below `id`";
  let arguments = (ins Horn_TokensType:$tokens, Index:$begin, Index:$end, Index:$id);
  let results = (outs Index:$position);
  let assemblyFormat = "$tokens `[` $begin `:` $end `]` `id` $id attr-dict `:` type($tokens)";
}

#endif
