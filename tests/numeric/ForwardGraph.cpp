#include "tests/numeric/ForwardGraph.h"

#include <algorithm>
#include <cmath>

namespace hornfels::tests {

const std::vector<int64_t> &graphSizes() {
  static const std::vector<int64_t> sizes = {1, 3, 7, 8, 16, 17, 33, 46};
  return sizes;
}

void ForwardGraph::grow(int64_t steps) {
  for (; steps > 0; --steps)
    layer();
}

void ForwardGraph::layer() {
  struct Row {
    int weight;
    void (ForwardGraph::*make)();
  };
  static const Row rows[] = {
      {10, &ForwardGraph::activate}, {4, &ForwardGraph::jump},      {9, &ForwardGraph::combine},
      {12, &ForwardGraph::dense},    {4, &ForwardGraph::products},  {7, &ForwardGraph::reduction},
      {7, &ForwardGraph::spread},    {4, &ForwardGraph::regroup},   {4, &ForwardGraph::permute},
      {6, &ForwardGraph::cut},       {6, &ForwardGraph::join},      {5, &ForwardGraph::softmax},
      {4, &ForwardGraph::layerNorm}, {4, &ForwardGraph::batchNorm}, {5, &ForwardGraph::dropout},
      {6, &ForwardGraph::tokens},    {3, &ForwardGraph::position},  {3, &ForwardGraph::widen},
      {9, &ForwardGraph::convolution}, {7, &ForwardGraph::pooling},  {4, &ForwardGraph::lookUp}};
  int total = 0;
  for (const Row &row : rows)
    total += row.weight;
  int64_t at = random.below(total);
  for (const Row &row : rows)
    if ((at -= row.weight) < 0) {
      (this->*row.make)();
      return;
    }
}

Value ForwardGraph::recent() {
  const int64_t size = static_cast<int64_t>(pool.size());
  const int64_t back = random.chance(60) ? random.below(size < 3 ? size : 3) : random.below(size);
  return pool[static_cast<size_t>(size - 1 - back)];
}

Value ForwardGraph::weight(const Shape &shape, int64_t fanIn) {
  if (random.chance(30))
    for (const Weight &known : weights)
      if (known.value.shape == shape)
        return known.value;
  weights.push_back({{"w" + std::to_string(weights.size()), shape}, fanIn});
  return weights.back().value;
}

Value ForwardGraph::batchSize(const Shape &shape) {
  const Value n = g.other("horn.batch_size : " + g.typeOf(Shape{}), {});
  return shape.empty() ? n : g.broadcast(n, {}, shape);
}

Value ForwardGraph::meanOver(const Value &x, const Shape &axes) {
  int64_t count = 1;
  bool batch = false;
  for (int64_t axis : axes) {
    const int64_t size = x.shape[static_cast<size_t>(axis)];
    batch |= size == kBatchAxis;
    count *= size == kBatchAxis ? 1 : size;
  }
  Value sum = g.reduce("reduce_sum", x, axes);
  if (count > 1)
    sum = g.binary("mul", sum, 1.0 / static_cast<double>(count));
  return batch ? g.binary("div", sum, batchSize(sum.shape)) : sum;
}

Value ForwardGraph::mean(const Value &x) {
  Shape axes;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    axes.push_back(static_cast<int64_t>(axis));
  if (axes.size() < 2 || random.chance(50))
    return meanOver(x, axes);
  // As losses do: each sample's, then the batch's.
  const Value ofSample = meanOver(x, Shape(axes.begin() + 1, axes.end()));
  return meanOver(ofSample, {0});
}

/// x, with the last axis of `shape` alone, along the others.
Value ForwardGraph::alongLast(const Value &x, const Shape &shape) {
  return x.shape == shape ? x : g.broadcast(x, {static_cast<int64_t>(shape.size()) - 1}, shape);
}

Value ForwardGraph::backTo(const Value &reduced, const Value &x, const Shape &axes) {
  Shape kept;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) == axes.end())
      kept.push_back(static_cast<int64_t>(axis));
  return kept.size() == x.shape.size() ? reduced : g.broadcast(reduced, kept, x.shape);
}

Value ForwardGraph::project(const Value &x, const Shape &shape) {
  Value flat = x;
  if (x.shape.size() == 1)
    flat = g.reshape(x, {kBatchAxis, 1});
  else if (x.shape.size() > 2)
    flat = g.reshape(x, {kBatchAxis, elementsOf(x.shape)});
  const int64_t k = flat.shape[1], n = elementsOf(shape);
  const Value y = g.contract(flat, weight({k, n}, k), "b, n, k", "b, k", "k, n", "b, n", {kBatchAxis, n});
  return shape.size() == 2 ? y : g.reshape(y, shape);
}

void ForwardGraph::activate() {
  const Value x = recent();
  static const std::vector<std::string> plain = {"tanh", "sigmoid", "relu", "softplus", "sin",
                                                 "cos",  "erf",     "neg",  "abs"};
  switch (random.below(8)) {
  case 0:
    return add(g.unary("sqrt", g.binary("add", g.unary("square", x), 0.5)));
  case 1:
    return add(g.unary("log1p", g.unary("square", x)));
  case 2:
    return add(g.unary("exp", g.unary("neg", g.unary("square", x))));
  case 3:
    return add(
        g.unary(random.chance(50) ? "rsqrt" : "reciprocal", g.binary("add", g.unary("square", x), 1.0)));
  case 4:
    return add(g.unary(random.chance(50) ? "expm1" : "exp", g.unary("tanh", x)));
  case 5: // gelu: x and what is made of it, read again
    return add(g.binary("mul", x, g.unary(random.chance(50) ? "sigmoid" : "tanh", x)));
  default:
    return add(g.unary(random.pick(plain), x));
  }
}

void ForwardGraph::jump() {
  const Value x = recent();
  if (!mayJump(x))
    return activate();
  static const std::vector<std::string> steps = {"floor", "ceil", "sign"};
  if (random.chance(40))
    return add(g.unary(random.pick(steps), x));
  if (random.chance(30) && x.shape.size() > 1) {
    const int64_t axis = static_cast<int64_t>(x.shape.size()) - 1;
    Shape shape(x.shape.begin(), x.shape.end() - 1);
    const Value index =
        g.other("horn.argmax %" + x.name + " axis " + std::to_string(axis) + " : " + g.typeOf(x), shape);
    const Value number = g.other(
        "horn.cast %" + index.name + " : " + g.typeOf(shape, "i32") + " to " + g.typeOf(shape), shape);
    return add(g.binary("mul", number, 0.05));
  }
  add(g.selectAbove(x, 0.1, g.unary("tanh", x), g.binary("mul", x, 0.3)));
}

/// Another value of the same shape: one of the pool, or a weight repeated.
Value ForwardGraph::partner(const Value &x) {
  std::vector<Value> same;
  for (const Value &other : pool)
    if (other.shape == x.shape && other.name != x.name)
      same.push_back(other);
  if (!same.empty() && random.chance(70))
    return random.pick(same);
  if (x.shape.empty() || x.shape.back() == kBatchAxis) {
    const Value w = weight({}, 1);
    return x.shape.empty() ? w : g.broadcast(w, {}, x.shape);
  }
  return alongLast(weight({x.shape.back()}, 1), x.shape);
}

void ForwardGraph::combine() {
  const Value x = recent(), y = random.chance(10) ? x : partner(x);
  switch (random.below(6)) {
  case 0:
    return add(g.binary("add", x, y));
  case 1:
    return add(g.binary("sub", y, x));
  case 2:
    return add(g.binary("mul", g.unary("tanh", x), y));
  case 3:
    return add(g.binary(random.chance(50) ? "max" : "min", x, y));
  case 4:
    return add(g.binary("div", x, g.binary("add", g.unary("sigmoid", y), 0.5)));
  default: // (x + 1.5 within bounds) to the power of tanh y
    return add(g.binary("pow", g.binary("add", g.unary("sigmoid", x), 0.5), g.unary("tanh", y)));
  }
}

void ForwardGraph::dense() {
  const Value x = recent();
  if (x.shape.empty() || x.shape.back() == kBatchAxis)
    return spread();
  const int64_t k = x.shape.back(), n = random.pick(graphSizes());
  Shape shape = x.shape;
  shape.back() = n;
  if (!fits(shape))
    return activate();
  static const char *names[] = {"a, ", "b, ", "c, ", "d, "};
  std::string lead;
  for (size_t i = 0; i + 1 < x.shape.size(); ++i)
    lead += names[i];
  const bool transposed = random.chance(30);
  const Value w = weight(transposed ? Shape{n, k} : Shape{k, n}, k);
  const std::string dims = lead + "n, k", right = transposed ? "n, k" : "k, n";
  Value y = random.chance(20) ? g.contract(w, x, dims, right, lead + "k", lead + "n", shape)
                              : g.contract(x, w, dims, lead + "k", right, lead + "n", shape);
  if (random.chance(70))
    y = g.binary("add", y, alongLast(weight({n}, 100), shape));
  static const std::vector<std::string> activations = {"relu", "tanh", "sigmoid", "softplus"};
  if (random.chance(60))
    y = g.unary(random.pick(activations), y);
  add(y);
}

/// Products of two values of the pool for each sample: scores of attention.
void ForwardGraph::products() {
  const Value x = recent();
  std::vector<Value> others;
  for (const Value &other : pool)
    if (other.isBatched() && other.shape.size() == 3 && x.isBatched() && x.shape.size() == 3 &&
        other.shape[2] == x.shape[2])
      others.push_back(other);
  if (others.empty()) {
    if (!x.isBatched() || x.shape.size() != 2)
      return dense();
    // the dot product of each sample with another value of its shape
    const Value y = partner(x);
    const Value dot = g.contract(x, y, "b, k", "b, k", "b, k", "b", {kBatchAxis});
    return add(g.binary("mul", dot, 1.0 / static_cast<double>(x.shape[1])));
  }
  const Value y = random.pick(others);
  const bool swapped = random.chance(30);
  const Shape shape =
      swapped ? Shape{kBatchAxis, y.shape[1], x.shape[1]} : Shape{kBatchAxis, x.shape[1], y.shape[1]};
  if (!fits(shape))
    return activate();
  const Value scores =
      g.contract(x, y, "b, s, t, k", "b, s, k", "b, t, k", swapped ? "b, t, s" : "b, s, t", shape);
  add(g.binary("mul", scores, 1.0 / static_cast<double>(x.shape[2])));
}

void ForwardGraph::reduction() {
  const Value x = recent();
  if (x.shape.empty())
    return activate();
  Shape axes;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    if (random.chance(axis == 0 ? 25 : 50))
      axes.push_back(static_cast<int64_t>(axis));
  if (axes.empty())
    axes.push_back(static_cast<int64_t>(x.shape.size()) - 1);
  const int64_t kind = random.below(5);
  if (kind == 0 || kind == 1)
    return add(g.reduce(kind ? "reduce_max" : "reduce_min", x, axes));
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= x.shape[static_cast<size_t>(axis)] == kBatchAxis ? 1000 : x.shape[static_cast<size_t>(axis)];
  if (kind == 2 && count <= 20)
    return add(g.reduce("reduce_prod", g.binary("add", g.binary("mul", g.unary("tanh", x), 0.1), 1.0), axes));
  add(meanOver(x, axes));
}

/// A smaller value along the axes of a larger one.
void ForwardGraph::spread() {
  const Value large = recent();
  for (size_t tries = 0; tries < 6; ++tries) {
    const Value &small = random.pick(pool);
    if (small.shape.size() >= large.shape.size())
      continue;
    Shape dims;
    for (size_t axis = 0; axis < large.shape.size() && dims.size() < small.shape.size(); ++axis)
      if (large.shape[axis] == small.shape[dims.size()])
        dims.push_back(static_cast<int64_t>(axis));
    if (dims.size() != small.shape.size())
      continue;
    const Value wide = g.broadcast(small, dims, large.shape);
    return add(random.chance(50) ? g.binary("mul", g.unary("tanh", large), wide)
                                 : g.binary("sub", large, wide));
  }
  if (large.isBatched() && large.shape.size() <= 2 && large.shape.size() + 1 <= 3) {
    Shape shape = large.shape, dims{0};
    shape.push_back(random.pick(graphSizes()));
    if (large.shape.size() == 2)
      dims.push_back(1);
    if (fits(shape))
      return add(
          g.binary("mul", g.broadcast(large, dims, shape), alongLast(weight({shape.back()}, 1), shape)));
  }
  activate();
}

void ForwardGraph::regroup() {
  const Value x = recent();
  Shape shape = x.shape;
  const size_t last = shape.size() - 1;
  const size_t first = x.isBatched() ? 1 : 0;
  if (shape.size() >= first + 2 && random.chance(50)) {
    shape[last - 1] *= shape[last];
    shape.pop_back();
  } else if (shape.size() > first && shape[last] > 1 && shape.size() < 4 && random.chance(70)) {
    for (int64_t factor : {2, 3, 7, 11, 23, 17})
      if (shape[last] % factor == 0) {
        shape[last] /= factor;
        shape.push_back(factor);
        if (random.chance(50))
          std::swap(shape[last], shape[last + 1]);
        break;
      }
  } else if (shape.size() < 4) {
    shape.insert(shape.begin() + static_cast<long>(first), 1);
  }
  if (shape == x.shape)
    return activate();
  add(g.reshape(x, shape));
}

void ForwardGraph::permute() {
  const Value x = recent();
  const size_t first = x.isBatched() ? 1 : 0;
  if (x.shape.size() < first + 2)
    return activate();
  Shape permutation;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    permutation.push_back(static_cast<int64_t>(axis));
  for (size_t axis = x.shape.size() - 1; axis > first; --axis)
    std::swap(permutation[axis],
              permutation[first + static_cast<size_t>(random.below(static_cast<int64_t>(axis - first + 1)))]);
  add(g.transpose(x, permutation));
}

void ForwardGraph::cut() {
  const Value x = recent();
  Shape offsets, sizes, strides;
  bool whole = true;
  for (int64_t size : x.shape) {
    const bool cuts = size != kBatchAxis && size > 2 && random.chance(70);
    const int64_t stride = cuts && random.chance(30) ? 2 : 1, offset = cuts ? random.below(size / 2 + 1) : 0;
    const int64_t most = size == kBatchAxis ? 0 : (size - offset + stride - 1) / stride;
    offsets.push_back(offset);
    strides.push_back(stride);
    sizes.push_back(size == kBatchAxis ? -1 : cuts ? 1 + random.below(most) : size);
    whole &= !cuts;
  }
  if (whole)
    return activate();
  Value y = g.slice(x, offsets, sizes, strides);
  if (random.chance(25))
    y = g.other("horn.embed %" + y.name + " offsets " + listOf(offsets) + " strides " + listOf(strides) +
                    " : " + g.typeOf(y) + " to " + g.typeOf(x),
                x.shape);
  add(y);
}

void ForwardGraph::join() {
  const Value x = recent();
  const size_t first = x.isBatched() ? 1 : 0;
  if (x.shape.size() <= first)
    return activate();
  const int64_t axis =
      static_cast<int64_t>(first) + random.below(static_cast<int64_t>(x.shape.size() - first));
  std::vector<Value> parts{x};
  int64_t elements = elementsOf(x.shape);
  for (const Value &other : pool) {
    Shape a = x.shape, b = other.shape;
    if (a.size() != b.size())
      continue;
    a[static_cast<size_t>(axis)] = b[static_cast<size_t>(axis)] = 0;
    if (a != b || parts.size() >= 3 || !random.chance(60) || elements + elementsOf(other.shape) > 2000)
      continue;
    elements += elementsOf(other.shape);
    parts.push_back(other);
  }
  if (parts.size() == 1)
    parts.push_back(g.unary("tanh", x));
  add(g.concat(parts, axis));
}

void ForwardGraph::softmax() {
  const Value x = recent();
  if (x.shape.empty() || x.shape.back() == kBatchAxis)
    return activate();
  const Shape axes{static_cast<int64_t>(x.shape.size()) - 1};
  const Value largest = g.unary("stop_gradient", g.reduce("reduce_max", x, axes));
  const Value shifted = g.binary("sub", x, backTo(largest, x, axes));
  const Value e = g.unary("exp", shifted), sum = g.reduce("reduce_sum", e, axes);
  if (random.chance(60))
    return add(g.binary("div", e, backTo(sum, x, axes)));
  add(g.binary("mul", g.binary("sub", shifted, backTo(g.unary("log", sum), x, axes)), 0.2));
}

void ForwardGraph::layerNorm() {
  const Value x = recent();
  if (x.shape.empty() || x.shape.back() == kBatchAxis)
    return activate();
  const Shape axes{static_cast<int64_t>(x.shape.size()) - 1};
  const Value centred = g.binary("sub", x, backTo(meanOver(x, axes), x, axes));
  const Value variance = meanOver(g.unary("square", centred), axes);
  const Value scale = g.unary("rsqrt", g.binary("add", variance, 0.1));
  const Value normal = g.binary("mul", centred, backTo(scale, x, axes));
  add(g.binary("mul", normal, alongLast(weight({x.shape.back()}, 1), x.shape)));
}

void ForwardGraph::batchNorm() {
  const Value x = recent();
  if (!x.isBatched() || x.shape.size() < 2)
    return layerNorm();
  Shape axes;
  for (size_t axis = 0; axis + 1 < x.shape.size(); ++axis)
    axes.push_back(static_cast<int64_t>(axis));
  const Value moving{"state" + std::to_string(states.size()), {x.shape.back()}};
  Value centre = moving;
  if (training) {
    centre = meanOver(x, axes);
    states.push_back({moving, g.binary("add", g.binary("mul", moving, 0.9), g.binary("mul", centre, 0.1))});
  } else {
    states.push_back({moving, moving});
  }
  const Value centred = g.binary("sub", x, backTo(centre, x, axes));
  add(g.unary("tanh", centred));
}

void ForwardGraph::dropout() {
  const Value x = recent();
  const int64_t number = stream++;
  if (!training) {
    Value same = g.unary("neg", x);
    same.exact = false; // as in training, so that both make the same choices after it
    return add(same);
  }
  const Value u = g.other("horn.random_uniform %seed, %step stream " + std::to_string(number) +
                              " : tensor<i64> to " + g.typeOf(x),
                          x.shape);
  add(g.selectAbove(u, 0.3, g.binary("mul", x, 1 / 0.7), g.full(0.0, x.shape)));
}

void ForwardGraph::sumRows(const Encoded &tokens, int64_t columns) {
  const Value w = weight({tokens.vocabulary, columns}, 40), bias = weight({columns}, 100);
  const Value sum = g.other("horn.gather_sum %" + tokens.tokens + ", %" + w.name + (tokens.distinct ? " distinct" : "") +
                                " : !horn.tokens<" + std::to_string(tokens.vocabulary) + ">, " + g.typeOf(w),
                            {kBatchAxis, columns});
  add(g.unary("relu", g.binary("add", sum, alongLast(bias, sum.shape))));
}

void ForwardGraph::tokens() {
  if (encodings.empty())
    return dense();
  const Encoded &t = random.pick(encodings);
  const int64_t n = random.pick(graphSizes());
  const std::string type = "!horn.tokens<" + std::to_string(t.vocabulary) + ">";
  if (random.chance(20) && t.vocabulary <= 1000) {
    const Shape shape{kBatchAxis, t.vocabulary};
    return add(g.other(std::string("horn.") + (t.distinct ? "multi_hot" : "count") + " %" + t.tokens + " : " +
                           type + " to " + g.typeOf(shape),
                       shape));
  }
  const Value w = weight({t.vocabulary, n}, 4);
  const Value y = g.other("horn.gather_sum %" + t.tokens + ", %" + w.name +
                              (t.distinct ? " distinct : " : " : ") + type + ", " + g.typeOf(w),
                          {kBatchAxis, n});
  add(random.chance(50) ? g.unary("relu", g.binary("add", y, alongLast(weight({n}, 100), y.shape))) : y);
}

/// Windows over the axes between the batch and the last: sizes, strides and dilations that fit.
std::optional<ForwardGraph::Windows> ForwardGraph::windowsOf(const Value &x, bool dilates) {
  if (!x.isBatched() || x.shape.size() < 3 || x.shape.size() > 4)
    return std::nullopt;
  Windows w;
  w.places = x.shape;
  Shape strides, dilations;
  for (size_t axis = 1; axis + 1 < x.shape.size(); ++axis) {
    const int64_t size = x.shape[axis], k = 1 + random.below(std::min<int64_t>(size, 3));
    const int64_t dilation = dilates && random.chance(20) && 2 * (k - 1) < size ? 2 : 1;
    const int64_t stride = random.chance(40) ? k : 1 + random.below(2);
    w.axes.push_back(static_cast<int64_t>(axis));
    w.sizes.push_back(k);
    strides.push_back(stride);
    dilations.push_back(dilation);
    w.places[axis] = (size - (k - 1) * dilation - 1) / stride + 1;
  }
  w.attributes = " axes " + listOf(w.axes) + " sizes " + listOf(w.sizes) + " strides " + listOf(strides) + " dilations " +
                 listOf(dilations);
  return w;
}

/// A value of the pool as lines of a few channels, if it has none.
Value ForwardGraph::withChannels() {
  const Value x = recent();
  if (!x.isBatched() || x.shape.size() != 2 || x.shape[1] < 3)
    return x;
  for (int64_t channels : {3, 8, 11, 23})
    if (x.shape[1] % channels == 0 && random.chance(60))
      return g.reshape(x, {kBatchAxis, x.shape[1] / channels, channels});
  return g.reshape(x, {kBatchAxis, x.shape[1], 1});
}

void ForwardGraph::convolution() {
  const Value x = withChannels();
  const std::optional<Windows> w = windowsOf(x, true);
  if (!w)
    return dense();
  const int64_t channels = x.shape.back();
  const bool each = random.chance(20);
  int64_t filters = each ? channels : random.pick(graphSizes());
  Shape result = w->places;
  result.back() = filters;
  if (!fits(result))
    return activate();
  Shape seen = w->places, kernel = w->sizes;
  seen.insert(seen.end(), w->sizes.begin(), w->sizes.end());
  int64_t fanIn = each ? 1 : channels;
  for (int64_t size : w->sizes)
    fanIn *= size;
  const Value windows = g.other("horn.windows %" + x.name + w->attributes + " : " + g.typeOf(x), seen);
  std::string places = "n", inside;
  for (size_t i = 0; i < w->sizes.size(); ++i) {
    places += ", p" + std::to_string(i);
    inside += ", k" + std::to_string(i);
  }
  kernel.push_back(channels);
  if (!each)
    kernel.push_back(filters);
  const std::string ofKernel = inside.substr(2) + ", c" + (each ? "" : ", o");
  const std::string to = places + (each ? ", c" : ", o");
  Value y = g.contract(windows, weight(kernel, fanIn), to + (each ? "" : ", c") + inside, places + ", c" + inside, ofKernel,
                       to, result);
  if (random.chance(60))
    y = g.binary("add", y, alongLast(weight({filters}, 100), result));
  add(random.chance(50) ? g.unary("relu", y) : y);
}

void ForwardGraph::pooling() {
  const Value x = withChannels();
  const std::optional<Windows> w = windowsOf(x, false);
  if (!w)
    return activate();
  int64_t count = 1;
  for (int64_t size : w->sizes)
    count *= size;
  const bool largest = random.chance(60);
  const Value y = g.other(std::string("horn.window_") + (largest ? "max" : "sum") + " %" + x.name + w->attributes + " : " +
                              g.typeOf(x),
                          w->places);
  add(largest ? y : g.binary("mul", y, 1.0 / static_cast<double>(count)));
}

/// Rows of a weight by ids that come from the numbers of a value.
void ForwardGraph::lookUp() {
  const Value x = recent();
  if (real != "f64" || x.shape.empty() || x.shape.size() > 2) // in f32 sin rounds, and ids would jump
    return activate();
  const int64_t rows = random.pick(graphSizes()), columns = random.pick(graphSizes());
  Shape shape = x.shape;
  shape.push_back(columns);
  if (!fits(shape))
    return activate();
  // floor((sin x + 1) / 2 * 0.999 * rows)
  const Value part = g.binary("mul", g.binary("add", g.unary("sin", x), 1.0), 0.4995 * static_cast<double>(rows));
  const std::string whole = g.typeOf(x.shape, "i32");
  const Value ids = g.other("horn.cast %" + part.name + " : " + g.typeOf(x) + " to " + whole, x.shape);
  const Value table = weight({rows, columns}, 4);
  add(g.other("horn.gather %" + ids.name + ", %" + table.name + " : " + whole + ", " + g.typeOf(table), shape));
}

/// The index along an axis, or a table known when compiling.
void ForwardGraph::position() {
  const Value x = recent();
  if (x.shape.empty() || x.shape.back() == kBatchAxis)
    return activate();
  const int64_t last = static_cast<int64_t>(x.shape.size()) - 1;
  if (random.chance(50)) {
    const Value index = g.other("horn.iota " + std::to_string(last) + " : " + g.typeOf(x), x.shape);
    return add(g.binary("add", x, g.binary("mul", index, 0.02)));
  }
  std::string numbers;
  for (int64_t i = 0; i < x.shape.back(); ++i) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6e", std::sin(static_cast<double>(i)));
    numbers += (i ? ", " : "") + std::string(digits);
  }
  const Shape shape{x.shape.back()};
  const Value table = g.other("horn.constant dense<[" + numbers + "]> : " + g.typeOf(shape), shape);
  add(g.binary("mul", x, alongLast(table, x.shape)));
}

/// Through the other real type; in f64 that would round, so there it stays.
void ForwardGraph::widen() {
  const Value x = recent();
  if (real != "f32")
    return combine();
  const std::string wide = g.typeOf(x.shape, "f64");
  const Value y = g.other("horn.cast %" + x.name + " : " + g.typeOf(x) + " to " + wide, x.shape);
  const Value z = g.other("horn.tanh %" + y.name + " : " + wide, x.shape);
  add(g.other("horn.cast %" + z.name + " : " + wide + " to " + g.typeOf(x), x.shape));
}

} // namespace hornfels::tests
