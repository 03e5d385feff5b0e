// What `bench` found out, and what follows from it. Knows nothing of how it was measured.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace hornfels::driver {

/// FLOP and bytes a second, of all threads together; 0: not measured, or there is no such thing.
struct Peaks {
  double f32 = 0, f64 = 0, l1 = 0, l2 = 0, l3 = 0, memory = 0;
  double tf32 = 0, bf16 = 0; // of products of matrices on a device
};

/// A processor, or a device; what a device can do is in `oneThread`.
struct Machine {
  std::string processor;
  double l1Bytes = 0, l2Bytes = 0, l3Bytes = 0; // of a core
  Peaks oneThread, allThreads;
  int multiprocessors = 0, capability = 0; // of a device: 90 for 9.0
};

/// A kernel of a step, in the order of the calls. Times in microseconds of a step.
struct KernelTime {
  std::string name, layer;
  bool ran = false; // in some step: it may choose between kernels
  double us = 0, minUs = 0;
  double flops = 0, read = 0, written = 0; // bytes
  double touched = 0;                      // bytes of different places: decides which cache they are in
  bool products = false;                   // of matrices, on a device: computed as the report's `math` says

  /// Below this the clock's own steps and what it disturbs are all there is to see.
  static constexpr double shortestUs = 0.02;
  bool isMeasurable() const { return us >= shortestUs; }
  double bytes() const { return read + written; }
  double gflops() const { return flops / us / 1e3; }
  double gigabytes() const { return bytes() / us / 1e3; }
};

struct StepTime {
  double medianUs = 0, minUs = 0, p10Us = 0, p90Us = 0;
  std::optional<double> epochMs; // with data
  double callUs = 0;             // of a device: with the call and the way of the data
};

/// One side: fused or not.
struct BenchSide {
  StepTime step;                   // of the program as it is used
  std::vector<KernelTime> kernels; // of the same program with a clock between its kernels
  double allocations = 0;          // calls for heap memory in all its timed steps

  double kernelUs() const;
  /// The least step less the least of each kernel: what other processes take is in neither.
  double outsideUs() const;
};

struct BenchReport {
  std::string model, cpu, real, step, data; // data: the file, or empty
  int batch = 0, threads = 1, rounds = 0;
  std::string math; // of a device: fp32, tf32, bf16; empty: of the CPU
  Machine machine;
  BenchSide fused, unfused;
  double ratio = 0; // unfused step / fused step: the median of the rounds

  bool isF64() const { return real == "f64"; }
  bool isOfDevice() const { return !math.empty(); }
  /// The ceilings that its kernels have.
  const Peaks &peaks() const { return threads > 1 ? machine.allThreads : machine.oneThread; }
};

/// The least time that a kernel could take, and what sets it: "FMA", "tensor" (products of matrices in tf32 or bf16), or
/// the memory that it works in: "L1", "L2", "L3", "memory".
struct Limit {
  std::string name;
  double us = 0;
};
Limit limitOf(const KernelTime &kernel, const BenchReport &report);

double median(std::vector<double> values);

/// The table, for a terminal of 100 columns.
std::string renderBench(const BenchReport &report);
/// All of it as one object.
std::string benchJson(const BenchReport &report);
/// A picture: bars of the kernels, and a roofline.
std::string benchSvg(const BenchReport &report);

} // namespace hornfels::driver
