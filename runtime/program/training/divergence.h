/* Which tensor is the first that is not finite. */
#ifndef HORNFELS_PROGRAM_DIVERGENCE_H
#define HORNFELS_PROGRAM_DIVERGENCE_H

#include <string>

#include "batches.h"
#include "model_handle.h"

namespace hornfels {

/* The first of these rows of the data with such a value: "features, row 17 of the data: element [3] is nan", or nothing. */
std::string first_bad_row(const dataset &data, const uint32_t *rows, int64_t count);

/* Looks at weights, states and slots in the model's order: "dense/kernel: 12 of 13 values are not finite, the first at
 * [1, 0]", or nothing. */
std::string first_bad_variable(const model_handle &handle);

} // namespace hornfels

#endif
