/* The program's beginning: the model it was linked with, and its command line. */
#include "program.h"

extern "C" const hornfels_model *const hornfels_program_model;
/* Weak: only programs that `hornfels bench` builds and those for devices have it; elsewhere its address is null. */
extern "C" const hornfels::bench_support hornfels_program_bench __attribute__((weak));
/* Weak too: only programs built with --embed-weights have it. */
extern "C" const hornfels::embedded_weights hornfels_program_weights __attribute__((weak));

int main(int argc, char **argv) {
  return hornfels::run_program(hornfels_program_model, argc, argv, &hornfels_program_bench,
                               &hornfels_program_weights);
}
