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

/// What CMake calls the architectures: "80-real;90a-real;80-virtual". The lowest is there as PTX too, from which drivers
/// compile for later devices; one with an `a` has no successors.
static std::string cmakeArchitectures(const std::vector<std::string> &architectures) {
  std::string list, lowest;
  for (const std::string &architecture : architectures) {
    std::string number = architecture.substr(3);
    list += (list.empty() ? "" : ";") + number + "-real";
    if (number.back() != 'a' && (lowest.empty() || std::stoi(number) < std::stoi(lowest)))
      lowest = number;
  }
  return lowest.empty() ? list : list + ";" + lowest + "-virtual";
}

/// Denormals count as zero on the device as they do on the CPU (-ftz).
std::string projectCudaCMake(const std::string &name, const std::vector<std::string> &architectures) {
  return "# Builds the model as the library `" + name + "`; alone, also the training program `" + name + "_program`.\n"
         "cmake_minimum_required(VERSION 3.18)\n\n"
         "# nvcc is $CUDACXX, or in PATH, or where the toolkit puts it.\n"
         "if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})\n"
         "  find_program(HORNFELS_NVCC nvcc HINTS /usr/local/cuda/bin)\n"
         "  if(NOT HORNFELS_NVCC)\n"
         "    message(FATAL_ERROR \"" + name + " needs nvcc of the CUDA toolkit (12 or later): set CUDACXX to it\")\n"
         "  endif()\n"
         "  set(CMAKE_CUDA_COMPILER ${HORNFELS_NVCC})\n"
         "endif()\n"
         "# As " + name + ".cu says of itself, whatever is around it.\n"
         "set(CMAKE_CUDA_ARCHITECTURES \"" + cmakeArchitectures(architectures) + "\")\n"
         "project(" + name + " CXX CUDA)\n\n"
         "if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)\n"
         "  set(CMAKE_BUILD_TYPE Release)\n"
         "endif()\n\n"
         "if(NOT TARGET hornfels_core)\n"
         "  add_subdirectory(runtime/core)\n"
         "endif()\n"
         "if(NOT TARGET hornfels_device)\n"
         "  add_subdirectory(runtime/device)\n"
         "endif()\n"
         "add_library(" + name + " STATIC " + name + ".cu)\n"
         "target_compile_features(" + name + " PUBLIC cxx_std_17 PRIVATE cuda_std_17)\n"
         "target_include_directories(" + name + " PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})\n"
         "target_compile_options(" + name + " PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-ftz=true>)\n"
         "target_link_libraries(" + name + " PUBLIC hornfels_device hornfels_core)\n\n"
         "if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)\n"
         "  add_subdirectory(runtime/program)\n"
         "  add_executable(" + name + "_program main.cpp)\n"
         "  target_link_libraries(" + name + "_program PRIVATE hornfels_runtime " + name + ")\n"
         "endif()\n";
}

} // namespace hornfels
