// The gradient of a value that is read in slices is a sum of embedded gradients. Where these stand side by side it is a
// concatenation: nothing is added.
#include "ir/HornDialect.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace hornfels::horn {
namespace {

/// The terms of a sum that is nowhere else read.
void collectTerms(Value value, SmallVectorImpl<Value> &terms) {
  auto add = value.getDefiningOp<AddOp>();
  if (!add) {
    terms.push_back(value);
    return;
  }
  for (Value operand : add->getOperands())
    if (operand.getDefiningOp<AddOp>() && operand.hasOneUse())
      collectTerms(operand, terms);
    else
      terms.push_back(operand);
}

/// embed(a, 0) + embed(b, n) + ... -> concat(a, b, ...)   when together they fill one axis
struct SumOfEmbedsIsConcat : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp add, PatternRewriter &rewriter) const override {
    if (add->hasOneUse() && isa<AddOp>(*add->user_begin()))
      return rewriter.notifyMatchFailure(add, "is a part of a larger sum");
    SmallVector<Value> terms;
    collectTerms(add, terms);
    SmallVector<EmbedOp> parts;
    for (Value term : terms) {
      auto embed = term.getDefiningOp<EmbedOp>();
      if (!embed || llvm::any_of(embed.getStrides(), [](int64_t stride) { return stride != 1; }))
        return rewriter.notifyMatchFailure(add, "a term is no part of consecutive elements");
      parts.push_back(embed);
    }
    auto whole = cast<RankedTensorType>(add.getType());
    std::optional<int64_t> axis;
    for (int64_t i = 0; i < whole.getRank(); ++i)
      if (cast<RankedTensorType>(parts.front().getX().getType()).getDimSize(i) != whole.getDimSize(i)) {
        if (axis)
          return rewriter.notifyMatchFailure(add, "parts along several axes");
        axis = i;
      }
    if (!axis)
      return rewriter.notifyMatchFailure(add, "terms are whole");
    llvm::sort(parts, [&](EmbedOp a, EmbedOp b) { return a.getOffsets()[*axis] < b.getOffsets()[*axis]; });
    int64_t next = 0;
    SmallVector<Value> xs;
    for (EmbedOp part : parts) {
      auto type = cast<RankedTensorType>(part.getX().getType());
      for (int64_t i = 0; i < whole.getRank(); ++i)
        if (i != *axis && type.getDimSize(i) != whole.getDimSize(i))
          return rewriter.notifyMatchFailure(add, "parts along several axes");
      if (part.getOffsets()[*axis] != next)
        return rewriter.notifyMatchFailure(add, "parts overlap or leave gaps");
      next += type.getDimSize(*axis);
      xs.push_back(part.getX());
    }
    if (next != whole.getDimSize(*axis))
      return rewriter.notifyMatchFailure(add, "parts do not fill the axis");
    rewriter.replaceOpWithNewOp<ConcatOp>(add, xs, *axis);
    return success();
  }
};

} // namespace

void AddOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SumOfEmbedsIsConcat>(context);
}

} // namespace hornfels::horn
