// The optimizer, inlined for every trainable weight, and what all of Keras's optimizers share around it.
#include "frontend/horn/ModelBuilder.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

static constexpr std::string_view sharedOptions[] = {
    "clipnorm",     "clipvalue",               "global_clipnorm",             "weight_decay",     "use_ema",
    "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps", "loss_scale_factor"};

std::span<const std::string_view> sharedOptimizerOptions() { return sharedOptions; }

/// What is wrong with the value of a shared option, or nothing.
static const char *faultOf(std::string_view name, const Value &value) {
  auto number = numberIn(value);
  auto *count = getIf<int64_t>(value);
  if (name == "use_ema")
    return getIf<bool>(value) ? nullptr : "true or false";
  if (name == "ema_momentum")
    return number && *number >= 0 && *number <= 1 ? nullptr : "a number from 0 to 1";
  if (name == "ema_overwrite_frequency")
    return count && *count >= 1 ? nullptr : "an int above 0";
  if (name == "gradient_accumulation_steps")
    return count && *count >= 2 ? nullptr : "an int above 1";
  if (name == "weight_decay")
    return number && *number >= 0 ? nullptr : "a number not below 0";
  return number && *number > 0 ? nullptr : "a number above 0";
}

bool Interpreter::takeOptimizerOptions(const Definition &definition, std::vector<CallArgument> &arguments,
                                       std::map<std::string, Binding, std::less<>> &found) {
  auto isItsOwn = [&](std::string_view name) {
    for (const Parameter &parameter : definition.configuration->parameters)
      if (parameter.name.text == name)
        return true;
    return false;
  };
  bool good = true;
  const CallArgument *clipping = nullptr;
  std::vector<CallArgument> rest, taken;
  for (CallArgument &argument : arguments) {
    bool isShared = argument.name && !isItsOwn(argument.name->text) &&
                    std::find(std::begin(sharedOptions), std::end(sharedOptions), argument.name->text) !=
                        std::end(sharedOptions);
    (isShared ? taken : rest).push_back(std::move(argument));
  }
  for (const CallArgument &argument : taken) {
    const std::string &name = argument.name->text;
    if (isNone(argument.value))
      continue;
    if (const char *expected = faultOf(name, argument.value)) {
      auto number = numberIn(argument.value);
      if (!isPoison(argument.value))
        error(argument.range, fmt::format("{}: {} is {}, expected {}", definition.name.text, name,
                                          number ? numberText(*number) : show(argument.value), expected));
      good = false;
      continue;
    }
    bool isClipping = name.ends_with("clipnorm") || name == "clipvalue";
    if (isClipping && clipping) {
      error(argument.range,
            fmt::format("{}: only one of clipnorm, clipvalue and global_clipnorm may be given",
                        definition.name.text))
          .note(clipping->range, "the first one is here");
      good = false;
    }
    if (isClipping)
      clipping = &argument;
    found[name] = {argument.value, argument.range};
  }
  arguments = std::move(rest);
  return good;
}

std::optional<double> optimizerOption(const FunctionValue &optimizer, const char *name) {
  if (!optimizer.configured)
    return std::nullopt;
  auto found = optimizer.configured->names.find(name);
  if (found == optimizer.configured->names.end())
    return std::nullopt;
  auto *flag = getIf<bool>(found->second.value);
  return flag ? std::optional<double>(*flag) : numberIn(found->second.value);
}

std::vector<Value> ModelBuilder::clip(std::vector<Value> gradients, const FunctionValue &optimizer,
                                      SourceRange range) {
  auto squares = [&](const Value &g) {
    return in.reduce(Reduction::Sum, in.elementwise("mul", g, g, range), NoneValue(), false, false, range);
  };
  if (auto c = optimizerOption(optimizer, "clipnorm")) { // g * c / max(|g|, c)
    for (Value &g : gradients) {
      Value square = squares(g);
      Value norm = in.unary("sqrt", *tensorIn(square), range);
      g = in.elementwise("div", in.elementwise("mul", g, *c, range), in.elementwise("max", norm, *c, range),
                         range);
    }
  } else if (auto global = optimizerOption(optimizer, "global_clipnorm")) {
    Value square = NoneValue();
    for (const Value &g : gradients)
      square = isNone(square) ? squares(g) : in.elementwise("add", square, squares(g), range);
    Value norm = in.unary("sqrt", *tensorIn(square), range);
    // c * min(1 / norm, 1 / c), NaN when the norm is not finite
    Value ratio = in.elementwise("min", in.elementwise("div", 1.0, norm, range), 1.0 / *global, range);
    Value scale = in.elementwise("mul", ratio, *global, range);
    scale = in.elementwise("add", scale, in.elementwise("sub", norm, norm, range), range);
    for (Value &g : gradients)
      g = in.elementwise("mul", g, scale, range);
  } else if (auto v = optimizerOption(optimizer, "clipvalue")) {
    for (Value &g : gradients)
      g = in.elementwise("min", in.elementwise("max", g, -*v, range), *v, range);
  }
  return gradients;
}

/// Runs the optimizer's body, for the parameters that it has.
Value ModelBuilder::step(const FunctionValue &optimizer, Frame called, const Value &weight, const Value &gradient,
                         const Value &number) {
  SourceRange range = settings.optimizerRange;
  called.definition = optimizer.definition;
  called.scope = std::make_shared<Scope>();
  called.scope->parent = optimizer.configured ? optimizer.configured : optimizer.closure;
  called.callSite = range;
  called.isFaulty = optimizer.isFaulty;
  std::vector<CallArgument> arguments;
  for (const Value &argument : {weight, gradient, number, Value(called.owner->name)})
    if (arguments.size() < optimizer.definition->call->parameters.size())
      arguments.push_back({nullptr, argument, range});
  return in.runBody(std::move(called), *optimizer.definition->call, std::move(arguments), range);
}

/// What owns a weight's slots.
Owner &ModelBuilder::slotOwner(const Variable &weight, const FunctionValue &optimizer) {
  std::unique_ptr<Owner> &owner = slotOwners[&weight];
  if (!owner) {
    owner = std::make_unique<Owner>();
    owner->definition = optimizer.definition;
    owner->fullName = owner->name = weight.name;
    owner->layer = weight.layer;
  }
  return *owner;
}

/// One weight: decay, then the optimizer's own step.
void ModelBuilder::update(Variable &weight, const Value &gradient, const FunctionValue &optimizer,
                          const Value &number) {
  SourceRange range = settings.optimizerRange;
  Value value = in.read(weight);
  Value rate = in.run->learningRate;
  if (auto decay = optimizerOption(optimizer, "weight_decay")) // w -= w * decay * rate
    value = in.elementwise(
        "sub", value, in.elementwise("mul", in.elementwise("mul", value, *decay, range), rate, range), range);
  Owner *owner = &slotOwner(weight, optimizer);
  Frame called;
  called.owner = owner;
  Value result = step(optimizer, std::move(called), value, gradient, number);
  if (isPoison(result))
    return;
  auto *tensor = tensorIn(result);
  if (tensor && tensor->shape == weight.shape && isReal(tensor->element)) {
    in.run->current[&weight] = std::make_shared<const TensorInfo>(*tensor);
    finishUpdate(weight, *owner, optimizer);
    return;
  }
  in.error(range,
           fmt::format("{} must return the new weight {}, it returns {}", optimizer.definition->name.text,
                       typeText(weight.element, weight.shape, in.options.real), in.show(result)));
}

void ModelBuilder::optimize(Pass &pass, const Tensor &loss) {
  const FunctionValue *given = functionIn(settings.optimizer);
  if (!given)
    return;
  SourceRange range = settings.optimizerRange;
  Interpreter::PlaceScope place(in, "optimizer", range);
  // Inside, the learning rate is the argument of the step; requirements see its first value.
  FunctionValue optimizer = *given;
  if (optimizer.configured) {
    auto scope = std::make_shared<Scope>(*optimizer.configured);
    auto rate = scope->names.find("learning_rate");
    if (rate != scope->names.end())
      rate->second.value = pass.run.learningRate;
    optimizer.configured = scope;
  }
  std::vector<Variable *> weights;
  std::vector<Handle> handles;
  for (const auto &variable : in.variables)
    if (variable->role == Variable::Role::Weight) {
      // A weight that `:=` gave a value in this step is trained from there.
      handles.push_back(in.read(*variable)->handle);
      weights.push_back(variable.get());
    }
  if (!loss || weights.empty()) { // nothing to train: what the optimizer was given is checked all the same
    Owner nothing;
    Frame called;
    called.owner = &nothing;
    step(optimizer, std::move(called), Poison(), Poison(), Poison());
    return;
  }
  std::vector<Handle> derivatives = in.emitter.gradient(loss->handle, handles);
  std::vector<Value> gradients;
  for (size_t i = 0; i < weights.size(); ++i)
    gradients.push_back(in.tensor(derivatives[i], weights[i]->element, weights[i]->shape, {}));
  gradients = clip(accumulate(weights, std::move(gradients), optimizer), optimizer, range);
  updates = updateNumber(pass, optimizer);
  Value number = in.castTo(*updates, in.options.real, range);
  for (size_t i = 0; i < weights.size(); ++i)
    update(*weights[i], gradients[i], optimizer, number);
}

} // namespace hornfels::frontend
