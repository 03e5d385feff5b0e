/* The program's beginning: the model it was linked with, and its command line. */
#include "program.h"

extern "C" const hornfels_model *const hornfels_program_model;

int main(int argc, char **argv) { return hornfels::run_program(hornfels_program_model, argc, argv); }
