// Compiled programs that are kept: `run` and `bench` build each once.
#pragma once

#include "frontend/driver/Compile.h"

namespace hornfels::driver {

/// The tool's folder of this user: `$XDG_CACHE_HOME/hornfels`, or `~/.cache/hornfels`, or a private one in TMPDIR. Throws
/// Failure{SystemFailed} when none can be written.
std::string cacheFolder();

/// The path of a program compiled from `project` for `cpu`, built now or before. Throws Failure{SystemFailed}
/// when there is no folder for it, or the C++ compiler fails.
std::string cachedProgram(const Compilation &project, const std::string &cpu);

} // namespace hornfels::driver
