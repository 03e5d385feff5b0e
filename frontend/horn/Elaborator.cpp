#include "frontend/horn/Elaborator.h"

#include "frontend/horn/ModelBuilder.h"

#include "mlir/IR/Verifier.h"

#include <fmt/format.h>

namespace hornfels::frontend {

/// The model that is asked for by name; else the one with a `train` block; else the first.
static const Definition *chooseModel(const Program &program, const std::string &name,
                                     Diagnostics &diagnostics) {
  SourceRange start{program.mainFile, 0, 0};
  if (!name.empty()) {
    Nearest search(name);
    for (const Definition *model : program.models) {
      if (model->name.text == name)
        return model;
      search.offer(model->name.text);
    }
    if (program.lost.contains(name))
      return nullptr; // reported
    diagnostics.error(start, fmt::format("there is no model named `{}`", name)).didYouMean(search.name());
    return nullptr;
  }
  for (const Definition *model : program.models)
    for (const Definition *train : program.trains)
      if (train->name.text == model->name.text)
        return model;
  if (!program.models.empty())
    return program.models.front();
  if (!diagnostics.hasErrors())
    diagnostics.error(start, "expected a model");
  return nullptr;
}

mlir::OwningOpRef<mlir::ModuleOp> elaborate(const Program &program, const ElaborateOptions &options,
                                            mlir::MLIRContext &context, Diagnostics &diagnostics) {
  const Definition *model = chooseModel(program, options.modelName, diagnostics);
  if (!model || !model->call)
    return nullptr;
  const Definition *train = nullptr;
  for (const Definition *each : program.trains) {
    if (each->name.text == model->name.text && !train)
      train = each;
    if (!program.find(each->name.text) && !each->call && !program.lost.contains(each->name.text))
      diagnostics.error(each->name.range, fmt::format("there is no model named `{}`", each->name.text));
  }
  Element real = options.realIsF64 ? Element::F64 : Element::F32;
  Emitter emitter(context, real);
  Interpreter interpreter(program, {real, options.lossClip, options.isKeras}, emitter, diagnostics);
  ModelBuilder builder(interpreter, *model, train);
  try {
    builder.build(options.onlyPredict);
  } catch (const Stopped &) { // a limit, reported where it was reached
  }
  if (diagnostics.hasErrors())
    return nullptr;
  mlir::OwningOpRef<mlir::ModuleOp> module = emitter.take();
  if (mlir::failed(mlir::verify(*module)))
    return nullptr;
  return module;
}

} // namespace hornfels::frontend
