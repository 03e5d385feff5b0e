#include "bench_laps.h"

#include <algorithm>

#include "runtime/program/report/json.h"
#include "runtime/program/report/progress.h"

namespace hornfels {

namespace {

/* What reading the clock costs between two kernels: it is taken off. */
double measure_empty_lap() {
  constexpr int laps = 1000, trials = 20;
  double least = 1e300;
  for (int trial = 0; trial < trials; ++trial) {
    uint64_t sum = 0;
    lap_clock clock(&sum);
    for (int i = 0; i < laps; ++i)
      clock.lap(0);
    least = std::min(least, static_cast<double>(sum) / laps);
  }
  return least;
}

double value_of(const amount &a, double batch, double ids) {
  return a.fixed + a.per_sample * batch + a.per_id * ids;
}

std::string member(const char *name, double value) {
  return std::string(", \"") + name + "\": " + json_number(value);
}

std::string peaks_json(const machine_peaks &peaks) {
  return "{\"f32\": " + json_number(peaks.f32) + member("f64", peaks.f64) + member("l1", peaks.l1) +
         member("l2", peaks.l2) + member("l3", peaks.l3) + member("memory", peaks.memory) + "}";
}

} // namespace

lap_recorder::lap_recorder(const lap_table &table, const lap_list &kernels)
    : laps(table), list(kernels), empty_lap(table.ticks ? measure_empty_lap() : 0) {
  constexpr size_t room = 1 << 14;
  for (int32_t i = 0; i < list.count; ++i)
    ticks.emplace_back(room);
  ran.resize(static_cast<size_t>(list.count));
}

void lap_recorder::clear() { std::fill_n(laps.ticks, list.count, uint64_t{0}); }

void lap_recorder::begin() {
  clear();
  first_second = seconds_now();
  first_tick = read_ticks();
}

void lap_recorder::add(size_t steps) {
  for (int32_t i = 0; i < list.count; ++i) {
    const size_t kernel = static_cast<size_t>(i);
    ran[kernel] = ran[kernel] || laps.ticks[i] > 0;
    if (samples &times = ticks[kernel]; !times.full())
      times.add(std::max(0.0, static_cast<double>(laps.ticks[i]) / static_cast<double>(steps) - empty_lap));
  }
  clear();
}

void lap_recorder::end() {
  const uint64_t passed = read_ticks() - first_tick;
  seconds_of_tick = (seconds_now() - first_second) / static_cast<double>(passed);
}

void lap_recorder::add_seconds(const std::vector<double> &seconds, const std::vector<unsigned char> &which) {
  const size_t kernels = which.size();
  seconds_of_tick = 1;
  for (size_t i = 0; i < seconds.size(); ++i)
    if (samples &times = ticks[i % kernels]; !times.full())
      times.add(seconds[i]);
  for (size_t kernel = 0; kernel < kernels; ++kernel)
    ran[kernel] = ran[kernel] || which[kernel];
}

std::string lap_recorder::json(int64_t batch, const std::function<double(int32_t)> &ids) {
  constexpr double to_us = 1e6;
  std::string text = "[";
  for (int32_t i = 0; i < list.count; ++i) {
    const lap_kernel &kernel = list.kernels[i];
    const double rows = static_cast<double>(batch), count = ids(kernel.tokens);
    samples &times = ticks[static_cast<size_t>(i)];
    const double touched = value_of(kernel.touched, rows, count) +
                           std::min(kernel.gathered.fixed, kernel.gathered.per_id * count);
    text += (i ? ", {\"name\": " : "{\"name\": ") + json_string(kernel.name) +
            ", \"layer\": " + json_string(kernel.layer) + member("ran", ran[static_cast<size_t>(i)] ? 1 : 0) + member("products", kernel.products) +
            member("us", times.median() * seconds_of_tick * to_us) +
            member("min_us", times.least() * seconds_of_tick * to_us) +
            member("flops", value_of(kernel.flops, rows, count)) +
            member("read", value_of(kernel.read, rows, count)) +
            member("written", value_of(kernel.written, rows, count)) + member("touched", touched) + "}";
  }
  return text + "]";
}

std::string machine_json(const peak_loops &loops, int threads) {
  const cache_sizes caches = read_cache_sizes();
  std::string text = "{\"processor\": " + json_string(processor_name()) +
                     member("l1_bytes", static_cast<double>(caches.l1)) +
                     member("l2_bytes", static_cast<double>(caches.l2)) +
                     member("l3_bytes", static_cast<double>(caches.l3));
  text += ", \"one_thread\": " + peaks_json(measure_peaks(loops, caches, 1));
  if (threads > 1)
    text += ", \"all_threads\": " + peaks_json(measure_peaks(loops, caches, threads));
  return text + "}";
}

std::string machine_json(const device_limits &limits) {
  return "{\"device\": " + json_string(limits.name) + member("capability", limits.capability) +
         member("multiprocessors", limits.multiprocessors) +
         member("memory_bytes", static_cast<double>(limits.memory_bytes)) +
         member("l2_bytes", static_cast<double>(limits.l2_bytes)) + ", \"peaks\": {\"f32\": " + json_number(limits.f32) +
         member("f64", limits.f64) + member("tf32", limits.tf32) + member("bf16", limits.bf16) + member("l2", limits.l2) +
         member("memory", limits.memory) + "}}";
}

} // namespace hornfels
