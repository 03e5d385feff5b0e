// Runs a model of a program at compile time and builds its `horn` operations.
#pragma once

#include "frontend/horn/Diagnostics.h"
#include "frontend/horn/Loader.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace hornfels::frontend {

struct ElaborateOptions {
  bool realIsF64 = false;   // --real=f64
  bool lossClip = false;    // --loss=clip: `logits` answers none
  bool onlyPredict = false; // --only=predict: no loss, no optimizer
  bool isKeras = false;     // read from a file of Keras: what Keras would train is a warning, not an error
  std::string modelName;    // --model; empty: the model with a `train` block, else the only one
};

/// Builds @initialize, @predict and, where the model has a `train` block, @evaluate_step and @train_step, as
/// pure functions of their state, with attributes that describe the model. Every error about the model goes
/// to `diagnostics` with its place; then the result is null. The module is verified: a failure there is
/// reported as our own error.
mlir::OwningOpRef<mlir::ModuleOp> elaborate(const Program &program, const ElaborateOptions &options,
                                            mlir::MLIRContext &context, Diagnostics &diagnostics);

} // namespace hornfels::frontend
