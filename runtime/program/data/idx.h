/* IDX, the format of MNIST's files: a single array, big-endian, as it is or in gzip. */
#ifndef HORNFELS_PROGRAM_IDX_H
#define HORNFELS_PROGRAM_IDX_H

#include "arrays.h"
#include "runtime/core/files.h"

namespace hornfels {

/* Whether the file begins as IDX or as gzip. */
bool begins_as_idx(const input_file &file);

/* The array of the file, which must outlive it: two zero bytes, the element type (u8, i8, i16, i32, f32,
 * f64), the number of axes, their sizes, the elements. Throws a failure when the sizes are not those of the
 * file: what is packed is believed up to deflate's largest ratio, and its end is checked when the last
 * element is read. */
array_source open_idx(const input_file &file);

} // namespace hornfels

#endif
