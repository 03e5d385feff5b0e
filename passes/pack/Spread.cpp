#include "passes/pack/Spread.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/memory/Arena.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
namespace {

/// A parameter of a kernel, in the order of a launch's operands; with no number, a buffer of a step.
using Sight = std::pair<const void *, unsigned>;
constexpr unsigned kBuffer = ~0u;

/// What a kernel calls its operands: arguments, then results without those in place.
struct Parameters {
  explicit Parameters(func::FuncOp kernel) : kernel(kernel) {
    auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
    for (unsigned result = 0; result < kernel.getNumResults(); ++result)
      if (!inPlace || inPlace[result] < 0)
        results.push_back(result);
  }
  void mark(unsigned slot, Attribute stride) {
    unsigned arguments = kernel.getNumArguments();
    if (slot < arguments)
      kernel.setArgAttr(slot, "horn.stride", stride);
    else
      kernel.setResultAttr(results[slot - arguments], "horn.stride", stride);
  }
  func::FuncOp kernel;
  SmallVector<unsigned> results;
};

/// Loops over elements follow a stride wherever it leads; insertions and what changes a type do not.
bool followsStrides(func::FuncOp kernel) {
  return llvm::all_of(kernel.getBody().front(), [](Operation &op) {
    return !isComputation(&op) || isa<linalg::GenericOp, GatherSumOp, ScatterAddOp>(op);
  });
}

class Spreading {
public:
  explicit Spreading(ModuleOp module) : module(module), symbols(module) {}

  void run() {
    for (auto host : module.getOps<func::FuncOp>())
      if (!host->hasAttr("horn.kernel"))
        host.walk([&](LaunchOp launch) { meet(launch); });
    for (auto host : module.getOps<func::FuncOp>())
      if (!host->hasAttr("horn.kernel"))
        host.walk([&](ArenaOp arena) { spread(arena); });
    for (auto host : module.getOps<func::FuncOp>())
      if (!host->hasAttr("horn.kernel"))
        host.walk([&](LaunchOp launch) { mark(launch); });
  }

private:
  static Sight sightOf(Value buffer) { return {buffer.getAsOpaquePointer(), kBuffer}; }

  void meet(LaunchOp launch) {
    auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
    bool follows = followsStrides(kernel);
    for (auto [slot, operand] : llvm::enumerate(launch->getOperands())) {
      Sight parameter{kernel.getAsOpaquePointer(), static_cast<unsigned>(slot)};
      same.unionSets(parameter, sightOf(operand));
      if (!follows || !mayBeSpread(operand))
        refused.push_back(parameter);
    }
  }

  /// A buffer of the arena with room between its rows, which nobody but launches uses.
  static bool mayBeSpread(Value buffer) {
    auto arena = buffer.getDefiningOp<ArenaOp>();
    return arena && Arena::gapOf(cast<MemRefType>(buffer.getType())) > 0 &&
           llvm::all_of(buffer.getUsers(), [](Operation *user) { return isa<LaunchOp>(user); });
  }

  bool isRefused(Value buffer) {
    if (!mayBeSpread(buffer))
      return true;
    Sight leader = same.getLeaderValue(sightOf(buffer));
    return llvm::any_of(refused, [&](Sight sight) { return same.getLeaderValue(sight) == leader; });
  }

  static IntegerAttr strideOf(MemRefType type) {
    int64_t stride = type.getDimSize(1) + Arena::gapOf(type) / elementBytes(type.getElementType());
    return IntegerAttr::get(IntegerType::get(type.getContext(), 64), stride);
  }

  void spread(ArenaOp arena) {
    Value buffer = arena.getBuffer();
    if (same.findValue(sightOf(buffer)) != same.end() && !isRefused(buffer))
      arena->setAttr("horn.stride", strideOf(cast<MemRefType>(buffer.getType())));
  }

  void mark(LaunchOp launch) {
    Parameters parameters(symbols.lookup<func::FuncOp>(launch.getKernel()));
    for (auto [slot, operand] : llvm::enumerate(launch->getOperands()))
      if (auto arena = operand.getDefiningOp<ArenaOp>())
        if (Attribute stride = arena->getAttr("horn.stride"))
          parameters.mark(slot, stride);
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::EquivalenceClasses<Sight> same;
  SmallVector<Sight> refused;
};

} // namespace

void spreadRows(ModuleOp module) { Spreading(module).run(); }

} // namespace hornfels
