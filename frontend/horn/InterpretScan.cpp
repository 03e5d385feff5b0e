// scan(step, initial, xs): a recurrence along an axis. The step is a function of the user's; it is called once, on a
// carry and an element that stand for those of every place.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

namespace {

/// A tensor, or a tuple of tensors, as a list, and how to make the same form of other tensors.
struct Tensors {
  std::vector<Tensor> list;
  bool isTuple = false;
  Value form(const std::vector<Value> &values) const {
    return isTuple ? makeList(values, true) : values.front();
  }
};

std::optional<Tensors> tensorsIn(const Value &value) {
  Tensors tensors;
  std::vector<Value> values{value};
  if (const ListValue *list = listIn(value)) {
    values = list->elements;
    tensors.isTuple = true;
  }
  for (const Value &each : values) {
    auto *tensor = getIf<Tensor>(each);
    if (!tensor || (*tensor)->vocabulary)
      return std::nullopt;
    tensors.list.push_back(*tensor);
  }
  return tensors;
}

/// The name that a step's parameter or the first line of its body gives: `h, c = carry`.
std::vector<std::string> namesOf(const Definition &step, size_t parameter, size_t count) {
  std::vector<std::string> names;
  if (!step.call || step.call->parameters.size() <= parameter)
    return names;
  const std::string &name = step.call->parameters[parameter].name.text;
  for (const StmtPtr &statement : step.body.statements) {
    auto *bind = dynamic_cast<const BindStmt *>(statement.get());
    auto *source = bind ? dynamic_cast<const NameExpr *>(bind->value.get()) : nullptr;
    if (source && source->name == name && bind->targets.size() == count && count > 1)
      for (const Name &target : bind->targets)
        names.push_back(target.text);
    if (!names.empty())
      return names;
  }
  return std::vector<std::string>(count, name);
}

/// While a body is built. What is not closed is thrown away.
class OpenScan {
public:
  OpenScan(Run &run, Emitter &emitter) : run(run), emitter(emitter) { ++run.scanDepth; }
  ~OpenScan() {
    if (isClosed)
      return;
    close();
    emitter.abandonScan();
  }
  void close() {
    --run.scanDepth;
    isClosed = true;
  }

private:
  bool isClosed = false;
  Run &run;
  Emitter &emitter;
};

} // namespace

/// `x` with axis `from` at `to`.
static Value moveAxis(Interpreter &in, const TensorInfo &x, size_t from, size_t to, SourceRange range) {
  std::vector<int64_t> permutation;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    if (axis != from)
      permutation.push_back(static_cast<int64_t>(axis));
  permutation.insert(permutation.begin() + static_cast<int64_t>(to), static_cast<int64_t>(from));
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(x.shape[static_cast<size_t>(axis)]);
  return in.tensor(in.emitter.transpose(in.use(x, range), permutation), x.element, shape, {&x});
}

Value Interpreter::scan(BuiltinCall &c) {
  const Value &step = c.arguments[0];
  std::optional<Tensors> initial = tensorsIn(c.arguments[1]), xs = tensorsIn(c.arguments[2]);
  auto *reverse = getIf<bool>(c.arguments[4]);
  auto refuse = [&](SourceRange range, const std::string &text) -> Value {
    error(range, text);
    return Poison();
  };
  if (!isCallable(step))
    return refuse(c.places[0], fmt::format("scan: a step is a function, found {}", show(step)));
  if (!initial)
    return refuse(c.places[1], fmt::format("scan: a carry is a tensor or a tuple of tensors, found {}", show(c.arguments[1])));
  if (!xs || xs->list.empty())
    return refuse(c.places[2], fmt::format("scan goes over a tensor or a tuple of tensors, found {}", show(c.arguments[2])));
  if (!reverse)
    return refuse(c.places[4], fmt::format("scan: reverse is true or false, found {}", show(c.arguments[4])));

  // Places lie along axis 1.
  std::optional<int64_t> axis;
  for (Tensor &x : xs->list) {
    axis = axisOf(c.arguments[3], x->shape.size(), c.places[3]);
    if (!axis)
      return Poison();
    if (x->shape.front() != batchSize || *axis == 0)
      return refuse(c.places[2], fmt::format("scan goes over an axis behind the batch, found axis {} of {}", *axis, show(*x)));
    if (*axis != 1)
      x = std::get<Tensor>(moveAxis(*this, *x, static_cast<size_t>(*axis), 1, c.range));
  }
  int64_t length = xs->list.front()->shape[1];
  for (const Tensor &x : xs->list)
    if (x->shape[1] != length)
      return refuse(c.places[2], fmt::format("scan: {} and {} have not as many places", show(*xs->list.front()), show(*x)));
  if (length < 1)
    return refuse(c.places[2], fmt::format("scan: {} has no places", show(*xs->list.front())));

  std::vector<Handle> initialHandles, xHandles;
  for (const Tensor &carry : initial->list)
    initialHandles.push_back(use(*carry, c.places[1]));
  for (const Tensor &x : xs->list)
    xHandles.push_back(use(*x, c.places[2]));
  std::vector<Handle> arguments = emitter.openScan(initialHandles, xHandles);
  OpenScan open(*run, emitter);

  std::vector<Value> carries, elements;
  size_t next = 0;
  for (const Tensor &carry : initial->list)
    carries.push_back(tensor(arguments[next++], carry->element, carry->shape, {carry.get()}));
  for (const Tensor &x : xs->list) {
    Shape shape = x->shape;
    shape.erase(shape.begin() + 1);
    elements.push_back(tensor(arguments[next++], x->element, shape, {x.get()}));
  }
  Value given = call(step, {{nullptr, initial->form(carries), c.places[1]}, {nullptr, xs->form(elements), c.places[2]}},
                     c.node, c.range);
  if (isPoison(given))
    return Poison();
  const ListValue *pair = listIn(given);
  if (!pair || pair->elements.size() != 2)
    return refuse(c.places[0], fmt::format("scan: a step returns (carry, y), found {}", show(given)));

  std::vector<Value> nextCarries{pair->elements[0]};
  if (const ListValue *list = listIn(pair->elements[0]))
    nextCarries = list->elements;
  if (nextCarries.size() != initial->list.size() || (listIn(pair->elements[0]) != nullptr) != initial->isTuple)
    return refuse(c.places[0], fmt::format("scan: the step's carry is {}, it began as {}", show(pair->elements[0]),
                                           show(c.arguments[1])));
  std::vector<Handle> carryHandles, yHandles;
  for (size_t i = 0; i < nextCarries.size(); ++i) {
    std::optional<Value> fitted = fit(nextCarries[i], initial->list[i]->element, initial->list[i]->shape, c.places[0]);
    if (!fitted)
      return Poison();
    carryHandles.push_back(use(*tensorIn(*fitted), c.range));
  }
  std::optional<Tensors> ys;
  if (!isNone(pair->elements[1])) {
    ys = tensorsIn(pair->elements[1]);
    if (!ys || ys->list.empty())
      return refuse(c.places[0], fmt::format("scan: y is a tensor, a tuple of tensors or none, found {}", show(pair->elements[1])));
    for (const Tensor &y : ys->list) {
      if (y->shape.empty() || y->shape.front() != batchSize)
        return refuse(c.places[0], fmt::format("scan: y has the batch as its first axis, found {}", show(*y)));
      if (y->shape.size() + 1 > maximumRank)
        return refuse(c.places[0], fmt::format("scan: {} stacked has more than {} axes", show(*y), maximumRank));
      yHandles.push_back(use(*y, c.range));
    }
  }

  std::vector<std::string> names;
  if (const FunctionValue *function = functionIn(step)) {
    for (auto [parameter, count] : {std::pair{size_t{0}, carries.size()}, {size_t{1}, elements.size()}})
      for (std::string &name : namesOf(*function->definition, parameter, count))
        names.push_back(std::move(name));
  }
  if (names.size() != carries.size() + elements.size())
    names.clear();
  open.close();
  std::vector<Handle> results = emitter.closeScan(initialHandles, xHandles, carryHandles, yHandles, length, *reverse, names);

  if (run->scanDepth == 0)
    addLaterPenalties();

  next = 0;
  std::vector<Value> last, stacked;
  for (const Tensor &carry : initial->list)
    last.push_back(tensor(results[next++], carry->element, carry->shape, {carry.get(), xs->list.front().get()}));
  if (!ys)
    return makeList({initial->form(last), NoneValue()}, true);
  for (const Tensor &y : ys->list) {
    Shape shape = y->shape;
    shape.insert(shape.begin() + 1, length);
    Value whole = tensor(results[next++], y->element, shape, {y.get(), xs->list.front().get()});
    if (*axis != 1) {
      std::optional<int64_t> at = axisOf(c.arguments[3], shape.size(), c.places[3]);
      if (!at)
        return Poison();
      whole = moveAxis(*this, *tensorIn(whole), 1, static_cast<size_t>(*at), c.range);
    }
    stacked.push_back(whole);
  }
  return makeList({initial->form(last), ys->form(stacked)}, true);
}

} // namespace hornfels::frontend
