/* Plain text as data: rows are windows of a model's characters, targets the characters that follow them. */
#ifndef HORNFELS_PROGRAM_TEXT_WINDOWS_H
#define HORNFELS_PROGRAM_TEXT_WINDOWS_H

#include "dataset.h"
#include "row_order.h"

namespace hornfels {

/* How a model of characters reads text, which is bytes: a byte is its class id. */
struct text_shape {
  int64_t window = 0;               /* characters of a row */
  bool every_place = false;         /* something is said of each character; else of the whole window */
  int64_t vocabulary = 256;         /* bytes from here on are refused */
  const char *limited_by = nullptr; /* where that is declared; null: nothing is refused */
  /* From one row's first character to the next one's: every character is predicted once. */
  int64_t stride() const { return every_place ? window : 1; }
};

/* The model's one input must be integers with one axis; with `targets`, its one target integers too: of the
 * same axis, the next character at each place, or one, the character after the window. A failure (exit_input)
 * otherwise, at the file `text`, or, where that is empty, at the place in the model. */
text_shape shape_of_text(const hornfels_model &model, const std::string &text, bool targets);

/* The rows of a text, the first, the last or all of them by their place in it; what is left of it behind the
 * last whole window is left out. The text is kept once, a byte a character. Throws a failure: an empty or too
 * short text, a byte outside the vocabulary (with line and column), a model that does not fit. */
dataset bind_windows(const hornfels_model &model, const input_file &text, const part_of_file &part,
                     bool targets);

} // namespace hornfels

#endif
