/* The header of a .npy file: the element type and shape of an array, in versions 1 to 3. */
#ifndef HORNFELS_NPY_H
#define HORNFELS_NPY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "files.h"

namespace hornfels {

/* Bytes from the start of something to its end. */
class byte_stream {
public:
  virtual ~byte_stream();
  /* The next `count` bytes, all of them, or an error. */
  virtual bool read(void *data, size_t count, file_error &error) = 0;
};

/* The batch axis and eight others. */
constexpr size_t npy_most_axes = 9;
constexpr size_t npy_longest_header = 65536;

/* Little-endian elements in row-major order. */
struct npy_header {
  char kind = 'f';   /* 'b' bool, 'i' signed, 'u' unsigned, 'f' float; 'O' pickled objects */
  size_t width = 4;  /* bytes of an element: 1, 2, 4, 8; of objects 0: their pickle follows, of any length */
  size_t rank = 0;
  int64_t shape[npy_most_axes] = {};
  int64_t elements = 1;
  uint64_t data_offset = 0; /* from the beginning of the .npy to the first element */
  uint64_t data_bytes = 0;

  /* "f32", "u16", "bool", "objects". */
  std::string type_text() const;
  /* "u8[60000, 28, 28]". */
  std::string text() const;
};

/* Reads the header at the beginning of `stream`. `place` names the array in errors: "w.npz!dense/kernel.npy".
 * Refused by name: other magic or version, big-endian, Fortran order of a matrix, pickled objects, structures,
 * complex and half-precision numbers, more than 8 axes beside the batch, sizes whose product overflows. With
 * `objects` the header of pickled objects is taken: who asks for it must read the pickle. */
bool read_npy_header(byte_stream &stream, const std::string &place, npy_header &header, file_error &error,
                     bool objects = false);

/* The bytes of a version 1 header, padded so that the data begin at a multiple of 64. `kind` and `width` as above. */
std::string npy_header_bytes(char kind, size_t width, const int64_t *shape, size_t rank);

/* kind and width of a hornfels_type; false for tokens. */
bool npy_type_of(int32_t type, char &kind, size_t &width);

} // namespace hornfels

#endif
