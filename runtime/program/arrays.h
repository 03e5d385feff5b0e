/* A file of arrays, by name: an .npz, or a single .npy, which answers to every name. */
#ifndef HORNFELS_PROGRAM_ARRAYS_H
#define HORNFELS_PROGRAM_ARRAYS_H

#include <memory>
#include <string>
#include <vector>

#include "runtime/core/npz.h"

namespace hornfels {

/* An array whose header has been read, and whose elements can be read once. */
struct array_source {
  std::string place; /* "imdb.npz!y_train.npy" */
  npy_header header;
  std::unique_ptr<byte_stream> stream;
};

class data_file {
public:
  /* Throws a failure when it is not readable or not what its name says. */
  explicit data_file(const std::string &path);

  /* The first of `candidates` that the file has; empty: none. */
  std::string find(const std::vector<std::string> &candidates) const;
  /* Whether it is a single .npy. */
  bool is_single() const { return single != nullptr; }
  /* All names, for messages. */
  std::vector<std::string> names() const;
  array_source open(const std::string &name) const;
  /* The file as it stands in messages. */
  const std::string &name() const { return single ? single->name() : archive->file().name(); }
  /* Throws when the file has changed since it was opened. */
  void require_unchanged() const;

private:
  std::unique_ptr<npz_reader> archive;
  std::unique_ptr<input_file> single;
};

} // namespace hornfels

#endif
