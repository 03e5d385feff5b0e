// What all of Keras's optimizers share around their own step beside clipping and decay: gradients that are
// accumulated over several steps, moving averages of the weights, and the weights' own constraints.
#include "frontend/horn/ModelBuilder.h"

namespace hornfels::frontend {

/// A slot that the compiler adds. Its name is no identifier, so that no optimizer has one of that name.
static constexpr const char *accumulatorName = "accumulated-gradient";
static constexpr const char *averageName = "moving-average";

Variable *ModelBuilder::addSlot(const Variable &weight, Owner &owner, const char *name) {
  return in.makeVariable(
      owner, name, {name, SourceRange()}, Variable::Role::Slot, weight.element, weight.shape,
      [] { return Value(0.0); }, settings.optimizerRange);
}

/// An int of the type of the counter `step`.
static Tensor counter(Handle handle, const Tensor &like) {
  auto info = std::make_shared<TensorInfo>(*like);
  info->handle = handle;
  return info;
}

/// The number of updates with this one: a step each, or with accumulation a step in so many.
Tensor ModelBuilder::updateNumber(Pass &pass, const FunctionValue &optimizer) {
  auto every = optimizerOption(optimizer, "gradient_accumulation_steps");
  const Tensor &step = pass.run.step;
  if (!every)
    return step;
  Emitter &emitter = in.emitter;
  Handle one = emitter.full(1, step->element, {}), count = emitter.full(*every, step->element, {});
  Handle done = emitter.elementwise("div", {emitter.elementwise("sub", {step->handle, one}), count});
  return counter(emitter.elementwise("add", {done, one}), step);
}

/// Whether a counter is a multiple of `every`: a bool.
Value ModelBuilder::isMultiple(const Tensor &number, double every) {
  Emitter &emitter = in.emitter;
  Handle count = emitter.full(every, number->element, {});
  Handle whole = emitter.elementwise("mul", {emitter.elementwise("div", {number->handle, count}), count});
  return in.compareTensors(BinaryOp::Equal, number, counter(whole, number), settings.optimizerRange);
}

/// Sums the gradients of several steps and gives their mean. It counts in the last of them only, where the sum
/// begins again: `keepOld` holds the weights and slots still in the others.
std::vector<Value> ModelBuilder::accumulate(const std::vector<Variable *> &weights, std::vector<Value> gradients,
                                            const FunctionValue &optimizer) {
  auto every = optimizerOption(optimizer, "gradient_accumulation_steps");
  if (!every)
    return gradients;
  SourceRange range = settings.optimizerRange;
  isUpdate = isMultiple(in.run->step, *every);
  for (size_t i = 0; i < weights.size(); ++i) {
    Variable *sum = addSlot(*weights[i], slotOwner(*weights[i], optimizer), accumulatorName);
    Value total = in.elementwise("add", gradients[i], in.read(*sum), range);
    in.write(*sum, in.where(isUpdate, 0.0, total, range), range);
    gradients[i] = in.elementwise("div", total, *every, range);
  }
  return gradients;
}

/// Between the updates of an accumulated gradient, the weight and its slots stay.
void ModelBuilder::keepOld(Variable &weight, Owner &owner) {
  auto keep = [&](Variable &variable) {
    Tensor &current = in.run->current[&variable];
    if (!current || current->handle == in.run->arguments[&variable])
      return;
    TensorInfo before = *current;
    before.handle = in.run->arguments[&variable];
    Value chosen = in.where(isUpdate, current, std::make_shared<const TensorInfo>(before), settings.optimizerRange);
    current = std::get<Tensor>(chosen);
  };
  keep(weight);
  for (Variable *slot : owner.owned)
    if (slot->local != accumulatorName && slot->local != averageName)
      keep(*slot);
}

/// average = m * average + (1 - m) * weight, with m = 0 in the first update: from there on a mean of weights, which
/// becomes the weight itself every `ema_overwrite_frequency` updates and when training ends.
void ModelBuilder::average(Variable &weight, Owner &owner, const FunctionValue &optimizer) {
  SourceRange range = settings.optimizerRange;
  double momentum = optimizerOption(optimizer, "ema_momentum").value_or(0.99);
  Variable *slot = addSlot(weight, owner, averageName);
  Value value = in.read(weight), before = in.read(*slot);
  Value number = in.castTo(*updates, in.options.real, range);
  Value m = in.where(in.compareTensors(BinaryOp::Greater, number, 1.0, range), momentum, 0.0, range);
  Value next = in.elementwise("add", in.elementwise("mul", m, before, range),
                              in.elementwise("mul", in.elementwise("sub", 1.0, m, range), value, range), range);
  in.write(*slot, next, range);
  if (auto every = optimizerOption(optimizer, "ema_overwrite_frequency"))
    in.run->current[&weight] =
        std::get<Tensor>(in.where(isMultiple(updates, *every), in.read(*slot), value, range));
}

/// What follows the optimizer's own step, in Keras's order.
void ModelBuilder::finishUpdate(Variable &weight, Owner &owner, const FunctionValue &optimizer) {
  SourceRange range = settings.optimizerRange;
  if (optimizerOption(optimizer, "gradient_accumulation_steps"))
    keepOld(weight, owner);
  if (optimizerOption(optimizer, "use_ema").value_or(0) != 0)
    average(weight, owner, optimizer);
  if (isNone(weight.constraint))
    return;
  Value value = in.call(weight.constraint, {{nullptr, Value(in.read(weight)), range}}, nullptr, range);
  auto *tensor = tensorIn(value);
  if (tensor && tensor->shape == weight.shape && isReal(tensor->element))
    in.run->current[&weight] = std::make_shared<const TensorInfo>(*tensor);
  else if (!isPoison(value))
    in.error(weight.created, "the constraint of " + weight.name + " must give a tensor of its shape, it gives " +
                                 in.show(value));
}

} // namespace hornfels::frontend
