/* How the program ends, and what is thrown to end it. */
#ifndef HORNFELS_PROGRAM_FAILURE_H
#define HORNFELS_PROGRAM_FAILURE_H

#include <exception>
#include <string>
#include <utility>

#include "runtime/core/files.h"

namespace hornfels {

enum exit_code {
  exit_done = 0,
  exit_input = 1,       /* the input is wrong */
  exit_usage = 2,       /* the command line is wrong */
  exit_system = 3,      /* the system failed: files, memory */
  exit_diverged = 4,    /* training stopped on its own */
  exit_interrupt = 130, /* stopped by SIGINT after saving */
  exit_terminate = 143  /* stopped by SIGTERM or SIGHUP after saving */
};

/* Ends the program with a code and a message for the user, which is whole as it stands. */
class failure : public std::exception {
public:
  failure(exit_code why, std::string message) : reason(why), text(std::move(message)) {}
  exit_code code() const { return reason; }
  const char *what() const noexcept override { return text.c_str(); }

private:
  exit_code reason;
  std::string text;
};

/* Throws what a function of the core reported. */
inline void require(bool success, const file_error &error) {
  if (!success)
    throw failure(error.kind == file_error::system ? exit_system : exit_input, error.text);
}

} // namespace hornfels

#endif
