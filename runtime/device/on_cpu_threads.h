/* The threads of a grid as fibers of one host thread. Part of on_cpu.h.
 *
 * Blocks run one after another (those of a cooperative launch together), a block's threads by turns: a thread
 * runs until it waits for others or returns. A thread that never waits costs no switch at all: the flow that
 * ran it goes on with the next one on the same stack. Barriers count: one is complete when as many threads
 * have come as have not yet returned. When no thread can go on the program ends with a list of who waits
 * where. */
#ifndef HORNFELS_DEVICE_ON_CPU_THREADS_H
#define HORNFELS_DEVICE_ON_CPU_THREADS_H

#include "on_cpu_state.h"

namespace hornfels::device::on_cpu {

/* ---- switching ---- */

inline void run_threads();

/* A fiber with a stack, waiting at the top of run_threads. */
inline fiber *idle_fiber() {
  if (!machine.idle.empty()) {
    fiber *const f = machine.idle.back();
    machine.idle.pop_back();
    return f;
  }
  machine.fibers.push_back(std::make_unique<fiber>());
  fiber *const f = machine.fibers.back().get();
  size_t usable = 0;
  void *const stack = stacks::make(usable);
  f->stack = reinterpret_cast<uintptr_t>(stack);
  f->context.prepare(run_threads, stack, usable);
  return f;
}

[[noreturn]] inline void report_deadlock();

/* The fiber that goes on when the running one cannot: the first of the queue, or one to start further
 * threads. */
inline fiber *next_fiber() {
  if (!machine.queue.empty())
    return machine.queue.pop_front();
  if (machine.started < machine.to_start)
    return idle_fiber();
  report_deadlock();
}

/* The running fiber stops here while `next` runs, until somebody switches back. */
inline void go_on_in(fiber *next) {
  fiber *const self = running.self;
  self->context.switch_to(next->context);
  running.self = self;
  running.thread = self->thread;
  running.block = self->block->index;
}

/* The running fiber cannot go on: lets another run, and returns when this one has been put in the queue and
 * its turn has come. */
inline void give_way() {
  if (fiber *const next = next_fiber(); next != running.self)
    go_on_in(next);
}

/* ---- barriers of a block ---- */

/* All live threads have come: they go on, in the order of turns. */
inline void release_barrier(block_state &block) {
  block.counted = block.arrived;
  block.counted_yes = block.yes;
  block.arrived = block.yes = 0;
  const unsigned threads = machine.threads;
  if (machine.order == turns::shuffled)
    shuffle(machine.scratch, threads);
  for (unsigned i = 0; i < threads; ++i) {
    fiber *&f = block.at_barrier[turn(i, threads, machine.scratch)];
    if (f)
      machine.queue.push_back(f);
    f = nullptr;
  }
}

/* Waits for every thread of the block that has not returned. */
inline void block_barrier(bool predicate, place at) {
  fiber *const self = running.self;
  block_state &block = *self->block;
  machine.naps = 0;
  if (block.arrived == 0) {
    block.barrier = at;
    block.first_at_barrier = self->linear;
  } else if (!(block.barrier == at)) {
    fail("threads of one block wait at different barriers: thread %u at %s:%d and thread %u at %s:%d",
         block.first_at_barrier, block.barrier.file, block.barrier.line, self->linear, at.file, at.line);
  }
  ++block.arrived;
  block.yes += predicate;
  block.at_barrier[self->linear] = self;
  if (block.arrived == block.live)
    release_barrier(block);
  give_way();
}

/* ---- exchanges within a warp ---- */

/* When all lanes of `mask` that have not returned wait with this very mask: performs their exchange, and they
 * go on. */
inline void try_release_lanes(warp_state &warp, unsigned mask) {
  const unsigned lanes = mask & ~warp.returned;
  if ((warp.waiting & lanes) != lanes || lanes == 0)
    return;
  for (unsigned rest = lanes; rest; rest &= rest - 1)
    if (warp.lanes[__builtin_ctz(rest)].mask != mask)
      return;
  const waiting_lane &first = warp.lanes[__builtin_ctz(lanes)];
  void *deposits[32] = {};
  for (unsigned rest = lanes; rest; rest &= rest - 1) {
    const unsigned l = static_cast<unsigned>(__builtin_ctz(rest));
    const waiting_lane &lane = warp.lanes[l];
    if (lane.perform != first.perform)
      fail("lanes of one warp meet in different functions: lane %u in %s (%s:%d) and lane %u in %s (%s:%d)",
           unsigned(__builtin_ctz(lanes)), first.what, first.at.file, first.at.line, l, lane.what,
           lane.at.file, lane.at.line);
    deposits[l] = lane.deposit;
  }
  first.perform(deposits, lanes);
  warp.waiting &= ~lanes;
  // To the front of the queue, the last first: a warp goes on while its stacks are in the cache.
  if (machine.order == turns::shuffled)
    shuffle(machine.scratch, 32);
  for (unsigned i = 32; i-- > 0;) {
    const unsigned l = turn(i, 32, machine.scratch);
    if (lanes >> l & 1)
      machine.queue.push_front(warp.lanes[l].self);
  }
}

template <class Exchange> inline void perform_exchange(void *const *deposits, unsigned lanes) {
  Exchange *all[32];
  for (int l = 0; l < 32; ++l)
    all[l] = static_cast<Exchange *>(deposits[l]);
  Exchange::perform(all, lanes);
}

/* Meets the lanes of `mask`; the last to come calls Exchange::perform(Exchange *const (&)[32], lanes), with
 * the deposits of all `lanes` and null for the others, and then all go on. A lane that has returned is not
 * waited for. */
template <class Exchange> inline void exchange(unsigned mask, Exchange &mine, const char *what, place at) {
  fiber *const self = running.self;
  warp_state &warp = *self->warp;
  const unsigned l = self->lane;
  if (!(mask >> l & 1))
    fail("%s (%s:%d) with mask 0x%08x in lane %u, which the mask does not name", what, at.file, at.line, mask,
         l);
  machine.naps = 0;
  warp.lanes[l] = {mask, &mine, perform_exchange<Exchange>, what, at, self};
  warp.waiting |= 1u << l;
  try_release_lanes(warp, mask);
  give_way();
}

/* ---- the grid's barrier ---- */

inline void wait_for_grid(place at) {
  if (!machine.cooperative)
    fail("grid_barrier (%s:%d) in a kernel that was not launched by launch_cooperative", at.file, at.line);
  machine.naps = 0;
  machine.grid_barrier = at;
  machine.at_grid.push_back(running.self);
  if (machine.at_grid.size() == machine.to_start) {
    std::vector<fiber *> all;
    all.swap(machine.at_grid);
    if (machine.order == turns::shuffled)
      shuffle(machine.scratch, static_cast<unsigned>(all.size()));
    for (size_t i = 0; i < all.size(); ++i)
      machine.queue.push_back(all[turn(i, static_cast<unsigned>(all.size()), machine.scratch)]);
  }
  give_way();
}

/* Lets all others that can run, or have not begun, go first. */
inline void nap(place at) {
  // Nothing but a thread that runs can change what others sleep for.
  if (++machine.naps > 10'000'000)
    fail("%zu threads sleep or wait for ever, one at %s:%d", machine.live, at.file, at.line);
  fiber *next = nullptr;
  if (machine.started < machine.to_start)
    next = idle_fiber();
  else if (!machine.queue.empty())
    next = machine.queue.pop_front();
  else
    return;
  machine.queue.push_back(running.self);
  go_on_in(next);
}

/* ---- starting and ending threads ---- */

/* Makes `self` the next thread that has not begun. */
inline void begin_thread(fiber &self) {
  const size_t number = machine.started++;
  const unsigned threads = machine.threads;
  size_t block = 0, within = number;
  if (machine.cooperative) {
    block = number / threads;
    within = number % threads;
  }
  const unsigned t = turn(within, threads, machine.start_order);
  self.block = machine.blocks[block].get();
  self.warp = &self.block->warps[t / 32];
  self.linear = t;
  self.lane = t % 32;
  const uint3 size = running.block_size;
  if (t < size.x)
    self.thread = {t, 0, 0};
  else
    self.thread = {t % size.x, t / size.x % size.y, t / size.x / size.y};
  if (!self.copies.empty())
    self.copies.clear();
  self.copy_group = 0;
  running.self = &self;
  running.thread = self.thread;
  running.block = self.block->index;
}

inline void check_shared_bytes(const block_state &block);

/* The running thread has returned: those that waited only for it go on. */
inline void end_thread(fiber &self) {
  block_state &block = *self.block;
  warp_state &warp = *self.warp;
  --machine.live;
  warp.returned |= 1u << self.lane;
  // Every group that waits may have waited for this lane alone.
  for (unsigned rest = warp.waiting; rest; rest &= rest - 1)
    if (const unsigned l = static_cast<unsigned>(__builtin_ctz(rest)); warp.waiting >> l & 1)
      try_release_lanes(warp, warp.lanes[l].mask);
  if (--block.live == block.arrived && block.arrived)
    release_barrier(block);
  if (block.live == 0)
    check_shared_bytes(block);
}

/* The body of every fiber: starts threads as long as none that was started can go on. */
inline void run_threads() {
  flow::entered();
  // A fiber runs as soon as it is made: it is the newest.
  fiber *const self = machine.fibers.back().get();
  for (;;) {
    while (machine.started < machine.to_start) {
      begin_thread(*self);
      machine.call(machine.arguments);
      machine.naps = 0;
      end_thread(*self);
      if (!machine.queue.empty())
        break;
    }
    machine.idle.push_back(self);
    if (!machine.queue.empty()) {
      self->context.switch_to(machine.queue.pop_front()->context);
    } else {
      if (machine.live != 0)
        report_deadlock();
      self->context.switch_to(machine.host);
    }
  }
}

} // namespace hornfels::device::on_cpu

#endif
