// Reads a `train` block: losses, metrics, optimizer, numbers.
#include "frontend/horn/ModelBuilder.h"

#include <fmt/format.h>
#include <set>

namespace hornfels::frontend {

static constexpr std::string_view settingNames[] = {"optimizer", "loss",       "loss_weights", "metrics",
                                                    "batch_size", "epochs", "sample_weight"};

/// A whole number of at least `least`, or nothing when it is left out or wrong (reported).
std::optional<int64_t> ModelBuilder::readCount(const Scope &scope, const char *name, int64_t least,
                                               SourceRange &range) {
  auto found = scope.names.find(name);
  if (found == scope.names.end())
    return std::nullopt;
  range = found->second.place;
  const Value &value = found->second.value;
  auto *number = getIf<int64_t>(value);
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (number && *number >= least && *number <= most)
    return *number;
  if (!isPoison(value))
    in.error(range, fmt::format("{} is {}, expected an int from {} to {}", name,
                                number ? std::to_string(*number) : in.show(value), least, most));
  return std::nullopt;
}

void ModelBuilder::readTrain() {
  trainFrame.definition = train;
  trainFrame.scope = std::make_shared<Scope>();
  trainFrame.owner = nullptr;
  FrameScope frame(in, trainFrame);
  if (train->call)
    in.error(train->call->range, "a train block with inputs of its own is not supported yet");
  in.execute(train->body);
  std::set<std::string> meant; // settings with a misspelled name are not missing
  // The place of a setting is its value, not its name.
  for (const StmtPtr &statement : train->body.statements) {
    auto *bind = as<BindStmt>(statement);
    if (!bind)
      continue;
    for (const Name &name : bind->targets) {
      trainFrame.scope->names[name.text].place = bind->value->range;
      if (std::find(std::begin(settingNames), std::end(settingNames), name.text) != std::end(settingNames))
        continue;
      std::string near = nearest(name.text, settingNames);
      in.error(name.range, fmt::format("unknown setting `{}`", name.text)).didYouMean(near);
      meant.insert(near);
    }
  }
  const Scope &scope = *trainFrame.scope;
  if (auto count = readCount(scope, "epochs", 1, settings.epochsRange))
    settings.epochs = *count;
  if (auto count = readCount(scope, "batch_size", 1, settings.batchSizeRange))
    settings.batchSize = *count;
  auto setting = [&](const char *name) -> const Binding * {
    auto found = scope.names.find(name);
    return found == scope.names.end() ? nullptr : &found->second;
  };
  auto isForgiven = [&](const char *name) { return meant.contains(name) || train->mayBindMore; };
  if (const Binding *loss = setting("loss"))
    readLosses(*loss);
  else if (!isForgiven("loss"))
    in.error(train->header, "the train block gives no loss");
  if (const Binding *weight = setting("sample_weight")) {
    settings.sampleWeightRange = weight->place;
    if (auto *flag = getIf<bool>(weight->value))
      settings.sampleWeight = *flag;
    else if (!isPoison(weight->value))
      in.error(weight->place,
               fmt::format("sample_weight is true or false, found {}", in.show(weight->value)));
    for (const Output &output : outputs)
      if (settings.sampleWeight && output.name == "sample_weight")
        in.error(output.range, "an output cannot be called sample_weight where samples have weights");
  }
  if (const Binding *weights = setting("loss_weights"))
    readLossWeights(*weights);
  if (const Binding *metrics = setting("metrics"))
    readMetrics(*metrics);
  const Binding *optimizer = setting("optimizer");
  if (!optimizer) {
    if (!isForgiven("optimizer"))
      in.error(train->header, "the train block gives no optimizer");
    return;
  }
  settings.optimizer = optimizer->value;
  settings.optimizerRange = optimizer->place;
  const FunctionValue *function = functionIn(optimizer->value);
  if (isPoison(optimizer->value))
    return;
  if (!function || function->definition->kind != DefinitionKind::Optimizer) {
    in.error(optimizer->place, fmt::format("expected an optimizer, found {}", in.show(optimizer->value)));
    settings.optimizer = Poison();
    return;
  }
  if (!function->configured)
    return;
  auto rate = function->configured->names.find("learning_rate");
  if (rate == function->configured->names.end())
    return;
  if (auto number = numberIn(rate->second.value)) {
    settings.learningRate = *number;
  } else if (!isPoison(rate->second.value) && !readSchedule(rate->second)) {
    settings.optimizer = Poison();
  }
}

ModelBuilder::Output *ModelBuilder::findOutput(const DictionaryValue::Entry &entry, const char *what) {
  Nearest search(entry.key);
  for (Output &output : outputs) {
    if (output.name == entry.key)
      return &output;
    search.offer(output.name);
  }
  in.error(entry.keyRange, fmt::format("{}: the model has no output `{}`", what, entry.key))
      .didYouMean(search.name());
  return nullptr;
}

/// Keras trains a model with an output that its dictionary of losses leaves out, which may be a mistake.
void ModelBuilder::missingLoss(const Output &output, SourceRange range) {
  if (in.options.isKeras && in.diagnostics.hasErrors())
    return; // it may have been given under a name that the file has not
  std::string text = fmt::format("loss: nothing is given for the output `{}`", output.name);
  Diagnostic &reported = in.options.isKeras ? in.diagnostics.warning(range, text) : in.error(range, text);
  reported.note(output.range, fmt::format("an output that is not trained has `{}: none`", output.name));
}

/// One loss for every output, a list in the order of the outputs, or a dictionary.
void ModelBuilder::readLosses(const Binding &loss) {
  auto set = [&](Output &output, const Value &value, SourceRange range) {
    if (isNone(value))
      return;
    if (!isCallable(value) && !isPoison(value)) {
      in.error(range, fmt::format("a loss is a function of (target, prediction), found {}", in.show(value)));
      output.loss = Poison();
    } else {
      output.loss = value;
    }
    output.lossRange = range;
  };
  for (Output &output : outputs)
    output.loss = NoneValue();
  if (const DictionaryValue *byName = dictionaryIn(loss.value)) {
    std::set<const Output *> given;
    bool isGood = true;
    for (const auto &entry : byName->entries) {
      Output *output = findOutput(entry, "loss");
      isGood &= output != nullptr;
      if (!output)
        continue;
      set(*output, entry.value, entry.valueRange);
      given.insert(output);
    }
    for (Output &output : outputs)
      if (isGood && !given.contains(&output))
        missingLoss(output, loss.place);
  } else if (const ListValue *list = listIn(loss.value)) {
    if (list->elements.size() != outputs.size())
      in.error(loss.place, fmt::format("the model has {} outputs, the list has {} losses", outputs.size(),
                                       list->elements.size()));
    for (size_t i = 0; i < outputs.size() && i < list->elements.size(); ++i)
      set(outputs[i], list->elements[i], list->placeOf(i, loss.place));
  } else {
    for (Output &output : outputs)
      set(output, loss.value, loss.place);
  }
}

void ModelBuilder::readLossWeights(const Binding &weights) {
  auto set = [&](Output &output, const Value &value, SourceRange range) {
    if (auto number = numberIn(value)) {
      output.weight = *number;
      output.isWeighted = true;
    } else if (!isPoison(value)) {
      in.error(range, fmt::format("a loss weight is a number, found {}", in.show(value)));
    }
  };
  if (const DictionaryValue *byName = dictionaryIn(weights.value)) {
    for (const auto &entry : byName->entries)
      if (Output *output = findOutput(entry, "loss_weights"))
        set(*output, entry.value, entry.valueRange);
  } else if (outputs.size() == 1 && numberIn(weights.value)) {
    set(outputs.front(), weights.value, weights.place);
  } else if (const ListValue *list = listIn(weights.value); list && list->elements.size() == outputs.size()) {
    for (size_t i = 0; i < outputs.size(); ++i)
      set(outputs[i], list->elements[i], list->placeOf(i, weights.place));
  } else if (!isPoison(weights.value)) {
    in.error(weights.place,
             fmt::format("loss_weights: expected a number for each of the {} outputs, found {}",
                         outputs.size(), in.show(weights.value)));
  }
}

void ModelBuilder::addMetric(Output &output, const Value &metric, SourceRange range) {
  std::string name;
  if (const FunctionValue *function = functionIn(metric))
    name = function->definition->name.text;
  else if (auto *builtin = getIf<const Builtin *>(metric))
    name = (*builtin)->name;
  if (name.empty()) {
    if (!isPoison(metric))
      in.error(range,
               fmt::format("a metric is a function of (target, prediction), found {}", in.show(metric)));
    return;
  }
  // As a metric a loss may mean something else: NAME_metric stands for it then.
  Value meant = metric;
  const Definition *own = in.program.find(name + "_metric");
  if (const FunctionValue *function = functionIn(metric); function && own) {
    auto changed = std::make_shared<FunctionValue>(*function);
    changed->definition = own;
    meant = std::shared_ptr<const FunctionValue>(std::move(changed));
  }
  if (outputs.size() > 1)
    name = output.name + "_" + name;
  std::string base = name;
  auto isTaken = [&] {
    for (const Output &each : outputs)
      for (const MetricSpec &spec : each.metrics)
        if (spec.name == name)
          return true;
    return name == "loss";
  };
  for (int number = 1; isTaken(); ++number)
    name = fmt::format("{}_{}", base, number);
  output.metrics.push_back({meant, range, name});
}

void ModelBuilder::readMetrics(const Binding &metrics) {
  auto addAll = [&](Output &output, const Value &value, SourceRange range) {
    if (const ListValue *list = listIn(value))
      for (size_t i = 0; i < list->elements.size(); ++i)
        addMetric(output, list->elements[i], list->placeOf(i, range));
    else
      addMetric(output, value, range);
  };
  if (const DictionaryValue *byName = dictionaryIn(metrics.value)) {
    for (const auto &entry : byName->entries)
      if (Output *output = findOutput(entry, "metrics"))
        addAll(*output, entry.value, entry.valueRange);
  } else if (outputs.size() == 1) {
    addAll(outputs.front(), metrics.value, metrics.place);
  } else if (!isPoison(metrics.value)) {
    in.error(metrics.place, "metrics of a model with several outputs are a dictionary: { output: metric }");
  }
}

} // namespace hornfels::frontend
