// Tiles each kernel for registers and puts it on buffers.
//
// A kernel runs over rows (the batch, or the first axis of a weight). Rows are taken in tiles; inside a tile of rows
// the units follow each other, each over its columns. A reduction whose result goes only to one element-wise unit of
// the same domain is emitted together with it, so that the accumulators never leave the registers.
#include "passes/schedule/KernelScheduler.h"
#include "passes/schedule/Work.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_SCHEDULE
#include "passes/Passes.h.inc"

/// What the printer relies on: static tiles, nothing on tensors, nothing from the heap.
static LogicalResult checkScheduled(func::FuncOp kernel) {
  WalkResult result = kernel.walk([](Operation *op) {
    if (isa<memref::AllocOp>(op))
      return op->emitOpError("allocates on the heap in a kernel"), WalkResult::interrupt();
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      for (int64_t size : generic.getStaticLoopRanges())
        if (size == kBatch)
          return op->emitOpError("is a tile of a size that is not known"), WalkResult::interrupt();
    for (Type type : op->getResultTypes())
      if (isa<TensorType>(type) && !isa<arith::ConstantOp>(op)) // a table in the source stays a constant
        return op->emitOpError("is still on tensors after scheduling"), WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct SchedulePass : impl::ScheduleBase<SchedulePass> {
  using ScheduleBase::ScheduleBase;

  void runOnOperation() override {
    for (func::FuncOp kernel : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (!kernel->hasAttr("horn.kernel"))
        continue;
      describeWork(kernel); // while it is on tensors
      if (failed(KernelScheduler(kernel, vectorBytes, registers).run()) || failed(checkScheduled(kernel)))
        return signalPassFailure();
    }
  }
};
} // namespace
} // namespace hornfels
