/* What the generator tells the test about the generated graphs. */
#ifndef HORNFELS_TESTS_NUMERIC_TABLE_H
#define HORNFELS_TESTS_NUMERIC_TABLE_H

#include "runtime/core/abi.h"
#include <vector>

namespace hornfels::numeric {

struct Graph {
  unsigned long long seed;
  const char *target; /* "x86-64-v3" */
  const hornfels_model *fused, *unfused;
};

extern const std::vector<Graph> graphs;

} // namespace hornfels::numeric

#endif
