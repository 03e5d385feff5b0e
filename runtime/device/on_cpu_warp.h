/* Barriers, shuffles and votes. Part of on_cpu.h. A lane's value that is undefined in CUDA, because the lane
 * that it is read from does not take part, has all bits set: a NaN where it is a float. */
#ifndef HORNFELS_DEVICE_ON_CPU_WARP_H
#define HORNFELS_DEVICE_ON_CPU_WARP_H

#include "on_cpu_grid.h"

#include <type_traits>

namespace hornfels::device::on_cpu {

/* A function of several lanes without values. */
struct meeting {
  static void perform(meeting *const (&)[32], unsigned) {}
};

/* The lane that `lane` reads from, or -1 where CUDA gives the lane its own value. */
enum class shuffle_kind { index, up, down, exclusive_or };

template <class T> struct shuffle_exchange {
  T value;
  int source; // number of a lane of the warp
  T result;

  static void perform(shuffle_exchange *const (&all)[32], unsigned lanes) {
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
      shuffle_exchange &lane = *all[__builtin_ctz(rest)];
      if (const shuffle_exchange *source = all[lane.source])
        lane.result = source->value;
      else
        std::memset(static_cast<void *>(&lane.result), 0xff, sizeof(T));
    }
  }
};

/* Where a lane's segment of `width` lanes lies decides what it may read. */
inline int source_lane(shuffle_kind kind, int lane, int argument, int width, place at) {
  if (width <= 0 || width > 32 || (width & (width - 1)) != 0)
    fail("shuffle (%s:%d) of width %d, expected a power of two up to 32", at.file, at.line, width);
  const int first = lane & ~(width - 1), last = first + width - 1;
  switch (kind) {
  case shuffle_kind::up:
    return lane - argument < first ? lane : lane - argument;
  case shuffle_kind::down:
    return argument > last - lane ? lane : lane + argument;
  case shuffle_kind::exclusive_or:
    return (lane ^ argument) > last ? lane : lane ^ argument;
  default:
    return first | (argument & (width - 1));
  }
}

template <class T>
inline T shuffled(shuffle_kind kind, unsigned mask, T value, int argument, int width, const char *what,
                  place at) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "no shuffle of this type in CUDA");
  shuffle_exchange<T> mine{value, source_lane(kind, int(running.self->lane), argument, width, at), {}};
  exchange(mask, mine, what, at);
  return mine.result;
}

struct vote {
  bool predicate;
  unsigned ballot;
  unsigned lanes;

  static void perform(vote *const (&all)[32], unsigned lanes) {
    unsigned ballot = 0;
    for (unsigned rest = lanes; rest; rest &= rest - 1)
      ballot |= unsigned(all[__builtin_ctz(rest)]->predicate) << __builtin_ctz(rest);
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
      all[__builtin_ctz(rest)]->ballot = ballot;
      all[__builtin_ctz(rest)]->lanes = lanes;
    }
  }
};

inline vote voted(unsigned mask, bool predicate, const char *what, place at) {
  vote mine{predicate, 0, 0};
  exchange(mask, mine, what, at);
  return mine;
}

/* Which lanes have the value of this one. */
template <class T> struct match_exchange {
  T value;
  unsigned same;

  static void perform(match_exchange *const (&all)[32], unsigned lanes) {
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
      match_exchange &lane = *all[__builtin_ctz(rest)];
      lane.same = 0;
      for (unsigned others = lanes; others; others &= others - 1)
        if (all[__builtin_ctz(others)]->value == lane.value)
          lane.same |= 1u << __builtin_ctz(others);
    }
  }
};

/* combine(combine(v0, v1), v2) ... over the lanes; only for combinations in which the order is nothing. */
template <class T, class Combine> struct reduce_exchange {
  T value;

  static void perform(reduce_exchange *const (&all)[32], unsigned lanes) {
    T result = all[__builtin_ctz(lanes)]->value;
    for (unsigned rest = lanes & (lanes - 1); rest; rest &= rest - 1)
      result = Combine()(result, all[__builtin_ctz(rest)]->value);
    for (unsigned rest = lanes; rest; rest &= rest - 1)
      all[__builtin_ctz(rest)]->value = result;
  }
};

template <class Combine, class T> inline T reduced(unsigned mask, T value, const char *what, place at) {
  reduce_exchange<T, Combine> mine{value};
  exchange(mask, mine, what, at);
  return mine.value;
}

struct add_words {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(unsigned(a) + unsigned(b)); }
};
struct least {
  template <class T> T operator()(T a, T b) const { return a < b ? a : b; }
};
struct greatest {
  template <class T> T operator()(T a, T b) const { return a < b ? b : a; }
};
struct and_words {
  unsigned operator()(unsigned a, unsigned b) const { return a & b; }
};
struct or_words {
  unsigned operator()(unsigned a, unsigned b) const { return a | b; }
};
struct xor_words {
  unsigned operator()(unsigned a, unsigned b) const { return a ^ b; }
};

} // namespace hornfels::device::on_cpu

namespace hornfels::device {

/* Waits until every thread of the grid is here; what each wrote before is then seen by all. */
inline void grid_barrier(HORNFELS_HERE) { on_cpu::wait_for_grid({file, line}); }

} // namespace hornfels::device

inline void __syncthreads(HORNFELS_HERE) { hornfels::device::on_cpu::block_barrier(false, {file, line}); }

/* The number of threads whose predicate is not 0; whether it is so for all, for any. */
inline int __syncthreads_count(int predicate, HORNFELS_HERE) {
  hornfels::device::on_cpu::block_barrier(predicate != 0, {file, line});
  return static_cast<int>(hornfels::device::on_cpu::running.self->block->counted_yes);
}
inline int __syncthreads_and(int predicate, HORNFELS_HERE) {
  hornfels::device::on_cpu::block_barrier(predicate != 0, {file, line});
  const hornfels::device::on_cpu::block_state &block = *hornfels::device::on_cpu::running.self->block;
  return block.counted_yes == block.counted;
}
inline int __syncthreads_or(int predicate, HORNFELS_HERE) {
  hornfels::device::on_cpu::block_barrier(predicate != 0, {file, line});
  return hornfels::device::on_cpu::running.self->block->counted_yes != 0;
}

inline void __syncwarp(unsigned mask = 0xffffffffu, HORNFELS_HERE) {
  hornfels::device::on_cpu::meeting mine;
  hornfels::device::on_cpu::exchange(mask, mine, "__syncwarp", {file, line});
}

template <class T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return shuffled(shuffle_kind::index, mask, value, source, width, "__shfl_sync", {file, line});
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return shuffled(shuffle_kind::up, mask, value, int(delta & 31), width, "__shfl_up_sync", {file, line});
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return shuffled(shuffle_kind::down, mask, value, int(delta & 31), width, "__shfl_down_sync", {file, line});
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, HORNFELS_HERE) {
  using namespace hornfels::device::on_cpu;
  return shuffled(shuffle_kind::exclusive_or, mask, value, lanes & 31, width, "__shfl_xor_sync",
                  {file, line});
}

inline unsigned __ballot_sync(unsigned mask, int predicate, HORNFELS_HERE) {
  return hornfels::device::on_cpu::voted(mask, predicate != 0, "__ballot_sync", {file, line}).ballot;
}
inline int __any_sync(unsigned mask, int predicate, HORNFELS_HERE) {
  return hornfels::device::on_cpu::voted(mask, predicate != 0, "__any_sync", {file, line}).ballot != 0;
}
inline int __all_sync(unsigned mask, int predicate, HORNFELS_HERE) {
  const auto all = hornfels::device::on_cpu::voted(mask, predicate != 0, "__all_sync", {file, line});
  return all.ballot == all.lanes;
}
template <class T> inline unsigned __match_any_sync(unsigned mask, T value, HORNFELS_HERE) {
  hornfels::device::on_cpu::match_exchange<T> mine{value, 0};
  hornfels::device::on_cpu::exchange(mask, mine, "__match_any_sync", {file, line});
  return mine.same;
}

template <class T> inline T __reduce_add_sync(unsigned mask, T value, HORNFELS_HERE) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>, "reductions are of int and unsigned");
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::add_words>(
      mask, value, "__reduce_add_sync", {file, line});
}
template <class T> inline T __reduce_min_sync(unsigned mask, T value, HORNFELS_HERE) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>, "reductions are of int and unsigned");
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::least>(mask, value, "__reduce_min_sync",
                                                                            {file, line});
}
template <class T> inline T __reduce_max_sync(unsigned mask, T value, HORNFELS_HERE) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>, "reductions are of int and unsigned");
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::greatest>(
      mask, value, "__reduce_max_sync", {file, line});
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, HORNFELS_HERE) {
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::and_words>(
      mask, value, "__reduce_and_sync", {file, line});
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, HORNFELS_HERE) {
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::or_words>(
      mask, value, "__reduce_or_sync", {file, line});
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, HORNFELS_HERE) {
  return hornfels::device::on_cpu::reduced<hornfels::device::on_cpu::xor_words>(
      mask, value, "__reduce_xor_sync", {file, line});
}

/* This lane alone: which others run in step with it is chance on a device, so nothing may depend on it. */
inline unsigned __activemask() { return 1u << hornfels::device::on_cpu::running.self->lane; }

inline void __nanosleep(unsigned, HORNFELS_HERE) { hornfels::device::on_cpu::nap({file, line}); }

#endif
