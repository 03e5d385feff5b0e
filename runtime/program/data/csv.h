/* A table in a .csv file: a line of names, then a line of numbers for each row. */
#ifndef HORNFELS_PROGRAM_CSV_H
#define HORNFELS_PROGRAM_CSV_H

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrays.h"
#include "runtime/core/files.h"

namespace hornfels {

constexpr size_t csv_longest_line = size_t{16} << 20, csv_longest_name = 1024, csv_most_columns = 100000;

/* Columns are separated by commas; a field may stand in double quotes (a quote in it is doubled), but not go
 * over the end of a line. LF and CRLF, a byte order mark at the beginning and a last line without an end are
 * taken; a row has as many fields as there are names. Nothing is kept in memory but a line: each array reads
 * the file again. */
class csv_table {
public:
  /* Reads the names and counts the rows. Throws a failure with line and column: names that are empty, doubled
   * or too long, quotes without end, NUL bytes, a row with too few or too many fields. */
  explicit csv_table(std::unique_ptr<input_file> source);
  ~csv_table();

  const std::string &name() const { return file->name(); }
  const std::vector<std::string> &names() const { return columns; }
  int64_t rows() const { return count; }
  /* The index of a column; -1: there is none. */
  int64_t find(const std::string &column) const;
  void require_unchanged() const;

  /* Numbers of these columns, as an array of `shape` beside the rows (the product of the sizes is the number
   * of columns). They come as f64; a failure names line and column of what is no number. */
  array_source open(const std::vector<size_t> &chosen, const int64_t *shape, size_t rank) const;
  /* A column of whole numbers with spaces between: rows of tokens. */
  array_source open_lists(size_t column) const;

private:
  std::unique_ptr<input_file> file;
  std::vector<std::string> columns;
  std::unordered_map<std::string, size_t> index;
  int64_t count = 0;
};

} // namespace hornfels

#endif
