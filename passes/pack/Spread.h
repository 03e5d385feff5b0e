// Rows of samples that would lie a multiple of a page apart lie a line further apart.
#ifndef HORNFELS_PASSES_PACK_SPREAD_H
#define HORNFELS_PASSES_PACK_SPREAD_H

#include "mlir/IR/BuiltinOps.h"

namespace hornfels {

/// Puts `horn.stride`, the elements from row to row, on parameters of kernels and on buffers of the arena that have room for
/// it (Arena). A buffer is spread only if every launch that touches it passes it to parameters that no other kind of buffer
/// is passed to.
void spreadRows(mlir::ModuleOp module);

} // namespace hornfels

#endif
