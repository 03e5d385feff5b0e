// How operations become linalg: reads through views, generators inlined, axes of size 1 dropped.
#ifndef HORNFELS_IR_LOWERING_H
#define HORNFELS_IR_LOWERING_H

#include "ir/Builders.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace hornfels::horn {

/// How a reduction combines its elements.
enum class Combine { none, sum, max, min, prod };

/// Lowers one function. Views (transpose, broadcast, slice) become indexing maps of their readers, generators
/// (constants, indices) become part of their readers' bodies, and no domain has a dimension of size 1.
class Lowering {
public:
  /// A tensor of the horn level, read at `map` of the domain.
  struct Read {
    mlir::Value value;
    mlir::AffineMap map;
  };
  using Body = llvm::function_ref<mlir::Value(ScalarBuilder &, mlir::ValueRange elements, mlir::ValueRange index)>;

  Lowering(mlir::OpBuilder &builder, mlir::Value batch) : builder(builder), batch(batch) {}

  /// The linalg-level tensor that holds `value`; views and generators are copied into one.
  mlir::Value materialize(mlir::Value value);
  void define(mlir::Value value, mlir::Value lowered) { lowered_[value] = lowered; }

  /// result[out(i)] = body(reads...), over the domain `sizes`; dimensions that `out` lacks are reduced by `combine`,
  /// from its neutral element.
  mlir::Value generic(mlir::Location loc, mlir::RankedTensorType type, llvm::ArrayRef<int64_t> sizes,
                      mlir::AffineMap out, llvm::ArrayRef<Read> reads, Combine combine, Body body);
  /// A tensor whose elements are not yet written.
  mlir::Value empty(mlir::Location loc, mlir::RankedTensorType type);
  /// The identity map of `rank` dimensions.
  mlir::AffineMap identity(int64_t rank) { return builder.getMultiDimIdentityMap(rank); }
  /// A tensor of which every element is `number`.
  mlir::Value filled(mlir::Location loc, mlir::RankedTensorType type, double number);
  /// A tensor filled with `number`, then the stored tensor x at offsets + i * strides.
  mlir::Value embed(mlir::Location loc, mlir::RankedTensorType type, mlir::Value x, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> strides, double number);
  /// The same read from a copy whose last axis is the one that `dim` indexes; the read itself where it is the last.
  Read withLastDimension(mlir::Location loc, const Read &read, unsigned dim);
  /// A new tensor that holds `value`.
  mlir::Value copy(mlir::Location loc, mlir::Value value);

  mlir::OpBuilder &builder;

private:
  mlir::Value batch;
  llvm::DenseMap<mlir::Value, mlir::Value> lowered_;
};

} // namespace hornfels::horn

#endif
