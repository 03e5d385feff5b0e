#include "frontend/driver/BenchReport.h"

#include "frontend/horn/Source.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hornfels::driver {

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double BenchSide::kernelUs() const {
  double sum = 0;
  for (const KernelTime &kernel : kernels)
    sum += kernel.us;
  return sum;
}

double BenchSide::outsideUs() const {
  double rest = step.minUs;
  for (const KernelTime &kernel : kernels)
    rest -= kernel.minUs;
  return rest;
}

static Limit arithmeticOf(const KernelTime &kernel, const BenchReport &report) {
  const Peaks &peaks = report.peaks();
  double ofMatrices = report.math == "tf32" ? peaks.tf32 : report.math == "bf16" ? peaks.bf16 : 0;
  if (kernel.products && ofMatrices > 0)
    return {"tensor", kernel.flops / ofMatrices};
  return {"FMA", kernel.flops / (report.isF64() ? peaks.f64 : peaks.f32)};
}

/// Half of a device's cache holds what the kernel before has left there.
static Limit memoryOfDevice(const KernelTime &kernel, const BenchReport &report) {
  const Peaks &peaks = report.peaks();
  return kernel.touched <= report.machine.l2Bytes / 2 ? Limit{"L2", kernel.bytes() / peaks.l2}
                                                      : Limit{"memory", kernel.bytes() / peaks.memory};
}

/// Each thread brings its L1 and L2.
static Limit memoryOf(const KernelTime &kernel, const BenchReport &report) {
  const Peaks &peaks = report.peaks();
  const Machine &machine = report.machine;
  double cores = report.threads;
  return kernel.touched <= machine.l1Bytes * cores   ? Limit{"L1", kernel.bytes() / peaks.l1}
         : kernel.touched <= machine.l2Bytes * cores ? Limit{"L2", kernel.bytes() / peaks.l2}
         : kernel.touched <= machine.l3Bytes         ? Limit{"L3", kernel.bytes() / peaks.l3}
                                                     : Limit{"memory", kernel.bytes() / peaks.memory};
}

/// max(flops / peak, bytes / bandwidth of the level that holds what it touches).
Limit limitOf(const KernelTime &kernel, const BenchReport &report) {
  Limit memory = report.isOfDevice() ? memoryOfDevice(kernel, report) : memoryOf(kernel, report);
  Limit arithmetic = arithmeticOf(kernel, report);
  Limit limit = arithmetic.us > memory.us ? arithmetic : memory;
  limit.us *= 1e6;
  return limit;
}

static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result + "\"";
}

/// Six digits are more than was measured.
static std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

static std::string json(const Peaks &peaks) {
  constexpr double giga = 1e9;
  return fmt::format(
      R"({{"f32_gflops": {}, "f64_gflops": {}, "l1_gb_s": {}, "l2_gb_s": {}, "l3_gb_s": {}, "memory_gb_s": {}}})",
      number(peaks.f32 / giga), number(peaks.f64 / giga), number(peaks.l1 / giga), number(peaks.l2 / giga),
      number(peaks.l3 / giga), number(peaks.memory / giga));
}

/// Rates of a kernel that is too short to be measured are null.
static std::string json(const KernelTime &kernel, const BenchReport &report, double all) {
  Limit limit = limitOf(kernel, report);
  auto rate = [&](double value) { return kernel.isMeasurable() ? number(value) : std::string("null"); };
  return fmt::format(
      R"({{"name": {}, "layer": {}, "us": {}, "min_us": {}, "share": {}, "flops": {}, "bytes_read": {}, )"
      R"("bytes_written": {}, "bytes_touched": {}, "gflops": {}, "gb_s": {}, "limit": "{}", "limit_us": {}, )"
      R"("share_of_limit": {}}})",
      quoted(kernel.name), quoted(kernel.layer), number(kernel.us), number(kernel.minUs),
      number(all > 0 ? kernel.us / all : 0), number(kernel.flops), number(kernel.read),
      number(kernel.written), number(kernel.touched), rate(kernel.gflops()), rate(kernel.gigabytes()),
      limit.name, number(limit.us), rate(limit.us / kernel.us));
}

static std::string jsonOfDevice(const Machine &machine) {
  constexpr double giga = 1e9;
  const Peaks &peaks = machine.oneThread;
  auto matrices = [&](double peak) { return peak > 0 ? number(peak / giga) : std::string("null"); };
  return fmt::format(R"({{"device": {}, "capability": {}, "multiprocessors": {}, "l2_bytes": {},
  "peaks": {{"f32_gflops": {}, "f64_gflops": {}, "tf32_gflops": {}, "bf16_gflops": {}, "l2_gb_s": {}, "memory_gb_s": {}}}}})",
                     quoted(machine.processor), machine.capability, machine.multiprocessors, number(machine.l2Bytes),
                     number(peaks.f32 / giga), number(peaks.f64 / giga), matrices(peaks.tf32), matrices(peaks.bf16),
                     number(peaks.l2 / giga), number(peaks.memory / giga));
}

static std::string jsonOfProcessor(const BenchReport &report) {
  const Machine &machine = report.machine;
  std::string text = fmt::format("{{\"processor\": {}, \"l1_bytes\": {}, \"l2_bytes\": {}, \"l3_bytes\": "
                                 "{},\n  \"one_thread\": {}",
                                 quoted(machine.processor), number(machine.l1Bytes), number(machine.l2Bytes),
                                 number(machine.l3Bytes), json(machine.oneThread));
  if (report.threads > 1)
    text += ",\n  \"all_threads\": " + json(machine.allThreads);
  return text + "}";
}

static std::string json(const BenchSide &side, const BenchReport &report) {
  std::string text = fmt::format(R"({{"step_us": {{"median": {}, "min": {}, "p10": {}, "p90": {}}}, )",
                                 number(side.step.medianUs), number(side.step.minUs), number(side.step.p10Us),
                                 number(side.step.p90Us));
  if (side.step.epochMs)
    text += fmt::format(R"("epoch_ms": {}, )", number(*side.step.epochMs));
  text += report.isOfDevice() ? fmt::format(R"("call_us": {}, "kernels": [)", number(side.step.callUs))
                              : fmt::format(R"("outside_kernels_us": {}, "heap_allocations": {}, "kernels": [)",
                                            number(side.outsideUs()), number(side.allocations));
  for (size_t i = 0; i < side.kernels.size(); ++i)
    text += (i ? ",\n    " : "\n    ") + json(side.kernels[i], report, side.kernelUs());
  return text + "]}";
}

std::string benchJson(const BenchReport &report) {
  std::string target = report.isOfDevice()
                           ? fmt::format(R"("architectures": {}, "math": {})", quoted(report.cpu), quoted(report.math))
                           : fmt::format(R"("cpu": {})", quoted(report.cpu));
  std::string text = fmt::format("{{\"model\": {}, \"step\": {}, \"batch\": {}, \"threads\": {}, \"real\": "
                                 "{}, {}, \"data\": {},\n",
                                 quoted(report.model), quoted(report.step), report.batch, report.threads,
                                 quoted(report.real), target, report.data.empty() ? "null" : quoted(report.data));
  text += " \"machine\": " + (report.isOfDevice() ? jsonOfDevice(report.machine) : jsonOfProcessor(report));
  return text + fmt::format(",\n \"rounds\": {}, \"ratio\": {},\n \"fused\": {},\n \"unfused\": {}}}\n",
                            report.rounds, number(report.ratio), json(report.fused, report),
                            json(report.unfused, report));
}

} // namespace hornfels::driver
