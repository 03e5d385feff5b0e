#include "frontend/horn/Builtins.h"

#include "frontend/horn/Interpreter.h"
#include "frontend/horn/LayerBuiltins.h"
#include "frontend/horn/WindowBuiltins.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hornfels::frontend {

namespace {

using P = Builtin::Parameter;

Value refuse(BuiltinCall &c, const std::string &text) {
  c.interpreter.error(c.range, text);
  return Poison();
}

/// An operation of one tensor, which may also be computed on a compile-time number.
Builtin elementwise(const char *name, double (*number)(double), const char *op = nullptr) {
  std::string operation = op ? op : name;
  return {name,
          {P{"x", {}}},
          [=](BuiltinCall &c) -> Value {
            const Value &x = c.arguments[0];
            if (auto *tensor = tensorIn(x); tensor && !tensor->vocabulary)
              return c.interpreter.unary(operation, *tensor, c.range);
            auto value = numberIn(x);
            if (!value || !number)
              return refuse(c, fmt::format("{} takes a tensor{}, found {}", name,
                                           number ? " or a number" : "", c.interpreter.show(x)));
            double result = number(*value);
            if (!std::isfinite(result))
              return refuse(c, fmt::format("{} of {} is {}", name, numberText(*value),
                                           std::isnan(result) ? "not a number" : "out of range"));
            return result;
          },
          {}};
}

/// `floor` and `ceil` of a number are ints.
Builtin rounding(const char *name, double (*number)(double)) {
  Builtin builtin = elementwise(name, number);
  auto run = builtin.run;
  builtin.run = [run](BuiltinCall &c) -> Value {
    Value result = run(c);
    auto *value = getIf<double>(result);
    return value && std::fabs(*value) < 9e18 ? Value(static_cast<int64_t>(*value)) : result;
  };
  return builtin;
}

/// `maximum(a, b)`: element by element, or of two numbers.
Builtin larger(const char *name, const char *op, bool max) {
  return {name,
          {P{"a", {}}, P{"b", {}}},
          [=](BuiltinCall &c) -> Value {
            auto a = numberIn(c.arguments[0]), b = numberIn(c.arguments[1]);
            if (a && b)
              return (*a < *b) == max ? c.arguments[1] : c.arguments[0];
            return c.interpreter.elementwise(op, c.arguments[0], c.arguments[1], c.range);
          },
          {}};
}

Builtin reduction(const char *name, Reduction kind, bool mean = false) {
  return {name,
          {P{"x", {}}, P{"axis", Value(NoneValue())}, P{"keepdims", Value(false)}},
          [=](BuiltinCall &c) -> Value {
            // `max(a, b)` of two compile-time numbers
            auto a = numberIn(c.arguments[0]), b = numberIn(c.arguments[1]);
            if (a && b && (kind == Reduction::Max || kind == Reduction::Min))
              return (*a < *b) == (kind == Reduction::Max) ? c.arguments[1] : c.arguments[0];
            return c.interpreter.reduce(kind, c.arguments[0], c.arguments[1], c.arguments[2], mean, c.range);
          },
          {}};
}

/// The shape of a new tensor: every size is known, -1 has no meaning.
std::optional<Shape> newShape(BuiltinCall &c) {
  auto shape = c.interpreter.shapeFrom(c.arguments[0], c.places[0]);
  if (!shape || std::find(shape->begin(), shape->end(), -1) == shape->end())
    return shape;
  c.interpreter.error(c.places[0], "a size is not negative, found -1");
  return std::nullopt;
}

Builtin filled(const char *name, double value) {
  return {name,
          {P{"shape", {}}},
          [=](BuiltinCall &c) -> Value {
            auto shape = newShape(c);
            return shape ? c.interpreter.full(value, c.interpreter.options.real, *shape) : Value(Poison());
          },
          {}};
}

Builtin random(const char *name, const char *op) {
  return {name,
          {P{"shape", {}}},
          [=](BuiltinCall &c) -> Value {
            auto shape = newShape(c);
            return shape ? c.interpreter.random(op, *shape, c.range) : Value(Poison());
          },
          {}};
}

Builtin encoding(const char *name) {
  return {name,
          {P{"tokens", {}}},
          [=](BuiltinCall &c) -> Value {
            Interpreter &in = c.interpreter;
            auto *x = tensorIn(c.arguments[0]);
            if (!x || !x->vocabulary)
              return refuse(c, fmt::format("{} takes tokens, found {}", name, in.show(c.arguments[0])));
            Value result = in.tensor(in.emitter.encode(name, in.use(*x, c.range)), in.options.real,
                                     {batchSize, x->vocabulary}, {x});
            auto info = std::make_shared<TensorInfo>(*tensorIn(result));
            info->axisPlaces = {SourceRange(), x->axisPlaces.empty() ? SourceRange() : x->axisPlaces.front()};
            return Tensor(std::move(info));
          },
          {}};
}

Value full(BuiltinCall &c) {
  auto shape = newShape(c);
  if (!shape)
    return Poison();
  auto value = c.interpreter.fit(c.arguments[1], c.interpreter.options.real, *shape, c.places[1]);
  return value ? *value : Value(Poison());
}

Value shapeOf(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  if (!x)
    return refuse(c, fmt::format("shape takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
  std::vector<Value> sizes;
  for (int64_t size : x->shape)
    sizes.push_back(size == batchSize ? Value(BatchValue()) : Value(size));
  return makeList(std::move(sizes));
}

Value rank(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  return x ? Value(static_cast<int64_t>(x->shape.size()))
           : refuse(c, fmt::format("rank takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
}

Value size(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  return x ? c.interpreter.sizeValue(*x, c.range)
           : refuse(c, fmt::format("size takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
}

Value length(BuiltinCall &c) {
  if (auto *list = listIn(c.arguments[0]))
    return static_cast<int64_t>(list->elements.size());
  return refuse(c, fmt::format("len takes a list, found {}", c.interpreter.show(c.arguments[0])));
}

Value reshape(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  auto shape = c.interpreter.shapeFrom(c.arguments[1], c.places[1]);
  if (!shape)
    return Poison();
  if (!x || x->vocabulary)
    return refuse(c, fmt::format("reshape takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
  return c.interpreter.reshape(*x, *shape, c.range);
}

Value expandDims(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  if (!x || x->vocabulary)
    return refuse(c, fmt::format("expand_dims takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
  auto axis = c.interpreter.axisOf(c.arguments[1], x->shape.size() + 1, c.places[1]);
  if (!axis)
    return Poison();
  Shape shape = x->shape;
  shape.insert(shape.begin() + *axis, 1);
  return c.interpreter.reshape(*x, shape, c.range);
}

Value squeeze(BuiltinCall &c) {
  auto *x = tensorIn(c.arguments[0]);
  if (!x || x->vocabulary)
    return refuse(c, fmt::format("squeeze takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
  auto axis = c.interpreter.axisOf(c.arguments[1], x->shape.size(), c.places[1]);
  if (!axis)
    return Poison();
  Shape shape = x->shape;
  if (shape[static_cast<size_t>(*axis)] != 1)
    return refuse(c, fmt::format("axis {} of {} is not 1", *axis, c.interpreter.show(*x)));
  shape.erase(shape.begin() + *axis);
  return c.interpreter.reshape(*x, shape, c.range);
}

Value transpose(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  if (!x || x->vocabulary)
    return refuse(c, fmt::format("transpose takes a tensor, found {}", in.show(c.arguments[0])));
  std::vector<int64_t> permutation;
  if (auto *list = listIn(c.arguments[1])) {
    for (const Value &each : list->elements) {
      auto axis = in.axisOf(each, x->shape.size(), c.places[1]);
      if (!axis)
        return Poison();
      permutation.push_back(*axis);
    }
  } else {
    for (size_t i = x->shape.size(); i-- > 0;)
      permutation.push_back(static_cast<int64_t>(i));
  }
  std::vector<int64_t> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  bool isPermutation =
      sorted.size() == x->shape.size() && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  bool movesBatch =
      !x->shape.empty() && x->shape.front() == batchSize && (permutation.empty() || permutation.front() != 0);
  if (!isPermutation || movesBatch)
    return refuse(c, isPermutation ? "the batch stays the first axis" : "axes must name every axis once");
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(x->shape[static_cast<size_t>(axis)]);
  return in.tensor(in.emitter.transpose(in.use(*x, c.range), permutation), x->element, shape, {x});
}

Value concatenate(BuiltinCall &c) {
  auto *list = listIn(c.arguments[0]);
  bool isGood = list && !list->elements.empty();
  for (size_t i = 0; isGood && i < list->elements.size(); ++i)
    isGood = tensorIn(list->elements[i]) && !tensorIn(list->elements[i])->vocabulary;
  if (list && std::any_of(list->elements.begin(), list->elements.end(), isPoison))
    return Poison();
  if (!isGood)
    return refuse(
        c, fmt::format("concatenate takes a list of tensors, found {}", c.interpreter.show(c.arguments[0])));
  auto axis =
      c.interpreter.axisOf(c.arguments[1], tensorIn(list->elements.front())->shape.size(), c.places[1]);
  if (!axis)
    return Poison();
  return c.interpreter.joinMasks(c.interpreter.concatenate(list->elements, *axis, c.range), list->elements, *axis, c.range);
}

/// n equal parts along an axis, as a tuple.
Value split(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  auto *parts = getIf<int64_t>(c.arguments[1]);
  if (!x || x->vocabulary || !parts || *parts < 1 || *parts > 1024)
    return refuse(c, fmt::format("split takes a tensor and a number of parts from 1 to 1024, found {} and {}",
                                 in.show(c.arguments[0]), in.show(c.arguments[1])));
  auto axis = in.axisOf(c.arguments[2], x->shape.size(), c.places[2]);
  if (!axis)
    return Poison();
  size_t at = static_cast<size_t>(*axis);
  if (x->shape[at] == batchSize || x->shape[at] % *parts != 0)
    return refuse(c, fmt::format("axis {} of {} does not split into {} parts", *axis, in.show(*x), *parts));
  std::vector<int64_t> offsets(x->shape.size(), 0), sizes = x->shape, strides(x->shape.size(), 1);
  Shape shape = x->shape;
  shape[at] = sizes[at] = x->shape[at] / *parts;
  if (sizes.front() == batchSize)
    sizes.front() = -1;
  std::vector<Value> values;
  for (int64_t i = 0; i < *parts; ++i, offsets[at] += shape[at])
    values.push_back(
        in.tensor(in.emitter.slice(in.use(*x, c.range), offsets, sizes, strides), x->element, shape, {x}));
  return makeList(std::move(values), true);
}

/// x the other way round along an axis.
Value flip(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  if (!x || x->vocabulary)
    return refuse(c, fmt::format("flip takes a tensor, found {}", in.show(c.arguments[0])));
  auto axis = in.axisOf(c.arguments[1], x->shape.size(), c.places[1]);
  if (!axis)
    return Poison();
  size_t at = static_cast<size_t>(*axis);
  if (x->shape[at] == batchSize)
    return refuse(c, "the batch keeps its order");
  std::vector<int64_t> offsets(x->shape.size(), 0), sizes = x->shape, strides(x->shape.size(), 1);
  offsets[at] = x->shape[at] - 1;
  strides[at] = -1;
  if (sizes.front() == batchSize)
    sizes.front() = -1;
  return in.tensor(in.emitter.slice(in.use(*x, c.range), offsets, sizes, strides), x->element, x->shape, {x});
}

Value argmax(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto x = in.realTensor(c.arguments[0], c.range, "argmax");
  if (!x)
    return Poison();
  auto axis = in.axisOf(c.arguments[1], (*x)->shape.size(), c.places[1]);
  if (!axis)
    return Poison();
  Shape shape = (*x)->shape;
  shape.erase(shape.begin() + *axis);
  return in.tensor(in.emitter.argmax(in.use(**x, c.range), *axis), Element::I32, shape, {x->get()});
}

/// 1 where the class number stands, else 0, along a new last axis.
Value oneHot(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  auto *classes = getIf<int64_t>(c.arguments[1]);
  if (!x || x->vocabulary || x->element == Element::Bool || !classes || *classes < 1)
    return refuse(c,
                  fmt::format("one_hot takes class numbers and how many classes there are, found {} and {}",
                              in.show(c.arguments[0]), in.show(c.arguments[1])));
  Shape shape = x->shape;
  shape.push_back(1);
  Value column = in.reshape(*x, shape, c.range);
  shape.back() = *classes;
  Value spread = in.broadcastTo(*tensorIn(column), shape, c.range);
  Value numbers = in.tensor(in.emitter.iota(static_cast<int64_t>(shape.size()) - 1, x->element, shape),
                            x->element, shape, {});
  Value equal = in.compareTensors(BinaryOp::Equal, spread, numbers, c.range);
  return in.castTo(*tensorIn(equal), in.options.real, c.range);
}

Value cast(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  auto *name = getIf<std::string>(c.arguments[1]);
  if (!x || x->vocabulary || !name)
    return refuse(c, fmt::format("cast takes a tensor and the name of a type, found {} and {}",
                                 in.show(c.arguments[0]), in.show(c.arguments[1])));
  static const std::map<std::string, Element> types = {{"f32", Element::F32},
                                                       {"f64", Element::F64},
                                                       {"i32", Element::I32},
                                                       {"i64", Element::I64},
                                                       {"bool", Element::Bool}};
  auto type = types.find(*name);
  if (*name != "real" && (type == types.end() || type->second == Element::Bool))
    return refuse(c, fmt::format("cast: unknown type \"{}\"", *name));
  return in.castTo(*x, *name == "real" ? in.options.real : type->second, c.range);
}

Value stopGradient(BuiltinCall &c) {
  if (auto *x = tensorIn(c.arguments[0]); x && !x->vocabulary)
    return isReal(x->element) ? c.interpreter.unary("stop_gradient", *x, c.range) : c.arguments[0];
  return c.arguments[0]; // a number
}

/// The mask of a tensor, or none.
Value maskOf(BuiltinCall &c) {
  const TensorInfo *x = tensorIn(c.arguments[0]);
  if (!x)
    return refuse(c, fmt::format("mask takes a tensor, found {}", c.interpreter.show(c.arguments[0])));
  return x->mask ? Value(x->mask) : Value(NoneValue());
}

/// The tensor that `function` was applied to when it gave p, or none.
Value logits(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *p = tensorIn(c.arguments[0]);
  const void *function = nullptr;
  if (auto *f = functionIn(c.arguments[1]))
    function = f->definition;
  else if (auto *builtin = getIf<const Builtin *>(c.arguments[1]))
    function = static_cast<const void *>(*builtin);
  if (!p || !function)
    return refuse(c, "logits takes a tensor and a function");
  // Who asks for logits takes p for a probability.
  if (!p->unbounded.empty()) {
    std::string text = fmt::format("the prediction is not a probability: it comes from {}", p->unbounded);
    Diagnostic &reported = in.options.isKeras ? in.diagnostics.warning(in.userPlace(c.range), text)
                                              : in.error(c.range, text);
    in.noteTensor(reported, *p);
    if (!in.options.isKeras)
      return Poison();
  }
  if (in.options.lossClip)
    return NoneValue();
  for (const Application &application : p->applications)
    if (application.function == function)
      return application.input;
  return NoneValue();
}

/// 0, 1, ... below n; of `batch`: the number of each row.
Value arange(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  if (std::holds_alternative<BatchValue>(c.arguments[0]))
    return in.tensor(in.emitter.iota(0, in.options.real, {batchSize}), in.options.real, {batchSize}, {});
  auto *size = getIf<int64_t>(c.arguments[0]);
  if (!size || *size < 1)
    return refuse(c, fmt::format("arange takes an int above 0, found {}", in.show(c.arguments[0])));
  return in.tensor(in.emitter.iota(0, in.options.real, {*size}), in.options.real, {*size}, {});
}

/// Zeros around a tensor: pairs of sizes, one for each axis.
Value zeroPad(BuiltinCall &c) {
  Interpreter &in = c.interpreter;
  auto *x = tensorIn(c.arguments[0]);
  auto *pairs = listIn(c.arguments[1]);
  if (!x || x->vocabulary || !pairs || pairs->elements.size() != x->shape.size())
    return refuse(c, fmt::format("zero_pad takes a tensor and a pair for each axis, found {} and {}",
                                 in.show(c.arguments[0]), in.show(c.arguments[1])));
  std::vector<int64_t> offsets, strides(x->shape.size(), 1);
  Shape shape = x->shape;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    auto sizes = in.shapeFrom(pairs->elements[axis], c.places[1]);
    if (!sizes)
      return Poison();
    bool isGood = sizes->size() == 2 && (*sizes)[0] >= 0 && (*sizes)[1] >= 0;
    if (!isGood || (shape[axis] == batchSize && ((*sizes)[0] || (*sizes)[1])))
      return refuse(c, fmt::format("zero_pad: axis {} of {} cannot grow by {}", axis, in.show(*x), shapeText(*sizes)));
    offsets.push_back((*sizes)[0]);
    if (shape[axis] != batchSize)
      shape[axis] += (*sizes)[0] + (*sizes)[1];
  }
  if (shape == x->shape)
    return c.arguments[0];
  return in.tensor(in.emitter.embed(in.use(*x, c.range), offsets, strides, shape), x->element, shape, {x});
}

Value broadcastTo(BuiltinCall &c) {
  auto shape = c.interpreter.shapeFrom(c.arguments[1], c.places[1]);
  auto *x = tensorIn(c.arguments[0]);
  if (!shape || !x)
    return shape ? refuse(c, fmt::format("broadcast_to takes a tensor, found {}", c.interpreter.show(c.arguments[0])))
                 : Value(Poison());
  auto value = c.interpreter.fit(c.arguments[0], x->element, *shape, c.range);
  return value ? *value : Value(Poison());
}

Value contains(BuiltinCall &c) {
  auto *text = getIf<std::string>(c.arguments[0]), *part = getIf<std::string>(c.arguments[1]);
  if (!text || !part)
    return refuse(c, "contains takes two strings");
  return text->find(*part) != std::string::npos;
}

std::map<std::string, Builtin, std::less<>> makeTable() {
  auto sigmoidOf = [](double x) { return 1 / (1 + std::exp(-x)); };
  std::vector<Builtin> all = {
      elementwise("exp", std::exp),
      elementwise("expm1", std::expm1),
      elementwise("log", std::log),
      elementwise("log1p", std::log1p),
      elementwise("sqrt", std::sqrt),
      elementwise("abs", std::fabs),
      elementwise("sin", std::sin),
      elementwise("cos", std::cos),
      elementwise("sinh", std::sinh),
      elementwise("tanh", std::tanh),
      elementwise("erf", std::erf),
      elementwise("sigmoid", sigmoidOf),
      elementwise("rsqrt", nullptr),
      elementwise("sign", nullptr),
      elementwise("softplus", nullptr),
      elementwise("square", nullptr),
      elementwise("reciprocal", nullptr),
      elementwise("erfinv", nullptr),
      elementwise("rectified", nullptr,
                  "relu"), // the scalar max(x, 0); `relu` with Keras's options is in the library
      rounding("floor", std::floor),
      rounding("ceil", std::ceil),
      larger("maximum", "max", true),
      larger("minimum", "min", false),
      reduction("sum", Reduction::Sum),
      reduction("mean", Reduction::Sum, true),
      reduction("max", Reduction::Max),
      reduction("min", Reduction::Min),
      reduction("prod", Reduction::Product),
      filled("zeros", 0),
      filled("ones", 1),
      random("uniform", "random_uniform"),
      random("normal", "random_normal"),
      encoding("multi_hot"),
      encoding("count"),
      {"full", {P{"shape", {}}, P{"value", {}}}, full, {}},
      {"shape", {P{"x", {}}}, shapeOf, {}},
      {"rank", {P{"x", {}}}, rank, {}},
      {"size", {P{"x", {}}}, size, {}},
      {"len", {P{"list", {}}}, length, {}},
      {"reshape", {P{"x", {}}, P{"shape", {}}}, reshape, {}},
      {"expand_dims", {P{"x", {}}, P{"axis", {}}}, expandDims, {}},
      {"squeeze", {P{"x", {}}, P{"axis", Value(int64_t{-1})}}, squeeze, {}},
      {"transpose", {P{"x", {}}, P{"axes", Value(NoneValue())}}, transpose, {}},
      {"concatenate", {P{"xs", {}}, P{"axis", Value(int64_t{-1})}}, concatenate, {}},
      {"split", {P{"x", {}}, P{"parts", {}}, P{"axis", Value(int64_t{-1})}}, split, {}},
      {"flip", {P{"x", {}}, P{"axis", Value(int64_t{-1})}}, flip, {}},
      {"scan",
       {P{"step", {}}, P{"initial", {}}, P{"xs", {}}, P{"axis", Value(int64_t{1})}, P{"reverse", Value(false)}},
       [](BuiltinCall &c) { return c.interpreter.scan(c); },
       {}},
      {"argmax", {P{"x", {}}, P{"axis", Value(int64_t{-1})}}, argmax, {}},
      {"one_hot", {P{"x", {}}, P{"classes", {}}}, oneHot, {}},
      {"cast", {P{"x", {}}, P{"type", {}}}, cast, {}},
      {"stop_gradient", {P{"x", {}}}, stopGradient, {}},
      {"logits", {P{"p", {}}, P{"function", {}}}, logits, {}},
      {"mask", {P{"x", {}}}, maskOf, {}},
      {"with_mask",
       {P{"x", {}}, P{"mask", {}}},
       [](BuiltinCall &c) { return c.interpreter.withMask(c.arguments[0], c.arguments[1], c.range); },
       {}},
      {"matmul",
       {P{"a", {}}, P{"b", {}}},
       [](BuiltinCall &c) { return c.interpreter.matmul(c.arguments[0], c.arguments[1], c.range); },
       {}},
      {"where",
       {P{"condition", {}}, P{"a", {}}, P{"b", {}}},
       [](BuiltinCall &c) {
         return c.interpreter.where(c.arguments[0], c.arguments[1], c.arguments[2], c.range);
       },
       {}},
      {"arange", {P{"n", {}}}, arange, {}},
      {"zero_pad", {P{"x", {}}, P{"padding", {}}}, zeroPad, {}},
      {"contains", {P{"text", {}}, P{"part", {}}}, contains, {}},
      {"broadcast_to", {P{"x", {}}, P{"shape", {}}}, broadcastTo, {}},
      {"is_list",
       {P{"x", {}}},
       [](BuiltinCall &c) -> Value { return listIn(c.arguments[0]) != nullptr; },
       {}},
      {"einsum",
       {P{"equation", {}}, P{"a", {}}, P{"b", {}}},
       [](BuiltinCall &c) -> Value {
         if (auto *equation = getIf<std::string>(c.arguments[0]))
           return c.interpreter.einsum(*equation, c.arguments[1], c.arguments[2], c.range);
         return refuse(c, "einsum takes an equation and two tensors");
       },
       {}},
      {"add_loss",
       {P{"x", {}}},
       [](BuiltinCall &c) -> Value {
         c.interpreter.addPenalty(c.arguments[0], c.range);
         return NoneValue();
       },
       {}},
      {"regularize",
       {P{"x", {}}, P{"regularizer", {}}},
       [](BuiltinCall &c) -> Value {
         c.interpreter.regularize(c.arguments[0], c.arguments[1], c.range);
         return NoneValue();
       },
       {}},
      {"constrain",
       {P{"weight", {}}, P{"constraint", {}}},
       [](BuiltinCall &c) -> Value {
         c.interpreter.constrain(c.arguments[0], c.arguments[1], c.range);
         return NoneValue();
       },
       {}},
      {"copy",
       {},
       {},
       [](BuiltinCall &c, const std::vector<CallArgument> &arguments) {
         return c.interpreter.copyLayer(c, arguments);
       }},
  };
  std::map<std::string, Builtin, std::less<>> table;
  for (std::vector<Builtin> family : {windowBuiltins(), layerBuiltins()})
    for (Builtin &builtin : family)
      all.push_back(std::move(builtin));
  for (Builtin &builtin : all) {
    std::string name = builtin.name;
    table.emplace(name, std::move(builtin));
  }
  return table;
}

const std::map<std::string, Builtin, std::less<>> &table() {
  static const auto theTable = makeTable();
  return theTable;
}

} // namespace

const Builtin *findBuiltin(std::string_view name) {
  auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::vector<std::string_view> builtinNames() {
  std::vector<std::string_view> names;
  for (const auto &[name, builtin] : table())
    names.push_back(name);
  return names;
}

} // namespace hornfels::frontend
