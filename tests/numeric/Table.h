/* What the generator tells the test about the generated graphs. */
#ifndef HORNFELS_TESTS_NUMERIC_TABLE_H
#define HORNFELS_TESTS_NUMERIC_TABLE_H

#include "runtime/core/abi.h"
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
  unsigned long long seed;
  const char *target; /* "x86-64-v3" */
  const hornfels_model *fused, *unfused;
  std::vector<Expectation> expected;
};

extern const std::vector<Graph> graphs;

} // namespace hornfels::numeric

#endif
