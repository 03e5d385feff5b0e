// Kernels that begin with rows of ids: what runtime/device/tokens.h gives for each element goes through the rest.
#include "codegen/cuda/DeviceKernelPrinter.h"

#include "ir/Structure.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// Elements of a row of a table.
static int64_t widthOf(Value table) {
  return countOf(cast<RankedTensorType>(table.getType()).getShape().drop_front(), 1);
}

/// Columns that a block owns: few enough for its shared memory and a lane's registers, the same number in each group of them.
/// (A prime number above 128 leaves one: the ids are looked through for each.)
static int64_t ownedColumns(int64_t width) {
  int64_t columns = std::min<int64_t>(width, 128);
  while (width % columns != 0)
    --columns;
  return columns;
}

/// The lambda that takes each element from the runtime's function, behind the arguments `call`: "call [=](long i, int j, float sum) {".
LogicalResult DeviceKernelPrinter::printFinish(const Stage &stage, const std::string &call) {
  const Unit &unit = units[stage.units.front()];
  auto type = cast<RankedTensorType>(unit.op->getResult(0).getType());
  SmallVector<int64_t> rows, columns;
  Points points(unit);
  bool hasRows = unit.parallel.size() > 0 && unit.sizes[unit.parallel.front()] == type.getDimSize(0);
  for (auto [axis, size] : llvm::enumerate(points.sizes))
    (axis == 0 && hasRows ? rows : columns).push_back(size);
  NameScope outer = names;
  std::string i = names.take("i"), j = names.take("column"), sum = names.take("sum");
  size_t at = out.size();
  line(call + " [=](long " + i + ", int " + (columns.empty() ? "" : j) + ", " + scalarType(type.getElementType()) + " " + sum + ") {");
  (void)at;
  ++depth;
  SmallVector<Linear> point;
  if (!rows.empty())
    point.push_back(Linear::symbol(i));
  llvm::append_range(point, decode(j, columns, false, ""));
  if (failed(printEpilogue(stage, point, sum)))
    return failure();
  --depth;
  line("});");
  names = outer;
  return success();
}

LogicalResult DeviceKernelPrinter::printGatherSum(const Stage &stage, GatherSumOp gather) {
  constexpr int64_t ofSample = 32;
  std::string width = std::to_string(widthOf(gather.getTable())), samples = std::to_string(threads / ofSample);
  std::string arguments = width + ", " + std::to_string(threads) + ", " + std::to_string(ofSample);
  usesBatch = true;
  blocks = "blocks_of(batch, " + samples + ")";
  const Place &table = places.find(gather.getTable())->second;
  sharedText = "gather_sum_bytes<" + scalarType(table.element) + ", " + arguments + ">()";
  std::string first = names.take("first");
  line("for (long " + first + " = blockIdx.x * " + samples + "L; " + first + " < batch; " + first + " += gridDim.x * " + samples + "L) {");
  ++depth;
  if (failed(printFinish(stage, "gather_sum<" + arguments + ">(shared, " + tokens[gather.getTokens()] + ", " + table.base + ", " + first +
                                    ", min(" + first + " + " + samples + "L, batch),")))
    return failure();
  --depth;
  line("}");
  return success();
}

/// Blocks own rows of the table: each looks for what is added to them.
LogicalResult DeviceKernelPrinter::printScatter(const Stage &stage, Operation *op) {
  Value result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  int64_t width = widthOf(result), rows = type.getDimSize(0);
  constexpr int64_t held = 32;
  int64_t columns = ownedColumns(width), groups = width / columns;
  usesBatch = true;
  line("using own = owned<" + scalarType(type.getElementType()) + ", " + std::to_string(width) + ", " + std::to_string(columns) + ", " +
       std::to_string(threads) + ", " + std::to_string(held) + ">;");
  sharedText = "owned<" + scalarType(type.getElementType()) + ", " + std::to_string(width) + ", " + std::to_string(columns) + ", " +
               std::to_string(threads) + ", " + std::to_string(held) + ">::bytes";
  std::string count = std::to_string((rows + held - 1) / held);
  blocks = count;
  std::string column = "0";
  if (groups > 1) {
    column = names.take("first_column");
    line("for (int " + column + " = 0; " + column + " < " + std::to_string(width) + "; " + column + " += " + std::to_string(columns) + ") {");
    ++depth;
  }
  std::string last = std::to_string(rows);
  if (auto scatter = dyn_cast<ScatterAddOp>(op)) {
    std::string begin = names.take("begin"), step = std::to_string(held);
    line("for (long " + begin + " = blockIdx.x * " + step + "L; " + begin + " < " + last + "; " + begin + " += gridDim.x * " + step + "L) {");
    ++depth;
    if (failed(printFinish(stage, std::string("scatter_add<own, ") + (scatter.getDistinct() ? "false" : "true") + ">(shared, " +
                                      tokens[scatter.getTokens()] + ", batch, " + places.find(scatter.getRows())->second.base + ", " + begin +
                                      ", min(" + begin + " + " + step + "L, " + last + "L), " + column + ",")))
      return failure();
    --depth;
    line("}");
  } else {
    auto lookUp = cast<ScatterOp>(op);
    if (failed(printFinish(stage, "scatter<own>(shared, " + places.find(lookUp.getIds())->second.base + ", " +
                                      textOfCount(cast<RankedTensorType>(lookUp.getIds().getType()).getShape()) + ", " +
                                      places.find(lookUp.getRows())->second.base + ", blockIdx.x, " + last + ", gridDim.x, " + column + ",")))
      return failure();
  }
  if (groups > 1) {
    --depth;
    line("}");
  }
  return success();
}

LogicalResult DeviceKernelPrinter::printIds(const Stage &stage) {
  Operation *op = units[stage.units.front()].op;
  usesShared = true;
  if (auto gather = dyn_cast<GatherSumOp>(op))
    return printGatherSum(stage, gather);
  if (isa<ScatterAddOp, ScatterOp>(op))
    return printScatter(stage, op);
  usesShared = false;
  const Place &y = places.find(op->getResult(0))->second;
  if (isa<MultiHotOp, CountOp>(op)) {
    usesBatch = true;
    blocks = "batch";
    std::string i = names.take("i");
    line("for (long " + i + " = blockIdx.x; " + i + " < batch; " + i + " += gridDim.x)");
    line(std::string("  ") + (isa<CountOp>(op) ? "count<" : "multi_hot<") + std::to_string(threads) + ">(" + tokens[op->getOperand(0)] +
         ", " + i + ", " + i + " + 1, " + std::to_string(cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1)) + ", " + y.base + ");");
    return success();
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  blocks = "1";
  usesShared = true;
  scratch();
  Value from = op->getOperand(0);
  std::string x = places.find(from)->second.base;
  if (auto known = values.find(from); known != values.end()) { // 1 x 1: every thread has made the number itself
    x = names.take("x");
    line("const " + scalarType(type.getElementType()) + " " + x + "[] = {" + known->second.text + "};");
  }
  line("orthonormal_rows<" + std::to_string(threads) + ">(shared, " + std::to_string(type.getDimSize(0)) + ", " +
       std::to_string(type.getDimSize(1)) + ", " + x + ", " + y.base + ");");
  return success();
}

} // namespace hornfels
