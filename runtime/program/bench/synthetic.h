/* Rows made up for a model: its types and shapes, numbers that mean nothing. */
#ifndef HORNFELS_PROGRAM_SYNTHETIC_H
#define HORNFELS_PROGRAM_SYNTHETIC_H

#include "runtime/program/data/dataset.h"

namespace hornfels {

/* Bytes that a row of inputs and targets takes in a batch, about. */
int64_t row_bytes(const hornfels_model &model, bool targets);

/* `rows` rows of every input, and with `targets` of every target; the same for the same seed. Reals are
 * normal (targets 0 or 1, which every loss takes), class numbers and ids below their limit. A row of tokens
 * has 130 ids, a few times more or fewer, as many as 200 words of a text leave; small ids are frequent: the
 * probability of an id falls as 1 / (id + 1). */
dataset make_synthetic(const hornfels_model &model, int64_t rows, bool targets, uint64_t seed);

} // namespace hornfels

#endif
