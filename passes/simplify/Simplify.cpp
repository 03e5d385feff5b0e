// Rewrites of whole operations that have a better form, and with it a better gradient.
#include "ir/Builders.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/simplify/Recurrence.h"
#include "passes/simplify/Windows.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_SIMPLIFY
#include "passes/Passes.h.inc"

namespace {

/// contract(encode(tokens)[b, v], table[v, ...]) -> gather_sum(tokens, table)
///
/// The dense row of the vocabulary's width is never built; the gradient of the sum of rows is a scatter_add.
template <typename EncodeOp, bool distinct> struct ContractEncodedTokens : OpRewritePattern<ContractOp> {
  using OpRewritePattern<ContractOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractOp contract, PatternRewriter &rewriter) const override {
    auto encode = contract.getA().getDefiningOp<EncodeOp>();
    if (!encode)
      return rewriter.notifyMatchFailure(contract, "left side is not an encoding of tokens");
    AffineMap lhs = contract.getMap(0), rhs = contract.getMap(1), out = contract.getMap(2);
    if (rhs.getNumResults() == 0 || rhs.getResult(0) != lhs.getResult(1))
      return rewriter.notifyMatchFailure(contract, "does not contract the vocabulary with the table's first axis");
    if (out.getNumResults() != rhs.getNumResults() || out.getResult(0) != lhs.getResult(0) ||
        out.getResults().drop_front() != rhs.getResults().drop_front())
      return rewriter.notifyMatchFailure(contract, "result is not [batch, rest of the table's axes]");
    UnitAttr once = distinct ? rewriter.getUnitAttr() : UnitAttr();
    rewriter.replaceOpWithNewOp<GatherSumOp>(contract, encode.getTokens(), contract.getB(), once);
    return success();
  }
};

/// f(reshape(x), y, ...) -> reshape(f(x, reshape(y), ...)), element by element
///
/// Behind a reshape that regroups axes nothing joins the kernel that makes x; before it, what follows element by element
/// does: the slope of an activation behind a pooling or behind a product. Done where x is a product that was flattened, or
/// has more axes than its readers (windows inside of which pooling chose).
struct SinkReshape : OpInterfaceRewritePattern<ScalarOp> {
  using OpInterfaceRewritePattern<ScalarOp>::OpInterfaceRewritePattern;

  static ReshapeOp regrouping(Value value) {
    auto reshape = value.getDefiningOp<ReshapeOp>();
    return reshape && !reshape.getSourceMap() ? reshape : ReshapeOp();
  }

  LogicalResult matchAndRewrite(ScalarOp op, PatternRewriter &rewriter) const override {
    ReshapeOp moved;
    for (Value operand : op->getOperands())
      if (ReshapeOp reshape = regrouping(operand); reshape && reshape->hasOneUse() && reshape.getX().hasOneUse()) {
        auto from = cast<RankedTensorType>(reshape.getX().getType()), to = cast<RankedTensorType>(reshape.getY().getType());
        if (from.getRank() > to.getRank() || reshape.getX().getDefiningOp<ContractOp>())
          moved = reshape;
      }
    if (!moved)
      return rewriter.notifyMatchFailure(op, "reads no reshape that is better done later");
    ArrayRef<int64_t> shape = cast<RankedTensorType>(moved.getX().getType()).getShape();
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (operand == moved.getY() || !producer || isa<FullOp>(producer))
        continue;
      if (isa<ContractOp, GeneratorOp, ViewOp>(producer) || regrouping(operand))
        return rewriter.notifyMatchFailure(op, "another operand would have to be stored for it");
    }
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType()).clone(shape);
      if (operand == moved.getY())
        operands.push_back(moved.getX());
      else if (auto full = operand.getDefiningOp<FullOp>())
        operands.push_back(rewriter.create<FullOp>(op.getLoc(), type, full.getValueAttr()));
      else
        operands.push_back(rewriter.create<ReshapeOp>(op.getLoc(), type, operand));
    }
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    OperationState state(op.getLoc(), op->getName(), operands, {result.clone(shape)}, op->getAttrs());
    Operation *inner = rewriter.create(state);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, result, inner->getResult(0));
    return success();
  }
};

/// slice(contract(x, y)) -> contract(slice(x), slice(y)), where nothing else of the product is read
struct SliceOfContraction : OpRewritePattern<SliceOp> {
  using OpRewritePattern<SliceOp>::OpRewritePattern;

  static Value part(PatternRewriter &rewriter, SliceOp slice, ContractOp contract, unsigned operand) {
    Value whole = contract->getOperand(operand);
    auto type = cast<RankedTensorType>(whole.getType());
    SmallVector<int64_t> offsets(type.getRank(), 0), sizes, strides(type.getRank(), 1);
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
    for (auto [axis, expr] : llvm::enumerate(contract.getMap(operand).getResults()))
      if (std::optional<unsigned> place = contract.getMap(2).getResultPosition(expr)) {
        offsets[axis] = slice.getOffsets()[*place];
        sizes[axis] = slice.getSizes()[*place];
        strides[axis] = slice.getStrides()[*place];
      }
    return rewriter.createOrFold<SliceOp>(slice.getLoc(), whole, offsets, sizes, strides);
  }

  LogicalResult matchAndRewrite(SliceOp slice, PatternRewriter &rewriter) const override {
    auto contract = slice.getX().getDefiningOp<ContractOp>();
    if (!contract || !contract->hasOneUse())
      return rewriter.notifyMatchFailure(slice, "is not all that is read of a product");
    // The gradient of a scan keeps what differs from place to place: a slice of a matrix does not.
    if (slice->getParentOfType<ScanOp>() && awaitsGradient(slice))
      return rewriter.notifyMatchFailure(slice, "a gradient of its recurrence is still to be built");
    Value a = part(rewriter, slice, contract, 0), b = part(rewriter, slice, contract, 1);
    rewriter.replaceOpWithNewOp<ContractOp>(slice, a, b, contract.getMap(0), contract.getMap(1), contract.getMap(2));
    return success();
  }
};

/// view(full(c)), cast(full(c)) -> full(c)
template <typename Op> struct MoveFull : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto full = op.getX().template getDefiningOp<FullOp>();
    if (!full)
      return rewriter.notifyMatchFailure(op, "input is not a constant");
    rewriter.replaceOpWithNewOp<FullOp>(op, op.getY().getType(), full.getValueAttr());
    return success();
  }
};

struct SimplifyPass : impl::SimplifyBase<SimplifyPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkReshape, SliceOfContraction, ContractEncodedTokens<MultiHotOp, true>, ContractEncodedTokens<CountOp, false>,
                 MoveFull<BroadcastOp>, MoveFull<ReshapeOp>, MoveFull<TransposeOp>, MoveFull<SliceOp>,
                 MoveFull<CastOp>>(&getContext());
    addWindowPatterns(patterns);
    addRecurrencePatterns(patterns);
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace hornfels
