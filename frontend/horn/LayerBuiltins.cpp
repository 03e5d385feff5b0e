#include "frontend/horn/LayerBuiltins.h"

#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

namespace {

using P = Builtin::Parameter;

Value refuse(BuiltinCall &c, size_t argument, const std::string &text) {
  c.interpreter.error(c.places[argument], text);
  return Poison();
}

/// What a layer was configured with; `name`: what it is called, or would be where nothing else has that name.
Value setting(BuiltinCall &c) {
  auto layer = layerIn(c.arguments[0]);
  auto *key = getIf<std::string>(c.arguments[1]);
  if (!layer || !key)
    return refuse(c, layer ? 1 : 0, fmt::format("setting takes a layer and the name of a parameter, found {} and {}",
                                                c.interpreter.show(c.arguments[0]), c.interpreter.show(c.arguments[1])));
  if (*key == "name")
    return !layer->explicitName.empty() ? layer->explicitName
           : !layer->hint.empty()       ? layer->hint
                                        : layer->definition->name.text;
  if (layer->configured)
    if (auto found = layer->configured->names.find(*key); found != layer->configured->names.end())
      return found->second.value;
  return refuse(c, 0, fmt::format("{} has no {}", layer->definition->name.text, *key));
}

Value beginsWith(BuiltinCall &c) {
  auto *text = getIf<std::string>(c.arguments[0]), *part = getIf<std::string>(c.arguments[1]);
  if (!text || !part)
    return refuse(c, 0, "begins_with takes two strings");
  return text->starts_with(*part);
}

} // namespace

/// Calls f on x and takes back all but the variables that it made; nothing reads the operations, which are dropped
/// later. `acts`: whether f drew random numbers or set a state.
Value Interpreter::tryOut(const Value &f, const Value &x, bool *acts, SourceRange range) {
  Run before = *run;
  Value result = call(f, {{nullptr, x, range}}, nullptr, range);
  bool isSet = false;
  for (auto &[variable, tensor] : run->current) {
    auto found = before.current.find(variable);
    if (!tensor || found != before.current.end()) {
      isSet |= tensor && found->second && tensor->handle != found->second->handle;
      continue;
    }
    auto argument = run->arguments.find(variable);
    isSet |= argument == run->arguments.end();
    if (argument == run->arguments.end())
      continue;
    // Read for the first time: it stays an argument of the function.
    auto start = std::make_shared<TensorInfo>(*tensor);
    start->handle = argument->second;
    isSet |= tensor->handle != start->handle;
    before.current[variable] = std::move(start);
  }
  if (acts)
    *acts = isSet || run->randomCounts != before.randomCounts;
  before.arguments = std::move(run->arguments);
  *run = std::move(before);
  return result;
}

/// The weight of another layer, by the first of some names that it has; reading it gives its value, `:=` sets it. A
/// layer that was never called is called on x for its weights alone: nothing reads the result.
Value Interpreter::weightOf(const std::shared_ptr<Owner> &layer, const std::vector<std::string> &names, const Value &x,
                            SourceRange range) {
  auto find = [&]() -> Variable * {
    for (const std::string &name : names)
      for (Variable *variable : layer->owned)
        if (variable->local == name)
          return variable;
    return nullptr;
  };
  Variable *found = find();
  if (!found && !layer->isCalled) {
    if (isPoison(tryOut(Value(layer), x, nullptr, range)))
      return Poison();
    found = find();
  }
  if (found)
    return found;
  std::string list;
  for (const std::string &name : names)
    list += (list.empty() ? "" : " and no ") + name;
  error(range, fmt::format("{} has no {}", layer->definition->name.text, list));
  return Poison();
}

static Value acts(BuiltinCall &c) {
  if (!isCallable(c.arguments[0]))
    return refuse(c, 0, fmt::format("acts takes a layer and a tensor, found {}", c.interpreter.show(c.arguments[0])));
  bool does = false;
  Value result = c.interpreter.tryOut(c.arguments[0], c.arguments[1], &does, c.range);
  return isPoison(result) ? result : Value(does);
}

static Value weightOf(BuiltinCall &c) {
  auto layer = layerIn(c.arguments[0]);
  const ListValue *list = listIn(c.arguments[1]);
  std::vector<std::string> names;
  for (const Value &name : list ? list->elements : std::vector<Value>{c.arguments[1]})
    if (auto *text = getIf<std::string>(name))
      names.push_back(*text);
  if (!layer || names.empty())
    return refuse(c, layer ? 1 : 0, fmt::format("weight_of takes a layer, a weight's name and a tensor, found {} and {}",
                                                c.interpreter.show(c.arguments[0]), c.interpreter.show(c.arguments[1])));
  return c.interpreter.weightOf(layer, names, c.arguments[2], c.places[0]);
}

std::vector<Builtin> layerBuiltins() {
  return {
      {"setting", {P{"layer", {}}, P{"name", {}}}, setting, {}},
      {"begins_with", {P{"text", {}}, P{"part", {}}}, beginsWith, {}},
      {"acts", {P{"layer", {}}, P{"x", {}}}, acts, {}},
      {"weight_of", {P{"layer", {}}, P{"names", {}}, P{"x", {}}}, weightOf, {}},
  };
}

} // namespace hornfels::frontend
