// The functions that convolutions, pooling and embeddings are written with.
#include "frontend/horn/WindowBuiltins.h"

#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <limits>
#include <fmt/format.h>

namespace hornfels::frontend {

namespace {

using P = Builtin::Parameter;

Value refuse(BuiltinCall &c, const std::string &text) {
  c.interpreter.error(c.range, text);
  return Poison();
}

/// Argument `index` as a tensor that is not tokens; null when it was reported.
const TensorInfo *tensorArgument(BuiltinCall &c, size_t index, const char *name) {
  const Value &value = c.arguments[index];
  auto *x = tensorIn(value);
  if (x && !x->vocabulary)
    return x;
  if (!isPoison(value))
    c.interpreter.error(c.places[index], fmt::format("{} takes a tensor, found {}", name, c.interpreter.show(value)));
  return nullptr;
}

/// Argument `index` as ints of at least `least`, as many as `count` says; a single int stands for all of them.
std::optional<std::vector<int64_t>> ints(BuiltinCall &c, size_t index, size_t count, int64_t least, const char *what) {
  const Value &value = c.arguments[index];
  std::vector<Value> elements;
  if (auto *list = listIn(value))
    elements = list->elements;
  else
    elements.assign(count, value);
  std::vector<int64_t> result;
  for (const Value &element : elements) {
    auto *number = getIf<int64_t>(element);
    if (isPoison(element))
      return std::nullopt;
    if (!number || *number < least) {
      c.interpreter.error(c.places[index], fmt::format("{} are ints of at least {}, found {}", what, least,
                                                       c.interpreter.show(element)));
      return std::nullopt;
    }
    result.push_back(*number);
  }
  if (result.size() == count)
    return result;
  c.interpreter.error(c.places[index], fmt::format("expected {} {}, found {}", count, what, result.size()));
  return std::nullopt;
}

struct WindowArguments {
  const TensorInfo *x;
  std::vector<int64_t> axes, sizes, strides, dilations;
  Shape places;
};

/// x, axes, sizes, strides, dilations: what every function over windows takes.
std::optional<WindowArguments> windowArguments(BuiltinCall &c, const char *name) {
  Interpreter &in = c.interpreter;
  WindowArguments w;
  w.x = tensorArgument(c, 0, name);
  if (!w.x)
    return std::nullopt;
  auto *list = listIn(c.arguments[1]);
  for (const Value &each : list ? list->elements : std::vector<Value>{c.arguments[1]}) {
    auto axis = in.axisOf(each, w.x->shape.size(), c.places[1]);
    if (!axis)
      return std::nullopt;
    if (w.x->shape[static_cast<size_t>(*axis)] == batchSize || (!w.axes.empty() && w.axes.back() >= *axis)) {
      in.error(c.places[1], "the axes of windows ascend and are not the batch");
      return std::nullopt;
    }
    w.axes.push_back(*axis);
  }
  auto sizes = ints(c, 2, w.axes.size(), 1, "sizes"), strides = ints(c, 3, w.axes.size(), 1, "strides"),
       dilations = ints(c, 4, w.axes.size(), 1, "dilations");
  if (!sizes || !strides || !dilations)
    return std::nullopt;
  w.sizes = *sizes, w.strides = *strides, w.dilations = *dilations;
  w.places = w.x->shape;
  for (size_t i = 0; i < w.axes.size(); ++i) {
    int64_t &size = w.places[static_cast<size_t>(w.axes[i])];
    // At most 2^48 elements: what is larger does not fit, whatever the product would be.
    bool fits = w.sizes[i] <= size && w.dilations[i] <= size && (w.sizes[i] - 1) * w.dilations[i] < size;
    if (!fits) {
      Diagnostic &reported = in.error(
          c.range, w.dilations[i] == 1
                       ? fmt::format("a window of {} does not fit an axis of {}", w.sizes[i], size)
                       : fmt::format("a window of {}, each {} apart, does not fit an axis of {}", w.sizes[i],
                                     w.dilations[i], size));
      in.noteTensor(reported, *w.x);
      return std::nullopt;
    }
    size = (size - (w.sizes[i] - 1) * w.dilations[i] - 1) / w.strides[i] + 1;
  }
  return w;
}

Value windows(BuiltinCall &c) {
  auto w = windowArguments(c, "windows");
  if (!w)
    return Poison();
  Interpreter &in = c.interpreter;
  Shape shape = w->places;
  shape.insert(shape.end(), w->sizes.begin(), w->sizes.end());
  return in.tensor(in.emitter.windows(in.use(*w->x, c.range), w->axes, w->sizes, w->strides, w->dilations),
                   w->x->element, shape, {w->x});
}

Value reduceWindows(BuiltinCall &c, Reduction kind, const char *name) {
  auto w = windowArguments(c, name);
  if (!w)
    return Poison();
  Interpreter &in = c.interpreter;
  Value real = in.castTo(*w->x, isReal(w->x->element) ? w->x->element : in.options.real, c.range);
  const TensorInfo &x = *tensorIn(real);
  // What a large window gives comes from its lines, axis after axis.
  constexpr int64_t mostReads = 16;
  int64_t reads = 1;
  for (int64_t size : w->sizes)
    reads *= size;
  Handle y = in.use(x, c.range);
  if (reads <= mostReads) {
    y = in.emitter.reduceWindows(kind, y, w->axes, w->sizes, w->strides, w->dilations);
  } else {
    for (size_t i = 0; i < w->axes.size(); ++i)
      y = in.emitter.reduceWindows(kind, y, {w->axes[i]}, {w->sizes[i]}, {w->strides[i]}, {w->dilations[i]});
  }
  return in.tensor(y, x.element, w->places, {w->x});
}

/// A list of one entry for each axis; a single value stands for all.
Value perAxis(BuiltinCall &c) {
  auto *count = getIf<int64_t>(c.arguments[1]);
  if (!count || *count < 0 || *count > 8)
    return refuse(c, fmt::format("axes are counted from 0 to 8, found {}", c.interpreter.show(c.arguments[1])));
  auto *list = listIn(c.arguments[0]);
  if (isPoison(c.arguments[0]))
    return Poison();
  if (!list)
    return makeList(std::vector<Value>(static_cast<size_t>(*count), c.arguments[0]));
  if (static_cast<int64_t>(list->elements.size()) == *count)
    return c.arguments[0];
  return refuse(c, fmt::format("expected one value or {}, found {}", *count, list->elements.size()));
}

/// x in a larger tensor: embed(x, shape, offsets, strides, value)[offsets + i * strides] = x[i].
Value embed(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorArgument(c, 0, "embed");
  auto shape = in.shapeFrom(c.arguments[1], c.places[1]);
  if (!x || !shape)
    return Poison();
  size_t rank = x->shape.size();
  auto offsets = ints(c, 2, rank, 0, "offsets"), strides = ints(c, 3, rank, 1, "strides");
  auto value = numberIn(c.arguments[4]);
  if (!offsets || !strides)
    return Poison();
  if (!value)
    return refuse(c, fmt::format("the value around is a number, found {}", in.show(c.arguments[4])));
  bool fits = shape->size() == rank;
  for (size_t axis = 0; fits && axis < rank; ++axis) {
    int64_t size = x->shape[axis], to = (*shape)[axis], offset = (*offsets)[axis], stride = (*strides)[axis];
    bool isBatch = size == batchSize || to == batchSize;
    fits = isBatch ? size == to && offset == 0 && stride == 1
                   : size == 0 || (offset < to && (to - 1 - offset) / stride >= size - 1);
  }
  if (!fits)
    return refuse(c, fmt::format("{} does not fit {} there", in.show(*x), shapeText(*shape)));
  return in.tensor(in.emitter.embed(in.use(*x, c.range), *shape, *offsets, *strides, *value), x->element, *shape, {x});
}

/// Rows of a table by their ids, which are ints: take(table, ids)[i..., :] = table[ids[i...], :].
Value take(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *table = tensorArgument(c, 0, "take"), *ids = tensorArgument(c, 1, "take");
  if (!table || !ids)
    return Poison();
  if (table->shape.empty() || table->shape.front() == batchSize || !isReal(table->element))
    return refuse(c, fmt::format("take takes rows of a table of a fixed number of rows, found {}", in.show(*table)));
  if (!isInteger(ids->element))
    return refuse(c, fmt::format("ids are ints, found {}", in.show(*ids)));
  Value bounded = in.boundedIds(*ids, table->shape.front(), c.range, c.places[0]);
  if (isPoison(bounded))
    return bounded;
  Shape shape = ids->shape;
  shape.insert(shape.end(), table->shape.begin() + 1, table->shape.end());
  return in.tensor(in.emitter.gather(in.use(*tensorIn(bounded), c.range), in.use(*table, c.range)), table->element, shape,
                   {ids, table});
}

/// One of two sides, by name: is it the left one? Nothing when it was reported.
std::optional<bool> isLeft(BuiltinCall &c, size_t index, const char *name) {
  auto *side = getIf<std::string>(c.arguments[index]);
  if (side && (*side == "left" || *side == "right"))
    return *side == "left";
  if (!isPoison(c.arguments[index]))
    c.interpreter.error(c.places[index], fmt::format("{} is \"left\" or \"right\", found {}", name,
                                                     c.interpreter.show(c.arguments[index])));
  return std::nullopt;
}

/// Rows of ids as i32[batch, length], in their order.
Value padTokens(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  if (isPoison(c.arguments[0]))
    return Poison();
  if (!x || !x->vocabulary)
    return refuse(c, fmt::format("pad takes tokens, found {}", in.show(c.arguments[0])));
  auto length = ints(c, 1, 1, 1, "lengths");
  auto left = isLeft(c, 2, "side"), cutLeft = isLeft(c, 3, "cut");
  auto *value = getIf<int64_t>(c.arguments[4]);
  if (!length || !left || !cutLeft)
    return Poison();
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (!value || *value < -most || *value > most || length->front() > most)
    return refuse(c, fmt::format("length and value are 32-bit ints, found {} and {}", in.show(c.arguments[1]),
                                 in.show(c.arguments[4])));
  Value result = in.tensor(in.emitter.padTokens(in.use(*x, c.range), length->front(), *left, *cutLeft, *value),
                           Element::I32, {batchSize, length->front()}, {x});
  auto info = std::make_shared<TensorInfo>(*tensorIn(result));
  info->axisPlaces = {SourceRange(), c.places[1]};
  info->below = *value < 0 ? 0 : std::max(x->vocabulary, *value + 1);
  return Tensor(std::move(info));
}

Value orthonormal(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorArgument(c, 0, "orthonormal");
  if (!x)
    return Poison();
  bool fits = x->shape.size() == 2 && x->shape[0] != batchSize && x->shape[0] <= x->shape[1] && isReal(x->element);
  if (!fits)
    return refuse(c, fmt::format("orthonormal takes a matrix of no more rows than columns, found {}", in.show(*x)));
  return in.tensor(in.emitter.orthonormal(in.use(*x, c.range)), x->element, x->shape, {x});
}

} // namespace

std::vector<Builtin> windowBuiltins() {
  Value one = int64_t{1};
  return {
      {"windows", {P{"x", {}}, P{"axes", {}}, P{"sizes", {}}, P{"strides", one}, P{"dilations", one}}, windows, {}},
      {"window_max",
       {P{"x", {}}, P{"axes", {}}, P{"sizes", {}}, P{"strides", one}, P{"dilations", one}},
       [](BuiltinCall &c) { return reduceWindows(c, Reduction::Max, "window_max"); },
       {}},
      {"window_sum",
       {P{"x", {}}, P{"axes", {}}, P{"sizes", {}}, P{"strides", one}, P{"dilations", one}},
       [](BuiltinCall &c) { return reduceWindows(c, Reduction::Sum, "window_sum"); },
       {}},
      {"per_axis", {P{"value", {}}, P{"count", {}}}, perAxis, {}},
      {"embed",
       {P{"x", {}}, P{"shape", {}}, P{"offsets", {}}, P{"strides", one}, P{"value", Value(0.0)}},
       embed,
       {}},
      {"take", {P{"table", {}}, P{"ids", {}}}, take, {}},
      {"pad_tokens", {P{"tokens", {}}, P{"length", {}}, P{"side", {}}, P{"cut", {}}, P{"value", {}}}, padTokens, {}},
      {"orthonormal", {P{"x", {}}}, orthonormal, {}},
  };
}

} // namespace hornfels::frontend
