// Layers and variables: made at the first call, found again later, named as Keras names them.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

Interpreter::PlaceScope::PlaceScope(Interpreter &interpreter, std::string name, SourceRange place)
    : interpreter(interpreter), before(interpreter.emitter.place()) {
  Emitter::Place next;
  next.name = std::move(name);
  if (place.isValid()) {
    Position position = interpreter.diagnostics.sources().position(place);
    next.file = std::string(position.file);
    next.line = position.line;
    next.column = position.column;
  }
  interpreter.emitter.setPlace(std::move(next));
}
Interpreter::PlaceScope::~PlaceScope() { interpreter.emitter.setPlace(before); }

/// The instance of a layer that `node` makes at this place: a new one, or the one made there before with its
/// configuration evaluated again. A model is one instance wherever it is called.
std::shared_ptr<Owner> Interpreter::instance(const Definition &definition, ScopePtr closure,
                                             ScopePtr configured, const Expr *node, SourceRange range) {
  std::string key;
  if (definition.kind == DefinitionKind::Model)
    key = "model " + definition.name.text;
  else if (!frames.empty())
    key = fmt::format("{:x}|{}|{:x}", reinterpret_cast<uintptr_t>(frame().owner), frame().path,
                      reinterpret_cast<uintptr_t>(node));
  else
    key = fmt::format("{:x}", reinterpret_cast<uintptr_t>(node));
  std::shared_ptr<Owner> &found = instances[key];
  if (!found || found->definition != &definition) {
    found = std::make_shared<Owner>();
    found->definition = &definition;
    found->place = range;
    auto hint = nameHints.find(node);
    if (hint != nameHints.end() && definition.kind != DefinitionKind::Model) // a model has a name of its own
      found->hint = hint->second;
  }
  found->closure = std::move(closure);
  found->configured = std::move(configured);
  return found;
}

/// At its first call a layer becomes part of the layer that calls it, and gets its name there: the one given
/// by `name =`, else the variable it is bound to, else its kind; the latter two numbered as Keras does.
void Interpreter::nameLayer(Owner &layer, SourceRange range) {
  if (!layer.fullName.empty() || &layer == root)
    return;
  Owner &parent = !frames.empty() && frame().owner ? *frame().owner : *root;
  layer.parent = &parent;
  layer.firstCall = range;
  SourceRange place = layer.namePlace.isValid() ? layer.namePlace : layer.place;
  if (!layer.explicitName.empty()) {
    layer.name = layer.explicitName;
    auto [taken, isNew] = parent.childNames.emplace(layer.name, place);
    if (!isNew)
      error(place, fmt::format("two layers are named \"{}\"", layer.name))
          .note(taken->second, "the first one is here");
  } else {
    std::string base = layer.hint.empty() ? layer.definition->name.text : layer.hint;
    layer.name = base;
    for (int &number = parent.nextNumbers[base]; !parent.childNames.emplace(layer.name, place).second;)
      layer.name = fmt::format("{}_{}", base, ++number);
  }
  layer.fullName = parent.fullName.empty() ? layer.name : parent.fullName + "/" + layer.name;
}

bool isTrainable(const Owner &layer) {
  for (const Owner *owner = &layer; owner; owner = owner->parent)
    if (!owner->trainable)
      return false;
  return true;
}

static int64_t elementCount(const Shape &shape) {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size == batchSize ? 1 : size;
  return elements;
}

void Interpreter::declareVariable(const VariableStmt &statement) {
  DefinitionKind kind = frame().definition->kind;
  bool isSlot = statement.variable == VariableKind::Slot, isState = statement.variable == VariableKind::State;
  bool fits = kind == DefinitionKind::Optimizer ? isSlot
              : kind == DefinitionKind::Metric
                  ? isState
                  : !isSlot && (kind == DefinitionKind::Layer || kind == DefinitionKind::Model);
  const char *what = isSlot ? "slot" : isState ? "state" : "weight";
  if (!fits) {
    error(statement.range, fmt::format("a {} cannot own a {}", spelling(kind), what));
    frame().scope->names[statement.name.text] = {Poison(), statement.name.range};
    return;
  }
  Owner &owner = *frame().owner;
  std::optional<Element> element = statement.type ? elementOf(*statement.type) : std::optional(options.real);
  std::optional<Shape> shape;
  if (statement.type)
    shape = shapeOf(*statement.type, false);
  else if (const Binding *weight = frame().scope->find("w"); weight && tensorIn(weight->value))
    shape = tensorIn(weight->value)->shape;
  Binding &binding = frame().scope->names[statement.name.text];
  binding = {Poison(), statement.name.range};
  if (!element || !shape)
    return;
  if (!shape->empty() && shape->front() == batchSize) {
    error(statement.range, fmt::format("a {} does not depend on the batch", what));
    return;
  }
  Variable::Role role = isSlot                                                ? Variable::Role::Slot
                        : kind == DefinitionKind::Metric                      ? Variable::Role::Metric
                        : !isState && isReal(*element) && isTrainable(owner) ? Variable::Role::Weight
                                                                              : Variable::Role::State;
  std::string key = frame().path + fmt::format("{:x}", reinterpret_cast<uintptr_t>(&statement));
  Variable *variable = makeVariable(
      owner, key, statement.name, role, *element, *shape, [&] { return evaluate(*statement.initial); },
      statement.initial->range);
  if (variable)
    frame().scope->names[statement.name.text].value = variable;
}

Variable *Interpreter::makeVariable(Owner &owner, const std::string &key, const Name &name,
                                    Variable::Role role, Element element, Shape shape,
                                    const std::function<Value()> &initial, SourceRange range) {
  SourceRange call = frames.empty() ? name.range : userPlace(frame().callSite);
  if (auto found = owner.variables.find(key); found != owner.variables.end()) {
    Variable *variable = found->second;
    if (variable->shape == shape && variable->element == element)
      return variable;
    error(call, fmt::format("{} is {} since the first call, this call needs {}", variable->name,
                            typeText(variable->element, variable->shape, options.real),
                            typeText(element, shape, options.real)))
        .note(variable->created, "the first call is here");
    return nullptr;
  }
  std::string local = name.text;
  if (auto taken = owner.variableNames.find(local); taken != owner.variableNames.end()) {
    if (!(taken->second == name.range)) {
      error(name.range, fmt::format("two variables are named \"{}\"", local))
          .note(taken->second, "the first one is here");
      return nullptr;
    }
    for (int number = 1; owner.variableNames.contains(local); ++number) // one in a loop
      local = fmt::format("{}_{}", name.text, number);
  }
  int64_t bytes = elementCount(shape) * (element == Element::F64 || element == Element::I64 ? 8 : 4);
  int64_t allBytes = 0;
  if (__builtin_add_overflow(weightBytes, bytes, &allBytes) || allBytes > maximumWeightBytes) {
    error(call, fmt::format("limit of 2^40 bytes of weights exceeded by {} {}", local, shapeText(shape)));
    return nullptr;
  }
  weightBytes = allBytes;
  auto variable = std::make_unique<Variable>();
  variable->role = role;
  variable->local = local;
  variable->layer = owner.layer.empty() ? owner.fullName : owner.layer;
  variable->name = owner.fullName.empty() ? local : owner.fullName + "/" + local;
  variable->element = element;
  variable->shape = shape;
  variable->declared = name.range;
  variable->created = call;
  // Its first value is built in @initialize, with the names of this body in sight.
  bool isGood = false;
  within(*initializeRun, [&] {
    PlaceScope place(*this, variable->name, call);
    Value first = initial();
    if (isCallable(first)) {
      std::vector<Value> sizes(shape.begin(), shape.end());
      first = this->call(first, {{nullptr, makeList(std::move(sizes)), range}}, nullptr, range);
    }
    if (isPoison(first))
      return;
    auto *tensor = tensorIn(first);
    if (tensor && tensor->shape != shape && !tensor->shape.empty()) {
      error(range, fmt::format("the first value of {} is {}, expected {}", variable->name, show(*tensor),
                               typeText(element, shape, options.real)));
      return;
    }
    if (std::optional<Value> fitted = fit(first, element, shape, range)) {
      variable->initial = use(*tensorIn(*fitted), range);
      isGood = true;
    }
  });
  if (!isGood)
    return nullptr;
  Variable *made = variable.get();
  owner.variables[key] = made;
  owner.variableNames[local] = name.range;
  owner.owned.push_back(made);
  auto &list = role == Variable::Role::Slot     ? slots
               : role == Variable::Role::Metric ? metricVariables
                                                : variables;
  list.push_back(std::move(variable));
  return made;
}

/// The variable's value now: an argument of the function, or what `:=` gave it.
Tensor Interpreter::read(Variable &variable) {
  if (run == initializeRun) { // a first value that is made from another variable's
    TensorInfo info;
    info.handle = variable.initial;
    info.function = run->function;
    info.element = variable.element;
    info.shape = variable.shape;
    return std::make_shared<TensorInfo>(std::move(info));
  }
  Tensor &current = run->current[&variable];
  if (!current) {
    auto info = std::make_shared<TensorInfo>();
    info->handle = run->arguments[&variable] = emitter.addArgument({variable.element, variable.shape, 0});
    info->function = run->function;
    info->element = variable.element;
    info->shape = variable.shape;
    info->place = variable.created;
    current = std::move(info);
  }
  return current;
}

void Interpreter::assign(const AssignStmt &statement) {
  Value value = evaluate(*statement.value);
  const Binding *binding = frame().scope->find(statement.target.text);
  auto *variable = binding ? getIf<Variable *>(binding->value) : nullptr;
  if (!variable) {
    if (!binding || !isPoison(binding->value))
      error(statement.target.range,
            fmt::format("`:=` sets a state or a slot, `{}` is none", statement.target.text));
    return;
  }
  if (run == initializeRun)
    return;
  bool isLayers = (*variable)->role == Variable::Role::State || (*variable)->role == Variable::Role::Weight;
  if (isLayers && !run->training) {
    error(statement.range, "a state is set only where `training` is true");
    return;
  }
  if (!isPoison(value))
    write(**variable, value, statement.value->range);
}

void Interpreter::write(Variable &variable, const Value &value, SourceRange range) {
  if (run->scanDepth > 0) {
    error(range, "a state is not set in a scan's step: what changes from place to place is a carry");
    return;
  }
  std::optional<Value> fitted = fit(value, variable.element, variable.shape, range);
  if (!fitted)
    return;
  TensorInfo info = *tensorIn(*fitted);
  bool isLayers = variable.role == Variable::Role::State || variable.role == Variable::Role::Weight;
  if (isLayers && isReal(variable.element)) // no gradient passes through a state
    info.handle = emitter.elementwise("stop_gradient", {use(info, range)});
  info.applications.clear();
  info.mask = nullptr;
  run->current[&variable] = std::make_shared<TensorInfo>(std::move(info));
}

/// What a call of a layer of the model reads. An operator between layers passes on what it reads: each call once.
static void addInputs(ModuleDescription::LayerEntry &entry, const std::vector<CallArgument> &arguments) {
  std::vector<LayerCall> calls;
  std::function<void(const Value &)> add = [&](const Value &value) {
    if (auto *tensor = tensorIn(value)) {
      for (const LayerCall &call : tensor->producers)
        if (std::find(calls.begin(), calls.end(), call) == calls.end())
          calls.push_back(call);
    } else if (auto *list = listIn(value)) {
      for (const Value &element : list->elements)
        add(element);
    }
  };
  for (const CallArgument &argument : arguments)
    add(argument.value);
  for (const LayerCall &call : calls) {
    entry.inputs.push_back(call.name);
    entry.inputCalls.push_back(call.number);
  }
}

/// A row of the summary, at the first call of a layer of the model; what later calls in the same function read is
/// added to it.
void Interpreter::recordLayer(Owner &layer, const std::vector<CallArgument> &arguments, const Value &result) {
  if (layer.recordedIn >= 0) {
    auto found = std::find(topLayers.begin(), topLayers.end(), &layer);
    if (layer.recordedIn == run->function)
      addInputs(layerEntries[static_cast<size_t>(found - topLayers.begin())], arguments);
    return;
  }
  layer.recordedIn = run->function;
  ModuleDescription::LayerEntry entry;
  const SourceManager &sources = diagnostics.sources();
  entry.name = layer.fullName;
  entry.kind = layer.definition->name.text;
  entry.text = std::string(sources.text(layer.place));
  entry.position = sources.positionText(layer.place);
  addInputs(entry, arguments);
  auto addOutput = [&](const Value &value) {
    if (auto *tensor = tensorIn(value))
      entry.outputs.push_back({tensor->element, tensor->shape, tensor->vocabulary});
  };
  if (auto *list = listIn(result))
    for (const Value &element : list->elements)
      addOutput(element);
  else
    addOutput(result);
  layerEntries.push_back(std::move(entry));
  topLayers.push_back(&layer);
}

/// `copy(l, go_backwards = true)`: a new layer of the same definition and configuration, with the changes.
Value Interpreter::copyLayer(BuiltinCall &called, const std::vector<CallArgument> &arguments) {
  auto original = arguments.empty() || arguments.front().name ? nullptr : layerIn(arguments.front().value);
  if (!original || arguments.size() < 1) {
    error(called.range, "copy takes a layer and the arguments to change");
    return Poison();
  }
  return copyOf(*original, {arguments.begin() + 1, arguments.end()}, called.node, called.range);
}

/// Layers in the configuration (`sequential(dense(8))`) are copied too: a copy has weights of its own.
Value Interpreter::copyOf(const Owner &original, std::vector<CallArgument> changes, const Expr *node,
                          SourceRange range) {
  const Definition &definition = *original.definition;
  int count = 0;
  std::function<Value(const Value &)> duplicate = [&](const Value &value) -> Value {
    if (auto layer = layerIn(value); layer && layer->definition->kind == DefinitionKind::Layer) {
      std::string before = frame().path;
      frame().path += fmt::format("copy{}/", count++);
      Value copied = copyOf(*layer, {}, node, range);
      frame().path = before;
      return copied;
    }
    const ListValue *list = listIn(value);
    if (!list)
      return value;
    std::vector<Value> elements;
    for (const Value &element : list->elements)
      elements.push_back(duplicate(element));
    return makeList(std::move(elements), list->isTuple);
  };
  std::vector<CallArgument> kept;
  if (definition.configuration)
    for (const Parameter &parameter : definition.configuration->parameters) {
      bool changed = std::any_of(changes.begin(), changes.end(), [&](const CallArgument &change) {
        return change.name && change.name->text == parameter.name.text;
      });
      auto found = original.configured->names.find(parameter.name.text);
      if (changed || found == original.configured->names.end())
        continue;
      Value value = duplicate(found->second.value);
      const ListValue *list = listIn(value);
      if (!parameter.isVariadic)
        kept.push_back({&parameter.name, std::move(value), found->second.place});
      else if (list)
        for (const Value &element : list->elements)
          kept.push_back({nullptr, element, found->second.place});
    }
  kept.insert(kept.end(), changes.begin(), changes.end());
  FunctionValue function;
  function.definition = &definition;
  function.closure = original.closure;
  Value copied = configure(function, std::move(kept), node, range);
  if (auto layer = layerIn(copied))
    layer->trainable = layer->trainable && original.trainable;
  return copied;
}

} // namespace hornfels::frontend
