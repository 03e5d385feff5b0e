// Reverse mode on whole operations. The walk names no operation: each builds its own gradient.
#include "ir/Reverse.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

namespace {

/// The gradients of one loss in the place of the operation that asks for them.
LogicalResult replaceByGradients(GradientOp op) {
  OpBuilder builder(op);
  ReverseWalk walk(builder, op.getWeights());
  walk.add(op.getLoss(), GradientBuilder(builder, op.getLoc()).full(op.getLoss().getType(), 1.0), op.getLoc());
  if (failed(walk.run(*op->getBlock(), op)))
    return failure();
  for (auto [weight, result] : llvm::zip(op.getWeights(), op.getGradients())) {
    Value d = walk.gradientOf(weight);
    result.replaceAllUsesWith(d ? d : GradientBuilder(builder, op.getLoc()).full(weight.getType(), 0.0));
  }
  op.erase();
  return success();
}

struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  void runOnOperation() override {
    SmallVector<GradientOp> requests;
    getOperation().walk([&](GradientOp op) { requests.push_back(op); });
    for (GradientOp request : requests)
      if (failed(replaceByGradients(request)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace hornfels
