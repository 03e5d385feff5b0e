// Masks: which places of a tensor count. A mask is a bool tensor whose sizes are the first of its tensor's; it goes with
// the tensor through element-wise operations, and through layers as they say.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

/// Whether a mask of this shape has a place for each of the first places of a tensor.
static bool isPrefix(const Shape &mask, const Shape &shape) {
  return mask.size() <= shape.size() && std::equal(mask.begin(), mask.end(), shape.begin());
}

static Value masked(const TensorInfo &x, Tensor mask, bool isOwn) {
  auto info = std::make_shared<TensorInfo>(x);
  info->mask = std::move(mask);
  info->ownsMask = isOwn;
  return Tensor(std::move(info));
}

/// `with_mask(x, m)`; m may be none.
Value Interpreter::withMask(const Value &value, const Value &mask, SourceRange range) {
  const TensorInfo *x = tensorIn(value);
  if (!x || x->vocabulary) {
    error(range, fmt::format("with_mask takes a tensor, found {}", show(value)));
    return Poison();
  }
  if (isNone(mask))
    return masked(*x, nullptr, true);
  const TensorInfo *m = tensorIn(mask);
  if (!m || m->element != Element::Bool || m->shape.empty()) {
    error(range, fmt::format("with_mask: a mask is a tensor of bools or none, found {}", show(mask)));
    return Poison();
  }
  if (!isPrefix(m->shape, x->shape)) {
    Diagnostic &reported = error(range, fmt::format("with_mask: a mask {} does not fit {}, its sizes are the first of the tensor's",
                                                    show(*m), show(*x)));
    noteTensor(reported, *m);
    noteTensor(reported, *x);
    return Poison();
  }
  return masked(*x, std::get<Tensor>(mask), true);
}

/// Two masks of one tensor: a place counts if it does in either, as where Keras's layers merge tensors.
Tensor Interpreter::eitherMask(const Tensor &a, const Tensor &b, SourceRange range) {
  if (!a || !b || a->handle == b->handle)
    return a ? a : b;
  Value either = elementwise("or", a, b, range);
  auto *tensor = getIf<Tensor>(either);
  return tensor ? *tensor : a;
}

/// Gives the result of an element-wise operation the masks of its operands.
Value Interpreter::passMasks(Value result, std::initializer_list<const TensorInfo *> operands, SourceRange range) {
  const TensorInfo *y = tensorIn(result);
  if (!y)
    return result;
  Tensor mask;
  for (const TensorInfo *x : operands)
    if (x && x->mask && x->shape.size() == y->shape.size() && isPrefix(x->mask->shape, y->shape))
      mask = eitherMask(mask, x->mask, range);
  return mask ? masked(*y, std::move(mask), false) : result;
}

/// Gives tensors that are put one after another their masks: side by side along an axis that these have, else a place
/// counts if it does in any. What has no mask counts everywhere.
Value Interpreter::joinMasks(Value result, const std::vector<Value> &xs, int64_t axis, SourceRange range) {
  const TensorInfo *y = tensorIn(result);
  size_t rank = 0;
  for (const Value &x : xs)
    if (const Tensor &mask = tensorIn(x)->mask)
      rank = std::max(rank, mask->shape.size());
  if (!y || rank == 0 || rank > y->shape.size())
    return result;
  std::vector<Value> masks;
  for (const Value &value : xs) {
    const TensorInfo &x = *tensorIn(value);
    Shape shape(x.shape.begin(), x.shape.begin() + static_cast<int64_t>(rank));
    if (x.mask && x.mask->shape != shape)
      return result; // masks of different ranks: Keras has no meaning for them either
    masks.push_back(x.mask ? Value(x.mask) : full(1, Element::Bool, shape));
  }
  Value joined = masks.front();
  if (axis < static_cast<int64_t>(rank))
    joined = concatenate(masks, axis, range);
  else if (std::any_of(xs.begin(), xs.end(), [](const Value &x) { return !tensorIn(x)->mask; }))
    return result; // it counts everywhere
  else
    for (const Value &mask : masks)
      joined = eitherMask(std::get<Tensor>(joined), std::get<Tensor>(mask), range);
  auto *mask = getIf<Tensor>(joined);
  return mask ? masked(*y, *mask, false) : result;
}

/// Within a layer the masks of its arguments are theirs, not something that it said.
Value Interpreter::argumentMasks(const Value &value) {
  if (const ListValue *list = listIn(value)) {
    std::vector<Value> elements;
    for (const Value &element : list->elements)
      elements.push_back(argumentMasks(element));
    return makeList(std::move(elements), list->isTuple, list->places);
  }
  const TensorInfo *x = tensorIn(value);
  return x && x->ownsMask ? masked(*x, x->mask, false) : value;
}

/// What a layer gives has the mask that it said (`with_mask`, or a layer within it did). Where it said nothing, its
/// first result has the mask of its first argument if it is declared `keeps_mask`; all others have none.
Value Interpreter::resultMasks(const Value &result, const Definition &layer, const std::vector<CallArgument> &arguments,
                               SourceRange range) {
  bool isFirst = true;
  std::function<Value(const Value &)> settle = [&](const Value &value) -> Value {
    if (const ListValue *list = listIn(value)) {
      std::vector<Value> elements;
      for (const Value &element : list->elements)
        elements.push_back(settle(element));
      return makeList(std::move(elements), list->isTuple, list->places);
    }
    const TensorInfo *y = tensorIn(value);
    if (!y)
      return value;
    bool mayKeep = layer.keepsMask && isFirst;
    isFirst = false;
    if (y->ownsMask)
      return masked(*y, y->mask, y->mask != nullptr);
    const TensorInfo *x = mayKeep && !arguments.empty() ? tensorIn(arguments.front().value) : nullptr;
    if (!x || !x->mask)
      return y->mask ? masked(*y, nullptr, false) : value;
    if (!isPrefix(x->mask->shape, y->shape)) {
      noteTensor(error(range, fmt::format("{} keeps the mask {} of its input, which does not fit its result {}",
                                          layer.name.text, show(*x->mask), show(*y))),
                 *x);
      return Poison();
    }
    return masked(*y, x->mask, true);
  };
  return settle(result);
}

} // namespace hornfels::frontend
