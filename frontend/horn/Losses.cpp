// Losses and metrics: what the targets are, the mean over samples, metrics that keep a running mean.
#include "frontend/horn/ModelBuilder.h"

#include <fmt/format.h>

namespace hornfels::frontend {

void ModelBuilder::typeTargets(const Pass &pass) {
  in.within(initialize, [&] {
    FrameScope scope(in, trainFrame);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (pass.outputs[i])
        typeTarget(outputs[i], *pass.outputs[i]);
  });
}

/// The type of an output's target follows from the loss's parameters: none given, the prediction's. A size
/// that they call `classes` bounds class numbers; a target `real[..., classes]` takes class numbers as
/// one-hot.
void ModelBuilder::typeTarget(Output &output, const TensorInfo &prediction) {
  if ((isNone(output.loss) && output.metrics.empty()) || isPoison(output.loss))
    return;
  output.target = TensorType{in.options.real, prediction.shape, 0};
  const FunctionValue *loss = functionIn(output.loss);
  if (!loss || !loss->definition->call || loss->definition->call->parameters.size() < 2)
    return;
  const Definition &definition = *loss->definition;
  const Parameter &targetParameter = definition.call->parameters[0];
  const Parameter &predictionParameter = definition.call->parameters[1];
  Frame frame;
  frame.definition = &definition;
  frame.scope = std::make_shared<Scope>();
  frame.scope->parent = loss->configured ? loss->configured : loss->closure;
  frame.callSite = output.lossRange;
  FrameScope scope(in, frame);
  bool isTensor = predictionParameter.type && predictionParameter.type->kind == TypeKind::Tensor;
  if (isTensor &&
      !in.bindTensorType(*predictionParameter.type, "the prediction", prediction, output.lossRange, true)) {
    output.loss = Poison();
    output.target.reset();
    return;
  }
  const Binding *classes = frame.scope->find("classes");
  auto *count = classes ? getIf<int64_t>(classes->value) : nullptr;
  if (count) {
    output.limit = *count;
    SourceRange place = prediction.axisPlaces.empty() ? SourceRange() : prediction.axisPlaces.back();
    const SourceManager &sources = in.diagnostics.sources();
    if (!place.isValid() || sources.isLibrary(place.file))
      place = prediction.place;
    output.limitPosition = sources.positionText(place);
  }
  if (!targetParameter.type || targetParameter.type->kind != TypeKind::Tensor)
    return;
  const TypeExpr &type = *targetParameter.type;
  auto element = in.elementOf(type);
  if (!element)
    return;
  Shape shape;
  for (const Axis &axis : type.axes) {
    if (axis.isEllipsis) {
      Shape middle = frame.ellipsis.value_or(Shape(prediction.shape));
      shape.insert(shape.end(), middle.begin(), middle.end());
    } else if (auto size = in.sizeOf(*axis.size)) {
      shape.push_back(*size);
    }
  }
  output.target = TensorType{*element, shape, 0};
  auto *last = type.axes.empty() ? nullptr : as<NameExpr>(type.axes.back().size);
  output.acceptsClasses = count && isReal(*element) && last && last->name == "classes";
}

/// Each sample's loss times its weight; what is averaged over is still the number of samples, as in Keras.
Value ModelBuilder::weighted(const Pass &pass, const Output &output, const Value &values) {
  auto *tensor = tensorIn(values);
  if (!pass.sampleWeight || !tensor)
    return values;
  if (tensor->shape.empty() || tensor->shape.front() != batchSize) {
    in.error(output.lossRange, "weights of samples need a loss that gives one value a sample, this one gives " +
                                   in.show(values));
    return Poison();
  }
  Shape shape(tensor->shape.size(), 1);
  shape.front() = batchSize;
  Value weight = pass.sampleWeight;
  if (shape.size() > 1)
    weight = in.reshape(*pass.sampleWeight, shape, output.lossRange);
  return in.elementwise("mul", values, weight, output.lossRange);
}

/// The values that count: those where the mask of the prediction is true, and that of the values themselves where they
/// have one (a loss that leaves out a class). A single number has no places.
ModelBuilder::Counted ModelBuilder::counted(const Value &values, const Tensor &prediction, SourceRange range) {
  const TensorInfo *tensor = tensorIn(values);
  Tensor mask = prediction ? prediction->mask : nullptr;
  if (tensor && tensor->mask && mask && tensor->mask->handle != mask->handle) {
    auto both = in.elementwise("and", tensor->mask, mask, range);
    if (isPoison(both))
      return {both, both, false};
    mask = std::get<Tensor>(both);
  } else if (tensor && tensor->mask) {
    mask = tensor->mask;
  }
  if (!tensor || !mask || tensor->shape.empty())
    return {values, NoneValue(), true};
  bool fits = mask->shape.size() <= tensor->shape.size() &&
              std::equal(mask->shape.begin(), mask->shape.end(), tensor->shape.begin());
  if (!fits) {
    in.error(range, fmt::format("the mask {} of the prediction does not fit the values {} that are averaged",
                                in.show(*mask), in.show(*tensor)));
    return {Poison(), Poison(), false};
  }
  Shape spread = mask->shape;
  spread.resize(tensor->shape.size(), 1);
  int64_t each = 1; // values at a place of the mask
  for (size_t axis = mask->shape.size(); axis < tensor->shape.size(); ++axis)
    each *= tensor->shape[axis];
  Value condition = in.reshape(*mask, spread, range);
  Value number = in.reduce(Reduction::Sum, in.castTo(*mask, in.options.real, range), NoneValue(), false, false, range);
  return {in.where(condition, values, 0.0, range), in.elementwise("mul", number, each, range), false};
}

/// What a loss or a metric is called on: target and prediction, both faulty when one is, so that its own
/// arguments are checked in any case.
std::vector<CallArgument> ModelBuilder::comparison(const Pass &pass, size_t i, SourceRange range) {
  bool isGood = pass.outputs[i] && pass.targets[i];
  return {{nullptr, isGood ? Value(pass.targets[i]) : Value(Poison()), range},
          {nullptr, isGood ? Value(pass.outputs[i]) : Value(Poison()), range}};
}

/// The mean over samples of one output's loss, or null.
Tensor ModelBuilder::lossOf(Pass &pass, size_t i) {
  Output &output = outputs[i];
  if (isNone(output.loss) || isPoison(output.loss))
    return nullptr;
  Interpreter::PlaceScope place(in, "loss", output.lossRange);
  Value values = in.call(output.loss, comparison(pass, i, output.lossRange), nullptr, output.lossRange);
  if (isPoison(values))
    return nullptr;
  if (!tensorIn(values)) {
    in.error(output.lossRange, fmt::format("a loss gives a tensor, this one gives {}", in.show(values)));
    return nullptr;
  }
  values = weighted(pass, output, values);
  if (isPoison(values))
    return nullptr;
  Counted part = counted(values, pass.outputs[i], output.lossRange);
  if (isPoison(part.values))
    return nullptr;
  Value mean = in.reduce(Reduction::Sum, part.values, NoneValue(), false, part.all, output.lossRange);
  if (!part.all) // nothing counts: 0
    mean = in.elementwise("div", mean, in.elementwise("max", part.count, 1.0, output.lossRange), output.lossRange);
  auto *tensor = getIf<Tensor>(mean);
  return tensor ? *tensor : nullptr;
}

/// A metric keeps its variables across the functions.
Owner &ModelBuilder::metricOwner(const std::string &name, const Definition *definition) {
  std::unique_ptr<Owner> &owner = metricOwners[name];
  if (!owner) {
    owner = std::make_unique<Owner>();
    owner->definition = definition;
    owner->name = owner->fullName = name;
  }
  return *owner;
}

/// total += sum, count += count; total / count, or 0 where nothing was counted
Value ModelBuilder::streamingMean(const std::string &name, const Value &sum, const Value &count,
                                  SourceRange range, bool mayBeEmpty) {
  Owner &owner = metricOwner(name, nullptr);
  auto grow = [&](const char *local, const Value &by) -> Value {
    Variable *variable = in.makeVariable(
        owner, local, {local, SourceRange()}, Variable::Role::Metric, in.options.real, {},
        [] { return Value(0.0); }, range);
    if (!variable)
      return Poison();
    in.write(*variable, in.elementwise("add", in.read(*variable), by, range), range);
    return in.read(*variable);
  };
  Value total = grow("total", sum), number = grow("count", count);
  if (mayBeEmpty)
    number = in.where(in.compareTensors(BinaryOp::Equal, number, 0.0, range), 1.0, number, range);
  return in.elementwise("div", total, number, range);
}

void ModelBuilder::addMetricResult(Pass &pass, const std::string &name, const Value &value) {
  auto *tensor = tensorIn(value);
  if (!tensor)
    return;
  pass.results.push_back({tensor->handle, name, "value"});
  if (std::find(metricNames.begin(), metricNames.end(), name) == metricNames.end())
    metricNames.push_back(name);
}

/// The sum of the outputs' losses, each times its weight, and the metric "loss" (with several outputs also
/// "<output>_loss", unweighted, as Keras shows them): means over samples of the batches' losses.
Tensor ModelBuilder::addLoss(Pass &pass) {
  std::vector<Tensor> losses;
  bool isGood = true;
  size_t count = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    losses.emplace_back();
    in.guard([&] { losses.back() = lossOf(pass, i); });
    bool isWanted = !isNone(outputs[i].loss);
    count += isWanted;
    isGood &= losses.back() || !isWanted;
  }
  if (!isGood)
    return nullptr;
  if (count == 0) {
    in.error(train->header, "no output has a loss");
    return nullptr;
  }
  SourceRange range = train->header;
  Interpreter::PlaceScope place(in, "loss", trainFrame.scope->names["loss"].place);
  Value total = NoneValue();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!losses[i])
      continue;
    Value weighted = losses[i];
    if (outputs[i].isWeighted)
      weighted = in.elementwise("mul", losses[i], outputs[i].weight, range);
    total = isNone(total) ? weighted : in.elementwise("add", total, weighted, range);
  }
  for (const Value &penalty : pass.run.penalties)
    total = in.elementwise("add", total, penalty, range);
  if (!tensorIn(total))
    return nullptr;
  Value batch = in.tensor(in.emitter.batchSizeTensor(), in.options.real, {}, {});
  auto running = [&](const std::string &name, const Value &loss) {
    addMetricResult(pass, name, streamingMean(name, in.elementwise("mul", loss, batch, range), batch, range));
  };
  running("loss", total);
  for (size_t i = 0; i < outputs.size() && count > 1; ++i)
    if (losses[i])
      running(outputs[i].name + "_loss", losses[i]);
  return std::get<Tensor>(total);
}

Value ModelBuilder::metricValue(const MetricSpec &metric, std::vector<CallArgument> arguments) {
  const FunctionValue *function = functionIn(metric.function);
  if (function && function->definition->kind == DefinitionKind::Metric) { // it keeps its own state
    Frame called;
    called.definition = function->definition;
    called.scope = std::make_shared<Scope>();
    called.scope->parent = function->configured ? function->configured : function->closure;
    called.callSite = metric.range;
    called.owner = &metricOwner(metric.name, function->definition);
    called.isFaulty = function->isFaulty;
    Value value =
        in.runBody(std::move(called), *function->definition->call, std::move(arguments), metric.range);
    auto *tensor = tensorIn(value);
    if (isPoison(value) || (tensor && tensor->shape.empty()))
      return value;
    in.error(metric.range, fmt::format("a metric gives its value so far, a tensor real[], this one gives {}",
                                       in.show(value)));
    return Poison();
  }
  // A function: the mean over samples, each sample's value being the mean over its other axes.
  auto *given = getIf<Tensor>(arguments.back().value);
  Tensor prediction = given ? *given : nullptr;
  Value values = in.call(metric.function, std::move(arguments), nullptr, metric.range);
  auto *tensor = tensorIn(values);
  if (!tensor) {
    if (!isPoison(values))
      in.error(metric.range, fmt::format("a metric gives a tensor, this one gives {}", in.show(values)));
    return Poison();
  }
  if (tensor->shape.empty())
    return streamingMean(metric.name, values, 1.0, metric.range);
  return meanOfSamples(metric, values, prediction);
}

/// Under a mask the mean is over the places that count.
Value ModelBuilder::meanOfSamples(const MetricSpec &metric, const Value &given, const Tensor &prediction) {
  Counted part = counted(given, prediction, metric.range);
  auto *tensor = tensorIn(part.values);
  if (!tensor)
    return Poison();
  int64_t each = 1; // values of a sample
  for (size_t axis = 1; axis < tensor->shape.size(); ++axis)
    each *= tensor->shape[axis];
  Value values = part.values;
  if (tensor->shape.size() > 1) {
    std::vector<Value> axes;
    for (size_t axis = 1; axis < tensor->shape.size(); ++axis)
      axes.push_back(static_cast<int64_t>(axis));
    values = in.reduce(Reduction::Sum, values, makeList(std::move(axes)), false, true, metric.range);
  }
  Value sum = in.reduce(Reduction::Sum, values, NoneValue(), false, false, metric.range);
  Value count = in.tensor(in.emitter.batchSizeTensor(), in.options.real, {}, {});
  if (!part.all) // a sample counts as far as its places do, so that numbers stay small
    count = in.elementwise("div", part.count, each, metric.range);
  return streamingMean(metric.name, sum, count, metric.range, !part.all);
}

void ModelBuilder::addMetrics(Pass &pass) {
  for (size_t i = 0; i < outputs.size(); ++i)
    for (const MetricSpec &metric : outputs[i].metrics) {
      Interpreter::PlaceScope place(in, "metrics", metric.range);
      in.guard([&] {
        addMetricResult(pass, metric.name, metricValue(metric, comparison(pass, i, metric.range)));
      });
    }
}

} // namespace hornfels::frontend
