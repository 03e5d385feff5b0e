/* Runs a grid: sets up its blocks and their shared memory, and says what is wrong when they cannot end. Part
 * of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_GRID_H
#define HORNFELS_DEVICE_ON_CPU_GRID_H

#include "on_cpu_threads.h"

#include <unistd.h>

namespace hornfels::device::on_cpu {

/* ---- dynamic shared memory ---- */

/* No architecture has more in a block. */
constexpr size_t most_shared_bytes = 227 * 1024;
constexpr unsigned char guard_byte = 0xa5;
constexpr size_t guard_bytes = 128;

/* The block's shared memory ends, up to its alignment of 128, at a page that cannot be touched; the bytes
 * around it are known, and looked at after the block. */
inline void place_shared_bytes(block_state &block) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t room = (most_shared_bytes + 2 * guard_bytes + page - 1) / page * page;
  if (!block.shared_memory) {
    void *const memory = mmap(nullptr, room + page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      fail("no memory for the shared memory of a block");
    block.shared_memory = static_cast<char *>(memory);
    mprotect(block.shared_memory + room, page, PROT_NONE);
  }
  const size_t rounded = (machine.shared_bytes + 127) / 128 * 128;
  block.shared = block.shared_memory + room - rounded;
  std::memset(block.shared - guard_bytes, guard_byte, guard_bytes);
  std::memset(block.shared + machine.shared_bytes, guard_byte, rounded - machine.shared_bytes);
}

/* Nothing of the block was written outside its shared memory. */
inline void check_shared_bytes(const block_state &block) {
  const auto written = [&](const char *begin, const char *end) -> const char * {
    for (const char *p = begin; p != end; ++p)
      if (static_cast<unsigned char>(*p) != guard_byte)
        return p;
    return nullptr;
  };
  const char *const end = block.shared + machine.shared_bytes;
  if (const char *p = written(block.shared - guard_bytes, block.shared))
    fail("byte %ld of the block's shared memory was written, before its beginning", long(p - block.shared));
  if (const char *p = written(end, block.shared + (machine.shared_bytes + 127) / 128 * 128))
    fail("byte %ld of the block's shared memory was written, the launch gave %zu", long(p - block.shared),
         machine.shared_bytes);
}

/* ---- deadlock ---- */

inline void print_waiting_lanes(const warp_state &warp, unsigned number) {
  unsigned seen = 0;
  for (unsigned l = 0; l < 32; ++l) {
    if (!(warp.waiting >> l & 1) || seen >> l & 1)
      continue;
    const waiting_lane &lane = warp.lanes[l];
    unsigned same = 0;
    for (unsigned other = l; other < 32; ++other)
      if (warp.waiting >> other & 1 && warp.lanes[other].mask == lane.mask)
        same |= 1u << other;
    seen |= same;
    std::fprintf(
        stderr, "on_cpu:   warp %u: lanes 0x%08x wait in %s (%s:%d) with mask 0x%08x for lanes 0x%08x\n",
        number, same, lane.what, lane.at.file, lane.at.line, lane.mask, lane.mask & ~warp.returned & ~same);
  }
}

/* No thread can go on. */
[[noreturn]] inline void report_deadlock() {
  std::fflush(stdout);
  std::fprintf(stderr, "on_cpu: deadlock: %zu threads wait, and none can go on\n", machine.live);
  for (size_t b = 0; b < machine.alive_blocks; ++b) {
    const block_state &block = *machine.blocks[b];
    char text[48];
    if (block.live)
      std::fprintf(stderr, "on_cpu: block %s: %u of %u threads have not returned\n",
                   text_of(block.index, text), block.live, machine.threads);
    if (block.arrived)
      std::fprintf(stderr, "on_cpu:   %u wait at the barrier of %s:%d, the first is thread %u\n",
                   block.arrived, block.barrier.file, block.barrier.line, block.first_at_barrier);
    for (size_t w = 0; w < block.warps.size(); ++w)
      if (block.live)
        print_waiting_lanes(block.warps[w], static_cast<unsigned>(w));
  }
  if (!machine.at_grid.empty())
    std::fprintf(stderr, "on_cpu: %zu of %zu threads wait at the grid's barrier of %s:%d\n",
                 machine.at_grid.size(), machine.to_start, machine.grid_barrier.file,
                 machine.grid_barrier.line);
  running.self = nullptr;
  fail("deadlock");
}

/* ---- the grid ---- */

/* Block number `b` in the order of turns begins: all its threads are there and nobody waits. */
inline void begin_block(block_state &block, uint3 index) {
  block.index = index;
  block.live = machine.threads;
  block.arrived = block.yes = 0;
  for (size_t w = 0; w < block.warps.size(); ++w) {
    const size_t lanes = machine.threads - w * 32;
    block.warps[w].waiting = 0;
    block.warps[w].returned = lanes >= 32 ? 0u : ~0u << lanes;
  }
  if (machine.shared_bytes)
    std::memset(block.shared, 0xff, machine.shared_bytes);
}

inline uint3 index_in(size_t number, uint3 size) {
  return {static_cast<unsigned>(number % size.x), static_cast<unsigned>(number / size.x % size.y),
          static_cast<unsigned>(number / size.x / size.y)};
}

/* A launch: the kernel's arguments are in `arguments`, `call` calls it with them. */
struct grid_launch {
  void (*call)(const void *);
  const void *arguments;
  uint3 grid, block;
  size_t shared_bytes;
  bool cooperative;
  place at;
};

inline void make_blocks(size_t count) {
  while (machine.blocks.size() < count)
    machine.blocks.push_back(std::make_unique<block_state>());
  for (size_t b = 0; b < count; ++b) {
    block_state &block = *machine.blocks[b];
    block.at_barrier.assign(machine.threads, nullptr);
    block.warps.resize((machine.threads + 31) / 32);
    place_shared_bytes(block);
  }
}

/* Starts threads until all of the blocks alive have returned. */
inline void run_alive_blocks(size_t count) {
  machine.alive_blocks = count;
  machine.started = 0;
  machine.to_start = machine.live = count * machine.threads;
  if (machine.order == turns::shuffled)
    shuffle(machine.start_order, machine.threads);
  machine.host.switch_to(idle_fiber()->context);
}

/* Runs all threads of the grid, one grid at a time. */
inline void run_grid(const grid_launch &launch) {
  machine.call = launch.call;
  machine.arguments = launch.arguments;
  machine.threads = launch.block.x * launch.block.y * launch.block.z;
  machine.shared_bytes = launch.shared_bytes;
  machine.cooperative = launch.cooperative;
  machine.launched = launch.at;
  running.block_size = launch.block;
  running.grid_size = launch.grid;
  read_order();
  const size_t blocks = size_t(launch.grid.x) * launch.grid.y * launch.grid.z;
  machine.queue.reserve((launch.cooperative ? blocks : 1) * machine.threads);
  if (launch.cooperative) {
    make_blocks(blocks);
    for (size_t b = 0; b < blocks; ++b)
      begin_block(*machine.blocks[b], index_in(b, launch.grid));
    run_alive_blocks(blocks);
  } else {
    make_blocks(1);
    std::vector<unsigned> order;
    if (machine.order == turns::shuffled)
      shuffle(order, static_cast<unsigned>(blocks));
    for (size_t b = 0; b < blocks; ++b) {
      begin_block(*machine.blocks[0], index_in(turn(b, static_cast<unsigned>(blocks), order), launch.grid));
      run_alive_blocks(1);
    }
  }
  running.self = nullptr;
  machine.call = nullptr;
}

} // namespace hornfels::device::on_cpu

inline const uint3 &threadIdx = hornfels::device::on_cpu::running.thread;
inline const uint3 &blockIdx = hornfels::device::on_cpu::running.block;
inline const uint3 &blockDim = hornfels::device::on_cpu::running.block_size;
inline const uint3 &gridDim = hornfels::device::on_cpu::running.grid_size;

#endif
