#include "codegen/cpp/HostPrinter.h"

#include "codegen/Wrap.h"
#include "ir/Chunks.h"
#include "ir/Structure.h"

#include <numeric>

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

std::string bufferShape(MemRefType type) {
  std::string text;
  for (int64_t size : type.getShape())
    text += "[" + (size == kBatch ? std::string("batch") : std::to_string(size)) + "]";
  return text.empty() ? "scalar" : text;
}

/// A name for what an argument of the host is in C++, and the line that makes it.
LogicalResult HostPrinter::nameArgument(BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  auto attribute = [&](StringRef key) {
    auto text = host.getArgAttrOfType<StringAttr>(number, key);
    return text ? text.getValue() : StringRef();
  };
  StringRef role = attribute("horn.role"), wish = attribute("horn.name");
  if (!isUsed(argument))
    return success();
  std::string name = names.take(wish);
  spelled[argument] = name;
  if (auto type = dyn_cast<TokensType>(argument.getType())) {
    std::string id = type.getVocabulary() <= 65536 ? "uint16_t" : "int32_t";
    std::string index = std::to_string(interface.data.lookup(wish));
    line("const token_rows<" + id + "> " + name + "{s.input<" + id + ">(" + index + "), s.data[" + index + "].offsets};");
    usesStep = true;
    return success();
  }
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!type)
    return host.emitOpError("has an argument of a type without a C++ form");
  std::string element = scalarType(type.getElementType());
  std::string shape = "; // " + bufferShape(type);
  usesStep = true;
  if (role == "input" || role == "target") {
    line("const " + element + " *const " + name + " = s.input<" + element + ">(" +
         std::to_string(interface.data.lookup(wish)) + ")" + shape);
  } else if (role == "output") {
    line(element + " *const " + name + " = s.output<" + element + ">(" + std::to_string(interface.outputs.lookup(wish)) +
         ")" + shape);
  } else if (role == "value") {
    line(element + " " + name + " = 0;");
    spelled[argument] = "&" + name;
    closing += "  s.values[" + std::to_string(interface.metrics.lookup(wish)) + "] = " + name + ";\n";
  } else if (role == "learning_rate") {
    line("const " + element + " " + name + " = " + element + "(s.learning_rate);");
    spelled[argument] = "&" + name;
  } else if (role == "step" || role == "seed") {
    line("const " + element + " " + name + " = " + element + "(s." + (role == "step" ? "count" : "seed") + ");");
    spelled[argument] = "&" + name;
  } else {
    auto found = interface.variables.find(wish);
    if (found == interface.variables.end())
      return host.emitOpError("has an argument that is no input, variable or result: ") << wish;
    line(element + " *const " + name + " = s.variable<" + element + ">(" + std::to_string(found->second) + ")" + shape);
  }
  return success();
}

/// A buffer of the arena gets a name; a change of type is another name for the same bytes.
void HostPrinter::nameBuffer(Operation *op, unsigned depth) {
  if (auto slot = dyn_cast<SlotOp>(op))
    return nameSlot(slot, depth);
  if (isa<UnrealizedConversionCastOp>(op)) {
    std::string name = spelled.lookup(op->getOperand(0)); // a copy: the map may grow
    spelled[op->getResult(0)] = name;
    return;
  }
  auto arena = cast<ArenaOp>(op);
  auto type = cast<MemRefType>(arena.getBuffer().getType());
  auto wish = op->getAttrOfType<StringAttr>("horn.name");
  std::string name = names.take(wish ? wish.getValue() : "buffer");
  std::string element = scalarType(type.getElementType());
  bool perSample = static_cast<int64_t>(arena.getFixed()) < 0;
  auto stride = op->getAttrOfType<IntegerAttr>("horn.stride");
  line(element + " *const " + name + " = s." + (perSample ? "rows" : "fixed") + "<" + element + ">(" +
       std::to_string(perSample ? arena.getPerSample() : arena.getFixed()) + "); // " + bufferShape(type) +
       (stride ? ", rows " + std::to_string(stride.getInt()) + " apart" : ""));
  spelled[arena.getBuffer()] = name;
  usesStep = true;
}

/// "t", "99 - t", "(t + 1) % 2"
static std::string placeText(SlotOp slot, StringRef step) {
  auto first = static_cast<int64_t>(slot.getFirst()), by = static_cast<int64_t>(slot.getBy()),
       modulo = static_cast<int64_t>(slot.getModulo());
  if (step.empty())
    return std::to_string(first);
  std::string text = by < 0 ? std::to_string(first) + " - " + step.str()
                     : first ? step.str() + " + " + std::to_string(first)
                             : step.str();
  bool isSum = by < 0 || first;
  if (modulo)
    return (isSum ? "(" + text + ")" : text) + " % " + std::to_string(modulo);
  return isSum ? "(" + text + ")" : text;
}

std::string slotOffset(SlotOp slot, StringRef step) {
  auto type = cast<MemRefType>(slot.getSlot().getType()), whole = cast<MemRefType>(slot.getBuffer().getType());
  int64_t elements = elementsPerSample(type);
  if (type.getRank() == whole.getRank()) // several places
    elements /= type.getDimSize(1);
  std::string place = placeText(slot, step);
  if (place == "0")
    return "";
  return " + " + place + (elements == 1 ? "" : " * " + std::to_string(elements));
}

/// A place of a buffer is where its elements begin; rows are as far apart as the buffer's.
void HostPrinter::nameSlot(SlotOp slot, unsigned depth) {
  auto type = cast<MemRefType>(slot.getSlot().getType());
  std::string text = spelled[slot.getBuffer()] +
                     slotOffset(slot, slot.getStep() ? StringRef(counters.lookup(slot.getStep())) : StringRef());
  auto wish = slot->getAttrOfType<StringAttr>("horn.name");
  std::string name = names.take(wish ? wish.getValue() : "slot");
  std::string element = scalarType(type.getElementType());
  Value source = slot.getBuffer();
  while (isa_and_nonnull<SlotOp, UnrealizedConversionCastOp>(source.getDefiningOp()))
    source = source.getDefiningOp()->getOperand(0);
  bool isConst = isa<BlockArgument>(source); // what the step is given
  line((isConst ? "const " : "") + element + " *const " + name + " = " + text + "; // " + bufferShape(type) +
           (slot.getRowStride() ? ", rows " + std::to_string(slot.getRowStride()) + " apart" : ""),
       depth);
  spelled[slot.getSlot()] = name;
}

/// Seconds of one core for a kernel, about.
static double secondsOf(func::FuncOp kernel, int64_t batch) {
  constexpr double idsPerRow = 100; // what a row of tokens holds, about
  auto work = kernel->getAttrOfType<DictionaryAttr>("horn.work");
  if (!work)
    return 0;
  auto amount = [&](StringRef part) {
    ArrayRef<double> of = work.getAs<DenseF64ArrayAttr>(part).asArrayRef();
    auto samples = static_cast<double>(batch);
    return of[0] + of[1] * samples + of[2] * samples * idsPerRow;
  };
  return horn::secondsOf(amount("flops"), amount("read") + amount("written"));
}

/// Rows of a chunk; 0: one piece. Parts of a batch are as few as there are for threads: each is a chunk.
int64_t HostPrinter::chunkRows(func::FuncOp kernel) const {
  auto rows = kernel->getAttrOfType<IntegerAttr>("horn.rows");
  auto grain = kernel->getAttrOfType<IntegerAttr>("horn.grain");
  if (!rows || !grain)
    return 0;
  int64_t batch = batchSizeOf(host->getParentOfType<ModuleOp>());
  double seconds = secondsOf(kernel, batch);
  int64_t count = rows.getInt() == kBatch ? batch : rows.getInt();
  int64_t chunk = horn::chunkRows(count, grain.getInt(), seconds);
  return chunk > 0 && kernel->hasAttr("horn.parts") ? grain.getInt() : chunk;
}

/// The number of a launch's lazy table.
static int64_t tableOf(LaunchOp launch) { return launch->getAttrOfType<IntegerAttr>("horn.table").getInt(); }

LogicalResult HostPrinter::printRun(LaunchOp launch, StringRef name, unsigned depth) {
  auto found = kernels.find(name);
  if (found == kernels.end())
    return launch.emitOpError("names a kernel that was not printed");
  const PrintedKernel &printed = found->second;
  auto kernel = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(name);
  SmallVector<std::string> arguments;
  for (unsigned operand : printed.parameters) // behind the operands: the state of a lazy table
    arguments.push_back(operand < launch->getNumOperands()
                            ? spelled[launch->getOperand(operand)]
                            : "s.lazy[" + std::to_string(tableOf(launch)) + "]");
  if (printed.takesBatch) {
    arguments.push_back("batch");
    usesBatch = true;
  }
  auto rows = kernel->getAttrOfType<IntegerAttr>("horn.rows");
  std::string count = !rows ? "0" : rows.getInt() == kBatch ? "batch" : std::to_string(rows.getInt());
  int64_t chunk = printed.takesRows && !inRows ? chunkRows(kernel) : 0;
  if (printed.takesRows && count == "batch")
    usesBatch = true;
  if (inRows)
    count = "end";
  std::string indent(2 + 2 * depth, ' ');
  if (chunk == 0) {
    if (printed.takesRows) {
      arguments.push_back(inRows ? "begin" : "0");
      arguments.push_back(count);
    }
    out += wrappedList(indent + printed.name + "(", arguments, ");");
    return success();
  }
  usesStep = true;
  arguments.push_back("begin");
  arguments.push_back("end");
  line("parallel(s.pool, " + count + ", " + std::to_string(chunk) + ", [&](long begin, long end) {", depth);
  out += wrappedList(indent + "  " + printed.name + "(", arguments, ");");
  line("});", depth);
  return success();
}

/// A step with few ids updates their rows alone.
LogicalResult HostPrinter::printLazyLaunch(LaunchOp launch) {
  auto lazy = launch->getAttrOfType<FlatSymbolRefAttr>("horn.lazy");
  std::string ids;
  for (Value operand : launch->getOperands())
    if (isa<TokensType>(operand.getType()))
      ids = spelled[operand] + ".offsets[batch]";
  usesBatch = usesStep = true;
  line("if (updates_lazily(s.lazy[" + std::to_string(tableOf(launch)) + "], s.variables, " + ids + ")) {");
  if (failed(printRun(launch, lazy.getValue(), 1)))
    return failure();
  lapOf(launch, lazy.getValue(), 1);
  line("} else {");
  if (failed(printRun(launch, launch.getKernel(), 1)))
    return failure();
  lapOf(launch, launch.getKernel(), 1);
  line("}");
  return success();
}

LogicalResult HostPrinter::printLaunch(LaunchOp launch, unsigned depth) {
  if (launch->hasAttr("horn.lazy"))
    return printLazyLaunch(launch);
  if (failed(printRun(launch, launch.getKernel(), depth)))
    return failure();
  lapOf(launch, launch.getKernel(), depth);
  return success();
}

/// Every launch of the loop computes rows of samples, each from its own row alone: what the seconds of one pass through
/// its body are. Nothing where one does not.
std::optional<double> HostPrinter::secondsByRow(scf::ForOp loop) const {
  auto module = host->getParentOfType<ModuleOp>();
  double seconds = 0;
  WalkResult result = loop.getBody()->walk([&](Operation *op) {
    if (isa<memref::CopyOp>(op))
      return WalkResult::interrupt();
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      return WalkResult::advance();
    auto kernel = module.lookupSymbol<func::FuncOp>(launch.getKernel());
    if (!kernel->hasAttr("horn.by_row"))
      return WalkResult::interrupt();
    double times = 1;
    for (auto outer = launch->getParentOfType<scf::ForOp>(); outer != loop; outer = outer->getParentOfType<scf::ForOp>())
      times *= static_cast<double>(*getConstantIntValue(outer.getUpperBound()));
    seconds += times * secondsOf(kernel, batchSizeOf(module));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return std::nullopt;
  return seconds;
}

/// Rows that are whole tiles of every kernel in the loop.
int64_t HostPrinter::tileOf(scf::ForOp loop) const {
  int64_t tile = 1;
  loop.getBody()->walk([&](LaunchOp launch) {
    auto kernel = host->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
    if (auto grain = kernel->getAttrOfType<IntegerAttr>("horn.grain"))
      tile = std::lcm(tile, grain.getInt());
  });
  return tile;
}

/// Places one after another. Where rows do not meet, a block of them goes through all places before the next: it stays in
/// cache, and threads meet once.
LogicalResult HostPrinter::printLoop(scf::ForOp loop, unsigned depth) {
  NameScope outer = names;
  std::string step = names.take("t");
  counters[loop.getInductionVar()] = step;
  int64_t length = *getConstantIntValue(loop.getUpperBound());
  std::optional<double> seconds = secondsByRow(loop);
  bool byRows = !inRows && !takesLaps && seconds.has_value();
  if (byRows) {
    bool isShared = *seconds * static_cast<double>(length) >= kSecondsWorthSplitting;
    int64_t tile = tileOf(loop), block = std::max<int64_t>(kRowsOfBlock / tile, 1) * tile;
    line("in_blocks(" + std::string(isShared ? "s.pool" : "nullptr") + ", batch, " + std::to_string(block) + ", " +
             std::to_string(tile) + ", [&](long begin, long end) {",
         depth++);
    inRows = usesStep = usesBatch = true;
  }
  line("for (long " + step + " = 0; " + step + " < " + std::to_string(length) + "; ++" + step + ") {", depth);
  if (failed(printBlock(*loop.getBody(), depth + 1)))
    return failure();
  line("}", depth);
  if (byRows) {
    line("});", --depth);
    inRows = false;
  }
  names = outer;
  return success();
}

LogicalResult HostPrinter::printBlock(Block &block, unsigned depth) {
  for (Operation &op : block) {
    if (depth > 0 && isa<UnrealizedConversionCastOp, SlotOp>(op)) {
      nameBuffer(&op, depth);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (failed(printLoop(loop, depth)))
        return failure();
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (failed(printLaunch(launch, depth)))
        return failure();
    } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      auto type = cast<MemRefType>(copy.getSource().getType());
      line("__builtin_memcpy(" + spelled[copy.getTarget()] + ", " + spelled[copy.getSource()] + ", " +
               std::to_string(type.getNumElements() * elementBytes(type.getElementType())) + ");",
           depth);
      lap({"copy of " + spelled[copy.getSource()], originOf(copy.getLoc()).name.str(), -1, {},
           type.getNumElements() * elementBytes(type.getElementType())},
          depth);
    }
  }
  return success();
}

/// The clock stops after what was just printed.
void HostPrinter::lap(Lap what, unsigned depth) {
  if (!takesLaps)
    return;
  line(clock + ".lap(" + std::to_string(laps.size()) + ");", depth);
  laps.push_back(std::move(what));
}

DictionaryAttr workOfPasses(LaunchOp launch, DictionaryAttr once) {
  double times = 1;
  for (auto loop = launch->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>())
    times *= static_cast<double>(*getConstantIntValue(loop.getUpperBound()));
  if (times == 1 || !once)
    return once;
  NamedAttrList all;
  for (NamedAttribute part : once) {
    auto amounts = dyn_cast<DenseF64ArrayAttr>(part.getValue());
    if (!amounts)
      return once;
    SmallVector<double> scaled = llvm::map_to_vector(amounts.asArrayRef(), [&](double amount) { return amount * times; });
    all.set(part.getName(), DenseF64ArrayAttr::get(launch.getContext(), scaled));
  }
  return all.getDictionary(launch.getContext());
}

void HostPrinter::lapOf(LaunchOp launch, StringRef name, unsigned depth) {
  auto kernel = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(name);
  lap({kernels.find(name)->second.name, originOf(launch.getLoc()).name.str(), tokensOf(launch),
       workOfPasses(launch, kernel->getAttrOfType<DictionaryAttr>("horn.work"))},
      depth);
}

/// Position among the inputs of the rows of ids that a kernel goes through; -1: it has none.
int32_t HostPrinter::tokensOf(LaunchOp launch) {
  for (Value operand : launch->getOperands())
    if (auto argument = dyn_cast<BlockArgument>(operand); argument && isa<TokensType>(argument.getType())) {
      auto wish = host.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "horn.name");
      return static_cast<int32_t>(interface.data.lookup(wish ? wish.getValue() : ""));
    }
  return -1;
}

FailureOr<std::string> HostPrinter::print() {
  std::string function = names.take(host.getName());
  for (BlockArgument argument : host.getArguments())
    if (failed(nameArgument(argument)))
      return failure();
  for (Operation &op : host.getBody().front())
    if (isa<ArenaOp, UnrealizedConversionCastOp, SlotOp>(op))
      nameBuffer(&op, 0);
  if (!out.empty())
    out += "\n";
  if (takesLaps) {
    clock = names.take("clock");
    line("lap_clock " + clock + "(kernel_ticks);");
  }
  if (failed(printBlock(host.getBody().front(), 0)))
    return failure();
  if (!closing.empty()) {
    out += closing;
    usesStep = true;
  }
  std::string head = "static void " + host.getName().str() + "(const step &" + (usesStep || usesBatch ? "s" : "") + ") {\n";
  if (usesBatch)
    head += "  const long batch = long(s.batch);\n";
  return head + out + "}\n";
}

} // namespace hornfels
