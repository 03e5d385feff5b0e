// `build` and `emit`: a program, or its sources.
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Request.h"
#include "frontend/driver/Toolchain.h"
#include "frontend/horn/Diagnostics.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::driver {

using frontend::printable;

/// "models/imdb.horn" -> "imdb", in the current folder
static std::string defaultProgram(const std::string &model) {
  std::string name = nameOf(model);
  size_t dot = name.rfind('.');
  return "./" + (dot == std::string::npos || dot == 0 ? name : name.substr(0, dot));
}

int runBuild(const CommandLine &line) {
  CompileRequest request = requestOf(line);
  std::string output = line.get("output", defaultProgram(request.path));
  checkProgramOutput(output, request.path, line.has("force"));
  if (line.has("dump"))
    checkProjectOutput(line.get("dump"), request.path, line.has("force"));

  Compilation project = compileModel(request);
  printError(project.messages);
  if (project.hasErrors)
    return WrongInput;
  if (line.has("dump"))
    writeStages(project, line.get("dump"));
  TemporaryFolder folder = TemporaryFolder::make();
  std::string program = folder.path() + "/program";
  compileProgram(project, request.cpu, folder, program);
  installProgram(program, output);
  return Done;
}

/// `emit --emit=STAGE`: that stage's text.
static int printStage(const CompileRequest &request) {
  const std::vector<std::string> &names = stageNames();
  if (std::find(names.begin(), names.end(), request.lastStage) == names.end()) {
    std::string near = frontend::nearest(request.lastStage, names);
    throw Failure{WrongCommandLine,
                  fmt::format("option `--emit` takes {}, found `{}`{}", fmt::join(names, "|"),
                              printable(request.lastStage),
                              near.empty() ? "" : fmt::format("; did you mean `{}`?", near))};
  }
  Compilation compilation = compileModel(request);
  printError(compilation.messages);
  if (compilation.hasErrors)
    return WrongInput;
  printOut(compilation.stages.back().text);
  return Done;
}

int runEmit(const CommandLine &line) {
  CompileRequest request = requestOf(line, "x86-64-v3");
  if (line.has("emit"))
    return printStage(request);
  std::string output = line.get("output");
  while (output.size() > 1 && output.back() == '/')
    output.pop_back();
  checkProjectOutput(output, request.path, line.has("force"));
  if (line.has("dump"))
    checkProjectOutput(line.get("dump"), request.path, line.has("force"));

  Compilation project = compileModel(request);
  printError(project.messages);
  if (project.hasErrors)
    return WrongInput;
  if (line.has("dump"))
    writeStages(project, line.get("dump"));
  installProject(project.files, output);
  return Done;
}

} // namespace hornfels::driver
