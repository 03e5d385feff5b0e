// `check`, `summary` and `import`: what needs no code.
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Files.h"
#include "frontend/driver/Graph.h"
#include "frontend/driver/Memory.h"
#include "frontend/driver/Request.h"

namespace hornfels::driver {

int runCheck(const CommandLine &line) {
  Compilation result = checkModel(requestOf(line));
  printError(result.messages);
  return result.hasErrors ? WrongInput : Done;
}

int runSummary(const CommandLine &line) {
  CompileRequest request = requestOf(line);
  if (line.has("graph"))
    checkPictureOutput(line.get("graph"), request.path, line.has("force"));
  ModelSummary summary;
  MemorySummary memory;
  Compilation result = summarizeModel(request, summary);
  printError(result.messages);
  if (result.hasErrors)
    return WrongInput;
  if (line.has("memory"))
    measureMemory(request, memory);
  printOut(renderSummary(summary));
  if (line.has("memory"))
    printOut("\n" + renderMemory(memory));
  if (line.has("graph"))
    installPicture(renderGraph(summary), line.get("graph"));
  return Done;
}

int runImport(const CommandLine &line) {
  CompileRequest request = requestOf(line);
  std::string output = line.get("output");
  if (!output.empty())
    checkTextOutput(output, request.path, line.has("force"));
  Compilation result = importModel(request);
  printError(result.messages);
  if (result.hasErrors)
    return WrongInput;
  if (output.empty())
    printOut(result.stages.front().text);
  else
    installText(result.stages.front().text, output);
  return Done;
}

} // namespace hornfels::driver
