#include "codegen/cuda/DeviceHostPrinter.h"

#include "codegen/Wrap.h"
#include "ir/Structure.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

bool runsOnDevice(scf::ForOp loop) {
  WalkResult result = loop.getBody()->walk([&](Operation *op) {
    if (isa<memref::CopyOp>(op))
      return WalkResult::interrupt();
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      return WalkResult::advance();
    auto kernel = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
    return kernel->hasAttr("horn.by_row") ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

void DeviceHostPrinter::line(const Twine &text, unsigned depth) { out += std::string(2 + 2 * depth, ' ') + text.str() + "\n"; }

void DeviceHostPrinter::name(Value value, StringRef wish, const std::string &type, const std::string &text, unsigned depth) {
  std::string name = names.take(wish);
  spelled[value] = {name, type};
  if (depth > 0)
    line(type + "const " + name + " = " + text, depth);
  else
    declarations.push_back({value, "  " + type + "const " + name + " = " + text + "\n"});
}

const std::string &DeviceHostPrinter::use(Value value) {
  for (Value each = value; each && used.insert(each).second;) {
    Operation *made = each.getDefiningOp(); // a slot, or another type, is another name of a buffer
    each = isa_and_nonnull<SlotOp, UnrealizedConversionCastOp>(made) ? made->getOperand(0) : Value();
  }
  return spelled[value].name;
}

LogicalResult DeviceHostPrinter::nameArgument(BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  auto attribute = [&](StringRef key) {
    auto text = host.getArgAttrOfType<StringAttr>(number, key);
    return text ? text.getValue() : StringRef();
  };
  StringRef role = attribute("horn.role"), wish = attribute("horn.name");
  if (argument.use_empty())
    return success();
  if (auto type = dyn_cast<TokensType>(argument.getType())) {
    std::string id = type.getVocabulary() <= 65536 ? "uint16_t" : "int32_t", index = std::to_string(interface.data.lookup(wish));
    std::string rows = "token_rows<" + id + ">";
    spelled[argument] = {names.take(wish), rows + " "};
    declarations.push_back({argument, "  const " + rows + " " + spelled[argument].name + "{s.input<" + id + ">(" + index + "), s.data[" + index + "].offsets};\n"});
    return success();
  }
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!type)
    return host.emitOpError("has an argument of a type without a CUDA form");
  std::string element = scalarType(type.getElementType()), shape = "; // " + bufferShape(type), given = "const " + element + " *";
  auto number_of = [&](const llvm::StringMap<unsigned> &map) { return std::to_string(map.lookup(wish)); };
  if (role == "input" || role == "target")
    name(argument, wish, given, "s.input<" + element + ">(" + number_of(interface.data) + ")" + shape, 0);
  else if (role == "output")
    name(argument, wish, element + " *", "s.output<" + element + ">(" + number_of(interface.outputs) + ")" + shape, 0);
  else if (role == "value")
    name(argument, wish, element + " *", "s.value<" + element + ">(" + number_of(interface.metrics) + ");", 0);
  else if (role == "learning_rate")
    name(argument, wish, given, "s.learning_rate<" + element + ">();", 0);
  else if ((role == "step" || role == "seed") && type.getElementType().isInteger(64))
    name(argument, wish, given, std::string("s.") + (role == "step" ? "count" : "seed") + "();", 0);
  else if (auto found = interface.variables.find(wish); found != interface.variables.end())
    name(argument, wish, element + " *", "s.variable<" + element + ">(" + std::to_string(found->second) + ")" + shape, 0);
  else
    return host.emitOpError("has an argument that is no input, variable or result: ") << wish;
  return success();
}

void DeviceHostPrinter::nameBuffer(Operation *op, unsigned depth) {
  if (auto slot = dyn_cast<SlotOp>(op))
    return nameSlot(slot, depth);
  if (isa<UnrealizedConversionCastOp>(op)) {
    Named same = spelled.lookup(op->getOperand(0)); // a copy: the map may grow
    auto type = dyn_cast<MemRefType>(op->getResult(0).getType());
    auto from = dyn_cast<MemRefType>(op->getOperand(0).getType());
    (void)type, (void)from;
    spelled[op->getResult(0)] = same;
    return;
  }
  auto arena = cast<ArenaOp>(op);
  auto type = cast<MemRefType>(arena.getBuffer().getType());
  auto wish = op->getAttrOfType<StringAttr>("horn.name");
  std::string element = scalarType(type.getElementType());
  bool perSample = static_cast<int64_t>(arena.getFixed()) < 0;
  auto stride = op->getAttrOfType<IntegerAttr>("horn.stride");
  name(arena.getBuffer(), wish ? wish.getValue() : "buffer", element + " *",
       std::string("s.") + (perSample ? "rows" : "fixed") + "<" + element + ">(" +
           std::to_string(perSample ? arena.getPerSample() : arena.getFixed()) + "); // " + bufferShape(type) +
           (stride ? ", rows " + std::to_string(stride.getInt()) + " apart" : ""),
       depth);
}

void DeviceHostPrinter::nameSlot(SlotOp slot, unsigned depth) {
  auto type = cast<MemRefType>(slot.getSlot().getType());
  if (depth > 0)
    use(slot.getBuffer());
  std::string text = spelled[slot.getBuffer()].name +
                     slotOffset(slot, slot.getStep() ? StringRef(counters.lookup(slot.getStep())) : StringRef());
  auto wish = slot->getAttrOfType<StringAttr>("horn.name");
  std::string pointer = spelled[slot.getBuffer()].type;
  name(slot.getSlot(), wish ? wish.getValue() : "slot", pointer,
       text + "; // " + bufferShape(type) + (slot.getRowStride() ? ", rows " + std::to_string(slot.getRowStride()) + " apart" : ""),
       depth);
}

LogicalResult DeviceHostPrinter::printLaunch(LaunchOp launch, unsigned depth) {
  auto found = kernels.launched.find(launch.getKernel());
  if (found == kernels.launched.end())
    return launch.emitOpError("names a kernel that was not printed");
  const PrintedDeviceKernel &kernel = found->second;
  auto threads = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel())->getAttrOfType<IntegerAttr>("horn.threads");
  SmallVector<std::string> arguments{"stream", kernel.name, kernel.blocks, std::to_string(threads.getInt()), kernel.shared};
  for (unsigned operand : kernel.parameters)
    arguments.push_back(use(launch->getOperand(operand)));
  if (kernel.takesBatch)
    arguments.push_back("batch");
  usesBatch |= kernel.takesBatch || StringRef(kernel.blocks).contains("batch");
  out += wrappedList(std::string(2 + 2 * depth, ' ') + "launch(", arguments, ");");
  lap(lapOf(launch, kernel.name), depth);
  return success();
}

void DeviceHostPrinter::copy(memref::CopyOp copy, unsigned depth) {
  auto type = cast<MemRefType>(copy.getSource().getType());
  line("copy(stream, " + use(copy.getTarget()) + ", " + use(copy.getSource()) + ", " +
           std::to_string(type.getNumElements() * elementBytes(type.getElementType())) + ");",
       depth);
  lap({"copy of " + spelled[copy.getSource()].name, originOf(copy.getLoc()).name.str(), -1, {},
       type.getNumElements() * elementBytes(type.getElementType())},
      depth);
}

LogicalResult DeviceHostPrinter::printInLoopKernel(Block &block, unsigned depth, const std::string &begin, const std::string &end) {
  for (Operation &op : block) {
    if (isa<UnrealizedConversionCastOp, SlotOp>(op)) {
      nameBuffer(&op, depth);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      NameScope outer = names;
      std::string step = names.take("t");
      counters[loop.getInductionVar()] = step;
      line("for (int " + step + " = 0; " + step + " < " + std::to_string(*getConstantIntValue(loop.getUpperBound())) + "; ++" + step + ") {", depth);
      if (failed(printInLoopKernel(*loop.getBody(), depth + 1, begin, end)))
        return failure();
      line("}", depth);
      names = outer;
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      const PrintedDeviceKernel &kernel = kernels.ofLoops.find(launch.getKernel())->second;
      SmallVector<std::string> arguments;
      for (unsigned operand : kernel.parameters)
        arguments.push_back(use(launch->getOperand(operand)));
      if (kernel.takesBatch)
        arguments.push_back("batch");
      llvm::append_range(arguments, SmallVector<std::string>{begin, end, "shared"});
      out += wrappedList(std::string(2 + 2 * depth, ' ') + kernel.name + "(", arguments, ");");
    }
  }
  return success();
}

/// One kernel that runs the whole loop: a block of rows after the other goes through all places, without the host.
LogicalResult DeviceHostPrinter::printLoopKernel(scf::ForOp loop, unsigned depth) {
  llvm::SetVector<Value> outside;
  int64_t rows = std::numeric_limits<int64_t>::max(), threads = 256, shared = 0;
  loop->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (spelled.contains(operand) && !loop->isAncestor(operand.getParentBlock()->getParentOp()))
        outside.insert(operand);
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      auto kernel = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
      rows = std::min(rows, kernel->getAttrOfType<IntegerAttr>("horn.rows_of_block").getInt());
      threads = kernel->getAttrOfType<IntegerAttr>("horn.threads").getInt();
      shared = std::max(shared, kernels.ofLoops.find(launch.getKernel())->second.sharedBytes);
    }
  });
  std::string function = file.take(host.getName().str() + "_loop"), before = std::move(out);
  out.clear();
  NameScope outer = names;
  std::string begin = names.take("first_row"), end = names.take("last_row"), block = std::to_string(rows);
  line("for (long " + begin + " = blockIdx.x * " + block + "L; " + begin + " < batch; " + begin + " += gridDim.x * " + block + "L) {");
  line("const long " + end + " = min(" + begin + " + " + block + ", batch);", 1);
  std::string step = names.take("t");
  counters[loop.getInductionVar()] = step;
  line("for (int " + step + " = 0; " + step + " < " + std::to_string(*getConstantIntValue(loop.getUpperBound())) + "; ++" + step + ") {", 1);
  if (failed(printInLoopKernel(*loop.getBody(), 2, begin, end)))
    return failure();
  line("}", 1);
  line("}");
  std::string body = std::move(out);
  names = outer;
  SmallVector<std::string> parameters, arguments{"stream", function, "blocks_of(batch, " + block + ")", std::to_string(threads),
                                                 std::to_string(shared)};
  for (Value value : outside) {
    std::string item = spelled[value].type + spelled[value].name;
    if (llvm::is_contained(parameters, item))
      continue; // the same buffer by another type
    parameters.push_back(item);
    arguments.push_back(use(value));
  }
  parameters.push_back("long batch");
  arguments.push_back("batch");
  usesBatch = true;
  loops += "\n// All of a loop: each block of threads goes through its places with " +
           (rows == 1 ? std::string("a sample") : block + " samples") + ".\n" +
           launchBounds(threads, 2) + wrappedList("    " + function + "(", parameters, ") {") +
           "  HORNFELS_SHARED(shared);\n" + body + "}\n";
  out = before + wrappedList(std::string(2 + 2 * depth, ' ') + "launch(", arguments, ");");
  lap(lapOf(loop.getOperation(), function), depth);
  return success();
}

/// A small batch of a small net: one block does the whole step, and waits for its own threads alone between kernels.
LogicalResult DeviceHostPrinter::printSingleBlock(int64_t samples) {
  std::string function = file.take(host.getName().str() + "_in_one_block"), body;
  int64_t threads = 0;
  SmallVector<std::string> sharedBytes, parameters, arguments;
  bool isFirst = true;
  for (auto launch : host.getBody().front().getOps<LaunchOp>()) {
    const PrintedDeviceKernel &kernel = kernels.ofBlocks.find(launch.getKernel())->second;
    auto mapped = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
    threads = mapped->getAttrOfType<IntegerAttr>("horn.threads").getInt();
    if (kernel.shared != "0" && !llvm::is_contained(sharedBytes, kernel.shared))
      sharedBytes.push_back(kernel.shared);
    SmallVector<std::string> given;
    for (unsigned operand : kernel.parameters) {
      Value value = launch->getOperand(operand);
      given.push_back(use(value));
      std::string item = spelled[value].type + spelled[value].name;
      if (llvm::is_contained(parameters, item))
        continue;
      parameters.push_back(item);
      arguments.push_back(spelled[value].name);
    }
    if (kernel.takesBatch)
      given.push_back("batch");
    if (!isFirst)
      body += "  __syncthreads();\n";
    isFirst = false;
    body += wrappedList("  " + kernel.name + "(", given, ");");
  }
  std::string shared = sharedBytes.empty() ? "0" : "largest(" + llvm::join(sharedBytes, ", ") + ")";
  bool takesBatch = StringRef(body).contains("batch");
  if (takesBatch)
    parameters.push_back("long batch"), arguments.push_back("batch");
  usesBatch = true;
  loops += "\n// All of " + host.getName().str() + " for few samples: one block, one launch.\n" +
           launchBounds(threads, 1) + wrappedList("    " + function + "(", parameters, ") {") +
           body + "}\n";
  line("if (batch <= " + Twine(samples) + ") {");
  SmallVector<std::string> all{"stream", function, "1", std::to_string(threads), shared};
  llvm::append_range(all, arguments);
  out += wrappedList("    launch(", all, ");");
  lap(lapOf(host.getOperation(), function), 1);
  line("return;", 1);
  line("}");
  return success();
}

LogicalResult DeviceHostPrinter::printLoop(scf::ForOp loop, unsigned depth) {
  if (runsOnDevice(loop))
    return printLoopKernel(loop, depth);
  NameScope outer = names;
  std::string step = names.take("t");
  counters[loop.getInductionVar()] = step;
  line("for (long " + step + " = 0; " + step + " < " + std::to_string(*getConstantIntValue(loop.getUpperBound())) + "; ++" + step + ") {", depth);
  if (failed(printBlock(*loop.getBody(), depth + 1)))
    return failure();
  line("}", depth);
  names = outer;
  return success();
}

LogicalResult DeviceHostPrinter::printBlock(Block &block, unsigned depth) {
  for (Operation &op : block) {
    if (depth > 0 && isa<UnrealizedConversionCastOp, SlotOp>(op)) {
      nameBuffer(&op, depth);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (failed(printLoop(loop, depth)))
        return failure();
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (failed(printLaunch(launch, depth)))
        return failure();
    } else if (auto each = dyn_cast<memref::CopyOp>(op)) {
      copy(each, depth);
    }
  }
  return success();
}

FailureOr<std::string> DeviceHostPrinter::print() {
  std::string function = names.take(host.getName());
  for (StringRef taken : {"stream", "s", "batch", "shared", "copy", "launch", "blocks_of"})
    names.take(taken);
  for (BlockArgument argument : host.getArguments())
    if (failed(nameArgument(argument)))
      return failure();
  for (Operation &op : host.getBody().front())
    if (isa<ArenaOp, UnrealizedConversionCastOp, SlotOp>(op))
      nameBuffer(&op, 0);
  if (auto samples = host->getAttrOfType<IntegerAttr>("horn.single_block"))
    if (failed(printSingleBlock(samples.getInt())))
      return failure();
  if (failed(printBlock(host.getBody().front(), 0)))
    return failure();
  std::string named;
  for (const Declaration &each : declarations)
    if (used.contains(each.value))
      named += each.text;
  out = named + (named.empty() ? "" : "\n") + out;
  bool usesStep = usesBatch || StringRef(out).contains("s.") || StringRef(out).contains("(s, ");
  std::string head = "static void " + host.getName().str() + "(const device_step &" + (usesStep ? "s" : "") + ", cudaStream_t" +
                     (StringRef(out).contains("stream") ? " stream" : "") + ") {\n";
  if (usesBatch)
    head += "  const long batch = long(s.batch);\n";
  return loops + "\n" + head + out + "}\n";
}

} // namespace hornfels
