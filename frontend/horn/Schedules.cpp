// A learning rate schedule of the library, given as an optimizer's learning_rate.
#include "frontend/horn/ModelBuilder.h"

#include <fmt/format.h>

namespace hornfels::frontend {

/// A number, a flag, a list of numbers ("0.1/0.01") as the training program reads them; nothing for what is left out.
static std::optional<std::string> settingText(const Value &value) {
  if (auto *flag = getIf<bool>(value))
    return *flag ? std::optional<std::string>("") : std::nullopt;
  if (auto *integer = getIf<int64_t>(value))
    return fmt::format("={}", *integer);
  if (auto number = numberIn(value))
    return "=" + numberText(*number);
  std::string text;
  if (const ListValue *list = listIn(value))
    for (const Value &each : list->elements)
      text += (text.empty() ? "=" : "/") + numberText(numberIn(each).value_or(0));
  return text.empty() ? std::nullopt : std::optional(text);
}

/// Numbers only; the boundaries rise.
static bool isListOfNumbers(const Value &value, bool rises) {
  const ListValue *list = listIn(value);
  for (size_t i = 0; list && i < list->elements.size(); ++i) {
    auto number = numberIn(list->elements[i]);
    auto before = i > 0 ? numberIn(list->elements[i - 1]) : std::nullopt;
    if (!number || *number < 0 || (rises && before && *before >= *number))
      return false;
  }
  return true;
}

/// Takes a schedule's settings for the program, and its first rate. False when it is none (reported).
bool ModelBuilder::readSchedule(const Binding &rate) {
  const FunctionValue *function = functionIn(rate.value);
  const Definition *definition = function ? function->definition : nullptr;
  bool isLibrarys = definition && in.diagnostics.sources().name(definition->name.range.file) == "library/schedules.horn";
  if (!isLibrarys || !function->configured) {
    in.error(rate.place, fmt::format("the learning rate must be a number or a schedule of the library, found {}",
                                     in.show(rate.value)));
    return false;
  }
  unsigned before = in.diagnostics.errorCount();
  in.call(rate.value, {{nullptr, Poison(), rate.place}}, nullptr, rate.place); // its requirements
  if (function->isFaulty || in.diagnostics.errorCount() != before)
    return false;
  settings.schedule = definition->name.text;
  std::optional<double> first;
  for (const Parameter &parameter : definition->configuration->parameters) {
    const std::string &name = parameter.name.text;
    const Binding &given = function->configured->names.find(name)->second;
    if (!isListOfNumbers(given.value, name == "boundaries")) {
      in.error(given.place, fmt::format("{}: {} takes a list of numbers that are not negative{}", definition->name.text,
                                        name, name == "boundaries" ? " and rise" : ""));
      return false;
    }
    if (name == "initial_learning_rate") {
      first = numberIn(given.value);
      continue;
    }
    if (name == "values")
      first = numberIn(listIn(given.value)->elements.front());
    if (auto text = settingText(given.value))
      settings.schedule += "," + name + *text;
  }
  settings.learningRate = first.value_or(0);
  return true;
}

} // namespace hornfels::frontend
