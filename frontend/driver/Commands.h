// The commands of the tool, one function each. They return the exit code or throw a Failure.
#pragma once

#include "frontend/driver/CommandLine.h"

namespace hornfels::driver {

int runBuild(const CommandLine &line);
int runEmit(const CommandLine &line);
int runRun(const CommandLine &line);
int runSummary(const CommandLine &line);
int runCheck(const CommandLine &line);
int runBench(const CommandLine &line);
int runImport(const CommandLine &line);
int runData(const CommandLine &line);
int runHelp(const CommandLine &line);

} // namespace hornfels::driver
