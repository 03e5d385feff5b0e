// The table of the ABI, the header and the build file of a model.
#include "codegen/project/ModelPrinter.h"

#include "ir/Structure.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

ArrayAttr ModelPrinter::list(StringRef attribute) const {
  auto entries = module->getAttrOfType<ArrayAttr>(attribute);
  return entries ? entries : ArrayAttr::get(module.getContext(), {});
}

std::string ModelPrinter::text(StringRef attribute) const {
  auto value = module->getAttrOfType<StringAttr>(attribute);
  return value ? value.str() : "";
}

static std::string abiType(Type type) {
  if (auto tokens = dyn_cast<TokensType>(type))
    return tokens.getVocabulary() <= 65536 ? "HORNFELS_TOKENS16" : "HORNFELS_TOKENS32";
  Type element = cast<RankedTensorType>(type).getElementType();
  if (element.isF64())
    return "HORNFELS_F64";
  if (element.isInteger(32))
    return "HORNFELS_I32";
  if (element.isInteger(64))
    return "HORNFELS_I64";
  if (element.isInteger(1))
    return "HORNFELS_BOOL";
  return "HORNFELS_F32";
}

/// Sizes without the batch axis.
static SmallVector<int64_t> shapeOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return {};
  SmallVector<int64_t> shape(tensor.getShape());
  if (!shape.empty() && shape.front() == kBatch)
    shape.erase(shape.begin());
  return shape;
}

static StringRef abiRole(StringRef role) {
  if (role == "weight")
    return "HORNFELS_WEIGHT";
  if (role == "state")
    return "HORNFELS_STATE";
  return role == "slot" ? "HORNFELS_SLOT" : "HORNFELS_METRIC";
}

/// Rows must be sets where every kernel counts an id once, sorted where one counts repeats.
int32_t ModelPrinter::tokenRows(StringRef input) const {
  auto rows = module->getAttrOfType<DictionaryAttr>("horn.token_rows");
  auto entry = rows ? rows.getAs<IntegerAttr>(input) : IntegerAttr();
  return entry ? static_cast<int32_t>(entry.getInt()) : 0;
}

static std::string stringOf(DictionaryAttr entry, StringRef key) {
  auto value = entry.getAs<StringAttr>(key);
  return value ? value.str() : "";
}

/// `static const hornfels_tensor NAME[] = {...}` and the shapes that it points to.
std::string ModelPrinter::printTensors(StringRef list, StringRef attribute) {
  static constexpr StringRef rows[] = {"HORNFELS_ROWS_AS_IS", "HORNFELS_ROWS_SORTED", "HORNFELS_ROWS_SETS"};
  std::string shapes, entries;
  unsigned offset = 0;
  for (Attribute attr : this->list(attribute)) {
    auto entry = cast<DictionaryAttr>(attr);
    Type type = entry.getAs<TypeAttr>("type").getValue();
    SmallVector<int64_t> shape = shapeOf(type);
    int64_t limit = 0;
    if (auto given = entry.getAs<IntegerAttr>("limit"))
      limit = given.getInt();
    std::string tokens = rows[0].str();
    if (auto tokensType = dyn_cast<TokensType>(type)) {
      limit = tokensType.getVocabulary();
      tokens = rows[tokenRows(stringOf(entry, "name"))];
    }
    auto classes = entry.getAs<BoolAttr>("accepts_classes");
    std::string role = stringOf(entry, "role");
    entries += "    {" + quoted(stringOf(entry, "name")) + ", " + abiType(type) + ", " +
               (role.empty() ? "0" : abiRole(role).str()) + ", " + std::to_string(shape.size()) + ", " + tokens + ", " +
               list.str() + "_shapes + " + std::to_string(offset) + ",\n     " + std::to_string(limit) + ", " +
               (classes && classes.getValue() ? "1" : "0") + ", " + quoted(stringOf(entry, "position")) + ", " +
               quoted(stringOf(entry, "limit_position")) + "},\n";
    for (int64_t size : shape)
      shapes += std::to_string(size) + ", ";
    offset += shape.size();
  }
  std::string table = entries.empty() ? "" : "static const int64_t " + list.str() + "_shapes[] = {" + shapes + "0};\n";
  return table + "static const hornfels_tensor " +
         list.str() + "[] = {\n" + entries + "    {}};\n\n";
}

/// Names, types, shapes and roles of all variables: two models with one hash can read each other's weights.
std::string ModelPrinter::structureHash() const {
  std::string structure;
  for (Attribute attr : list("horn.variables")) {
    auto entry = cast<DictionaryAttr>(attr);
    Type type = entry.getAs<TypeAttr>("type").getValue();
    structure += stringOf(entry, "name") + " " + stringOf(entry, "role") + " " + abiType(type);
    for (int64_t size : shapeOf(type))
      structure += " " + std::to_string(size);
    structure += "\n";
  }
  llvm::SHA256 hash;
  hash.update(structure);
  std::string text;
  constexpr size_t hashBytes = 16;
  std::array<uint8_t, 32> digest = hash.final();
  for (uint8_t byte : ArrayRef<uint8_t>(digest).take_front(hashBytes))
    text += {"0123456789abcdef"[byte / 16], "0123456789abcdef"[byte % 16]};
  return text;
}

bool ModelPrinter::isPacked() const {
  auto panels = module->getAttrOfType<DictionaryAttr>("horn.panels");
  return panels && !panels.empty();
}

/// Columns of a panel for each variable: how packed weights lie.
std::string ModelPrinter::printPanels() const {
  if (!isPacked())
    return "";
  auto panels = module->getAttrOfType<DictionaryAttr>("horn.panels");
  std::string row = "static const int32_t panels[] = {";
  for (Attribute entry : list("horn.variables")) {
    auto width = panels.getAs<IntegerAttr>(cast<DictionaryAttr>(entry).getAs<StringAttr>("name").getValue());
    row += std::to_string(width ? width.getInt() : 0) + ", ";
  }
  return "/* Columns of a panel of each variable; 0: it lies row by row. */\n" + row.substr(0, row.size() - 2) + "};\n\n";
}

/// Tables whose rows may be updated lazily, and what their slots are multiplied by.
std::string ModelPrinter::printLazyTables() const {
  std::string slots, tables;
  unsigned offset = 0;
  for (auto table : list("horn.lazy").getAsRange<DictionaryAttr>()) {
    auto type = cast<RankedTensorType>(table.getAs<TypeAttr>("type").getValue());
    int64_t rows = type.getDimSize(0);
    auto ofTable = table.getAs<ArrayAttr>("slots");
    tables += "    {" + std::to_string(rows) + ", " + std::to_string(type.getNumElements() / rows) + ", " + abiType(type) +
              ", " + std::to_string(ofTable.size()) + ", lazy_slots + " + std::to_string(offset) + "},\n";
    offset += ofTable.size();
    for (auto slot : ofTable.getAsRange<DictionaryAttr>())
      slots += "    {" + std::to_string(interface.variables.lookup(slot.getAs<StringAttr>("name").getValue())) + ", " +
               literal(slot.getAs<FloatAttr>("factor").getValueAsDouble(), Float64Type::get(module.getContext())) + "},\n";
  }
  if (tables.empty())
    return "";
  return "/* Tables that a step with few ids updates in part; their slots without gradient are multiplied by a factor. */\n"
         "static const decaying_slot lazy_slots[] = {\n" + slots + "    {}};\nstatic const lazy_table lazy_tables[] = {\n" +
         tables.substr(0, tables.size() - 2) + "};\n\n";
}

std::string ModelPrinter::printTable() {
  std::string result = printTensors("inputs", "horn.inputs") + printTensors("outputs", "horn.outputs") +
                       printTensors("targets", "horn.targets") + printTensors("variables", "horn.variables");
  result += "static const char *const metrics[] = {";
  for (Attribute metric : list("horn.metrics"))
    result += quoted(cast<StringAttr>(metric).getValue()) + ", ";
  result += "nullptr};\n\n";

  auto training = module->getAttrOfType<DictionaryAttr>("horn.training");
  bool trains = training && steps.contains("train_step");
  if (trains) {
    auto integer = [&](StringRef key, int64_t otherwise) {
      auto value = training.getAs<IntegerAttr>(key);
      return std::to_string(value ? value.getInt() : otherwise);
    };
    auto rate = training.getAs<FloatAttr>("learning_rate");
    auto schedule = training.getAs<StringAttr>("schedule");
    Type f64 = Float64Type::get(module.getContext());
    result += "static const hornfels_training training = {" + integer("epochs", 1) + ", " + integer("batch_size", 32) +
              ", " + literal(rate ? rate.getValueAsDouble() : 0.001, f64) + ", " +
              (schedule ? quoted(schedule.getValue()) : "nullptr") + "};\n\n";
  }
  bool onDevice = options.target == "cuda";
  if (!onDevice)
    result += printProgram();
  result += "static int32_t create_handle(void **handle, int64_t capacity) {\n"
            "  return hornfels::create(" + (onDevice ? deviceScope() + "::code" : std::string("code")) + ", handle, capacity);\n}\n\n";
  auto count = [&](StringRef attribute) { return std::to_string(list(attribute).size()); };
  result += "extern \"C\" const hornfels_model " + name + "_model = {\n    HORNFELS_ABI_VERSION,\n    " +
            quoted(text("horn.model")) + ",\n    " + quoted(text("horn.source")) + ",\n    " + quoted(structureHash()) +
            ",\n    " + count("horn.inputs") + ", " + count("horn.outputs") + ", " + count("horn.targets") + ", " +
            count("horn.variables") + ", " + count("horn.metrics") +
            ",\n    inputs, outputs, targets, variables, metrics,\n    " + (trains ? "&training" : "nullptr") +
            ",\n    create_handle, destroy, set_pool, hornfels::initialize, hornfels::train_step,\n"
            "    hornfels::evaluate_step, hornfels::predict, reset_metrics, get_metrics, get_variable,\n"
            "    set_variable, set_learning_rate, get_learning_rate, set_seed, get_seed, set_step, get_step,\n"
            "    last_error, arena_bytes" + (onDevice ? ", &functions_of_devices};\n" : "};\n");
  return result;
}

/// What handle.h needs: the sizes of the arena and the steps.
std::string ModelPrinter::printProgram() {
  auto arena = module->getAttrOfType<DenseI64ArrayAttr>("horn.arena");
  auto function = [&](StringRef step) { return steps.contains(step) ? step.str() : "nullptr"; };
  std::string sizes = "code = {&" + name + "_model, " + std::to_string(arena[0]) + ", " + std::to_string(arena[1]);
  std::string all = function("initialize") + ", " + function("predict") + ", " + function("evaluate_step") + ", " + function("train_step");
  if (options.target == "cuda") {
    std::string architectures = llvm::join(options.architectures, ",");
    return "static const device_program " + sizes + ",\n                                    " + all + ",\n" +
           "                                    " + (isDouble() ? "HORNFELS_F64" : "HORNFELS_F32") + ", " + quoted(architectures) + "};\n";
  }
  size_t lazyTables = list("horn.lazy").size();
  return printPanels() + printLazyTables() + "static const program " + sizes + ",\n                             " + all +
         (isPacked() ? ", panels" : lazyTables > 0 ? ", nullptr" : "") +
         (lazyTables > 0 ? ", lazy_tables, " + std::to_string(lazyTables) : "") + "};\n\n";
}

/// The model's real type is double.
bool ModelPrinter::isDouble() const {
  for (Attribute entry : list("horn.variables"))
    if (auto type = dyn_cast<RankedTensorType>(cast<DictionaryAttr>(entry).getAs<TypeAttr>("type").getValue()))
      if (type.getElementType().isF64())
        return true;
  return false;
}

namespace {
struct Function {
  StringRef result, name, parameters, arguments, comment;
};
} // namespace

/// What a function's comment says in addition where the model is on a device.
static StringRef onDevice(StringRef function) {
  if (function == "create")
    return " Then last_error(NULL) says what the machine lacks.";
  if (function == "set_pool")
    return " The device needs none.";
  if (function == "train_step" || function == "evaluate_step")
    return " Does not wait for the device: its faults\n * may come out of a later call.";
  return "";
}

/// Of models on a device, in hornfels_device.
static constexpr Function functionsOfDevices[] = {
    {"int32_t", "get_recent_metrics", "const MODEL *model, int64_t steps, double *values", "model, steps, values",
     "Loss and metrics after each of the last steps of training, the oldest first: values[steps][metrics]."},
    {"int32_t", "bind_data", "MODEL *model, int32_t set, const hornfels_rows *data, int64_t rows", "model, set, data, rows",
     "Copies all rows of a data set to the device: the inputs, then the targets. HORNFELS_OUT_OF_MEMORY: they do not fit;\n"
     " * train_step and evaluate_step go on. No rows: the data set is forgotten."},
    {"int32_t", "set_order", "MODEL *model, int32_t set, const uint32_t *order, int64_t count", "model, set, order, count",
     "In which order train_rows takes them; null: as they are."},
    {"int32_t", "train_rows", "MODEL *model, int32_t set, int64_t first, int64_t rows, int64_t batch",
     "model, set, first, rows, batch", "A train_step for each `batch` of these rows of the order, without waiting for the device."},
    {"int32_t", "evaluate_rows", "MODEL *model, int32_t set, int64_t first, int64_t rows, int64_t batch",
     "model, set, first, rows, batch", "An evaluate_step for each `batch` of these rows of the data set."},
};

std::string ModelPrinter::printHeader() const {
  static constexpr Function functions[] = {
      {"int32_t", "create", "MODEL **model, int64_t capacity", "(void **)model, capacity",
       "A handle for batches of up to `capacity` samples; 0 or a hornfels_status."},
      {"void", "destroy", "MODEL *model", "model", "Null is allowed."},
      {"int32_t", "initialize", "MODEL *model, uint64_t seed", "model, seed", "First values of all weights."},
      {"int32_t", "train_step", "MODEL *model, const hornfels_array *data, int64_t batch", "model, data, batch",
       "Forward, loss, backward and update on a batch: the inputs, then the targets, in the order above."},
      {"int32_t", "evaluate_step", "MODEL *model, const hornfels_array *data, int64_t batch", "model, data, batch",
       "Loss and metrics of a batch."},
      {"int32_t", "predict",
       "MODEL *model, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch",
       "model, inputs, outputs, batch", "The outputs for a batch of inputs."},
      {"int32_t", "reset_metrics", "MODEL *model", "model", "Before an epoch."},
      {"int32_t", "get_metrics", "const MODEL *model, double *values", "model, values",
       "Loss and metrics since then, one value for each name above."},
      {"int32_t", "get_variable", "const MODEL *model, int32_t index, void *data, int64_t size",
       "model, index, data, size", "A weight, in row-major order; `size` in elements."},
      {"int32_t", "set_variable", "MODEL *model, int32_t index, const void *data, int64_t size",
       "model, index, data, size", ""},
      {"int32_t", "set_pool", "MODEL *model, const hornfels_pool *pool", "model, pool",
       "Threads for the steps that follow; null: the caller's alone."},
      {"int32_t", "set_learning_rate", "MODEL *model, double rate", "model, rate", ""},
      {"double", "get_learning_rate", "const MODEL *model", "model", ""},
      {"int32_t", "set_seed", "MODEL *model, uint64_t seed", "model, seed", "Of dropout and its like."},
      {"uint64_t", "get_seed", "const MODEL *model", "model", ""},
      {"int32_t", "set_step", "MODEL *model, int64_t step", "model, step", "Optimizer steps done."},
      {"int64_t", "get_step", "const MODEL *model", "model", ""},
      {"const char *", "last_error", "const MODEL *model", "model",
       "Of the last call on this handle; \\\"\\\" if it was right."},
      {"int64_t", "arena_bytes", "const MODEL *model", "model", "Memory for what is between kernels."},
  };
  std::string guard = StringRef(name).upper() + "_H";
  std::string result = heading();
  result += "#ifndef " + guard + "\n#define " + guard + "\n\n#include \"runtime/core/abi.h\"\n"
            "#include \"runtime/core/weights.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  auto describe = [&](StringRef title, StringRef attribute) {
    for (auto [index, attr] : llvm::enumerate(list(attribute))) {
      auto entry = cast<DictionaryAttr>(attr);
      std::string type;
      llvm::raw_string_ostream(type) << entry.getAs<TypeAttr>("type").getValue();
      result += " *   " + title.str() + " " + std::to_string(index) + ": " + inComment(stringOf(entry, "name")) + ", " + type + "\n";
    }
  };
  result += "/* The interface is runtime/core/abi.h's, on a handle of this model's own type. Denormals count as zero\n"
            " * inside every call; the caller's mode is restored.\n";
  describe("input", "horn.inputs");
  describe("target", "horn.targets");
  describe("output", "horn.outputs");
  describe("variable", "horn.variables");
  for (auto [index, metric] : llvm::enumerate(list("horn.metrics")))
    result += " *   metric " + std::to_string(index) + ": " + inComment(cast<StringAttr>(metric).getValue()) + "\n";
  result += " */\ntypedef struct " + name + " " + name + ";\n\nextern const hornfels_model " + name + "_model;\n";
  auto print = [&](const Function &f, StringRef table) {
    std::string parameters = f.parameters.str();
    for (size_t at; (at = parameters.find("MODEL")) != std::string::npos;)
      parameters.replace(at, 5, name);
    std::string comment = f.comment.str() + (options.target == "cuda" ? onDevice(f.name) : "").str();
    for (size_t at; (at = comment.find("\\\"")) != std::string::npos;)
      comment.replace(at, 2, "\"");
    result += "\n";
    if (!comment.empty())
      result += "/* " + comment + " */\n";
    result += "static inline " + f.result.str() + (f.result.ends_with("*") ? "" : " ") + name + "_" + f.name.str() + "(" +
              parameters + ") {\n  " + (f.result == "void" ? "" : "return ") + name + "_model" + table.str() + f.name.str() + "(" +
              f.arguments.str() + ");\n}\n";
  };
  for (const Function &f : functions)
    print(f, ".");
  if (options.target == "cuda")
    for (const Function &f : functionsOfDevices)
      print(f, ".device->");
  result += "\n/* Weights and states from and to a .npz file; see runtime/core/weights.h. */\n"
            "static inline int32_t " + name + "_load(" + name + " *model, const char *path, char *error, size_t size) {\n"
            "  return hornfels_load_weights(&" + name + "_model, model, path, error, size);\n}\n\n"
            "static inline int32_t " + name + "_save(" + name + " *model, const char *path, char *error, size_t size) {\n"
            "  return hornfels_save_weights(&" + name + "_model, model, path, error, size);\n}\n";
  result += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return result;
}

} // namespace hornfels
