// The stages of a compilation, in order.
#ifndef HORNFELS_PASSES_PIPELINES_H
#define HORNFELS_PASSES_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <functional>
#include <string>

namespace hornfels {

struct PipelineOptions {
  bool fuse = true;
  bool lazyRows = true; ///< tables may be updated lazily
  /// Width of the target's vector registers: 64 for AVX-512, 32 for AVX2, 16 for NEON and SSE2.
  int64_t vectorBytes = 64;
  int64_t registers = 32; ///< vector registers of the target
  /// Kernels for a GPU: `fuse` groups for blocks of threads, and the last stage is `map` in place of `pack` and `schedule`.
  bool device = false;
  std::string math = "fp32"; ///< of products on a GPU: fp32, tf32, bf16
};

/// Loads the dialects and interface models that the pipeline and the elaborator need.
void loadDialects(mlir::MLIRContext &context);

/// Takes a module from the elaborator's form to scheduled kernels. After each stage `onStage` is called with its name
/// (`simplify`, `differentiate`, `lower`, `fuse`, `memory`, `pack`, `schedule`; for a GPU `map` behind `memory`); it returns false to stop there.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, const PipelineOptions &options,
                                const std::function<bool(llvm::StringRef stage, mlir::ModuleOp)> &onStage = {});

} // namespace hornfels

#endif
