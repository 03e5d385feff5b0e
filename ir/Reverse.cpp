#include "ir/Reverse.h"

using namespace mlir;

namespace hornfels::horn {

/// A value read twice receives two gradients: sum them before going on.
void ReverseWalk::add(Value value, Value contribution, Location loc) {
  Value &total = gradient[value];
  total = total ? GradientBuilder(builder, loc).add(total, contribution) : contribution;
}

LogicalResult ReverseWalk::run(Block &block, Operation *end) {
  // Only operations that a wanted value reaches can pass a gradient on to one.
  SmallVector<Operation *> active;
  for (Operation &candidate : block) {
    if (&candidate == end)
      break;
    if (!llvm::any_of(candidate.getOperands(), [&](Value operand) { return reached.contains(operand); }))
      continue;
    reached.insert(candidate.result_begin(), candidate.result_end());
    active.push_back(&candidate);
  }
  for (Operation *forward : llvm::reverse(active))
    if (failed(passThrough(forward)))
      return failure();
  return success();
}

LogicalResult ReverseWalk::passThrough(Operation *forward) {
  SmallVector<Value> dy = llvm::map_to_vector(forward->getResults(), [&](Value y) { return gradient.lookup(y); });
  if (llvm::none_of(dy, [](Value d) { return static_cast<bool>(d); }))
    return success();
  auto differentiable = dyn_cast<DifferentiableOp>(forward);
  if (!differentiable)
    return forward->emitOpError("stands between a weight and the loss and has no DifferentiableOp interface");
  Location loc = NameLoc::get(builder.getStringAttr("backward"), forward->getLoc());
  GradientBuilder g(builder, loc);
  SmallVector<Value> dx, operands = llvm::to_vector(forward->getOperands());
  if (failed(differentiable.buildGradients(g, dy, dx)))
    return failure();
  for (auto [operand, contribution] : llvm::zip_equal(operands, dx))
    if (contribution && reached.contains(operand))
      add(operand, contribution, loc);
  return success();
}

} // namespace hornfels::horn
