// Tables of box characters, as rich draws Keras's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace hornfels::driver {

/// Characters, not bytes.
size_t lengthOf(const std::string &text);

/// Columns of fixed widths, without the space on each side; those in `numbers` are set to the right.
class Table {
public:
  Table(const std::vector<size_t> &widths, const std::vector<size_t> &numbers)
      : widths(widths), numbers(numbers) {}

  /// Head and first rule; a rule between rows; the last rule.
  void head(const std::vector<std::string> &titles);
  void between() { rule("├", "─", "┼", "┤"); }
  void end() { rule("└", "─", "┴", "┘"); }

  /// One row; what does not fit into a cell is broken at spaces into several lines.
  void row(const std::vector<std::string> &cells, const char *bar = "│");

  std::string text;

private:
  void rule(const char *left, const char *line, const char *between, const char *right);

  const std::vector<size_t> widths, numbers;
};

} // namespace hornfels::driver
