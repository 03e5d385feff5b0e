#include "passes/map/Stages.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// All its points have the same value: it reads the same elements for each, and not its place.
static bool isSameEverywhere(const Unit &unit) {
  auto isConstant = [](const Access &read) {
    return llvm::all_of(read.map.getResults(), [](AffineExpr expr) { return isa<AffineConstantExpr>(expr); });
  };
  auto generic = cast<linalg::GenericOp>(unit.op);
  return llvm::all_of(unit.reads, isConstant) && generic.getBody()->getOps<linalg::IndexOp>().empty();
}

bool isUniform(const Unit &unit) {
  if (unit.part || unit.reduces() || !unit.isGeneric() || !isSameEverywhere(unit))
    return false;
  for (Value result : unit.op->getResults())
    for (Operation *user : result.getUsers())
      if (isa<func::ReturnOp>(user) || (!unit.parallel.empty() && !isa<linalg::GenericOp, InsertOp, SliceOp>(user)))
        return false;
  for (const Access &read : unit.reads)
    if (Operation *made = read.value.getDefiningOp(); made && isComputation(made) && !isUniform(Unit(made)))
      return false;
  return true;
}

/// What the stage makes and the unit reads, it reads where the same thread has made it.
static bool readsOwnPoints(const Unit &unit, const Points &points, const Stage &stage) {
  auto isOwn = [&](Value value, const std::optional<SmallVector<int64_t>> &place) {
    for (const Unit *writer : stage.units)
      for (auto [number, write] : llvm::enumerate(writer->writes))
        if (write.value == value)
          return place && place == Points(*writer).placeOfResult(*writer, number);
    return true;
  };
  for (const Access &read : unit.reads)
    if (!isOwn(read.value, points.placeOf(read.map)))
      return false;
  auto insert = dyn_cast<InsertOp>(unit.op);
  return !insert || isOwn(insert.getDestination(), points.placeOfResult(unit, 0));
}

SmallVector<Stage> stagesOf(ArrayRef<Unit> units) {
  SmallVector<Stage> stages;
  for (const Unit &unit : units) {
    if (isUniform(unit))
      continue;
    Points points(unit);
    bool joins = !stages.empty() && stages.back().sizes == points.sizes && readsOwnPoints(unit, points, stages.back());
    if (!joins)
      stages.push_back({{}, points.sizes});
    stages.back().units.push_back(&unit);
  }
  return stages;
}

} // namespace hornfels
