/* Elements of a file's array as the type that the model wants, checked to fit. */
#ifndef HORNFELS_PROGRAM_CONVERT_H
#define HORNFELS_PROGRAM_CONVERT_H

#include <cstdint>

#include "arrays.h"

namespace hornfels {

/* Reads the next `count` elements of `source` into `to` as elements of `type` (f32 to bool, not tokens).
 * Integers become reals; reals become integers where they are whole; wider becomes narrower where it fits;
 * finite numbers stay finite. What does not fit throws a failure that names its row: the element's number
 * divided by `row_elements`, where the first element read is number `first`. */
void read_elements(array_source &source, int32_t type, void *to, int64_t count, int64_t first,
                   int64_t row_elements);

/* The next `count` elements as integers. Arrays of reals are taken where all are whole. */
void read_integers(array_source &source, int64_t *to, int64_t count, int64_t first, int64_t row_elements);

} // namespace hornfels

#endif
