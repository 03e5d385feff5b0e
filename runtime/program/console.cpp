#include "console.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "failure.h"

namespace hornfels {

namespace {

int output_error = 0;

/* Returns errno, or 0 when all was written. */
int write_all(int descriptor, const std::string &text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t put = write(descriptor, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return put < 0 ? errno : EIO;
    done += static_cast<size_t>(put);
  }
  return 0;
}

bool is_set(const char *name) {
  const char *value = std::getenv(name);
  return value && *value;
}

/* A terminal's width: COLUMNS if it is a number above 0, else what the terminal says, else 80. */
int find_columns() {
  if (const char *text = std::getenv("COLUMNS")) {
    const long value = std::strtol(text, nullptr, 10);
    if (value > 0 && value < 100000)
      return static_cast<int>(value);
  }
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

bool find_unicode() {
  for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!is_set(name))
      continue;
    const char *value = std::getenv(name);
    return std::strcmp(value, "C") == 0 || std::strcmp(value, "POSIX") == 0 || strcasestr(value, "utf-8") ||
           strcasestr(value, "utf8");
  }
  return true;
}

} // namespace

void prepare_standard_streams() {
  /* Opened for the other direction: using it is still the error that it was. */
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
      (void)!open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  signal(SIGPIPE, SIG_IGN);
}

display describe_display() {
  display result;
  const char *kind = std::getenv("TERM");
  result.terminal = isatty(STDOUT_FILENO) && !(kind && std::strcmp(kind, "dumb") == 0);
  result.colors = result.terminal && !is_set("NO_COLOR");
  result.unicode = find_unicode();
  result.columns = find_columns();
  return result;
}

void print(const std::string &text) {
  if (output_error == 0)
    output_error = write_all(STDOUT_FILENO, text);
}

bool output_broken() { return output_error != 0; }

void require_output() {
  if (output_error != 0)
    throw failure(exit_system, std::string("error: standard output: ") + std::strerror(output_error));
}

void print_error(const std::string &text) { (void)write_all(STDERR_FILENO, text + "\n"); }

} // namespace hornfels
