// The build file of an emitted model.
#include "codegen/project/Project.h"

namespace hornfels {

/// The flags are part of the model: a vector sqrt is one instruction only without errno and traps, and products are
/// fused with sums. Never -ffast-math: NaN and infinity mean what they mean.
std::string projectCMake(const std::string &name, const std::string &compilerFlags) {
  return "# Builds the model as the library `" + name + "`; alone, also the training program `" + name + "_program`.\n"
         "cmake_minimum_required(VERSION 3.16)\n"
         "project(" + name + " CXX)\n\n"
         "if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)\n"
         "  set(CMAKE_BUILD_TYPE Release)\n"
         "endif()\n\n"
         "if(NOT TARGET hornfels_core)\n"
         "  add_subdirectory(runtime/core)\n"
         "endif()\n"
         "add_library(" + name + " STATIC " + name + ".cpp)\n"
         "target_compile_features(" + name + " PUBLIC cxx_std_17)\n"
         "target_include_directories(" + name + " PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})\n"
         "target_compile_options(" + name + " PRIVATE " + compilerFlags + " -O2 -fno-math-errno -fno-trapping-math\n"
         "                       -ffp-contract=fast)\n"
         "target_link_libraries(" + name + " PUBLIC hornfels_core)\n\n"
         "if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)\n"
         "  add_subdirectory(runtime/program)\n"
         "  add_executable(" + name + "_program main.cpp)\n"
         "  target_link_libraries(" + name + "_program PRIVATE hornfels_runtime " + name + ")\n"
         "endif()\n";
}

} // namespace hornfels
