// The tool's two streams and its exit codes. Nothing here buffers: what is written is written, or the failure
// is known.
#pragma once

#include <string>
#include <string_view>

namespace hornfels::driver {

/// The only codes that the tool ends with, besides 130 and 143 for a signal.
enum ExitCode : int { Done = 0, WrongInput = 1, WrongCommandLine = 2, SystemFailed = 3 };

/// Why a command ends early: printed as `hornfels: error: TEXT` by main, which then exits with `code`.
struct Failure {
  ExitCode code;
  std::string text;
};

/// Makes sure that descriptors 0 to 2 are open, so that no file of ours becomes "standard output" where the
/// caller closed it. A closed stream stays unwritable.
void openStandardStreams();

/// Writes all of `text`. A failure (closed, full, broken pipe) is remembered.
void printOut(std::string_view text);
void printError(std::string_view text);

/// What `errno` says, as the middle of a message: "no such file or directory".
std::string errorText(int error);

/// `code`, or SystemFailed where something could not be printed; says so where it still can be said.
int finish(int code);

} // namespace hornfels::driver
