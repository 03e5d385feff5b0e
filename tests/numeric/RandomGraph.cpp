#include "tests/numeric/RandomGraph.h"

#include "tests/numeric/ForwardGraph.h"
#include <algorithm>
#include <cmath>

namespace hornfels::tests {

namespace {

/// What a seed decides before the layers: data, loss, optimizer.
struct Plan {
  std::vector<Value> inputs;
  std::vector<Encoded> encodings;
  int64_t layers = 0, classes = 1, loss = 0, optimizer = 0;
  int64_t tableColumns = 0; ///< of a first layer on ids; 0: there is none
  bool clips = false, decays = false, averages = false, swaps = false, returnsInput = false;
  uint64_t forwardSeed = 0;
};

Plan makePlan(Random &random) {
  Plan plan;
  const int64_t inputs = 1 + random.below(3);
  for (int64_t i = 0; i < inputs; ++i) {
    Shape shape{kBatchAxis, random.pick(graphSizes())};
    if (random.chance(30))
      shape.insert(shape.begin() + 1, random.pick(std::vector<int64_t>{1, 3, 7, 8}));
    else if (i > 0 && random.chance(15))
      shape.pop_back();
    plan.inputs.push_back({"x" + std::to_string(i), shape, true});
  }
  if (random.chance(40)) {
    const int64_t vocabulary = random.pick(std::vector<int64_t>{2, 9, 60, 300, 70000});
    plan.encodings.push_back({"t0", vocabulary, random.chance(50)});
  }
  plan.layers = 3 + random.below(10);
  plan.classes = random.pick(graphSizes());
  plan.loss = random.below(3);
  plan.optimizer = random.below(3);
  plan.clips = random.chance(20);
  plan.decays = random.chance(20);
  plan.averages = random.chance(15);
  plan.swaps = random.chance(10);
  plan.returnsInput = random.chance(10);
  plan.forwardSeed = random.next();
  return plan;
}

/// A layer on ids alone, so that the loss depends on it. Vocabularies of no round number, some beyond what the caches hold.
Plan makeTablePlan(uint64_t number, Random &random) {
  struct Table {
    int64_t columns, vocabulary;
  };
  static const Table tables[kTables] = {{1, 10007}, {1, 997},   {16, 5003}, {16, 700},  {46, 3001}, {46, 2},
                                        {64, 5003}, {64, 3001}, {64, 4099}, {16, 2500}, {130, 2100}, {33, 8200}};
  Plan plan;
  plan.inputs.push_back({"x0", {kBatchAxis, 7}, true});
  plan.encodings.push_back({"words", tables[number].vocabulary, number % 4 != 3});
  plan.tableColumns = tables[number].columns;
  plan.classes = 3;
  plan.loss = static_cast<int64_t>(number % 3);
  plan.optimizer = 2; // divides by the gradient's size, so that a row that is missed shows
  plan.forwardSeed = random.next();
  return plan;
}

/// Writes the three functions of a plan.
class Writer {
public:
  Writer(const Plan &plan, const std::string &name, std::string real) : plan(plan), real(std::move(real)) {
    model.name = name;
    model.real = this->real;
  }

  ModelText write() {
    GraphBuilder types(real, "");
    for (const Value &input : plan.inputs)
      model.inputs.push_back({input.name, types.typeOf(input), ""});
    for (const Encoded &t : plan.encodings)
      model.inputs.push_back({t.tokens, "!horn.tokens<" + std::to_string(t.vocabulary) + ">", ""});
    target = {"target", {kBatchAxis, plan.classes}, true};
    model.targets.push_back({target.name, types.typeOf(target), ""});
    writeTrain();
    writePredict();
    writeInitialize();
    return model;
  }

private:
  /// The layers and, as the last value, the logits.
  void build(ForwardGraph &forward) {
    for (const Value &input : plan.inputs)
      forward.addInput(input);
    for (const Encoded &t : plan.encodings)
      forward.addTokens(t);
    if (plan.tableColumns > 0)
      forward.sumRows(plan.encodings[0], plan.tableColumns);
    forward.grow(plan.layers);
    Value from = plan.inputs[0];
    for (const Value &value : forward.pool)
      if (value.isBatched())
        from = value;
    forward.pool.push_back(forward.project(from, target.shape));
  }

  void writeTrain() {
    GraphBuilder g(real, "v");
    ForwardGraph forward(g, Random(plan.forwardSeed), true, real);
    build(forward);
    const Value loss = lossOf(g, forward);
    weights = forward.weights;
    const std::vector<Value> gradients = gradientsOf(g, loss);
    update(g, gradients);
    for (const auto &[state, value] : forward.states) {
      variable(state, "state");
      model.updates.push_back({state.name, value.name});
    }
    metrics(g, loss);
    model.train = g.text;
  }

  Value lossOf(GraphBuilder &g, ForwardGraph &forward) {
    const Value &logits = forward.pool.back();
    Value each;
    if (plan.loss == 0) {
      each = g.unary("square", g.binary("sub", logits, target));
    } else if (plan.loss == 1) { // binary cross-entropy on logits
      each = g.binary("sub", g.unary("softplus", logits), g.binary("mul", logits, target));
    } else { // cross-entropy on logits
      const Value largest = g.unary("stop_gradient", g.reduce("reduce_max", logits, {1}));
      const Value shifted = g.binary("sub", logits, g.broadcast(largest, {0}, logits.shape));
      const Value sum = g.reduce("reduce_sum", g.unary("exp", shifted), {1});
      each = g.binary("mul", g.binary("sub", g.broadcast(g.unary("log", sum), {0}, logits.shape), shifted),
                      target);
    }
    Value loss = forward.mean(each);
    // Other values too, so that no layer is dead.
    for (int i = 0; i < 2; ++i)
      loss =
          g.binary("add", loss,
                   g.binary("mul", forward.mean(g.unary("square", g.unary("tanh", forward.recent()))), 0.1));
    return loss;
  }

  std::vector<Value> gradientsOf(GraphBuilder &g, const Value &loss) {
    std::string names, types;
    for (const Weight &w : weights) {
      names += (names.empty() ? "%" : ", %") + w.value.name;
      types += (types.empty() ? "" : ", ") + g.typeOf(w.value);
    }
    const std::string base = g.fresh();
    g.text += "  %" + base + ":" + std::to_string(weights.size()) + " = horn.gradient %" + loss.name +
              " of " + names + " : tensor<" + real + ">, " + types + " -> " + types + "\n";
    std::vector<Value> gradients;
    for (size_t i = 0; i < weights.size(); ++i)
      gradients.push_back({base + "#" + std::to_string(i), weights[i].value.shape});
    return plan.clips ? clipped(g, gradients) : gradients;
  }

  /// g / max(1, norm of all gradients)
  std::vector<Value> clipped(GraphBuilder &g, const std::vector<Value> &gradients) {
    Value total = g.full(0.0, {});
    for (const Value &gradient : gradients) {
      Shape axes;
      for (size_t axis = 0; axis < gradient.shape.size(); ++axis)
        axes.push_back(static_cast<int64_t>(axis));
      total = g.binary("add", total, g.reduce("reduce_sum", g.unary("square", gradient), axes));
    }
    const Value norm = g.binary("max", g.unary("sqrt", g.binary("add", total, 1e-6)), 1.0);
    std::vector<Value> result;
    for (const Value &gradient : gradients)
      result.push_back(g.binary("div", gradient, along(g, norm, gradient.shape)));
    return result;
  }

  Value along(GraphBuilder &g, const Value &scalar, const Shape &shape) {
    return shape.empty() ? scalar : g.broadcast(scalar, {}, shape);
  }

  void update(GraphBuilder &g, const std::vector<Value> &gradients) {
    const Value rate{"learning_rate", {}};
    std::vector<Value> updated;
    for (size_t i = 0; i < weights.size(); ++i) {
      const Value &w = weights[i].value;
      Value d = gradients[i];
      if (plan.decays)
        d = g.binary("add", d, g.binary("mul", w, 0.01));
      if (plan.optimizer == 1) { // momentum
        const Value slot = addSlot(w, "_velocity");
        d = g.binary("add", g.binary("mul", slot, 0.9), d);
        model.updates.push_back({slot.name, d.name});
      } else if (plan.optimizer == 2) { // a mean of squares, corrected by the count of steps
        const Value slot = addSlot(w, "_square"),
                    step = g.other("horn.cast %step : tensor<i64> to tensor<" + real + ">", {});
        const Value mean =
            g.binary("add", g.binary("mul", slot, 0.9), g.binary("mul", g.unary("square", d), 0.1));
        model.updates.push_back({slot.name, mean.name});
        const Value correction = g.binary("sub", g.full(1.0, {}), g.binary("pow", g.full(0.9, {}), step));
        const Value root =
            g.unary("sqrt", g.binary("add", g.binary("div", mean, along(g, correction, w.shape)), 0.01));
        d = g.binary("div", d, root);
      }
      updated.push_back(g.binary("sub", w, g.binary("mul", along(g, rate, w.shape), d)));
    }
    for (const Weight &w : weights)
      variable(w.value, "weight");
    for (const Value &slot : slots)
      variable(slot, "slot");
    if (plan.swaps)
      swapTwo(updated);
    for (size_t i = 0; i < weights.size(); ++i) {
      model.updates.push_back({weights[i].value.name, updated[i].name});
      if (!plan.averages)
        continue;
      const Value average{weights[i].value.name + "_average", weights[i].value.shape};
      variable(average, "state");
      model.updates.push_back(
          {average.name,
           g.binary("add", g.binary("mul", average, 0.9), g.binary("mul", updated[i], 0.1)).name});
    }
  }

  /// Two weights of a shape change places; the first of all stays as it is.
  void swapTwo(std::vector<Value> &updated) {
    updated[0] = weights[0].value;
    for (size_t i = 1; i < weights.size(); ++i)
      for (size_t j = i + 1; j < weights.size(); ++j)
        if (weights[i].value.shape == weights[j].value.shape) {
          updated[i] = weights[j].value;
          updated[j] = weights[i].value;
          return;
        }
  }

  Value addSlot(const Value &weight, const std::string &suffix) {
    slots.push_back({weight.name + suffix, weight.shape});
    return slots.back();
  }

  void variable(const Value &value, const std::string &role) {
    for (const tests::Tensor &known : model.variables)
      if (known.name == value.name)
        return;
    GraphBuilder types(real, "");
    model.variables.push_back({value.name, types.typeOf(value), role});
    shapes.push_back(value.shape);
  }

  void metrics(GraphBuilder &g, const Value &loss) {
    const Value total{"loss_total", {}}, count{"loss_count", {}};
    variable(total, "metric");
    variable(count, "metric");
    const Value n = g.other("horn.batch_size : tensor<" + real + ">", {});
    const Value newTotal = g.binary("add", total, g.binary("mul", loss, n)),
                newCount = g.binary("add", count, n);
    model.metrics = {"loss", "batch_loss"};
    model.values = {g.binary("div", newTotal, newCount).name, loss.name};
    model.updates.push_back({total.name, newTotal.name});
    model.updates.push_back({count.name, newCount.name});
  }

  void writePredict() {
    GraphBuilder g(real, "p");
    ForwardGraph forward(g, Random(plan.forwardSeed), false, real);
    build(forward);
    std::vector<Value> results{forward.pool.back()};
    for (const Value &value : forward.pool)
      if (value.isBatched() && results.size() < 3 && value.name != results[0].name &&
          (plan.returnsInput || value.name[0] == 'p'))
        results.push_back(value);
    for (const Value &result : results) {
      model.outputs.push_back({"output" + std::to_string(model.outputs.size()), g.typeOf(result), ""});
      model.predicted.push_back(result.name);
    }
    model.predict = g.text;
  }

  void writeInitialize() {
    GraphBuilder g(real, "i");
    g.text = "  %first = horn.full 0.0 : tensor<i64>\n";
    for (size_t i = 0; i < model.variables.size(); ++i) {
      const tests::Tensor &variable = model.variables[i];
      Value value = g.full(0.0, shapes[i]);
      for (const Weight &w : weights)
        if (w.value.name == variable.name) {
          const Value normal = g.other("horn.random_normal %seed, %first stream " + std::to_string(i) +
                                           " : tensor<i64> to " + variable.type,
                                       shapes[i]);
          value = g.binary("mul", normal, 1 / std::sqrt(static_cast<double>(w.fanIn)));
        }
      model.firstValues.push_back(value.name);
    }
    model.initialize = g.text;
  }

  const Plan &plan;
  std::string real;
  ModelText model;
  Value target;
  std::vector<Weight> weights;
  std::vector<Value> slots;
  std::vector<Shape> shapes; // of the variables
};

} // namespace

ModelText randomGraph(uint64_t seed, const std::string &name) {
  Random random(seed * 2654435761u + 12345);
  const bool isTable = seed >= kFirstTable && seed < kFirstTable + kTables;
  const Plan plan = isTable ? makeTablePlan(seed - kFirstTable, random) : makePlan(random);
  return Writer(plan, name, seed % 2 ? "f64" : "f32").write();
}

} // namespace hornfels::tests
