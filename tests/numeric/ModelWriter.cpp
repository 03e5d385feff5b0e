// Compiles the text of a model; the one file here that includes MLIR.
#include "codegen/Codegen.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines.h"
#include "tests/numeric/ModelText.h"
#include <fstream>
#include <iostream>

namespace hornfels::tests {

std::string hostCpu() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4"))
    return "x86-64-v4";
  return __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64";
#else
  return "armv8";
#endif
}

static bool writeFile(const std::string &path, const std::string &text) {
  std::ofstream out(path);
  out << text;
  if (out.flush())
    return true;
  std::cerr << path << ": cannot be written\n";
  return false;
}

bool writeModel(const ModelText &model, const Setting &setting, const std::string &directory) {
  const std::string path = directory + "/" + model.name, text = model.print();
  if (!writeFile(path + ".mlir", text))
    return false;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  loadDialects(context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &context, model.name + ".mlir");
  if (!module)
    return false;
  PipelineOptions pipeline;
  pipeline.fuse = setting.fuse;
  CodegenOptions codegen;
  if (setting.isDevice()) {
    codegen.target = "cuda";
    codegen.architectures = {"sm_80"};
    pipeline.device = true;
  } else {
    codegen.cpu = setting.cpu;
  }
  pipeline.vectorBytes = vectorBytesOf(codegen.cpu);
  pipeline.registers = registersOf(codegen.cpu);
  if (failed(runPipeline(*module, pipeline)))
    return false;
  mlir::FailureOr<GeneratedModel> generated = generateModel(*module, codegen);
  return succeeded(generated) && writeFile(path + ".h", generated->header.text) &&
         writeFile(path + (setting.isDevice() ? ".cu" : ".cpp"), generated->source.text);
}

} // namespace hornfels::tests
