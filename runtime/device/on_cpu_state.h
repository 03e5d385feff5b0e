/* What there is while a grid runs: threads, warps, blocks, the queue of those that can go on, the order of
 * turns, and how a mistake ends the program. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_STATE_H
#define HORNFELS_DEVICE_ON_CPU_STATE_H

#include "on_cpu_switch.h"
#include "on_cpu_words.h"

#include <cstdarg>
#include <memory>
#include <string>
#include <vector>

/* The last parameters of a function that notes where it was called. */
#define HORNFELS_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace hornfels::device::on_cpu {

/* Where in the source a call stands. */
struct place {
  const char *file = "?";
  int line = 0;
  bool operator==(const place &other) const {
    return line == other.line && std::strcmp(file, other.file) == 0;
  }
};

/* A copy that copy_async has promised, see copy_async.h. */
struct promised_copy {
  void *to;
  const void *from;
  unsigned bytes;
  bool valid;
  unsigned group;
};

struct fiber;

/* What a lane that waits for others of its warp has brought. */
struct waiting_lane {
  unsigned mask;
  void *deposit;
  void (*perform)(void *const *deposits, unsigned lanes);
  const char *what;
  place at;
  fiber *self;
};

struct warp_state {
  unsigned waiting = 0;  // lanes that wait for others of the warp
  unsigned returned = 0; // lanes that have ended, or were never there
  waiting_lane lanes[32];
};

struct block_state {
  uint3 index{};
  unsigned live = 0;                     // threads that have not returned
  unsigned arrived = 0;                  // threads at the barrier
  unsigned yes = 0;                      // of these, threads with a predicate that holds
  unsigned counted = 0, counted_yes = 0; // the same of the last complete barrier
  place barrier;
  unsigned first_at_barrier = 0;
  std::vector<fiber *> at_barrier; // by thread
  std::vector<warp_state> warps;
  char *shared = nullptr; // dynamic shared memory
  char *shared_memory = nullptr;
};

struct fiber {
  flow context;
  uint3 thread{};
  unsigned linear = 0, lane = 0;
  block_state *block = nullptr;
  warp_state *warp = nullptr;
  unsigned copy_group = 0;
  std::vector<promised_copy> copies;
  uintptr_t stack = 0;
};

/* What the running thread reads as threadIdx and so on. */
struct running_thread {
  uint3 thread{0, 0, 0}, block{0, 0, 0}, block_size{1, 1, 1}, grid_size{1, 1, 1};
  fiber *self = nullptr;
};
inline running_thread running;

/* The fibers that can go on, in order. Each is in it at most once. */
class run_queue {
public:
  bool empty() const { return count == 0; }
  void reserve(size_t fibers) {
    if (fibers <= slots.size())
      return;
    size_t size = 64;
    while (size < fibers)
      size *= 2;
    slots.assign(size, nullptr);
    head = count = 0;
  }
  void push_back(fiber *f) { slots[(head + count++) & (slots.size() - 1)] = f; }
  void push_front(fiber *f) {
    head = (head - 1) & (slots.size() - 1);
    slots[head] = f;
    ++count;
  }
  fiber *pop_front() {
    fiber *const f = slots[head];
    head = (head + 1) & (slots.size() - 1);
    if (--count > 1) { // what the next two need comes while this one runs
      slots[head]->context.prefetch_stack();
      __builtin_prefetch(slots[(head + 1) & (slots.size() - 1)]);
    }
    return f;
  }

private:
  std::vector<fiber *> slots;
  size_t head = 0, count = 0;
};

enum class turns { forward, backward, shuffled };

struct machine_state {
  // The launch.
  void (*call)(const void *) = nullptr;
  const void *arguments = nullptr;
  unsigned threads = 0;
  size_t shared_bytes = 0;
  bool cooperative = false;
  place launched;
  // Threads that have not begun: number `started` to `to_start` - 1 of the blocks that are alive.
  size_t started = 0, to_start = 0, live = 0;
  std::vector<std::unique_ptr<block_state>> blocks;
  size_t alive_blocks = 0;
  // The grid's barrier.
  std::vector<fiber *> at_grid;
  place grid_barrier;
  // Flows.
  flow host;
  run_queue queue;
  std::vector<std::unique_ptr<fiber>> fibers;
  std::vector<fiber *> idle;
  unsigned long naps = 0; // calls of __nanosleep since anything else happened
  // The order of turns.
  turns order = turns::forward;
  uint64_t random = 1;
  std::vector<unsigned> start_order, scratch;
};
inline machine_state machine;

inline const char *text_of(uint3 i, char (&buffer)[48]) {
  std::snprintf(buffer, sizeof buffer, "(%u, %u, %u)", i.x, i.y, i.z);
  return buffer;
}

/* Says on stderr which thread of which launch runs. */
inline void print_where() {
  char thread[48], block[48];
  if (running.self)
    std::fprintf(stderr, "on_cpu: in thread %s of block %s\n", text_of(running.thread, thread),
                 text_of(running.block, block));
  if (machine.call)
    std::fprintf(stderr, "on_cpu: of the kernel launched at %s:%d\n", machine.launched.file,
                 machine.launched.line);
}

/* Ends the program with a message that names thread, block and launch. */
[[noreturn]] __attribute__((format(printf, 1, 2))) inline void fail(const char *format, ...) {
  std::fflush(stdout);
  std::fprintf(stderr, "on_cpu: ");
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "\n");
  print_where();
  std::abort();
}

/* Next number of a linear congruential generator (Knuth's constants), upper half. */
inline uint32_t random_word() {
  machine.random = machine.random * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(machine.random >> 32);
}

/* A random order of 0 .. count - 1. */
inline void shuffle(std::vector<unsigned> &order, unsigned count) {
  order.resize(count);
  for (unsigned i = 0; i < count; ++i)
    order[i] = i;
  for (unsigned i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<unsigned>(uint64_t(random_word()) * i >> 32)]);
}

/* HORNFELS_FIBER_SEED: unset, "" or "forward"; "backward"; or the number that shuffles. */
inline void read_order() {
  const char *const seed = std::getenv("HORNFELS_FIBER_SEED");
  machine.order = turns::forward;
  if (!seed || !*seed || std::strcmp(seed, "forward") == 0)
    return;
  if (std::strcmp(seed, "backward") == 0) {
    machine.order = turns::backward;
    return;
  }
  char *end = nullptr;
  const unsigned long long number = std::strtoull(seed, &end, 10);
  if (*end)
    fail("HORNFELS_FIBER_SEED is '%s', expected forward, backward or a number", seed);
  machine.order = turns::shuffled;
  machine.random = number * 2 + 1;
}

/* Which of `count` comes as number i. `shuffled` is its random order. */
inline unsigned turn(size_t i, unsigned count, const std::vector<unsigned> &shuffled) {
  switch (machine.order) {
  case turns::backward:
    return count - 1 - static_cast<unsigned>(i);
  case turns::shuffled:
    return shuffled[i];
  default:
    return static_cast<unsigned>(i);
  }
}

} // namespace hornfels::device::on_cpu

#endif
