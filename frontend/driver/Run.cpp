// `run`: builds into a cache and becomes the program.
#include "frontend/driver/Cache.h"
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Request.h"
#include "frontend/driver/Signals.h"
#include "frontend/driver/Toolchain.h"
#include "frontend/horn/Source.h"

#include <cerrno>
#include <unistd.h>

namespace hornfels::driver {

using frontend::printable;

[[noreturn]] static void become(const std::string &program, const std::string &name,
                                const std::vector<std::string> &arguments) {
  std::vector<std::string> strings = arguments;
  std::vector<char *> pointers{const_cast<char *>(name.c_str())};
  for (std::string &argument : strings)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  restoreSignals();
  execv(program.c_str(), pointers.data());
  throw Failure{SystemFailed, printable(program) + ": " + errorText(errno)};
}

int runRun(const CommandLine &line) {
  CompileRequest request = requestOf(line);
  if (line.has("dump"))
    checkProjectOutput(line.get("dump"), request.path, line.has("force"));
  Compilation project = compileModel(request);
  printError(project.messages);
  if (project.hasErrors)
    return WrongInput;
  if (line.has("dump"))
    writeStages(project, line.get("dump"));
  std::string program = cachedProgram(project, request.cpu);
  if (finish(Done) != Done)
    return Done;
  become(program, project.modelName, line.programArguments);
}

} // namespace hornfels::driver
