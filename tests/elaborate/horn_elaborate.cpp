// horn_elaborate MODEL.horn [--model=NAME] [--real=f64] [--loss=clip] [--only=predict] [--locations]
// Prints the module that the elaborator builds, or the errors (exit 1).
#include "frontend/horn/Elaborator.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"

#include <cstdio>
#include <string>

using namespace hornfels::frontend;

int main(int count, char **arguments) {
  ElaborateOptions options;
  mlir::OpPrintingFlags flags;
  std::string path;
  for (int i = 1; i < count; ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--real=f64")
      options.realIsF64 = true;
    else if (argument == "--loss=clip")
      options.lossClip = true;
    else if (argument == "--only=predict")
      options.onlyPredict = true;
    else if (argument == "--locations")
      flags.enableDebugInfo(true, true);
    else if (argument.starts_with("--model="))
      options.modelName = argument.substr(8);
    else
      path = argument;
  }
  SourceManager sources;
  Diagnostics diagnostics(sources);
  LoadResult loaded = loadProgram(path, {}, sources, diagnostics);
  if (!loaded.systemError.empty()) {
    std::fprintf(stderr, "%s\n", loaded.systemError.c_str());
    return 3;
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = elaborate(loaded.program, options, context, diagnostics);
  std::fputs(diagnostics.render().c_str(), stderr);
  if (!module)
    return 1;
  module->print(llvm::outs(), flags);
  return diagnostics.hasErrors() ? 1 : 0;
}
