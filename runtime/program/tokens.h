/* Rows of tokens: ids one after another, and where each row begins. */
#ifndef HORNFELS_PROGRAM_TOKENS_H
#define HORNFELS_PROGRAM_TOKENS_H

#include "dataset.h"

namespace hornfels {

/* Reads the offsets of `rows` rows of `values` ids: from 0, never falling, to `values`. */
buffer read_offsets(array_source &source, int64_t rows, int64_t values);

/* Reads all ids below the tensor's limit and makes each row what the model asks for: as it is, sorted, or a
 * sorted set. `file` and `position` of a row are named when an id is not below the limit. */
void read_tokens(array_source &source, int64_t rows, bound_array &to);

} // namespace hornfels

#endif
