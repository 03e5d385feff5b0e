// Calls of malloc and its like, by any thread of this program.
#ifndef HORNFELS_TESTS_NUMERIC_ALLOCATIONS_H
#define HORNFELS_TESTS_NUMERIC_ALLOCATIONS_H

namespace hornfels::numeric {

/// So far; below 0 where the program cannot count them (under a sanitizer, without glibc).
long allocations();

} // namespace hornfels::numeric

#endif
