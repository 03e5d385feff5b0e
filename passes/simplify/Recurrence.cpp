// Better forms of recurrences.
#include "passes/simplify/Recurrence.h"

#include "ir/HornDialect.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

bool awaitsGradient(Operation *op) {
  return op->getParentOfType<func::FuncOp>().walk([](GradientOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

namespace {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The axis of places in what a scan goes over; axis 0 is the batch.
constexpr unsigned kPlaces = 1;

/// Whether each place of a product is a product of what lies at that place of A with the whole of B, and takes more room than
/// it: in the body it would be copied beside a carry, and read with the stride of the places.
bool isByPlace(ContractOp contract) {
  AffineMap a = contract.getMap(0), b = contract.getMap(1), y = contract.getMap(2);
  if (y.getNumResults() < 2 || a.getNumResults() < 2)
    return false;
  for (unsigned axis : {0u, kPlaces}) {
    unsigned dim = cast<AffineDimExpr>(y.getResult(axis)).getPosition();
    if (a.getResult(axis) != y.getResult(axis) || b.isFunctionOfDim(dim))
      return false;
  }
  auto elementsOfPlace = [](Value value) {
    int64_t count = 1;
    for (int64_t size : tensorType(value).getShape().drop_front(kPlaces + 1))
      count *= size;
    return count;
  };
  return tensorType(contract.getA()).isDynamicDim(0) &&
         elementsOfPlace(contract.getA()) <= elementsOfPlace(contract.getY());
}

/// A product at each place, and what was added to it, written at one place in the body of a scan.
class AtPlace {
public:
  /// Whether x[:, t] is a product, or element-wise from one, that nobody else reads.
  static bool sinks(Value x);
  /// What the body then needs: stacks of which it reads one element, and values that are the same at every place. Of the product
  /// `but` only what it reads place by place.
  void findInputs(Value x, ContractOp but = {});
  /// x[:, t], where `map` has what stands for the inputs in the body, or for a part of x.
  static Value build(OpBuilder &builder, Value x, const IRMapping &map);

  llvm::SetVector<Value> stacks, invariants;

private:
  static BroadcastOp alongPlaces(Value x);
};

/// A value repeated for every sample and place: a bias.
BroadcastOp AtPlace::alongPlaces(Value x) {
  auto broadcast = x.getDefiningOp<BroadcastOp>();
  bool repeats = broadcast && llvm::none_of(broadcast.getDims(), [](int64_t axis) { return axis <= kPlaces; });
  return repeats ? broadcast : BroadcastOp();
}

bool AtPlace::sinks(Value x) {
  Operation *op = x.getDefiningOp();
  if (!op || !x.hasOneUse() || tensorType(x).getRank() < 2)
    return false;
  if (auto contract = dyn_cast<ContractOp>(op))
    return isByPlace(contract);
  if (!isa<ScalarOp>(op))
    return false;
  unsigned sunk = 0;
  for (Value operand : op->getOperands()) {
    if (!alongPlaces(operand) && !sinks(operand))
      return false;
    sunk += !alongPlaces(operand);
  }
  return sunk > 0;
}

void AtPlace::findInputs(Value x, ContractOp but) {
  Operation *op = x.getDefiningOp();
  if (auto broadcast = alongPlaces(x)) {
    invariants.insert(broadcast.getX());
  } else if (auto contract = dyn_cast<ContractOp>(op)) {
    stacks.insert(contract.getA());
    if (contract != but)
      invariants.insert(contract.getB());
  } else {
    for (Value operand : op->getOperands())
      findInputs(operand, but);
  }
}

Value AtPlace::build(OpBuilder &builder, Value x, const IRMapping &map) {
  if (Value known = map.lookupOrNull(x))
    return known;
  Operation *op = x.getDefiningOp();
  RankedTensorType type = ScanOp::elementOf(x.getType());
  if (auto broadcast = alongPlaces(x)) {
    SmallVector<int64_t> dims;
    for (int64_t axis : broadcast.getDims())
      dims.push_back(axis - 1);
    return builder.create<BroadcastOp>(op->getLoc(), type, map.lookup(broadcast.getX()), dims);
  }
  if (auto contract = dyn_cast<ContractOp>(op)) {
    unsigned place = cast<AffineDimExpr>(contract.getMap(2).getResult(kPlaces)).getPosition();
    SmallVector<AffineMap> maps;
    for (unsigned i = 0; i < 3; ++i) {
      AffineMap old = contract.getMap(i);
      SmallVector<AffineExpr> dims, results;
      for (unsigned dim = 0; dim < old.getNumDims(); ++dim)
        dims.push_back(builder.getAffineDimExpr(dim - (dim > place)));
      for (AffineExpr expr : old.getResults())
        if (!expr.isFunctionOfDim(place))
          results.push_back(expr.replaceDims(dims));
      maps.push_back(AffineMap::get(old.getNumDims() - 1, 0, results, builder.getContext()));
    }
    return builder.create<ContractOp>(op->getLoc(), map.lookup(contract.getA()), map.lookup(contract.getB()), maps[0],
                                      maps[1], maps[2]);
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(build(builder, operand, map));
  OperationState state(op->getLoc(), op->getName(), operands, {type}, op->getAttrs());
  return builder.create(state)->getResult(0);
}

/// The scan that reads other stacks and knows more: without the element `sunk`, whose uses in the body are replaced by what
/// `build` makes of the new arguments.
void replaceElement(ScanOp scan, unsigned sunk, const AtPlace &inputs, PatternRewriter &rewriter,
                    llvm::function_ref<void(IRMapping &map, BlockArgument element)> build) {
  unsigned carries = scan.getInitial().size();
  SmallVector<Value> xs(scan.getXs()), invariants(scan.getInvariants());
  xs.erase(xs.begin() + sunk);
  xs.append(inputs.stacks.begin(), inputs.stacks.end());
  invariants.append(inputs.invariants.begin(), inputs.invariants.end());
  auto fresh = rewriter.create<ScanOp>(scan.getLoc(), scan.getResultTypes(), scan.getLengthAttr(), scan.getInitial(), xs,
                                       invariants, scan.getReverseAttr());
  if (auto names = scan->getAttrOfType<ArrayAttr>("horn.names")) {
    SmallVector<Attribute> named(names.getValue());
    named.erase(named.begin() + carries + sunk);
    named.append(inputs.stacks.size(), rewriter.getStringAttr(""));
    fresh->setAttr("horn.names", rewriter.getArrayAttr(named));
  }

  Block *body = &scan.getBody().front();
  unsigned behind = carries + scan.getXs().size();
  fresh.getBody().takeBody(scan.getBody());
  BlockArgument element = body->getArgument(carries + sunk);
  IRMapping map;
  for (Value stack : inputs.stacks)
    map.map(stack, body->insertArgument(behind++, ScanOp::elementOf(stack.getType()), stack.getLoc()));
  for (Value invariant : inputs.invariants)
    map.map(invariant, body->addArgument(invariant.getType(), invariant.getLoc()));
  build(map, element);
  body->eraseArgument(element.getArgNumber());
  rewriter.replaceOp(scan, fresh);
}

/// scan over contract(x, w) + bias -> scan over x, whose body computes x[t] . w + bias
///
/// What the product would store, four gates for each sample and place of an LSTM, is more than the x that it reads: in the
/// body it stays in the cache. Only where no gradient is to be built any more: that of w is better one product over all
/// places, and so is that of x.
struct SinkProduct : OpRewritePattern<ScanOp> {
  using OpRewritePattern<ScanOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp scan, PatternRewriter &rewriter) const override {
    auto found = llvm::find_if(scan.getXs(), [](Value x) { return AtPlace::sinks(x); });
    if (found == scan.getXs().end())
      return rewriter.notifyMatchFailure(scan, "goes over no product of its own");
    if (awaitsGradient(scan))
      return rewriter.notifyMatchFailure(scan, "a gradient is still to be built");
    Value product = *found;
    AtPlace inputs;
    inputs.findInputs(product);
    replaceElement(scan, found - scan.getXs().begin(), inputs, rewriter, [&](IRMapping &map, BlockArgument element) {
      rewriter.setInsertionPointToStart(element.getOwner());
      rewriter.replaceAllUsesWith(element, AtPlace::build(rewriter, product, map));
    });
    return success();
  }
};

/// scan over x . w + bias with x[t] . w + bias + h . r in its body -> (x[t], h) . (w, r) + bias
///
/// One product instead of two, whose sums stay in registers; and one product for the gradients of both matrices, which reads
/// the gradients of all places once.
struct JoinProducts : OpRewritePattern<ScanOp> {
  using OpRewritePattern<ScanOp>::OpRewritePattern;

  /// The one product of rows with a matrix in an element-wise expression.
  static ContractOp productIn(Value x) {
    Operation *op = x.getDefiningOp();
    if (auto contract = dyn_cast_or_null<ContractOp>(op))
      return isOfRows(contract) ? contract : ContractOp();
    ContractOp found;
    if (isa_and_nonnull<AddOp>(op))
      for (Value operand : op->getOperands())
        if (!operand.getDefiningOp<BroadcastOp>()) {
          if (found)
            return {};
          found = productIn(operand);
        }
    return found;
  }
  /// y[..., j] = sum over k of a[..., k] b[k, j]
  static bool isOfRows(ContractOp contract) {
    AffineMap a = contract.getMap(0), b = contract.getMap(1), y = contract.getMap(2);
    return b.getNumResults() == 2 && y.getNumResults() == a.getNumResults() &&
           a.getResults().drop_back() == y.getResults().drop_back() && a.getResults().back() == b.getResult(0) &&
           y.getResults().back() == b.getResult(1);
  }
  static Value joined(PatternRewriter &rewriter, Location loc, Value first, Value second, int64_t axis) {
    return rewriter.create<ConcatOp>(loc, ValueRange{first, second}, axis);
  }

  LogicalResult matchAndRewrite(ScanOp scan, PatternRewriter &rewriter) const override {
    // A recurrence around this one would have to keep the joined matrix of each of its places.
    if (scan->getParentOfType<ScanOp>() && awaitsGradient(scan))
      return rewriter.notifyMatchFailure(scan, "a gradient of the recurrence around it is still to be built");
    for (auto [index, x] : llvm::enumerate(scan.getXs())) {
      if (!AtPlace::sinks(x) || tensorType(x).getRank() != 3 || !scan.getElements()[index].hasOneUse())
        continue;
      ContractOp input = productIn(x);
      auto sum = dyn_cast<AddOp>(*scan.getElements()[index].user_begin());
      if (!input || !sum)
        continue;
      Value other = sum.getA() == scan.getElements()[index] ? sum.getB() : sum.getA();
      auto recurrent = other.getDefiningOp<ContractOp>();
      const auto *matrix = recurrent ? llvm::find(scan.getInner(), recurrent.getB()) : scan.getInner().end();
      if (!recurrent || !recurrent->hasOneUse() || !isOfRows(recurrent) || matrix == scan.getInner().end() ||
          tensorType(recurrent.getA()).getRank() != 2)
        continue;
      join(scan, index, input, sum, recurrent, scan.getInvariants()[matrix - scan.getInner().begin()], rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(scan, "adds no product of an element to one of a carry");
  }

  static void join(ScanOp scan, unsigned index, ContractOp input, AddOp sum, ContractOp recurrent, Value matrix,
                   PatternRewriter &rewriter) {
    Value product = scan.getXs()[index];
    AtPlace inputs;
    inputs.findInputs(product, input);
    Value both = joined(rewriter, input.getLoc(), input.getB(), matrix, 0);
    inputs.invariants.insert(both);
    replaceElement(scan, index, inputs, rewriter, [&](IRMapping &map, BlockArgument) {
      rewriter.setInsertionPoint(sum);
      Value rows = joined(rewriter, recurrent.getLoc(), map.lookup(input.getA()), recurrent.getA(), 1);
      map.map(input.getY(), rewriter.create<ContractOp>(recurrent.getLoc(), rows, map.lookup(both), recurrent.getMap(0),
                                                        recurrent.getMap(1), recurrent.getMap(2)));
      rewriter.replaceOp(sum, AtPlace::build(rewriter, product, map));
    });
  }
};

/// A view of an invariant is made before the scan, where it is stored once; and a matrix that a product in the body reads
/// along the reduction is transposed there, once and not at every place.
struct HoistInvariants : OpRewritePattern<ScanOp> {
  using OpRewritePattern<ScanOp>::OpRewritePattern;

  /// What the body makes of an invariant that is better made outside: a slice, or the transposed right side of a product.
  static Operation *hoistable(BlockArgument inner) {
    for (OpOperand &use : inner.getUses()) {
      if (isa<SliceOp>(use.getOwner()))
        return use.getOwner();
      auto contract = dyn_cast<ContractOp>(use.getOwner());
      if (!contract || use.getOperandNumber() != 1 || contract.getMap(1).getNumResults() != 2)
        continue;
      AffineMap b = contract.getMap(1), y = contract.getMap(2);
      if (!y.getResultPosition(b.getResult(1)) && y.getNumResults() > 0 && y.getResults().back() == b.getResult(0))
        return contract;
    }
    return nullptr;
  }

  LogicalResult matchAndRewrite(ScanOp scan, PatternRewriter &rewriter) const override {
    if (awaitsGradient(scan))
      return rewriter.notifyMatchFailure(scan, "a gradient is still to be built");
    for (auto [outside, inside] : llvm::zip(scan.getInvariants(), scan.getInner())) {
      Operation *op = hoistable(inside);
      if (!op)
        continue;
      rewriter.setInsertionPoint(scan);
      Value made;
      if (auto slice = dyn_cast<SliceOp>(op))
        made = rewriter.create<SliceOp>(op->getLoc(), outside, slice.getOffsets(), slice.getSizes(), slice.getStrides());
      else
        made = rewriter.create<TransposeOp>(op->getLoc(), outside, ArrayRef<int64_t>{1, 0});
      BlockArgument argument = scan.getBody().front().addArgument(made.getType(), made.getLoc());
      rewriter.modifyOpInPlace(scan, [&] { scan.getInvariantsMutable().append(made); });
      if (isa<SliceOp>(op)) {
        rewriter.replaceOp(op, argument);
        return success();
      }
      auto contract = cast<ContractOp>(op);
      AffineMap b = contract.getMap(1);
      rewriter.setInsertionPoint(contract);
      rewriter.replaceOpWithNewOp<ContractOp>(
          contract, contract.getA(), argument, contract.getMap(0),
          AffineMap::get(b.getNumDims(), 0, {b.getResult(1), b.getResult(0)}, getContext()), contract.getMap(2));
      return success();
    }
    return rewriter.notifyMatchFailure(scan, "makes nothing of what stays the same");
  }
};

} // namespace

void addRecurrencePatterns(RewritePatternSet &patterns) {
  patterns.add<JoinProducts>(patterns.getContext(), /*benefit=*/2); // of both that match, the better
  patterns.add<SinkProduct, HoistInvariants>(patterns.getContext());
}

} // namespace hornfels
