// Better forms of recurrences.
#ifndef HORNFELS_PASSES_SIMPLIFY_RECURRENCE_H
#define HORNFELS_PASSES_SIMPLIFY_RECURRENCE_H

#include "mlir/IR/PatternMatch.h"

namespace hornfels {

/// What simplify knows of scans: a product that only a scan reads, place by place, is computed in its body.
void addRecurrencePatterns(mlir::RewritePatternSet &patterns);

} // namespace hornfels

#endif
