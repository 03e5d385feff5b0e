#include "codegen/cuda/DeviceKernelPrinter.h"

#include "codegen/Wrap.h"
#include "ir/Structure.h"
#include "llvm/ADT/StringExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

DeviceKernelPrinter::DeviceKernelPrinter(func::FuncOp kernel, NameScope &file, Use use)
    : kernel(kernel), file(file), names(&file), ofLoop(use == Use::ofLoop), ofBlock(use == Use::ofBlock) {
  threads = attribute(kernel, "horn.threads", 256);
}

void DeviceKernelPrinter::line(const Twine &text) { out += wrappedStatement(text.str(), depth); }

/// Units and their stages, as passes/map has decided.
void DeviceKernelPrinter::collect() {
  for (Operation &op : kernel.getBody().front())
    if (isComputation(&op))
      units.emplace_back(&op);
  for (auto [number, unit] : llvm::enumerate(units)) {
    int64_t stage = attribute(unit.op, "horn.stage", -1);
    if (stage < 0)
      continue;
    if (stage == static_cast<int64_t>(stages.size())) {
      stages.push_back({{}, Points(unit).sizes});
      stages.back().across = attribute(unit.op, "horn.across", 1);
      stages.back().together = unit.op->hasAttr("horn.together");
    }
    stages[static_cast<size_t>(stage)].units.push_back(static_cast<unsigned>(number));
  }
}

bool DeviceKernelPrinter::isReturned(Value value) {
  return llvm::is_contained(kernel.getBody().front().getTerminator()->getOperands(), value);
}

bool DeviceKernelPrinter::isReadIn(const Stage &stage, Value value) {
  return llvm::any_of(stage.units, [&](unsigned unit) { return llvm::is_contained(units[unit].op->getOperands(), value); });
}

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

/// Inputs and results lie in memory; the results that overwrite an input lie where it does.
void DeviceKernelPrinter::nameParameters() {
  auto place = [&](Value value, DictionaryAttr attributes) {
    auto wish = attributes ? attributes.getAs<StringAttr>("horn.name") : StringAttr();
    std::string name = names.take(wish ? wish.getValue() : "value");
    if (isa<TokensType>(value.getType())) {
      tokens[value] = name;
      return;
    }
    auto type = cast<RankedTensorType>(value.getType());
    Place place{Place::memory, name, stridesOf(type.getShape()), type.getElementType()};
    if (auto stride = attributes ? attributes.getAs<IntegerAttr>("horn.stride") : IntegerAttr())
      place.strides[0] = stride.getInt();
    places[value] = place;
  };
  for (BlockArgument argument : kernel.getArguments()) {
    place(argument, kernel.getArgAttrDict(argument.getArgNumber()));
    parameters.push_back({argument.getArgNumber(), argument});
  }
  auto inPlace = kernel->getAttrOfType<DenseI64ArrayAttr>("horn.in_place");
  unsigned operand = kernel.getNumArguments();
  for (auto [number, result] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands())) {
    int64_t overwritten = inPlace ? inPlace[static_cast<int64_t>(number)] : -1;
    if (overwritten >= 0) {
      Value argument = kernel.getArgument(static_cast<unsigned>(overwritten));
      Place same = places.lookup(argument); // a copy: the map may grow
      places[result] = same;
      written.insert(argument);
      continue;
    }
    // What only the next units of the same threads read need not be stored.
    unsigned at = operand++;
    bool isPrivate = kernel.getResultAttr(static_cast<unsigned>(number), "horn.private") != nullptr;
    auto stage = llvm::find_if(stages, [&](const Stage &each) {
      return llvm::any_of(each.units, [&](unsigned unit) { return units[unit].op == result.getDefiningOp(); });
    });
    bool staysInThread = isPrivate && stage != stages.end() && llvm::all_of(result.getUsers(), [&](Operation *user) {
      return isa<func::ReturnOp>(user) || llvm::any_of(stage->units, [&](unsigned unit) { return units[unit].op == user; });
    });
    if (staysInThread) {
      places[result] = {Place::local, "", {}, cast<RankedTensorType>(result.getType()).getElementType()};
      continue;
    }
    place(result, kernel.getResultAttrDict(static_cast<unsigned>(number)));
    parameters.push_back({at, result});
    written.insert(result);
  }
}

/// What is not returned is a thread's own, or shared by the block where another stage reads it.
void DeviceKernelPrinter::placeResults() {
  for (const Unit &unit : units)
    for (Value result : unit.op->getResults()) {
      if (places.contains(result))
        continue;
      auto type = cast<RankedTensorType>(result.getType());
      places[result] = {Place::local, "", stridesOf(type.getShape()), type.getElementType()};
    }
  // A destination that is written over lies where the result does, through several insertions.
  for (Operation &op : llvm::reverse(kernel.getBody().front()))
    if (auto insert = dyn_cast<InsertOp>(op); insert && isa<BlockArgument>(insert.getDestination())) {
      Place same = places.lookup(insert.getDestination());
      places[insert.getY()] = same;
    }
}

/// The values that pass from one stage to another lie in shared memory, those of rows with the rows of the block.
void DeviceKernelPrinter::placeShared() {
  bool ofRows = kernel->getAttrOfType<StringAttr>("horn.form").getValue() == "rows" || ofLoop;
  int64_t rows = attribute(kernel, "horn.rows_of_block", 1);
  for (const Stage &stage : stages)
    for (unsigned number : stage.units)
      for (Value result : units[number].op->getResults()) {
        Place &place = places[result];
        bool leaves = llvm::any_of(result.getUsers(), [&](Operation *user) {
          return !isa<func::ReturnOp>(user) &&
                 llvm::none_of(stage.units, [&](unsigned unit) { return units[unit].op == user; });
        });
        if (place.kind != Place::local || !leaves)
          continue;
        auto type = cast<RankedTensorType>(result.getType());
        int64_t elements = 1;
        for (auto [axis, size] : llvm::enumerate(type.getShape()))
          elements *= ofRows && axis == 0 ? rows : size;
        place.kind = Place::shared;
        place.ofRows = ofRows;
        place.base = names.take(nameByOrigin(result));
        std::string element = scalarType(place.element);
        usesShared = true;
        line(element + " *const " + place.base + " = reinterpret_cast<" + element + " *>(shared" +
             (sharedBytes ? " + " + std::to_string(sharedBytes) : "") + ");");
        sharedBytes += (elements * elementBytes(place.element) + 15) / 16 * 16;
      }
}

/// A table in the source: it lies in the device's memory, at file scope.
std::string DeviceKernelPrinter::tableOf(arith::ConstantOp constant) {
  auto type = cast<RankedTensorType>(constant.getType());
  Type element = type.getElementType();
  auto elements = cast<DenseElementsAttr>(constant.getValue());
  std::string name = file.take("table"), text;
  auto append = [&](double value) { text += (text.empty() ? "" : ", ") + literal(value, element); };
  if (isa<FloatType>(element))
    for (APFloat value : elements.getValues<APFloat>())
      append(value.convertToDouble());
  else
    for (APInt value : elements.getValues<APInt>())
      append(static_cast<double>(element.isInteger(1) ? value.getZExtValue() : value.getSExtValue()));
  prelude += wrappedStatement("static __device__ const " + scalarType(element) + " " + name + "[" +
                                  std::to_string(type.getNumElements()) + "] = {" + text + "};",
                              0);
  return name;
}

/// Scalars that every thread computes for itself.
LogicalResult DeviceKernelPrinter::printUniform() {
  for (Operation &op : kernel.getBody().front()) {
    if (isa<BatchOp>(op)) {
      Expr batch;
      batch.text = "batch";
      batch.index = Linear::symbol("batch");
      batch.type = op.getResult(0).getType();
      values[op.getResult(0)] = batch;
    } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      if (auto type = dyn_cast<RankedTensorType>(constant.getType())) {
        places[constant.getResult()] = {Place::memory, tableOf(constant), stridesOf(type.getShape()), type.getElementType()};
        continue;
      }
      FailureOr<Expr> text = expressionOf(&op, {}, 1);
      if (failed(text))
        return op.emitOpError("has no spelling in CUDA"), failure();
      values[constant.getResult()] = *text;
    } else if (isComputation(&op) && !op.hasAttr("horn.stage")) {
      FailureOr<SmallVector<Expr>> results = evaluate(cast<linalg::GenericOp>(op), {}, {}, "");
      if (failed(results))
        return failure();
      for (auto [result, expression] : llvm::zip(op.getResults(), *results)) {
        if (result.use_empty())
          continue;
        std::string name = names.take(nameByOrigin(result));
        line("const " + scalarType(expression.type) + " " + name + " = " + expression.text + ";");
        expression.text = name;
        expression.precedence = Precedence::atom;
        values[result] = expression;
      }
    }
  }
  return success();
}

std::string launchBounds(int64_t threads, int64_t resident) {
  return "static __global__ void __launch_bounds__(" + std::to_string(threads) + ", " + std::to_string(resident) + ")\n";
}

/// Outputs first, then inputs, then the batch.
std::string DeviceKernelPrinter::signature(PrintedDeviceKernel &printed) {
  SmallVector<std::string> list;
  for (bool wanted : {true, false})
    for (auto [operand, value] : parameters) {
      if (written.contains(value) != wanted)
        continue;
      printed.parameters.push_back(operand);
      if (auto type = dyn_cast<TokensType>(value.getType())) {
        list.push_back("token_rows<" + std::string(type.getVocabulary() <= 65536 ? "uint16_t" : "int32_t") + "> " + tokens[value]);
        continue;
      }
      const Place &place = places[value];
      list.push_back((wanted ? "" : "const ") + scalarType(place.element) + " *" + place.base);
    }
  printed.takesBatch = usesBatch;
  if (usesBatch)
    list.push_back("long batch");
  if (ofLoop) {
    list.push_back("long begin");
    list.push_back(singleRow ? "long" : "long end");
    list.push_back("char *shared");
  }
  if (ofLoop || ofBlock)
    return wrappedList("static __device__ void " + printed.name + "(", list, ") {");
  return launchBounds(threads, resident ? resident : attribute(kernel, "horn.resident", 1)) +
         wrappedList("    " + printed.name + "(", list, ") {");
}

std::string DeviceKernelPrinter::scratch() {
  usesShared = true;
  if (scratchAt < 0) {
    scratchAt = sharedBytes;
    sharedBytes += threads * 8;
  }
  return scratchAt ? "shared + " + std::to_string(scratchAt) : "shared";
}

/// "batch * 784"
std::string DeviceKernelPrinter::textOfCount(ArrayRef<int64_t> sizes) {
  int64_t count = 1;
  bool batched = false;
  for (int64_t size : sizes)
    if (size == kBatch)
      batched = true;
    else
      count *= size;
  usesBatch |= batched;
  if (!batched)
    return std::to_string(count);
  return count == 1 ? "batch" : "batch * " + std::to_string(count);
}

/// All that is read or written of a value lies in the order of the points, without gaps.
bool DeviceKernelPrinter::liesTogether(const Stage &stage, Value value) {
  auto place = places.find(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (place == places.end() || place->second.kind != Place::memory || !type || elementBytes(type.getElementType()) > 4 ||
      place->second.strides != stridesOf(type.getShape()) || countOf(type.getShape(), 1) != countOf(stage.sizes, 1))
    return false;
  auto isInOrder = [&](const Points &points, AffineMap map) {
    std::optional<SmallVector<int64_t>> axes = points.placeOf(map);
    int64_t next = 0;
    return axes && llvm::all_of(*axes, [&](int64_t axis) { return axis < 0 || axis == next++; }) &&
           next == static_cast<int64_t>(points.sizes.size());
  };
  for (unsigned number : stage.units) {
    const Unit &unit = units[number];
    Points points(unit);
    for (ArrayRef<Access> accesses : {ArrayRef(unit.reads), ArrayRef(unit.writes)})
      for (const Access &access : accesses)
        if (access.value == value && !isInOrder(points, access.map))
          return false;
  }
  return true;
}

/// A thread takes several points that lie together: each value is read and written by one instruction.
LogicalResult DeviceKernelPrinter::printSeveral(const Stage &stage, int64_t several) {
  NameScope outer = names;
  std::string count = textOfCount(stage.sizes), first = names.take("first"), p = names.take("p"), q = names.take("q");
  std::string step = std::to_string(threads * several), of = std::to_string(several);
  blocks = "blocks_of(" + count + ", " + step + ")";
  line("for (long " + first + " = (blockIdx.x * " + std::to_string(threads) + "L + threadIdx.x) * " + of + "; " + first + " < " + count +
       "; " + first + " += gridDim.x * " + step + "L) {");
  ++depth;
  DenseMap<Value, Expr> outside = values;
  SmallVector<std::string> stores;
  llvm::DenseSet<Value> seen;
  for (unsigned number : stage.units) {
    for (const Access &read : units[number].reads)
      if (seen.insert(read.value).second && liesTogether(stage, read.value)) {
        const Place &place = places[read.value];
        std::string name = names.take(place.base + "_" + of), type = scalarType(place.element);
        line("const auto " + name + " = load_together<" + of + ">(" + place.base + " + " + first + ");");
        Expr element;
        element.text = name + "[" + q + "]";
        element.type = place.element;
        values[read.value] = element;
      }
    for (const Access &write : units[number].writes)
      if (!values.contains(write.value) && seen.insert(write.value).second && liesTogether(stage, write.value)) {
        const Place &place = places[write.value];
        std::string name = names.take(place.base + "_" + of);
        together[write.value] = name + "[" + q + "]";
        line("elements<" + scalarType(place.element) + ", " + of + "> " + name + ";");
        stores.push_back("store_together(" + place.base + " + " + first + ", " + name + ");");
      }
  }
  line("HORNFELS_TOGETHER for (int " + q + " = 0; " + q + " < " + of + "; ++" + q + ") {");
  ++depth;
  line("const long " + p + " = " + first + " + " + q + ";");
  SmallVector<Linear> point = decode(p, stage.sizes, true, "");
  if (failed(printBody(stage, point, "")))
    return failure();
  --depth;
  line("}");
  for (const std::string &store : stores)
    line(store);
  --depth;
  line("}");
  values = outside;
  together.clear();
  names = outer;
  return success();
}

/// Threads go through all points of the kernel.
LogicalResult DeviceKernelPrinter::printPoints(const Stage &stage) {
  if (int64_t several = attribute(kernel, "horn.vector", 1); several > 1)
    return printSeveral(stage, several);
  NameScope outer = names;
  std::string count = textOfCount(stage.sizes), p = names.take("p"), own = std::to_string(threads);
  int64_t ofBlock = threads / stage.across;
  blocks = "blocks_of(" + count + ", " + std::to_string(ofBlock) + ")";
  if (stage.across == 1) {
    line("for (long " + p + " = blockIdx.x * " + own + "L + threadIdx.x; " + p + " < " + count + "; " + p +
         " += gridDim.x * " + own + "L) {");
    ++depth;
    SmallVector<Linear> point = decode(p, stage.sizes, true, "");
    if (failed(printBody(stage, point, "")))
      return failure();
  } else {
    std::string first = names.take("first"), part = partName = names.take("part"), owner = names.take("owner");
    std::string step = std::to_string(ofBlock), of = std::to_string(stage.across);
    line("const int " + part + " = int(threadIdx.x) " + (stage.together ? "% " + of : "/ " + step) + ";");
    line("for (long " + first + " = blockIdx.x * " + step + "L; " + first + " < " + count + "; " + first +
         " += gridDim.x * " + step + "L) {");
    ++depth;
    bool batched = llvm::is_contained(stage.sizes, kBatch);
    if (stage.sizes.empty()) { // all threads would have the one point
      line("const bool " + owner + " = threadIdx.x == 0;");
    } else if (ofBlock > 1) {
      std::string wanted = names.take("wanted");
      line("const long " + wanted + " = " + first + " + int(threadIdx.x) " + (stage.together ? "/ " + of : "% " + step) + ";");
      line("const bool " + owner + " = " + part + " == 0 && " + wanted + " < " + count + ";");
      std::string last = batched ? count + " - 1" : std::to_string(countOf(stage.sizes, 1) - 1) + "L";
      line("const long " + p + " = min(" + wanted + ", " + last + "); // the last again where there is none");
    } else {
      line("const bool " + owner + " = " + part + " == 0;");
      line("const long " + p + " = " + first + ";");
    }
    SmallVector<Linear> point = decode(p, stage.sizes, true, "");
    if (failed(printBody(stage, point, owner)))
      return failure();
  }
  --depth;
  line("}");
  names = outer;
  return success();
}

/// One stage by the threads of a block: `count` points, of which the first axis begins at `row`.
LogicalResult DeviceKernelPrinter::printShared(const Stage &stage, const std::string &count, StringRef row) {
  NameScope outer = names;
  SmallVector<int64_t> sizes = stage.sizes;
  SmallVector<Linear> before;
  if (singleRow) { // it is the first axis
    before.push_back(Linear::symbol(row.str()));
    sizes.erase(sizes.begin());
    row = "";
  }
  std::string p = names.take("p"), own = std::to_string(threads);
  bool isLong = row.empty() && llvm::is_contained(sizes, kBatch);
  auto decoded = [&] {
    SmallVector<Linear> point = before;
    llvm::append_range(point, decode(p, sizes, isLong, row));
    return point;
  };
  std::string type = isLong ? "long" : "int";
  if (sizes.empty() && stage.across == 1) {
    line("if (threadIdx.x == 0) {");
    ++depth;
    if (failed(printBody(stage, before, "")))
      return failure();
  } else if (stage.across == 1) {
    line("for (" + type + " " + p + " = int(threadIdx.x); " + p + " < " + count + "; " + p + " += " + own + ") {");
    ++depth;
    if (failed(printBody(stage, decoded(), "")))
      return failure();
  } else {
    int64_t ofBlock = threads / stage.across;
    std::string first = names.take("first"), part = partName = names.take("part"), owner = names.take("owner"), wanted = names.take("wanted");
    std::string step = std::to_string(ofBlock), of = std::to_string(stage.across);
    if (sizes.empty()) { // all have the same point
      line("{");
      ++depth;
      line("const int " + part + " = int(threadIdx.x) " + (stage.together ? "% " + of : "/ " + step) + ";");
      line("const bool " + owner + " = threadIdx.x == 0;");
      if (failed(printBody(stage, before, owner)))
        return failure();
      --depth;
      line("}");
      names = outer;
      return success();
    }
    line("for (" + type + " " + first + " = 0; " + first + " < " + count + "; " + first + " += " + step + ") {");
    ++depth;
    line("const int " + part + " = int(threadIdx.x) " + (stage.together ? "% " + of : "/ " + step) + ";");
    line("const " + type + " " + wanted + " = " + first + " + int(threadIdx.x) " +
         (stage.together ? "/ " + of : "% " + step) + ";");
    line("const bool " + owner + " = " + part + " == 0 && " + wanted + " < " + count + ";");
    if (!sizes.empty())
{
      bool constant = llvm::all_of(count, llvm::isDigit);
      std::string last = constant ? std::to_string(std::stoll(count) - 1) + (isLong ? "L" : "") : count + " - 1";
      line("const " + type + " " + p + " = min(" + wanted + ", " + last + "); // the last again where there is none");
    }
    if (failed(printBody(stage, decoded(), owner)))
      return failure();
  }
  --depth;
  line("}");
  names = outer;
  return success();
}

/// A block goes through all stages with some rows.
LogicalResult DeviceKernelPrinter::printRows() {
  NameScope outer = names;
  int64_t ofBlock = attribute(kernel, "horn.rows_of_block", 1);
  std::string row = rowName = names.take("row"), rows = names.take("rows"), step = std::to_string(ofBlock);
  int64_t all = stages.front().sizes.front();
  std::string count = all == kBatch ? "batch" : std::to_string(all);
  if (ofLoop) {
    line("const long " + row + " = begin;");
    if (ofBlock > 1)
      line("const int " + rows + " = int(end - begin);");
  } else {
    usesBatch |= all == kBatch;
    blocks = "blocks_of(" + count + ", " + step + ")";
    if (ofBlock == 1) {
      line("for (long " + row + " = blockIdx.x; " + row + " < " + count + "; " + row + " += gridDim.x) {");
    } else {
      line("for (long " + row + " = blockIdx.x * " + step + "L; " + row + " < " + count + "; " + row + " += gridDim.x * " + step + "L) {");
      out += std::string(2 * depth + 2, ' ') + "const int " + rows + " = int(min(" + count + " - " + row + ", " + step + "L));\n";
    }
    ++depth;
  }
  singleRow = ofBlock == 1;
  for (const Stage &stage : stages) {
    int64_t inner = countOf(ArrayRef(stage.sizes).drop_front(), 1);
    std::string points = singleRow ? std::to_string(inner) : inner == 1 ? rows : rows + " * " + std::to_string(inner);
    if (failed(printShared(stage, points, row)))
      return failure();
    line("__syncthreads();");
  }
  if (!ofLoop) {
    --depth;
    line("}");
  }
  names = outer;
  return success();
}

/// One block does all, stage after stage.
LogicalResult DeviceKernelPrinter::printWhole() {
  blocks = "1";
  for (auto [number, stage] : llvm::enumerate(stages)) {
    if (number > 0)
      line("__syncthreads();");
    if (failed(printShared(stage, textOfCount(stage.sizes), "")))
      return failure();
  }
  return success();
}

LogicalResult DeviceKernelPrinter::printForm() {
  StringRef form = kernel->getAttrOfType<StringAttr>("horn.form").getValue();
  if (ofLoop || form == "rows")
    return printRows();
  if (form == "points")
    return printPoints(stages.front());
  if (form == "product")
    return printProduct(stages.front());
  if (form == "ids")
    return printIds(stages.front());
  return printWhole();
}

/// Leaves out the constants, places and elements, that nothing behind them in their block uses.
static std::string withoutUnused(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  auto indentOf = [](StringRef line) { return line.size() - line.ltrim().size(); };
  for (size_t at = lines.size(); at-- > 0;) {
    StringRef declared = lines[at].ltrim(), name;
    if (!declared.consume_front("const ") || !declared.ends_with(";") || declared.starts_with("auto "))
      continue;
    name = declared.split(" = ").first.rsplit(' ').second.ltrim("*").split('[').first;
    if (declared.split(" = ").second.empty())
      continue;
    bool isUsed = false;
    for (size_t next = at + 1; next < lines.size() && !isUsed; ++next) {
      if (!lines[next].trim().empty() && indentOf(lines[next]) < indentOf(lines[at]))
        break;
      isUsed = usesName(lines[next], name);
    }
    if (!isUsed)
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return llvm::join(lines, "\n");
}

/// Statements one after another under the same condition share it: "if (owner) { ... }".
static std::string withSharedGuards(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  auto indentOf = [](StringRef line) { return line.size() - line.ltrim().size(); };
  std::string result;
  for (size_t at = 0; at < lines.size();) {
    StringRef guard = lines[at];
    auto endOf = [&](size_t from) { // of the statement below a condition
      size_t end = from + 1;
      while (end < lines.size() && indentOf(lines[end]) > indentOf(guard) && !lines[end].trim().empty())
        ++end;
      return end;
    };
    bool isGuard = guard.ltrim().starts_with("if (") && guard.ends_with(")") && at + 1 < lines.size();
    size_t end = isGuard ? endOf(at) : at + 1;
    SmallVector<std::pair<size_t, size_t>> bodies{{at + 1, end}};
    while (isGuard && end < lines.size() && lines[end] == guard) {
      size_t next = endOf(end);
      bodies.push_back({end + 1, next});
      end = next;
    }
    if (bodies.size() < 2) {
      for (; at < end; ++at)
        result += lines[at].str() + (at + 1 < lines.size() ? "\n" : "");
      continue;
    }
    result += guard.str() + " {\n";
    for (auto [first, last] : bodies)
      for (size_t each = first; each < last; ++each)
        result += lines[each].str() + "\n";
    result += std::string(indentOf(guard), ' ') + "}\n";
    at = end;
  }
  return result;
}

FailureOr<PrintedDeviceKernel> DeviceKernelPrinter::print() {
  PrintedDeviceKernel printed;
  constexpr int64_t mostShared = 64 * 1024; // what every architecture has for a block that asks
  collect();
  printed.name = file.take(kernel.getName());
  nameParameters();
  placeResults();
  placeShared();
  if (failed(printUniform()) || failed(printForm()))
    return failure();
  if (sharedBytes > mostShared)
    return kernel.emitOpError("needs ") << sharedBytes << " bytes of a block's memory for what passes between its stages, there are "
                                        << mostShared,
           failure();
  std::string body = withSharedGuards(withoutUnused(out));
  if (usesShared && !ofLoop)
    body = "  HORNFELS_SHARED(shared);\n" + body;
  else if (!usesShared && ofLoop)
    body = "  (void)shared;\n" + body;
  printed.text = prelude + signature(printed) + body + "}\n";
  printed.blocks = blocks;
  printed.sharedBytes = sharedBytes;
  printed.shared = sharedText.empty() ? std::to_string(sharedBytes) : sharedText;
  return printed;
}

} // namespace hornfels
