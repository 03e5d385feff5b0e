/* Standard output and standard error, written at once and checked. */
#ifndef HORNFELS_PROGRAM_CONSOLE_H
#define HORNFELS_PROGRAM_CONSOLE_H

#include <string>

namespace hornfels {

/* What standard output can show. */
struct display {
  bool terminal = false; /* a terminal that can redraw a line */
  bool colors = false;   /* not with NO_COLOR */
  bool unicode = true;   /* the locale's encoding is UTF-8, or nothing is said about it */
  int columns = 80;      /* COLUMNS, else what the terminal says */
};

/* Makes descriptors 0 to 2 exist, so that no file that is opened later takes the place of a closed standard
 * output, and ignores SIGPIPE, so that a broken pipe is an error like any other. */
void prepare_standard_streams();

display describe_display();

/* Writes to standard output. After the first error nothing more is written; `output_broken` tells. */
void print(const std::string &text);
bool output_broken();
/* Throws when something that was printed did not arrive. */
void require_output();

/* Writes a line to standard error. */
void print_error(const std::string &text);

} // namespace hornfels

#endif
