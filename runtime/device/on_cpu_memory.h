/* Device memory apart from the host's, and what finds accesses that leave it. Part of on_cpu.h.
 *
 * Every allocation is a mapping of its own between pages that cannot be touched. It ends, up to its alignment
 * of 256, where its last page ends; the bytes between are known and looked at. New memory is filled with
 * 0xff: NaN, -1. */
#ifndef HORNFELS_DEVICE_ON_CPU_MEMORY_H
#define HORNFELS_DEVICE_ON_CPU_MEMORY_H

#include "on_cpu_grid.h"

#include <csignal>
#include <map>
#include <mutex>

namespace hornfels::device::on_cpu {

struct allocation {
  char *pages = nullptr; // what can be touched
  size_t mapped = 0;
  char *begin = nullptr;
  size_t bytes = 0;
};

using allocations = std::map<uintptr_t, allocation>;

struct memory_state {
  std::recursive_mutex lock; // held by every call of the host's interface
  allocations device, pinned;
  std::map<uintptr_t, size_t> variables; // __device__ variables whose address was asked for
  size_t used = 0;
  int open = 0;        // kernels and copies that run
  bool closed = false; // whether the device's memory cannot be touched now
  std::string report;  // what was found last
};
inline memory_state memory;

/* Says on stderr what is wrong with a call. last_report() has it for tests. */
__attribute__((format(printf, 1, 2))) inline void report(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  memory.report = text;
  std::fflush(stdout);
  std::fprintf(stderr, "on_cpu: %s\n", text);
}
inline const std::string &last_report() { return memory.report; }

/* A number from the environment; `otherwise` where it is not set. */
inline long environment(const char *name, long otherwise) {
  const char *const text = std::getenv(name);
  if (!text || !*text)
    return otherwise;
  char *end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end)
    fail("%s is '%s', expected a number", name, text);
  return value;
}

/* The allocation that `p` lies in or directly behind, or null. */
inline const allocation *find(const allocations &all, const void *p) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(p);
  auto after = all.upper_bound(address);
  if (after == all.begin())
    return nullptr;
  const allocation &a = std::prev(after)->second;
  return address - reinterpret_cast<uintptr_t>(a.begin) <= a.bytes ? &a : nullptr;
}

/* ---- what is not to be touched ---- */

inline void protect_device(bool closed) {
  if (memory.closed == closed)
    return;
  memory.closed = closed;
  for (const auto &[address, a] : memory.device)
    mprotect(a.pages, a.mapped, closed ? PROT_NONE : PROT_READ | PROT_WRITE);
}

/* As long as one of these lives, device memory can be touched. */
class device_access {
public:
  device_access() {
    ++memory.open;
    protect_device(false);
  }
  ~device_access() {
    if (--memory.open == 0 && environment("HORNFELS_STRICT_DEVICE", 0))
      protect_device(true);
  }
  device_access(const device_access &) = delete;
  device_access &operator=(const device_access &) = delete;
};

/* The bytes of its pages around the allocation are as they were made. Called with access. */
inline bool guards_hold(const allocation &a) {
  const auto byte_is_wrong = [](char c) { return static_cast<unsigned char>(c) != guard_byte; };
  const char *const end = a.begin + a.bytes;
  for (const char *p = a.pages; p != a.begin; ++p)
    if (byte_is_wrong(*p)) {
      report("a byte %ld before %zu bytes of device memory at %p was written", long(a.begin - p), a.bytes,
             static_cast<void *>(a.begin));
      return false;
    }
  for (const char *p = end; p != a.pages + a.mapped; ++p)
    if (byte_is_wrong(*p)) {
      report("a byte %ld behind the end of %zu bytes of device memory at %p was written", long(p - end),
             a.bytes, static_cast<void *>(a.begin));
      return false;
    }
  return true;
}

inline bool all_guards_hold() {
  for (const auto &[address, a] : memory.device)
    if (!guards_hold(a))
      return false;
  return true;
}

/* ---- faults ---- */

inline void describe_fault(const char *p) {
  for (const auto &[address, a] : memory.device) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (p < a.pages - page || p >= a.pages + a.mapped + page)
      continue;
    if (p < a.begin)
      report("access to %p, %ld bytes before %zu bytes of device memory at %p", static_cast<const void *>(p),
             long(a.begin - p), a.bytes, static_cast<void *>(a.begin));
    else if (p >= a.begin + a.bytes)
      report("access to %p, %ld bytes behind the end of %zu bytes of device memory at %p",
             static_cast<const void *>(p), long(p - a.begin) - long(a.bytes), a.bytes,
             static_cast<void *>(a.begin));
    else
      report("the host touched %p, byte %ld of %zu bytes of device memory at %p",
             static_cast<const void *>(p), long(p - a.begin), a.bytes, static_cast<void *>(a.begin));
    return;
  }
  const uintptr_t address = reinterpret_cast<uintptr_t>(p);
  if (running.self && stacks::overflowed(address, running.self->stack)) {
    report("access to %p: the thread needs more than the %zu bytes of its stack",
           static_cast<const void *>(p), stacks::bytes);
    return;
  }
  for (size_t b = 0; b < machine.alive_blocks && machine.call; ++b) {
    const block_state &block = *machine.blocks[b];
    if (block.shared && p >= block.shared + machine.shared_bytes &&
        p < block.shared + machine.shared_bytes + guard_bytes + 65536) {
      report("access to byte %ld of the block's shared memory, the launch gave %zu", long(p - block.shared),
             machine.shared_bytes);
      return;
    }
  }
  report("access to %p, which is no memory of the device's", static_cast<const void *>(p));
}

/* What was done at a fault before; it still is, after the description. */
inline struct sigaction before_segv, before_bus;

inline void at_fault(int, siginfo_t *info, void *) {
  describe_fault(static_cast<const char *>(info->si_addr));
  print_where();
  // The access is made again, and ends the program.
  sigaction(SIGSEGV, &before_segv, nullptr);
  sigaction(SIGBUS, &before_bus, nullptr);
}

/* Faults are described, on a stack apart: a fiber may have none left. */
inline void describe_faults() {
  static thread_local bool done = false;
  if (done)
    return;
  done = true;
  constexpr size_t bytes = 64 * 1024;
  void *const memory_of_handler =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory_of_handler == MAP_FAILED)
    return;
  stack_t apart{};
  apart.ss_sp = memory_of_handler;
  apart.ss_size = bytes;
  sigaltstack(&apart, nullptr);
  static bool installed = false;
  if (installed)
    return;
  installed = true;
  struct sigaction action {};
  action.sa_sigaction = at_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &before_segv);
  sigaction(SIGBUS, &action, &before_bus);
}

/* ---- allocations ---- */

inline size_t device_memory_bytes() {
  return static_cast<size_t>(environment("HORNFELS_DEVICE_MEMORY", 8L << 30));
}

/* New memory of `bytes` > 0 in `all`, or null where there is no more. */
inline void *allocate(allocations &all, size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t rounded = (bytes + 255) / 256 * 256, mapped = (rounded + page - 1) / page * page;
  void *const reserved =
      mmap(nullptr, mapped + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED)
    return nullptr;
  allocation a;
  a.pages = static_cast<char *>(reserved) + page;
  a.mapped = mapped;
  a.bytes = bytes;
  a.begin = a.pages + (mapped - rounded);
  mprotect(a.pages, mapped, PROT_READ | PROT_WRITE);
  std::memset(a.pages, guard_byte, static_cast<size_t>(a.begin - a.pages));
  std::memset(a.begin, 0xff, bytes);
  std::memset(a.begin + bytes, guard_byte, rounded - bytes);
  all.emplace(reinterpret_cast<uintptr_t>(a.begin), a);
  return a.begin;
}

/* Gives back what allocate returned; false where `p` is not that. */
inline bool release(allocations &all, void *p) {
  const auto found = all.find(reinterpret_cast<uintptr_t>(p));
  if (found == all.end())
    return false;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const allocation a = found->second;
  const bool whole = guards_hold(a);
  all.erase(found);
  munmap(a.pages - page, a.mapped + 2 * page);
  if (!whole)
    fail("device memory was written outside of what was allocated");
  return true;
}

/* ---- whose memory ---- */

enum class owner { host, pinned, device };

inline owner owner_of(const void *p) {
  if (find(memory.device, p))
    return owner::device;
  const uintptr_t address = reinterpret_cast<uintptr_t>(p);
  auto after = memory.variables.upper_bound(address);
  if (after != memory.variables.begin() && address - std::prev(after)->first < std::prev(after)->second)
    return owner::device;
  return find(memory.pinned, p) ? owner::pinned : owner::host;
}

/* Whether `bytes` at p, on the device, lie in one allocation. */
inline bool within_allocation(const void *p, size_t bytes) {
  const allocation *const a = find(memory.device, p);
  if (!a)
    return true; // a __device__ variable
  return bytes <= a->bytes - static_cast<size_t>(static_cast<const char *>(p) - a->begin);
}

} // namespace hornfels::device::on_cpu

#endif
