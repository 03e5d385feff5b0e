// Tables whose rows may be updated lazily: a second kernel that touches the rows of the ids of a batch alone.
#include "passes/lazy/Decay.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_LAZY
#include "passes/Passes.h.inc"

namespace {

/// A kernel that is a scatter and the update of what it makes, as one launch runs it.
struct TableUpdate {
  LaunchOp launch;
  func::FuncOp kernel;
  ScatterAddOp scatter;
  linalg::GenericOp update;
};

struct LazyPass : impl::LazyBase<LazyPass> {
  using LazyBase::LazyBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<TableUpdate> updates = findUpdates(module);
    OpBuilder b(module.getContext());
    SmallVector<Attribute> tables;
    for (TableUpdate &update : updates)
      if (std::optional<DictionaryAttr> table = makeLazy(update, tables.size(), b))
        tables.push_back(*table);
    if (!tables.empty())
      module->setAttr("horn.lazy", b.getArrayAttr(tables));
  }

  static SmallVector<TableUpdate> findUpdates(ModuleOp module) {
    SymbolTable symbols(module);
    llvm::StringMap<unsigned> launches;
    SmallVector<TableUpdate> updates;
    module.walk([&](LaunchOp launch) {
      ++launches[launch.getKernel()];
      auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
      if (std::optional<TableUpdate> update = asUpdate(launch, kernel))
        updates.push_back(*update);
    });
    llvm::erase_if(updates, [&](TableUpdate &update) { return launches[update.kernel.getName()] != 1; });
    return updates;
  }

  /// One scatter, whose result the update reads element by element and nobody else at all.
  static std::optional<TableUpdate> asUpdate(LaunchOp launch, func::FuncOp kernel) {
    TableUpdate result{launch, kernel, nullptr, nullptr};
    Block &body = kernel.getBody().front();
    for (Operation &op : body) {
      if (auto scatter = dyn_cast<ScatterAddOp>(op); scatter && !result.scatter)
        result.scatter = scatter;
      else if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && isElementwise(&op) && !result.update)
        result.update = generic;
      else if (isComputation(&op))
        return std::nullopt;
    }
    if (!result.scatter || !result.update || parallelSizes(result.update) != parallelSizes(result.scatter) ||
        !result.scatter.getY().getType().hasStaticShape() || result.scatter.getY().getType().getDimSize(0) < 2)
      return std::nullopt; // one row has no dimension of rows
    Value gradient = result.scatter.getY();
    AffineMap map = readMap(result.update, gradient);
    if (!map || map != writeMap(gradient) || llvm::count(result.update->getOperands(), gradient) != 1)
      return std::nullopt;
    for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands()))
      if (value == gradient && !kernel.getResultAttr(index, "horn.private"))
        return std::nullopt;
    for (unsigned argument = 0; argument < kernel.getNumArguments(); ++argument)
      if (kernel.getArgAttr(argument, "horn.panel"))
        return std::nullopt;
    return result;
  }

  /// The host's argument that a kernel's argument stands for; null: something else.
  static BlockArgument given(const TableUpdate &update, Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument ? dyn_cast<BlockArgument>(LaunchOp(update.launch)->getOperand(argument.getArgNumber())) : nullptr;
  }

  static StringRef attributeOf(BlockArgument argument, StringRef key) {
    auto host = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto text = host.getArgAttrOfType<StringAttr>(argument.getArgNumber(), key);
    return text ? text.getValue() : StringRef();
  }

  /// What the update's operands are; nothing when some result goes elsewhere than over a variable.
  static std::optional<UpdateOperands> operandsOf(TableUpdate &update) {
    UpdateOperands operands{};
    for (auto [number, input] : llvm::enumerate(update.update.getDpsInputs())) {
      if (input == update.scatter.getY())
        operands.gradient = number;
      BlockArgument argument = given(update, input);
      if (argument && attributeOf(argument, "horn.role") == "learning_rate")
        operands.rates.insert(number);
      if (argument && attributeOf(argument, "horn.role") == "slot")
        operands.slots.insert(number);
    }
    auto inPlace = update.kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
    auto returned = update.kernel.getBody().front().getTerminator()->getOperands();
    for (Value result : update.update->getResults()) {
      auto place = llvm::find(returned, result);
      int64_t over = inPlace && place != returned.end() ? inPlace[place - returned.begin()] : -1;
      if (over < 0 || llvm::count(returned, result) != 1)
        return std::nullopt;
      auto inputs = update.update.getDpsInputs();
      auto input = llvm::find(inputs, update.kernel.getArgument(over));
      if (input == inputs.end() || llvm::count(inputs, *input) != 1 ||
          readMap(update.update, *input) != writeMap(result))
        return std::nullopt;
      operands.overwritten.push_back(input - inputs.begin());
    }
    return operands;
  }

  /// Slots that fall behind are nobody else's: no other launch touches them, but to give them their first values.
  static bool isPrivate(const TableUpdate &update, BlockArgument slot) {
    StringRef name = attributeOf(slot, "horn.name");
    bool alone = attributeOf(slot, "horn.role") == "slot";
    auto module = LaunchOp(update.launch)->getParentOfType<ModuleOp>();
    for (auto host : module.getOps<func::FuncOp>()) {
      if (host->hasAttr("horn.kernel") || host.getName() == "initialize")
        continue;
      for (BlockArgument argument : host.getArguments())
        if (attributeOf(argument, "horn.name") == name)
          for (Operation *user : argument.getUsers())
            alone &= user == LaunchOp(update.launch).getOperation();
    }
    return alone;
  }

  std::optional<DictionaryAttr> makeLazy(TableUpdate &update, size_t number, OpBuilder &b) {
    std::optional<UpdateOperands> operands = operandsOf(update);
    if (!operands)
      return std::nullopt;
    auto factors = decaysWithoutGradient(update.update, *operands);
    if (!factors)
      return std::nullopt;
    SmallVector<double> ofArguments(update.kernel.getNumArguments(), 1);
    SmallVector<Attribute> slots;
    for (auto [input, factor] : *factors) {
      Value value = update.update.getDpsInputs()[input];
      BlockArgument variable = given(update, value);
      if (!variable || (factor != 1 && !isPrivate(update, variable)))
        return std::nullopt;
      ofArguments[cast<BlockArgument>(value).getArgNumber()] = factor;
      if (operands->slots.contains(input))
        slots.push_back(b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(attributeOf(variable, "horn.name"))),
                                             b.getNamedAttr("factor", b.getF64FloatAttr(factor))}));
    }
    llvm::sort(slots, [](Attribute x, Attribute y) {
      auto name = [](Attribute slot) { return cast<DictionaryAttr>(slot).getAs<StringAttr>("name").getValue(); };
      return name(x) < name(y);
    });
    update.kernel->setAttr("horn.exact", b.getUnitAttr()); // every kernel for it must give the same bits
    if (!make)
      return std::nullopt;
    makeKernel(update, ofArguments, number, b);
    return b.getDictionaryAttr({b.getNamedAttr("type", TypeAttr::get(update.scatter.getY().getType())),
                                b.getNamedAttr("slots", b.getArrayAttr(slots))});
  }

  /// The kernel once more, with the factors of its arguments; the launch says where it is.
  static void makeKernel(TableUpdate &update, ArrayRef<double> factors, size_t number, OpBuilder &b) {
    b.setInsertionPointAfter(update.kernel);
    auto lazy = cast<func::FuncOp>(b.clone(*update.kernel));
    lazy.setName((update.kernel.getName() + "_lazy").str());
    lazy->setAttr("horn.lazy", b.getDenseF64ArrayAttr(factors));
    update.kernel->setAttr("horn.decays", b.getDenseF64ArrayAttr(factors));
    SmallVector<Attribute> equations;
    if (auto given = lazy->getAttrOfType<ArrayAttr>("horn.equations"))
      llvm::append_range(equations, given);
    equations.push_back(b.getStringAttr("in the rows of these ids alone; the others would only decay, and catch up"));
    lazy->setAttr("horn.equations", b.getArrayAttr(equations));
    update.launch->setAttr("horn.lazy", FlatSymbolRefAttr::get(lazy.getNameAttr()));
    update.launch->setAttr("horn.table", b.getI64IntegerAttr(static_cast<int64_t>(number)));
  }
};

} // namespace
} // namespace hornfels
