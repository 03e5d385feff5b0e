/* Layers that learn from the training rows before the first epoch: normalization. */
#ifndef HORNFELS_PROGRAM_ADAPT_H
#define HORNFELS_PROGRAM_ADAPT_H

#include <vector>

#include "model_handle.h"
#include "runtime/program/data/dataset.h"
#include "split.h"

namespace hornfels {

/* A layer with a state `adapting`, a single number, adapts: for each such layer, in the order of the model, the rows of
 * `ranges` go once through training steps of a model of its own (first weights of `seed`, learning rate 0) with that state
 * at 1, and what all states of the layer are afterwards is set in `handle`. Nothing else of `handle` changes, and
 * `adapting` stays 0 there. A feature whose variance comes out as that of rounding is constant: its `variance` becomes
 * 1, with a warning. A signal ends it early. */
void adapt(model_handle &handle, const dataset &data, const std::vector<row_range> &ranges, uint64_t seed, int threads);

} // namespace hornfels

#endif
