#include "tests/numeric/Allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// In the place of glibc's own, which go on under other names. `operator new` calls malloc.
namespace {
std::atomic<long> count{0};
}

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) noexcept {
  ++count;
  return __libc_malloc(size);
}
void *calloc(size_t items, size_t size) noexcept {
  ++count;
  return __libc_calloc(items, size);
}
void *realloc(void *old, size_t size) noexcept {
  ++count;
  return __libc_realloc(old, size);
}
void *memalign(size_t alignment, size_t size) noexcept {
  ++count;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) noexcept {
  ++count;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) noexcept {
  ++count;
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
}

namespace hornfels::numeric {
long allocations() { return count; }
} // namespace hornfels::numeric

#else

namespace hornfels::numeric {
long allocations() { return -1; }
} // namespace hornfels::numeric

#endif
