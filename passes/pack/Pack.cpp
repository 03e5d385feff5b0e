// Decides which weights lie packed for the whole of training.
//
// A weight [rows, columns] that a product reads a panel of columns at a time lies in panels:
//   element (k, c)  at  (c / width * width) * rows + k * w + c % width,   w = width, in the last panel what remains
// so that a panel is one run of memory. What meets it element by element (slots, gradients) lies the same way; loading
// and saving convert. A buffer is packed only if every kernel that touches it, in every step, takes it by panels.
#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Passes.h"
#include "passes/pack/Spread.h"
#include "passes/schedule/Panels.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_PACK
#include "passes/Passes.h.inc"

namespace {

/// A buffer as one kernel or one step sees it: a parameter of a kernel, a variable by its name, a buffer of the arena.
struct Sight {
  RankedTensorType type; ///< of parameters
  bool refuses = false;  ///< must stay row by row
  bool wishes = false;   ///< a product reads its panels
};

/// How kernels use a value.
class Uses {
public:
  explicit Uses(func::FuncOp kernel) {
    for (Operation &op : kernel.getBody().front())
      if (isComputation(&op))
        units.emplace_back(&op);
    product = matchProduct(units);
  }

  Sight look(Value value) const {
    Sight sight;
    sight.type = dyn_cast<RankedTensorType>(value.getType());
    if (!sight.type || sight.type.getRank() != 2 || !sight.type.hasStaticShape() ||
        !isa<FloatType>(sight.type.getElementType())) {
      sight.refuses = true;
      return sight;
    }
    for (Operation *user : value.getUsers())
      sight.refuses |= !isa<linalg::GenericOp, func::ReturnOp>(user);
    if (auto result = dyn_cast<OpResult>(value))
      sight.refuses |= !isa<linalg::GenericOp>(result.getOwner());
    for (const Unit &unit : units) {
      for (const Access &read : unit.reads)
        if (read.value == value)
          consider(unit, read, sight);
      for (const Access &write : unit.writes)
        if (write.value == value)
          consider(unit, write, sight);
    }
    return sight;
  }

private:
  void consider(const Unit &unit, const Access &access, Sight &sight) const {
    auto row = dyn_cast<AffineDimExpr>(access.map.getResult(0)), column = dyn_cast<AffineDimExpr>(access.map.getResult(1));
    if (!row || !column || row == column) {
      sight.refuses = true;
      return;
    }
    bool isProduct = product && product->unit == &unit;
    bool isTransposed = isProduct && product->transposed && &unit.reads[*product->transposed] == &access;
    bool columnsTogether = !unit.parallel.empty() && column.getPosition() == unit.parallel.back() &&
                           unit.runsInLanes(column.getPosition());
    bool columnsReduced = unit.isGeneric() && !unit.reduced.empty() && column.getPosition() == unit.reduced.back() &&
                          unit.parallel.empty() && unit.runsInLanes(column.getPosition());
    sight.refuses |= !isTransposed && !columnsReduced && !(columnsTogether || (isProduct && column.getPosition() == product->columnDim()));
    sight.wishes |= isProduct && llvm::is_contained(unit.reduced, row.getPosition()) &&
                    column.getPosition() == product->columnDim();
  }

  std::vector<Unit> units;
  std::optional<PanelKernel> product;
};

struct PackPass : impl::PackBase<PackPass> {
  using PackBase::PackBase;

  /// Sights of one buffer, numbered.
  llvm::StringMap<unsigned> numbers;
  SmallVector<Sight> sights;
  SmallVector<std::pair<unsigned, unsigned>> same;

  unsigned number(const Twine &key, const Sight &sight = {}) {
    auto [entry, isNew] = numbers.insert({key.str(), sights.size()});
    if (isNew)
      sights.push_back(sight);
    return entry->second;
  }

  static std::string parameterKey(func::FuncOp kernel, unsigned slot) {
    return (kernel.getName() + "#" + Twine(slot)).str();
  }

  /// Operands of a launch are numbered as they come; a result in place is its argument.
  void lookAtKernel(func::FuncOp kernel) {
    Uses uses(kernel);
    Block &body = kernel.getBody().front();
    auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
    unsigned slot = 0;
    for (BlockArgument argument : body.getArguments())
      number(parameterKey(kernel, slot++), uses.look(argument));
    for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
      bool overwrites = inPlace && inPlace[index] >= 0;
      unsigned own = overwrites ? inPlace[index] : slot++;
      Sight sight = uses.look(value);
      unsigned known = number(parameterKey(kernel, own), sight);
      sights[known].refuses |= sight.refuses;
      sights[known].wishes |= sight.wishes;
    }
  }

  /// The number of a buffer of a step.
  unsigned lookAtBuffer(func::FuncOp host, Value buffer) {
    if (auto cast = buffer.getDefiningOp<UnrealizedConversionCastOp>()) {
      unsigned source = lookAtBuffer(host, cast.getOperand(0));
      sights[source].refuses = true; // the same bytes by another type
      return source;
    }
    if (auto argument = dyn_cast<BlockArgument>(buffer)) {
      auto text = [&](StringRef key) {
        auto value = host.getArgAttrOfType<StringAttr>(argument.getArgNumber(), key);
        return value ? value.getValue() : StringRef();
      };
      StringRef role = text("horn.role");
      unsigned known = number("variable " + text("horn.name"));
      bool ours = role != "input" && role != "target" && role != "output" && role != "value";
      sights[known].refuses |= !ours;
      return known;
    }
    std::string key;
    llvm::raw_string_ostream(key) << host.getName() << " " << buffer.getAsOpaquePointer();
    return number(key);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("horn.kernel"))
        lookAtKernel(function);
    for (auto host : module.getOps<func::FuncOp>()) {
      if (host->hasAttr("horn.kernel"))
        continue;
      host.walk([&](LaunchOp launch) {
        auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
        for (auto [slot, operand] : llvm::enumerate(launch->getOperands()))
          if (isa<MemRefType>(operand.getType()))
            same.push_back({number(parameterKey(kernel, slot)), lookAtBuffer(host, operand)});
      });
      host.walk([&](memref::CopyOp copy) {
        same.push_back({lookAtBuffer(host, copy.getSource()), lookAtBuffer(host, copy.getTarget())});
      });
    }
    // What meets in one loop nest lies alike: a slot like its weight.
    for (auto kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("horn.kernel"))
        joinElementwise(kernel);
    decide(module);
    spreadRows(module);
  }

  /// Parameters that an element-wise operation reads and writes at the same elements.
  void joinElementwise(func::FuncOp kernel) {
    Block &body = kernel.getBody().front();
    auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
    llvm::MapVector<Value, unsigned> slots;
    unsigned slot = 0;
    for (BlockArgument argument : body.getArguments())
      slots[argument] = slot++;
    for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands()))
      slots[value] = inPlace && inPlace[index] >= 0 ? inPlace[index] : slot++;
    for (Operation &op : body) {
      if (!isElementwise(&op))
        continue;
      Unit unit(&op);
      std::optional<std::pair<unsigned, AffineMap>> first;
      auto join = [&](const Access &access) {
        auto found = slots.find(access.value);
        auto type = dyn_cast<RankedTensorType>(access.value.getType());
        if (found == slots.end() || !type || type.getRank() != 2 || !type.hasStaticShape())
          return;
        unsigned known = number(parameterKey(kernel, found->second));
        if (!first)
          first = {known, access.map};
        else if (first->second == access.map)
          same.push_back({first->first, known});
      };
      llvm::for_each(unit.writes, join);
      llvm::for_each(unit.reads, join);
    }
  }

  void decide(ModuleOp module) {
    llvm::IntEqClasses classes(sights.size());
    for (auto [a, b] : same)
      classes.join(a, b);
    classes.compress();
    struct Verdict {
      bool refuses = false, wishes = false;
      RankedTensorType type;
    };
    SmallVector<Verdict> verdicts(classes.getNumClasses());
    for (unsigned i = 0; i < sights.size(); ++i) {
      Verdict &verdict = verdicts[classes[i]];
      verdict.refuses |= sights[i].refuses || (verdict.type && sights[i].type && verdict.type != sights[i].type);
      verdict.wishes |= sights[i].wishes;
      if (sights[i].type)
        verdict.type = sights[i].type;
    }
    auto widthOf = [&](unsigned sight) -> int64_t {
      const Verdict &verdict = verdicts[classes[sight]];
      if (verdict.refuses || !verdict.wishes || !verdict.type)
        return 0;
      int64_t bytes = elementBytes(verdict.type.getElementType()), width = 2 * vectorBytes / bytes;
      bool large = verdict.type.getNumElements() * bytes > kFirstCacheBytes;
      return large && verdict.type.getDimSize(1) > width ? width : 0;
    };
    OpBuilder b(module.getContext());
    NamedAttrList panels;
    for (auto &entry : numbers) {
      StringRef key = entry.first();
      if (int64_t width = widthOf(entry.second); width > 0 && key.consume_front("variable "))
        panels.set(key, b.getI64IntegerAttr(width));
    }
    module->setAttr("horn.panels", panels.getDictionary(module.getContext()));
    for (auto kernel : module.getOps<func::FuncOp>()) {
      if (!kernel->hasAttr("horn.kernel"))
        continue;
      SmallVector<int64_t> widths;
      unsigned arguments = kernel.getNumArguments();
      for (unsigned slot = 0; numbers.contains(parameterKey(kernel, slot)); ++slot)
        widths.push_back(widthOf(number(parameterKey(kernel, slot))));
      for (auto [slot, width] : llvm::enumerate(widths))
        if (width > 0 && slot < arguments)
          kernel.setArgAttr(slot, "horn.panel", b.getI64IntegerAttr(width));
      markResults(kernel, widths, b);
    }
  }

  static void markResults(func::FuncOp kernel, ArrayRef<int64_t> widths, OpBuilder &b) {
    auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
    unsigned slot = kernel.getNumArguments();
    for (unsigned result = 0; result < kernel.getNumResults(); ++result) {
      bool overwrites = inPlace && inPlace[result] >= 0;
      if (!overwrites && widths[slot++] > 0)
        kernel.setResultAttr(result, "horn.panel", b.getI64IntegerAttr(widths[slot - 1]));
    }
  }
};

} // namespace
} // namespace hornfels
