// Operations on tensors: conversion, broadcasting as in NumPy, reductions, indexing.
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
Value Interpreter::tensor(Handle handle, Element element, Shape shape, std::initializer_list<const TensorInfo *> from) {
  auto info = std::make_shared<TensorInfo>();
  info->handle = handle;
  info->function = run->function;
  info->element = element;
  info->shape = std::move(shape);
  info->axisPlaces.resize(info->shape.size());
  for (const TensorInfo *source : from) {
    if (!source)
      continue;
    for (const std::string &name : source->producers)
      if (std::find(info->producers.begin(), info->producers.end(), name) == info->producers.end())
        info->producers.push_back(name);
    if (!info->place.isValid())
      info->place = source->place;
    // A size that is kept is still given by what gave it.
    for (size_t back = 1; back <= std::min(info->shape.size(), source->axisPlaces.size()); ++back) {
      size_t to = info->shape.size() - back, at = source->axisPlaces.size() - back;
      if (at < source->shape.size() && info->shape[to] == source->shape[at] && !info->axisPlaces[to].isValid())
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
  return tensor(emitter.cast(use(x, range), element), element, x.shape, {&x});
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

std::optional<Value> Interpreter::fit(const Value &value, Element element, const Shape &shape, SourceRange range) {
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
  Value result = tensor(emitter.elementwise(op, {use(t, range)}), t.element, t.shape, {&x});
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
    Diagnostic &reported = error(range, fmt::format("the shapes of {} and {} do not fit", show(*x), show(*y)));
    noteShapes(reported, *x, *y);
    return Poison();
  }
  if (auto exponent = numberIn(b); op == "pow" && exponent && *exponent >= 2 && *exponent <= 8 &&
                                   *exponent == std::floor(*exponent)) {
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
  Value result = tensor(handle, element, *shape, {x, y});
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
    Diagnostic &reported = error(range, fmt::format("the shapes of {} and {} do not fit", show(*x), show(*y)));
    noteShapes(reported, *x, *y);
    return Poison();
  }
  std::optional<Value> left = fit(a, element, *shape, range), right = fit(b, element, *shape, range);
  if (!left || !right)
    return Poison();
  return tensor(emitter.compare(op, use(*tensorIn(*left), range), use(*tensorIn(*right), range)), Element::Bool,
                *shape, {x, y});
}

Value Interpreter::where(const Value &condition, const Value &a, const Value &b, SourceRange range) {
  if (auto *flag = getIf<bool>(condition))
    return *flag ? a : b;
  auto *c = tensorIn(condition), *x = tensorIn(a), *y = tensorIn(b);
  if (!c || c->element != Element::Bool || !isNumeric(a) || !isNumeric(b)) {
    error(range, fmt::format("where chooses between numbers by bools, found {}, {} and {}", show(condition), show(a),
                             show(b)));
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
  return tensor(emitter.select(use(*tensorIn(chosen), range), use(*tensorIn(*left), range),
                               use(*tensorIn(*right), range)),
                element, *shape, {x, y, c});
}

std::optional<int64_t> Interpreter::axisOf(const Value &value, size_t rank, SourceRange range) {
  auto *number = getIf<int64_t>(value);
  int64_t size = static_cast<int64_t>(rank);
  if (!number) {
    if (!isPoison(value))
      error(range, fmt::format("an axis is an int, found {}", show(value)));
    return std::nullopt;
  }
  if (*number >= -size && *number < size)
    return *number < 0 ? *number + size : *number;
  error(range, fmt::format("there is no axis {} in a tensor with {} ax{}", *number, rank, rank == 1 ? "is" : "es"));
  return std::nullopt;
}

/// The number of elements: an int, or a tensor when the batch is among the axes.
static std::pair<bool, int64_t> countOf(const Shape &shape, const std::vector<int64_t> &axes) {
  bool hasBatch = false;
  int64_t product = 1;
  for (int64_t axis : axes) {
    int64_t size = shape[static_cast<size_t>(axis)];
    hasBatch |= size == batchSize;
    product *= size == batchSize ? 1 : size;
  }
  return {hasBatch, product};
}

Value Interpreter::sizeValue(const TensorInfo &x, SourceRange range) {
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    axes.push_back(static_cast<int64_t>(axis));
  auto [hasBatch, product] = countOf(x.shape, axes);
  if (!hasBatch)
    return product;
  Value batch = tensor(emitter.batchSizeTensor(), options.real, {}, {});
  return elementwise("mul", batch, product, range);
}

Value Interpreter::reduce(Reduction kind, const Value &value, const Value &axis, const Value &keep, bool mean,
                          SourceRange range) {
  std::optional<Tensor> given = realTensor(value, range, "a reduction");
  if (!given)
    return Poison();
  const TensorInfo &x = **given;
  std::vector<int64_t> axes;
  if (isNone(axis)) {
    for (size_t i = 0; i < x.shape.size(); ++i)
      axes.push_back(static_cast<int64_t>(i));
  } else {
    std::vector<Value> listed{axis};
    if (const ListValue *list = listIn(axis))
      listed = list->elements;
    for (const Value &each : listed) {
      std::optional<int64_t> found = axisOf(each, x.shape.size(), range);
      if (!found)
        return Poison();
      axes.push_back(*found);
    }
    std::sort(axes.begin(), axes.end());
    axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  }
  Shape shape, keptShape = x.shape;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) == axes.end())
      shape.push_back(x.shape[i]);
    else
      keptShape[i] = 1;
  }
  auto [hasBatch, count] = countOf(x.shape, axes);
  Handle handle = use(x, range);
  if (axes.empty())
    ;
  else if (!hasBatch && count == 1) // over axes of size 1: nothing to add
    handle = emitter.reshape(handle, shape);
  else
    handle = emitter.reduce(kind, handle, axes);
  Value result = tensor(handle, x.element, shape, {&x});
  if (mean) {
    Value divisor = count;
    if (hasBatch)
      divisor = elementwise("mul", tensor(emitter.batchSizeTensor(), options.real, {}, {}), count, range);
    result = elementwise("div", result, divisor, range);
  }
  auto *keeps = getIf<bool>(keep);
  if (keeps && *keeps && tensorIn(result))
    return reshape(*tensorIn(result), keptShape, range);
  return result;
}

/// A real tensor of a value: ints and bools convert.
std::optional<Tensor> Interpreter::realTensor(const Value &value, SourceRange range, const char *what) {
  auto *x = tensorIn(value);
  if (!x || x->vocabulary) {
    if (!isPoison(value))
      error(range, fmt::format("{} takes a tensor, found {}", what, show(value)));
    return std::nullopt;
  }
  if (isReal(x->element))
    return std::get<Tensor>(value);
  return std::get<Tensor>(castTo(*x, options.real, range));
}

/// Contracts the last axis of a with the first of b.
Value Interpreter::matmul(const Value &a, const Value &b, SourceRange range) {
  std::optional<Tensor> x = realTensor(a, range, "matmul"), w = realTensor(b, range, "matmul");
  if (!x || !w)
    return Poison();
  const Shape &s = (*x)->shape, &t = (*w)->shape;
  if (s.empty() || t.empty() || s.back() != t.front() || s.back() == batchSize) {
    Diagnostic &reported = error(range, fmt::format("cannot contract {} with {}: the last axis of the first and the "
                                                    "first axis of the second must agree", show(**x), show(**w)));
    noteTensor(reported, **x);
    noteTensor(reported, **w);
    return Poison();
  }
  Shape shape(s.begin(), s.end() - 1);
  shape.insert(shape.end(), t.begin() + 1, t.end());
  Value result = tensor(emitter.matmul(use(**x, range), use(**w, range)), (*x)->element, shape, {x->get()});
  auto info = std::make_shared<TensorInfo>(*tensorIn(result));
  info->axisPlaces.assign(shape.size(), SourceRange());
  info->unbounded = "a contraction without an activation (linear)";
  return Tensor(std::move(info));
}

Value Interpreter::reshape(const TensorInfo &x, Shape shape, SourceRange range) {
  int64_t known = 1, total = 1;
  int unknown = -1;
  bool hasBatch = !x.shape.empty() && x.shape.front() == batchSize;
  for (int64_t size : x.shape)
    total *= size == batchSize ? 1 : size;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == -1 && unknown < 0)
      unknown = static_cast<int>(axis);
    else
      known *= shape[axis] == batchSize ? 1 : shape[axis];
  }
  if (unknown >= 0 && known > 0 && total % known == 0)
    shape[static_cast<size_t>(unknown)] = total / known;
  bool fits = known > 0 && (unknown >= 0 ? total % known == 0 : known == total) &&
              hasBatch == (!shape.empty() && shape.front() == batchSize);
  if (!fits) {
    Diagnostic &reported = error(range, fmt::format("cannot reshape {} to {}: {} elements do not become {}", show(x),
                                                    shapeText(shape), total, known));
    noteTensor(reported, x);
    return Poison();
  }
  if (shape == x.shape)
    return std::make_shared<const TensorInfo>(x);
  return tensor(emitter.reshape(use(x, range), shape), x.element, shape, {&x});
}

Value Interpreter::concatenate(const std::vector<Value> &xs, int64_t axis, SourceRange range) {
  std::vector<Handle> handles;
  std::vector<Value> operands;
  Element element = options.real;
  for (size_t i = 0; i + 1 < xs.size(); ++i)
    element = meet(xs[i], xs[i + 1], options.real);
  Shape shape;
  const TensorInfo *first = tensorIn(xs.front());
  if (xs.size() == 1)
    return xs.front();
  size_t at = static_cast<size_t>(axis);
  if (first->shape[at] == batchSize) {
    error(range, "cannot concatenate along the batch");
    return Poison();
  }
  for (const Value &value : xs) {
    const TensorInfo *x = tensorIn(value);
    Shape other = x->shape;
    if (shape.empty()) {
      shape = other;
    } else {
      int64_t size = other.size() == shape.size() ? other[at] : 0;
      if (other.size() == shape.size())
        other[at] = shape[at];
      if (other != shape) {
        Diagnostic &reported = error(range, fmt::format("cannot concatenate {} and {} along axis {}", show(*first),
                                                        show(*x), axis));
        noteShapes(reported, *first, *x);
        return Poison();
      }
      shape[at] += size;
    }
    operands.push_back(castTo(*x, element, range));
    handles.push_back(use(*tensorIn(operands.back()), range));
  }
  Value result = tensor(emitter.concat(handles, axis), element, shape, {});
  auto info = std::make_shared<TensorInfo>(*tensorIn(result));
  for (const Value &value : xs)
    for (const std::string &name : tensorIn(value)->producers)
      if (std::find(info->producers.begin(), info->producers.end(), name) == info->producers.end())
        info->producers.push_back(name);
  info->place = first->place;
  return Tensor(std::move(info));
}

/// `x[:, -1]`, `x[..., 0:n]`: constants drop their axis, slices keep it.
Value Interpreter::slice(const TensorInfo &x, const IndexExpr &expr) {
  size_t given = 0;
  for (const IndexItem &item : expr.items)
    given += item.kind != IndexItem::Kind::Ellipsis;
  if (x.vocabulary || given > x.shape.size()) {
    error(expr.range, fmt::format("cannot index {} with {} indices", show(x), given));
    return Poison();
  }
  std::vector<int64_t> offsets(x.shape.size(), 0), sizes = x.shape, strides(x.shape.size(), 1);
  std::vector<bool> dropped(x.shape.size(), false);
  size_t axis = 0;
  auto part = [&](const ExprPtr &e, int64_t missing, int64_t size, bool &good) -> int64_t {
    if (!e)
      return missing;
    Value value = evaluate(*e);
    if (auto *number = getIf<int64_t>(value))
      return *number < 0 ? *number + size : *number;
    if (!isPoison(value))
      error(e->range, fmt::format("an index is an int known when the model is compiled, found {}", show(value)));
    good = false;
    return 0;
  };
  for (const IndexItem &item : expr.items) {
    if (item.kind == IndexItem::Kind::Ellipsis) {
      axis += x.shape.size() - given;
      continue;
    }
    int64_t size = x.shape[axis];
    bool isWhole = item.kind == IndexItem::Kind::Slice && !item.begin && !item.end && !item.step;
    if (size == batchSize) {
      if (!isWhole) {
        error(item.range, "the batch axis cannot be indexed: write `:` for it");
        return Poison();
      }
      sizes[axis++] = -1;
      continue;
    }
    bool good = true;
    if (item.kind == IndexItem::Kind::Value) {
      offsets[axis] = part(item.value, 0, size, good);
      if (good && (offsets[axis] < 0 || offsets[axis] >= size)) {
        error(item.range, fmt::format("index {} is outside axis {} of {}", offsets[axis], axis, show(x)));
        good = false;
      }
      sizes[axis] = 1;
      dropped[axis] = true;
    } else if (!isWhole) {
      int64_t begin = std::clamp<int64_t>(part(item.begin, 0, size, good), 0, size);
      int64_t end = std::clamp<int64_t>(part(item.end, size, size, good), 0, size);
      int64_t step = part(item.step, 1, 0, good);
      if (good && (step < 1 || end <= begin)) {
        error(item.range, fmt::format("an empty or backward slice of axis {} of {}", axis, show(x)));
        good = false;
      }
      offsets[axis] = begin;
      strides[axis] = step;
      sizes[axis] = good ? (end - begin + step - 1) / step : 1;
    }
    if (!good)
      return Poison();
    ++axis;
  }
  Shape shape, kept;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    int64_t size = x.shape[i] == batchSize ? batchSize : sizes[i];
    if (x.shape[i] == batchSize)
      sizes[i] = -1;
    shape.push_back(size);
    if (!dropped[i])
      kept.push_back(size);
  }
  Handle handle = use(x, expr.range);
  if (shape != x.shape)
    handle = emitter.slice(handle, offsets, sizes, strides);
  if (kept != shape)
    handle = emitter.reshape(handle, kept);
  return tensor(handle, x.element, kept, {&x});
}

/// FNV-1a: the stream of a random operation, from its owner's name and its place there.
static int64_t streamOf(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : text)
    hash = (hash ^ byte) * 0x100000001b3u;
  return static_cast<int64_t>(hash & 0x7fffffffffffffffu);
}

Value Interpreter::random(std::string_view op, const Shape &shape, SourceRange range) {
  // The name of the layer, or in @initialize of the variable, and how many came before in it.
  std::string owner = run == initializeRun ? emitter.place().name : frame().owner ? frame().owner->fullName : "";
  int64_t count = run->randomCounts[owner]++;
  Handle seed, step;
  if (run->seed) {
    seed = run->seed->handle;
    step = run->step->handle;
  } else { // a random operation outside training and @initialize
    seed = emitter.full(0, Element::I64, {});
    step = emitter.full(0, Element::I64, {});
  }
  Handle handle = emitter.random(op, seed, step, streamOf(fmt::format("{}:{}", owner, count)), shape);
  return tensor(handle, options.real, shape, {});
}

} // namespace hornfels::frontend
