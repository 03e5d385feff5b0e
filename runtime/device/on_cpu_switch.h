/* A stack of one's own, and the change from one to another. Part of on_cpu.h.
 *
 * The change saves what a function must keep for its caller and nothing else: no signal masks, so no system
 * calls, and no floating-point modes, which all fibers of a thread share. x86-64 and AArch64 by hand,
 * elsewhere through ucontext. */
#ifndef HORNFELS_DEVICE_ON_CPU_SWITCH_H
#define HORNFELS_DEVICE_ON_CPU_SWITCH_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HORNFELS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HORNFELS_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef HORNFELS_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

/* Keeps the registers of the caller on its stack and its stack pointer in *from, then goes on where `to` was
 * kept. */
#if defined(__x86_64__)
extern "C" __attribute__((visibility("hidden"))) void hornfels_switch_stacks(void **from, void *to);
asm(R"(
  .pushsection .text.hornfels_switch_stacks,"axG",@progbits,hornfels_switch_stacks,comdat
  .weak hornfels_switch_stacks
  .hidden hornfels_switch_stacks
  .type hornfels_switch_stacks,@function
  .p2align 4
hornfels_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
  .size hornfels_switch_stacks, .-hornfels_switch_stacks
  .popsection
)");
#elif defined(__aarch64__)
extern "C" __attribute__((visibility("hidden"))) void hornfels_switch_stacks(void **from, void *to);
asm(R"(
  .pushsection .text.hornfels_switch_stacks,"axG",@progbits,hornfels_switch_stacks,comdat
  .weak hornfels_switch_stacks
  .hidden hornfels_switch_stacks
  .type hornfels_switch_stacks,%function
  .p2align 4
hornfels_switch_stacks:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  br x30
  .size hornfels_switch_stacks, .-hornfels_switch_stacks
  .popsection
)");
#else
#include <ucontext.h>
#endif

namespace hornfels::device::on_cpu {

/* A suspended or running flow of control: the host's, or one with a stack of its own. */
class flow {
public:
  /* The flow that the caller already is. */
  flow() = default;

  /* Prepares a stack on which `body` starts at the first switch to this flow; it must never return. */
  void prepare(void (*body)(), void *stack, size_t bytes);

  /* Goes on in `next`; returns when somebody switches back to *this. */
  void switch_to(flow &next);

  /* Asks for the lines of the cache that a switch to this flow will read. */
  void prefetch_stack() const {
#if defined(__x86_64__) || defined(__aarch64__)
    for (int line = 0; line < 3; ++line)
      __builtin_prefetch(static_cast<const char *>(stack_pointer) + line * 64);
#endif
  }

  /* The first thing that a body does. */
  static void entered();

private:
#if defined(__x86_64__) || defined(__aarch64__)
  void *stack_pointer = nullptr;
#else
  ucontext_t context{};
#endif
#ifdef HORNFELS_ADDRESS_SANITIZER
  void *fake_stack = nullptr;
  const void *bottom = nullptr;
  size_t size = 0;
  static inline flow *from = nullptr;
#endif
};

inline void flow::prepare(void (*body)(), void *stack, size_t bytes) {
  char *const top = static_cast<char *>(stack) + bytes / 16 * 16;
#if defined(__x86_64__)
  // Six registers, where to start, and the return address that a called function would find above.
  void **words = reinterpret_cast<void **>(top) - 8;
  for (int i = 0; i < 8; ++i)
    words[i] = nullptr;
  words[6] = reinterpret_cast<void *>(body);
  stack_pointer = words;
#elif defined(__aarch64__)
  void **words = reinterpret_cast<void **>(top) - 20;
  for (int i = 0; i < 20; ++i)
    words[i] = nullptr;
  words[11] = reinterpret_cast<void *>(body);
  stack_pointer = words;
#else
  (void)top;
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  makecontext(&context, body, 0);
#endif
#ifdef HORNFELS_ADDRESS_SANITIZER
  bottom = stack;
  size = bytes;
#endif
}

inline void flow::switch_to(flow &next) {
#ifdef HORNFELS_ADDRESS_SANITIZER
  from = this;
  __sanitizer_start_switch_fiber(&fake_stack, next.bottom, next.size);
#endif
#if defined(__x86_64__) || defined(__aarch64__)
  hornfels_switch_stacks(&stack_pointer, next.stack_pointer);
#else
  swapcontext(&context, &next.context);
#endif
#ifdef HORNFELS_ADDRESS_SANITIZER
  flow *const origin = from;
  __sanitizer_finish_switch_fiber(fake_stack, &origin->bottom, &origin->size);
#endif
}

inline void flow::entered() {
#ifdef HORNFELS_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(nullptr, &from->bottom, &from->size);
#endif
}

/* Stacks from the system, each above a page that cannot be touched, never given back: they are pooled by
 * their users. The place of the topmost frame differs from stack to stack, as otherwise all would fall on the
 * same lines of the cache. */
class stacks {
public:
  static constexpr size_t page = 4096, bytes = 64 * 1024;

  /* The lowest address of a new stack, and its usable bytes. */
  static void *make(size_t &usable) {
    static size_t made = 0;
    static char *next = nullptr, *end = nullptr;
    if (next == end) {
      const size_t chunk = 64 * bytes;
      void *const memory =
          mmap(nullptr, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) {
        std::fprintf(stderr, "on_cpu: no memory for the stacks of %zu threads\n", made);
        std::abort();
      }
      next = static_cast<char *>(memory);
      end = next + chunk;
    }
    char *const stack = next;
    next += bytes;
    // The kernel limits the number of mappings: a grid of many threads goes on without these pages.
    if (made < guarded)
      mprotect(stack, page, PROT_NONE);
    const size_t colour = made++ % 60 * 64;
    usable = bytes - page - colour;
    return stack + page;
  }

  /* Whether `address` lies in the page below the stack that ends before it. */
  static bool overflowed(uintptr_t address, uintptr_t lowest) {
    return address < lowest && lowest - address <= page;
  }

private:
  static constexpr size_t guarded = 8192;
};

} // namespace hornfels::device::on_cpu

#endif
