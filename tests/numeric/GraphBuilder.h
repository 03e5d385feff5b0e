// Writes horn operations as text and keeps track of shapes.
#ifndef HORNFELS_TESTS_NUMERIC_GRAPHBUILDER_H
#define HORNFELS_TESTS_NUMERIC_GRAPHBUILDER_H

#include "tests/numeric/GraphData.h"

namespace hornfels::tests {

using Shape = std::vector<int64_t>;
inline constexpr int64_t kBatchAxis = -1;

/// A tensor of reals by its SSA name. `exact`: made from inputs without rounding.
struct Value {
  std::string name;
  Shape shape;
  bool exact = false;
  bool isBatched() const { return !shape.empty() && shape[0] == kBatchAxis; }
};

/// Elements, the batch counted as 1.
int64_t elementsOf(const Shape &shape);

class GraphBuilder {
public:
  GraphBuilder(std::string real, std::string prefix) : real(std::move(real)), prefix(std::move(prefix)) {}

  std::string typeOf(const Shape &shape, const std::string &element) const;
  std::string typeOf(const Shape &shape) const { return typeOf(shape, real); }
  std::string typeOf(const Value &value) const { return typeOf(value.shape); }

  Value full(double number, const Shape &shape);
  Value unary(const std::string &op, const Value &x);
  Value binary(const std::string &op, const Value &a, const Value &b);
  Value binary(const std::string &op, const Value &a, double b) { return binary(op, a, full(b, a.shape)); }
  /// a where `condition` (a value) is above `bound`, else b.
  Value selectAbove(const Value &condition, double bound, const Value &a, const Value &b);
  Value broadcast(const Value &x, const Shape &dims, const Shape &shape);
  Value reshape(const Value &x, const Shape &shape);
  Value transpose(const Value &x, const Shape &permutation);
  Value slice(const Value &x, const Shape &offsets, const Shape &sizes, const Shape &strides);
  Value concat(const std::vector<Value> &xs, int64_t axis);
  Value reduce(const std::string &op, const Value &x, const Shape &axes);
  Value contract(const Value &a, const Value &b, const std::string &dims, const std::string &lhs,
                 const std::string &rhs, const std::string &out, const Shape &shape);
  /// Any other operation: "NAME = OPERATION".
  Value other(const std::string &operation, const Shape &shape);
  std::string fresh() { return prefix + std::to_string(count++); }

  std::string text;

private:
  std::string real, prefix;
  int64_t count = 0;
};

/// "[0, 1]"
std::string listOf(const Shape &numbers);

} // namespace hornfels::tests

#endif
