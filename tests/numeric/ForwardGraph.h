// A random forward pass. Built twice from one seed, with training and without: the same layers on the same
// weights.
#ifndef HORNFELS_TESTS_NUMERIC_FORWARDGRAPH_H
#define HORNFELS_TESTS_NUMERIC_FORWARDGRAPH_H

#include "tests/numeric/GraphBuilder.h"

#include <optional>

namespace hornfels::tests {

struct Weight {
  Value value;
  int64_t fanIn; // its first values are normal / sqrt(fanIn)
};

struct Encoded {
  std::string tokens;
  int64_t vocabulary;
  bool distinct;
};

class ForwardGraph {
public:
  ForwardGraph(GraphBuilder &g, Random random, bool training, std::string real)
      : g(g), random(random), training(training), real(std::move(real)) {}

  void addInput(const Value &value) { pool.push_back(value); }
  void addTokens(const Encoded &tokens) { encodings.push_back(tokens); }
  /// Adds a layer of `columns` units on ids: relu(sum of rows of a weight + bias).
  void sumRows(const Encoded &tokens, int64_t columns);
  /// Adds `steps` random layers to the pool.
  void grow(int64_t steps);
  /// A trained tensor: sometimes one that is there already.
  Value weight(const Shape &shape, int64_t fanIn);
  /// A value of this shape, made from `x` (with a batch) by contractions.
  Value project(const Value &x, const Shape &shape);
  /// The mean over all axes, the batch among them.
  Value mean(const Value &x);
  Value recent();

  std::vector<Value> pool;
  std::vector<Weight> weights;
  /// State variables and the values that they take after a training step.
  std::vector<std::pair<Value, Value>> states;

private:
  bool mayJump(const Value &x) const { return real == "f64" || x.exact; }
  bool fits(const Shape &shape) const { return elementsOf(shape) <= 2000 && shape.size() <= 5; }
  void add(const Value &value) { pool.push_back(value); }
  Value meanOver(const Value &x, const Shape &axes);
  Value batchSize(const Shape &shape);
  Value alongLast(const Value &x, const Shape &shape);
  Value backTo(const Value &reduced, const Value &x, const Shape &axes);
  Value partner(const Value &x);

  void layer();
  void activate();
  void jump();
  void combine();
  void dense();
  void products();
  void reduction();
  void spread();
  void regroup();
  void permute();
  void cut();
  void join();
  void softmax();
  void layerNorm();
  void batchNorm();
  void dropout();
  void tokens();
  void position();
  void widen();
  struct Windows {
    Shape axes, sizes, places;
    std::string attributes;
  };
  std::optional<Windows> windowsOf(const Value &x, bool dilates);
  Value withChannels();
  void convolution();
  void pooling();
  void lookUp();

  GraphBuilder &g;
  Random random;
  bool training;
  std::string real;
  std::vector<Encoded> encodings;
  int64_t stream = 100;
};

/// Sizes on both sides of the widths of vectors and tiles.
const std::vector<int64_t> &graphSizes();

} // namespace hornfels::tests

#endif
