#include "frontend/horn/ModelBuilder.h"

#include <fmt/format.h>

namespace hornfels::frontend {

static const char *roleText(Variable::Role role) {
  switch (role) {
  case Variable::Role::Weight:
    return "weight";
  case Variable::Role::State:
    return "state";
  case Variable::Role::Slot:
    return "slot";
  case Variable::Role::Metric:
    return "metric";
  }
  return "";
}

void ModelBuilder::build(bool onlyPredict) {
  root = std::make_shared<Owner>();
  root->definition = &model;
  root->place = model.name.range;
  root->isCalled = true;
  in.root = root.get();
  in.instances["model " + model.name.text] = root;
  in.initializeRun = &initialize;
  initialize.function = in.emitter.addFunction("initialize");
  in.within(initialize, [&] {
    TensorInfo seed;
    seed.handle = in.emitter.addArgument({Element::I64, {}, 0});
    seed.function = initialize.function;
    seed.element = Element::I64;
    TensorInfo step = seed;
    step.handle = in.emitter.full(0, Element::I64, {});
    initialize.seed = std::make_shared<const TensorInfo>(seed);
    initialize.step = std::make_shared<const TensorInfo>(step);
    readInputs();
    for (const Result &result : model.results)
      if (result.name) {
        outputs.emplace_back();
        outputs.back().name = result.name->text;
        outputs.back().range = result.name->range;
      }
  });
  Pass predict = begin("predict", false);
  forward(predict);
  if (train && !onlyPredict)
    in.within(initialize, [&] { readTrain(); });
  in.within(predict.run, [&] {
    addVariables(predict, in.variables);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Tensor &output = predict.outputs[i];
      if (!output)
        continue;
      predict.results.push_back({output->handle, outputs[i].name, "output"});
      outputEntries.push_back({outputs[i].name,
                               {output->element, output->shape, 0},
                               in.diagnostics.sources().positionText(outputs[i].range),
                               0,
                               "",
                               false});
    }
    addChanged(predict, in.variables);
  });
  finish(predict);
  if (train && !onlyPredict) {
    typeTargets(predict);
    buildEvaluate();
    buildTrain();
  }
  if (in.diagnostics.hasErrors())
    return;
  finishInitialize();
  describe();
}

void ModelBuilder::buildEvaluate() {
  Pass pass = begin("evaluate_step", false);
  forward(pass);
  in.within(pass.run, [&] {
    FrameScope scope(in, trainFrame);
    addTargets(pass);
    addLoss(pass);
    addMetrics(pass);
    addVariables(pass, in.variables);
    addVariables(pass, in.metricVariables);
    addChanged(pass, in.metricVariables);
  });
  finish(pass);
}

void ModelBuilder::buildTrain() {
  Pass pass = begin("train_step", true);
  forward(pass);
  in.within(pass.run, [&] {
    FrameScope scope(in, trainFrame);
    addTargets(pass);
    auto scalar = [&](Element element) {
      auto info = std::make_shared<TensorInfo>();
      info->handle = in.emitter.addArgument({element, {}, 0});
      info->function = pass.run.function;
      info->element = element;
      return info;
    };
    auto learningRate = scalar(in.options.real);
    learningRate->known = settings.learningRate;
    pass.run.learningRate = learningRate;
    Tensor loss = addLoss(pass);
    addMetrics(pass);
    in.guard([&] { optimize(pass, loss); });
    for (auto *list : {&in.variables, &in.slots, &in.metricVariables}) {
      addVariables(pass, *list);
      addChanged(pass, *list);
    }
    pass.arguments.push_back({learningRate->handle, "learning_rate", "learning_rate"});
    pass.arguments.push_back({pass.run.step->handle, "step", "step"});
    pass.arguments.push_back({pass.run.seed->handle, "seed", "seed"});
  });
  finish(pass);
}

/// The types of the model's inputs. The batch axis is left out in them.
void ModelBuilder::readInputs() {
  Frame frame;
  frame.definition = &model;
  frame.scope = std::make_shared<Scope>();
  frame.owner = root.get();
  FrameScope scope(in, frame);
  if (model.configuration) {
    root->isFaulty = !in.bindParameters(model, *model.configuration, {}, model.name.range);
    root->configured = frame.scope;
  }
  for (const Parameter &parameter : model.call->parameters)
    inputs.push_back({&parameter, inputType(parameter)});
}

/// The type of one input, or nothing when it is faulty (reported).
std::optional<TensorType> ModelBuilder::inputType(const Parameter &parameter) {
  if (!parameter.type ||
      (parameter.type->kind != TypeKind::Tensor && parameter.type->kind != TypeKind::Tokens)) {
    in.error(parameter.range,
             fmt::format("the input {} of a model needs a type, like real[28, 28]", parameter.name.text));
    return std::nullopt;
  }
  if (parameter.type->kind == TypeKind::Tokens) {
    std::optional<int64_t> size = in.sizeOf(*parameter.type->axes.front().size);
    if (size && *size >= 1 && *size <= std::numeric_limits<int32_t>::max())
      return TensorType{in.options.real, {batchSize}, *size};
    if (size)
      in.error(parameter.type->axes.front().range,
               fmt::format("the number of tokens is {}, expected 1 to 2147483647", *size));
    return std::nullopt;
  }
  auto element = in.elementOf(*parameter.type);
  auto shape = in.shapeOf(*parameter.type, true);
  if (!element || !shape)
    return std::nullopt;
  return TensorType{*element, *shape, 0};
}

/// Opens a function: seed and step (of training only) and the inputs are its first arguments.
ModelBuilder::Pass ModelBuilder::begin(const char *name, bool training) {
  Pass pass;
  pass.run.function = in.emitter.addFunction(name);
  pass.run.training = training;
  if (!training)
    return pass;
  in.within(pass.run, [&] {
    auto counter = [&] {
      auto info = std::make_shared<TensorInfo>();
      info->handle = in.emitter.addArgument({Element::I64, {}, 0});
      info->function = pass.run.function;
      info->element = Element::I64;
      return info;
    };
    pass.run.seed = counter();
    pass.run.step = counter();
  });
  return pass;
}

/// Runs the model's body. A faulty output (reported) is null.
void ModelBuilder::forward(Pass &pass) {
  pass.outputs.resize(outputs.size());
  in.within(pass.run, [&] {
    std::vector<CallArgument> arguments;
    for (const Input &input : inputs) {
      const Parameter &parameter = *input.parameter;
      if (!input.type) {
        arguments.push_back({nullptr, Poison(), parameter.range});
        continue;
      }
      Interpreter::PlaceScope place(in, parameter.name.text, parameter.range);
      auto info = std::make_shared<TensorInfo>();
      info->handle = in.emitter.addArgument(*input.type);
      info->function = pass.run.function;
      info->element = input.type->element;
      info->shape = input.type->shape;
      info->vocabulary = input.type->vocabulary;
      info->place = parameter.range;
      info->producers = {{parameter.name.text, 0}};
      info->input = parameter.name.text;
      bool isTokens = input.type->vocabulary != 0;
      if (!isTokens)
        info->axisPlaces.push_back(SourceRange());
      for (const Axis &axis : parameter.type->axes)
        info->axisPlaces.push_back(axis.range);
      pass.arguments.push_back({info->handle, parameter.name.text, "input"});
      arguments.push_back({nullptr, Tensor(std::move(info)), parameter.range});
    }
    Value result = in.callLayer(root, std::move(arguments), nullptr, SourceRange());
    std::vector<Value> values{result};
    if (const ListValue *list = listIn(result); list && outputs.size() != 1)
      values = list->elements;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Value value = i < values.size() ? values[i] : Value(Poison());
      auto *tensor = getIf<Tensor>(value);
      if (tensor && !(*tensor)->vocabulary && !(*tensor)->shape.empty() &&
          (*tensor)->shape.front() == batchSize) {
        pass.outputs[i] = *tensor;
        continue;
      }
      if (!isPoison(value))
        in.error(outputs[i].range, fmt::format("the output {} must be a tensor with a batch axis, it is {}",
                                               outputs[i].name, in.show(value)));
    }
  });
}

void ModelBuilder::addTargets(Pass &pass) {
  pass.targets.resize(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Output &output = outputs[i];
    if (!output.target)
      continue;
    Interpreter::PlaceScope place(in, output.name, output.range);
    auto info = std::make_shared<TensorInfo>();
    info->handle = in.emitter.addArgument(*output.target);
    info->function = pass.run.function;
    info->element = output.target->element;
    info->shape = output.target->shape;
    info->place = output.range;
    pass.arguments.push_back({info->handle, output.name, "target"});
    pass.targets[i] = std::move(info);
  }
  if (!settings.sampleWeight)
    return;
  Interpreter::PlaceScope place(in, "sample_weight", settings.sampleWeightRange);
  auto info = std::make_shared<TensorInfo>();
  info->handle = in.emitter.addArgument({in.options.real, {batchSize}, 0});
  info->function = pass.run.function;
  info->element = in.options.real;
  info->shape = {batchSize};
  info->place = settings.sampleWeightRange;
  pass.arguments.push_back({info->handle, "sample_weight", "target"});
  pass.sampleWeight = std::move(info);
}

void ModelBuilder::addVariables(Pass &pass, const std::vector<std::unique_ptr<Variable>> &variables) {
  for (const auto &variable : variables) {
    Handle &argument = pass.run.arguments[variable.get()];
    if (!argument) // not read in this function
      argument = in.emitter.addArgument({variable->element, variable->shape, 0});
    pass.arguments.push_back({argument, variable->name, roleText(variable->role)});
  }
}

void ModelBuilder::addChanged(Pass &pass, const std::vector<std::unique_ptr<Variable>> &variables) {
  for (const auto &variable : variables) {
    auto current = pass.run.current.find(variable.get());
    if (current != pass.run.current.end() && current->second->handle != pass.run.arguments[variable.get()])
      pass.results.push_back({current->second->handle, variable->name, roleText(variable->role)});
  }
}

void ModelBuilder::finish(Pass &pass) {
  if (!in.diagnostics.hasErrors())
    in.emitter.finish(pass.run.function, pass.arguments, pass.results);
}

void ModelBuilder::finishInitialize() {
  std::vector<Port> results;
  for (auto *list : {&in.variables, &in.slots, &in.metricVariables})
    for (const auto &variable : *list)
      results.push_back({variable->initial, variable->name, roleText(variable->role)});
  in.emitter.finish(initialize.function, {{initialize.seed->handle, "seed", "seed"}}, results);
}

void ModelBuilder::describe() {
  const SourceManager &sources = in.diagnostics.sources();
  ModuleDescription d;
  d.model = model.name.text;
  d.source = sources.positionText(model.range);
  for (auto *list : {&in.variables, &in.slots, &in.metricVariables})
    for (const auto &v : *list)
      d.variables.push_back({v->name, roleText(v->role), v->layer, {v->element, v->shape, 0}});
  for (const Input &input : inputs) {
    ModuleDescription::PortEntry port;
    port.name = input.parameter->name.text;
    port.type = *input.type;
    port.position = sources.positionText(input.parameter->range);
    port.limit = input.type->vocabulary;
    if (port.limit)
      port.limitPosition = sources.positionText(input.parameter->type->axes.front().range);
    if (auto ids = in.idLimits.find(port.name); ids != in.idLimits.end()) {
      port.limit = ids->second.limit;
      port.limitPosition = sources.positionText(ids->second.place);
    }
    d.inputs.push_back(std::move(port));
  }
  for (const Output &output : outputs) {
    ModuleDescription::PortEntry port;
    port.name = output.name;
    port.position = sources.positionText(output.range);
    port.limit = output.limit;
    port.limitPosition = output.limitPosition;
    port.acceptsClasses = output.acceptsClasses;
    if (!output.target)
      continue;
    port.type = *output.target;
    d.targets.push_back(std::move(port));
  }
  if (settings.sampleWeight) {
    ModuleDescription::PortEntry port;
    port.name = "sample_weight";
    port.type = TensorType{in.options.real, {batchSize}, 0};
    port.position = sources.positionText(settings.sampleWeightRange);
    d.targets.push_back(std::move(port));
  }
  d.outputs = std::move(outputEntries);
  d.metrics = metricNames;
  for (size_t i = 0; i < in.layerEntries.size(); ++i) {
    ModuleDescription::LayerEntry entry = in.layerEntries[i];
    const std::string &name = in.topLayers[i]->fullName;
    for (const auto &v : in.variables) { // its own and those of the layers in it
      if (v->layer != name && !v->layer.starts_with(name + "/"))
        continue;
      int64_t elements = 1;
      for (int64_t size : v->shape)
        elements *= size;
      entry.parameters += elements;
    }
    d.layers.push_back(std::move(entry));
  }
  if (train && !metricNames.empty())
    d.training = {settings.epochs,
                  settings.batchSize,
                  settings.learningRate,
                  settings.schedule,
                  sources.positionText(train->range),
                  sources.positionText(settings.epochsRange),
                  sources.positionText(settings.batchSizeRange)};
  in.emitter.describe(d);
}

} // namespace hornfels::frontend
