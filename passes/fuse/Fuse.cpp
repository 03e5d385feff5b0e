// The fusion decision: which operations make one kernel, and which loop nests (units) a kernel has.
//
// Roots are contractions, ragged operations and reductions over the batch. What follows a root row by row (bias,
// activation, softmax, a loss for each sample) or element by element (the optimizer behind a weight gradient) joins
// its kernel. Inside a kernel, element-wise operations of one domain are merged into one generic.
#include "passes/fuse/Grouping.h"
#include "passes/fuse/Outline.h"

#include "ir/Lowering.h"
#include "ir/Points.h"
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

static bool isRecomputed(Operation *op);

/// `op` reads what the group makes by another type: the bytes have to be written first.
static bool readsReshaped(Operation *op, ArrayRef<Operation *> group) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    auto reshape = operand.getDefiningOp<ReshapeOp>();
    while (reshape && reshape.getX().getDefiningOp<ReshapeOp>())
      reshape = reshape.getX().getDefiningOp<ReshapeOp>();
    return reshape && llvm::is_contained(group, reshape.getX().getDefiningOp());
  });
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
      if (readMap(op, operand) != writeMap(operand))
        return false;
    }
  return true;
}

/// An insertion into what is the same everywhere can follow what it inserts, row by row.
static bool isRowInsertion(Operation *op) {
  auto insert = dyn_cast<InsertOp>(op);
  Operation *destination = insert ? insert.getDestination().getDefiningOp() : nullptr;
  return destination && isBatched(op) && isElementwise(destination) && isRecomputed(destination);
}

/// A product of two dimensions runs by panels or by tiles of its rows; a unit of more dimensions would make that single rows.
static bool wouldBreakTiles(Operation *op, ArrayRef<Operation *> group) {
  return parallelSizes(op).size() > 2 && llvm::any_of(group, [](Operation *member) {
           return isContraction(member) && parallelSizes(member).size() <= 2;
         });
}

/// A product over samples and places, as wide as its rows lie pages apart: few samples at a time go through all its outputs,
/// and the sums wait in the result (../schedule). With an update behind it they would have no place to wait.
static bool waitsBetweenSamples(Operation *op) {
  constexpr int64_t wideBytes = 512;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !isContraction(op) || isBatched(op) || parallelSizes(op).size() != 2 || generic.getNumReductionLoops() != 2 ||
      !llvm::is_contained(generic.getStaticLoopRanges(), kBatch))
    return false;
  auto type = cast<RankedTensorType>(generic.getResult(0).getType());
  return parallelSizes(op).back() * elementBytes(type.getElementType()) >= wideBytes;
}

static bool mayJoinKernel(Operation *op, ArrayRef<Operation *> group) {
  if (wouldBreakTiles(op, group) || llvm::any_of(group, waitsBetweenSamples))
    return false;
  if (isRowInsertion(op))
    return !isa<InsertOp, SliceOp, LoopOp>(group.front()) && !readsReshaped(op, group) && llvm::all_of(group, isBatched);
  if (isRoot(op) || isa<InsertOp, SliceOp, LoopOp>(group.front()) || readsReshaped(op, group))
    return false;
  if (isBatched(op))
    return llvm::all_of(group, isBatched) && readsItsOwnRow(op, group);
  SmallVector<int64_t> sizes = parallelSizes(op);
  return isElementwise(op) && readsWhereWritten(op, group) &&
         llvm::all_of(group, [&](Operation *member) { return parallelSizes(member) == sizes; });
}

/// Points that one row of the batch has.
static int64_t pointsOfRow(Operation *op) {
  int64_t points = 1;
  for (int64_t size : parallelSizes(op))
    points *= size == kBatch ? 1 : size;
  return points;
}

/// Each thread of a device reads what it has made itself, in the whole kernel: the points are the same.
static bool readsOwnPoints(Operation *op, ArrayRef<Operation *> group) {
  Unit unit(op);
  Points points(unit);
  return llvm::all_of(group, [&](Operation *member) {
    Unit writer(member);
    Points own(writer);
    if (own.sizes != points.sizes)
      return false;
    for (auto [number, write] : llvm::enumerate(writer.writes))
      for (const Access &read : unit.reads)
        if (read.value == write.value && points.placeOf(read.map) != own.placeOfResult(writer, number))
          return false;
    return true;
  });
}

/// On a device what joins a product or a sum of rows is done where a thread has made the element. Rows go through several
/// loop nests together, in one block of threads, where they are short and no large product would wait for few blocks.
static bool mayJoinOnDevice(Operation *op, ArrayRef<Operation *> group) {
  constexpr int64_t longRow = 4096, largeProduct = 4096;
  if (isElementwise(op) && readsOwnPoints(op, group))
    return llvm::none_of(group, [](Operation *member) { return isa<MultiHotOp, CountOp, PadTokensOp, OrthonormalOp>(member); });
  auto isLarge = [&](Operation *member) {
    auto generic = dyn_cast<linalg::GenericOp>(member);
    if (!generic || pointsOfRow(member) > longRow)
      return true;
    int64_t steps = pointsOfRow(member);
    for (auto [size, iterator] : llvm::zip(generic.getStaticLoopRanges(), generic.getIteratorTypesArray()))
      if (iterator == utils::IteratorType::reduction && size != kBatch)
        steps *= size;
    return isContraction(member) && steps > largeProduct;
  };
  return isBatched(op) && !isLarge(op) && llvm::none_of(group, isLarge);
}

/// The threads that own the elements of `op` are those that read them, in all of a kernel.
static bool isReadWhereWritten(Operation *op, ArrayRef<Operation *> kernel) {
  Value result = op->getResult(0);
  SmallVector<int64_t> sizes = parallelSizes(op);
  return llvm::all_of(op->getUsers(), [&](Operation *user) { return readMap(user, result) == writeMap(result); }) &&
         llvm::all_of(kernel, [&](Operation *member) { return isElementwise(member) && parallelSizes(member) == sizes; });
}

static bool mayJoinUnit(Operation *op, ArrayRef<Operation *> unit) {
  return isElementwise(op) && llvm::all_of(unit, isElementwise) && parallelSizes(op) == parallelSizes(unit.front()) &&
         readsWhereWritten(op, unit);
}

/// What is known of the operations that one question leads to: without it a chain of n sums costs 2^n.
using Recomputed = DenseMap<Operation *, bool>;
static bool isRecomputed(Operation *op, Recomputed &known);

/// Every input that `accepts` is an argument of the step or is computed again itself.
static bool readsOnlyGiven(linalg::GenericOp op, Recomputed &known, llvm::function_ref<bool(Value)> accepts) {
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    Operation *producer = input->get().getDefiningOp();
    return accepts(input->get()) && (!producer || isRecomputed(producer, known));
  });
}

/// Every reader takes the value in rows of its own domain, as its kernel computes them. A number has no rows.
static bool isReadRowByRow(Value value) {
  AffineMap write = writeMap(value);
  if (write.getNumDims() == 0)
    return true;
  int64_t rowAxis = 0;
  while (!write.getResult(rowAxis).isFunctionOfDim(0))
    ++rowAxis;
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (auto insert = dyn_cast<InsertOp>(user))
      return insert.getDestination() == value && isBatched(user);
    AffineMap read = readMap(user, value);
    if (!read || parallelSizes(user).empty())
      return false;
    unsigned first = 0;
    while (cast<linalg::GenericOp>(user).getIteratorTypesArray()[first] != utils::IteratorType::parallel)
      ++first;
    return read.getResult(rowAxis) == getAffineDimExpr(first, value.getContext());
  });
}

/// Cheaper to compute again in each kernel that reads it than to store:
/// - what is computed from scalars that the step is given: dropout's numbers are made again in the backward pass;
/// - arithmetic on what the step is given, for readers of the same elements.
static bool findRecomputed(Operation *op, Recomputed &known) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  auto isKernels = [](Operation *user) { return isComputation(user) && !isa<LoopOp>(user); };
  if (!generic || !isElementwise(op) || !llvm::all_of(op->getUsers(), isKernels))
    return false;
  auto isScalar = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank() == 0; };
  if (readsOnlyGiven(generic, known, isScalar) && isReadRowByRow(generic.getResult(0)))
    return true;
  for (Operation &scalar : generic.getBody()->without_terminator())
    if (isa<MathOp, RandomElementOp>(scalar))
      return false;
  Value result = generic.getResult(0);
  for (Operation *user : op->getUsers())
    if (!isElementwise(user) || parallelSizes(user) != parallelSizes(op) || readMap(user, result) != writeMap(result))
      return false;
  return readsOnlyGiven(generic, known, [](Value) { return true; });
}

static bool isRecomputed(Operation *op, Recomputed &known) {
  if (auto found = known.find(op); found != known.end())
    return found->second;
  bool answer = findRecomputed(op, known);
  known[op] = answer;
  return answer;
}

static bool isRecomputed(Operation *op) {
  Recomputed known;
  return isRecomputed(op, known);
}

static int64_t bytesPerSample(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return elementsPerSample(type) * elementBytes(type.getElementType());
}

/// `op` can move from its kernel into the one that holds all its readers, and makes no more traffic there: what it
/// reads is stored anyway. A comparison with a saved activation belongs to the backward pass.
static bool maySink(Operation *op, ArrayRef<Operation *> from, ArrayRef<Operation *> to) {
  if (!isElementwise(op) || llvm::is_contained(to, op))
    return false;
  auto isIn = [](ArrayRef<Operation *> group) { return [=](Operation *user) { return llvm::is_contained(group, user); }; };
  if (!llvm::all_of(op->getUsers(), isIn(to)))
    return false;
  for (Operation *user : op->getUsers()) {
    Value result = op->getResult(0);
    AffineMap read = readMap(user, result);
    bool sameRow = isBatched(op) && llvm::all_of(to, isBatched) && read && read.getNumResults() > 0 &&
                   read.getResult(0) == getAffineDimExpr(0, op->getContext());
    bool sameElement = isElementwise(user) && parallelSizes(user) == parallelSizes(op) && read == writeMap(result);
    if (!sameRow && !sameElement)
      return false;
  }
  // What only this kernel has would be stored in place of the result: no loss for what the backward pass asks of a forward
  // kernel (where in its window the largest lies, for each place of it), but a layer's own result is what its readers want.
  bool isAsked = originOf(op->getLoc()).backward && !originOf(from.front()->getLoc()).backward;
  int64_t stored = 0;
  for (Value input : cast<linalg::GenericOp>(op).getDpsInputs()) {
    Operation *producer = input.getDefiningOp();
    if (producer && !isRecomputed(producer) && llvm::all_of(input.getUsers(), isIn(from)))
      stored += bytesPerSample(input);
  }
  return stored == 0 || (isAsked && stored <= bytesPerSample(op->getResult(0)));
}

namespace {

struct FusePass : impl::FuseBase<FusePass> {
  using FuseBase::FuseBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    if (failed(chooseTokenRows(functions)))
      return signalPassFailure();
    for (func::FuncOp function : functions) {
      giveResultsTheirOwnValues(function);
      giveLoopsTheirOwnCarries(function);
      giveInsertionsTheirOwnDestinations(function);
      fuseFunction(function);
    }
  }

  /// How the rows of each tokens input must come: as they are where their order counts, as sorted sets where every sum
  /// counts an id once, sorted where it counts repeats (a scatter finds the ids of its chunk by search).
  LogicalResult chooseTokenRows(ArrayRef<func::FuncOp> functions) {
    constexpr int64_t asIs = 0, sorted = 1, sets = 2;
    llvm::StringMap<int64_t> rows;
    LogicalResult result = success();
    for (func::FuncOp function : functions)
      function.walk([&](Operation *op) {
        if (!isa<GatherSumOp, ScatterAddOp, MultiHotOp, CountOp, PadTokensOp>(op))
          return;
        auto input = cast<BlockArgument>(op->getOperand(0));
        auto name = function.getArgAttrOfType<StringAttr>(input.getArgNumber(), "horn.name");
        bool isSet = op->hasAttr("distinct") || isa<MultiHotOp>(op);
        int64_t needed = isa<PadTokensOp>(op) ? asIs : isSet ? sets : sorted;
        auto [known, isNew] = rows.insert({name ? name.getValue() : "", needed});
        if (isNew || known->second == needed)
          return;
        if (needed == asIs || known->second == asIs)
          result = op->emitOpError("reads '")
                   << known->first() << "' as rows in their order and as sets of ids: give the model two inputs";
        else
          result = op->emitOpError("counts repeated ids of an input whose other readers count each id once");
      });
    NamedAttrList attributes;
    OpBuilder b(&getContext());
    for (auto &[name, needed] : rows)
      attributes.set(name, b.getI64IntegerAttr(needed));
    getOperation()->setAttr("horn.token_rows", attributes.getDictionary(&getContext()));
    return result;
  }

  /// An argument that is returned, or a value returned twice, is copied: every result gets a buffer of its own.
  void giveResultsTheirOwnValues(func::FuncOp function) {
    Operation *terminator = function.getBody().front().getTerminator();
    OpBuilder builder(terminator);
    Lowering lowering(builder, builder.create<BatchOp>(function.getLoc(), builder.getIndexType()));
    DenseSet<Value> returned;
    for (OpOperand &result : terminator->getOpOperands()) {
      Operation *producer = result.get().getDefiningOp();
      if (!producer || !isComputation(producer) || isa<LoopOp>(producer) || !returned.insert(result.get()).second) {
        lowering.define(result.get(), result.get()); // a reshape, too, is stored already
        result.set(lowering.copy(function.getLoc(), result.get()));
      }
    }
  }

  /// A carry's first value is written where the loop reads it: it is nobody else's.
  void giveLoopsTheirOwnCarries(func::FuncOp function) {
    for (LoopOp loop : llvm::to_vector(function.getOps<LoopOp>())) {
      OpBuilder builder(loop);
      Lowering lowering(builder, builder.create<BatchOp>(function.getLoc(), builder.getIndexType()));
      for (OpOperand &initial : loop.getInitialMutable()) {
        Value value = initial.get();
        if (value.getDefiningOp<linalg::GenericOp>() && value.hasOneUse())
          continue;
        lowering.define(value, value);
        initial.set(lowering.copy(loop.getLoc(), value));
      }
    }
  }

  /// An insertion writes over its destination: one that equal subexpressions share is made again for each.
  void giveInsertionsTheirOwnDestinations(func::FuncOp function) {
    SmallVector<InsertOp> pending = llvm::to_vector(function.getOps<InsertOp>());
    while (!pending.empty()) {
      InsertOp insert = pending.pop_back_val();
      Operation *producer = insert.getDestination().getDefiningOp();
      if (!producer || isa<tensor::EmptyOp>(producer) || insert.getDestination().hasOneUse())
        continue;
      Operation *own = OpBuilder(insert).clone(*producer);
      insert.getDestinationMutable().assign(own->getResult(0));
      if (auto inner = dyn_cast<InsertOp>(own))
        pending.push_back(inner);
    }
  }

  void fuseFunction(func::FuncOp function) {
    Grouping kernels;
    for (Operation &op : function.getBody().front()) {
      if (!isComputation(&op) || (all && isRecomputed(&op)))
        continue;
      // Scalars go together wherever they may: a kernel of their own would only cost a call.
      bool isScalar = all && isElementwise(&op) && parallelSizes(&op).empty();
      // In a loop what other kernels work on is in cache: rows go through as few of them as may be.
      bool isInLoop = function->hasAttr("horn.body"), isRowOfLoop = all && isInLoop && isElementwise(&op) && isBatched(&op);
      auto mayJoin = [&](ArrayRef<Operation *> group) {
        return all && mayJoinKernel(&op, group) && (!device || isInLoop || mayJoinOnDevice(&op, group));
      };
      kernels.add(&op, mayJoin, isScalar || isRowOfLoop);
    }
    if (all)
      kernels.sink([&](Operation *op, ArrayRef<Operation *> from, ArrayRef<Operation *> to) {
        return maySink(op, from, to) && (!device || isReadWhereWritten(op, to));
      });
    Outliner outliner(function);
    for (ArrayRef<Operation *> members : kernels.sorted()) {
      if (auto loop = dyn_cast<LoopOp>(members.front())) {
        outliner.keep(loop);
        continue;
      }
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
