/* Arrays in a .safetensors file: eight bytes with the length of a JSON header, the header, the elements.
 *
 *   {"dense/kernel": {"dtype": "F32", "shape": [13, 64], "data_offsets": [0, 3328]}, "__metadata__": {...}}
 *
 * No exceptions: functions return false and say why. */
#ifndef HORNFELS_SAFETENSORS_H
#define HORNFELS_SAFETENSORS_H

#include <string>
#include <unordered_map>
#include <vector>

#include "files.h"
#include "npy.h"
#include "weights_file.h"

namespace hornfels {

/* As the format's own readers have it; names and axes have our limits. */
constexpr uint64_t safetensors_longest_header = 100000000;

struct safetensors_entry {
  std::string name;
  npy_header header;           /* type and shape */
  uint64_t begin = 0, end = 0; /* of its bytes, from the beginning of the file */
};

/* A file, open for reading. */
class safetensors_reader {
public:
  /* Reads the header. Refused: what is not such a file or is cut short, names that are doubled, empty or too
   * long, element types other than F32, F64, I8 to I64, U8 to U64 and BOOL, sizes that do not fit the shape,
   * elements that overlap, leave a hole or lie outside. */
  bool open(const std::string &path, file_error &error);
  const std::vector<safetensors_entry> &entries() const { return list; }
  const safetensors_entry *find(const std::string &name) const;
  const input_file &file() const { return source; }
  bool read(const safetensors_entry &entry, void *data, file_error &error) const;

private:
  input_file source;
  std::vector<safetensors_entry> list;
  std::unordered_map<std::string, size_t> index;
};

/* The bytes before the first element. Elements follow in the same order; the header is padded with spaces so
 * that they begin at a multiple of 8. */
std::string safetensors_header_bytes(const std::vector<listed_array> &arrays);

} // namespace hornfels

#endif
