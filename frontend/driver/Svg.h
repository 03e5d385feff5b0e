// Lines, boxes and text of a picture.
#pragma once

#include <string>
#include <vector>

namespace hornfels::driver {

/// Text for XML: quoted and printable.
std::string xmlText(const std::string &text);

/// About how wide a line of text is.
double textWidth(const std::string &text, double size);

struct Box {
  double left, top, right, bottom;
  bool meets(const Box &other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

/// Collects the elements of a picture; all units are pixels.
class Svg {
public:
  Svg(double width, double height) : width(width), height(height) {}

  /// `style` is the element's attributes: R"(fill="#fff")".
  void rectangle(const Box &box, const std::string &style);
  void line(double x1, double y1, double x2, double y2, const std::string &style);
  void circle(double x, double y, double radius, const std::string &style);
  /// `anchor` is start, middle or end; y is the base line.
  void text(double x, double y, const std::string &text, double size, const std::string &anchor = "start",
            const std::string &style = "fill=\"#333\"");
  /// The same, turned by `degrees` to the right around (x, y).
  void turnedText(double x, double y, double degrees, const std::string &text, double size,
                  const std::string &anchor, const std::string &style);
  void raw(const std::string &element) { body += element + "\n"; }

  /// `ground` is the background's attributes.
  std::string finish(const std::string &ground = R"(fill="#ffffff")") const;

private:
  double width, height;
  std::string body;
};

} // namespace hornfels::driver
