/* What `build` writes beside the kernels: the model that the program is about. */
#include "double_model.h"

extern "C" {
extern const hornfels_model *const hornfels_program_model;
const hornfels_model *const hornfels_program_model = &hornfels_tests::LINKED_MODEL;
}
