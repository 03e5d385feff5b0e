/* The times of a step's kernels, and what the machine could do, as JSON. */
#ifndef HORNFELS_PROGRAM_BENCH_LAPS_H
#define HORNFELS_PROGRAM_BENCH_LAPS_H

#include <functional>
#include <string>
#include <vector>

#include "peaks.h"
#include "runtime/core/lap.h"
#include "samples.h"

namespace hornfels {

class lap_recorder {
public:
  lap_recorder(const lap_table &table, const lap_list &kernels);
  int32_t lanes() const { return laps.lanes; }
  int32_t kernels() const { return list.count; }
  const char *math() const { return laps.math; }
  /* Forgets what was before: the samples begin. */
  void begin();
  /* A sample: the ticks since the one before, of so many steps. Does not allocate. */
  void add(size_t steps);
  /* The samples end: how long a tick is becomes known. */
  void end();
  /* Samples of a device, in the place of the three: seconds[step][kernel], and which kernels ran. */
  void add_seconds(const std::vector<double> &seconds, const std::vector<unsigned char> &which);
  /* A list of objects: name, layer, whether any step ran it, us and min_us of a step, flops, read, written and touched bytes.
   * `ids(input)`: how many ids the rows of a batch have. */
  std::string json(int64_t batch, const std::function<double(int32_t)> &ids);

private:
  void clear();
  const lap_table &laps;
  const lap_list list;
  std::vector<samples> ticks; /* of a step, for each kernel */
  std::vector<bool> ran;      /* a step may choose between kernels */
  double empty_lap = 0;       /* ticks of a lap around nothing */
  uint64_t first_tick = 0;
  double first_second = 0, seconds_of_tick = 0;
};

/* An object: processor, bytes of the caches, FLOP/s and bytes/s of one thread and of `threads`. */
std::string machine_json(const peak_loops &loops, int threads);
/* An object: device, bytes of its memory and cache, FLOP/s and bytes/s. */
std::string machine_json(const device_limits &limits);

} // namespace hornfels

#endif
