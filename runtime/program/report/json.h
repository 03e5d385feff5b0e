/* Numbers and strings as JSON has them. */
#ifndef HORNFELS_PROGRAM_JSON_H
#define HORNFELS_PROGRAM_JSON_H

#include <string>

namespace hornfels {

/* The shortest decimal that is this double; JSON has no infinities and no NaN: they are null. */
std::string json_number(double value);

/* In double quotes, escaped. */
std::string json_string(const std::string &text);

} // namespace hornfels

#endif
