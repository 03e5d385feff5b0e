// Keras's objects, `{"class_name": ..., "config": ...}`, to calls of the library's definitions.
#include "frontend/horn/Printer.h"
#include "frontend/keras/ReaderImpl.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hornfels::keras {

Library::Library() {
  SyntaxFile empty;
  empty.file = sources.add("<keras>", "");
  definitions = loadProgram(std::move(empty), LoadOptions{}, sources, diagnostics);
}

const Definition *Library::find(const std::string &name, DefinitionKind kind) const {
  const Definition *definition = definitions.find(name);
  return definition && definition->kind == kind ? definition : nullptr;
}

std::string Library::layerKind(const std::string &className) const {
  std::string kind = snakeCase(className);
  bool isOther = !find(kind, DefinitionKind::Layer) && find(kind + "_layer", DefinitionKind::Layer);
  return isOther ? kind + "_layer" : kind;
}

static bool endsWith(const std::string &text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

static bool contains(std::initializer_list<std::string_view> list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool Reader::expect(const Json &json, JsonKind kind, const std::string &what) {
  if (json.kind == kind)
    return true;
  error(json.range, what + ": expected " + spelling(kind) + ", found " + spelling(json.kind));
  return false;
}

const Json *Reader::stringAt(const Json &object, const char *key, const std::string &what) {
  const Json *value = object.find(key);
  if (!value) {
    SourceRange brace{object.range.file, object.range.begin, object.range.begin + 1};
    error(brace, what + " has no `" + key + "`");
    return nullptr;
  }
  return expect(*value, JsonKind::String, std::string("`") + key + "`") ? value : nullptr;
}

std::optional<Object> Reader::objectOf(const Json &json, const std::string &what) {
  if (!expect(json, JsonKind::Object, what))
    return std::nullopt;
  const Json *className = stringAt(json, "class_name", what);
  if (!className)
    return std::nullopt;
  Object object{&json, className->text, className->range, json.find("config")};
  if (refuseCode(json, object))
    return std::nullopt;
  if (object.config && object.config->isNull())
    object.config = nullptr;
  if (object.config && !object.config->isList() && !expect(*object.config, JsonKind::Object, "`config`"))
    return std::nullopt;
  return object;
}

bool Reader::refuseCode(const Json &json, const Object &object) {
  std::string shown = "`" + printable(object.className.substr(0, 64)) + "`";
  if (contains({"Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod"},
               object.className)) {
    error(object.place, shown + " carries code of its author's, which is never run");
    return true;
  }
  if (contains({"function", "builtin_function_or_method", "type"}, object.className)) {
    bool isNamed = object.config && object.config->isString();
    error(object.place,
          (isNamed ? "the function `" + printable(object.config->text.substr(0, 64)) + "`" : "a function") +
              " is code of its author's, of which the file has only the name")
        .note("write it in Horn: `hornfels import` shows the rest of the model");
    return true;
  }
  const Json *module = json.find("module");
  if (module && module->isString()) {
    std::string_view name = module->text;
    for (std::string_view own : {"keras", "tf_keras", "tensorflow", "builtins"})
      if (name == own ||
          (name.substr(0, own.size()) == own && name.size() > own.size() && name[own.size()] == '.'))
        return false;
  } else {
    const Json *registered = json.find("registered_name");
    bool isOwn = registered && registered->isString() && registered->text.find('>') != std::string::npos;
    if (!isOwn)
      return false;
    module = registered;
  }
  error(object.place, shown + " is a class of its author's (`" + printable(module->text.substr(0, 64)) +
                          "`), of which the file has only the name");
  return true;
}

//===--------------------------------------------------------------------===//
// Functions: activations, initializers, ...
//===--------------------------------------------------------------------===//

/// A function of the library or, of those that are operations, the ones that Keras gives the same name.
ExprPtr Reader::functionNamed(const Json &text, const std::string &name, const std::string &what) {
  bool isActivation = what == "activation";
  bool isOperation = isActivation ? contains({"tanh", "sigmoid", "softplus"}, name)
                                  : what == "initializer" && contains({"zeros", "ones"}, name);
  if (isOperation || library.find(name, DefinitionKind::Function) ||
      (what == "metric" && library.find(name, DefinitionKind::Metric)))
    return nameNode(text.range, name);
  Nearest search(name);
  for (const auto &[candidate, definition] : library.program().definitions)
    if (definition->kind == DefinitionKind::Function)
      search.offer(candidate);
  error(text.range, "the library has no " + what + " `" + printable(name.substr(0, 64)) + "`")
      .didYouMean(search.name());
  return nullptr;
}

/// Keras's short names of losses that the library has under their long ones.
static std::string longName(const std::string &name) {
  static const std::map<std::string, std::string> names = {{"bce", "binary_crossentropy"},
                                                           {"kld", "kl_divergence"},
                                                           {"kullback_leibler_divergence", "kl_divergence"},
                                                           {"logcosh", "log_cosh"}};
  auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

/// A name, or an object with options.
ExprPtr Reader::functionOf(const Json &json, const std::string &what) {
  if (json.isString()) {
    // "relu", "GlorotUniform", "MSE"
    bool isAllUpper =
        std::none_of(json.text.begin(), json.text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    std::string name = snakeCase(json.text);
    if (isAllUpper)
      name.erase(std::remove(name.begin(), name.end(), '_'), name.end());
    return functionNamed(json, longName(name), what);
  }
  std::optional<Object> object = objectOf(json, what);
  if (!object)
    return nullptr;
  std::string name = snakeCase(object->className);
  Json place;
  place.range = object->place;
  ExprPtr function = functionNamed(place, name, what);
  if (!function)
    return nullptr;
  const Definition *definition = library.program().find(name);
  static const Definition operation; // zeros, tanh: nothing to configure
  return valueNode(object->place, name, argumentsOf(definition ? *definition : operation, *object));
}

//===--------------------------------------------------------------------===//
// Values and arguments
//===--------------------------------------------------------------------===//

static std::string familyOf(const std::string &parameter) {
  for (const char *family : {"activation", "initializer", "regularizer", "constraint"})
    if (endsWith(parameter, family))
      return family;
  return {};
}

static bool takesFunction(const Parameter &parameter) {
  return !familyOf(parameter.name.text).empty() ||
         (parameter.type &&
          (parameter.type->kind == TypeKind::Function || parameter.type->kind == TypeKind::Layer));
}

ExprPtr Reader::stringValue(const Json &json, const Parameter *parameter) {
  if (parameter && takesFunction(*parameter))
    return functionOf(json,
                      familyOf(parameter->name.text).empty() ? "function" : familyOf(parameter->name.text));
  bool isPlain = json.text.size() <= 64 &&
                 std::all_of(json.text.begin(), json.text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (isPlain)
    return stringNode(json.range, json.text);
  error(json.range, "expected at most 64 printable characters of ASCII");
  return nullptr;
}

/// The number of the fewest digits that is the same f32: 0.001 for 0.0010000000474974513.
static double shortestFloat(double value) {
  char digits[64];
  auto end = std::to_chars(digits, digits + sizeof digits, static_cast<float>(value)).ptr;
  double shortest = value;
  std::from_chars(digits, end, shortest);
  return std::isfinite(shortest) ? shortest : value;
}

ExprPtr Reader::valueOf(const Json &json, const Parameter *parameter) {
  bool isFloat = parameter && parameter->type && parameter->type->kind == TypeKind::Float;
  switch (json.kind) {
  case JsonKind::Null:
    if (parameter && familyOf(parameter->name.text) == "activation")
      return nameNode(json.range, "linear");
    return noneNode(json.range);
  case JsonKind::Bool:
    return boolNode(json.range, json.boolean);
  case JsonKind::Integer:
    return isFloat ? floatNode(json.range, json.real) : integerNode(json.range, json.integer);
  case JsonKind::Float: {
    // A learning rate is an f32 in Keras: the shortest number that is the same f32.
    bool isRate = parameter && parameter->name.text == "learning_rate";
    return floatNode(json.range, isRate ? shortestFloat(json.real) : json.real);
  }
  case JsonKind::String:
    return stringValue(json, parameter);
  case JsonKind::List: {
    std::vector<ExprPtr> elements;
    for (const Json &item : json.items)
      if (ExprPtr element = valueOf(item, parameter))
        elements.push_back(std::move(element));
    return elements.size() == json.items.size() ? listNode(json.range, std::move(elements)) : nullptr;
  }
  case JsonKind::Object:
    break;
  }
  const Json *className = json.find("class_name");
  const Json *items = json.find("items");
  if (className && className->text == "__tuple__" && items && items->isList())
    return valueOf(*items, parameter);
  if (parameter && parameter->name.text == "learning_rate")
    return functionOf(json, "learning rate schedule");
  if (parameter && takesFunction(*parameter) && !familyOf(parameter->name.text).empty())
    return functionOf(json, familyOf(parameter->name.text));
  if (std::optional<Object> object = objectOf(json, "this value"))
    error(object->place, "`" + printable(object->className.substr(0, 64)) + "` is not known here");
  return nullptr;
}

/// Whether an argument says what is the default anyway.
static bool isDefault(const Expr &value, const Expr *byDefault) {
  if (!byDefault)
    return false;
  auto number = [](const Expr &e) -> std::optional<double> {
    if (const auto *integer = as<IntegerExpr>(&e))
      return static_cast<double>(integer->value);
    if (const auto *real = as<FloatExpr>(&e))
      return real->value;
    return std::nullopt;
  };
  std::optional<double> a = number(value), b = number(*byDefault);
  return a && b ? *a == *b : printHorn(value) == printHorn(*byDefault);
}

/// Names that Keras 2 has for parameters of today.
static const Json *oldName(const Object &object, const std::string &parameter) {
  if (parameter == "negative_slope")
    return object.get("alpha");
  return parameter == "learning_rate" ? object.get("lr") : nullptr;
}

std::vector<Argument> Reader::argumentsOf(const Definition &definition, const Object &object,
                                          const std::vector<std::string> &alsoTaken) {
  std::vector<Argument> arguments;
  const unsigned errorsBefore = diagnostics.errorCount();
  NameSet known;
  bool isPositional = true;
  static const std::vector<Parameter> none;
  for (const Parameter &parameter : definition.configuration ? definition.configuration->parameters : none) {
    const std::string &name = parameter.name.text;
    known.reserve(name);
    const Json *json = object.get(name);
    if (!json && (json = oldName(object, name)))
      known.reserve(name == "negative_slope" ? "alpha" : "lr");
    if (!json) {
      if (!parameter.defaultValue && !parameter.isVariadic)
        error(object.place, "the config of `" + printable(object.className) + "` has no `" + name + "`");
      if (!parameter.defaultValue && !parameter.isVariadic)
        arguments.push_back(argument(lostNode(object.place), name));
      isPositional = false;
      continue;
    }
    bool isLayer = parameter.type && parameter.type->kind == TypeKind::Layer;
    const Json *forward = object.get("layer");
    if (isLayer && name == "backward_layer" && forward && isMirror(*forward, *json)) {
      isPositional = false;
      continue;
    }
    ExprPtr value = isLayer ? wrappedLayer(*json, definition, parameter) : valueOf(*json, &parameter);
    if (!value)
      arguments.push_back(argument(lostNode(json->range), name));
    if (!value || (isDefault(*value, parameter.defaultValue.get()) && name != "learning_rate")) {
      isPositional = false;
      continue;
    }
    isPositional = isPositional && (!parameter.defaultValue || name == "activation");
    arguments.push_back(argument(std::move(value), isPositional ? "" : name));
  }
  if (!object.config || !object.config->isObject())
    return arguments;
  for (size_t i = 0; i < object.config->keys.size(); ++i) {
    const std::string &key = object.config->keys[i].text;
    const Json &value = object.config->items[i];
    if (known.has(key) || isNeutral(key, value))
      continue;
    const Json *averages = object.get("use_ema");
    if (key == "ema_momentum" && (!averages || !averages->isTrue()))
      continue; // of an average that is not kept
    if (key == "dtype" && endsWith(object.className, "IoU"))
      continue; // metrics that count pairs of classes say int32
    if (std::find(alsoTaken.begin(), alsoTaken.end(), key) == alsoTaken.end())
      error(object.config->keys[i].range, "`" + printable(object.className.substr(0, 64)) + "` takes no `" +
                                              printable(key.substr(0, 64)) + "` in this version");
    else if (ExprPtr node = valueOf(value, nullptr))
      arguments.push_back(argument(std::move(node), key));
  }
  if (diagnostics.errorCount() != errorsBefore)
    arguments.push_back(lostArgument(object.place));
  return arguments;
}

bool Reader::isFloat32(const Json &json) {
  if (json.isNull() || (json.isString() && json.text == "float32"))
    return true;
  const Json *config = json.find("config");
  const Json *name = config ? config->find("name") : nullptr;
  return name && name->isString() && name->text == "float32";
}

/// What the library's definition does not take and need not: what says nothing, or what it does anyway.
bool Reader::isNeutral(const std::string &key, const Json &value) {
  if (value.isNull() || contains({"name", "batch_input_shape", "batch_shape", "seed", "jit_compile",
                                  "implementation", "use_cudnn", "unroll", "is_legacy_optimizer",
                                  "trainable", "zero_output_for_mask", "build_input_shape", "autocast", "renorm_momentum"},
                                 key))
    return true;
  if (key == "dtype")
    return isFloat32(value);
  if (value.isFalse())
    return contains({"sparse", "ragged", "stateful", "go_backwards", "return_state", "return_sequences",
                     "time_major", "zero_output_for_mask", "use_ema", "synchronized", "renorm", "mask_zero", "weight_decay",
                     "from_logits"},
                    key);
  if (value.isString())
    return (key == "data_format" && value.text == "channels_last") ||
           (key == "reduction" && contains({"sum_over_batch_size", "auto"}, value.text));
  if (value.isList() && key == "dilation_rate")
    return std::all_of(value.items.begin(), value.items.end(),
                       [](const Json &item) { return item.kind == JsonKind::Integer && item.integer == 1; });
  if (!value.isNumber())
    return false;
  return (key == "decay" && value.real == 0) || (key == "weight_decay" && value.real == 0) ||
         (key == "axis" && value.real == -1) ||
         (contains({"groups", "dilation_rate"}, key) && value.real == 1);
}

} // namespace hornfels::keras
