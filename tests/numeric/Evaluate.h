// The plain meaning of a graph: every operation on whole tensors, in double, one after another.
#ifndef HORNFELS_TESTS_NUMERIC_EVALUATE_H
#define HORNFELS_TESTS_NUMERIC_EVALUATE_H

#include "tests/numeric/ModelText.h"
#include <cstdint>
#include <utility>

namespace hornfels::tests {

/// What one prediction and one training step give for a batch of drawn data: name and projection
/// (GraphData.h).
struct Expected {
  int64_t batch;
  std::vector<std::pair<std::string, double>> outputs, metrics, variables;
};

inline constexpr double kLearningRate = 0.05;
inline constexpr int64_t kSeed = 42;

/// Where the elements of a variable are drawn from: sums of squares and counts are not negative.
inline std::pair<double, double> rangeOf(bool isTrained) {
  return isTrained ? std::pair(-0.4, 0.4) : std::pair(0.1, 0.5);
}

/// Shares nothing with the compiler but the dialect and the gradients. Fails, with the reason on stderr, on
/// an operation that it does not know.
bool evaluate(const ModelText &model, const std::vector<int64_t> &batches, std::vector<Expected> &results);

} // namespace hornfels::tests

#endif
