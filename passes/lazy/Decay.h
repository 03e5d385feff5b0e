// What an update does to a row without gradient.
#ifndef HORNFELS_PASSES_LAZY_DECAY_H
#define HORNFELS_PASSES_LAZY_DECAY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace hornfels {

/// Operands of an update, by their number among its inputs.
struct UpdateOperands {
  unsigned gradient;
  /// Numbers that are finite and not negative: the learning rate.
  llvm::SmallDenseSet<unsigned> rates;
  /// The optimizer's own: not negative at first (the runtime looks).
  llvm::SmallDenseSet<unsigned> slots;
  /// For each result the input that it overwrites; absent: none.
  llvm::SmallVector<std::optional<unsigned>> overwritten;
};

/// The factor of each input that is multiplied by a constant between 0 and 1 where the gradient is zero, for the inputs
/// that are overwritten; 1: it stays as it is, to the bit. Nothing if anything else may happen to one of them. Slots count
/// as not negative, which is proved of what the update makes of them; and as numbers: what they are made of is one unless the
/// gradient is none, and then the weight is none either.
std::optional<llvm::SmallDenseMap<unsigned, double>> decaysWithoutGradient(mlir::linalg::GenericOp update,
                                                                           const UpdateOperands &operands);

} // namespace hornfels

#endif
