#include "frontend/horn/Value.h"

#include "frontend/horn/Builtins.h"

#include <fmt/format.h>

namespace hornfels::frontend {

const Binding *Scope::find(std::string_view name) const {
  for (const Scope *scope = this; scope; scope = scope->parent.get()) {
    auto found = scope->names.find(name);
    if (found != scope->names.end())
      return &found->second;
  }
  return nullptr;
}

std::optional<double> numberIn(const Value &value) {
  if (auto *integer = getIf<int64_t>(value))
    return static_cast<double>(*integer);
  if (auto *number = getIf<double>(value))
    return *number;
  return std::nullopt;
}

bool isCallable(const Value &value) {
  return functionIn(value) || layerIn(value) || getIf<const Builtin *>(value);
}

Value makeList(std::vector<Value> elements, bool isTuple, std::vector<SourceRange> places) {
  auto list = std::make_shared<ListValue>();
  list->places = std::move(places);
  list->elements = std::move(elements);
  list->isTuple = isTuple;
  return std::shared_ptr<const ListValue>(std::move(list));
}

std::string numberText(double number) { return fmt::format("{}", number); }

std::string shapeText(const Shape &shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis)
      text += ", ";
    text += shape[axis] == batchSize ? "batch" : std::to_string(shape[axis]);
  }
  return text + "]";
}

static const char *elementText(Element element, Element real) {
  if (element == real)
    return "real";
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::F64:
    return "f64";
  case Element::I32:
    return "i32";
  case Element::I64:
    return "i64";
  case Element::Bool:
    return "bool";
  }
  return "?";
}

std::string typeText(Element element, const Shape &shape, Element real) {
  return elementText(element, real) + shapeText(shape);
}

std::string typeText(const TensorInfo &tensor, Element real) {
  if (tensor.vocabulary)
    return fmt::format("tokens[{}]", tensor.vocabulary);
  return typeText(tensor.element, tensor.shape, real);
}

std::string describe(const Value &value, Element real) {
  struct Describe {
    Element real;
    std::string operator()(Poison) const { return "a faulty value"; }
    std::string operator()(NoneValue) const { return "none"; }
    std::string operator()(BatchValue) const { return "the batch size"; }
    std::string operator()(bool flag) const { return flag ? "the bool true" : "the bool false"; }
    std::string operator()(int64_t number) const { return fmt::format("the int {}", number); }
    std::string operator()(double number) const { return fmt::format("the float {}", numberText(number)); }
    std::string operator()(const std::string &text) const { return fmt::format("the string \"{}\"", text); }
    std::string operator()(const std::shared_ptr<const ListValue> &list) const {
      return fmt::format("a {} of {} value{}", list->isTuple ? "tuple" : "list", list->elements.size(),
                         list->elements.size() == 1 ? "" : "s");
    }
    std::string operator()(const std::shared_ptr<const DictionaryValue> &) const { return "a dictionary"; }
    std::string operator()(const Tensor &tensor) const { return "a tensor " + typeText(*tensor, real); }
    std::string operator()(const std::shared_ptr<const FunctionValue> &function) const {
      return fmt::format("the {} {}", spelling(function->definition->kind), function->definition->name.text);
    }
    std::string operator()(const std::shared_ptr<Owner> &layer) const {
      return fmt::format("the layer {}", layer->definition->name.text);
    }
    std::string operator()(const Builtin *builtin) const {
      return fmt::format("the function {}", builtin->name);
    }
    std::string operator()(Variable *variable) const {
      return fmt::format("the variable {}", variable->local);
    }
  };
  return std::visit(Describe{real}, value);
}

} // namespace hornfels::frontend
