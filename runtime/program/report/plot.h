/* Curves of a training, drawn as SVG: training by dots, validation by a line, a panel for each metric. */
#ifndef HORNFELS_PROGRAM_PLOT_H
#define HORNFELS_PROGRAM_PLOT_H

#include <string>
#include <utility>
#include <vector>

#include "history.h"

namespace hornfels {

/* One curve: values at x = first, first + 1, ... What is not finite is left out. */
struct curve {
  enum look_type { dots, line };
  std::string name; /* in the legend */
  look_type look = line;
  int validation = 0; /* 1: in the colour of validation */
  int64_t first = 1;
  std::vector<double> values;
};

struct panel {
  std::string title, x_label, y_label;
  std::vector<curve> curves;
};

/* How the curves are smoothed, beside what they are. */
struct plot_smoothing {
  double factor = 0.0; /* of the smoothed value before, from 0 to below 1; 0: no smoothed panels */
  int64_t skip = 10;   /* epochs left out at the beginning */
};

/* s[0] = v[0], s[i] = factor * s[i - 1] + (1 - factor) * v[i]. */
std::vector<double> smoothed(const std::vector<double> &values, double factor);

/* A panel for each metric with its validation; with smoothing, one more for each validation metric (for each
 * metric where there is no validation). */
std::vector<panel> panels_of(const history &past, const plot_smoothing &smoothing);

/* A picture that is whole by itself; dark where the reader's system is. `title` stands above the panels. */
std::string draw_svg(const std::string &title, const std::vector<panel> &panels);
/* A page with the picture and a table of the numbers. */
std::string draw_html(const std::string &title, const std::vector<panel> &panels, const history &past);

/* Replaces the file as a whole: .html or .svg by its name. Throws a failure. */
void write_plot(const std::string &path, const std::string &title, const history &past,
                const plot_smoothing &smoothing);

} // namespace hornfels

#endif
