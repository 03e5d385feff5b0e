// Gives every value between kernels a place and turns the host functions into launches on buffers.
//
// A variable's new value overwrites the old one, so the kernel that makes it runs after the last reader of the old
// value. Everything else lives in one arena, at a + b * capacity bytes; two values share bytes when their lives do
// not overlap.
#include "passes/memory/Arena.h"

#include "ir/Lowering.h"
#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSet.h"
#include <map>

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_MEMORY
#include "passes/Passes.h.inc"

static MemRefType bufferType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

/// The kernel can write `result` over its argument: each element is read where it is written, by the loop nest that
/// writes it.
static bool mayOverwrite(func::FuncOp kernel, unsigned result, unsigned argument) {
  auto terminator = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  auto value = cast<OpResult>(terminator.getOperand(result));
  BlockArgument source = kernel.getArgument(argument);
  auto writer = dyn_cast<linalg::GenericOp>(value.getOwner());
  if (!writer || source.getType() != value.getType())
    return false;
  for (OpOperand &use : source.getUses())
    if (use.getOwner() != writer || writer.getNumReductionLoops() > 0 ||
        writer.getMatchingIndexingMap(&use) != writer.getIndexingMapMatchingResult(value))
      return false;
  return true;
}

/// The argument that a kernel's result continues: the destination of an insertion that came from outside.
static std::optional<unsigned> continuedArgument(func::FuncOp kernel, unsigned result) {
  Value value = cast<func::ReturnOp>(kernel.getBody().front().getTerminator()).getOperand(result);
  auto insert = value.getDefiningOp<InsertOp>();
  auto argument = insert ? dyn_cast<BlockArgument>(insert.getDestination()) : BlockArgument();
  return argument ? std::optional<unsigned>(argument.getArgNumber()) : std::nullopt;
}

namespace {

/// One host function.
class HostMemory {
public:
  HostMemory(func::FuncOp host, SymbolTable &symbols, Arena &arena) : host(host), symbols(symbols), arena(arena) {}

  LogicalResult run() {
    chooseOverwrites();
    order();
    if (failed(verifyOrder()))
      return failure();
    placeResults();
    placeTemporaries();
    rewrite();
    return success();
  }

private:
  using Call = func::CallOp;

  /// What runs: a call of a kernel, or a loop over them.
  static bool isStep(Operation *op) { return isa<Call, LoopOp>(op); }

  func::FuncOp kernelOf(Call call) { return symbols.lookup<func::FuncOp>(call.getCallee()); }

  /// The argument of the host whose name a result carries.
  std::optional<unsigned> variableOf(unsigned result) {
    Attribute name = host.getResultAttr(result, "horn.name");
    for (unsigned argument = 0; name && argument < host.getNumArguments(); ++argument)
      if (host.getArgAttr(argument, "horn.name") == name)
        return argument;
    return std::nullopt;
  }

  /// Which call writes which variable in place.
  void chooseOverwrites() {
    auto terminator = cast<func::ReturnOp>(host.getBody().front().getTerminator());
    for (OpOperand &operand : terminator->getOpOperands()) {
      std::optional<unsigned> variable = variableOf(operand.getOperandNumber());
      if (!variable)
        continue;
      BlockArgument old = host.getArgument(*variable);
      auto result = cast<OpResult>(operand.get());
      auto call = cast<Call>(result.getOwner());
      bool safe = true;
      for (auto [index, argument] : llvm::enumerate(call.getOperands()))
        if (argument == old)
          safe &= mayOverwrite(kernelOf(call), result.getResultNumber(), index);
        else if (source(argument) == old)
          safe = false; // the same bytes by another type: not read where they are written
      if (safe)
        overwrites.push_back({call, old});
      else
        copied.push_back({operand.get(), old});
    }
  }

  /// Program order, but a kernel that overwrites a variable waits for the others that read it. Where that would be a
  /// circle, the new value gets a place of its own and is copied at the end.
  void order() {
    SmallVector<Operation *> calls;
    for (Operation &op : host.getBody().front())
      if (isStep(&op))
        calls.push_back(&op);
    while (!tryOrder(calls)) {
      auto [call, old] = overwrites.pop_back_val();
      auto terminator = cast<func::ReturnOp>(host.getBody().front().getTerminator());
      for (OpOperand &operand : terminator->getOpOperands())
        if (variableOf(operand.getOperandNumber()) == old.getArgNumber())
          copied.push_back({operand.get(), old});
    }
  }

  bool tryOrder(ArrayRef<Operation *> calls) {
    llvm::MapVector<Operation *, SmallVector<Operation *>> before;
    for (Operation *call : calls) {
      before[call];
      for (Value operand : call->getOperands())
        if (Operation *producer = source(operand).getDefiningOp())
          before[call].push_back(producer);
    }
    for (auto [call, old] : overwrites)
      for (Operation *reader : calls)
        if (reader != call && llvm::any_of(reader->getOperands(), [&](Value v) { return source(v) == old; }))
          before[call].push_back(reader);
    ordered.clear();
    llvm::SmallPtrSet<Operation *, 32> done, open;
    std::function<bool(Operation *)> visit = [&](Operation *call) {
      if (done.contains(call))
        return true;
      if (!open.insert(call).second)
        return false;
      for (Operation *earlier : before[call])
        if (isStep(earlier) && !visit(earlier))
          return false;
      done.insert(call);
      ordered.push_back(call);
      return true;
    };
    return llvm::all_of(calls, visit);
  }

  /// No kernel reads a variable's old value after one that overwrites it.
  LogicalResult verifyOrder() {
    DenseSet<Value> overwritten;
    for (Operation *call : ordered) {
      for (Value operand : call->getOperands())
        if (overwritten.contains(source(operand)))
          return call->emitOpError("reads a variable after it was overwritten");
      for (auto [writer, old] : overwrites)
        if (writer == call)
          overwritten.insert(old);
    }
    return success();
  }

  /// What a value is another type of.
  static Value source(Value value) {
    while (auto reshape = value.getDefiningOp<ReshapeOp>())
      value = reshape.getX();
    return value;
  }

  /// Variables keep their place; other results of the host become arguments.
  void placeResults() {
    Block &body = host.getBody().front();
    auto terminator = cast<func::ReturnOp>(body.getTerminator());
    for (BlockArgument argument : body.getArguments()) {
      originals.push_back(argument);
      argumentAttributes.push_back(host.getArgAttrDict(argument.getArgNumber()));
    }
    for (auto [call, old] : overwrites)
      for (OpOperand &operand : terminator->getOpOperands())
        if (variableOf(operand.getOperandNumber()) == old.getArgNumber())
          sameAs[operand.get()] = old;
    for (OpOperand &operand : terminator->getOpOperands())
      if (!variableOf(operand.getOperandNumber())) {
        newArguments.push_back(operand.get());
        argumentAttributes.push_back(host.getResultAttrDict(operand.getOperandNumber()));
      }
    for (Operation *step : ordered)
      continueInsertions(step);
  }

  /// What an insertion continues lies where its result lies: that may be an argument of the host.
  void continueInsertions(Operation *step) {
    if (auto loop = dyn_cast<LoopOp>(step)) {
      placeCarries(loop);
      for (Operation &op : bodyOf(loop)) {
        continueInsertions(&op);
        if (auto call = dyn_cast<Call>(op))
          writeInPlace(call);
      }
    } else if (auto call = dyn_cast<Call>(step)) {
      for (unsigned result = 0; result < call.getNumResults(); ++result)
        if (std::optional<unsigned> argument = continuedArgument(kernelOf(call), result))
          sameAs[source(call.getOperand(*argument))] = call.getResult(result);
    }
  }

  /// An insertion that puts one value, which nobody else reads, next to others along axis 1 is not run in a loop: the kernel
  /// that makes the value writes it where it is to stand.
  void writeInPlace(Call call) {
    Block &kernel = kernelOf(call).getBody().front();
    auto insert = kernel.getTerminator()->getOperand(0).getDefiningOp<InsertOp>();
    auto source = insert ? dyn_cast<BlockArgument>(insert.getX()) : BlockArgument();
    if (!source || call.getNumResults() != 1 || llvm::count_if(kernel, [](Operation &op) { return isComputation(&op); }) != 1)
      return;
    Value x = call.getOperand(source.getArgNumber());
    auto maker = x.getDefiningOp<Call>();
    if (!maker || insert.getAdds() || !x.hasOneUse() || !followsStrides(kernelOf(maker)) || !isFilledBefore(call, maker))
      return;
    auto from = insert.getX().getType(), to = insert.getY().getType();
    bool besideEachOther = to.getRank() > 1 && to.isDynamicDim(0) && insert.getOffsets()[0] == 0 &&
                           llvm::all_of(insert.getStrides(), [](int64_t stride) { return stride == 1; });
    for (int64_t axis = 2; besideEachOther && axis < to.getRank(); ++axis)
      besideEachOther = from.getDimSize(axis) == to.getDimSize(axis);
    if (!besideEachOther)
      return;
    sameAs[x] = call.getResult(0);
    parts[x] = insert.getOffsets()[1];
    dissolved.insert(call);
  }

  /// Whether what an insertion continues, through other insertions, has its first values before `maker` runs.
  bool isFilledBefore(Call insertion, Call maker) {
    std::optional<unsigned> argument = continuedArgument(kernelOf(insertion), 0);
    auto filler = argument ? source(insertion.getOperand(*argument)).getDefiningOp<Call>() : Call();
    if (!filler || filler->isBeforeInBlock(maker))
      return true;
    return continuedArgument(kernelOf(filler), 0) && isFilledBefore(filler, maker);
  }

  /// Loops over elements follow a stride wherever it leads.
  static bool followsStrides(func::FuncOp kernel) {
    return llvm::all_of(kernel.getBody().front(),
                        [](Operation &op) { return !isComputation(&op) || isa<linalg::GenericOp>(op); });
  }

  Block &bodyOf(LoopOp loop) { return symbols.lookup<func::FuncOp>(loop.getBody())->getRegion(0).front(); }

  /// A carry has two places, which take turns: what a step reads, and what it writes. Its first value is written into
  /// the one, its last value is in the one or the other.
  void placeCarries(LoopOp loop) {
    for (auto [initial, last] : llvm::zip(loop.getInitial(), loop.getResults())) {
      carries[last] = {last, 0};
      carries[initial] = {last, 0};
      carries[last].place = static_cast<int64_t>(loop.getLength()) % kPlaces;
      sameAs[initial] = last;
    }
  }

  /// The value whose bytes `value` uses.
  Value root(Value value) {
    value = source(value);
    while (sameAs.contains(value))
      value = source(sameAs[value]);
    return value;
  }

  void placeTemporaries() {
    llvm::MapVector<Value, Arena::Life> lives;
    for (auto [time, call] : llvm::enumerate(ordered)) {
      beginLives(call, static_cast<int64_t>(time), lives);
      for (Value operand : call->getOperands())
        if (auto life = lives.find(root(operand)); life != lives.end())
          life->second.last = time;
    }
    for (auto [value, old] : copied)
      if (auto life = lives.find(root(value)); life != lives.end())
        life->second.last = ordered.size();
    for (auto &[value, life] : lives)
      places[value] = arena.place(placeType(value), life);
    arena.endFunction();
  }

  /// What is made inside a loop lives as long as the loop runs.
  void beginLives(Operation *step, int64_t time, llvm::MapVector<Value, Arena::Life> &lives) {
    auto begin = [&](Value value) {
      Value place = root(value);
      if (!isa<BlockArgument>(place) && !llvm::is_contained(newArguments, place))
        lives.insert({place, {time, time}});
    };
    llvm::for_each(step->getResults(), begin);
    auto loop = dyn_cast<LoopOp>(step);
    if (!loop)
      return;
    Operation *terminator = bodyOf(loop).getTerminator();
    for (Operation &op : bodyOf(loop)) {
      if (!isStep(&op))
        continue;
      beginLives(&op, time, lives);
      // What the body yields has its place in the loop's results.
      for (Value result : op.getResults())
        if (llvm::is_contained(terminator->getOperands(), result))
          lives.erase(root(result));
    }
  }

  /// The type of the bytes behind a value: a carry has several places.
  MemRefType placeType(Value value) {
    MemRefType type = bufferType(value.getType());
    if (!carries.contains(value))
      return type;
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin() + (type.getRank() > 0 && type.isDynamicDim(0)), kPlaces);
    return MemRefType::get(shape, type.getElementType());
  }

  void rewrite() {
    Block *old = &host.getBody().front();
    Block *body = new Block();
    host.getBody().push_back(body);
    OpBuilder b = OpBuilder::atBlockBegin(body);
    SmallVector<Type> types;
    auto addArgument = [&](Value value) {
      types.push_back(isa<RankedTensorType>(value.getType()) ? Type(bufferType(value.getType())) : value.getType());
      buffers[value] = body->addArgument(types.back(), value.getLoc());
    };
    for (Value argument : originals)
      addArgument(argument);
    for (Value result : newArguments)
      addArgument(result);
    for (Operation *step : ordered)
      emit(b, step);
    for (auto [value, variable] : copied) {
      auto copy = b.create<memref::CopyOp>(host.getLoc(), bufferOf(b, value), bufferOf(b, variable));
      (void)copy;
    }
    b.create<func::ReturnOp>(host.getLoc());
    host.setFunctionType(b.getFunctionType(types, {}));
    host.setAllArgAttrs(argumentAttributes);
    host.removeResAttrsAttr();
    old->dropAllReferences();
    old->dropAllDefinedValueUses();
    old->erase();
  }

  Value bufferOf(OpBuilder &b, Value value) {
    auto found = buffers.find(value);
    if (found != buffers.end())
      return found->second;
    Value place = root(value), buffer;
    if (auto carry = carries.find(value); carry != carries.end()) {
      buffer = slot(b, wholeOf(b, place), bufferType(value.getType()), Value(), carry->second.place, 0, 0, value);
    } else if (auto part = parts.find(value); part != parts.end()) {
      buffer = slot(b, bufferOf(b, sameAs[value]), bufferType(value.getType()), Value(), part->second, 0, 0, value);
    } else if (place != value && (carries.contains(source(value)) || parts.contains(source(value)))) {
      buffer = retyped(b, bufferOf(b, source(value)), value);
    } else if (place != value) {
      buffer = bufferOf(b, place);
      buffer = retyped(b, buffer, value);
    } else {
      buffer = wholeOf(b, value);
    }
    buffers[value] = buffer;
    return buffer;
  }

  /// The same bytes by the type of `value`.
  Value retyped(OpBuilder &b, Value buffer, Value value) {
    Type type = bufferType(value.getType());
    return buffer.getType() == type ? buffer
                                    : b.create<UnrealizedConversionCastOp>(value.getLoc(), type, buffer).getResult(0);
  }

  /// The place of a value in the arena; of a carry, all its places. It is found before the loops.
  Value wholeOf(OpBuilder &b, Value value) {
    Value &whole = wholes[value];
    if (whole)
      return whole;
    Arena::Place at = places.lookup(value);
    OpBuilder outside(b);
    while (isa<scf::ForOp>(outside.getInsertionBlock()->getParentOp()))
      outside.setInsertionPoint(outside.getInsertionBlock()->getParentOp());
    auto op = outside.create<ArenaOp>(value.getLoc(), placeType(value), at.fixed, at.perSample);
    if (Attribute name = nameOf(cast<OpResult>(value)))
      op->setAttr("horn.name", name);
    return whole = op;
  }

  /// What a kernel calls its result, and a body its carry.
  Attribute nameOf(OpResult result) {
    if (auto call = dyn_cast<Call>(result.getOwner()))
      return kernelOf(call).getResultAttr(result.getResultNumber(), "horn.name");
    auto loop = cast<LoopOp>(result.getOwner());
    if (result.getResultNumber() < loop.getInitial().size())
      return symbols.lookup<func::FuncOp>(loop.getBody()).getArgAttr(result.getResultNumber(), "horn.name");
    return StringAttr::get(host.getContext(), nameByOrigin(result));
  }

  Value slot(OpBuilder &b, Value buffer, MemRefType type, Value step, int64_t first, int64_t by, int64_t modulo,
             Value named) {
    auto op = b.create<SlotOp>(named.getLoc(), type, buffer, step, first, by, modulo);
    op->setAttr("horn.name", b.getStringAttr(nameByOrigin(named)));
    return op;
  }

  void emit(OpBuilder &b, Operation *step) {
    if (auto loop = dyn_cast<LoopOp>(step))
      emitLoop(b, loop);
    else if (!dissolved.contains(step))
      launch(b, cast<Call>(step));
  }

  /// for n = 0 .. length: at place t = n, or the other way round, the body's launches on the slots of t
  void emitLoop(OpBuilder &b, LoopOp loop) {
    auto length = static_cast<int64_t>(loop.getLength());
    auto body = symbols.lookup<func::FuncOp>(loop.getBody());
    Block &inside = body.getBody().front();
    Operation *terminator = inside.getTerminator();
    SmallVector<Value> wholes, stacks;
    size_t count = loop.getInitial().size();
    for (Value last : loop.getResults().take_front(count))
      wholes.push_back(wholeOf(b, root(last)));
    for (Value x : loop.getXs())
      stacks.push_back(bufferOf(b, x));
    for (auto [outer, inner] : llvm::zip(loop.getInvariants(), inside.getArguments().take_back(loop.getInvariants().size())))
      buffers[inner] = isa<RankedTensorType>(outer.getType()) ? bufferOf(b, outer) : buffers.lookup(outer);
    SmallVector<Value> results;
    for (Value y : loop.getResults().drop_front(count))
      results.push_back(bufferOf(b, y));

    auto index = [&](int64_t value) { return b.create<arith::ConstantIndexOp>(loop.getLoc(), value).getResult(); };
    auto repeated = b.create<scf::ForOp>(loop.getLoc(), index(0), index(length), index(1));
    OpBuilder in = OpBuilder::atBlockBegin(repeated.getBody());
    Value n = repeated.getInductionVar();
    int64_t first = loop.getReverse() ? length - 1 : 0, by = loop.getReverse() ? -1 : 1;
    auto named = [&](Value view, Attribute name) {
      if (name)
        view.getDefiningOp()->setAttr("horn.name", name);
      return view;
    };
    for (auto [i, whole] : llvm::enumerate(wholes)) {
      BlockArgument before = inside.getArgument(i);
      Value after = terminator->getOperand(i);
      buffers[before] = named(slot(in, whole, bufferType(before.getType()), n, 0, 1, kPlaces, before),
                              body.getArgAttr(i, "horn.name"));
      buffers[after] = named(slot(in, whole, bufferType(after.getType()), n, 1, 1, kPlaces, after),
                             body.getResultAttr(i, "horn.name"));
    }
    for (auto [i, stack] : llvm::enumerate(stacks)) {
      BlockArgument element = inside.getArgument(count + i);
      buffers[element] = named(slot(in, stack, bufferType(element.getType()), n, first, by, 0, element),
                               body.getArgAttr(count + i, "horn.name"));
    }
    for (auto [i, stack] : llvm::enumerate(results)) {
      Value y = terminator->getOperand(count + i);
      buffers[y] = slot(in, stack, bufferType(y.getType()), n, first, by, 0, y);
    }
    for (Operation &op : inside)
      if (isStep(&op))
        emit(in, &op);
  }

  void launch(OpBuilder &b, Call call) {
    SmallVector<Value> inputs, outputs;
    for (Value operand : call.getOperands())
      inputs.push_back(isa<RankedTensorType>(operand.getType()) ? bufferOf(b, operand) : buffers.lookup(operand));
    for (Value result : call.getResults())
      outputs.push_back(bufferOf(b, result));
    b.create<LaunchOp>(call.getLoc(), call.getCallee(), inputs, outputs);
  }

  func::FuncOp host;
  SymbolTable &symbols;
  Arena &arena;
  SmallVector<std::pair<Call, BlockArgument>> overwrites;
  SmallVector<std::pair<Value, BlockArgument>> copied;
  SmallVector<Operation *> ordered;
  SmallVector<Value> originals, newArguments;
  SmallVector<DictionaryAttr> argumentAttributes;
  DenseMap<Value, Value> sameAs, buffers, wholes;
  /// First and last values of carries: which of the places of `last` they are.
  static constexpr int64_t kPlaces = 2;
  struct Carry {
    Value last;
    int64_t place = 0;
  };
  DenseMap<Value, Carry> carries;
  DenseMap<Value, int64_t> parts; ///< of what they are `sameAs`: where along axis 1 they stand
  llvm::SmallPtrSet<Operation *, 16> dissolved; ///< insertions that nothing has to be done for
  DenseMap<Value, Arena::Place> places;
};

struct MemoryPass : impl::MemoryBase<MemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    Arena arena;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function->hasAttr("horn.kernel") && !function->hasAttr("horn.body") &&
          failed(HostMemory(function, symbols, arena).run()))
        return signalPassFailure();
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr("horn.body"))
        function.erase(); // its launches stand in the loops of its host
    fitKernels(module, symbols);
    eraseIdleKernels(module);
    OpBuilder b(module.getContext());
    module->setAttr("horn.arena", b.getDenseI64ArrayAttr({arena.fixedBytes(), arena.bytesPerSample()}));
    mergeInPlace(module, symbols);
  }

  /// Kernels whose parameters are slots, with rows further apart than they are long (`horn.stride`), and kernels of
  /// loops, which are shared out by rows of samples (`horn.in_loop`), are kernels of their own.
  void fitKernels(ModuleOp module, SymbolTable &symbols) {
    OpBuilder b(module.getContext());
    std::map<std::pair<std::string, std::vector<int64_t>>, func::FuncOp> fitted;
    llvm::SmallPtrSet<Operation *, 16> taken;
    module.walk([&](LaunchOp launch) {
      std::vector<int64_t> strides;
      for (Value operand : launch->getOperands())
        strides.push_back(rowStrideOf(operand));
      bool inLoop = isa<scf::ForOp>(launch->getParentOp());
      strides.push_back(inLoop);
      func::FuncOp &kernel = fitted[{launch.getKernel().str(), strides}];
      if (!kernel) {
        kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
        if (!taken.insert(kernel).second) {
          Operation *original = kernel;
          kernel = cast<func::FuncOp>(original->clone());
          removeStrides(kernel);
          symbols.insert(kernel, Block::iterator(original));
        }
        for (auto [slot, stride] : llvm::enumerate(ArrayRef(strides).drop_back()))
          if (stride && slot < kernel.getNumArguments())
            kernel.setArgAttr(slot, "horn.stride", b.getI64IntegerAttr(stride));
          else if (stride)
            kernel.setResultAttr(slot - kernel.getNumArguments(), "horn.stride", b.getI64IntegerAttr(stride));
        if (inLoop)
          kernel->setAttr("horn.in_loop", b.getUnitAttr());
      }
      launch.setKernelAttr(FlatSymbolRefAttr::get(kernel));
    });
  }

  static void eraseIdleKernels(ModuleOp module) {
    llvm::StringSet<> launched;
    module.walk([&](LaunchOp launch) { launched.insert(launch.getKernel()); });
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr("horn.kernel") && !launched.contains(function.getName()))
        function.erase();
  }

  static int64_t rowStrideOf(Value buffer) {
    while (auto retyped = buffer.getDefiningOp<UnrealizedConversionCastOp>())
      buffer = retyped.getOperand(0);
    auto slot = buffer.getDefiningOp<SlotOp>();
    return slot ? slot.getRowStride() : 0;
  }

  static void removeStrides(func::FuncOp kernel) {
    for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
      kernel.removeArgAttr(i, "horn.stride");
    for (unsigned i = 0; i < kernel.getNumResults(); ++i)
      kernel.removeResultAttr(i, StringAttr::get(kernel.getContext(), "horn.stride"));
    kernel->removeAttr("horn.in_loop");
  }

  /// Where every launch of a kernel gives one buffer as an input and as a result, the kernel has one parameter.
  void mergeInPlace(ModuleOp module, SymbolTable &symbols) {
    llvm::MapVector<Operation *, SmallVector<LaunchOp>> launches;
    module.walk([&](LaunchOp op) { launches[symbols.lookup(op.getKernel())].push_back(op); });
    for (auto &[kernel, calls] : launches) {
      SmallVector<int64_t> inPlace;
      for (unsigned result = 0; result < calls.front().getOutputs().size(); ++result) {
        int64_t shared = -1;
        for (auto [index, input] : llvm::enumerate(calls.front().getInputs()))
          if (llvm::all_of(calls, [&](LaunchOp op) { return op.getInputs()[index] == op.getOutputs()[result]; }))
            shared = index;
        inPlace.push_back(shared);
      }
      kernel->setAttr("horn.in_place", DenseI64ArrayAttr::get(module.getContext(), inPlace));
      for (LaunchOp op : calls)
        for (int64_t result = inPlace.size() - 1; result >= 0; --result)
          if (inPlace[result] >= 0)
            op.getOutputsMutable().erase(result);
    }
  }
};

} // namespace
} // namespace hornfels
