// A product of matrices by tiles, a block each: runtime/device/product.h with the addresses of its operands and what becomes
// of its sums. A convolution is one too: its rows are places, its steps those of a window.
#include "codegen/cuda/DeviceKernelPrinter.h"

#include "ir/Structure.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

namespace {
/// The kinds of axes that passes/map tells apart.
enum : int64_t { kRow = 0, kColumn = 1, kOther = 2 };
} // namespace

/// Names the axes of `kind` of place `p`, and their number.
static SmallVector<int64_t> sizesOf(const Points &points, ArrayRef<int64_t> kinds, int64_t kind) {
  SmallVector<int64_t> sizes;
  for (auto [axis, size] : llvm::enumerate(points.sizes))
    if (kinds[axis] == kind)
      sizes.push_back(size);
  return sizes;
}

static void place(SmallVectorImpl<Linear> &point, ArrayRef<int64_t> kinds, int64_t kind, ArrayRef<Linear> names) {
  size_t next = 0;
  for (auto [axis, of] : llvm::enumerate(kinds))
    if (of == kind)
      point[axis] = names[next++];
}

/// The steps in order: samples outermost, so that a part of the batch is a range of them.
static SmallVector<unsigned> stepsOf(const Unit &unit) {
  SmallVector<unsigned> dims(unit.reduced);
  llvm::stable_sort(dims, [&](unsigned a, unsigned b) { return unit.sizes[a] == kBatch && unit.sizes[b] != kBatch; });
  return dims;
}

/// "operand<true, 4, false>([=](int m, int k) -> const float * {...})"
std::string DeviceKernelPrinter::operandOf(const Unit &unit, const Points &points, unsigned number, bool isColumns,
                                           ArrayRef<Linear> others) {
  auto kinds = unit.op->getAttrOfType<DenseI64ArrayAttr>("horn.axes").asArrayRef();
  const Access &access = unit.reads[number];
  const Place &base = places.find(access.value)->second;
  int64_t own = isColumns ? kColumn : kRow;
  NameScope outer = names;
  std::string before = std::move(out);
  out.clear();
  unsigned outerDepth = depth;
  depth += 1;

  std::string m = names.take(isColumns ? "n" : "m"), k = names.take("k");
  SmallVector<Linear> point(others);
  SmallVector<int64_t> ofOwn = sizesOf(points, kinds, own);
  SmallVector<Linear> ownPlace = decode(m, ofOwn, false, "");
  place(point, kinds, own, ownPlace);
  Index index = indexOf(unit, points, point);
  SmallVector<unsigned> steps = stepsOf(unit);
  SmallVector<int64_t> stepSizes = llvm::map_to_vector(steps, [&](unsigned dim) { return unit.sizes[dim]; });
  SmallVector<Linear> stepPlace = decode(k, stepSizes, false, "");
  for (auto [dim, at] : llvm::zip(steps, stepPlace))
    index[dim] = at;
  bool usesOwn = false;
  if (points.ofResult) {
    // Only what this operand is read by has to be found.
    for (unsigned dim : unit.parallel)
      usesOwn |= access.map.isFunctionOfDim(dim);
    if (isColumns) {
      for (auto [axis, dimAxis] : llvm::enumerate(points.dims)) {
        AffineExpr expr = unit.writes.front().map.getResult(dimAxis);
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          index[dim.getPosition()] = point[axis];
      }
    } else {
      SmallVector<Linear> all = point;
      for (auto [axis, kind] : llvm::enumerate(kinds))
        if (kind == kColumn)
          all[axis] = Linear::symbol("n");
      solve(unit, all, index, "return nullptr");
    }
  }
  // Addresses are of 64 bits where there are samples.
  SmallVector<Linear> at = placesOf(access.map, index);
  std::string element = elementOf(base, at);
  bool isBatched = cast<RankedTensorType>(access.value.getType()).isDynamicDim(0);
  size_t bracket = element.find('[');
  std::string offset = element.substr(bracket + 1, element.size() - bracket - 2);
  (void)isBatched;
  line("return " + base.base + " + (" + offset + ");");

  // Which way memory runs, and whether four elements lie together.
  bool alongK = !steps.empty() && unit.strideAlong(access, steps.back()) == 1;
  auto type = cast<RankedTensorType>(access.value.getType());
  int64_t last = alongK ? stepSizes.back() : (ofOwn.empty() ? 1 : ofOwn.back());
  bool runs = alongK;
  if (!alongK && !ofOwn.empty()) {
    unsigned last = 0;
    for (auto [axis, kind] : llvm::enumerate(kinds))
      if (kind == own)
        last = points.dims[axis];
    AffineDimExpr written = nullptr; // the dimension that an axis of the result is
    if (points.ofResult)
      written = dyn_cast<AffineDimExpr>(unit.writes.front().map.getResult(last));
    if (!points.ofResult || written)
      runs = unit.strideAlong(access, points.ofResult ? written.getPosition() : last) == 1;
  }
  int64_t elements = 16 / elementBytes(type.getElementType());
  bool vectors = runs && last % elements == 0 && type.getDimSize(type.getRank() - 1) % elements == 0;
  for (auto [axis, stride] : llvm::enumerate(base.strides)) {
    AffineExpr expr = access.map.getResult(axis);
    vectors &= stride == 1 ? isa<AffineDimExpr>(expr) : stride % elements == 0;
  }
  if (auto argument = dyn_cast<BlockArgument>(access.value))
    vectors &= !kernel.getArgAttr(argument.getArgNumber(), "horn.stride");
  std::string body = std::move(out);
  out = std::move(before);
  depth = outerDepth;
  names = outer;
  bool holes = StringRef(body).contains("return nullptr");
  std::string element_type = scalarType(type.getElementType());
  std::string arguments = isColumns ? "int " + k + ", int " + m : "int " + m + ", int " + k;
  // An argument that the address does not depend on has no name.
  auto argument = [&](const std::string &name) { return "int" + (usesName(body, name) ? " " + name : std::string()); };
  arguments = isColumns ? argument(k) + ", " + argument(m) : argument(m) + ", " + argument(k);
  return std::string("operand<") + (alongK ? "true" : "false") + ", " + std::to_string(vectors ? elements : 1) + (holes ? ", true" : ", false") + ">([=](" +
         arguments + ") -> const " + element_type + " * {\n" + body + std::string(2 * depth, ' ') + "});";
}

LogicalResult DeviceKernelPrinter::printProduct(const Stage &stage) {
  const Unit &unit = units[stage.units.front()];
  Points points(unit);
  auto kinds = unit.op->getAttrOfType<DenseI64ArrayAttr>("horn.axes").asArrayRef();
  auto tile = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.tile").asArrayRef();
  unsigned columnsOf = static_cast<unsigned>(attribute(unit.op, "horn.columns_of", 1));
  Type element = cast<RankedTensorType>(unit.op->getResult(0).getType()).getElementType();
  usesShared = true;

  SmallVector<int64_t> rowSizes = sizesOf(points, kinds, kRow), columnSizes = sizesOf(points, kinds, kColumn),
                       otherSizes = sizesOf(points, kinds, kOther), stepSizes;
  SmallVector<unsigned> steps = stepsOf(unit);
  for (unsigned dim : steps)
    stepSizes.push_back(unit.sizes[dim]);
  auto arithmetic = kernel->getAttrOfType<StringAttr>("horn.arithmetic");
  std::string kind = arithmetic ? "tensor_tiles<arithmetic::" + arithmetic.str() + ", " : "tiles<";
  for (auto [number, part] : llvm::enumerate(tile))
    kind += (number ? ", " : "") + std::to_string(part);
  kind += ">";
  sharedText = kind + "::shared_bytes<" + scalarType(element) + ">";

  NameScope outer = names;
  std::string rows = names.take("rows"), columns = names.take("columns"), stepCount = names.take("steps");
  std::string down = names.take("down"), over = names.take("over"), t = names.take("t");
  line("using tile = " + kind + ";");
  line("const long " + rows + " = " + textOfCount(rowSizes) + ", " + columns + " = " + textOfCount(columnSizes) +
       (unit.part ? "" : ", " + stepCount + " = " + textOfCount(stepSizes)) + ";");
  line("const long " + down + " = (" + rows + " + tile::BM - 1) / tile::BM, " + over + " = (" + columns + " + tile::BN - 1) / tile::BN;");
  std::string others = textOfCount(otherSizes);
  auto tilesText = [&](const std::string &of, int64_t size) { return "blocks_of(" + of + ", " + std::to_string(size) + ")"; };
  blocks = tilesText(textOfCount(rowSizes), tile[0]) + " * " + tilesText(textOfCount(columnSizes), tile[1]);
  if (others != "1")
    blocks += " * (" + others + ")";
  line("for (long " + t + " = blockIdx.x; " + t + " < " + down + " * " + over + (others == "1" ? "" : " * " + others) + "; " + t +
       " += gridDim.x) {");
  ++depth;
  SmallVector<Linear> point(points.sizes.size());
  if (!otherSizes.empty()) {
    std::string number = names.take("number");
    line("const long " + number + " = " + t + " / (" + down + " * " + over + ");");
    place(point, kinds, kOther, decode(number, otherSizes, true, ""));
  }
  std::string firstStep = "0", lastStep = stepCount;
  if (unit.part) {
    Index index = indexOf(unit, points, point);
    std::string first = boundsOfPart(unit, index[*unit.part]), last = "last" + first.substr(5);
    int64_t inner = countOf(ArrayRef(stepSizes).drop_front(), 1);
    firstStep = inner == 1 ? first : first + " * " + std::to_string(inner);
    lastStep = inner == 1 ? last : last + " * " + std::to_string(inner);
  }
  std::string left = names.take("left"), right = names.take("right");
  out += std::string(2 * depth, ' ') + "const auto " + left + " = " + operandOf(unit, points, 1 - columnsOf, false, point) + "\n";
  out += std::string(2 * depth, ' ') + "const auto " + right + " = " + operandOf(unit, points, columnsOf, true, point) + "\n";
  // 64 sums a thread leave room for two blocks' registers where copies are of 16 bytes (runtime/device/product.h).
  constexpr int64_t manySums = 64;
  auto copiesWhole = [&](StringRef operand) { return StringRef(out).rsplit("const auto " + operand.str() + " =").second.contains(", 4, "); };
  if (!arithmetic && tile[3] * tile[4] == manySums && copiesWhole(left) && copiesWhole(right))
    resident = 2;
  line("product<tile>(shared, " + t + " / " + over + " % " + down + " * tile::BM, " + t + " % " + over + " * tile::BN, " + rows + ", " +
       columns + ", " + firstStep + ", " + lastStep + ",");
  ++depth;
  NameScope inner = names;
  std::string m = names.take("m"), n = names.take("n"), sum = names.take("sum");
  line("          " + left + ", " + right + ", [=](int " + m + ", int " + n + ", " + scalarType(element) + " " + sum + ") {");
  ++depth;
  SmallVector<Linear> epilogue = point;
  std::string beforeEpilogue = out;
  place(epilogue, kinds, kRow, decode(m, rowSizes, false, ""));
  place(epilogue, kinds, kColumn, decode(n, columnSizes, false, ""));
  if (failed(printEpilogue(stage, epilogue, sum)))
    return failure();
  names = inner;
  --depth;
  line("});");
  --depth;
  --depth;
  line("}");
  names = outer;
  return success();
}

/// What becomes of an element that the first unit of the stage has made.
LogicalResult DeviceKernelPrinter::printEpilogue(const Stage &stage, ArrayRef<Linear> point, StringRef element) {
  const Unit &unit = units[stage.units.front()];
  Points points(unit);
  Value result = unit.op->getResult(0);
  Expr value;
  value.text = element.str();
  value.type = cast<RankedTensorType>(result.getType()).getElementType();
  SmallVector<Linear> at;
  if (points.ofResult) {
    at.assign(static_cast<size_t>(cast<RankedTensorType>(result.getType()).getRank()), Linear(0));
    for (auto [number, axis] : llvm::enumerate(points.dims))
      at[axis] = point[number];
  } else {
    at = placesOf(unit.writes.front().map, indexOf(unit, points, point));
  }
  DenseMap<Value, Expr> outside = values;
  if (isReadIn(stage, result))
    values[result] = value;
  store(result, value.text, at);
  LogicalResult printed = printBody(stage, point, guard, /*skipsFirst=*/true);
  values = outside;
  return printed;
}

} // namespace hornfels
