/* Characters drawn from predictions. */
#ifndef HORNFELS_PROGRAM_DRAW_H
#define HORNFELS_PROGRAM_DRAW_H

#include <cstdint>

namespace hornfels {

/* Whether they are from 0 to 1 and add up to 1 within 1e-3, as a softmax makes them; else they are taken as
 * what a softmax is applied to. */
bool are_probabilities(const double *values, int64_t count);

/* One of `count` classes, i with a probability that goes as exp(log p_i / temperature), with log p_i =
 * values[i] of logits; at temperature 0 the likeliest, the first of several. `uniform` is a number in [0, 1)
 * that decides. -1: a value is NaN, or none is a probability above 0. */
int64_t draw_class(const double *values, int64_t count, bool logits, double temperature, double uniform);

} // namespace hornfels

#endif
