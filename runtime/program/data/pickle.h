/* The restricted reader of pickles: NumPy's arrays of lists of whole numbers, and nothing else. */
#ifndef HORNFELS_PROGRAM_PICKLE_H
#define HORNFELS_PROGRAM_PICKLE_H

#include <memory>
#include <string>

#include "runtime/core/npy.h"
#include "token_lists.h"

namespace hornfels {

/* A pickle within a .npy file. */
struct pickle_place {
  std::string name;     /* of the array, for messages: "imdb.npz!x_train.npy" */
  uint64_t offset = 0;  /* of the pickle in the .npy: messages count from there */
  uint64_t bytes = 0;   /* how long it is */
  uint64_t in_file = 0; /* how many bytes of a file it was unpacked from */
};

/* Reads the pickle of an object array with `rows` elements, each of them a list of whole numbers from 0 to
 * 2^31 - 1, in protocols 2 to 5, as Python 2 and 3 write it.
 *
 * A pickle is a program for a machine with a stack. This one has no calls, no import and no objects but those
 * of an array: the names that NumPy writes (`ndarray`, `dtype`, `_reconstruct`, and `_codecs.encode`, with
 * which Python 3 spells bytes in protocol 2) are constants, and the operations on them are compared with what
 * NumPy writes. Any other name and any other operation is refused by its name and position. Takes memory for
 * 8 bytes a row and 2 for a byte of the pickle, which may be at most 16 times as long as in the file, or 1
 * MiB. Throws a failure. */
token_lists read_pickled_lists(byte_stream &stream, const pickle_place &place, int64_t rows);

/* The same without keeping anything. */
void check_pickled_lists(byte_stream &stream, const pickle_place &place, int64_t rows);

/* Whether the lists could take so much more memory than the file is long that they are to be checked first:
 * what is refused must not have cost it. Keras's files do not. */
bool deserve_a_check(const pickle_place &place, int64_t rows);

} // namespace hornfels

#endif
