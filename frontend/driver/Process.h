// Running the machine's C++ compiler.
#pragma once

#include <string>
#include <vector>

namespace hornfels::driver {

/// How a child ended. `output` is what it printed on either stream.
struct ProcessResult {
  int startError = 0; // errno, when it could not be started; nothing else is set then
  int exitCode = 0;   // 128 + number when it was ended by a signal
  std::string output;

  bool succeeded() const { return startError == 0 && exitCode == 0; }
};

/// Runs a program found in PATH, in a process group of its own, without input, its temporary files under
/// `directory`. A signal that ends the tool ends the child first. At most 1 MiB of output is kept.
ProcessResult runProcess(const std::vector<std::string> &command, const std::string &directory);

/// The command as one would type it: arguments quoted where a shell needs it.
std::string commandText(const std::vector<std::string> &command);

} // namespace hornfels::driver
