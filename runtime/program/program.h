/* The generated program: its command line from the first argument to the exit code. */
#ifndef HORNFELS_PROGRAM_PROGRAM_H
#define HORNFELS_PROGRAM_PROGRAM_H

#include "runtime/core/abi.h"

namespace hornfels {

/* Does what the arguments say with the model; returns the exit code (failure.h). Messages go to standard
 * error. */
int run_program(const hornfels_model *model, int argc, char **argv);

} // namespace hornfels

#endif
