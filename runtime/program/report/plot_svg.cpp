/* The drawing of panels: axes with round numbers, a legend above the curves, colours of light and dark. */
#include <algorithm>
#include <cmath>

#include "plot.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

constexpr double panel_width = 480, panel_height = 340, gap = 24, head = 44;
constexpr double left = 70, right = 18, top = 62, bottom = 52;
constexpr size_t most_tooltips = 200; /* points of a curve that say their value under the pointer */

std::string escaped(const std::string &text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      result += c;
  }
  return result;
}

/* Numbers from `least` to `most` at multiples of a round step: 1, 2 or 5 times a power of ten. */
struct scale {
  double from, to, step;
};

scale round_scale(double least, double most, int about) {
  if (!(most > least)) {
    const double room = std::fabs(least) > 0 ? std::fabs(least) * 0.1 : 1;
    least -= room;
    most += room;
  }
  const double raw = (most - least) / about, power = std::pow(10, std::floor(std::log10(raw))),
               part = raw / power;
  const double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  return {std::floor(least / step + 1e-9) * step, std::ceil(most / step - 1e-9) * step, step};
}

/* As many decimals as the step needs. */
std::string tick_text(double value, double step) {
  const double largest = std::max(std::fabs(value), step);
  if (step < 1e-4 || largest >= 1e6)
    return std::fabs(value) < step / 2 ? "0" : format("%.3g", value);
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return format("%.*f", decimals, std::fabs(value) < step / 2 ? 0.0 : value);
}

/* Where the values of a panel lie on paper. */
struct frame {
  double x, y; /* the panel's corner */
  double x_from, x_to;
  scale across, up;
  double px(double epoch) const {
    return x + left + (epoch - x_from) / (x_to - x_from) * (panel_width - left - right);
  }
  double py(double value) const {
    return y + panel_height - bottom - (value - up.from) / (up.to - up.from) * (panel_height - top - bottom);
  }
};

frame make_frame(const panel &what, double x, double y) {
  double least = INFINITY, most = -INFINITY, first = INFINITY, last = -INFINITY;
  for (const curve &one : what.curves)
    for (size_t i = 0; i < one.values.size(); ++i) {
      const double epoch = static_cast<double>(one.first) + static_cast<double>(i);
      first = std::min(first, epoch);
      last = std::max(last, epoch);
      if (std::isfinite(one.values[i])) {
        least = std::min(least, one.values[i]);
        most = std::max(most, one.values[i]);
      }
    }
  if (!(least <= most))
    least = 0, most = 1;
  if (!(first <= last))
    first = 1, last = 2;
  frame result{x, y, 0, 0, {}, round_scale(least, most, 5)};
  const double room = std::max((last - first) * 0.02, 0.5);
  result.x_from = first - room;
  result.x_to = last + room;
  result.across = round_scale(first, last, 8);
  result.across.step = std::max(result.across.step, 1.0);
  result.across.from = std::ceil(first / result.across.step) * result.across.step;
  result.across.to = last;
  return result;
}

std::string line(double x1, double y1, double x2, double y2, const char *kind) {
  return format("<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", kind, x1, y1, x2,
                y2);
}

std::string text_at(double x, double y, const char *kind, const std::string &text, const char *more = "") {
  return format("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"%s>", kind, x, y, more) + escaped(text) +
         "</text>\n";
}

std::string axes(const frame &f, const panel &what) {
  std::string svg;
  const double x0 = f.x + left, x1 = f.x + panel_width - right, y0 = f.y + panel_height - bottom,
               y1 = f.y + top;
  const int rows = static_cast<int>(std::lround((f.up.to - f.up.from) / f.up.step));
  for (int i = 0; i <= rows; ++i) {
    const double value = f.up.from + i * f.up.step, y = f.py(value);
    svg += line(x0, y, x1, y, "grid") + text_at(x0 - 8, y + 4, "tick end", tick_text(value, f.up.step));
  }
  for (double epoch = f.across.from; epoch <= f.across.to + 1e-9; epoch += f.across.step)
    svg += line(f.px(epoch), y0, f.px(epoch), y0 + 5, "axis") +
           text_at(f.px(epoch), y0 + 19, "tick mid", tick_text(epoch, f.across.step));
  svg += line(x0, y0, x1, y0, "axis") + line(x0, y0, x0, y1, "axis");
  svg += text_at((x0 + x1) / 2, y0 + 41, "label mid", what.x_label);
  const double middle = (y0 + y1) / 2;
  svg += text_at(f.x + 16, middle, "label mid", what.y_label,
                 format(" transform=\"rotate(-90 %.1f %.1f)\"", f.x + 16, middle).c_str());
  return svg + text_at((x0 + x1) / 2, f.y + 20, "title mid", what.title);
}

const char *colour_of(const curve &one) { return one.validation ? "v" : "t"; }

/* A mark as the curve's own, and its name. */
std::string legend(const frame &f, const panel &what) {
  /* Letters are about 6.6 wide at this size; entries stand side by side, in the middle. */
  double width = 0;
  const auto entry_width = [](const curve &one) {
    return 34 + 6.6 * static_cast<double>(one.name.size()) + 18;
  };
  for (const curve &one : what.curves)
    width += entry_width(one);
  double x = f.x + left + (panel_width - left - right - width + 18) / 2;
  const double y = f.y + 42;
  std::string svg;
  for (const curve &one : what.curves) {
    if (one.look == curve::dots)
      svg += format("<circle class=\"%s dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", colour_of(one), x + 14,
                    y - 4);
    else
      svg += format("<path class=\"%s curve\" d=\"M%.1f %.1fh26\"/>\n", colour_of(one), x + 1, y - 4);
    svg += text_at(x + 34, y, "tick", one.name);
    x += entry_width(one);
  }
  return svg;
}

std::string tooltip(double epoch, const curve &one, double value) {
  return format("<title>epoch %.0f, ", epoch) + escaped(one.name) + format(": %.4g</title>", value);
}

std::string draw_curve(const frame &f, const curve &one) {
  std::string svg, path, points;
  const double count = static_cast<double>(std::max<size_t>(one.values.size(), 1));
  const double radius = std::min(3.5, std::max(1.3, 0.4 * (panel_width - left - right) / count));
  const bool tells = one.values.size() <= most_tooltips;
  bool pen_down = false;
  for (size_t i = 0; i < one.values.size(); ++i) {
    const double value = one.values[i], epoch = static_cast<double>(one.first) + static_cast<double>(i);
    if (!std::isfinite(value)) {
      pen_down = false;
      continue;
    }
    path += format("%s%.1f %.1f", pen_down ? "L" : "M", f.px(epoch), f.py(value));
    pen_down = true;
    const bool dots = one.look == curve::dots;
    /* A line of one point would be invisible. */
    if (dots || tells || count < 2)
      points += format("<circle class=\"%s %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", colour_of(one),
                       dots || count < 2 ? "dot" : "touch", f.px(epoch), f.py(value), dots ? radius : 3.5) +
                (tells ? tooltip(epoch, one, value) : "") + "</circle>\n";
  }
  if (one.look == curve::line && !path.empty())
    svg += format("<path class=\"%s curve\" d=\"", colour_of(one)) + path + "\"/>\n";
  return svg + points;
}

const char *const style = R"(<style>
.hf { --paper: #ffffff; --ink: #1b1f24; --soft: #59636e; --rule: #e3e7eb; --t: #1f6fb5; --v: #c4520a; }
@media (prefers-color-scheme: dark) {
  .hf { --paper: #14181d; --ink: #e6edf3; --soft: #9aa5b1; --rule: #2c333b; --t: #6cb2f2; --v: #ff9d57; }
}
.hf text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1b1f24; fill: var(--ink); }
.hf .paper { fill: #ffffff; fill: var(--paper); }
.hf .head { font-size: 17px; font-weight: 600; }
.hf .title { font-size: 14px; font-weight: 600; }
.hf .tick { fill: #59636e; fill: var(--soft); }
.hf .end { text-anchor: end; }
.hf .mid { text-anchor: middle; }
.hf .grid { stroke: #e3e7eb; stroke: var(--rule); }
.hf .axis { stroke: #59636e; stroke: var(--soft); }
.hf .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.hf .t.curve { stroke: #1f6fb5; stroke: var(--t); }
.hf .v.curve { stroke: #c4520a; stroke: var(--v); }
.hf .t.dot { fill: #1f6fb5; fill: var(--t); }
.hf .v.dot { fill: #c4520a; fill: var(--v); }
.hf .touch { fill: transparent; }
</style>
)";

} // namespace

std::string draw_svg(const std::string &title, const std::vector<panel> &panels) {
  const size_t columns = std::max<size_t>(1, std::min<size_t>(2, panels.size())),
               rows = (panels.size() + columns - 1) / columns;
  const double width = static_cast<double>(columns) * panel_width + static_cast<double>(columns - 1) * gap,
               height = head + static_cast<double>(rows) * panel_height + static_cast<double>(rows) * gap;
  std::string svg = format("<svg class=\"hf\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                           "width=\"%.0f\" height=\"%.0f\" role=\"img\">\n",
                           width, height, width, height);
  svg += "<title>" + escaped(title) + "</title>\n" + style;
  svg += format("<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n", width, height);
  svg += text_at(width / 2, 28, "head mid", title);
  for (size_t i = 0; i < panels.size(); ++i) {
    const double x = static_cast<double>(i % columns) * (panel_width + gap),
                 y = head + static_cast<double>(i / columns) * (panel_height + gap);
    const frame f = make_frame(panels[i], x, y);
    svg += "<g>\n" + axes(f, panels[i]) + legend(f, panels[i]);
    for (const curve &one : panels[i].curves)
      svg += draw_curve(f, one);
    svg += "</g>\n";
  }
  return svg + "</svg>\n";
}

std::string draw_html(const std::string &title, const std::vector<panel> &panels, const history &past) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      escaped(title) + "</title>\n" + R"(<style>
body { margin: 2rem auto; max-width: 984px; padding: 0 1rem; font: 14px system-ui, sans-serif; background: #ffffff; color: #1b1f24; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin-top: 1rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid #e3e7eb; }
@media (prefers-color-scheme: dark) {
  body { background: #14181d; color: #e6edf3; }
  th, td { border-color: #2c333b; }
}
</style>
</head>
<body>
)" + draw_svg(title, panels) +
      "<details>\n<summary>Numbers of every epoch</summary>\n<table>\n<tr><th>epoch</th>";
  if (!past.all().empty())
    for (const auto &one : past.all().front())
      html += "<th>" + escaped(one.first) + "</th>";
  html += "</tr>\n";
  for (size_t i = 0; i < past.all().size(); ++i) {
    html += "<tr><td>" + std::to_string(past.first_epoch() + static_cast<int64_t>(i) + 1) + "</td>";
    for (const auto &one : past.all()[i])
      html += format("<td>%.5g</td>", one.second);
    html += "</tr>\n";
  }
  return html + "</table>\n</details>\n</body>\n</html>\n";
}

} // namespace hornfels
