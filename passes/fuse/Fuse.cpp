// The fusion decision: which operations make one kernel, and which loop nests (units) a kernel has.
//
// Roots are contractions, ragged operations and reductions over the batch. What follows a root row by row (bias,
// activation, softmax, a loss for each sample) or element by element (the optimizer behind a weight gradient) joins
// its kernel. Inside a kernel, element-wise operations of one domain are merged into one generic.
#include "passes/fuse/Grouping.h"
#include "passes/fuse/Outline.h"

#include "ir/Lowering.h"
#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_FUSE
#include "passes/Passes.h.inc"

/// A root opens a kernel; it is never added to one.
static bool isRoot(Operation *op) {
  return !isa<linalg::GenericOp>(op) || isContraction(op) || reducesBatch(op);
}

/// `op` reads what the group makes, at the same row of the batch.
static bool readsItsOwnRow(Operation *op, ArrayRef<Operation *> group) {
  for (Value operand : op->getOperands()) {
    if (!operand.getDefiningOp() || !llvm::is_contained(group, operand.getDefiningOp()))
      continue;
    AffineMap map = readMap(op, operand);
    if (!map || map.getNumResults() == 0 || map.getResult(0) != getAffineDimExpr(0, op->getContext()))
      return false;
  }
  return true;
}

/// `op` reads what the group makes, each element where it was written.
static bool readsWhereWritten(Operation *op, ArrayRef<Operation *> group) {
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp() && llvm::is_contained(group, operand.getDefiningOp())) {
      AffineMap written = writeMap(operand);
      if (written && readMap(op, operand) != written)
        return false;
    }
  return true;
}

static bool mayJoinKernel(Operation *op, ArrayRef<Operation *> group) {
  if (isRoot(op) || isa<InsertOp>(group.front()))
    return false;
  if (isBatched(op))
    return llvm::all_of(group, isBatched) && readsItsOwnRow(op, group);
  SmallVector<int64_t> sizes = parallelSizes(op);
  return isElementwise(op) && readsWhereWritten(op, group) &&
         llvm::all_of(group, [&](Operation *member) { return parallelSizes(member) == sizes; });
}

static bool mayJoinUnit(Operation *op, ArrayRef<Operation *> unit) {
  return isElementwise(op) && llvm::all_of(unit, isElementwise) && parallelSizes(op) == parallelSizes(unit.front()) &&
         readsWhereWritten(op, unit);
}

/// Computed from scalars that the step is given: cheaper to compute again in each kernel than to store. Dropout's
/// numbers are made again in the backward pass for this reason.
static bool isRecomputed(Operation *op) {
  if (!isElementwise(op))
    return false;
  for (Operation *user : op->getUsers())
    if (!isComputation(user))
      return false;
  for (OpOperand *input : cast<linalg::GenericOp>(op).getDpsInputOperands()) {
    Operation *producer = input->get().getDefiningOp();
    if (cast<RankedTensorType>(input->get().getType()).getRank() != 0 || (producer && !isRecomputed(producer)))
      return false;
  }
  return true;
}

namespace {

struct FusePass : impl::FuseBase<FusePass> {
  using FuseBase::FuseBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      giveResultsTheirOwnValues(function);
      fuseFunction(function);
    }
  }

  /// An argument that is returned, or a value returned twice, is copied: every result gets a buffer of its own.
  void giveResultsTheirOwnValues(func::FuncOp function) {
    Operation *terminator = function.getBody().front().getTerminator();
    OpBuilder builder(terminator);
    Value batch = *function.getOps<BatchOp>().begin();
    Lowering lowering(builder, batch);
    DenseSet<Value> returned;
    for (OpOperand &result : terminator->getOpOperands()) {
      Operation *producer = result.get().getDefiningOp();
      if (!producer || !isComputation(producer) || !returned.insert(result.get()).second)
        result.set(lowering.copy(function.getLoc(), result.get()));
    }
  }

  void fuseFunction(func::FuncOp function) {
    Grouping kernels;
    for (Operation &op : function.getBody().front()) {
      if (!isComputation(&op) || (all && isRecomputed(&op)))
        continue;
      kernels.add(&op, [&](ArrayRef<Operation *> group) { return all && mayJoinKernel(&op, group); });
    }
    Outliner outliner(function);
    for (ArrayRef<Operation *> members : kernels.sorted()) {
      SmallVector<Operation *> operations = withRecomputed(members);
      Grouping units;
      for (Operation *op : operations)
        units.add(op, [&](ArrayRef<Operation *> unit) { return mayJoinUnit(op, unit); }, /*siblings=*/true);
      outliner.outline(members, units.sorted());
    }
    outliner.finish();
  }

  /// The members and, before them, what they compute again.
  SmallVector<Operation *> withRecomputed(ArrayRef<Operation *> members) {
    SmallVector<Operation *> result;
    std::function<void(Operation *)> visit = [&](Operation *op) {
      if (llvm::is_contained(result, op))
        return;
      for (Value operand : op->getOperands())
        if (Operation *producer = operand.getDefiningOp(); producer && all && isComputation(producer) && isRecomputed(producer))
          visit(producer);
      result.push_back(op);
    };
    for (Operation *member : members)
      visit(member);
    return result;
  }
};

} // namespace
} // namespace hornfels
