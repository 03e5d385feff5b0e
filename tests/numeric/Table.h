/* What the generator tells the test about the generated graphs. */
#ifndef HORNFELS_TESTS_NUMERIC_TABLE_H
#define HORNFELS_TESTS_NUMERIC_TABLE_H

#include "runtime/core/abi.h"
#include <ostream>
#include <vector>

namespace hornfels::numeric {

/// What a prediction and a training step should give: projections (GraphData.h) of drawn data's results.
struct Named {
  const char *name;
  double projection;
};
struct Expectation {
  int64_t batch;
  std::vector<Named> outputs, metrics, variables;
};

struct Graph {
  const char *name;   /* "17" */
  const char *target; /* "x86-64-v3"; fused, then unfused where that has another: "x86-64-v3, x86-64" */
  const hornfels_model *fused, *unfused;
  std::vector<Expectation> expected;
};

/// What ctest shows of a graph.
inline void PrintTo(const Graph &graph, std::ostream *out) { *out << graph.target; }

extern const std::vector<Graph> graphs;
/// What is trained and predicted, fused and unfused.
extern const std::vector<int64_t> batches;

} // namespace hornfels::numeric

#endif
