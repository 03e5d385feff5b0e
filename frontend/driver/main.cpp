// hornfels: compiles a neural network, with its training, ahead of time.
#include "frontend/driver/CommandLine.h"
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Signals.h"

#include <exception>
#include <new>

using namespace hornfels::driver;

static int dispatch(const CommandLine &line) {
  if (line.command == "version") {
    printOut("hornfels " HORNFELS_VERSION " (MLIR " HORNFELS_LLVM_VERSION ")\n");
    return Done;
  }
  if (line.command == "help")
    return runHelp(line);
  if (line.command == "check")
    return runCheck(line);
  if (line.command == "summary")
    return runSummary(line);
  if (line.command == "emit")
    return runEmit(line);
  if (line.command == "build")
    return runBuild(line);
  if (line.command == "bench")
    return runBench(line);
  if (line.command == "import")
    return runImport(line);
  if (line.command == "data")
    return runData(line);
  return runRun(line);
}

static int report(ExitCode code, const std::string &text) {
  // A signal's thread that is cleaning up holds the gate for good: what fails because of it stays unsaid.
  std::lock_guard<std::mutex> lock(cleanupGate());
  printError("hornfels: error: " + text + "\n");
  return code;
}

static int guarded(const std::vector<std::string> &arguments) {
  if (arguments.empty()) {
    printError(usage());
    return WrongCommandLine;
  }
  try {
    return dispatch(parseCommandLine(arguments));
  } catch (const Failure &failure) {
    return report(failure.code, failure.text);
  } catch (const std::bad_alloc &) {
    return report(SystemFailed, "out of memory");
  } catch (const std::exception &error) {
    return report(SystemFailed, std::string("internal error: ") + error.what());
  }
}

int main(int argc, char **argv) {
  openStandardStreams();
  installSignals();
  return finish(guarded(std::vector<std::string>(argv + (argc > 0), argv + argc)));
}
