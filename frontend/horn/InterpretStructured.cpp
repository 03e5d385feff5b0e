// Operations that change a tensor's shape or make one: reductions, contraction, reshaping, concatenation,
// random numbers.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

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
  error(range,
        fmt::format("there is no axis {} in a tensor with {} ax{}", *number, rank, rank == 1 ? "is" : "es"));
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
    Diagnostic &reported =
        error(range, fmt::format("cannot contract {} with {}: the last axis of the first and the "
                                 "first axis of the second must agree",
                                 show(**x), show(**w)));
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
    Diagnostic &reported = error(range, fmt::format("cannot reshape {} to {}: {} elements do not become {}",
                                                    show(x), shapeText(shape), total, known));
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
  auto width = [](Element e) { // an element type holds those before it
    return e == Element::F64 ? 4 : e == Element::F32 ? 3 : e == Element::I64 ? 2 : e == Element::I32 ? 1 : 0;
  };
  Element element = Element::Bool;
  for (const Value &x : xs)
    if (width(tensorIn(x)->element) > width(element))
      element = tensorIn(x)->element;
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
        Diagnostic &reported = error(
            range, fmt::format("cannot concatenate {} and {} along axis {}", show(*first), show(*x), axis));
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
    for (const LayerCall &call : tensorIn(value)->producers)
      if (std::find(info->producers.begin(), info->producers.end(), call) == info->producers.end())
        info->producers.push_back(call);
  info->place = first->place;
  return Tensor(std::move(info));
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
  std::string owner = run == initializeRun ? emitter.place().name
                      : frame().owner      ? frame().owner->fullName
                                           : "";
  if (run->scanDepth > 0) {
    error(range, "random numbers in a scan's step would be the same at every place: make them before the scan");
    return Poison();
  }
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
