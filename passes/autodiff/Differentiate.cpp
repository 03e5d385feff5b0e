// Reverse mode on whole operations. The walk names no operation: each builds its own gradient.
#include "ir/Builders.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

namespace {

/// The gradients of one loss: d loss / d value, for the values on a path from a weight to the loss.
class Gradients {
public:
  explicit Gradients(GradientOp op) : op(op), builder(op) { findActive(); }

  LogicalResult build() {
    gradient[op.getLoss()] = GradientBuilder(builder, op.getLoc()).full(op.getLoss().getType(), 1.0);
    for (Operation *forward : llvm::reverse(active))
      if (failed(passThrough(forward)))
        return failure();
    for (auto [weight, result] : llvm::zip(op.getWeights(), op.getGradients())) {
      Value d = gradient.lookup(weight);
      result.replaceAllUsesWith(d ? d : GradientBuilder(builder, op.getLoc()).full(weight.getType(), 0.0));
    }
    op.erase();
    return success();
  }

private:
  /// Only operations that a weight reaches can pass a gradient on to one.
  void findActive() {
    reached.insert(op.getWeights().begin(), op.getWeights().end());
    for (Operation &candidate : *op->getBlock()) {
      if (&candidate == op)
        return;
      if (!llvm::any_of(candidate.getOperands(), [&](Value operand) { return reached.contains(operand); }))
        continue;
      reached.insert(candidate.result_begin(), candidate.result_end());
      active.push_back(&candidate);
    }
  }

  LogicalResult passThrough(Operation *forward) {
    Value dy = forward->getNumResults() == 1 ? gradient.lookup(forward->getResult(0)) : Value();
    if (!dy)
      return success();
    auto differentiable = dyn_cast<DifferentiableOp>(forward);
    if (!differentiable)
      return forward->emitOpError("stands between a weight and the loss and has no DifferentiableOp interface");
    GradientBuilder g(builder, NameLoc::get(builder.getStringAttr("backward"), forward->getLoc()));
    SmallVector<Value> dx;
    differentiable.buildGradient(g, dy, dx);
    for (auto [operand, contribution] : llvm::zip_equal(forward->getOperands(), dx))
      if (contribution && reached.contains(operand))
        accumulate(g, operand, contribution);
    return success();
  }

  /// A value read twice receives two gradients: sum them before going on.
  void accumulate(GradientBuilder &g, Value value, Value contribution) {
    Value &total = gradient[value];
    total = total ? g.add(total, contribution) : contribution;
  }

  GradientOp op;
  OpBuilder builder;
  SmallVector<Operation *> active;
  DenseSet<Value> reached;
  DenseMap<Value, Value> gradient;
};

struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  void runOnOperation() override {
    SmallVector<GradientOp> requests;
    getOperation().walk([&](GradientOp op) { requests.push_back(op); });
    for (GradientOp request : requests)
      if (failed(Gradients(request).build()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace hornfels
