// Element-wise operations on tensors: conversion, broadcasting as in NumPy.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hornfels::frontend {

/// The handle of a tensor of the function that is being built.
Handle Interpreter::use(const TensorInfo &tensor, SourceRange range) {
  if (tensor.function == run->function)
    return tensor.handle;
  error(range, "a first value cannot depend on the data that a model is called on");
  // Anything of the type: the module is discarded.
  if (tensor.vocabulary)
    return emitter.addArgument({tensor.element, tensor.shape, tensor.vocabulary});
  return emitter.full(0, tensor.element, tensor.shape);
}

/// A new tensor, which remembers what it was computed from.
Value Interpreter::tensor(Handle handle, Element element, Shape shape,
                          std::initializer_list<const TensorInfo *> from) {
  auto info = std::make_shared<TensorInfo>();
  info->handle = handle;
  info->function = run->function;
  info->element = element;
  info->shape = std::move(shape);
  info->axisPlaces.resize(info->shape.size());
  for (const TensorInfo *source : from) {
    if (!source)
      continue;
    for (const LayerCall &call : source->producers)
      if (std::find(info->producers.begin(), info->producers.end(), call) == info->producers.end())
        info->producers.push_back(call);
    if (!info->place.isValid())
      info->place = source->place;
    // A size that is kept is still given by what gave it.
    for (size_t back = 1; back <= std::min(info->shape.size(), source->axisPlaces.size()); ++back) {
      size_t to = info->shape.size() - back, at = source->axisPlaces.size() - back;
      if (at < source->shape.size() && info->shape[to] == source->shape[at] &&
          !info->axisPlaces[to].isValid())
        info->axisPlaces[to] = source->axisPlaces[at];
    }
  }
  return Tensor(std::move(info));
}

Value Interpreter::full(double number, Element element, const Shape &shape) {
  return tensor(emitter.full(number, element, shape), element, shape, {});
}

Value Interpreter::castTo(const TensorInfo &x, Element element, SourceRange range) {
  if (x.element == element)
    return std::make_shared<const TensorInfo>(x);
  return passMasks(tensor(emitter.cast(use(x, range), element), element, x.shape, {&x}), {&x}, range);
}

std::optional<Shape> Interpreter::broadcastShapes(const Shape &a, const Shape &b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (size_t back = 1; back <= result.size(); ++back) {
    int64_t x = back <= a.size() ? a[a.size() - back] : 1, y = back <= b.size() ? b[b.size() - back] : 1;
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    result[result.size() - back] = x == 1 ? y : x;
  }
  for (size_t axis = 1; axis < result.size(); ++axis) // the batch is axis 0 and nowhere else
    if (result[axis] == batchSize)
      return std::nullopt;
  return result;
}

/// Repeats x to `shape`, which it broadcasts to: axes of size 1 that stretch are reshaped away first.
Value Interpreter::broadcastTo(const TensorInfo &x, const Shape &shape, SourceRange range) {
  if (x.shape == shape)
    return std::make_shared<const TensorInfo>(x);
  size_t offset = shape.size() - x.shape.size();
  std::vector<int64_t> axes;
  Shape kept;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    if (x.shape[axis] == shape[axis + offset]) {
      axes.push_back(static_cast<int64_t>(axis + offset));
      kept.push_back(x.shape[axis]);
    }
  Handle handle = use(x, range);
  if (kept != x.shape)
    handle = emitter.reshape(handle, kept);
  return tensor(emitter.broadcast(handle, axes, shape), x.element, shape, {&x});
}

static bool isNumeric(const Value &value) { return tensorIn(value) || numberIn(value); }

/// The element type in which two operands meet: real if either is, else the wider int; bools count as real.
static Element meet(const Value &a, const Value &b, Element real) {
  auto *x = tensorIn(a), *y = tensorIn(b);
  auto rank = [&](const Value &value, const TensorInfo *t) {
    if (!t)
      return getIf<double>(value) ? 3 : 0;
    if (t->element == Element::F64)
      return 4;
    return isReal(t->element) ? 3 : t->element == Element::I64 ? 2 : t->element == Element::I32 ? 1 : 0;
  };
  int most = std::max(rank(a, x), rank(b, y));
  if (most == 4)
    return Element::F64;
  if (most == 3) {
    for (const TensorInfo *t : {x, y})
      if (t && isReal(t->element))
        return t->element;
    return real;
  }
  if (most == 2)
    return Element::I64;
  return most == 1 ? Element::I32 : real;
}

std::optional<Value> Interpreter::fit(const Value &value, Element element, const Shape &shape,
                                      SourceRange range) {
  if (isPoison(value))
    return std::nullopt;
  if (auto number = numberIn(value)) {
    if (getIf<double>(value) && !isReal(element)) {
      error(range, fmt::format("{} does not convert to an int", show(value)));
      return std::nullopt;
    }
    return full(*number, element, shape);
  }
  if (auto *flag = getIf<bool>(value))
    return full(*flag ? 1 : 0, element, shape);
  const TensorInfo *x = tensorIn(value);
  if (!x || x->vocabulary) {
    error(range, fmt::format("expected a number or a tensor, found {}", show(value)));
    return std::nullopt;
  }
  if (isReal(x->element) && !isReal(element)) {
    error(range, fmt::format("{} does not convert to an int", show(value)));
    return std::nullopt;
  }
  std::optional<Shape> joined = broadcastShapes(x->shape, shape);
  if (!joined || *joined != shape) {
    Diagnostic &reported = error(range, fmt::format("{} does not fit {}", show(*x), shapeText(shape)));
    noteTensor(reported, *x);
    return std::nullopt;
  }
  Value cast = castTo(*x, element, range);
  return broadcastTo(*tensorIn(cast), shape, range);
}

Value Interpreter::unary(std::string_view op, const TensorInfo &x, SourceRange range) {
  bool keepsInts = op == "neg" || op == "not" || op == "stop_gradient";
  Value operand = keepsInts || isReal(x.element) ? Value(std::make_shared<const TensorInfo>(x))
                                                 : castTo(x, options.real, range);
  const TensorInfo &t = *tensorIn(operand);
  Value result = passMasks(tensor(emitter.elementwise(op, {use(t, range)}), t.element, t.shape, {&x}), {&x}, range);
  if (op == "relu") {
    auto info = std::make_shared<TensorInfo>(*tensorIn(result));
    info->unbounded = "relu";
    return Tensor(std::move(info));
  }
  return result;
}

/// x + 0, x * 1, ...: the operation changes nothing.
static bool isIdentity(std::string_view op, const Value &other, bool otherIsRight) {
  auto number = numberIn(other);
  if (!number)
    return false;
  if (op == "add")
    return *number == 0;
  if (op == "mul")
    return *number == 1;
  return otherIsRight && ((op == "sub" && *number == 0) || ((op == "div" || op == "pow") && *number == 1));
}

Value Interpreter::elementwise(std::string_view op, const Value &a, const Value &b, SourceRange range) {
  auto *x = tensorIn(a), *y = tensorIn(b);
  bool isLogical = op == "and" || op == "or";
  if (!isNumeric(a) || !isNumeric(b) || (x && x->vocabulary) || (y && y->vocabulary)) {
    if (!isPoison(a) && !isPoison(b))
      error(range, fmt::format("cannot combine {} and {}", show(a), show(b)));
    return Poison();
  }
  Element element = isLogical ? Element::Bool : meet(a, b, options.real);
  if ((op == "div" || op == "pow") && !isReal(element))
    element = options.real;
  if (x && x->element == element && isIdentity(op, b, true))
    return a;
  if (y && y->element == element && isIdentity(op, a, false))
    return b;
  Shape none;
  std::optional<Shape> shape = broadcastShapes(x ? x->shape : none, y ? y->shape : none);
  if (!shape) {
    Diagnostic &reported =
        error(range, fmt::format("the shapes of {} and {} do not fit", show(*x), show(*y)));
    noteShapes(reported, *x, *y);
    return Poison();
  }
  if (auto exponent = numberIn(b);
      op == "pow" && exponent && *exponent >= 2 && *exponent <= 8 && *exponent == std::floor(*exponent)) {
    // A small whole power is a few products: exact for negative x, and cheap.
    Value square = unary("square", *x, range);
    Value power = *exponent >= 4 ? unary("square", *tensorIn(square), range) : square; // x^2 or x^4
    int rest = static_cast<int>(*exponent) - (*exponent >= 4 ? 4 : 2);
    if (rest >= 4)
      return elementwise("mul", power, power, range);
    if (rest >= 2)
      power = elementwise("mul", power, square, range);
    return rest % 2 ? elementwise("mul", power, a, range) : power;
  }
  std::optional<Value> left = fit(a, element, *shape, range), right = fit(b, element, *shape, range);
  if (!left || !right)
    return Poison();
  Handle handle = emitter.elementwise(op, {use(*tensorIn(*left), range), use(*tensorIn(*right), range)});
  Value result = passMasks(tensor(handle, element, *shape, {x, y}), {x, y}, range);
  std::string reason = x && !x->unbounded.empty() ? x->unbounded : y ? y->unbounded : "";
  if ((op == "add" || op == "sub") && !reason.empty()) { // a sum with something unbounded
    auto info = std::make_shared<TensorInfo>(*tensorIn(result));
    info->unbounded = reason;
    return Tensor(std::move(info));
  }
  return result;
}

Value Interpreter::compareTensors(BinaryOp op, const Value &a, const Value &b, SourceRange range) {
  auto *x = tensorIn(a), *y = tensorIn(b);
  if (!isNumeric(a) || !isNumeric(b) || (x && x->vocabulary) || (y && y->vocabulary)) {
    if (!isPoison(a) && !isPoison(b))
      error(range, fmt::format("cannot compare {} and {}", show(a), show(b)));
    return Poison();
  }
  Element element = meet(a, b, options.real);
  Shape none;
  std::optional<Shape> shape = broadcastShapes(x ? x->shape : none, y ? y->shape : none);
  if (!shape) {
    Diagnostic &reported =
        error(range, fmt::format("the shapes of {} and {} do not fit", show(*x), show(*y)));
    noteShapes(reported, *x, *y);
    return Poison();
  }
  std::optional<Value> left = fit(a, element, *shape, range), right = fit(b, element, *shape, range);
  if (!left || !right)
    return Poison();
  Handle handle = emitter.compare(op, use(*tensorIn(*left), range), use(*tensorIn(*right), range));
  return passMasks(tensor(handle, Element::Bool, *shape, {x, y}), {x, y}, range);
}

Value Interpreter::where(const Value &condition, const Value &a, const Value &b, SourceRange range) {
  if (auto *flag = getIf<bool>(condition))
    return *flag ? a : b;
  auto *c = tensorIn(condition), *x = tensorIn(a), *y = tensorIn(b);
  if (!c || c->element != Element::Bool || !isNumeric(a) || !isNumeric(b)) {
    error(range, fmt::format("where chooses between numbers by bools, found {}, {} and {}", show(condition),
                             show(a), show(b)));
    return Poison();
  }
  Element element = meet(a, b, options.real);
  Shape none;
  std::optional<Shape> shape = broadcastShapes(x ? x->shape : none, y ? y->shape : none);
  if (shape)
    shape = broadcastShapes(*shape, c->shape);
  if (!shape) {
    error(range, fmt::format("the shapes of {}, {} and {} do not fit", show(condition), show(a), show(b)));
    return Poison();
  }
  std::optional<Value> left = fit(a, element, *shape, range), right = fit(b, element, *shape, range);
  if (!left || !right)
    return Poison();
  Value chosen = broadcastTo(*c, *shape, range);
  Handle handle = emitter.select(use(*tensorIn(chosen), range), use(*tensorIn(*left), range), use(*tensorIn(*right), range));
  return passMasks(tensor(handle, element, *shape, {x, y, c}), {x, y}, range);
}

Value Interpreter::boundedIds(const TensorInfo &ids, int64_t limit, SourceRange range, SourceRange limitPlace) {
  if (!ids.input.empty()) {
    auto [known, isNew] = idLimits.insert({ids.input, {limit, userPlace(limitPlace)}});
    if (!isNew && limit < known->second.limit)
      known->second = {limit, userPlace(limitPlace)};
    return castTo(ids, Element::I32, range);
  }
  if (ids.below > limit) {
    noteTensor(error(range, fmt::format("ids below {} have no place in a table of {} rows", ids.below, limit)), ids);
    return Poison();
  }
  if (ids.below > 0)
    return castTo(ids, Element::I32, range);
  Value above = elementwise("max", std::make_shared<const TensorInfo>(ids), int64_t{0}, range);
  return castTo(*tensorIn(elementwise("min", above, limit - 1, range)), Element::I32, range);
}

} // namespace hornfels::frontend
