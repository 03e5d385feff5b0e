// Better forms of convolutions and pooling.
#ifndef HORNFELS_PASSES_SIMPLIFY_WINDOWS_H
#define HORNFELS_PASSES_SIMPLIFY_WINDOWS_H

#include "mlir/IR/PatternMatch.h"

namespace hornfels {

/// What simplify knows of windows: input gradients of convolutions that are convolutions themselves, slopes behind a pooling
/// instead of before it, and places that no window reads.
void addWindowPatterns(mlir::RewritePatternSet &patterns);

} // namespace hornfels

#endif
