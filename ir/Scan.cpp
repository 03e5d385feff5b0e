// Recurrences: verifiers, canonical forms, forms in linalg. Their gradient is in ScanGradient.cpp.
#include "ir/Lowering.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace hornfels::horn {

// ---------------------------------------------------------------------------------------------------------------------
// Types
// ---------------------------------------------------------------------------------------------------------------------

RankedTensorType ScanOp::elementOf(Type stacked) {
  auto type = cast<RankedTensorType>(stacked);
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + 1);
  return RankedTensorType::get(shape, type.getElementType());
}

RankedTensorType ScanOp::stackOf(Type element, int64_t length) {
  auto type = cast<RankedTensorType>(element);
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + 1, length);
  return RankedTensorType::get(shape, type.getElementType());
}

static bool isBatched(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() > 0 && tensor.isDynamicDim(0);
}

LogicalResult ScanOp::verify() {
  auto length = static_cast<int64_t>(getLength());
  if (length < 1)
    return emitOpError("has no places");                                                               // C4
  auto isStack = [&](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return isBatched(type) && tensor.getRank() > 1 && tensor.getDimSize(1) == length;
  };
  SmallVector<Type> expected = llvm::to_vector(getInitial().getTypes());
  size_t carries = expected.size();
  for (Type x : getXs().getTypes()) {
    if (!isStack(x))
      return emitOpError("goes over ") << x << ", which has no " << length << " places along axis 1";  // C3
    expected.push_back(elementOf(x));
  }
  llvm::append_range(expected, getInvariants().getTypes());
  if (getBody().getArgumentTypes() != TypeRange(expected))
    return emitOpError("has a body with other arguments than carries, elements and invariants");       // C1
  if (!isa<YieldOp>(getYield()))
    return emitOpError("has a body that does not end in a yield");
  if (getNumResults() != getYield()->getNumOperands() || getNumResults() < carries)
    return emitOpError("yields ") << getYield()->getNumOperands() << " values for " << getNumResults() << " results"; // C2
  for (auto [index, yielded] : llvm::enumerate(getYield()->getOperandTypes())) {
    Type result = getResult(index).getType();
    if (index < carries ? yielded != expected[index] || result != expected[index]                     // C2, C5
                        : !isStack(result) || elementOf(result) != yielded)                            // C2, C3
      return emitOpError("yields ") << yielded << " for " << result;
  }
  return success();
}

// ---------------------------------------------------------------------------------------------------------------------
// Canonical form
// ---------------------------------------------------------------------------------------------------------------------

namespace {

/// What of a scan is to stay.
struct Kept {
  explicit Kept(ScanOp scan)
      : carries(scan.getInitial().size(), true), xs(scan.getXs().size(), true),
        invariants(scan.getInvariants().size(), true), ys(scan.getYs().size(), true) {}
  bool all() const { return carries.all() && xs.all() && invariants.all() && ys.all(); }
  llvm::SmallBitVector carries, xs, invariants, ys;
};

/// The scan without what is not to stay, whose body nothing else needs.
void rebuild(ScanOp scan, const Kept &kept, RewriterBase &rewriter) {
  auto pick = [](auto range, const llvm::SmallBitVector &bits, SmallVector<Value> &into) {
    for (auto [index, value] : llvm::enumerate(range))
      if (bits[index])
        into.push_back(value);
  };
  SmallVector<Value> initial, xs, invariants, yielded, results;
  pick(scan.getInitial(), kept.carries, initial);
  pick(scan.getXs(), kept.xs, xs);
  pick(scan.getInvariants(), kept.invariants, invariants);
  OperandRange values = scan.getYield()->getOperands();
  size_t carries = scan.getInitial().size();
  pick(values.take_front(carries), kept.carries, yielded);
  pick(values.drop_front(carries), kept.ys, yielded);
  pick(scan.getLast(), kept.carries, results);
  pick(scan.getYs(), kept.ys, results);

  rewriter.setInsertionPoint(scan);
  auto smaller = rewriter.create<ScanOp>(scan.getLoc(), ValueRange(results).getTypes(), scan.getLengthAttr(), initial, xs,
                                         invariants, scan.getReverseAttr());
  if (auto names = scan->getAttrOfType<ArrayAttr>("horn.names"); names && names.size() == carries + kept.xs.size()) {
    SmallVector<Attribute> left;
    for (auto [index, name] : llvm::enumerate(names))
      if (index < carries ? kept.carries[index] : kept.xs[index - carries])
        left.push_back(name);
    smaller->setAttr("horn.names", rewriter.getArrayAttr(left));
  }
  Block *body = &scan.getBody().front();
  rewriter.modifyOpInPlace(scan.getYield(), [&] { scan.getYield()->setOperands(yielded); });
  smaller.getBody().takeBody(scan.getBody());
  llvm::BitVector erased(body->getNumArguments());
  unsigned argument = 0;
  for (const llvm::SmallBitVector *bits : {&kept.carries, &kept.xs, &kept.invariants})
    for (unsigned i = 0; i < bits->size(); ++i)
      erased[argument++] = !(*bits)[i];
  // A carry that goes may still be read by operations that nothing needs any more.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isOpTriviallyDead(&op))
      rewriter.eraseOp(&op);
  for (BlockArgument old : body->getArguments())
    if (erased[old.getArgNumber()] && !old.use_empty()) { // a circle of a carry into itself
      rewriter.setInsertionPointToStart(body);
      old.replaceAllUsesWith(rewriter.create<FullOp>(scan.getLoc(), old.getType(), 0.0));
    }
  body->eraseArguments(erased);
  for (auto [old, fresh] : llvm::zip(results, smaller.getResults()))
    rewriter.replaceAllUsesWith(old, fresh);
}

/// A carry whose last value nobody reads, and which flows into nothing but itself.
bool isIdle(ScanOp scan, unsigned carry) {
  if (!scan.getLast()[carry].use_empty())
    return false;
  SmallVector<Value> pending{scan.getCarries()[carry]};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!pending.empty())
    for (OpOperand &use : pending.pop_back_val().getUses()) {
      if (use.getOwner() == scan.getYield()) {
        if (use.getOperandNumber() != carry)
          return false;
      } else if (seen.insert(use.getOwner()).second) {
        llvm::append_range(pending, use.getOwner()->getResults());
      }
    }
  return true;
}

/// Results that nobody reads, and what only they need.
struct DropUnused : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp scan, PatternRewriter &rewriter) const override {
    Kept kept(scan);
    for (unsigned i = 0; i < kept.carries.size(); ++i)
      kept.carries[i] = !isIdle(scan, i);
    for (unsigned i = 0; i < kept.xs.size(); ++i)
      kept.xs[i] = !scan.getElements()[i].use_empty();
    for (unsigned i = 0; i < kept.invariants.size(); ++i)
      kept.invariants[i] = !scan.getInner()[i].use_empty();
    for (unsigned i = 0; i < kept.ys.size(); ++i)
      kept.ys[i] = !scan.getYs()[i].use_empty();
    if (kept.all() || (kept.carries.none() && kept.ys.none()))
      return rewriter.notifyMatchFailure(scan, "everything is used");
    rebuild(scan, kept, rewriter);
    rewriter.eraseOp(scan);
    return success();
  }
};

/// A constant is made in the body: there it is part of its readers.
struct SinkConstants : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp scan, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [outside, inside] : llvm::zip(scan.getInvariants(), scan.getInner())) {
      Operation *producer = outside.getDefiningOp();
      if (!producer || producer->getNumOperands() > 0 || !isa<GeneratorOp>(producer) || inside.use_empty())
        continue;
      rewriter.setInsertionPointToStart(&scan.getBody().front());
      rewriter.replaceAllUsesWith(inside, rewriter.clone(*producer)->getResult(0));
      changed = true;
    }
    return success(changed);
  }
};

} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnused, SinkConstants>(context);
}

// ---------------------------------------------------------------------------------------------------------------------
// Loops
// ---------------------------------------------------------------------------------------------------------------------

/// A loop takes and gives whole tensors, as they are stored.
FailureOr<Value> LoopOp::lower(Lowering &lowering) {
  auto stored = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) {
      // A table in the source is no buffer: the loop reads a copy.
      return value.getDefiningOp<ConstantOp>() ? lowering.copy(getLoc(), value) : lowering.materialize(value);
    });
  };
  auto loop = lowering.builder.create<LoopOp>(getLoc(), getResultTypes(), getBodyAttr(), getLengthAttr(),
                                              stored(getInitial()), stored(getXs()), stored(getInvariants()),
                                              getReverseAttr());
  for (auto [old, fresh] : llvm::zip(getResults(), loop.getResults()))
    lowering.define(old, fresh);
  return loop.getResult(0);
}

int64_t SlotOp::getRowStride() {
  auto buffer = cast<MemRefType>(getBuffer().getType()), slot = cast<MemRefType>(getSlot().getType());
  if (slot.getRank() == 0 || !slot.isDynamicDim(0))
    return 0;
  // Rows of a slot in a slot are those of the whole.
  Value whole = getBuffer();
  while (auto retyped = whole.getDefiningOp<UnrealizedConversionCastOp>())
    whole = retyped.getOperand(0);
  if (auto outer = whole.getDefiningOp<SlotOp>())
    return outer.getRowStride();
  int64_t stride = 1;
  for (int64_t size : buffer.getShape().drop_front())
    stride *= size;
  return stride;
}

} // namespace hornfels::horn
