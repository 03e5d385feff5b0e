// The machine's C++ compiler: what it is called with.
#pragma once

#include "frontend/driver/Compile.h"

#include <string>
#include <vector>

namespace hornfels::driver {

/// The command that makes `program` out of a project's sources in `folder`: its kernel file, its table and
/// the runtime that lies beside the tool. The compiler is $CXX (it may have arguments), else c++; for CUDA $CUDACXX, else nvcc
/// from PATH or from where the toolkit puts it. Throws
/// Failure{SystemFailed} when the runtime is not where it belongs.
std::vector<std::string> compilerCommand(const Compilation &project, const std::string &cpu,
                                         const std::string &folder, const std::string &program);

/// Compiles and links `project` in `folder` and marks the result. Throws Failure{SystemFailed} that names the
/// compiler and the command and says where the sources are; they stay there.
void compileProgram(const Compilation &project, const std::string &cpu, TemporaryFolder &folder,
                    const std::string &program);

/// Writes the stages of a compilation, one file each, as a project of its own: `--dump`.
void writeStages(const Compilation &compilation, const std::string &folder);

} // namespace hornfels::driver
