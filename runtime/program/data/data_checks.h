/* What the values of arrays must be, beside their type: class numbers below the limit, targets that are
 * numbers. */
#ifndef HORNFELS_PROGRAM_DATA_CHECKS_H
#define HORNFELS_PROGRAM_DATA_CHECKS_H

#include "dataset.h"

namespace hornfels {

/* Where an array comes from. */
struct checked_array {
  const std::string &place;
  bool is_target;
  int64_t rows;
};

/* Throws a failure that names the row, and, where the number of classes does not fit, the layer that gives
 * it. */
void require_values(const checked_array &array, const bound_array &bound);

/* Throws a failure with exit_system where the machine has not as many bytes: before a page of them is touched. `place`
 * is what they are for. */
void require_memory(const std::string &place, double bytes);

} // namespace hornfels

#endif
