/* The model that a program is about. */
#include "runtime/core/abi.h"

extern "C" {
extern const hornfels_model LINKED_MODEL;
extern const hornfels_model *const hornfels_program_model;
const hornfels_model *const hornfels_program_model = &LINKED_MODEL;
}
