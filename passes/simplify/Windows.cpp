// Better forms of convolutions and pooling.
#include "passes/simplify/Windows.h"

#include "ir/HornDialect.h"
#include "ir/Windows.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
namespace {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

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

/// window_max(relu(x)) -> relu(window_max(x))
///
/// The same values, because relu does not decrease, and the same gradient: where the largest is above 0 it is the same
/// element, elsewhere nothing passes. But relu and its slope are computed once a window and not at each place inside.
struct MaxOfRelu : OpRewritePattern<WindowMaxOp> {
  using OpRewritePattern<WindowMaxOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(WindowMaxOp op, PatternRewriter &rewriter) const override {
    auto relu = op.getX().getDefiningOp<ReluOp>();
    if (!relu || !relu->hasOneUse())
      return rewriter.notifyMatchFailure(op, "is not all that reads a relu");
    Value largest = rewriter.create<WindowMaxOp>(op.getLoc(), relu.getX(), op.getAxes(), op.getSizes(), op.getStrides(),
                                                 op.getDilations());
    rewriter.replaceOpWithNewOp<ReluOp>(op, largest);
    return success();
  }
};

/// How many elements along each axis of its input the windows of `op` read.
template <typename Op> SmallVector<int64_t> readBy(Op op, ArrayRef<int64_t> places) {
  SmallVector<int64_t> read(places.take_front(tensorType(op.getX()).getRank()));
  for (auto [i, axis] : llvm::enumerate(op.getAxes()))
    read[axis] = (places[axis] - 1) * op.getStrides()[i] + (op.getSizes()[i] - 1) * op.getDilations()[i] + 1;
  return read;
}

/// Tensors cut to their first elements along each axis, by computing no others: an element-wise operation of cut operands, a
/// product at fewer places, windows over less. Where none of that is possible, a slice.
class Cut {
public:
  Cut(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  /// Whether a part of a product is left out, and nothing would be computed twice for it. `sizes` is as the shape of x.
  static bool saves(Value x, ArrayRef<int64_t> sizes);
  Value first(Value x, ArrayRef<int64_t> sizes);

private:
  /// What is as cheap to make again as to cut.
  static bool isFree(Value x, ArrayRef<int64_t> sizes);
  static SmallVector<int64_t> sizesOf(Value operand, AffineMap map, ContractOp contract, ArrayRef<int64_t> sizes);
  Value slice(Value x, ArrayRef<int64_t> sizes);
  Value firstOfContraction(ContractOp contract, ArrayRef<int64_t> sizes);
  template <typename Op> Value firstOfWindows(Op op, ArrayRef<int64_t> sizes);

  OpBuilder &builder;
  Location loc;
};

bool Cut::isFree(Value x, ArrayRef<int64_t> sizes) {
  if (isa_and_nonnull<FullOp>(x.getDefiningOp()))
    return true;
  auto broadcast = x.getDefiningOp<BroadcastOp>();
  return broadcast && llvm::all_of(broadcast.getDims(), [&](int64_t axis) {
           return sizes[axis] == tensorType(x).getDimSize(axis);
         });
}

bool Cut::saves(Value x, ArrayRef<int64_t> sizes) {
  Operation *op = x.getDefiningOp();
  if (!op || !x.hasOneUse())
    return false;
  if (isa<ContractOp>(op))
    return true;
  if (auto largest = dyn_cast<WindowMaxOp>(op))
    return saves(largest.getX(), readBy(largest, sizes));
  if (auto sum = dyn_cast<WindowSumOp>(op))
    return saves(sum.getX(), readBy(sum, sizes));
  if (!isa<ScalarOp>(op))
    return false;
  bool saved = false;
  for (Value operand : op->getOperands()) {
    bool free = isFree(operand, sizes), saving = !free && saves(operand, sizes);
    if (!free && !saving)
      return false;
    saved |= saving;
  }
  return saved;
}

Value Cut::slice(Value x, ArrayRef<int64_t> sizes) {
  if (sizes == tensorType(x).getShape())
    return x;
  SmallVector<int64_t> offsets(sizes.size(), 0), strides(sizes.size(), 1), taken;
  for (int64_t size : sizes)
    taken.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return builder.create<SliceOp>(loc, x, offsets, taken, strides);
}

SmallVector<int64_t> Cut::sizesOf(Value operand, AffineMap map, ContractOp contract, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> result(tensorType(operand).getShape());
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    if (std::optional<unsigned> place = contract.getMap(2).getResultPosition(expr))
      result[axis] = sizes[*place];
  return result;
}

Value Cut::firstOfContraction(ContractOp contract, ArrayRef<int64_t> sizes) {
  Value a = first(contract.getA(), sizesOf(contract.getA(), contract.getMap(0), contract, sizes));
  Value b = first(contract.getB(), sizesOf(contract.getB(), contract.getMap(1), contract, sizes));
  return builder.create<ContractOp>(contract.getLoc(), a, b, contract.getMap(0), contract.getMap(1), contract.getMap(2));
}

template <typename Op> Value Cut::firstOfWindows(Op op, ArrayRef<int64_t> sizes) {
  Value x = first(op.getX(), readBy(op, sizes));
  return builder.create<Op>(op.getLoc(), x, op.getAxes(), op.getSizes(), op.getStrides(), op.getDilations());
}

Value Cut::first(Value x, ArrayRef<int64_t> sizes) {
  Operation *op = x.getDefiningOp();
  RankedTensorType type = tensorType(x).clone(sizes);
  if (type == x.getType())
    return x;
  if (isFree(x, sizes)) {
    Operation *again = builder.clone(*op);
    again->getResult(0).setType(type);
    return again->getResult(0);
  }
  if (auto windows = x.getDefiningOp<WindowsOp>(); windows && windows->hasOneUse())
    return firstOfWindows(windows, sizes);
  if (!saves(x, sizes))
    return slice(x, sizes);
  if (auto contract = dyn_cast<ContractOp>(op))
    return firstOfContraction(contract, sizes);
  if (auto largest = dyn_cast<WindowMaxOp>(op))
    return firstOfWindows(largest, sizes);
  if (auto sum = dyn_cast<WindowSumOp>(op))
    return firstOfWindows(sum, sizes);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(first(operand, sizes));
  OperationState state(op->getLoc(), op->getName(), operands, {tensorType(op->getResult(0)).clone(sizes)}, op->getAttrs());
  return builder.create(state)->getResult(0);
}

/// Places of a convolution that no window behind it reads, the last row and column of 11 x 11 under windows of 2 x 2, are
/// not computed, nor what only they need, up to the image.
template <typename Op> struct LeaveOutUnread : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    SmallVector<int64_t> read = readBy(op, op.getY().getType().getShape());
    if (ArrayRef(read) == tensorType(op.getX()).getShape())
      return rewriter.notifyMatchFailure(op, "reads everything");
    if (!Cut::saves(op.getX(), read))
      return rewriter.notifyMatchFailure(op, "nothing would be saved");
    Value less = Cut(rewriter, op.getLoc()).first(op.getX(), read);
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(less); });
    return success();
  }
};

} // namespace

void addWindowPatterns(RewritePatternSet &patterns) {
  patterns.add<FoldOfContraction, MaxOfRelu, LeaveOutUnread<WindowsOp>, LeaveOutUnread<WindowMaxOp>,
               LeaveOutUnread<WindowSumOp>>(patterns.getContext());
}

} // namespace hornfels
