// The gradient of a scan: a scan the other way over what the forward one keeps.
//
//   forward    (h[t], y[t]) = body(h[t-1], x[t], w)                   and keeps the values s[t] that the gradients need
//   backward   (d_h[t-1], d_x[t]) from (d_h[t], d_y[t], s[t], x[t], w), t the other way round
//   d_w        = sum over t of what the body's gradient gives for w at t
//
// A contribution to d_w that is itself a sum over samples, like the product h[t-1] . d_z[t] of a recurrent kernel, is not
// made in the loop: its factors are stacked, and one sum over samples and places follows. Any other one is added up in a
// carry of the backward scan.
#include "ir/Reverse.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace hornfels::horn {
namespace {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
bool isReal(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType());
}
bool isBatched(Value value) { return tensorType(value).getRank() > 0 && tensorType(value).isDynamicDim(0); }

class ScanGradient {
public:
  ScanGradient(ScanOp scan, GradientBuilder &g)
      : scan(scan), g(g), forward(&scan.getBody().front()), length(static_cast<int64_t>(scan.getLength())),
        inner(scan.getContext()), body(inner, g.loc) {}

  ~ScanGradient() {
    attic.dropAllReferences();
    if (backward) { // something was reported
      backward->dropAllReferences();
      delete backward;
    }
  }

  LogicalResult build(ArrayRef<Value> dResults, SmallVectorImpl<Value> &dOperands) {
    backward = new Block();
    inner.setInsertionPointToEnd(backward);
    openArguments(dResults);
    if (failed(walkBody()))
      return failure();
    collectResults();
    putAwayDead();
    if (failed(bringForwardValues()))
      return failure();
    keepSaved();
    ScanOp reversed = close(dResults);
    finish(reversed, dOperands);
    return success();
  }

private:
  Location loc() { return g.loc; }

  /// Arguments of the backward body: the gradients of the carries, then those of the ys.
  void openArguments(ArrayRef<Value> dResults) {
    for (auto [index, carry] : llvm::enumerate(scan.getCarries()))
      if (isReal(carry)) {
        carries.push_back(index);
        dCarries[index] = backward->addArgument(carry.getType(), loc());
      }
    for (unsigned result = scan.getInitial().size(); result < dResults.size(); ++result)
      if (dResults[result]) {
        xs.push_back(dResults[result]);
        dYs[result] = backward->addArgument(ScanOp::elementOf(dResults[result].getType()), loc());
      }
  }

  LogicalResult walkBody() {
    SmallVector<Value> wanted = llvm::to_vector_of<Value>(llvm::make_filter_range(forward->getArguments(), isReal));
    walk.emplace(inner, wanted);
    Operation *yield = scan.getYield();
    for (auto [index, yielded] : llvm::enumerate(yield->getOperands())) {
      Value d = index < scan.getInitial().size() ? dCarries.lookup(index) : dYs.lookup(index);
      if (d)
        walk->add(yielded, d, loc());
    }
    return walk->run(*forward, yield);
  }

  /// What the backward body yields: new gradients of the carries, sums in carries of their own, then stacks.
  void collectResults() {
    for (unsigned index : carries) {
      Value d = walk->gradientOf(scan.getCarries()[index]);
      newCarries.push_back(d ? d : body.full(scan.getCarries()[index].getType(), 0.0));
    }
    for (BlockArgument x : scan.getElements())
      if (Value d = walk->gradientOf(x))
        stack(d);
    for (BlockArgument invariant : scan.getInner())
      if (Value d = walk->gradientOf(invariant))
        collectSum(d);
    SmallVector<Value> yielded(newCarries);
    for (auto &[d, argument] : sums)
      yielded.push_back(body.add(argument, d));
    llvm::append_range(yielded, stacked);
    inner.create<YieldOp>(loc(), yielded);
  }

  /// A value of the backward body that is wanted at all places. Of the forward body: it is kept there.
  void stack(Value value) {
    if (value.getParentBlock() == forward)
      wantedForward.insert(value);
    else
      stacked.insert(value);
  }

  /// How the sum of a contribution over all places is made.
  enum class Form { sum, same, contraction, reduction, accumulated };
  Form formOf(Value d) {
    Operation *op = d.getDefiningOp();
    if (!op || op->getBlock() != backward || isBatched(d))
      return Form::accumulated;
    if (isa<AddOp>(op))
      return Form::sum;
    if (isa<NegOp, TransposeOp, ReshapeOp>(op))
      return Form::same;
    auto contract = dyn_cast<ContractOp>(op);
    if (contract && isBatched(contract.getA()) && isBatched(contract.getB()) &&
        contract.getMap(0).getResult(0) == contract.getMap(1).getResult(0))
      return Form::contraction;
    auto reduce = dyn_cast<ReduceSumOp>(op);
    if (reduce && isBatched(reduce.getX()) && llvm::is_contained(reduce.getAxes(), 0))
      return Form::reduction;
    return Form::accumulated;
  }

  void collectSum(Value d) {
    switch (forms[d] = formOf(d)) {
    case Form::sum:
      collectSum(d.getDefiningOp()->getOperand(0));
      collectSum(d.getDefiningOp()->getOperand(1));
      return;
    case Form::same:
      return collectSum(d.getDefiningOp()->getOperand(0));
    case Form::contraction:
      stack(d.getDefiningOp()->getOperand(0));
      stack(d.getDefiningOp()->getOperand(1));
      return;
    case Form::reduction:
      return stack(d.getDefiningOp()->getOperand(0));
    case Form::accumulated:
      if (!sums.contains(d)) {
        unsigned position = carries.size() + sums.size();
        sums[d] = backward->insertArgument(position, d.getType(), loc());
      }
    }
  }

  /// Operations that move behind the loop leave the body, with what only they need.
  void putAwayDead() {
    llvm::SmallPtrSet<Operation *, 32> live;
    SmallVector<Operation *> pending{&backward->back()};
    while (!pending.empty()) {
      Operation *op = pending.pop_back_val();
      if (!live.insert(op).second)
        continue;
      for (Value operand : op->getOperands())
        if (Operation *producer = operand.getDefiningOp(); producer && producer->getBlock() == backward)
          pending.push_back(producer);
    }
    for (Operation &op : llvm::make_early_inc_range(*backward))
      if (!live.contains(&op))
        op.moveBefore(&attic, attic.end());
    firstOfBody = &backward->front();
  }

  // --- what the backward body reads of the forward one

  /// Computed again from what the scan is given: no more than reading it.
  bool isGiven(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() == forward && argument.getArgNumber() >= scan.getInitial().size();
    Operation *op = value.getDefiningOp();
    return isa<ScalarOp, ViewOp, GeneratorOp>(op) && llvm::all_of(op->getOperands(), [&](Value x) { return isGiven(x); });
  }

  LogicalResult bringForwardValues() {
    llvm::SetVector<OpOperand *> uses;
    backward->walk([&](Operation *op) {
      for (OpOperand &operand : op->getOpOperands())
        if (operand.get().getParentBlock() == forward)
          uses.insert(&operand);
    });
    for (OpOperand *use : uses) {
      FailureOr<Value> here = bring(use->get());
      if (failed(here))
        return failure();
      use->set(*here);
    }
    return success();
  }

  FailureOr<Value> bring(Value value) {
    if (Value known = brought.lookup(value))
      return known;
    auto argument = dyn_cast<BlockArgument>(value);
    unsigned firstX = scan.getInitial().size(), firstInvariant = firstX + scan.getXs().size();
    Operation *op = value.getDefiningOp();
    Value here;
    if (argument && argument.getArgNumber() >= firstInvariant) {
      here = backward->addArgument(value.getType(), loc());
      invariants.push_back(scan.getInvariants()[argument.getArgNumber() - firstInvariant]);
    } else if (argument && argument.getArgNumber() >= firstX) {
      here = insertElement(value.getType());
      xs.push_back(scan.getXs()[argument.getArgNumber() - firstX]);
    } else if (op && (isGiven(value) || isa<ViewOp>(op))) {
      SmallVector<Value> operands;
      for (Value operand : op->getOperands()) {
        FailureOr<Value> there = bring(operand);
        if (failed(there))
          return failure();
        operands.push_back(*there);
      }
      IRMapping map;
      map.map(op->getOperands(), operands);
      OpBuilder::InsertionGuard guard(inner);
      inner.setInsertionPoint(firstOfBody); // behind what it reads, before what reads it
      here = inner.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber());
    } else if (!isBatched(value)) {
      return scan.emitOpError("has a gradient that reads ") << value.getType() << " of each place, which has no samples";
    } else {
      here = insertElement(value.getType());
      saved.push_back({value, xs.size()});
      xs.push_back(Value());
      wantedForward.insert(value);
    }
    brought[value] = here;
    return here;
  }

  /// A new argument behind those that are elements of xs.
  Value insertElement(Type type) {
    return backward->insertArgument(carries.size() + sums.size() + xs.size(), type, loc());
  }

  /// Replaces the forward scan by one that also gives what is wanted of its body, at all places.
  void keepSaved() {
    SmallVector<Value> yielded = llvm::to_vector(scan.getYield()->getOperands());
    llvm::MapVector<Value, unsigned> resultOf;
    for (Value value : wantedForward) {
      if (isGivenElement(value) || isInvariant(value))
        continue;
      unsigned result = scan.getInitial().size();
      while (result < yielded.size() && yielded[result] != value)
        ++result;
      if (result == yielded.size())
        yielded.push_back(value);
      resultOf[value] = result;
    }
    if (yielded.size() > scan.getNumResults())
      extend(yielded);
    for (auto [value, result] : resultOf)
      stackOfForward[value] = scan.getResult(result);
    for (auto [value, x] : saved)
      xs[x] = stackOfForward.lookup(value);
  }

  void extend(ArrayRef<Value> yielded) {
    SmallVector<Type> types = llvm::to_vector(scan.getResultTypes());
    for (Value value : yielded.drop_front(types.size()))
      types.push_back(ScanOp::stackOf(value.getType(), length));
    OpBuilder at(scan);
    auto larger = at.create<ScanOp>(scan.getLoc(), types, scan.getLengthAttr(), scan.getInitial(), scan.getXs(),
                                    scan.getInvariants(), scan.getReverseAttr());
    larger->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    larger.getBody().takeBody(scan.getBody());
    larger.getYield()->setOperands(yielded);
    for (auto [old, fresh] : llvm::zip(scan.getResults(), larger.getResults()))
      old.replaceAllUsesWith(fresh);
    scan.erase();
    scan = larger;
  }

  bool isGivenElement(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && llvm::is_contained(scan.getElements(), argument);
  }
  bool isInvariant(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && llvm::is_contained(scan.getInner(), argument);
  }

  // --- the backward scan and the sums behind it

  ScanOp close(ArrayRef<Value> dResults) {
    SmallVector<Value> initial;
    for (unsigned index : carries)
      initial.push_back(dResults[index] ? dResults[index] : g.full(scan.getCarries()[index].getType(), 0.0));
    for (auto &[d, argument] : sums)
      initial.push_back(g.full(d.getType(), 0.0));
    SmallVector<Type> types = llvm::to_vector(ValueRange(initial).getTypes());
    for (Value value : stacked)
      types.push_back(ScanOp::stackOf(value.getType(), length));
    auto reversed = g.builder.create<ScanOp>(loc(), types, scan.getLengthAttr(), initial, xs, invariants,
                                             scan.getReverse() ? UnitAttr() : UnitAttr::get(scan.getContext()));
    nameArguments(reversed);
    reversed.getBody().push_back(backward);
    backward = nullptr;
    return reversed;
  }

  /// d_h for a carry h; other names come from where the values do.
  void nameArguments(ScanOp reversed) {
    auto names = scan->getAttrOfType<ArrayAttr>("horn.names");
    if (!names || names.size() != scan.getInitial().size() + scan.getXs().size())
      return;
    SmallVector<Attribute> own(reversed.getInitial().size() + reversed.getXs().size(), inner.getStringAttr(""));
    for (auto [position, index] : llvm::enumerate(carries))
      own[position] = inner.getStringAttr("d_" + cast<StringAttr>(names[index]).getValue());
    reversed->setAttr("horn.names", inner.getArrayAttr(own));
  }

  Value stackOf(ScanOp reversed, Value value) {
    auto found = llvm::find(stacked, value);
    if (found != stacked.end())
      return reversed.getYs()[found - stacked.begin()];
    if (Value known = stackOfForward.lookup(value))
      return known;
    auto argument = cast<BlockArgument>(value);
    unsigned firstX = scan.getInitial().size(), firstInvariant = firstX + scan.getXs().size();
    if (argument.getArgNumber() < firstInvariant)
      return scan.getXs()[argument.getArgNumber() - firstX];
    return g.broadcastAlong(scan.getInvariants()[argument.getArgNumber() - firstInvariant],
                            ScanOp::stackOf(value.getType(), length), {1});
  }

  /// The sum over all places of a contribution.
  Value sumOf(ScanOp reversed, Value d) {
    Operation *op = d.getDefiningOp();
    switch (forms.lookup(d)) {
    case Form::sum:
      return g.add(sumOf(reversed, op->getOperand(0)), sumOf(reversed, op->getOperand(1)));
    case Form::same: {
      IRMapping map;
      map.map(op->getOperand(0), sumOf(reversed, op->getOperand(0)));
      return g.builder.clone(*op, map)->getResult(0);
    }
    case Form::contraction:
      return contractAll(reversed, cast<ContractOp>(op));
    case Form::reduction: {
      auto reduce = cast<ReduceSumOp>(op);
      SmallVector<int64_t> axes{0, 1};
      for (int64_t axis : reduce.getAxes())
        if (axis > 0)
          axes.push_back(axis + 1);
      return g.sum(stackOf(reversed, reduce.getX()), axes);
    }
    default:
      return reversed.getLast()[carries.size() + (sums.find(d) - sums.begin())];
    }
  }

  /// The contraction with one more dimension that is summed: the places, axis 1 of both operands.
  Value contractAll(ScanOp reversed, ContractOp contract) {
    unsigned dims = contract.getMap(0).getNumDims();
    auto withPlaces = [&](AffineMap map) {
      SmallVector<AffineExpr> exprs(map.getResults());
      exprs.insert(exprs.begin() + 1, getAffineDimExpr(dims, map.getContext()));
      return AffineMap::get(dims + 1, 0, exprs, map.getContext());
    };
    AffineMap out = AffineMap::get(dims + 1, 0, contract.getMap(2).getResults(), contract.getContext());
    return g.builder.create<ContractOp>(loc(), stackOf(reversed, contract.getA()), stackOf(reversed, contract.getB()),
                                        withPlaces(contract.getMap(0)), withPlaces(contract.getMap(1)), out);
  }

  void finish(ScanOp reversed, SmallVectorImpl<Value> &dOperands) {
    dOperands.assign(scan->getNumOperands(), Value());
    for (auto [position, index] : llvm::enumerate(carries))
      dOperands[index] = reversed.getLast()[position];
    unsigned operand = scan.getInitial().size();
    for (BlockArgument x : scan.getElements()) {
      if (Value d = walk->gradientOf(x))
        dOperands[operand] = stackOf(reversed, d);
      ++operand;
    }
    for (BlockArgument invariant : scan.getInner()) {
      if (Value d = walk->gradientOf(invariant))
        dOperands[operand] = sumOf(reversed, d);
      ++operand;
    }
  }

  ScanOp scan;
  GradientBuilder &g;
  Block *forward, *backward = nullptr;
  const int64_t length;
  OpBuilder inner;
  GradientBuilder body; ///< of the backward body
  std::optional<ReverseWalk> walk;
  SmallVector<unsigned> carries; ///< those with gradients
  DenseMap<unsigned, Value> dCarries, dYs;
  SmallVector<Value> newCarries, xs, invariants;
  llvm::MapVector<Value, BlockArgument> sums; ///< contributions that are added up in carries
  llvm::SetVector<Value> stacked, wantedForward;
  SmallVector<std::pair<Value, unsigned>> saved; ///< forward values, and which of the xs they are
  DenseMap<Value, Value> brought, stackOfForward;
  DenseMap<Value, Form> forms; ///< of contributions to the gradients of invariants
  Block attic;                 ///< operations that are not made at each place
  Operation *firstOfBody = nullptr;
};

} // namespace

void ScanOp::buildGradient(GradientBuilder &, Value, SmallVectorImpl<Value> &) {
  llvm_unreachable("a scan builds its gradients from those of all results");
}

LogicalResult ScanOp::buildGradients(GradientBuilder &g, ArrayRef<Value> dResults, SmallVectorImpl<Value> &dOperands) {
  return ScanGradient(*this, g).build(dResults, dOperands);
}

} // namespace hornfels::horn
