// The table of `bench`.
#include "frontend/driver/BenchReport.h"
#include "frontend/driver/Table.h"
#include "frontend/horn/Source.h"

#include <cmath>
#include <fmt/format.h>

namespace hornfels::driver {

namespace {

/// Three digits: "0.00123", "1.23", "123", "12,345".
std::string digits(double value) {
  if (!(value > 0))
    return "0";
  if (value >= 100)
    return fmt::format("{:.0f}", value);
  return value >= 10  ? fmt::format("{:.1f}", value)
         : value >= 1 ? fmt::format("{:.2f}", value)
                      : fmt::format("{:.3f}", value);
}

std::string timeText(double us) {
  if (us >= 1e6)
    return digits(us / 1e6) + " s ";
  return us >= 1e4 ? digits(us / 1e3) + " ms" : digits(us) + " us";
}

/// 0 / 0 is 0: a step without kernels.
std::string percent(double part) {
  part = std::isnan(part) ? 0 : part;
  return fmt::format("{:.0f} %", 100 * part);
}

std::string sizeText(double bytes) {
  return bytes >= 1 << 20 ? fmt::format("{:.0f} MB", bytes / (1 << 20))
                          : fmt::format("{:.0f} KB", bytes / (1 << 10));
}

/// " device       f32 52000 GFLOP/s | tf32 400000 GFLOP/s | L2 5500 GB/s | memory 4100 GB/s\n"
std::string deviceLine(const BenchReport &report) {
  constexpr double giga = 1e9;
  const Peaks &peaks = report.machine.oneThread;
  std::string text = fmt::format(" {:<12} {} {:.0f} GFLOP/s | ", "device", report.real,
                                 (report.isF64() ? peaks.f64 : peaks.f32) / giga);
  if (double matrices = std::max(peaks.tf32, peaks.bf16); matrices > 0)
    text += fmt::format("{} {:.0f} GFLOP/s | ", report.math, matrices / giga);
  return text + fmt::format("L2 {:.0f} GB/s | memory {:.0f} GB/s\n", peaks.l2 / giga, peaks.memory / giga);
}

std::string peaksLine(const char *title, const BenchReport &report, const Peaks &peaks) {
  constexpr double giga = 1e9;
  return fmt::format(
      " {:<12} {} {:.0f} GFLOP/s | L1 {:.0f} GB/s | L2 {:.0f} GB/s | L3 {:.0f} GB/s | memory {:.0f} GB/s\n",
      title, report.real, (report.isF64() ? peaks.f64 : peaks.f32) / giga, peaks.l1 / giga, peaks.l2 / giga,
      peaks.l3 / giga, peaks.memory / giga);
}

/// A name that several kernels of a step have is followed by its layer's.
std::string shownName(const KernelTime &kernel, const BenchSide &side) {
  int same = 0;
  for (const KernelTime &other : side.kernels)
    same += other.name == kernel.name;
  return frontend::printable(same > 1 ? kernel.name + " (" + kernel.layer + ")" : kernel.name);
}

/// What a row says of kernels that are measured together.
struct Sum {
  double us = 0, flops = 0, bytes = 0, leastUs = 0;

  void add(const KernelTime &kernel, const BenchReport &report) {
    us += kernel.us;
    flops += kernel.flops;
    bytes += kernel.bytes();
    leastUs += limitOf(kernel, report).us;
  }
  /// `limit` is the name of what binds it; empty for several.
  std::vector<std::string> row(const std::string &name, double all, const std::string &limit) const {
    if (us < KernelTime::shortestUs)
      return {name, timeText(us), percent(us / all), "-", "-", "-       "};
    return {name,
            timeText(us),
            percent(us / all),
            digits(flops / us / 1e3),
            digits(bytes / us / 1e3),
            percent(leastUs / us) + fmt::format(" {:<6}", limit)};
  }
};

/// Every kernel; of many, those that are small together in one row.
std::string kernelTable(const char *title, const BenchSide &side, const BenchReport &report) {
  constexpr size_t many = 24;
  constexpr double smallShare = 0.002;
  Table table({36, 9, 6, 8, 8, 12}, {1, 2, 3, 4, 5});
  table.head({title, "Time", "Share", "GFLOP/s", "GB/s", "Of its limit"});
  double all = side.kernelUs();
  Sum sum, rest;
  int restCount = 0;
  for (const KernelTime &kernel : side.kernels) {
    sum.add(kernel, report);
    if (side.kernels.size() > many && kernel.us < smallShare * all) {
      rest.add(kernel, report);
      ++restCount;
      continue;
    }
    Sum alone;
    alone.add(kernel, report);
    table.row(alone.row(shownName(kernel, side), all, limitOf(kernel, report).name));
  }
  if (restCount > 0)
    table.row(rest.row(fmt::format("{} below {} %", restCount, 100 * smallShare), all, ""));
  table.between();
  table.row(sum.row(fmt::format("{} kernels", side.kernels.size()), all, ""));
  table.end();
  return table.text;
}

/// What a step does besides its kernels; where those are so short that the clock between them disturbs,
/// nothing.
std::string outsideText(const BenchSide &side) {
  double us = side.outsideUs();
  return us > 0 ? timeText(us) : "-";
}

std::string stepTable(const BenchReport &report) {
  Table table({36, 18, 19, 12}, {1, 2, 3});
  table.head({"Whole step", "Fused", "Unfused", "Ratio"});
  const StepTime &fused = report.fused.step, &unfused = report.unfused.step;
  table.row({"median", timeText(fused.medianUs), timeText(unfused.medianUs),
             fmt::format("{:.2f} x", report.ratio)});
  table.row({"least", timeText(fused.minUs), timeText(unfused.minUs),
             fmt::format("{:.2f} x", unfused.minUs / fused.minUs)});
  auto range = [](const StepTime &step) { return digits(step.p10Us) + " - " + timeText(step.p90Us); };
  table.row({"80 % of the samples", range(fused), range(unfused), ""});
  if (report.isOfDevice())
    table.row({"called, data sent", timeText(fused.callUs), timeText(unfused.callUs),
               fmt::format("{:.2f} x", unfused.callUs / fused.callUs)});
  else
    table.row({"outside the kernels, least", outsideText(report.fused), outsideText(report.unfused), ""});
  if (fused.epochMs && unfused.epochMs)
    table.row({"epoch, batches gathered", timeText(*fused.epochMs * 1e3), timeText(*unfused.epochMs * 1e3),
               fmt::format("{:.2f} x", *unfused.epochMs / *fused.epochMs)});
  if (!report.isOfDevice())
    table.row({"heap allocations in a step", digits(report.fused.allocations), digits(report.unfused.allocations), ""});
  table.end();
  return table.text;
}

} // namespace

/// What it runs on: " NAME, caches\n" and a line for each set of ceilings.
static std::string machineText(const BenchReport &report) {
  const Machine &machine = report.machine;
  std::string name = machine.processor.empty() ? "processor unknown" : frontend::printable(machine.processor);
  if (report.isOfDevice())
    return fmt::format(" {}, sm_{}, {} multiprocessors, L2 {}\n", name, machine.capability, machine.multiprocessors,
                       sizeText(machine.l2Bytes)) +
           deviceLine(report);
  std::string text = fmt::format(" {}, L1 {}, L2 {}, L3 {}\n", name, sizeText(machine.l1Bytes), sizeText(machine.l2Bytes),
                                 sizeText(machine.l3Bytes)) +
                     peaksLine("one thread", report, machine.oneThread);
  if (report.threads > 1)
    text += peaksLine(fmt::format("{} threads", report.threads).c_str(), report, machine.allThreads);
  return text;
}

std::string renderBench(const BenchReport &report) {
  std::string text = fmt::format("Model: \"{}\"\n", frontend::printable(report.model));
  std::string target = report.isOfDevice()
                           ? fmt::format("CUDA graph, {}, {}", report.math, report.cpu)
                           : fmt::format("{} {}, {}", report.threads, report.threads == 1 ? "thread" : "threads", report.cpu);
  text += fmt::format(" {} step, batch of {}, {}, {}\n", report.step, report.batch, target,
                      report.data.empty() ? "synthetic data" : frontend::printable(report.data));
  return text + machineText(report) + kernelTable("Fused kernels", report.fused, report) +
         kernelTable("Unfused kernels", report.unfused, report) + stepTable(report);
}

} // namespace hornfels::driver
