// The build file of an emitted model.
#ifndef HORNFELS_CODEGEN_PROJECT_PROJECT_H
#define HORNFELS_CODEGEN_PROJECT_PROJECT_H

#include <string>
#include <vector>

namespace hornfels {

/// CMakeLists.txt of the directory that `emit` writes.
std::string projectCMake(const std::string &name, const std::string &compilerFlags);

/// The same for a model in NAME.cu. `architectures` as nvcc calls them: "sm_80", "sm_90a".
std::string projectCudaCMake(const std::string &name, const std::vector<std::string> &architectures);

} // namespace hornfels

#endif
