// `check` and `summary`: what needs no code.
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

} // namespace hornfels::driver
