// What passes ask of windows.
#ifndef HORNFELS_IR_WINDOWS_H
#define HORNFELS_IR_WINDOWS_H

#include "ir/HornDialect.h"

namespace hornfels::horn {

/// The fold of a contraction that nothing else reads, where the right operand alone has the places inside the windows: the
/// input gradient of a convolution. Null for other folds.
ContractOp convolutionBehind(FoldOp fold);

/// Such a fold whose lowered form adds into its result, one place inside the windows after the other:
///   y[n, p * stride + k * dilation, i] += sum over o of a[n, p, o] * b[k, i, o]
/// Every dimension has more than one place, and the batch is the first.
bool addsInPlace(FoldOp fold);

} // namespace hornfels::horn

#endif
