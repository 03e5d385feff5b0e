#include "passes/schedule/Work.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

static Amount operator*(Amount amount, double factor) {
  return {amount.fixed * factor, amount.perSample * factor, amount.perId * factor};
}

/// Product of sizes, one of which may be the batch.
static Amount pointsOf(ArrayRef<int64_t> sizes) {
  double points = 1;
  for (int64_t size : sizes)
    points *= size == kBatch ? 1 : static_cast<double>(size);
  return llvm::is_contained(sizes, kBatch) ? Amount{0, points, 0} : Amount{points, 0, 0};
}

static Amount bytesOf(Type type) {
  if (auto tokens = dyn_cast<TokensType>(type)) // ids, and where each row begins
    return {0, sizeof(int64_t), tokens.getVocabulary() <= 65536 ? 2.0 : 4.0};
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? pointsOf(tensor.getShape()) * static_cast<double>(elementBytes(tensor.getElementType()))
                : Amount();
}

/// Elements and bytes of a row: what an id stands for.
static double rowElements(Value table) {
  Amount points = pointsOf(cast<RankedTensorType>(table.getType()).getShape().drop_front());
  return points.fixed + points.perSample;
}
static double rowBytes(Value table) {
  return rowElements(table) *
         static_cast<double>(elementBytes(cast<RankedTensorType>(table.getType()).getElementType()));
}

/// What an operation in the body of a generic costs. A function counts as the operations of its polynomial,
/// about; one that is a single instruction counts as one.
static double flopsOf(Operation &scalar) {
  constexpr double ofFunction = 15;
  if (auto math = dyn_cast<MathOp>(scalar))
    return llvm::is_contained({"sqrt", "rsqrt", "reciprocal", "floor", "ceil", "abs", "sign"},
                              math.getFunction())
               ? 1
               : ofFunction;
  if (isa<RandomElementOp>(scalar))
    return ofFunction;
  if (isa<arith::ConstantOp, arith::SelectOp, arith::CmpFOp>(scalar) || scalar.getNumResults() != 1 ||
      !isa<FloatType>(scalar.getResult(0).getType()))
    return 0;
  // Changes of type are none.
  return llvm::all_of(scalar.getOperandTypes(), [](Type type) { return isa<FloatType>(type); }) ? 1 : 0;
}

static Amount flopsOfUnit(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    double ofPoint = 0;
    for (Operation &scalar : generic.getBody()->without_terminator())
      ofPoint += flopsOf(scalar);
    SmallVector<int64_t> sizes = generic.getStaticLoopRanges();
    if (op->hasAttr("horn.parts")) // each sample is in one part
      sizes.erase(sizes.begin());
    return pointsOf(sizes) * ofPoint;
  }
  if (auto gather = dyn_cast<GatherSumOp>(op))
    return {0, 0, rowElements(gather->getOperand(1))};
  if (isa<ScatterAddOp>(op))
    return {0, 0, rowElements(op->getResult(0))};
  return {};
}

/// An argument is read once for all readers of the whole, and once for each that reads a part.
static void addArgument(Work &work, BlockArgument argument) {
  Amount whole = bytesOf(argument.getType());
  bool readWhole = false, isTable = !argument.use_empty();
  for (OpOperand &use : argument.getUses()) {
    bool gathers = isa<GatherSumOp>(use.getOwner()) && use.getOperandNumber() == 1;
    isTable &= gathers;
    if (gathers)
      work.read += {0, 0, rowBytes(argument)};
    else if (auto slice = dyn_cast<SliceOp>(use.getOwner()))
      work.read += bytesOf(slice.getY().getType());
    else
      readWhole = true;
  }
  if (readWhole)
    work.read += whole;
  if (isTable)
    work.gathered += {whole.fixed, 0, rowBytes(argument)};
  else
    work.touched += whole;
}

static void addResult(Work &work, Value result, bool inPlace) {
  Amount whole = bytesOf(result.getType());
  Operation *made = result.getDefiningOp();
  auto insert = dyn_cast_or_null<InsertOp>(made);
  work.written += insert ? bytesOf(insert.getX().getType()) : whole;
  if (!inPlace)
    work.touched += whole;
  if (!isa_and_nonnull<ScatterAddOp>(made))
    return;
  // Cleared first; then a row is read and written for each id; its other readers come after all ids.
  work.written += {0, 0, rowBytes(result)};
  work.read += {0, 0, rowBytes(result)};
  if (!result.hasOneUse())
    work.read += whole;
}

Work workOf(func::FuncOp kernel) {
  Work work;
  Block &body = kernel.getBody().front();
  for (Operation &op : body)
    if (isComputation(&op))
      work.flops += flopsOfUnit(&op);
  for (BlockArgument argument : body.getArguments())
    addArgument(work, argument);
  auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
  llvm::DenseSet<Value> seen;
  for (auto [index, result] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (seen.insert(result).second)
      addResult(work, result, inPlace && inPlace[index] >= 0);
  return work;
}

Work workOf(linalg::GenericOp op) {
  Work work;
  work.flops = flopsOfUnit(op);
  llvm::DenseSet<Value> seen;
  for (Value input : op.getDpsInputs())
    if (seen.insert(input).second)
      work.read += bytesOf(input.getType());
  for (Value result : op->getResults())
    work.written += bytesOf(result.getType());
  work.touched += work.read;
  work.touched += work.written;
  return work;
}

/// Of a table that is updated lazily a row for each id, at most.
static void countTouchedRows(Work &work, func::FuncOp kernel) {
  double rows = 1;
  for (Operation &op : kernel.getBody().front())
    if (auto scatter = dyn_cast<ScatterAddOp>(op))
      rows = static_cast<double>(scatter.getY().getType().getDimSize(0));
  for (Amount *amount : {&work.flops, &work.read, &work.written, &work.touched})
    *amount = {0, amount->perSample, amount->perId + amount->fixed / rows};
}

void describeWork(func::FuncOp kernel) {
  Work work = workOf(kernel);
  if (kernel->hasAttr("horn.lazy"))
    countTouchedRows(work, kernel);
  Builder b(kernel.getContext());
  auto entry = [&](StringRef name, const Amount &amount) {
    return b.getNamedAttr(name, b.getDenseF64ArrayAttr({amount.fixed, amount.perSample, amount.perId}));
  };
  kernel->setAttr("horn.work",
                  b.getDictionaryAttr({entry("flops", work.flops), entry("read", work.read),
                                       entry("written", work.written), entry("touched", work.touched),
                                       entry("gathered", work.gathered)}));
}

} // namespace hornfels
