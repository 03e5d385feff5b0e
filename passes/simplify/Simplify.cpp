// Rewrites of whole operations that have a better form, and with it a better gradient.
#include "ir/Builders.h"
#include "ir/Windows.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

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

/// fold(contract(d_y, w)) -> contract(windows(embed(d_y)), flip(w)), where w alone has the places inside the windows
///
/// The input gradient of a convolution, sum over k of d_y[(i - k * dilation) / stride] . w[k], is a convolution itself: d_y is
/// spread by the stride, with as many zeros around it as a window reaches, and w is read backwards. What the product would
/// be before the fold, as many times the input as a window has places, is never built.
struct FoldOfContraction : OpRewritePattern<FoldOp> {
  using OpRewritePattern<FoldOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(FoldOp fold, PatternRewriter &rewriter) const override {
    ContractOp contract = convolutionBehind(fold);
    if (!contract)
      return rewriter.notifyMatchFailure(fold, "does not fold a contraction with one operand that has the windows");
    if (addsInPlace(fold))
      return rewriter.notifyMatchFailure(fold, "is better added up in place");
    AffineMap lhs = contract.getMap(0), rhs = contract.getMap(1), out = contract.getMap(2);
    unsigned rank = fold.getY().getType().getRank(), count = fold.getAxes().size();
    auto dimOf = [&](unsigned axis) { return cast<AffineDimExpr>(out.getResult(axis)).getPosition(); };

    Location loc = contract.getLoc();
    auto axisIn = [](AffineMap map, unsigned dim) -> int64_t {
      return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
    };
    auto given = cast<RankedTensorType>(contract.getA().getType()), kernel = cast<RankedTensorType>(contract.getB().getType());
    SmallVector<int64_t> offsets(given.getRank(), 0), strides(given.getRank(), 1), shape(given.getShape());
    SmallVector<int64_t> flipFrom(kernel.getRank(), 0), flipSteps(kernel.getRank(), 1), flipSizes(kernel.getShape());
    SmallVector<std::tuple<int64_t, int64_t, int64_t, unsigned>> windows; // axis of A, size, dilation, dimension in a window
    for (unsigned i = 0; i < count; ++i) {
      int64_t axis = axisIn(lhs, dimOf(fold.getAxes()[i])), reach = (fold.getSizes()[i] - 1) * fold.getDilations()[i];
      offsets[axis] = reach;
      strides[axis] = fold.getStrides()[i];
      shape[axis] = fold.getY().getType().getDimSize(fold.getAxes()[i]) + reach;
      windows.push_back({axis, fold.getSizes()[i], fold.getDilations()[i], dimOf(rank + i)});
      int64_t inKernel = axisIn(rhs, dimOf(rank + i));
      flipFrom[inKernel] = kernel.getDimSize(inKernel) - 1;
      flipSteps[inKernel] = -1;
    }
    Value spread = contract.getA(), backwards = contract.getB();
    if (ArrayRef(shape) != given.getShape())
      spread = rewriter.create<EmbedOp>(loc, given.clone(shape), spread, offsets, strides);
    if (llvm::any_of(flipFrom, [](int64_t from) { return from > 0; }))
      backwards = rewriter.create<SliceOp>(loc, backwards, flipFrom, flipSizes, flipSteps);

    llvm::sort(windows);
    SmallVector<int64_t> axes, sizes, ones(count, 1), dilations;
    SmallVector<AffineExpr> left(lhs.getResults());
    for (auto [axis, size, dilation, dim] : windows) {
      axes.push_back(axis);
      sizes.push_back(size);
      dilations.push_back(dilation);
      left.push_back(rewriter.getAffineDimExpr(dim));
    }
    Value seen = rewriter.create<WindowsOp>(loc, spread, axes, sizes, ones, dilations);
    unsigned dims = lhs.getNumDims();
    rewriter.replaceOpWithNewOp<ContractOp>(
        fold, seen, backwards, AffineMap::get(dims, 0, left, getContext()), rhs,
        AffineMap::get(dims, 0, out.getResults().take_front(rank), getContext()));
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
    patterns.add<FoldOfContraction, SinkReshape, ContractEncodedTokens<MultiHotOp, true>, ContractEncodedTokens<CountOp, false>, MoveFull<BroadcastOp>,
                 MoveFull<ReshapeOp>, MoveFull<TransposeOp>, MoveFull<SliceOp>, MoveFull<CastOp>>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace hornfels
