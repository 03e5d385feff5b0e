/* A line of a file as it may stand under a message. */
#ifndef HORNFELS_PROGRAM_EXCERPT_H
#define HORNFELS_PROGRAM_EXCERPT_H

#include <cstdint>
#include <string>

namespace hornfels {

/* Ends the program with a message about a byte of a line: "d.csv:3:14: error: ...", the part of the line
 * around it that fits a screen, and a caret under it. Columns count characters, not bytes. */
[[noreturn]] void fail_in_line(const std::string &file, uint64_t number, const std::string &line, size_t byte,
                               const std::string &message);

} // namespace hornfels

#endif
