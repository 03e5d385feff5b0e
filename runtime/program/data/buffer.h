/* Memory for data: aligned to 64 bytes, not cleared, so that pages that are never filled are never taken. */
#ifndef HORNFELS_PROGRAM_BUFFER_H
#define HORNFELS_PROGRAM_BUFFER_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

class buffer {
public:
  buffer() = default;
  explicit buffer(size_t bytes) : length(bytes) {
    void *memory = nullptr;
    if (posix_memalign(&memory, 64, bytes + 64) != 0)
      throw failure(exit_system, format("error: out of memory: %zu bytes of data", bytes));
    start.reset(memory);
  }
  size_t bytes() const { return length; }
  template <class T> T *as() { return static_cast<T *>(start.get()); }
  template <class T> const T *as() const { return static_cast<const T *>(start.get()); }

  /* Gives back what lies behind the first `bytes` bytes. */
  void shrink(size_t bytes) {
    /* A moved block could lose its alignment, so the rest is copied when it is worth it. */
    if (bytes + 4096 >= length) {
      length = bytes;
      return;
    }
    buffer smaller(bytes);
    __builtin_memcpy(smaller.start.get(), start.get(), bytes);
    *this = static_cast<buffer &&>(smaller);
  }

private:
  struct free_memory {
    void operator()(void *p) const { std::free(p); }
  };
  std::unique_ptr<void, free_memory> start;
  size_t length = 0;
};

} // namespace hornfels

#endif
