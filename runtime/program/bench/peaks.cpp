#include "peaks.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <numeric>
#include <thread>
#include <unistd.h>
#include <vector>

#include "runtime/program/data/buffer.h"
#include "runtime/program/report/progress.h"

namespace hornfels {

namespace {

std::string line_of(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/* "48K" */
int64_t bytes_of(const std::string &text) {
  const int64_t number = std::atoll(text.c_str());
  const char unit = text.empty() ? ' ' : text.back();
  return unit == 'K' ? number << 10 : unit == 'M' ? number << 20 : number;
}

/* Trials are shorter than the time that a scheduler gives a process: some of them have the machine to
 * themselves. */
constexpr int trials = 40;
constexpr double trial_seconds = 4e-4;

/* Work a second of all threads together, the best of several trials that all begin together: work(thread)
 * does `amount`. */
template <class Work> double best_rate(int threads, double amount, const Work &work) {
  const size_t count = static_cast<size_t>(threads);
  std::vector<std::atomic<int>> arrived(trials);
  std::vector<double> rates(count * trials);
  const auto one = [&](int thread) {
    work(thread); /* memory is touched, clocks are up */
    for (size_t trial = 0; trial < trials; ++trial) {
      ++arrived[trial];
      while (arrived[trial].load() < threads)
        std::this_thread::yield();
      const double start = seconds_now();
      double done = 0, passed = 0;
      do {
        work(thread);
        done += amount;
        passed = seconds_now() - start;
      } while (passed < trial_seconds);
      rates[trial * count + static_cast<size_t>(thread)] = done / passed;
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(one, thread);
  one(0);
  for (std::thread &other : others)
    other.join();
  double best = 0;
  for (auto trial = rates.begin(); trial != rates.end(); trial += threads)
    best = std::max(best, std::accumulate(trial, trial + threads, 0.0));
  return best;
}

double flops(void (*fma)(int64_t), double of_round, int threads) {
  constexpr int64_t rounds = 1000;
  return best_rate(threads, of_round * static_cast<double>(rounds), [&](int) { fma(rounds); });
}

/* Reads so many bytes for each thread, again and again. */
double bandwidth(const peak_loops &loops, int64_t bytes, int threads) {
  constexpr int64_t block = 1024, between_looks = 256 << 10; /* at the clock */
  bytes = std::max(bytes / block, int64_t{1}) * block;
  const int64_t piece = std::min(bytes, between_looks);
  const int64_t times = std::max<int64_t>(1, between_looks / bytes);
  std::vector<buffer> memory;
  std::vector<int64_t> places(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; ++thread) {
    memory.emplace_back(static_cast<size_t>(bytes));
    std::fill_n(memory.back().as<char>(), bytes, char{1});
  }
  return best_rate(threads, static_cast<double>(piece * times), [&](int thread) {
    int64_t &place = places[static_cast<size_t>(thread)];
    place = place + piece > bytes ? 0 : place;
    for (int64_t i = 0; i < times; ++i)
      loops.read(memory[static_cast<size_t>(thread)].as<char>() + place, piece);
    place += piece;
  });
}

} // namespace

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0)
      return line.substr(std::min(line.size(), line.find(':') + 2));
  return "";
}

cache_sizes read_cache_sizes() {
  cache_sizes sizes;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    if (line_of(folder + "type") == "Instruction")
      continue;
    const std::string level = line_of(folder + "level");
    const int64_t bytes = bytes_of(line_of(folder + "size"));
    (level == "1"   ? sizes.l1
     : level == "2" ? sizes.l2
     : level == "3" ? sizes.l3
                    : sizes.l1) = level.empty() ? sizes.l1 : bytes;
  }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  const auto fill = [](int64_t &size, int name) { size = size > 0 ? size : std::max(sysconf(name), 0L); };
  fill(sizes.l1, _SC_LEVEL1_DCACHE_SIZE);
  fill(sizes.l2, _SC_LEVEL2_CACHE_SIZE);
  fill(sizes.l3, _SC_LEVEL3_CACHE_SIZE);
#endif
  sizes.l1 = sizes.l1 > 0 ? sizes.l1 : 32 << 10;
  sizes.l2 = sizes.l2 > sizes.l1 ? sizes.l2 : std::max<int64_t>(1 << 20, 8 * sizes.l1);
  sizes.l3 = sizes.l3 > sizes.l2 ? sizes.l3 : 8 * sizes.l2;
  return sizes;
}

/* Three quarters of a cache leave room for what else is in it; of the last one, which others use too, a
 * quarter. */
machine_peaks measure_peaks(const peak_loops &loops, const cache_sizes &caches, int threads) {
  machine_peaks peaks;
  constexpr int64_t most_l3 = 8 << 20, most_memory = 256 << 20;
  const int64_t l3 = std::max(2 * caches.l2, std::min(caches.l3 / 4, most_l3) / threads);
  peaks.f32 = flops(loops.fma_f32, loops.flops_f32, threads);
  peaks.f64 = flops(loops.fma_f64, loops.flops_f64, threads);
  peaks.l1 = bandwidth(loops, caches.l1 * 3 / 4, threads);
  peaks.l2 = bandwidth(loops, caches.l2 * 3 / 4, threads);
  peaks.l3 = bandwidth(loops, l3, threads);
  peaks.memory = bandwidth(loops, std::min(4 * caches.l3, most_memory) / threads, threads);
  return peaks;
}

} // namespace hornfels
