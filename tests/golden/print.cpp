// print FILE.mlir [--fuse=none] [--cpu=CPU] [--header]
//
// The C++ that a module of the elaborator's form becomes, on standard output: the tool of the golden tests.
#include "codegen/Codegen.h"
#include "ir/HornDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::StringRef path;
  hornfels::PipelineOptions pipeline;
  hornfels::CodegenOptions codegen;
  codegen.cpu = "x86-64-v4";
  codegen.version = "0";
  bool header = false;
  for (llvm::StringRef argument : llvm::ArrayRef(argv, argc).drop_front())
    if (argument.consume_front("--cpu="))
      codegen.cpu = argument.str();
    else if (argument == "--fuse=none")
      pipeline.fuse = false;
    else if (argument == "--header")
      header = true;
    else
      path = argument;
  pipeline.vectorBytes = hornfels::vectorBytesOf(codegen.cpu);
  pipeline.registers = hornfels::registersOf(codegen.cpu);

  mlir::MLIRContext context;
  hornfels::loadDialects(context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
  if (!module || mlir::failed(hornfels::runPipeline(*module, pipeline)))
    return 1;
  mlir::FailureOr<hornfels::GeneratedModel> model = hornfels::generateModel(*module, codegen);
  if (mlir::failed(model))
    return 1;
  llvm::outs() << (header ? model->header.text : model->source.text);
  return 0;
}
