#include "heap_calls.h"

#include <atomic>
#include <cstddef>

namespace {

std::atomic<int64_t> calls;

void count() { calls.fetch_add(1, std::memory_order_relaxed); }

} // namespace

namespace hornfels {

int64_t heap_calls() { return calls.load(); }

} // namespace hornfels

/* The linker sends each call of F to __wrap_F, and __real_F to F. The last four are operator new and new[],
 * plain and aligned. */
extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void *__real__Znwm(size_t size);
void *__real__Znam(size_t size);
void *__real__ZnwmSt11align_val_t(size_t size, size_t alignment);
void *__real__ZnamSt11align_val_t(size_t size, size_t alignment);

void *__wrap_malloc(size_t size) { return count(), __real_malloc(size); }
void *__wrap_calloc(size_t items, size_t size) { return count(), __real_calloc(items, size); }
void *__wrap_realloc(void *block, size_t size) { return count(), __real_realloc(block, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return count(), __real_aligned_alloc(alignment, size);
}
int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
  return count(), __real_posix_memalign(block, alignment, size);
}
void *__wrap__Znwm(size_t size) { return count(), __real__Znwm(size); }
void *__wrap__Znam(size_t size) { return count(), __real__Znam(size); }
void *__wrap__ZnwmSt11align_val_t(size_t size, size_t alignment) {
  return count(), __real__ZnwmSt11align_val_t(size, alignment);
}
void *__wrap__ZnamSt11align_val_t(size_t size, size_t alignment) {
  return count(), __real__ZnamSt11align_val_t(size, alignment);
}
}
