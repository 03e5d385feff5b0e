// NAME.cu: kernels and steps for a GPU.
#include "codegen/project/ModelPrinter.h"

#include "ir/Structure.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// Each kernel as it is used: launched, called by a loop that runs on the device, or both.
LogicalResult ModelPrinter::printDeviceKernels(std::string &text) {
  llvm::StringSet<> launched, called, ofBlocks;
  module.walk([&](LaunchOp launch) {
    if (launch->getParentOfType<func::FuncOp>()->hasAttr("horn.single_block"))
      ofBlocks.insert(launch.getKernel());
    scf::ForOp outermost;
    for (auto loop = launch->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>())
      if (runsOnDevice(loop))
        outermost = loop;
    (outermost ? called : launched).insert(launch.getKernel());
  });
  for (auto kernel : module.getOps<func::FuncOp>()) {
    if (!kernel->hasAttr("horn.kernel"))
      continue;
    using Use = DeviceKernelPrinter::Use;
    struct Form {
      Use use;
      const llvm::StringSet<> &users;
      llvm::StringMap<PrintedDeviceKernel> &printed;
    };
    for (Form form : {Form{Use::launched, launched, deviceKernels.launched}, Form{Use::ofLoop, called, deviceKernels.ofLoops},
                      Form{Use::ofBlock, ofBlocks, deviceKernels.ofBlocks}}) {
      if (!form.users.contains(kernel.getName()))
        continue;
      FailureOr<PrintedDeviceKernel> printed = DeviceKernelPrinter(kernel, file, form.use).print();
      if (failed(printed))
        return failure();
      text += "\n" + kernelComment(kernel) + printed->text;
      form.printed[kernel.getName()] = *printed;
    }
  }
  return success();
}

FailureOr<std::string> ModelPrinter::printDeviceSteps() {
  std::string text;
  for (StringRef step : {"initialize", "predict", "evaluate_step", "train_step"}) {
    auto host = module.lookupSymbol<func::FuncOp>(step);
    if (!host)
      continue;
    DeviceHostPrinter printer(host, deviceKernels, interface, file, options.laps && step != "initialize");
    FailureOr<std::string> printed = printer.print();
    if (failed(printed))
      return failure();
    steps[step] = step;
    laps[step] = printer.getLaps();
    text += *printed;
  }
  return text;
}

static void replaceAll(std::string &text, StringRef from, StringRef to) {
  for (size_t at = 0; (at = text.find(from.str(), at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to.str());
}

/// What kernels and steps call by its name: a tensor of the same name would hide it. Functions that the CPU's code calls too
/// are no names of tensors anyway (Names.cpp).
static void takeNamesOfDevice(NameScope &file) {
  for (StringRef name :
       {"across", "add", "arithmetic", "blockDim", "blockIdx", "blocks_of", "code", "copy", "count", "device_program", "device_step", "elements",
        "evaluate_step", "gather_sum", "gridDim", "infinity", "initialize", "larger", "largest", "largest_of",
        "launch", "load_together", "multi_hot", "not_a_number", "operand", "own", "owned", "padded_id",
        "predict", "product", "product_of", "s", "scatter", "scatter_add", "shared", "smaller", "smallest_of",
        "store_together", "stream", "sum_of", "tensor_tiles", "threadIdx", "tile", "tiles", "train_step",
        "warpSize"})
    file.take(name);
}

FailureOr<std::string> ModelPrinter::printDeviceSource() {
  takeNamesOfDevice(file);
  std::string kernelText;
  if (failed(printDeviceKernels(kernelText)))
    return failure();
  FailureOr<std::string> stepText = printDeviceSteps();
  if (failed(stepText))
    return failure();
  // What a host's compiler has built in.
  for (auto [builtin, function] : {std::pair("__builtin_inff()", "infinity(0.0f)"), std::pair("__builtin_inf()", "infinity(0.0)"),
                                   std::pair("__builtin_nanf(\"\")", "not_a_number(0.0f)"),
                                   std::pair("__builtin_nan(\"\")", "not_a_number(0.0)")})
    replaceAll(kernelText, builtin, function);

  std::string source = heading() + "#include \"" + name + ".h\"\n\n";
  SmallVector<StringRef> headers{"across", "blocks", "functions", "program"};
  auto uses = [&](StringRef word) { return StringRef(kernelText).contains(word); };
  if (uses("uniform<") || uses("normal<"))
    headers.push_back("philox");
  if (uses("product<"))
    llvm::append_range(headers, SmallVector<StringRef>{"operand", "product"});
  if (uses("load_together<") || uses("store_together("))
    headers.push_back("together");
  if (uses("orthonormal_rows"))
    headers.push_back("orthonormal");
  if (uses("token_rows") || uses("owned<"))
    headers.push_back("tokens");
  if (options.laps)
    headers.push_back("laps");
  llvm::sort(headers);
  for (StringRef header : headers)
    source += "#include \"runtime/device/" + header.str() + ".h\"\n";
  StringRef scope = name;
  source += "\nnamespace hornfels::device::" + scope.str() + "_model_code {\n";
  source += "\n/* --- kernels: each goes through all of its points " + std::string(49, '-') + " */\n" + kernelText;
  source += "\n/* --- steps: lists of kernels " + std::string(70, '-') + " */\n" + *stepText;
  source += "\n" + printProgram();
  source += "\n} // namespace hornfels::device::" + scope.str() + "_model_code\n";
  source += "\n/* --- the table of the interface " + std::string(67, '-') + " */\n\nusing namespace hornfels;\n\n" + printTable();
  if (options.laps)
    source += printLapTable();
  return source;
}

} // namespace hornfels
