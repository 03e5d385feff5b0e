// Rewrites of whole operations that have a better form, and with it a better gradient.
#include "ir/Builders.h"
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
    patterns.add<ContractEncodedTokens<MultiHotOp, true>, ContractEncodedTokens<CountOp, false>, MoveFull<BroadcastOp>,
                 MoveFull<ReshapeOp>, MoveFull<TransposeOp>, MoveFull<SliceOp>, MoveFull<CastOp>>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace hornfels
