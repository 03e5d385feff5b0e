#include "tests/numeric/WideGraph.h"

#include "tests/numeric/GraphBuilder.h"
#include <cmath>

namespace hornfels::tests {

namespace {

/// What else reads a weight, or how the net differs from dense layers one after another.
enum Feature : unsigned {
  plain = 0,
  tied = 1 << 0,        // the last layer is the first weight, transposed
  twice = 1 << 1,       // square layers share their weight
  penalty = 1 << 2,     // the loss has the squares of all weights
  clipped = 1 << 3,     // gradients are divided by their common norm
  elementwise = 1 << 4, // layers use tanh of their weight
  factored = 1 << 5,    // layers use the product of two weights
  averaged = 1 << 6,    // a state follows each weight
  bounded = 1 << 7,     // columns of a new weight are divided by their norm where it is above 1
  peaks = 1 << 8,       // the loss has the largest and the smallest element of each row and column of a weight
  reshaped = 1 << 9,    // a bias is a part of a weight, and the weight is read by another shape
  transposed = 1 << 10, // layers are given their weight transposed
  residual = 1 << 11,   // a layer adds its input
  embedded = 1 << 12,   // rows of the first weight are summed for tokens
  dropped = 1 << 13,    // dropout behind layers
  normed = 1 << 14,     // softmax behind layers
};

enum class Optimizer { sgd, momentum, rmsprop, adam };

struct Plan {
  std::string name, real;
  Shape widths; // of the input, the layers, the output
  unsigned features = plain;
  Optimizer optimizer = Optimizer::sgd;
  bool classifies = false; // cross-entropy on logits, a probability as output; else squares
  std::string activation = "tanh";
};

const std::vector<Plan> &plans() {
  static const std::vector<Plan> all = {
      {"digits", "f32", {784, 512, 10}, plain, Optimizer::rmsprop, true},
      {"threes", "f32", {33, 300, 257, 46}, plain, Optimizer::adam, true},
      {"deep", "f64", {64, 300, 300, 300, 10}, plain, Optimizer::momentum, true, "relu"},
      {"prime", "f32", {100, 513, 600, 300}, plain, Optimizer::sgd, true},
      {"wider", "f64", {17, 600, 513, 33}, dropped, Optimizer::adam, false, "relu"},
      {"tied", "f32", {300, 257, 300}, tied, Optimizer::adam},
      {"tied_deep", "f64", {513, 100, 300, 513}, tied, Optimizer::sgd, false, "relu"},
      {"twice", "f32", {300, 300, 300, 300, 46}, twice, Optimizer::rmsprop, true},
      {"penalty", "f64", {257, 300, 100}, penalty, Optimizer::momentum, false, "relu"},
      {"clipped", "f32", {100, 300, 257, 46}, clipped | penalty, Optimizer::adam, true},
      {"elementwise", "f32", {64, 257, 300}, elementwise, Optimizer::rmsprop},
      {"long", "f32", {20, 70, 1100, 10}, plain, Optimizer::rmsprop, true},
      {"long_tied", "f64", {70, 1100, 70}, tied, Optimizer::adam, false, "relu"},
      {"factored", "f64", {33, 1100, 17}, factored, Optimizer::sgd, false, "relu"},
      {"factored_tall", "f32", {300, 513, 64}, factored, Optimizer::momentum},
      {"averaged", "f32", {100, 300, 100}, averaged | bounded, Optimizer::sgd},
      {"peaks", "f64", {100, 257, 300, 10}, peaks, Optimizer::rmsprop, true, "relu"},
      {"reshaped", "f32", {100, 300, 64}, reshaped, Optimizer::adam},
      {"transposed", "f32", {257, 300, 513, 46}, transposed, Optimizer::momentum, true},
      {"transposed_bias", "f32", {288, 288, 40}, transposed | reshaped, Optimizer::rmsprop},
      {"residual", "f64", {300, 300, 300, 46}, residual, Optimizer::adam, true, "relu"},
      {"residual_tied", "f32", {300, 300, 300, 300}, residual | tied | twice, Optimizer::sgd},
      {"embedded", "f32", {600, 100, 300, 600}, embedded | tied, Optimizer::rmsprop, true},
      {"one_word", "f64", {1, 40, 10}, embedded, Optimizer::rmsprop, true},
      {"normed", "f32", {33, 300, 46, 300}, normed, Optimizer::adam, true},
      // Rows of whole pages, which lie a line further apart where nobody else reads them.
      {"pages", "f64", {300, 512, 512, 1024, 10}, normed, Optimizer::rmsprop, true, "relu"},
      {"pages_shared", "f64", {512, 512, 512, 512, 46}, residual | twice | reshaped, Optimizer::adam, true},
      {"page", "f32", {46, 1024, 33}, transposed, Optimizer::momentum},
  };
  return all;
}

Plan randomPlan(uint64_t seed) {
  static const std::vector<int64_t> sizes = {1,  7,  10, 16,  17,  31,  32,  33,  46,  64,  65,
                                             96, 99, 100, 128, 200, 257, 288, 300, 511, 512, 513, 600, 1024, 1100};
  Random random(seed * 2654435761u + 99);
  Plan plan;
  plan.real = seed % 2 ? "f64" : "f32";
  plan.name = "random" + std::to_string(seed);
  const int64_t layers = 1 + random.below(3);
  for (int64_t i = 0; i <= layers; ++i)
    plan.widths.push_back(i > 0 && random.chance(35) ? plan.widths.back() : random.pick(sizes));
  for (unsigned bit = 0; bit < 15; ++bit)
    if (random.chance(12))
      plan.features |= 1u << bit;
  if (plan.features & tied)
    plan.widths.push_back(plan.widths[0]);
  plan.optimizer = static_cast<Optimizer>(random.below(4));
  plan.classifies = random.chance(50) && plan.widths.back() > 1; // one class has no gradient
  if (seed % 2)
    plan.activation = random.pick(std::vector<std::string>{"relu", "tanh"});
  return plan;
}

Plan planOf(uint64_t seed) { return seed < plans().size() ? plans()[seed] : randomPlan(seed); }

/// Writes the three functions of a plan.
class Writer {
public:
  Writer(const Plan &plan, const std::string &name) : plan(plan) {
    model.name = name;
    model.real = plan.real;
  }

  ModelText write() {
    GraphBuilder types(plan.real, "");
    input = {"x", {kBatchAxis, plan.widths.front()}, true};
    target = {"target", {kBatchAxis, plan.widths.back()}, true};
    model.inputs.push_back({input.name, types.typeOf(input), ""});
    if (has(embedded))
      model.inputs.push_back({"ids", "!horn.tokens<" + std::to_string(plan.widths[0]) + ">", ""});
    model.targets.push_back({target.name, types.typeOf(target), ""});
    writeTrain();
    writeEvaluate();
    writePredict();
    writeInitialize();
    return model;
  }

private:
  bool has(Feature feature) const { return plan.features & feature; }

  Value weight(const std::string &name, const Shape &shape) {
    for (const Value &known : weights)
      if (known.name == name)
        return known;
    weights.push_back({name, shape});
    return weights.back();
  }

  static Value times(GraphBuilder &g, const Value &x, const Value &w) {
    return g.contract(x, w, "b, n, k", "b, k", "k, n", "b, n", {x.shape[0], w.shape[1]});
  }

  /// x . w as this plan spells it.
  Value product(GraphBuilder &g, const Value &x, size_t layer) {
    const int64_t k = x.shape[1], n = plan.widths[layer + 1];
    const std::string name = "w" + std::to_string(layer);
    if (has(tied) && layer + 2 == plan.widths.size() && layer > 0 && weights[0].shape[0] == n)
      return tiedProduct(g, x, n);
    if (has(twice) && layer > 1 && k == n && plan.widths[layer - 1] == k)
      return times(g, x, weight("w" + std::to_string(layer - 1), {k, n}));
    if (has(factored)) {
      const Value left = weight(name, {k, n}), right = weight(name + "_right", {n, n});
      const Value both = g.contract(left, right, "i, j, k", "i, k", "k, j", "i, j", {k, n});
      return times(g, x, g.binary("mul", both, 1 / std::sqrt(static_cast<double>(n))));
    }
    if (has(transposed))
      return g.contract(x, weight(name, {n, k}), "b, n, k", "b, k", "n, k", "b, n", {kBatchAxis, n});
    const Value w = weight(name, {k, n});
    return times(g, x, has(elementwise) ? g.unary("tanh", w) : w);
  }

  /// x . (first weight)ᵀ, by way of one more product where the widths differ
  Value tiedProduct(GraphBuilder &g, const Value &x, int64_t n) {
    const Value first = weights[0];
    const int64_t k = first.shape[1];
    const Value from = x.shape[1] == k ? x : times(g, x, weight("w_bridge", {x.shape[1], k}));
    return g.contract(from, first, "b, n, k", "b, k", "n, k", "b, n", {kBatchAxis, n});
  }

  Value bias(GraphBuilder &g, size_t layer, const Shape &shape) {
    const Value first = weights[0];
    if (has(reshaped) && first.shape[1] == shape[1]) // the last row of the first weight
      return g.broadcast(g.reshape(g.slice(first, {first.shape[0] - 1, 0}, {1, shape[1]}, {1, 1}), {shape[1]}),
                         {1}, shape);
    return g.broadcast(weight("b" + std::to_string(layer), {shape[1]}), {1}, shape);
  }

  /// The layers; the value before the last activation.
  Value build(GraphBuilder &g, bool training) {
    Value x = input;
    for (size_t layer = 0; layer + 1 < plan.widths.size(); ++layer) {
      Value y = product(g, x, layer);
      y = g.binary("mul", y, 3 / std::sqrt(static_cast<double>(x.shape[1])));
      y = g.binary("add", y, bias(g, layer, y.shape));
      if (has(embedded) && layer == 0) {
        const Value rows = g.other("horn.gather_sum %ids, %" + weights[0].name + " : !horn.tokens<" +
                                       std::to_string(plan.widths[0]) + ">, " + g.typeOf(weights[0]),
                                   y.shape);
        y = g.binary("add", y, g.binary("mul", rows, 0.1));
      }
      if (layer + 2 == plan.widths.size())
        return y;
      y = g.unary(plan.activation, y);
      if (has(residual) && y.shape == x.shape)
        y = g.binary("add", y, x);
      if (has(normed))
        y = softmax(g, y);
      if (has(dropped) && training)
        y = dropout(g, y, layer);
      x = y;
    }
    return x;
  }

  /// exp(x - m) and its sum over the row, m the row's largest element
  std::pair<Value, Value> exponentials(GraphBuilder &g, const Value &x) {
    const Value largest = g.unary("stop_gradient", g.reduce("reduce_max", x, {1}));
    const Value e = g.unary("exp", g.binary("sub", x, g.broadcast(largest, {0}, x.shape)));
    return {e, g.reduce("reduce_sum", e, {1})};
  }

  Value softmax(GraphBuilder &g, const Value &x) {
    const auto [e, sum] = exponentials(g, x);
    return g.binary("div", e, g.broadcast(sum, {0}, x.shape));
  }

  Value dropout(GraphBuilder &g, const Value &x, size_t layer) {
    const Value u = g.other("horn.random_uniform %seed, %step stream " + std::to_string(100 + layer) +
                                " : tensor<i64> to " + g.typeOf(x),
                            x.shape);
    return g.selectAbove(u, 0.25, g.binary("mul", x, 1 / 0.75), g.full(0.0, x.shape));
  }

  Value mean(GraphBuilder &g, const Value &each) {
    const Value total = g.reduce("reduce_sum", each, {0});
    return g.binary("div", total, g.other("horn.batch_size : tensor<" + plan.real + ">", {}));
  }

  Value lossOf(GraphBuilder &g, const Value &logits) {
    Value each;
    if (plan.classifies) { // (log(sum exp(x - m)) - (x - m)) * target
      const Value largest = g.unary("stop_gradient", g.reduce("reduce_max", logits, {1}));
      const Value shifted = g.binary("sub", logits, g.broadcast(largest, {0}, logits.shape));
      const Value sum = g.reduce("reduce_sum", g.unary("exp", shifted), {1});
      each = g.binary("mul", g.binary("sub", g.broadcast(g.unary("log", sum), {0}, logits.shape), shifted), target);
    } else {
      each = g.unary("square", g.binary("sub", logits, target));
    }
    each = g.binary("mul", each, 1 / std::sqrt(static_cast<double>(target.shape[1])));
    Value loss = mean(g, g.reduce("reduce_sum", each, {1}));
    auto add = [&](const Value &term, double factor) {
      loss = g.binary("add", loss, g.binary("mul", term, factor));
    };
    for (const Value &w : std::vector<Value>(weights)) {
      if (w.shape.size() != 2)
        continue;
      if (has(penalty))
        add(g.reduce("reduce_sum", g.unary("square", w), {0, 1}), 0.01);
      if (has(reshaped))
        add(g.reduce("reduce_sum", g.unary("square", g.reshape(w, {w.shape[0] * w.shape[1]})), {0}), 0.01);
      if (has(peaks))
        for (const char *op : {"reduce_max", "reduce_min"})
          for (int64_t axis : {0, 1})
            add(g.reduce("reduce_sum", g.unary("square", g.reduce(op, w, {axis})), {0}), 0.02);
    }
    return loss;
  }

  void writeTrain() {
    GraphBuilder g(plan.real, "v");
    const Value logits = build(g, true);
    const Value loss = lossOf(g, logits);
    std::string names, types;
    for (const Value &w : weights) {
      names += (names.empty() ? "%" : ", %") + w.name;
      types += (types.empty() ? "" : ", ") + g.typeOf(w);
    }
    const std::string base = g.fresh();
    g.text += "  %" + base + ":" + std::to_string(weights.size()) + " = horn.gradient %" + loss.name + " of " +
              names + " : tensor<" + plan.real + ">, " + types + " -> " + types + "\n";
    std::vector<Value> gradients;
    for (size_t i = 0; i < weights.size(); ++i)
      gradients.push_back({base + "#" + std::to_string(i), weights[i].shape});
    if (has(clipped))
      clip(g, gradients);
    for (const Value &w : weights)
      variable(w, "weight");
    for (size_t i = 0; i < weights.size(); ++i)
      update(g, weights[i], gradients[i]);
    model.metrics = {"loss", "hits"};
    model.values = {loss.name, hits(g, logits).name};
    model.train = g.text;
  }

  void writeEvaluate() {
    GraphBuilder g(plan.real, "e");
    const Value logits = build(g, false);
    model.evaluated = {lossOf(g, logits).name, hits(g, logits).name};
    model.evaluate = g.text;
  }

  /// How many rows have their largest logit where the target has its own: the largest element of a row of
  /// inputs is exact, that of logits is not close to the second for drawn data.
  Value hits(GraphBuilder &g, const Value &logits) {
    auto best = [&](const Value &x) {
      const Value at = g.other("horn.argmax %" + x.name + " axis 1 : " + g.typeOf(x), {kBatchAxis});
      return g.other("horn.cast %" + at.name + " : tensor<?xi32> to tensor<?x" + plan.real + ">", {kBatchAxis});
    };
    const Value distance = g.unary("abs", g.binary("sub", best(logits), best(target)));
    return mean(g, g.selectAbove(distance, 0.5, g.full(0.0, {kBatchAxis}), g.full(1.0, {kBatchAxis})));
  }

  /// g / max(1, norm of all gradients)
  void clip(GraphBuilder &g, std::vector<Value> &gradients) {
    Value total = g.full(1e-6, {});
    for (const Value &d : gradients)
      total = g.binary("add", total,
                       g.reduce("reduce_sum", g.unary("square", d), d.shape.size() == 2 ? Shape{0, 1} : Shape{0}));
    const Value norm = g.binary("max", g.unary("sqrt", total), 1.0);
    for (Value &d : gradients)
      d = g.binary("div", d, g.broadcast(norm, {}, d.shape));
  }

  Value slot(const Value &w, const std::string &suffix) {
    const Value value{w.name + suffix, w.shape};
    variable(value, "slot");
    return value;
  }

  /// old * decay + new * (1 - decay), which becomes the new value of a slot
  Value follow(GraphBuilder &g, const Value &old, const Value &value, double decay) {
    const Value next = g.binary("add", g.binary("mul", old, decay), g.binary("mul", value, 1 - decay));
    model.updates.push_back({old.name, next.name});
    return next;
  }

  Value corrected(GraphBuilder &g, const Value &average, double decay) {
    const Value step = g.other("horn.cast %step : tensor<i64> to tensor<" + plan.real + ">", {});
    const Value rest = g.binary("sub", g.full(1.0, {}), g.binary("pow", g.full(decay, {}), step));
    return g.binary("div", average, g.broadcast(rest, {}, average.shape));
  }

  void update(GraphBuilder &g, const Value &w, const Value &gradient) {
    Value d = gradient;
    if (plan.optimizer == Optimizer::sgd || plan.optimizer == Optimizer::momentum)
      d = g.binary("mul", d, 0.1); // so that training does not diverge, which makes rounding large
    if (plan.optimizer == Optimizer::momentum) {
      const Value velocity = slot(w, "_velocity");
      d = g.binary("add", g.binary("mul", velocity, 0.9), d);
      model.updates.push_back({velocity.name, d.name});
    } else if (plan.optimizer != Optimizer::sgd) {
      const bool adam = plan.optimizer == Optimizer::adam;
      Value square = follow(g, slot(w, "_square"), g.unary("square", gradient), 0.9);
      if (adam) {
        d = corrected(g, follow(g, slot(w, "_mean"), gradient, 0.8), 0.8);
        square = corrected(g, square, 0.9);
      }
      d = g.binary("div", d, g.binary("add", g.unary("sqrt", square), 0.1));
    }
    Value next = g.binary("sub", w, g.binary("mul", g.broadcast({"learning_rate", {}}, {}, w.shape), d));
    if (has(bounded) && w.shape.size() == 2) { // of each column
      const Value squares = g.reduce("reduce_sum", g.unary("square", next), {0});
      const Value norm = g.binary("max", g.unary("sqrt", squares), 1.0);
      next = g.binary("div", next, g.broadcast(norm, {1}, w.shape));
    }
    model.updates.push_back({w.name, next.name});
    if (has(averaged)) {
      const Value average{w.name + "_average", w.shape};
      variable(average, "state");
      follow(g, average, next, 0.9);
    }
  }

  void variable(const Value &value, const std::string &role) {
    GraphBuilder types(plan.real, "");
    model.variables.push_back({value.name, types.typeOf(value), role});
    shapes.push_back(value.shape);
  }

  void writePredict() {
    GraphBuilder g(plan.real, "p");
    const Value logits = build(g, false);
    const Value result = plan.classifies ? softmax(g, logits) : logits;
    model.outputs.push_back({"output", g.typeOf(result), ""});
    model.predicted.push_back(result.name);
    model.predict = g.text;
  }

  void writeInitialize() {
    GraphBuilder g(plan.real, "i");
    g.text = "  %first = horn.full 0.0 : tensor<i64>\n";
    for (size_t i = 0; i < model.variables.size(); ++i) {
      Value value = g.full(0.0, shapes[i]);
      if (model.variables[i].role == "weight")
        value = g.binary("mul",
                         g.other("horn.random_normal %seed, %first stream " + std::to_string(i) +
                                     " : tensor<i64> to " + model.variables[i].type,
                                 shapes[i]),
                         0.3);
      model.firstValues.push_back(value.name);
    }
    model.initialize = g.text;
  }

  const Plan &plan;
  ModelText model;
  Value input, target;
  std::vector<Value> weights;
  std::vector<Shape> shapes; // of the variables
};

} // namespace

uint64_t wideGraphs() { return plans().size(); }

std::string wideName(uint64_t seed) {
  const Plan plan = planOf(seed);
  return plan.real + "_" + plan.name;
}

ModelText wideGraph(uint64_t seed, const std::string &name) {
  const Plan plan = planOf(seed);
  return Writer(plan, name).write();
}

} // namespace hornfels::tests
