/* The lines of a .csv file, one after another, in fields. */
#ifndef HORNFELS_PROGRAM_CSV_LINES_H
#define HORNFELS_PROGRAM_CSV_LINES_H

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/files.h"

namespace hornfels {

/* Reads a file line by line, with memory for one line and 64 KiB. */
class csv_lines {
public:
  explicit csv_lines(const input_file &source) : file(source) {}
  /* Reads the next line that is not empty and separates its fields; false at the end. Throws a failure. */
  bool next();
  size_t fields() const { return parts.size(); }
  std::string_view field(size_t i) const { return parts[i]; }
  /* Ends the program with a message about field i: "d.csv:3:14: error: ...", the line, and a caret under it.
   */
  [[noreturn]] void fail(size_t i, const std::string &message) const;

private:
  bool read_line();
  void separate();
  void separate_quoted(size_t &at);
  [[noreturn]] void fail_at(size_t byte, const std::string &message) const;

  const input_file &file;
  uint64_t offset = 0; /* of the first byte of the file that is not in `input` */
  std::string input;   /* [at, size) has not been read */
  size_t at = 0;
  std::string line; /* as it is in the file, without its end */
  std::string
      unquoted; /* contents of quoted fields: as long as the line at most, so that views into it hold */
  std::vector<std::string_view> parts;
  std::vector<size_t> begins; /* where each field begins in `line` */
  uint64_t number = 0;        /* of the line, from 1 */
};

} // namespace hornfels

#endif
