// The `horn` dialect: types, interfaces and operations. See HornOps.td.
#ifndef HORNFELS_IR_HORNDIALECT_H
#define HORNFELS_IR_HORNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hornfels::horn {
class GradientBuilder;
class ScalarBuilder;
class Lowering;

/// The batch: the one symbolic size, always axis 0.
inline constexpr int64_t kBatch = mlir::ShapedType::kDynamic;
} // namespace hornfels::horn

#include "ir/HornDialect.h.inc"
#include "ir/HornEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/HornTypes.h.inc"
#include "ir/HornInterfaces.h.inc"
#define GET_OP_CLASSES
#include "ir/HornOps.h.inc"

#endif
