#include "frontend/driver/Svg.h"

#include "frontend/driver/Table.h"
#include "frontend/horn/Source.h"

#include <fmt/format.h>

namespace hornfels::driver {

std::string xmlText(const std::string &text) {
  std::string result;
  for (char c : frontend::printable(text))
    result += c == '&'   ? "&amp;"
              : c == '<' ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '"' ? "&quot;"
                         : std::string(1, c);
  return result;
}

double textWidth(const std::string &text, double size) {
  constexpr double usual = 0.56; // of the size of a letter
  return static_cast<double>(lengthOf(text)) * size * usual;
}

void Svg::rectangle(const Box &box, const std::string &style) {
  raw(fmt::format(R"(<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" {}/>)", box.left, box.top,
                  box.right - box.left, box.bottom - box.top, style));
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string &style) {
  raw(fmt::format(R"(<line x1="{:.2f}" y1="{:.2f}" x2="{:.2f}" y2="{:.2f}" {}/>)", x1, y1, x2, y2, style));
}

void Svg::circle(double x, double y, double radius, const std::string &style) {
  raw(fmt::format(R"(<circle cx="{:.2f}" cy="{:.2f}" r="{:.2f}" {}/>)", x, y, radius, style));
}

void Svg::text(double x, double y, const std::string &text, double size, const std::string &anchor,
               const std::string &style) {
  raw(fmt::format(R"(<text x="{:.2f}" y="{:.2f}" font-size="{}" text-anchor="{}" {}>{}</text>)", x, y, size,
                  anchor, style, xmlText(text)));
}

void Svg::turnedText(double x, double y, double degrees, const std::string &text, double size,
                     const std::string &anchor, const std::string &style) {
  raw(fmt::format("<g transform=\"translate({:.2f} {:.2f}) rotate({:.2f})\">", x, y, degrees));
  this->text(0, 0, text, size, anchor, style);
  raw("</g>");
}

std::string Svg::finish(const std::string &ground) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">\n"
      "<rect width=\"{0}\" height=\"{1}\" {3}/>\n{2}</svg>\n",
      width, height, body, ground);
}

} // namespace hornfels::driver
