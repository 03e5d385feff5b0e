// Indices and slices of lists, dictionaries and tensors.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

Value Interpreter::index(const IndexExpr &expr) {
  Value base = evaluate(*expr.base);
  if (isPoison(base))
    return base;
  if (auto *tensor = tensorIn(base))
    return slice(*tensor, expr);
  const IndexItem &item = expr.items.front();
  if (auto *dictionary = dictionaryIn(base); dictionary && expr.items.size() == 1 && item.value) {
    Value key = evaluate(*item.value);
    auto *text = getIf<std::string>(key);
    Nearest search(text ? *text : "");
    for (const auto &entry : dictionary->entries) {
      if (text && entry.key == *text)
        return entry.value;
      search.offer(entry.key);
    }
    if (!isPoison(key))
      error(item.range, fmt::format("the dictionary has no key {}", show(key))).didYouMean(search.name());
    return Poison();
  }
  const ListValue *list = listIn(base);
  if (!list || expr.items.size() != 1 || item.kind == IndexItem::Kind::Ellipsis) {
    error(expr.range, fmt::format("cannot index {} like this", show(base)));
    return Poison();
  }
  int64_t size = static_cast<int64_t>(list->elements.size());
  auto bound = [&](const ExprPtr &part, int64_t missing) -> std::optional<int64_t> {
    if (!part)
      return missing;
    Value value = evaluate(*part);
    if (auto *number = getIf<int64_t>(value))
      return *number < 0 ? *number + size : *number;
    if (!isPoison(value))
      error(part->range, fmt::format("an index is an int, found {}", show(value)));
    return std::nullopt;
  };
  if (item.kind == IndexItem::Kind::Value) {
    std::optional<int64_t> at = bound(item.value, 0);
    if (!at)
      return Poison();
    if (*at >= 0 && *at < size)
      return list->elements[static_cast<size_t>(*at)];
    error(item.range, fmt::format("there is no element {} in {}", *at < 0 ? *at - size : *at, show(base)));
    return Poison();
  }
  std::optional<int64_t> begin = bound(item.begin, 0), end = bound(item.end, size);
  if (!begin || !end)
    return Poison();
  if (item.step) {
    error(item.range, "a slice of a list takes no step");
    return Poison();
  }
  std::vector<Value> part;
  for (int64_t i = std::max<int64_t>(*begin, 0); i < std::min(*end, size); ++i)
    part.push_back(list->elements[static_cast<size_t>(i)]);
  return makeList(std::move(part), list->isTuple);
}

/// `x[:, -1]`, `x[..., 0:n]`: constants drop their axis, slices keep it.
Value Interpreter::slice(const TensorInfo &x, const IndexExpr &expr) {
  size_t given = 0;
  for (const IndexItem &item : expr.items)
    given += item.kind != IndexItem::Kind::Ellipsis;
  if (x.vocabulary || given > x.shape.size()) {
    error(expr.range, fmt::format("cannot index {} with {} indices", show(x), given));
    return Poison();
  }
  std::vector<int64_t> offsets(x.shape.size(), 0), sizes = x.shape, strides(x.shape.size(), 1);
  std::vector<bool> dropped(x.shape.size(), false);
  size_t axis = 0;
  auto part = [&](const ExprPtr &e, int64_t missing, int64_t size, bool &good) -> int64_t {
    if (!e)
      return missing;
    Value value = evaluate(*e);
    if (auto *number = getIf<int64_t>(value))
      return *number < 0 ? *number + size : *number;
    if (!isPoison(value))
      error(e->range,
            fmt::format("an index is an int known when the model is compiled, found {}", show(value)));
    good = false;
    return 0;
  };
  for (const IndexItem &item : expr.items) {
    if (item.kind == IndexItem::Kind::Ellipsis) {
      axis += x.shape.size() - given;
      continue;
    }
    int64_t size = x.shape[axis];
    bool isWhole = item.kind == IndexItem::Kind::Slice && !item.begin && !item.end && !item.step;
    if (size == batchSize) {
      if (!isWhole) {
        error(item.range, "the batch axis cannot be indexed: write `:` for it");
        return Poison();
      }
      sizes[axis++] = -1;
      continue;
    }
    bool good = true;
    if (item.kind == IndexItem::Kind::Value) {
      offsets[axis] = part(item.value, 0, size, good);
      if (good && (offsets[axis] < 0 || offsets[axis] >= size)) {
        error(item.range, fmt::format("index {} is outside axis {} of {}", offsets[axis], axis, show(x)));
        good = false;
      }
      sizes[axis] = 1;
      dropped[axis] = true;
    } else if (!isWhole) {
      int64_t begin = std::clamp<int64_t>(part(item.begin, 0, size, good), 0, size);
      int64_t end = std::clamp<int64_t>(part(item.end, size, size, good), 0, size);
      int64_t step = part(item.step, 1, 0, good);
      if (good && (step < 1 || end <= begin)) {
        error(item.range, fmt::format("an empty or backward slice of axis {} of {}", axis, show(x)));
        good = false;
      }
      offsets[axis] = begin;
      strides[axis] = step;
      sizes[axis] = good ? (end - begin + step - 1) / step : 1;
    }
    if (!good)
      return Poison();
    ++axis;
  }
  Shape shape, kept;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    int64_t size = x.shape[i] == batchSize ? batchSize : sizes[i];
    if (x.shape[i] == batchSize)
      sizes[i] = -1;
    shape.push_back(size);
    if (!dropped[i])
      kept.push_back(size);
  }
  Handle handle = use(x, expr.range);
  if (shape != x.shape)
    handle = emitter.slice(handle, offsets, sizes, strides);
  if (kept != shape)
    handle = emitter.reshape(handle, kept);
  return tensor(handle, x.element, kept, {&x});
}

} // namespace hornfels::frontend
