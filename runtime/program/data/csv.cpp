#include "csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "csv_lines.h"
#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string shown(std::string_view text) {
  constexpr size_t most = 40;
  return text.empty() ? "an empty field"
                      : quoted(std::string(text.substr(0, most))) + (text.size() > most ? "..." : "");
}

void require_fields(const csv_lines &lines, size_t columns) {
  if (lines.fields() != columns)
    lines.fail(std::min(lines.fields(), columns),
               format("%zu fields; the first line names %zu columns", lines.fields(), columns));
}

/* A field as a number: decimal, or inf and nan. What is too small is 0. */
double number_of(const csv_lines &lines, size_t column) {
  std::string_view text = trimmed(lines.field(column));
  if (text.size() > 1 && text.front() == '+' && text[1] != '-')
    text.remove_prefix(1);
  double number = 0;
  const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ptr != text.data() + text.size() || result.ec == std::errc::invalid_argument)
    lines.fail(column, "found " + shown(text) + ", expected a number");
  if (result.ec == std::errc::result_out_of_range) {
    number = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(number))
      lines.fail(column, shown(text) + " does not fit f64");
  }
  return number;
}

bool is_number(const std::string &text) {
  double number;
  const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ptr == text.data() + text.size() && result.ec != std::errc::invalid_argument;
}

/* Numbers of some columns, line after line. */
class number_stream : public byte_stream {
public:
  number_stream(const input_file &file, size_t all, std::vector<size_t> chosen)
      : lines(file), columns(all), wanted(std::move(chosen)), row(wanted.size()), used(wanted.size()) {
    lines.next(); /* the names */
  }
  bool read(void *data, size_t bytes, file_error &error) override {
    char *to = static_cast<char *>(data);
    for (; bytes >= sizeof(double); bytes -= sizeof(double), to += sizeof(double)) {
      if (used == row.size() && !next_row())
        return error.set(file_error::wrong, "error: the table has become shorter");
      std::memcpy(to, &row[used++], sizeof(double));
    }
    return true;
  }

private:
  bool next_row() {
    if (!lines.next())
      return false;
    require_fields(lines, columns);
    for (size_t i = 0; i < wanted.size(); ++i)
      row[i] = number_of(lines, wanted[i]);
    used = 0;
    return true;
  }

  csv_lines lines;
  const size_t columns;
  const std::vector<size_t> wanted;
  std::vector<double> row;
  size_t used; /* of `row` */
};

/* A column of whole numbers with spaces between. */
class column_lists : public lists_source {
public:
  column_lists(const input_file &source, size_t all, size_t which, int64_t expected_rows)
      : file(source), lines(source), columns(all), column(which) {
    result.rows = expected_rows;
  }
  token_lists read() override {
    result.values =
        buffer(static_cast<size_t>(file.size() / 2 + 1) * sizeof(int32_t)); /* a digit and what ends it */
    result.offsets = buffer(static_cast<size_t>(result.rows + 1) * sizeof(int64_t));
    lines.next(); /* the names */
    for (int64_t row = 0; row < result.rows; ++row) {
      if (!lines.next())
        throw failure(exit_system, file.name() + ": error: the table has become shorter");
      require_fields(lines, columns);
      result.offsets.as<int64_t>()[row] = numbers;
      add_row();
    }
    result.offsets.as<int64_t>()[result.rows] = numbers;
    return std::move(result);
  }

private:
  void add_row() {
    for (std::string_view text = trimmed(lines.field(column)); !text.empty(); text = trimmed(text)) {
      const size_t end = std::min(text.find_first_of(" \t"), text.size());
      int32_t number = 0;
      const std::from_chars_result parsed = std::from_chars(text.data(), text.data() + end, number);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + end || number < 0)
        lines.fail(column, "found " + shown(text.substr(0, end)) +
                               ", expected whole numbers from 0 to 2147483647 with spaces between");
      result.values.as<int32_t>()[numbers++] = number;
      text.remove_prefix(end);
    }
  }

  const input_file &file;
  csv_lines lines;
  const size_t columns, column;
  token_lists result;
  int64_t numbers = 0;
};

} // namespace

csv_table::csv_table(std::unique_ptr<input_file> source) : file(std::move(source)) {
  csv_lines lines(*file);
  if (!lines.next())
    throw failure(exit_input, file->name() + ":1:1: error: expected a line with the names of the columns");
  if (lines.fields() > csv_most_columns)
    lines.fail(csv_most_columns, format("more than %zu columns", csv_most_columns));
  for (size_t i = 0; i < lines.fields(); ++i) {
    std::string column(trimmed(lines.field(i)));
    if (column.empty())
      lines.fail(i, "expected the name of a column");
    if (column.size() > csv_longest_name)
      lines.fail(i, format("a name of more than %zu bytes", csv_longest_name));
    if (!index.emplace(column, i).second)
      lines.fail(i, "a second column " + quoted(column));
    columns.push_back(std::move(column));
  }
  if (std::all_of(columns.begin(), columns.end(), is_number))
    lines.fail(0, "numbers, where the first line names the columns");
  if (columns.size() == 1 && columns[0].find(';') != std::string::npos)
    lines.fail(0, "one column with semicolons in its name; fields are separated by commas");
  for (; lines.next(); ++count)
    require_fields(lines, columns.size());
}

csv_table::~csv_table() = default;

int64_t csv_table::find(const std::string &column) const {
  const auto found = index.find(column);
  return found == index.end() ? -1 : static_cast<int64_t>(found->second);
}

void csv_table::require_unchanged() const {
  file_error error;
  require(file->unchanged(error), error);
}

array_source csv_table::open(const std::vector<size_t> &chosen, const int64_t *shape, size_t rank) const {
  array_source source;
  source.place = file->name();
  npy_header &header = source.header;
  header.kind = 'f';
  header.width = sizeof(double);
  header.rank = rank + 1;
  header.shape[0] = count;
  std::copy(shape, shape + rank, header.shape + 1);
  header.elements = count * static_cast<int64_t>(chosen.size());
  header.data_bytes = static_cast<uint64_t>(header.elements) * header.width;
  source.stream = std::make_unique<number_stream>(*file, columns.size(), chosen);
  return source;
}

array_source csv_table::open_lists(size_t column) const {
  array_source source;
  source.place = file->name();
  npy_header &header = source.header;
  header.kind = 'O';
  header.width = 0;
  header.rank = 1;
  header.shape[0] = header.elements = count;
  source.lists = std::make_unique<column_lists>(*file, columns.size(), column, count);
  return source;
}

} // namespace hornfels
