// Calls: arguments to parameters, configuration, bodies.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

std::optional<std::vector<CallArgument>> Interpreter::evaluateArguments(const CallExpr &expr) {
  std::vector<CallArgument> arguments;
  bool isGood = true;
  for (const Argument &argument : expr.arguments) {
    Value value = evaluate(*argument.value);
    if (!argument.isSpread) {
      arguments.push_back({argument.name ? &*argument.name : nullptr, std::move(value), argument.range});
      continue;
    }
    const ListValue *list = listIn(value);
    if (!list && !isPoison(value))
      error(argument.range, fmt::format("`*` takes a list apart, found {}", show(value)));
    if (!list) {
      isGood = false; // how many arguments there are is not known; the others are still evaluated
      continue;
    }
    for (const Value &element : list->elements)
      arguments.push_back({nullptr, element, argument.range});
  }
  if (!isGood)
    return std::nullopt;
  return arguments;
}

Value Interpreter::evaluateCall(const CallExpr &expr) {
  Value callee = evaluateCallee(*expr.callee);
  std::optional<std::vector<CallArgument>> arguments = evaluateArguments(expr);
  if (!arguments)
    return Poison();
  return call(callee, std::move(*arguments), &expr, expr.range);
}

/// `x |> e` is `e(x)`, with e as a value: `x |> flatten` is `flatten()(x)`.
Value Interpreter::evaluatePipe(const PipeExpr &expr) {
  Value value = evaluate(*expr.input);
  SourceRange place = expr.input->range;
  for (const ExprPtr &stage : expr.stages) {
    Value callee = evaluate(*stage);
    value = call(callee, {{nullptr, value, place}}, stage.get(), stage->range);
    place = stage->range;
  }
  return value;
}

/// Is a tensor, or a list with one in it: the mark of a call on data, not of a configuration.
static bool holdsTensor(const Value &value) {
  if (tensorIn(value))
    return true;
  const ListValue *list = listIn(value);
  return list && std::any_of(list->elements.begin(), list->elements.end(), holdsTensor);
}

/// A faulty value, or a list with one in it.
static bool holdsPoison(const Value &value) {
  if (isPoison(value))
    return true;
  const ListValue *list = listIn(value);
  return list && std::any_of(list->elements.begin(), list->elements.end(), isPoison);
}

Value Interpreter::call(const Value &callee, std::vector<CallArgument> arguments, const Expr *node,
                        SourceRange range) {
  if (isPoison(callee))
    return Poison();
  if (auto *builtin = getIf<const Builtin *>(callee))
    return callBuiltin(**builtin, std::move(arguments), node, range);
  if (auto layer = layerIn(callee))
    return callLayer(layer, std::move(arguments), node, range);
  const FunctionValue *function = functionIn(callee);
  if (!function) {
    error(range, fmt::format("{} cannot be called", show(callee)));
    return Poison();
  }
  const Definition &definition = *function->definition;
  // A layer may share its name with an operation: `concatenate([a, b])` on tensors is the operation.
  if (function->awaitsConfiguration() && !arguments.empty() && !arguments.front().name)
    if (const Builtin *builtin = findBuiltin(definition.name.text)) {
      if (holdsPoison(arguments.front().value))
        return Poison(); // either of the two
      bool isOnData = std::any_of(arguments.begin(), arguments.end(),
                                  [](const CallArgument &argument) { return holdsTensor(argument.value); });
      if (isOnData)
        return callBuiltin(*builtin, std::move(arguments), node, range);
    }
  if (function->awaitsConfiguration())
    return configure(*function, std::move(arguments), node, range);
  if (definition.kind == DefinitionKind::Layer || definition.kind == DefinitionKind::Model) {
    auto layer = instance(definition, function->closure, function->configured, node, range);
    return callLayer(layer, std::move(arguments), node, range);
  }
  return invoke(*function, std::move(arguments), node, range);
}

static std::string listText(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Gives every parameter of a list its value in the scope of the current frame, in order, so that a default
/// sees the parameters before it. One that was refused is bound to poison. False when something was reported.
bool Interpreter::bindParameters(const Definition &definition, const ParameterList &list,
                                 std::vector<CallArgument> arguments, SourceRange range) {
  const std::string &kind = definition.name.text;
  std::vector<const CallArgument *> positional;
  std::map<std::string, const CallArgument *, std::less<>> named;
  for (const CallArgument &argument : arguments) {
    if (argument.name)
      named[argument.name->text] = &argument;
    else
      positional.push_back(&argument);
  }
  bool good = true;
  size_t next = 0;
  std::vector<std::string> missing;
  for (const Parameter &parameter : list.parameters) {
    Binding binding;
    const CallArgument *given = nullptr;
    auto byName = named.find(parameter.name.text);
    if (parameter.isVariadic) {
      std::vector<Value> rest;
      SourceRange place = range;
      for (; next < positional.size(); ++next) {
        good &= !isPoison(positional[next]->value);
        rest.push_back(positional[next]->value);
        place = positional[next]->range;
      }
      binding = {makeList(std::move(rest)), place};
    } else if (!parameter.isKeywordOnly && next < positional.size()) {
      given = positional[next++];
    }
    if (byName != named.end()) {
      if (given || parameter.isVariadic) {
        error(byName->second->range, fmt::format("{}: {} is given twice", kind, parameter.name.text));
        good = false;
      } else {
        given = byName->second;
      }
      named.erase(byName);
    }
    if (given) {
      binding = {given->value, given->range};
      if (!checkParameterType(parameter, given->value, given->range))
        binding.value = Poison();
      good &= !isPoison(binding.value);
    } else if (parameter.defaultValue) {
      binding = {evaluate(*parameter.defaultValue), parameter.defaultValue->range};
    } else if (!parameter.isVariadic) {
      missing.push_back(parameter.name.text);
      binding = {Poison(), range};
    }
    frame().argumentPlaces[parameter.name.text] = binding.place;
    frame().scope->names[parameter.name.text] = std::move(binding);
  }
  if (!missing.empty()) {
    error(range, fmt::format("{}: argument {} is missing", kind, listText(missing)));
    good = false;
  }
  good &= named.erase(std::string(lostName)) == 0;
  for (auto &[name, argument] : named) {
    Nearest search(name);
    for (const Parameter &parameter : list.parameters)
      search.offer(parameter.name.text);
    if (definition.kind == DefinitionKind::Layer)
      for (const char *option : {"name", "trainable"})
        search.offer(option);
    if (definition.kind == DefinitionKind::Optimizer)
      for (std::string_view option : sharedOptimizerOptions())
        search.offer(option);
    error(argument->name->range, fmt::format("{}: unknown argument `{}`", kind, name))
        .didYouMean(search.name());
    good = false;
  }
  if (next < positional.size()) {
    size_t most = 0;
    for (const Parameter &parameter : list.parameters)
      most += !parameter.isKeywordOnly;
    Diagnostic &reported =
        error(positional[next]->range, fmt::format("{}: too many arguments: it takes {}", kind, most));
    if (holdsTensor(positional[next]->value) && definition.configuration &&
        &list == &*definition.configuration)
      reported.note(fmt::format("its configuration comes first: `{}()({})`", kind, "..."));
    good = false;
  }
  return good;
}

/// The first of two calls: `dense(16, relu)`, `huber(0.5)`.
Value Interpreter::configure(const FunctionValue &function, std::vector<CallArgument> arguments,
                             const Expr *node, SourceRange range) {
  const Definition &definition = *function.definition;
  bool isLayer = definition.kind == DefinitionKind::Layer;
  // Tensors in a configuration: the two lists were taken for one.
  bool takesTensor = !arguments.empty() &&
                     std::all_of(arguments.begin(), arguments.end(),
                                 [](const CallArgument &a) { return holdsTensor(a.value) && !a.name; });
  if (takesTensor && definition.configuration && definition.call &&
      arguments.size() >= std::max<size_t>(definition.call->parameters.size(), 1)) {
    std::string texts;
    for (const CallArgument &argument : arguments)
      texts += (texts.empty() ? "" : ", ") + std::string(diagnostics.sources().text(argument.range));
    error(range, fmt::format("{}: a tensor is not part of its configuration", definition.name.text))
        .note(fmt::format("its first list is the configuration: `{}()({})`", definition.name.text, texts));
    return Poison();
  }
  auto layer = isLayer ? std::make_shared<Owner>() : nullptr;
  bool isGood = !isLayer || takeLayerOptions(*layer, arguments);
  std::map<std::string, Binding, std::less<>> shared;
  if (definition.kind == DefinitionKind::Optimizer && !takeOptimizerOptions(definition, arguments, shared))
    isGood = false;
  Frame configuring;
  configuring.definition = &definition;
  configuring.scope = std::make_shared<Scope>();
  configuring.scope->parent = function.closure;
  configuring.callSite = range;
  if (!frames.empty()) {
    configuring.owner = frame().owner;
    configuring.path = frame().path + fmt::format("{:x}/", reinterpret_cast<uintptr_t>(node));
  }
  {
    FrameScope scope(*this, configuring);
    if (frames.size() > maximumDepth)
      reportRecursion(range);
    static const ParameterList none;
    isGood &= bindParameters(definition, definition.configuration ? *definition.configuration : none,
                             std::move(arguments), range);
  }
  if (isLayer) {
    auto found = instance(definition, function.closure, configuring.scope, node, range);
    found->explicitName = layer->explicitName;
    found->namePlace = layer->namePlace;
    found->trainable = layer->trainable;
    found->isFaulty = !isGood;
    return found;
  }
  configuring.scope->names.merge(shared);
  auto configured = std::make_shared<FunctionValue>(function);
  configured->configured = configuring.scope;
  configured->place = range;
  configured->isFaulty = !isGood;
  return std::shared_ptr<const FunctionValue>(std::move(configured));
}

/// `name = "..."` and `trainable = false`, which every layer takes.
bool Interpreter::takeLayerOptions(Owner &layer, std::vector<CallArgument> &arguments) {
  bool good = true;
  auto take = [&](std::string_view option) -> std::optional<CallArgument> {
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument)
      if (argument->name && argument->name->text == option) {
        CallArgument taken = *argument;
        arguments.erase(argument);
        return taken;
      }
    return std::nullopt;
  };
  if (auto name = take("name"); name && !isNone(name->value)) {
    auto *text = getIf<std::string>(name->value);
    if (text && !text->empty() && text->find('/') == std::string::npos) {
      layer.explicitName = *text;
      layer.namePlace = name->range;
    } else {
      if (!isPoison(name->value))
        error(name->range, fmt::format("name: expected a string without `/`, found {}", show(name->value)));
      good = false;
    }
  }
  if (auto trainable = take("trainable")) {
    if (auto *flag = getIf<bool>(trainable->value)) {
      layer.trainable = *flag;
    } else {
      if (!isPoison(trainable->value))
        error(trainable->range,
              fmt::format("trainable: expected true or false, found {}", show(trainable->value)));
      good = false;
    }
  }
  return good;
}

/// The sizes that the types of faulty arguments would have bound are faulty too.
void Interpreter::poisonSizes(const ParameterList &list) {
  for (const Parameter &parameter : list.parameters) {
    const Binding &binding = frame().scope->names[parameter.name.text];
    if (!parameter.type || !isPoison(binding.value))
      continue;
    for (const Axis &axis : parameter.type->axes)
      if (auto *name = as<NameExpr>(axis.size); name && name->name != "batch" && !frame().scope->find(name->name))
        frame().scope->names[name->name] = {Poison(), binding.place};
  }
}

Value Interpreter::runBody(Frame called, const ParameterList &list, std::vector<CallArgument> arguments,
                           SourceRange range) {
  const Definition &definition = *called.definition;
  for (const Scope *scope = called.scope->parent.get(); scope; scope = nullptr)
    for (const auto &[name, binding] : scope->names)
      called.argumentPlaces[name] = binding.place;
  FrameScope scope(*this, called);
  if (frames.size() > maximumDepth)
    reportRecursion(range);
  bool good = bindParameters(definition, list, std::move(arguments), range);
  for (const Parameter &parameter : list.parameters) {
    Binding &binding = called.scope->names[parameter.name.text];
    const TensorInfo *tensor = tensorIn(binding.value);
    if (!parameter.type || !tensor ||
        (parameter.type->kind != TypeKind::Tensor && parameter.type->kind != TypeKind::Tokens))
      continue;
    if (bindTensorType(*parameter.type, parameter.name.text, *tensor, binding.place, true))
      continue;
    binding.value = Poison();
    good = false;
  }
  // The body runs even on faulty arguments: what does not depend on them is checked.
  if (!good)
    poisonSizes(list);
  execute(definition.body);
  // A statement of a model that could not be read concerns the names that it binds.
  bool isUnknown = called.isFaulty && definition.kind != DefinitionKind::Model;
  if (called.isRefused || isUnknown || !good)
    return Poison();
  Value result = called.result.value_or(NoneValue());
  if (definition.kind == DefinitionKind::Model && !called.result) {
    std::vector<Value> outputs;
    for (const Result &each : definition.results) {
      const Binding *binding = each.name ? called.scope->find(each.name->text) : nullptr;
      outputs.push_back(binding ? binding->value : Value(Poison()));
    }
    result = outputs.size() == 1 ? outputs.front() : makeList(std::move(outputs), true);
  }
  if (!checkResult(definition, result, range))
    return Poison();
  return result;
}

/// Calls a fn. The result remembers what it is an application of, for `logits`.
Value Interpreter::invoke(const FunctionValue &function, std::vector<CallArgument> arguments,
                          const Expr *node, SourceRange range) {
  Frame called;
  called.definition = function.definition;
  called.scope = std::make_shared<Scope>();
  called.scope->parent = function.configured ? function.configured : function.closure;
  called.callSite = range;
  called.isFaulty = function.isFaulty;
  if (!frames.empty()) {
    called.owner = frame().owner;
    called.path = frame().path + fmt::format("{:x}/", reinterpret_cast<uintptr_t>(node));
  }
  Tensor input;
  if (!arguments.empty())
    if (auto *tensor = getIf<Tensor>(arguments.front().value))
      input = *tensor;
  Value result = runBody(std::move(called), *function.definition->call, std::move(arguments), range);
  if (auto *tensor = getIf<Tensor>(result); tensor && input) {
    auto tagged = std::make_shared<TensorInfo>(**tensor);
    tagged->applications.push_back({function.definition, input});
    return Tensor(std::move(tagged));
  }
  return result;
}

Value Interpreter::callLayer(const std::shared_ptr<Owner> &layer, std::vector<CallArgument> arguments,
                             const Expr *node, SourceRange range) {
  (void)node;
  nameLayer(*layer, range);
  bool isTop = !frames.empty() && frame().owner == root && layer.get() != root;
  Frame called;
  called.definition = layer->definition;
  called.scope = std::make_shared<Scope>();
  called.scope->parent = layer->configured ? layer->configured : layer->closure;
  called.callSite = range;
  called.owner = layer.get();
  called.isFaulty = layer->isFaulty;
  bool isUsers = layer->place.isValid() && !diagnostics.sources().isLibrary(layer->place.file);
  PlaceScope place(*this, layer->fullName, isUsers ? layer->place : userPlace(range));
  for (CallArgument &argument : arguments)
    argument.value = argumentMasks(argument.value);
  std::vector<CallArgument> given = arguments;
  Value result = runBody(std::move(called), *layer->definition->call, std::move(arguments), range);
  if (layer->definition->kind == DefinitionKind::Layer)
    result = resultMasks(result, *layer->definition, given, range);
  layer->isCalled = true;
  int64_t call = isTop ? run->layerCalls[layer.get()]++ : 0;
  if (isTop)
    recordLayer(*layer, given, result);
  bool isInUsersText = range.isValid() && !diagnostics.sources().isLibrary(range.file);
  auto produced = [&](const Value &value) -> Value {
    auto *tensor = getIf<Tensor>(value);
    if (!tensor)
      return value;
    auto copy = std::make_shared<TensorInfo>(**tensor);
    if (isTop)
      copy->producers = {{layer->fullName, call}};
    if (isInUsersText)
      copy->place = range;
    return Tensor(std::move(copy));
  };
  if (const ListValue *list = listIn(result)) {
    std::vector<Value> values;
    for (const Value &value : list->elements)
      values.push_back(produced(value));
    return makeList(std::move(values), list->isTuple);
  }
  return produced(result);
}

Value Interpreter::callBuiltin(const Builtin &builtin, std::vector<CallArgument> arguments, const Expr *node,
                               SourceRange range) {
  bool isFaulty = std::any_of(arguments.begin(), arguments.end(),
                              [](const CallArgument &argument) { return holdsPoison(argument.value); });
  BuiltinCall called{*this, {}, {}, range, node};
  if (builtin.runRaw)
    return isFaulty ? Value(Poison()) : builtin.runRaw(called, arguments);
  size_t positional = 0;
  for (const CallArgument &argument : arguments)
    positional += !argument.name;
  for (size_t i = 0; i < builtin.parameters.size(); ++i) {
    const Builtin::Parameter &parameter = builtin.parameters[i];
    const CallArgument *given = i < positional ? &arguments[i] : nullptr;
    for (const CallArgument &argument : arguments)
      if (!given && argument.name && argument.name->text == parameter.name)
        given = &argument;
    if (!given && !parameter.defaultValue) {
      error(range, fmt::format("{}: argument {} is missing", builtin.name, parameter.name));
      return Poison();
    }
    called.arguments.push_back(given ? given->value : *parameter.defaultValue);
    called.places.push_back(given ? given->range : range);
  }
  if (positional > builtin.parameters.size()) {
    error(arguments[builtin.parameters.size()].range,
          fmt::format("{}: too many arguments: it takes {}", builtin.name, builtin.parameters.size()));
    return Poison();
  }
  for (const CallArgument &argument : arguments) {
    if (!argument.name)
      continue;
    Nearest search(argument.name->text);
    bool known = false;
    for (const Builtin::Parameter &parameter : builtin.parameters) {
      known |= parameter.name == argument.name->text;
      search.offer(parameter.name);
    }
    if (!known) {
      error(argument.name->range, fmt::format("{}: unknown argument `{}`", builtin.name, argument.name->text))
          .didYouMean(search.name());
      return Poison();
    }
  }
  if (isFaulty)
    return Poison();
  Value result = builtin.run(called);
  auto *tensor = getIf<Tensor>(result);
  if (tensor && !arguments.empty() && tensorIn(arguments.front().value)) {
    auto tagged = std::make_shared<TensorInfo>(**tensor);
    tagged->applications.push_back({&builtin, std::get<Tensor>(arguments.front().value)});
    return Tensor(std::move(tagged));
  }
  return result;
}

} // namespace hornfels::frontend
