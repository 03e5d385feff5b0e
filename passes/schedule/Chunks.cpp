#include "passes/schedule/Chunks.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

int64_t TargetTiles::lanes(ArrayRef<Unit> units) const {
  // A vector holds as many elements as there are of the widest real type: no vector is wider than a register.
  int64_t bytes = 4;
  for (const Unit &unit : units) {
    auto consider = [&](Type type) { bytes = type.isF64() ? 8 : bytes; };
    for (const auto &accesses : {unit.reads, unit.writes})
      for (const Access &access : accesses)
        if (auto type = dyn_cast<RankedTensorType>(access.value.getType()))
          consider(type.getElementType());
    unit.op->walk([&](Operation *scalar) { llvm::for_each(scalar->getResultTypes(), consider); });
  }
  return vectorBytes / bytes;
}

/// A register tile for products; as many vectors as one loop over a part of the batch can sum; one vector, or two,
/// where rows are all there is; else one row.
int64_t TargetTiles::tileRows(ArrayRef<Unit> units, int64_t ofKernel) const {
  size_t rank = 0;
  bool product = false, parts = false;
  for (const Unit &unit : units) {
    rank = std::max(rank, unit.parallel.size());
    product |= unit.reduces() && unit.parallel.size() > 1 && unit.runsInLanes(unit.parallel.back());
    parts |= unit.part.has_value();
  }
  if (rank <= 1)
    return (ofKernel == kBatch ? 1 : parts ? rows : 2) * lanes(units);
  int64_t columns = 0;
  for (const Unit &unit : units)
    if (unit.reduces() && unit.parallel.size() > 1)
      columns = std::max(columns, unit.sizes[unit.parallel.back()]);
  // Rows of a sum over parts of the batch are none that chunks are cut by: short lines share a tile.
  if (product && parts && rank == 3)
    return std::max<int64_t>(innerRows(columns, lanes(units)) / units.front().sizes[units.front().parallel[1]], 1);
  if (!product || rank > 2)
    return 1;
  return units.size() <= 2 ? productRows(columns, lanes(units)) : rows;
}

std::optional<PanelKernel> TargetTiles::panelKernel(ArrayRef<Unit> units, int64_t packedWidth) const {
  if (std::optional<PanelKernel> product = matchProduct(units))
    if (product->columns() > panelWidth(units, packedWidth) || product->transposed)
      return product;
  if (packedWidth > 0)
    return matchSweep(units);
  return std::nullopt;
}

std::optional<int64_t> commonRows(ArrayRef<Unit> units) {
  std::optional<int64_t> rows;
  for (const Unit &unit : units) {
    if (unit.parallel.empty())
      continue;
    if (rows && *rows != unit.rows())
      return std::nullopt;
    rows = unit.rows();
  }
  return rows;
}

int64_t panelRows(const PanelKernel &panel, int64_t rows, int64_t productRows) {
  int64_t step = isElementwise(panel.unit->op) ? 1 : productRows;
  return rows == kBatch ? step : std::min(step, rows);
}

bool splitsColumns(const PanelKernel &panel, int64_t width) {
  constexpr int64_t panelsWorthSplitting = 8;
  if (auto kernel = panel.unit->op->getParentOfType<func::FuncOp>(); kernel && kernel->hasAttr("horn.in_loop"))
    return false; // a loop is shared out by rows
  return panel.columns() >= panelsWorthSplitting * width;
}

/// Every chunk of a scatter looks for its ids in every sample: four of them at most.
static int64_t grainOf(ArrayRef<Unit> units, int64_t rows, int64_t step) {
  bool scatters = llvm::any_of(units, [](const Unit &unit) { return isScatter(unit.op); });
  return scatters && rows != kBatch ? llvm::alignTo(std::max<int64_t>(rows / 4, 1), step) : step;
}

std::optional<Chunks> TargetTiles::chunks(ArrayRef<Unit> units, int64_t packedWidth) const {
  for (const Unit &unit : units)
    if (unit.part)
      return Chunks{unit.sizes[*unit.part], 1};
  std::optional<int64_t> common = commonRows(units);
  if (!common)
    return std::nullopt;
  if (std::optional<PanelKernel> panel = panelKernel(units, packedWidth)) {
    int64_t width = panelWidth(units, packedWidth);
    if (splitsColumns(*panel, width))
      return Chunks{panel->columns(), width};
    return Chunks{*common, panelRows(*panel, *common, productRows(panel->columns(), lanes(units)))};
  }
  int64_t step = tileRows(units, *common);
  if (*common != kBatch)
    step = std::min(step, *common);
  return Chunks{*common, grainOf(units, *common, step)};
}

} // namespace hornfels
