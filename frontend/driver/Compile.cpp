#include "frontend/driver/Compile.h"

#include "codegen/Codegen.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Embed.h"
#include "frontend/horn/Elaborator.h"
#include "frontend/horn/Loader.h"
#include "frontend/horn/Printer.h"
#include "ir/HornDialect.h"
#include "ir/Structure.h"
#include "passes/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

namespace hornfels::driver {

using namespace frontend;

namespace {

bool isKerasFile(const std::string &path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

/// Everything one compilation needs, in the order of construction.
class Session {
public:
  explicit Session(const CompileRequest &request)
      : request(request), context(mlir::MLIRContext::Threading::DISABLED),
        handler(&context, [this](mlir::Diagnostic &d) {
          internalErrors += "\n  " + d.str();
          return mlir::success();
        }) {
    loadDialects(context);
    LoadOptions options;
    options.includeDirectories = request.includeDirectories;
    if (isKerasFile(request.path)) {
      loadKeras(options);
      return;
    }
    if (!request.keras.tokens.empty() || !request.keras.shapes.empty())
      throw Failure{WrongCommandLine, "`--tokens` and `--shape` are for models of Keras, in a file called *.json"};
    LoadResult loaded = loadProgram(request.path, options, sources, diagnostics);
    if (!loaded.systemError.empty())
      throw Failure{SystemFailed, loaded.systemError};
    program = std::move(loaded.program);
  }

  /// Keras's JSON becomes the same tree; its diagnostics say the path to what they are about.
  void loadKeras(const LoadOptions &options) {
    FileText read = readRegularFile(request.path, keras::json_limits::fileBytes);
    if (read.status == FileText::Status::SystemError)
      throw Failure{SystemFailed, printable(request.path) + ": " + read.error};
    FileId file = sources.add(request.path, std::move(read.text));
    if (read.status == FileText::Status::TooLarge) {
      diagnostics.error({file, 0, 0}, "this file is " + read.error);
      return;
    }
    keras = keras::readKeras(file, request.keras, sources, diagnostics);
    if (!keras.optionError.empty())
      throw Failure{WrongCommandLine, keras.optionError};
    diagnostics.describePlace = [this, file](SourceRange range) {
      std::string path = range.file == file ? keras::jsonPath(keras.root, range.begin) : std::string();
      return path.empty() ? path : "at " + path;
    };
    if (!keras.syntax.definitions.empty() || !keras.syntax.damaged.empty())
      program = loadProgram(std::move(keras.syntax), options, sources, diagnostics);
  }

  /// The elaborated module, or null when there are errors.
  mlir::OwningOpRef<mlir::ModuleOp> elaborateModel(const std::string &modelName) {
    ElaborateOptions options;
    options.realIsF64 = request.realIsF64;
    options.lossClip = request.lossClip;
    options.isKeras = isKerasFile(request.path);
    options.onlyPredict = request.onlyPredict;
    options.modelName = modelName;
    auto module = elaborate(program, options, context, diagnostics);
    if (!module && !diagnostics.hasErrors())
      throw Failure{SystemFailed, "internal error: the model could not be elaborated" + internalErrors};
    return module;
  }

  /// What there is to say so far.
  Compilation outcome() const {
    Compilation result;
    result.messages = diagnostics.render();
    result.hasErrors = diagnostics.hasErrors();
    return result;
  }

  const CompileRequest &request;
  SourceManager sources;
  Diagnostics diagnostics{sources};
  keras::KerasModel keras;
  Program program;
  std::string internalErrors; // what MLIR itself reports: always an error of ours
  mlir::MLIRContext context;
  mlir::ScopedDiagnosticHandler handler;
};

std::string textOf(mlir::DictionaryAttr entry, llvm::StringRef key) {
  auto attribute = entry.getAs<mlir::StringAttr>(key);
  return attribute ? attribute.str() : std::string();
}

/// "(None, 16)"
std::string shapeText(mlir::Type type) {
  auto tensor = llvm::dyn_cast_or_null<mlir::RankedTensorType>(type);
  if (!tensor)
    return "(None)";
  std::string text = "(";
  for (auto [axis, size] : llvm::enumerate(tensor.getShape()))
    text +=
        (axis ? ", " : "") + (mlir::ShapedType::isDynamic(size) ? std::string("None") : std::to_string(size));
  return text + (tensor.getRank() == 1 ? ",)" : ")");
}

mlir::Type typeOf(mlir::DictionaryAttr entry, llvm::StringRef key) {
  auto attribute = entry.getAs<mlir::TypeAttr>(key);
  return attribute ? attribute.getValue() : mlir::Type();
}

/// Calls `visit` with each dictionary of a list attribute of the module.
template <typename Visit> void forEachEntry(mlir::ModuleOp module, llvm::StringRef name, Visit visit) {
  if (auto list = module->getAttrOfType<mlir::ArrayAttr>(name))
    for (mlir::Attribute entry : list)
      visit(llvm::cast<mlir::DictionaryAttr>(entry));
}

ModelSummary summaryOf(mlir::ModuleOp module) {
  ModelSummary summary;
  if (auto name = module->getAttrOfType<mlir::StringAttr>("horn.model"))
    summary.name = name.str();
  forEachEntry(module, "horn.inputs", [&](mlir::DictionaryAttr entry) {
    summary.inputs.push_back({textOf(entry, "name"), "input", shapeText(typeOf(entry, "type")), 0, {}});
  });
  forEachEntry(module, "horn.layers", [&](mlir::DictionaryAttr entry) {
    SummaryRow row{textOf(entry, "name"), textOf(entry, "kind"), shapeText(typeOf(entry, "output")), 0, {}};
    if (auto parameters = entry.getAs<mlir::IntegerAttr>("parameters"))
      row.parameters = parameters.getInt();
    if (auto inputs = entry.getAs<mlir::ArrayAttr>("inputs"))
      for (auto input : inputs.getAsRange<mlir::StringAttr>())
        row.inputs.push_back(input.str());
    if (auto calls = entry.getAs<mlir::ArrayAttr>("input_calls"))
      for (auto call : calls.getAsRange<mlir::IntegerAttr>())
        row.calls.push_back(call.getInt());
    summary.layers.push_back(std::move(row));
  });
  forEachEntry(module, "horn.variables", [&](mlir::DictionaryAttr entry) {
    std::string role = textOf(entry, "role");
    auto type = llvm::dyn_cast_or_null<mlir::RankedTensorType>(typeOf(entry, "type"));
    if (!type || (role != "weight" && role != "state"))
      return;
    int64_t bytes = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
    (role == "weight" ? summary.trainable : summary.nonTrainable) += type.getNumElements();
    (role == "weight" ? summary.trainableBytes : summary.nonTrainableBytes) += bytes;
  });
  return summary;
}

/// The target that "native" is here.
std::string hostCpu() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4"))
    return "x86-64-v4";
  return __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64";
#else
  return "armv8";
#endif
}

/// Collects the text of stages, and says when to stop.
class Stages {
public:
  Stages(const CompileRequest &request, Compilation &result) : request(request), result(result) {}

  /// Adds a stage; false when it is the last that is wanted.
  bool add(const std::string &name, const std::string &text) {
    bool changed = result.stages.empty() || result.stages.back().text != text;
    result.stages.push_back({name, text, changed});
    return name != request.lastStage;
  }
  bool add(llvm::StringRef name, mlir::ModuleOp module) {
    if (!request.keepStages)
      return true;
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream);
    text += "\n";
    return add(name.str(), text);
  }
  bool stopped() const { return !result.stages.empty() && result.stages.back().name == request.lastStage; }

private:
  const CompileRequest &request;
  Compilation &result;
};

std::vector<EmbeddedVariable> embeddedVariables(mlir::ModuleOp module) {
  std::vector<EmbeddedVariable> variables;
  forEachEntry(module, "horn.variables", [&](mlir::DictionaryAttr entry) {
    auto type = llvm::cast<mlir::ShapedType>(typeOf(entry, "type"));
    std::string role = textOf(entry, "role");
    mlir::Type element = type.getElementType();
    variables.push_back({textOf(entry, "name"), type.getShape().vec(),
                         element.isInteger(1)                   ? 'b'
                         : llvm::isa<mlir::FloatType>(element) ? 'f'
                                                                : 'i',
                         static_cast<size_t>(horn::elementBytes(element)), role == "weight" || role == "state"});
  });
  return variables;
}

GeneratedFile fileOf(const SourceFile &file) { return {file.path, file.text}; }

/// The project: what `emit` writes and `build` compiles.
void addFiles(Compilation &result, const GeneratedModel &model) {
  static const std::string ofDevices = "runtime/device/", host = ofDevices + "program.cu", bench = ofDevices + "bench.cu";
  bool cuda = !result.architectures.empty();
  result.modelName = model.name;
  for (const SourceFile *file : {&model.header, &model.cppHeader, &model.source, &model.main, &model.cmake})
    result.files.push_back(fileOf(*file));
  for (const SourceFile &file : runtimeSources())
    if (cuda || file.path.compare(0, ofDevices.size(), ofDevices) != 0)
      result.files.push_back(fileOf(file));
  result.programSources = {model.source.path, model.main.path};
  if (cuda)
    result.programSources.insert(result.programSources.end(), {host, bench});
}

} // namespace

const std::vector<std::string> &stageNames() {
  static const std::vector<std::string> names = {"import", "elaborate", "simplify", "differentiate",
                                                 "lower",  "fuse",      "memory",   "pack",     "schedule"};
  return names;
}

Compilation checkModel(const CompileRequest &request) {
  Session session(request);
  if (!request.modelName.empty() || session.program.models.empty()) {
    session.elaborateModel(request.modelName);
    return session.outcome();
  }
  for (const Definition *model : session.program.models)
    session.elaborateModel(model->name.text);
  return session.outcome();
}

Compilation importModel(const CompileRequest &request) {
  if (!isKerasFile(request.path))
    throw Failure{WrongCommandLine, "`import` takes a model of Keras, in a file called *.json"};
  Session session(request);
  Compilation result = session.outcome();
  if (!result.hasErrors)
    result.stages.push_back({"import", printHorn(session.program.files.back())});
  return result;
}

Compilation summarizeModel(const CompileRequest &request, ModelSummary &summary) {
  Session session(request);
  if (auto module = session.elaborateModel(request.modelName))
    summary = summaryOf(*module);
  return session.outcome();
}

/// "f32[10000, 16]", "f32[batch, 16]"
static std::string typeText(mlir::ShapedType type) {
  std::string text;
  llvm::raw_string_ostream(text) << type.getElementType();
  for (auto [axis, size] : llvm::enumerate(type.getShape()))
    text += (axis ? ", " : "[") + (mlir::ShapedType::isDynamic(size) ? std::string("batch") : std::to_string(size));
  return text + (type.getRank() ? "]" : "");
}

/// What the variables and the buffers between kernels take, from a module that has been through `memory`.
static MemorySummary memoryOf(mlir::ModuleOp module) {
  MemorySummary memory;
  memory.name = module->getAttrOfType<mlir::StringAttr>("horn.model").str();
  if (auto training = module->getAttrOfType<mlir::DictionaryAttr>("horn.training"))
    if (auto batch = training.getAs<mlir::IntegerAttr>("batch_size"))
      memory.batch = batch.getInt();
  forEachEntry(module, "horn.variables", [&](mlir::DictionaryAttr entry) {
    auto type = llvm::cast<mlir::ShapedType>(typeOf(entry, "type"));
    int64_t bytes = type.getNumElements() * horn::elementBytes(type.getElementType());
    memory.parts.push_back({textOf(entry, "name"), textOf(entry, "role"), typeText(type), bytes, 0});
  });
  auto arena = module->getAttrOfType<mlir::DenseI64ArrayAttr>("horn.arena");
  memory.arenaFixed = arena[0];
  memory.arenaPerSample = arena[1];
  for (auto step : module.getOps<mlir::func::FuncOp>())
    step.walk([&](horn::ArenaOp buffer) {
      auto type = llvm::cast<mlir::ShapedType>(buffer.getBuffer().getType());
      int64_t bytes = horn::elementsPerSample(type) * horn::elementBytes(type.getElementType());
      auto name = buffer->getAttrOfType<mlir::StringAttr>("horn.name");
      memory.parts.push_back({name ? name.str() : horn::nameByOrigin(buffer.getBuffer()), step.getName().str(),
                              typeText(type), type.hasStaticShape() ? bytes : 0, type.hasStaticShape() ? 0 : bytes});
    });
  return memory;
}

void measureMemory(const CompileRequest &request, MemorySummary &memory) {
  Session session(request);
  auto module = session.elaborateModel(request.modelName);
  if (!module)
    throw Failure{SystemFailed, "internal error: the model changed while it was read"};
  PipelineOptions pipeline;
  pipeline.vectorBytes = vectorBytesOf(hostCpu());
  pipeline.registers = registersOf(hostCpu());
  bool planned = false;
  auto onStage = [&](llvm::StringRef name, mlir::ModuleOp state) {
    planned = name == "memory";
    if (planned)
      memory = memoryOf(state);
    return !planned;
  };
  if (mlir::failed(runPipeline(*module, pipeline, onStage)) && !planned)
    throw Failure{SystemFailed, "internal error: no plan of the memory" + session.internalErrors};
}

Compilation compileModel(const CompileRequest &request) {
  Session session(request);
  auto module = session.elaborateModel(request.modelName);
  Compilation result = session.outcome();
  if (!module)
    return result;

  Stages stages(request, result);
  if (request.keepStages && !stages.add("import", printHorn(session.program.files.back())))
    return result;
  if (!stages.add("elaborate", *module))
    return result;

  CodegenOptions codegen;
  codegen.cpu = request.cpu == "native" ? hostCpu() : request.cpu;
  codegen.version = HORNFELS_VERSION;
  codegen.laps = request.laps;
  if (!request.architectures.empty())
    codegen.target = "cuda";
  codegen.architectures = request.architectures;
  codegen.math = request.math;
  PipelineOptions pipeline;
  pipeline.fuse = request.fuse;
  pipeline.lazyRows = request.lazyRows;
  pipeline.device = codegen.target == "cuda";
  pipeline.math = codegen.math;
  pipeline.vectorBytes = vectorBytesOf(codegen.cpu);
  pipeline.registers = registersOf(codegen.cpu);
  std::string reached = "elaborate";
  auto onStage = [&](llvm::StringRef name, mlir::ModuleOp state) {
    reached = name.str();
    return stages.add(name, state);
  };
  if (mlir::failed(runPipeline(*module, pipeline, onStage)) && !stages.stopped())
    throw Failure{SystemFailed, fmt::format("internal error: compilation failed after stage `{}`{}", reached,
                                            session.internalErrors)};
  if (stages.stopped())
    return result;
  mlir::FailureOr<GeneratedModel> generated = generateModel(*module, codegen);
  const bool cuda = codegen.target == "cuda";
  if (mlir::failed(generated) || cuda != llvm::StringRef(generated->source.path).ends_with(".cu"))
    throw Failure{SystemFailed, fmt::format("internal error: no {} for this model{}", cuda ? "CUDA" : "C++", session.internalErrors)};
  if (!request.embeddedWeights.empty()) {
    const std::string start = generated->name + "_weights";
    const EmbeddingFiles embedding = embeddingFiles(generated->name);
    result.files.push_back({start + ".bin", embeddedWeights(request.embeddedWeights, embeddedVariables(*module))});
    result.files.push_back({start + ".h", embedding.header});
    result.files.push_back({start + ".cpp", embedding.source});
    generated->main.text += embedding.main;
    generated->cmake.text += embedding.cmake;
  }
  result.architectures = request.architectures;
  addFiles(result, *generated);
  if (!request.embeddedWeights.empty())
    result.programSources.push_back(generated->name + "_weights.cpp");
  result.cpu = codegen.cpu;
  result.countsHeapCalls = request.laps && request.architectures.empty(); // CUDA's own are none of a step's
  return result;
}

} // namespace hornfels::driver
