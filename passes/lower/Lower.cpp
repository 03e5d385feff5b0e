// horn to linalg on tensors: asks each operation for its form; element-wise ones share one.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_LOWER
#include "passes/Passes.h.inc"

namespace {

/// One generic over the result's shape, with the operation's scalar body.
Value lowerElementwise(Lowering &lowering, ScalarOp op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  AffineMap map = lowering.identity(type.getRank());
  SmallVector<Lowering::Read> reads;
  for (Value operand : op->getOperands())
    reads.push_back({operand, map});
  return lowering.generic(op->getLoc(), type, type.getShape(), map, reads, Combine::none,
                          [&](ScalarBuilder &s, ValueRange e, ValueRange) { return op.buildScalar(s, e); });
}

struct LowerPass : impl::LowerBase<LowerPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    Block &body = function.getBody().front();
    SmallVector<Operation *> operations = llvm::to_vector(llvm::make_pointer_range(body));

    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    Value batch = builder.create<BatchOp>(function.getLoc(), builder.getIndexType());
    Lowering lowering(builder, batch);
    for (Operation *op : operations)
      if (failed(lowerOperation(lowering, op)))
        return signalPassFailure();
    lowering.builder.setInsertionPoint(operations.back());
    for (OpOperand &result : operations.back()->getOpOperands())
      result.set(lowering.materialize(result.get()));
    for (Operation *op : llvm::reverse(operations))
      if (op->use_empty() && !op->hasTrait<OpTrait::IsTerminator>())
        op->erase();
    eraseUnusedOperands();
  }

  /// A body may need less than its operation: argmax along an axis of size 1 is 0 whatever it reads.
  void eraseUnusedOperands() {
    RewritePatternSet patterns(&getContext());
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

  LogicalResult lowerOperation(Lowering &lowering, Operation *op) {
    lowering.builder.setInsertionPoint(op);
    if (op->hasTrait<OpTrait::IsTerminator>() || isa<GeneratorOp>(op))
      return success();
    if (auto view = dyn_cast<ViewOp>(op); view && view.getSourceMap())
      return success();
    if (auto scalar = dyn_cast<ScalarOp>(op)) {
      lowering.define(op->getResult(0), lowerElementwise(lowering, scalar));
      return success();
    }
    auto lowerable = dyn_cast<LowerableOp>(op);
    if (!lowerable)
      return op->emitOpError("has none of the interfaces ViewOp, GeneratorOp, ScalarOp, LowerableOp");
    FailureOr<Value> lowered = lowerable.lower(lowering);
    if (failed(lowered))
      return failure();
    lowering.define(op->getResult(0), *lowered);
    return success();
  }
};

} // namespace
} // namespace hornfels
