// The body of a scan becomes a function: what follows lowers, fuses and names it like any other.
#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_OUTLINEBODIES
#include "passes/Passes.h.inc"

namespace {

/// What a value outside is called.
std::string nameOutside(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "horn.name"))
        return name.str();
  return nameByOrigin(value);
}

struct OutlineBodiesPass : impl::OutlineBodiesBase<OutlineBodiesPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<ScanOp> scans; // those within others first
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans)
      outline(scan, symbols);
  }

  void outline(ScanOp scan, SymbolTable &symbols) {
    OpBuilder b(scan);
    Origin origin = originOf(scan.getLoc());
    std::string name = (origin.name.empty() ? "scan" : origin.name).str() + (origin.backward ? "_backward" : "") + "_step";
    FunctionType type = b.getFunctionType(scan.getBody().getArgumentTypes(), scan.getYield()->getOperandTypes());
    auto function = func::FuncOp::create(scan.getLoc(), name, type);
    function.setPrivate();
    function->setAttr("horn.body", b.getUnitAttr());
    symbols.insert(function); // under a name of its own
    function.getBody().takeBody(scan.getBody());
    nameValues(scan, function, origin);

    Operation *yield = &function.getBody().front().back();
    OpBuilder atEnd(yield);
    atEnd.create<func::ReturnOp>(yield->getLoc(), yield->getOperands());
    yield->erase();

    auto loop = b.create<LoopOp>(scan.getLoc(), scan.getResultTypes(), function.getName(), scan.getLength(),
                                 scan.getInitial(), scan.getXs(), scan.getInvariants(), scan.getReverse());
    scan->replaceAllUsesWith(loop);
    scan.erase();
  }

  /// Carries and elements are called as in the step, behind their layer; what comes from outside as it is there.
  void nameValues(ScanOp scan, func::FuncOp function, const Origin &origin) {
    OpBuilder b(scan);
    auto given = scan->getAttrOfType<ArrayAttr>("horn.names");
    unsigned carries = scan.getInitial().size(), local = carries + scan.getXs().size();
    for (auto [index, operand] : llvm::enumerate(scan->getOperands())) {
      StringRef own = given && index < given.size() ? cast<StringAttr>(given[index]).getValue() : "";
      std::string name = nameOutside(operand);
      if (index < local && !own.empty())
        name = origin.name.empty() ? own.str() : (origin.name + "_" + own).str();
      else if (index < carries)
        name += "_carry";
      function.setArgAttr(index, "horn.name", b.getStringAttr(name));
      if (index < carries)
        function.setResultAttr(index, "horn.name", b.getStringAttr("next_" + name));
    }
  }
};

} // namespace
} // namespace hornfels
