// The build file of an emitted model.
#ifndef HORNFELS_CODEGEN_PROJECT_PROJECT_H
#define HORNFELS_CODEGEN_PROJECT_PROJECT_H

#include <string>

namespace hornfels {

/// CMakeLists.txt of the directory that `emit` writes.
std::string projectCMake(const std::string &name, const std::string &compilerFlags);

} // namespace hornfels

#endif
