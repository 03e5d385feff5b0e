/* A file in memory that has a name, as the readers open files by name. */
#ifndef HORNFELS_TESTS_MEMORY_FILE_H
#define HORNFELS_TESTS_MEMORY_FILE_H

#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace hornfels_tests {

struct memory_file {
  int descriptor = memfd_create("fuzzed", MFD_CLOEXEC);
  std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  void set(const void *data, size_t size) const {
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size))
      std::abort();
  }
};

} // namespace hornfels_tests

#endif
