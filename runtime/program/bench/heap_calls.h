/* How often the program asked for heap memory, in programs that are linked to count it. */
#ifndef HORNFELS_PROGRAM_HEAP_CALLS_H
#define HORNFELS_PROGRAM_HEAP_CALLS_H

#include <cstdint>

namespace hornfels {

/* Calls of malloc and its like by the program's own code, on all threads. Whoever uses this must be linked
 * with -Wl,--wrap=F for each function F of heap_calls.cpp. */
int64_t heap_calls();

} // namespace hornfels

#endif
