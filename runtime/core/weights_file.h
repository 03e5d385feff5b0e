/* Named arrays in a file of either kind, .npz or .safetensors, for weights.cpp. */
#ifndef HORNFELS_WEIGHTS_FILE_H
#define HORNFELS_WEIGHTS_FILE_H

#include <memory>
#include <string>
#include <vector>

#include "files.h"
#include "npy.h"

namespace hornfels {

/* What can be read. Functions return false, or null, and say why. */
class weights_reader {
public:
  virtual ~weights_reader();
  virtual std::vector<std::string> names() const = 0;
  /* Type and shape; `found` is false when there is no such array. False: an error. */
  virtual bool describe(const std::string &name, npy_header &header, bool &found,
                        file_error &error) const = 0;
  /* All elements of an array that is there. */
  virtual bool read(const std::string &name, void *data, file_error &error) const = 0;
  virtual bool unchanged(file_error &error) const = 0;
};

/* What can be written: all arrays are listed before the first is written, in the same order. */
struct listed_array {
  std::string name;
  char kind;
  size_t width;
  std::vector<int64_t> shape;
};

class weights_writer {
public:
  virtual ~weights_writer();
  virtual bool write(const listed_array &array, const void *data, size_t bytes, file_error &error) = 0;
  virtual bool commit(file_error &error) = 0;
};

/* A name that ends in .safetensors is one to write; a file to read is what its first bytes say. */
std::unique_ptr<weights_reader> open_weights(const std::string &path, file_error &error);
std::unique_ptr<weights_writer> create_weights(const std::string &path,
                                               const std::vector<listed_array> &arrays, file_error &error);

} // namespace hornfels

#endif
