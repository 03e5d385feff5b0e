/* A file of arrays, by name: an .npz, a table, or a file with a single array, which answers to every name; or a text. */
#ifndef HORNFELS_PROGRAM_ARRAYS_H
#define HORNFELS_PROGRAM_ARRAYS_H

#include <memory>
#include <string>
#include <vector>

#include "data_options.h"
#include "runtime/core/npz.h"
#include "token_lists.h"

namespace hornfels {

class csv_table;

/* An array whose header has been read, and whose elements can be read once: numbers from `stream`, or, where
 * the header says objects, rows of whole numbers from `lists`. */
struct array_source {
  std::string place; /* "imdb.npz!y_train.npy" */
  npy_header header;
  std::unique_ptr<byte_stream> stream;
  std::unique_ptr<lists_source> lists;
};

/* What a kind of file answers. */
class array_container {
public:
  virtual ~array_container() = default;
  /* The file as it stands in messages. */
  virtual const std::string &name() const = 0;
  /* The names of its arrays; none where there is a single one without a name. */
  virtual std::vector<std::string> names() const = 0;
  virtual bool has(const std::string &array) const = 0;
  virtual array_source open(const std::string &array) const = 0;
  /* Throws when the file has changed since it was opened. */
  virtual void require_unchanged() const = 0;
};

class data_file {
public:
  enum form { archive, single, table, several, text };

  /* Throws a failure when it is not readable or not what it begins as. */
  explicit data_file(const std::string &path, const data_options &options = {});
  /* Arrays that have a file each: those of `options.inputs`. */
  explicit data_file(const data_options &options);
  ~data_file();
  data_file(data_file &&) noexcept;

  /* The first of `candidates` that the file has; empty: none. */
  std::string find(const std::vector<std::string> &candidates) const;
  /* Whether it is a single array. */
  bool is_single() const { return kind == single; }
  form what() const { return kind; }
  /* All names, for messages. */
  std::vector<std::string> names() const;
  array_source open(const std::string &name) const;
  /* Where it is a table; its arrays are columns, which the model's shapes choose. Else null. */
  const csv_table *as_table() const { return columns.get(); }
  /* Where it is plain text, whose rows are windows (text_windows.h). Else null. */
  const input_file *as_text() const { return characters.get(); }
  /* The file as it stands in messages. */
  const std::string &name() const;
  /* Throws when the file has changed since it was opened. */
  void require_unchanged() const;
  /* How it is to be read. */
  const data_options &how() const { return reading; }

private:
  form kind = archive;
  std::unique_ptr<array_container> arrays;
  std::unique_ptr<csv_table> columns;
  std::unique_ptr<input_file> characters;
  data_options reading;
};

/* The data that a command line asks for: `path`, or the files of `how.inputs`. */
data_file open_data(const std::string &path, const data_options &how);

} // namespace hornfels

#endif
