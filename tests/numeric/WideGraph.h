// Nets as wide as real ones: weights that lie in panels, reductions in parts, tails of every kind.
#ifndef HORNFELS_TESTS_NUMERIC_WIDEGRAPH_H
#define HORNFELS_TESTS_NUMERIC_WIDEGRAPH_H

#include "tests/numeric/ModelText.h"
#include <cstdint>

namespace hornfels::tests {

/// How many nets are described one by one; seeds from there on are random.
uint64_t wideGraphs();

/// A net and its training step.
ModelText wideGraph(uint64_t seed, const std::string &name);

/// "f32_tied", or "f64_random100".
std::string wideName(uint64_t seed);

} // namespace hornfels::tests

#endif
