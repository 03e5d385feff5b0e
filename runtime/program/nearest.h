/* "did you mean": the name nearest to a misspelled one. */
#ifndef HORNFELS_PROGRAM_NEAREST_H
#define HORNFELS_PROGRAM_NEAREST_H

#include <string>
#include <vector>

namespace hornfels {

/* The one of `known` that is at most a third of its letters away from `wrong` (insert, delete, replace, swap
 * of neighbours), or an empty string. */
std::string nearest(const std::string &wrong, const std::vector<std::string> &known);

/* "; did you mean NAME?" or nothing. */
std::string did_you_mean(const std::string &wrong, const std::vector<std::string> &known);

} // namespace hornfels

#endif
