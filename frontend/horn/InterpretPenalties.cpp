// What layers ask of training: penalties in the loss, constraints on weights.
#include "frontend/horn/Interpreter.h"

#include <fmt/format.h>

namespace hornfels::frontend {

Variable *Interpreter::variableOf(const Value &value) {
  auto *tensor = tensorIn(value);
  if (!tensor || frames.empty() || !frame().owner)
    return nullptr;
  for (Variable *variable : frame().owner->owned) {
    auto current = run->current.find(variable);
    if (current != run->current.end() && current->second && current->second->handle == tensor->handle)
      return variable;
  }
  return nullptr;
}

/// A number that is added to the loss.
void Interpreter::addPenalty(const Value &penalty, SourceRange range) {
  if (run->scanDepth > 0) {
    error(range, "a scan's step adds nothing to the loss: what it gives out can be regularized behind it");
    return;
  }
  auto *tensor = tensorIn(penalty);
  if (isPoison(penalty) || (tensor && tensor->shape.empty() && isReal(tensor->element)) || numberIn(penalty)) {
    run->penalties.push_back(penalty);
    return;
  }
  error(range, fmt::format("what is added to the loss is one number, found {}", show(penalty)));
}

/// The penalty of a weight: once, however often its layer is called, and not when it is frozen. Of any other tensor:
/// at each call, divided by the number of samples.
void Interpreter::regularize(const Value &value, const Value &regularizer, SourceRange range) {
  if (isNone(regularizer) || isPoison(regularizer) || isPoison(value) || run == initializeRun)
    return;
  if (!isCallable(regularizer)) {
    error(range, fmt::format("a regularizer is a function of a tensor, found {}", show(regularizer)));
    return;
  }
  Variable *variable = variableOf(value);
  if (variable && (variable->role != Variable::Role::Weight || !run->regularized.insert(variable).second))
    return;
  if (variable && run->scanDepth > 0) { // a weight is the same at every place: its penalty belongs behind the scan
    run->laterPenalties.push_back({variable, regularizer, range});
    return;
  }
  Value penalty = call(regularizer, {{nullptr, value, range}}, nullptr, range);
  auto *tensor = tensorIn(value);
  bool hasBatch = tensor && !tensor->shape.empty() && tensor->shape.front() == batchSize;
  if (hasBatch && tensorIn(penalty))
    penalty = elementwise("div", penalty, this->tensor(emitter.batchSizeTensor(), options.real, {}, {}), range);
  addPenalty(penalty, range);
}

/// The penalties of weights that a scan's step asked for.
void Interpreter::addLaterPenalties() {
  std::vector<Run::Penalty> later;
  later.swap(run->laterPenalties);
  for (const Run::Penalty &each : later)
    addPenalty(call(each.regularizer, {{nullptr, read(*each.variable), each.range}}, nullptr, each.range), each.range);
}

/// After each update the weight becomes `constraint(weight)`.
void Interpreter::constrain(const Value &value, const Value &constraint, SourceRange range) {
  if (isNone(constraint) || isPoison(constraint) || isPoison(value) || run == initializeRun)
    return;
  Variable *variable = variableOf(value);
  if (!variable)
    error(range, fmt::format("only a weight of this layer can be constrained, found {}", show(value)));
  else if (!isCallable(constraint))
    error(range, fmt::format("a constraint is a function of a tensor, found {}", show(constraint)));
  else
    variable->constraint = constraint;
}

} // namespace hornfels::frontend
