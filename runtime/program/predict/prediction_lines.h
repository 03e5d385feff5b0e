/* Predictions as lines: a table for programs (.csv), or text for people. */
#ifndef HORNFELS_PROGRAM_PREDICTION_LINES_H
#define HORNFELS_PROGRAM_PREDICTION_LINES_H

#include <string>
#include <vector>

#include "runtime/core/abi.h"

namespace hornfels {

/* The names in a file of one class a line, 1 KiB each at most; LF or CRLF. Throws a failure that names the line. */
std::vector<std::string> read_class_names(const std::string &path);

class prediction_lines {
public:
  enum form { table, text };

  /* `classes` (of text): the names of an output's classes; empty: numbers. `place` names them in messages. Throws a
   * failure when no output has as many classes. */
  prediction_lines(const hornfels_model &model, form what, std::vector<std::string> classes, const std::string &place);

  /* The line of names that a table begins with: NAME, or NAME_0, NAME_1, ... of an output of several numbers. */
  std::string header() const;

  /* Adds a line for each of `count` rows, whose outputs are in `results`; `first` is the number of the first row, for
   * messages. All numbers are the shortest that read back as the same. In text an output is
   *   its number, where it is one (with two class names: the likelier class and its probability);
   *   the likeliest class and its probability, where it is probabilities of classes, or where these have names;
   *   else its numbers, separated by spaces. */
  void add(const std::vector<hornfels_result> &results, int64_t first, int64_t count, std::string &to) const;

private:
  bool has_names(const hornfels_tensor &output) const;
  void add_text(const hornfels_tensor &output, const void *data, int64_t row, int64_t begin, std::string &to) const;

  const hornfels_model &model;
  form what;
  std::vector<std::string> classes;
  std::vector<int64_t> elements; /* of a row of each output */
};

} // namespace hornfels

#endif
