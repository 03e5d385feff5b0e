// Small models with random shapes, operations and optimizers, from a seed.
#ifndef HORNFELS_TESTS_NUMERIC_RANDOMGRAPH_H
#define HORNFELS_TESTS_NUMERIC_RANDOMGRAPH_H

#include "tests/numeric/ModelText.h"
#include <cstdint>

namespace hornfels::tests {

/// Seeds from kFirstTable on, kTables of them, are no random graphs but models whose first layer is on ids: tables of
/// words, of widths below, of and beyond a vector.
constexpr uint64_t kFirstTable = 40, kTables = 12;

/// The model of a seed; the same text on every machine. Even seeds are f32, odd ones f64.
///
/// Values stay of order 1 (sums are means, contractions are scaled), so that an error is told from rounding;
/// in f32, what jumps (comparisons, floor, argmax) is applied to inputs alone, which fused and unfused code
/// see alike.
ModelText randomGraph(uint64_t seed, const std::string &name);

} // namespace hornfels::tests

#endif
