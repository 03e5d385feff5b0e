// Gives every value between kernels a place and turns the host functions into launches on buffers.
//
// A variable's new value overwrites the old one, so the kernel that makes it runs after the last reader of the old
// value. Everything else lives in one arena, at a + b * capacity bytes; two values share bytes when their lives do
// not overlap.
#include "passes/memory/Arena.h"

#include "ir/Lowering.h"
#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Passes.h"

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
    for (auto call : host.getOps<Call>())
      calls.push_back(call);
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
        if (isa<Call>(earlier) && !visit(earlier))
          return false;
      done.insert(call);
      ordered.push_back(cast<Call>(call));
      return true;
    };
    return llvm::all_of(calls, visit);
  }

  /// No kernel reads a variable's old value after one that overwrites it.
  LogicalResult verifyOrder() {
    DenseSet<Value> overwritten;
    for (Call call : ordered) {
      for (Value operand : call.getOperands())
        if (overwritten.contains(source(operand)))
          return call.emitOpError("reads a variable after it was overwritten");
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
    for (Call call : ordered)
      for (unsigned result = 0; result < call.getNumResults(); ++result)
        // What an insertion continues lies where its result lies: that may be an argument of the host.
        if (std::optional<unsigned> argument = continuedArgument(kernelOf(call), result))
          sameAs[source(call.getOperand(*argument))] = call.getResult(result);
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
      for (Value result : call.getResults()) {
        Value place = root(result);
        if (!isa<BlockArgument>(place) && !llvm::is_contained(newArguments, place))
          lives.insert({place, {static_cast<int64_t>(time), static_cast<int64_t>(time)}});
      }
      for (Value operand : call->getOperands())
        if (auto life = lives.find(root(operand)); life != lives.end())
          life->second.last = time;
    }
    for (auto [value, old] : copied)
      if (auto life = lives.find(root(value)); life != lives.end())
        life->second.last = ordered.size();
    for (auto &[value, life] : lives)
      places[value] = arena.place(bufferType(value.getType()), life);
    arena.endFunction();
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
    for (Call call : ordered)
      launch(b, call);
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
    if (place != value) {
      buffer = bufferOf(b, place);
      Type type = bufferType(value.getType());
      if (buffer.getType() != type)
        buffer = b.create<UnrealizedConversionCastOp>(value.getLoc(), type, buffer).getResult(0);
    } else {
      Arena::Place at = places.lookup(value);
      auto op = b.create<ArenaOp>(value.getLoc(), bufferType(value.getType()), at.fixed, at.perSample);
      if (auto result = dyn_cast<OpResult>(value))
        if (Attribute name = kernelOf(cast<Call>(result.getOwner())).getResultAttr(result.getResultNumber(), "horn.name"))
          op->setAttr("horn.name", name);
      buffer = op;
    }
    buffers[value] = buffer;
    return buffer;
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
  SmallVector<Call> ordered;
  SmallVector<Value> originals, newArguments;
  SmallVector<DictionaryAttr> argumentAttributes;
  DenseMap<Value, Value> sameAs, buffers;
  DenseMap<Value, Arena::Place> places;
};

struct MemoryPass : impl::MemoryBase<MemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    Arena arena;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function->hasAttr("horn.kernel") && failed(HostMemory(function, symbols, arena).run()))
        return signalPassFailure();
    OpBuilder b(module.getContext());
    module->setAttr("horn.arena", b.getDenseI64ArrayAttr({arena.fixedBytes(), arena.bytesPerSample()}));
    mergeInPlace(module, symbols);
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
