// What passes ask about operations at the linalg level: their domain, their kind, their names.
#ifndef HORNFELS_IR_STRUCTURE_H
#define HORNFELS_IR_STRUCTURE_H

#include "ir/HornDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace hornfels::horn {

/// A value between two loop nests of a kernel that takes more than this per register tile of rows is kept in the
/// arena instead of the stack.
inline constexpr int64_t kTileBytes = 2048;
/// Rows of a register tile.
inline constexpr int64_t kTileRows = 8;

/// Does work at this level (anything else is a constant, an empty tensor, a fill, a change of type).
bool isComputation(mlir::Operation *op);
/// Adds to rows of a table that ids choose.
bool isScatter(mlir::Operation *op);
/// A linalg.generic without a reduction.
bool isElementwise(mlir::Operation *op);
/// A reduction in which no single operand covers the whole domain: a product of two.
bool isContraction(mlir::Operation *op);

/// The factor of a dimension in an affine expression: s in d0 * s + d1.
int64_t coefficientOf(mlir::AffineExpr expr, unsigned dim);

/// Sizes of the parallel dimensions, in the order of the domain. Axes of size 1 do not count.
llvm::SmallVector<int64_t> parallelSizes(mlir::Operation *op);
/// The first parallel dimension is the batch.
bool isBatched(mlir::Operation *op);
/// Some dimension that is reduced is the batch.
bool reducesBatch(mlir::Operation *op);

/// The map by which `op` reads `value` (the first, if it reads it more than once); null when it is no generic.
mlir::AffineMap readMap(mlir::Operation *op, mlir::Value value);
/// The map by which the operation that made `value` wrote it, over its parallel dimensions alone: what an element-wise
/// reader of the same domain has as its readMap.
mlir::AffineMap writeMap(mlir::Value value);

/// Where an operation comes from: "dense_1", "loss", and whether autodiff made it.
struct Origin {
  llvm::StringRef name;
  bool backward = false;
  mlir::FileLineColLoc position;
};
Origin originOf(mlir::Location loc);

/// What a value is called after where it comes from: "dense", "dense_sum" for what a product or sum of it makes, "d_dense"
/// for a gradient.
std::string nameByOrigin(mlir::Value value);

/// Elements of a type, the batch counted as 1.
int64_t elementsPerSample(mlir::ShapedType type);
/// Bytes of one element as it is stored; a bool takes a byte.
int64_t elementBytes(mlir::Type element);

} // namespace hornfels::horn

#endif
