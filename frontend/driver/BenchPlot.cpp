// The picture of `bench`: times by layer, and where the kernels lie under the machine's ceilings.
#include "frontend/driver/BenchReport.h"
#include "frontend/driver/Svg.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hornfels::driver {

namespace {

constexpr double width = 960, margin = 28;
constexpr const char *fusedColor = "#1f5fa8", *unfusedColor = "#e0812e", *gridColor = "#e4e4e4",
                     *textColor = "#333333", *paleColor = "#777777";

std::string fill(const char *color) { return fmt::format("fill=\"{}\"", color); }
std::string stroke(const char *color, double lineWidth = 1, const char *more = "") {
  return fmt::format("stroke=\"{}\" stroke-width=\"{}\" {}", color, lineWidth, more);
}

std::string timeText(double us) {
  if (us >= 1e4)
    return fmt::format("{:.3g} ms", us / 1e3);
  return us >= 1000 ? fmt::format("{:.0f} us", us) : fmt::format("{:.3g} us", us);
}

/// Kernels of one layer, of both sides.
struct Group {
  std::string name;
  std::vector<const KernelTime *> fused, unfused;

  static double sum(const std::vector<const KernelTime *> &kernels) {
    double us = 0;
    for (const KernelTime *kernel : kernels)
      us += kernel->us;
    return us;
  }
  double most() const { return std::max(sum(fused), sum(unfused)); }
};

/// All kernels; then by layer, in the order in which the steps come to them; those that take least are one
/// group at the end.
std::vector<Group> groupByLayer(const BenchReport &report) {
  constexpr size_t mostGroups = 11;
  Group everything{"all kernels", {}, {}};
  for (const KernelTime &kernel : report.fused.kernels)
    everything.fused.push_back(&kernel);
  for (const KernelTime &kernel : report.unfused.kernels)
    everything.unfused.push_back(&kernel);
  std::vector<Group> groups{everything};
  auto groupOf = [&](const std::string &name) -> Group & {
    auto found = std::find_if(groups.begin(), groups.end(), [&](const Group &g) { return g.name == name; });
    return found != groups.end() ? *found : groups.emplace_back(Group{name, {}, {}});
  };
  for (const KernelTime &kernel : report.unfused.kernels)
    groupOf(kernel.layer).unfused.push_back(&kernel);
  for (const KernelTime &kernel : report.fused.kernels)
    groupOf(kernel.layer).fused.push_back(&kernel);
  if (groups.size() <= mostGroups)
    return groups;
  std::vector<double> times;
  for (const Group &group : groups)
    times.push_back(group.most());
  std::sort(times.rbegin(), times.rend());
  Group rest{"other layers", {}, {}};
  auto isSmall = [&](const Group &group) { return group.most() < times[mostGroups - 2]; };
  for (const Group &group : groups)
    if (isSmall(group)) {
      rest.fused.insert(rest.fused.end(), group.fused.begin(), group.fused.end());
      rest.unfused.insert(rest.unfused.end(), group.unfused.begin(), group.unfused.end());
    }
  groups.erase(std::remove_if(groups.begin(), groups.end(), isSmall), groups.end());
  groups.push_back(rest);
  return groups;
}

/// 1, 2 or 5 times a power of ten: about `count` steps to `most`.
double roundStep(double most, int count) {
  double raw = most / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power)
      return factor * power;
  return 10 * power;
}

void heading(Svg &svg, const BenchReport &report) {
  svg.text(margin, 40, fmt::format("{}: fused against unfused", report.model), 21, "start",
           fill(textColor) + " font-weight=\"bold\"");
  svg.text(margin, 62,
           fmt::format("{} step, batch of {}, {}, {}, {}{}{}", report.step, report.batch,
                       report.isOfDevice()    ? "CUDA graph"
                       : report.threads == 1 ? "1 thread"
                                             : fmt::format("{} threads", report.threads),
                       report.isOfDevice() && report.math != "fp32" ? report.math : report.real, report.cpu,
                       report.machine.processor.empty() ? "" : ", ", report.machine.processor),
           13, "start", fill(paleColor));
  svg.text(width - margin, 40, fmt::format("{:.2f} x", report.ratio), 24, "end",
           fill(fusedColor) + " font-weight=\"bold\"");
  svg.text(width - margin, 62,
           fmt::format("whole step: {} and {}", timeText(report.fused.step.medianUs),
                       timeText(report.unfused.step.medianUs)),
           13, "end", fill(paleColor));
}

void legend(Svg &svg, double y) {
  constexpr double side = 11;
  double x = width - margin;
  for (auto [name, color] : {std::pair("unfused", unfusedColor), std::pair("fused", fusedColor)}) {
    x -= textWidth(name, 12);
    svg.text(x, y, name, 12);
    x -= side + 6;
    svg.rectangle({x, y - side + 1, x + side, y + 1}, fill(color));
    x -= 18;
  }
}

/// A bar of kernels one after the other, its sum at the end; a kernel's name where it fits.
void bar(Svg &svg, double x, double y, double height, double perUs,
         const std::vector<const KernelTime *> &kernels, const char *color) {
  double at = x;
  for (const KernelTime *kernel : kernels) {
    double next = at + kernel->us * perUs;
    svg.raw(fmt::format("<g><title>{}: {}</title>", xmlText(kernel->name), timeText(kernel->us)));
    svg.rectangle({at, y, next, y + height},
                  fill(color) + (next - at > 3 ? " stroke=\"#ffffff\" stroke-width=\"1\"" : ""));
    if (textWidth(kernel->name, 10) + 10 < next - at)
      svg.text(at + 5, y + height - 4.5, kernel->name, 10, "start", fill("#ffffff"));
    svg.raw("</g>");
    at = next;
  }
  svg.text(at + 5, y + height - 4, kernels.empty() ? "none of its own" : timeText(Group::sum(kernels)), 11,
           "start", fill(kernels.empty() ? paleColor : textColor));
}

/// Returns where it ends.
double bars(Svg &svg, const BenchReport &report, double top) {
  std::vector<Group> groups = groupByLayer(report);
  constexpr double barHeight = 15, groupHeight = 2 * barHeight + 13, left = 150;
  double right = width - margin - 60, most = KernelTime::shortestUs;
  for (const Group &group : groups)
    most = std::max(most, group.most());
  double perUs = (right - left) / most, bottom = top + 26 + static_cast<double>(groups.size()) * groupHeight;
  svg.text(margin, top, "Time of the kernels of a step, by layer", 15, "start",
           fill(textColor) + " font-weight=\"bold\"");
  legend(svg, top);
  double step = roundStep(most, 6);
  for (double us = 0; us <= most * 1.001; us += step) {
    svg.line(left + us * perUs, top + 18, left + us * perUs, bottom, stroke(gridColor));
    svg.text(left + us * perUs, bottom + 15, us == 0 ? "0" : timeText(us), 11, "middle", fill(paleColor));
  }
  double y = top + 24;
  for (const Group &group : groups) {
    svg.text(left - 10, y + barHeight + 4, group.name, 12, "end",
             fill(textColor) + (&group == &groups.front() ? " font-weight=\"bold\"" : ""));
    bar(svg, left, y, barHeight, perUs, group.fused, fusedColor);
    bar(svg, left, y + barHeight + 1, barHeight, perUs, group.unfused, unfusedColor);
    y += groupHeight;
  }
  return bottom + 15;
}

/// Logarithmic axes: FLOP per byte to the right, GFLOP/s up.
struct Axes {
  Box area;
  double minX, maxX, minY, maxY; // powers of ten

  double x(double intensity) const {
    return area.left + (std::log10(intensity) - minX) / (maxX - minX) * (area.right - area.left);
  }
  double y(double gflops) const {
    return area.bottom - (std::log10(gflops) - minY) / (maxY - minY) * (area.bottom - area.top);
  }
};

struct Dot {
  const KernelTime *kernel;
  bool fused;
  double share, x = 0, y = 0, radius = 0;
};

/// Kernels with arithmetic that can be seen, the largest first, so that small ones are drawn over them.
std::vector<Dot> dotsOf(const BenchReport &report) {
  constexpr double leastShare = 1e-3;
  std::vector<Dot> dots;
  for (bool fused : {false, true}) {
    const BenchSide &side = fused ? report.fused : report.unfused;
    for (const KernelTime &kernel : side.kernels)
      if (kernel.flops > 0 && kernel.bytes() > 0 && kernel.isMeasurable() &&
          kernel.us > leastShare * side.kernelUs())
        dots.push_back({&kernel, fused, kernel.us / side.kernelUs()});
  }
  std::stable_sort(dots.begin(), dots.end(), [](const Dot &a, const Dot &b) { return a.share > b.share; });
  return dots;
}

Axes axesFor(const std::vector<Dot> &dots, double peak, const Box &area) {
  Axes axes{area, -1, 1, 0, std::log10(peak) + 0.25};
  double leastY = peak / 100;
  for (const Dot &dot : dots) {
    double intensity = std::log10(dot.kernel->flops / dot.kernel->bytes());
    axes.minX = std::min(axes.minX, intensity - 0.2);
    axes.maxX = std::max(axes.maxX, intensity + 0.4);
    leastY = std::min(leastY, dot.kernel->gflops());
  }
  axes.minY = std::max(std::log10(leastY) - 0.2, axes.maxY - 5);
  return axes;
}

void grid(Svg &svg, const Axes &axes) {
  auto power = [](double exponent) {
    return exponent < 0 ? fmt::format("{:.{}f}", std::pow(10, exponent), static_cast<int>(-exponent))
                        : fmt::format("{:.0f}", std::pow(10, exponent));
  };
  for (double e = std::ceil(axes.minX); e <= axes.maxX; ++e) {
    double x = axes.x(std::pow(10, e));
    svg.line(x, axes.area.top, x, axes.area.bottom, stroke(gridColor));
    svg.text(x, axes.area.bottom + 16, power(e), 11, "middle", fill(paleColor));
  }
  for (double e = std::ceil(axes.minY); e <= axes.maxY; ++e) {
    double y = axes.y(std::pow(10, e));
    svg.line(axes.area.left, y, axes.area.right, y, stroke(gridColor));
    svg.text(axes.area.left - 8, y + 4, power(e), 11, "end", fill(paleColor));
  }
  svg.rectangle(axes.area, "fill=\"none\" " + stroke("#bbbbbb"));
  svg.text((axes.area.left + axes.area.right) / 2, axes.area.bottom + 36,
           "FLOP for each byte that must be moved", 12, "middle");
  svg.turnedText(margin + 4, (axes.area.top + axes.area.bottom) / 2, -90, "GFLOP/s", 12, "middle",
                 fill(textColor));
}

/// gflops = bandwidth * intensity, up to the peak: its name along the line, `back` pixels before its upper
/// end, where no kernel can be. Returns about where the name stands.
Box ceiling(Svg &svg, const Axes &axes, const std::string &name, double gigabytes, double peak, double back) {
  double fromX = std::pow(10, std::max(axes.minX, axes.minY - std::log10(gigabytes)));
  double x1 = axes.x(fromX), y1 = axes.y(fromX * gigabytes);
  double x2 = axes.x(peak / gigabytes), y2 = axes.y(peak);
  double length = std::hypot(x2 - x1, y2 - y1);
  if (x2 <= x1)
    return {};
  svg.line(x1, y1, x2, y2, stroke("#888888", 1.3, "stroke-dasharray=\"5 3\""));
  constexpr double degrees = 180 / 3.14159265358979, lift = 4, size = 11;
  double sine = (y2 - y1) / length, cosine = (x2 - x1) / length;
  double x = x2 - cosine * back + sine * lift, y = y2 - sine * back - cosine * lift;
  std::string text = fmt::format("{} {:.0f} GB/s", name, gigabytes);
  double wide = textWidth(text, size);
  svg.turnedText(x, y, std::atan2(sine, cosine) * degrees, text, size, "end", fill(paleColor));
  return {x - cosine * wide, y - size, x, y - sine * wide};
}

double fmaPeak(const BenchReport &report) { return report.isF64() ? report.peaks().f64 : report.peaks().f32; }

/// That of products of matrices, where the device computes them so.
double highestPeak(const BenchReport &report) {
  return std::max({fmaPeak(report), report.peaks().tf32, report.peaks().bf16});
}

/// Draws them; where they are and what they are called no label may stand.
std::vector<Box> ceilings(Svg &svg, const Axes &axes, const BenchReport &report, double peak) {
  constexpr double giga = 1e9, usualBack = 14, nameLength = 85, room = 40;
  const Peaks &peaks = report.peaks();
  double last = 0, back = usualBack;
  std::vector<Box> taken;
  for (auto [name, rate] : {std::pair("L1", peaks.l1), std::pair("L2", peaks.l2), std::pair("L3", peaks.l3),
                            std::pair("memory", peaks.memory)}) {
    if (rate <= 0) // a device has two of them
      continue;
    double corner = axes.x(peak / (rate / giga));
    back = corner - last < room ? back + nameLength : usualBack; // two lines too near to each other
    last = corner;
    taken.push_back(ceiling(svg, axes, name, rate / giga, peak, back));
  }
  double fastest = peaks.l1 > 0 ? peaks.l1 : peaks.l2;
  double y = axes.y(peak), from = axes.x(std::max(std::pow(10, axes.minX), peak / (fastest / giga)));
  std::string name = fmt::format("{} {:.0f} GFLOP/s", highestPeak(report) > fmaPeak(report) ? report.math + " products" : report.real + " FMA", peak);
  double left = from + 10;
  svg.line(from, y, axes.area.right, y, stroke("#555555", 1.6));
  svg.text(left, y - 6, name, 11, "start", fill(paleColor));
  taken.push_back({from, y - 1, axes.area.right, y + 1});
  taken.push_back({left, y - 16, left + textWidth(name, 11), y});
  return taken;
}

/// A place beside its dot that meets no other label or dot.
void label(Svg &svg, const Dot &dot, std::vector<Box> &taken, const Axes &axes) {
  constexpr double size = 10.5;
  double wide = textWidth(dot.kernel->name, size), gap = dot.radius + 4;
  struct Place {
    double left, base;
    bool isFar; // a line leads there
  };
  std::vector<Place> places{{dot.x + gap, dot.y + 4, false}, {dot.x - gap - wide, dot.y + 4, false}};
  for (double far = 0; far < 4; ++far) { // above and below, at first close to the dot
    double up = dot.y - gap - far * (size + 3), down = dot.y + gap + size - 2 + far * (size + 3);
    for (double left : {dot.x - wide / 2, dot.x + 10, dot.x - wide - 10})
      for (double base : {up, down})
        places.push_back({left, base, far > 0 || left != dot.x - wide / 2});
  }
  for (const Place &place : places) {
    Box box{place.left, place.base - size, place.left + wide, place.base + 3};
    bool inside = box.left > axes.area.left && box.right < axes.area.right && box.top > axes.area.top &&
                  box.bottom < axes.area.bottom;
    if (!inside ||
        std::any_of(taken.begin(), taken.end(), [&](const Box &other) { return box.meets(other); }))
      continue;
    if (place.isFar)
      svg.line(dot.x, dot.y, std::clamp(dot.x, box.left, box.right),
               place.base < dot.y ? box.bottom : box.top, stroke("#aaaaaa", 0.8));
    // White behind the letters: a line may pass there.
    svg.text(place.left, place.base, dot.kernel->name, size, "start",
             fill("#ffffff") + " " + stroke("#ffffff", 3, "stroke-linejoin=\"round\""));
    svg.text(place.left, place.base, dot.kernel->name, size, "start",
             fill(dot.fused ? "#163f6f" : "#8f4d12"));
    taken.push_back(box);
    return;
  }
}

void drawDots(Svg &svg, std::vector<Dot> &dots, const Axes &axes, std::vector<Box> taken) {
  constexpr double labelledFused = 0.02, labelledUnfused = 0.05;
  for (Dot &dot : dots) {
    dot.x = axes.x(dot.kernel->flops / dot.kernel->bytes());
    dot.y = std::min(axes.y(dot.kernel->gflops()), axes.area.bottom);
    dot.radius = 2.5 + 13 * std::sqrt(dot.share);
    std::string look = dot.fused ? fill(fusedColor) + " fill-opacity=\"0.75\" " + stroke("#ffffff", 0.8)
                                 : "fill=\"#ffffff\" fill-opacity=\"0.6\" " + stroke(unfusedColor, 2);
    svg.raw(fmt::format("<g><title>{}, {}: {}, {:.3g} GFLOP/s, {:.3g} GB/s</title>",
                        xmlText(dot.kernel->name), dot.fused ? "fused" : "unfused", timeText(dot.kernel->us),
                        dot.kernel->gflops(), dot.kernel->gigabytes()));
    svg.circle(dot.x, dot.y, dot.radius, look);
    svg.raw("</g>");
    double r = dot.radius * 0.8;
    taken.push_back({dot.x - r, dot.y - r, dot.x + r, dot.y + r});
  }
  for (const Dot &dot : dots)
    if (dot.share >= (dot.fused ? labelledFused : labelledUnfused))
      label(svg, dot, taken, axes);
}

constexpr double rooflineHeight = 440;

void roofline(Svg &svg, const BenchReport &report, double top) {
  svg.text(margin, top, "Each kernel under the machine's ceilings", 15, "start",
           fill(textColor) + " font-weight=\"bold\"");
  svg.text(margin, top + 18,
           fmt::format("The area of a dot is its share of the step; {} were measured in the same run.",
                       report.isOfDevice()   ? "the device's ceilings"
                       : report.threads == 1 ? "ceilings of one thread"
                                           : fmt::format("ceilings of {} threads", report.threads)),
           12, "start", fill(paleColor));
  legend(svg, top);
  double peak = highestPeak(report) / 1e9;
  std::vector<Dot> dots = dotsOf(report);
  Axes axes = axesFor(dots, peak, {margin + 60, top + 32, width - margin, top + rooflineHeight - 50});
  grid(svg, axes);
  std::vector<Box> taken = ceilings(svg, axes, report, peak);
  drawDots(svg, dots, axes, std::move(taken));
}

} // namespace

std::string benchSvg(const BenchReport &report) {
  constexpr double headHeight = 104;
  Svg measured(width, 0);
  double barsEnd = bars(measured, report, headHeight) + 46; // how high the first part is
  Svg svg(width, barsEnd + rooflineHeight);
  heading(svg, report);
  bars(svg, report, headHeight);
  roofline(svg, report, barsEnd);
  return svg.finish();
}

} // namespace hornfels::driver
