// `check`, `summary` and `import`: what needs no code.
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Request.h"

namespace hornfels::driver {

int runCheck(const CommandLine &line) {
  Compilation result = checkModel(requestOf(line));
  printError(result.messages);
  return result.hasErrors ? WrongInput : Done;
}

int runSummary(const CommandLine &line) {
  ModelSummary summary;
  Compilation result = summarizeModel(requestOf(line), summary);
  printError(result.messages);
  if (result.hasErrors)
    return WrongInput;
  printOut(renderSummary(summary));
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
