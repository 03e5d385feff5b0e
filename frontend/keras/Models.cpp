// Models and what all of them have: names, inputs, layers. A Sequential is one pipe.
#include "frontend/keras/ReaderImpl.h"

#include <algorithm>

namespace hornfels::keras {

/// Words that no name of a model's may hide: what the text that is made here says, and the language's own.
static constexpr const char *languageWords[] = {
    "if",        "else",     "for",        "in",           "return",        "require",  "and",
    "or",        "not",      "true",       "false",        "none",          "model",    "layer",
    "fn",        "train",    "optimizer",  "metric",       "weight",        "state",    "slot",
    "step",      "minimize", "over",       "import",       "keeps_mask",    "training", "batch",
    "tokens",    "real",     "f32",        "f64",          "bf16",          "f16",      "i32",
    "i64",       "u8",       "bool",       "int",          "float",         "string",   "shape",
    "list",      "function", "tanh",       "sigmoid",      "softplus",      "zeros",    "ones",
    "multi_hot", "mask",     "with_mask", "expand_dims", "abs",      "exp",        "log",          "sqrt",          "square",   "loss",
    "epochs",    "metrics",  "batch_size", "loss_weights", "sample_weight", "name",     "trainable"};

Reader::Reader(const Json &root, const ReadOptions &options, Diagnostics &diagnostics)
    : root(root), options(options), diagnostics(diagnostics) {
  for (const char *word : languageWords)
    modelNames.reserve(word);
  for (const auto &[name, definition] : library.program().definitions)
    modelNames.reserve(name);
  for (const std::string &name : options.tokens)
    usedOptions["--tokens " + name] = false;
  for (const auto &[name, sizes] : options.shapes)
    usedOptions["--shape " + name] = false;
}

std::string Reader::optionError() const {
  for (const auto &[option, isUsed] : usedOptions)
    if (!isUsed)
      return "option `" + printable(option) + "`: the model has no such input";
  return {};
}

/// The name given by `option`, by the input's name in the file or in Horn; empty if there is none.
std::string Reader::optionName(const Input &input, bool isTokens) {
  for (const std::string &name : {input.inFile, input.inHorn}) {
    bool isThere = isTokens ? std::count(options.tokens.begin(), options.tokens.end(), name) != 0
                            : options.shapes.count(name) != 0;
    if (!isThere)
      continue;
    usedOptions[(isTokens ? "--tokens " : "--shape ") + name] = true;
    return name;
  }
  return {};
}

//===--------------------------------------------------------------------===//
// The frame of a model
//===--------------------------------------------------------------------===//

Reader::Body Reader::beginModel(const Object &object, const std::string &otherwise, bool isMain) {
  const Json *given = object.config && object.config->isObject() ? object.get("name") : nullptr;
  std::string inFile = given && given->isString() ? given->text : otherwise;
  std::string name = legalName(inFile, otherwise);
  if (modelNames.has(name))
    name = name == "model" ? "network" : name + "_model";
  name = modelNames.take(name);
  if (isMain)
    mainName = name;
  auto definition = std::make_unique<Definition>();
  definition->kind = DefinitionKind::Model;
  definition->name = {name, object.place};
  definition->range = definition->header = definition->body.range = object.place;
  definition->call.emplace();
  definition->call->range = object.place;
  definition->documentation = "Keras's " + object.className + " \"" + commentText(inFile) + "\".";
  return {std::move(definition), modelNames};
}

void Reader::addResult(Definition &definition, const std::string &name, SourceRange range) {
  Result result;
  result.name = Name{name, range};
  result.range = range;
  definition.results.push_back(std::move(result));
  definition.resultsAreTuple = definition.results.size() > 1;
}

static std::optional<ElementType> elementOf(const Json *dtype) {
  if (!dtype || dtype->isNull())
    return ElementType::Real;
  const Json *config = dtype->find("config");
  const Json *name = dtype->isString() ? dtype : config ? config->find("name") : nullptr;
  if (!name || !name->isString())
    return std::nullopt;
  if (name->text == "float32")
    return ElementType::Real;
  if (name->text == "int32" || name->text == "int64")
    return name->text == "int32" ? ElementType::I32 : ElementType::I64;
  return name->text == "bool" ? std::optional(ElementType::Bool) : std::nullopt;
}

static Axis axisOf(SourceRange range, int64_t size) {
  Axis axis;
  axis.range = range;
  axis.size = integerNode(range, size);
  return axis;
}

/// The sizes without the batch's: those of the file, and for each null one of --shape.
bool Reader::addAxes(TypeExpr &type, const Input &input) {
  std::string option = optionName(input, false);
  std::vector<int64_t> open = option.empty() ? std::vector<int64_t>{} : options.shapes.at(option);
  std::string shown = printable(input.inHorn);
  if (!input.shape) {
    for (int64_t size : open)
      type.axes.push_back(axisOf(input.range, size));
    if (!open.empty())
      return true;
    error(input.range, "the file does not say the shape of the model's input")
        .note("give its sizes without the batch: --shape " + shown + "=N");
    return false;
  }
  if (!expect(*input.shape, JsonKind::List, "a shape"))
    return false;
  if (input.shape->items.empty() ||
      !(input.shape->items[0].isNull() || input.shape->items[0].kind == JsonKind::Integer)) {
    error(input.shape->range, "expected a shape that begins with the batch, null or a number");
    return false;
  }
  size_t used = 0;
  for (size_t i = 1; i < input.shape->items.size(); ++i) {
    const Json &size = input.shape->items[i];
    if (size.kind == JsonKind::Integer && size.integer > 0) {
      type.axes.push_back(axisOf(size.range, size.integer));
    } else if (size.isNull() && used < open.size()) {
      type.axes.push_back(axisOf(size.range, open[used++]));
    } else if (size.isNull()) {
      error(size.range, "the file leaves this size of the input `" + shown + "` open")
          .note("give it: --shape " + shown + "=N");
      return false;
    } else {
      error(size.range, "expected a size above 0 or null");
      return false;
    }
  }
  if (used == open.size())
    return true;
  error(input.shape->range, "--shape gives " + std::to_string(open.size()) + " sizes, the file leaves " +
                                std::to_string(used) + " open");
  return false;
}

/// Adds the parameter. With --tokens it is `tokens[V]`, and what is returned is not the input but `multi_hot`
/// of it.
std::string Reader::addInput(Body &body, Input &input) {
  input.inHorn = body.names.take(legalName(input.inFile, "input"));
  Parameter parameter;
  parameter.name = {input.inHorn, input.range};
  parameter.range = input.range;
  TypeExpr type;
  type.range = input.range;
  bool isTokens = !optionName(input, true).empty();
  bool hasAxes = addAxes(type, input);
  if (hasAxes) {
    std::optional<ElementType> element = elementOf(input.dtype);
    hasAxes = !isTokens || type.axes.size() == 1;
    if (!hasAxes)
      error(input.range, "--tokens reads an input of shape (None, V); `" + input.inHorn + "` has " +
                             std::to_string(type.axes.size() + 1) + " axes");
    if (!element)
      error(input.dtype->range, "an input is of float32, int32, int64 or bool in this version");
    hasAxes &= element.has_value();
    type.element = element.value_or(ElementType::Real);
  }
  if (!hasAxes) { // a type that nothing is said about
    type.axes.clear();
    type.axes.emplace_back().size = lostNode(input.range);
  }
  type.kind = isTokens ? TypeKind::Tokens : TypeKind::Tensor;
  parameter.type = std::move(type);
  body.definition->call->parameters.push_back(std::move(parameter));
  if (!isTokens)
    return input.inHorn;
  std::string rows = body.names.take(input.inHorn + "_rows");
  auto pipe = std::make_unique<PipeExpr>(input.range);
  pipe->input = nameNode(input.range, input.inHorn);
  pipe->stages.push_back(nameNode(input.range, "multi_hot"));
  body.definition->body.statements.push_back(bindNode({rows, input.range}, std::move(pipe)));
  return rows;
}

//===--------------------------------------------------------------------===//
// Layers
//===--------------------------------------------------------------------===//

const std::vector<Json> *Reader::layersOf(const Object &object) {
  const Json *layers = object.config && object.config->isList() ? object.config : object.get("layers");
  if (!layers) {
    error(object.place, "the config of this model has no `layers`");
    return nullptr;
  }
  return expect(*layers, JsonKind::List, "`layers`") ? &layers->items : nullptr;
}

std::string Reader::layerName(const Object &layer, const std::string &otherwise) {
  const Json *name = layer.json->find("name");
  if (!name || !name->isString())
    name = layer.get("name");
  return name && name->isString() ? name->text : otherwise;
}

ExprPtr Reader::layerValue(const Object &layer, const std::string &explicitName) {
  std::vector<Argument> arguments;
  std::string kind = library.layerKind(layer.className);
  bool isModel = layer.className == "Functional" || layer.className == "Model";
  const Json *trainable = layer.get("trainable");
  bool isFrozen = isInFrozenModel || (trainable && trainable->isFalse());
  if (isModel) {
    if (!nestedModels.count(layer.json))
      readModel(layer, false);
    const std::string &model = nestedModels[layer.json];
    return model.empty() ? lostNode(layer.place) : nameNode(layer.place, model);
  }
  if (layer.className == "Sequential") {
    if (const std::vector<Json> *layers = layersOf(layer))
      for (ExprPtr &stage : stagesOf(*layers, ""))
        arguments.push_back(argument(std::move(stage)));
  } else if (const Definition *definition = library.find(kind, DefinitionKind::Layer)) {
    arguments = argumentsOf(*definition, layer);
  } else if (layer.className == "RNN" || layer.className == "StackedRNNCells") {
    error(layer.place, "`" + layer.className + "`, cells of one's own choice, is not known in this version")
        .note("LSTM, GRU and SimpleRNN are, one layer behind another");
    return lostNode(layer.place);
  } else {
    error(layer.place, "the library has no layer `" + printable(kind.substr(0, 64)) + "` (Keras's `" +
                           printable(layer.className.substr(0, 64)) + "`)");
    return lostNode(layer.place);
  }
  if (isFrozen)
    arguments.push_back(argument(boolNode(layer.place, false), "trainable"));
  if (!explicitName.empty())
    arguments.push_back(argument(stringNode(layer.place, explicitName), "name"));
  return valueNode(layer.place, kind, std::move(arguments));
}

/// Layers one after another. The last one is named `lastName` by what it is bound to, where that is not
/// empty.
std::vector<ExprPtr> Reader::stagesOf(const std::vector<Json> &layers, const std::string &lastName) {
  std::vector<ExprPtr> stages;
  NameSet names;
  AutomaticNames automatic;
  for (size_t i = 0; i < layers.size(); ++i) {
    std::optional<Object> layer = objectOf(layers[i], "a layer");
    if (!layer)
      stages.push_back(lostNode(layers[i].range));
    if (!layer || (i == 0 && layer->className == "InputLayer"))
      continue;
    std::string kind = legalName(library.layerKind(layer->className), "layer");
    std::string name = names.take(legalName(layerName(*layer, kind), kind));
    bool isBound = i + 1 == layers.size() && !lastName.empty();
    bool isImplied = isBound ? name == lastName : automatic.gives(kind, name);
    stages.push_back(layerValue(*layer, isImplied ? "" : name));
  }
  return stages;
}

//===--------------------------------------------------------------------===//
// Sequential
//===--------------------------------------------------------------------===//

Reader::Input Reader::sequentialInput(const Object &object, const std::vector<Json> &layers) {
  Input input{"input", "", object.place, nullptr, nullptr};
  std::optional<Object> first =
      layers[0].isObject() && layers[0].find("class_name") ? objectOf(layers[0], "a layer") : std::nullopt;
  if (first)
    for (const char *key : {"batch_shape", "batch_input_shape"})
      if (const Json *shape = first->get(key); shape && !input.shape)
        input.shape = shape;
  if (input.shape) {
    bool isInput = first->className == "InputLayer";
    input.range = first->place;
    input.inFile = layerName(*first, "input") + (isInput ? "" : "_input");
    input.dtype = isInput ? first->get("dtype") : nullptr;
    return input;
  }
  const Json *build = object.json->find("build_config");
  for (const Json *shape : {build ? build->find("input_shape") : nullptr,
                            object.config->isObject() ? object.get("build_input_shape") : nullptr})
    if (shape && shape->isList() && !input.shape)
      input.shape = shape;
  return input;
}

void Reader::readSequential(const Object &object, bool isMain) {
  const std::vector<Json> *layers = layersOf(object);
  if (!layers)
    return;
  Body body = beginModel(object, "sequential", isMain);
  if (layers->empty()) {
    error(object.place, "this model has no layers");
    return;
  }
  Input input = sequentialInput(object, *layers);
  std::string start = addInput(body, input);
  auto pipe = std::make_unique<PipeExpr>(object.place);
  // `review |> multi_hot |> dense(16)` is one pipe.
  if (!body.definition->body.statements.empty()) {
    body.definition->body.statements.clear();
    pipe->stages.push_back(nameNode(input.range, "multi_hot"));
  }
  pipe->input = nameNode(input.range, input.inHorn);

  std::string inFile = "output";
  const Json &last = layers->back();
  if (const Json *config = last.find("config"))
    if (const Json *name = config->find("name"); name && name->isString())
      inFile = name->text;
  std::string output = legalName(inFile, "output");
  output = body.names.has(output) ? body.names.take("output") : body.names.take(output);
  for (ExprPtr &stage : stagesOf(*layers, output))
    pipe->stages.push_back(std::move(stage));
  if (pipe->stages.empty()) {
    error(object.place, "this model has no layers");
    return;
  }
  body.definition->body.statements.push_back(bindNode({output, object.place}, std::move(pipe)));
  addResult(*body.definition, output, object.place);
  if (isMain)
    outputs.push_back({inFile, output});
  models.push_back(std::move(body.definition));
}

void Reader::readModel(const Object &object, bool isMain) {
  size_t before = models.size();
  const Json *trainable = isMain ? nullptr : object.get("trainable");
  const bool wasFrozen = isInFrozenModel;
  isInFrozenModel |= trainable && trainable->isFalse();
  if (object.className == "Sequential")
    readSequential(object, isMain);
  else
    readFunctional(object, isMain);
  isInFrozenModel = wasFrozen;
  nestedModels[object.json] = models.size() > before ? models.back()->name.text : "";
}

//===--------------------------------------------------------------------===//
// The file
//===--------------------------------------------------------------------===//

SyntaxFile Reader::read(FileId file) {
  SyntaxFile syntax;
  syntax.file = file;
  std::optional<Object> object = objectOf(root, "a model");
  if (!object)
    return syntax;
  for (const char *known : {"Sequential", "Functional", "Model"})
    if (object->className == known) {
      readModel(*object, true);
      if (const Json *config = root.find("compile_config"); config && !config->isNull())
        readTraining(*config);
      (diagnostics.hasErrors() ? syntax.damaged : syntax.definitions) = std::move(models);
      return syntax;
    }
  error(object->place, "expected a Sequential or Functional model, found `" +
                           printable(object->className.substr(0, 64)) + "`");
  return syntax;
}

KerasModel readKeras(FileId file, const ReadOptions &options, const SourceManager &sources,
                     Diagnostics &diagnostics) {
  KerasModel model;
  model.syntax.file = file;
  std::optional<Json> root = parseJson(file, sources, diagnostics);
  if (!root)
    return model;
  model.root = std::move(*root);
  Reader reader(model.root, options, diagnostics);
  model.syntax = reader.read(file);
  if (!diagnostics.hasErrors())
    model.optionError = reader.optionError();
  return model;
}

} // namespace hornfels::keras
