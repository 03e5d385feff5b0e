// Better forms of recurrences.
#include "passes/simplify/Recurrence.h"

#include "ir/HornDialect.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
namespace {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The axis of places in what a scan goes over; axis 0 is the batch.
constexpr unsigned kPlaces = 1;

/// Whether each place of a product is a product of what lies at that place of A with the whole of B.
bool isByPlace(ContractOp contract) {
  AffineMap a = contract.getMap(0), b = contract.getMap(1), y = contract.getMap(2);
  if (y.getNumResults() < 2 || a.getNumResults() < 2)
    return false;
  for (unsigned axis : {0u, kPlaces}) {
    unsigned dim = cast<AffineDimExpr>(y.getResult(axis)).getPosition();
    if (a.getResult(axis) != y.getResult(axis) || b.isFunctionOfDim(dim))
      return false;
  }
  return tensorType(contract.getA()).isDynamicDim(0);
}

/// A product at each place, and what was added to it, written at one place in the body of a scan.
class AtPlace {
public:
  /// Whether x[:, t] is a product, or element-wise from one, that nobody else reads.
  static bool sinks(Value x);
  /// What the body then needs: stacks of which it reads one element, and values that are the same at every place.
  void findInputs(Value x);
  /// x[:, t], where `map` has what stands for the inputs in the body.
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

void AtPlace::findInputs(Value x) {
  Operation *op = x.getDefiningOp();
  if (auto broadcast = alongPlaces(x)) {
    invariants.insert(broadcast.getX());
  } else if (auto contract = dyn_cast<ContractOp>(op)) {
    stacks.insert(contract.getA());
    invariants.insert(contract.getB());
  } else {
    for (Value operand : op->getOperands())
      findInputs(operand);
  }
}

Value AtPlace::build(OpBuilder &builder, Value x, const IRMapping &map) {
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
    if (scan->getParentOfType<func::FuncOp>().walk([](GradientOp) { return WalkResult::interrupt(); }).wasInterrupted())
      return rewriter.notifyMatchFailure(scan, "a gradient is still to be built");
    Value product = *found;
    unsigned carries = scan.getInitial().size(), sunk = found - scan.getXs().begin();
    AtPlace inputs;
    inputs.findInputs(product);

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
    fresh.getBody().takeBody(scan.getBody());
    BlockArgument element = body->getArgument(carries + sunk);
    IRMapping map;
    unsigned behind = carries + scan.getXs().size();
    for (Value stack : inputs.stacks)
      map.map(stack, body->insertArgument(behind++, ScanOp::elementOf(stack.getType()), stack.getLoc()));
    for (Value invariant : inputs.invariants)
      map.map(invariant, body->addArgument(invariant.getType(), invariant.getLoc()));
    rewriter.setInsertionPointToStart(body);
    rewriter.replaceAllUsesWith(element, AtPlace::build(rewriter, product, map));
    body->eraseArgument(element.getArgNumber());
    rewriter.replaceOp(scan, fresh);
    return success();
  }
};

} // namespace

void addRecurrencePatterns(RewritePatternSet &patterns) { patterns.add<SinkProduct>(patterns.getContext()); }

} // namespace hornfels
