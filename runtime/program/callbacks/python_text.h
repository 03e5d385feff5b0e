/* Numbers and names of files as Python writes them: what a Keras user compares with. */
#ifndef HORNFELS_PROGRAM_PYTHON_TEXT_H
#define HORNFELS_PROGRAM_PYTHON_TEXT_H

#include <string>

#include "runtime/program/report/progress.h"

namespace hornfels {

/* repr(float): the fewest digits that give the same double back, "0.0001", "1e-05", "2.0", "nan". */
std::string python_number(double value);

/* str.format with the fields {name}, {name:02d}, {name:.4f} (d, f, e, g; width, zeros, digits) and {{ }}.
 * `integers` are those that may be formatted by d. Throws a failure with exit_usage that names the field:
 * unknown, or a format that does not fit. */
std::string format_fields(const std::string &pattern,
                          const std::vector<std::pair<std::string, int64_t>> &integers, const logs &reals);

} // namespace hornfels

#endif
