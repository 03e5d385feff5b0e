#include "frontend/driver/Console.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace hornfels::driver {

static int outError = 0; // errno of the first failed write, by stream
static int errError = 0;

void openStandardStreams() {
  // `open` takes the lowest free descriptor, so going upwards fills exactly the closed ones. Opened for
  // reading only: a write to a stream that the caller closed fails as it should.
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
      (void)!open("/dev/null", O_RDONLY);
}

static void writeAll(int fd, std::string_view text, int &error) {
  while (!text.empty() && error == 0) {
    ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
}

void printOut(std::string_view text) { writeAll(STDOUT_FILENO, text, outError); }
void printError(std::string_view text) { writeAll(STDERR_FILENO, text, errError); }

std::string errorText(int error) {
  std::string text = strerror(error);
  if (text.size() > 1 && islower(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(tolower(static_cast<unsigned char>(text[0])));
  return text;
}

int finish(int code) {
  if (outError)
    printError(std::string("hornfels: error: standard output: ") + errorText(outError) + "\n");
  return outError || errError ? SystemFailed : code;
}

} // namespace hornfels::driver
