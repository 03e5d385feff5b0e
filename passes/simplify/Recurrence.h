// Better forms of recurrences.
#ifndef HORNFELS_PASSES_SIMPLIFY_RECURRENCE_H
#define HORNFELS_PASSES_SIMPLIFY_RECURRENCE_H

#include "mlir/IR/PatternMatch.h"

namespace hornfels {

/// Whether a gradient of the function that `op` is in is still to be built.
bool awaitsGradient(mlir::Operation *op);

/// What simplify knows of scans: a product that only a scan reads, place by place, is computed in its body.
void addRecurrencePatterns(mlir::RewritePatternSet &patterns);

} // namespace hornfels

#endif
