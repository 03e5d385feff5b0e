/* Keras's progress bar, and its plain form of a line an epoch. */
#ifndef HORNFELS_PROGRAM_PROGRESS_H
#define HORNFELS_PROGRAM_PROGRESS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/program/console.h"

namespace hornfels {

/* Names and values in the order in which they are shown: those of the training steps by name, then the
 * validation's. */
using logs = std::vector<std::pair<std::string, double>>;

/* values[i] under prefix + names[i], sorted by name. */
logs make_logs(const std::vector<std::string> &names, const std::vector<double> &values,
               const std::string &prefix = "");

/* What the bar shows, from what it knows: no clock and no terminal. Times in seconds. */
struct bar_state {
  int64_t step = 0, steps = 0;
  double elapsed = 0; /* since the epoch began */
  double unit = 0;    /* a step */
  bool final = false;
};

/* " 24ms/step". */
std::string step_time_text(double seconds);
/* " - accuracy: 0.7813 - loss: 0.5077". */
std::string logs_text(const logs &values);
/* "30/30 - 1s - 24ms/step - accuracy: ...". */
std::string plain_line(const bar_state &state, const logs &values);
/* The bar's line without what moves the cursor; `width` receives the columns it takes. Where the terminal is
 * narrower, the bar becomes shorter, and what then does not fit is left out until the final line. */
std::string bar_line(const bar_state &state, const logs &values, const display &shown, size_t &width);

/* Seconds on a clock that is never set back. */
double seconds_now();

/* The progress of one epoch after another on standard output. */
class progress {
public:
  /* `verbose` as of the command line: -1 means 1 on a terminal and 2 elsewhere; without a terminal 1 means 2.
   */
  progress(const display &shown, int verbose);
  bool silent() const { return mode == 0; }
  void begin_epoch(int64_t epoch, int64_t epochs, int64_t steps);
  /* To be called after each step: whether the bar is to be drawn again. */
  bool due(int64_t step);
  /* Draws it, when due() said so. */
  void draw(const logs &values) { redraw(values); }
  /* The last line of the epoch. */
  void finish(const logs &values);
  /* Ends a line that is being redrawn, so that a message can follow. */
  void leave_line();

private:
  void redraw(const logs &values);

  display shown;
  int mode;
  bar_state state;
  double start = 0, first_step = -1, last_draw = -1;
  size_t drawn_width = 0;
};

} // namespace hornfels

#endif
