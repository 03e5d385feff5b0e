#include "tests/numeric/GraphBuilder.h"

#include <algorithm>

namespace hornfels::tests {

int64_t elementsOf(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size == kBatchAxis ? 1 : size;
  return count;
}

std::string listOf(const Shape &numbers) {
  std::string text;
  for (int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

std::string GraphBuilder::typeOf(const Shape &shape, const std::string &element) const {
  std::string type = "tensor<";
  for (int64_t size : shape)
    type += (size == kBatchAxis ? "?" : std::to_string(size)) + "x";
  return type + element + ">";
}

Value GraphBuilder::other(const std::string &operation, const Shape &shape) {
  Value result{fresh(), shape};
  text += "  %" + result.name + " = " + operation + "\n";
  return result;
}

Value GraphBuilder::full(double number, const Shape &shape) {
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.9e", number);
  Value result = other("horn.full " + std::string(digits) + " : " + typeOf(shape), shape);
  result.exact = true;
  return result;
}

Value GraphBuilder::unary(const std::string &op, const Value &x) {
  Value result = other("horn." + op + " %" + x.name + " : " + typeOf(x), x.shape);
  result.exact = x.exact && (op == "neg" || op == "abs" || op == "sign" || op == "floor" || op == "ceil" ||
                             op == "relu" || op == "stop_gradient");
  return result;
}

Value GraphBuilder::binary(const std::string &op, const Value &a, const Value &b) {
  Value result = other("horn." + op + " %" + a.name + ", %" + b.name + " : " + typeOf(a), a.shape);
  result.exact = a.exact && b.exact && (op == "max" || op == "min");
  return result;
}

Value GraphBuilder::selectAbove(const Value &condition, double bound, const Value &a, const Value &b) {
  const std::string bools = typeOf(condition.shape, "i1");
  const Value level = full(bound, condition.shape);
  const Value above = other(
      "horn.compare gt %" + condition.name + ", %" + level.name + " : " + typeOf(condition), condition.shape);
  Value result =
      other("horn.select %" + above.name + ", %" + a.name + ", %" + b.name + " : " + bools + ", " + typeOf(a),
            a.shape);
  result.exact = condition.exact && a.exact && b.exact;
  return result;
}

Value GraphBuilder::broadcast(const Value &x, const Shape &dims, const Shape &shape) {
  Value result = other("horn.broadcast %" + x.name + " dims " + listOf(dims) + " : " + typeOf(x) + " to " +
                           typeOf(shape),
                       shape);
  result.exact = x.exact;
  return result;
}

Value GraphBuilder::reshape(const Value &x, const Shape &shape) {
  Value result = other("horn.reshape %" + x.name + " : " + typeOf(x) + " to " + typeOf(shape), shape);
  result.exact = x.exact;
  return result;
}

Value GraphBuilder::transpose(const Value &x, const Shape &permutation) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(x.shape[static_cast<size_t>(axis)]);
  Value result =
      other("horn.transpose %" + x.name + " permutation " + listOf(permutation) + " : " + typeOf(x), shape);
  result.exact = x.exact;
  return result;
}

Value GraphBuilder::slice(const Value &x, const Shape &offsets, const Shape &sizes, const Shape &strides) {
  Value result = other("horn.slice %" + x.name + " offsets " + listOf(offsets) + " sizes " + listOf(sizes) +
                           " strides " + listOf(strides) + " : " + typeOf(x),
                       sizes);
  result.exact = x.exact;
  return result;
}

Value GraphBuilder::concat(const std::vector<Value> &xs, int64_t axis) {
  Shape shape = xs[0].shape;
  int64_t size = 0;
  std::string names, types;
  for (const Value &x : xs) {
    size += x.shape[static_cast<size_t>(axis)];
    names += (names.empty() ? "%" : ", %") + x.name;
    types += (types.empty() ? "" : ", ") + typeOf(x);
  }
  shape[static_cast<size_t>(axis)] = size;
  return other("horn.concat " + names + " axis " + std::to_string(axis) + " : " + types, shape);
}

Value GraphBuilder::reduce(const std::string &op, const Value &x, const Shape &axes) {
  Shape shape;
  for (size_t axis = 0; axis < x.shape.size(); ++axis)
    if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) == axes.end())
      shape.push_back(x.shape[axis]);
  return other("horn." + op + " %" + x.name + " axes " + listOf(axes) + " : " + typeOf(x), shape);
}

Value GraphBuilder::contract(const Value &a, const Value &b, const std::string &dims, const std::string &lhs,
                             const std::string &rhs, const std::string &out, const Shape &shape) {
  auto map = [&](const std::string &results) { return "affine_map<(" + dims + ") -> (" + results + ")>"; };
  return other("horn.contract %" + a.name + ", %" + b.name + " [" + map(lhs) + ", " + map(rhs) + ", " +
                   map(out) + "] : " + typeOf(a) + ", " + typeOf(b),
               shape);
}

} // namespace hornfels::tests
