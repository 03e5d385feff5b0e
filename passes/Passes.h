// The passes and the pipeline made of them. See Passes.td.
#ifndef HORNFELS_PASSES_PASSES_H
#define HORNFELS_PASSES_PASSES_H

#include "mlir/Pass/Pass.h"

namespace hornfels {
#define GEN_PASS_DECL
#include "passes/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"
} // namespace hornfels

#endif
