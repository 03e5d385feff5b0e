/* Which tensor is the first that is not finite. */
#ifndef HORNFELS_PROGRAM_DIVERGENCE_H
#define HORNFELS_PROGRAM_DIVERGENCE_H

#include <string>

#include "batches.h"
#include "model_handle.h"

namespace hornfels {

/* Looks at the rows of a step, then at weights, states and slots in the model's order. "features, row 17 of
 * the data: element [3] is nan" or "dense/kernel: 12 of 13 values are not finite, the first at [1, 0]", or
 * nothing. `rows` are the numbers of the step's rows in `data`. */
std::string first_bad_tensor(const model_handle &handle, const dataset &data, const uint32_t *rows,
                             int64_t count);

/* The same, of the variables alone. */
std::string first_bad_variable(const model_handle &handle);

} // namespace hornfels

#endif
