/* What the command line says about data: where they are, and how Keras's own files are read. */
#ifndef HORNFELS_PROGRAM_DATA_OPTIONS_H
#define HORNFELS_PROGRAM_DATA_OPTIONS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hornfels {

/* A number that may be given, or be given as none. */
struct choice {
  bool given = false, none = false;
  int64_t value = 0;
  /* The number, where there is one: what was given, else `otherwise`. */
  bool get(int64_t otherwise, int64_t &number) const {
    number = given ? value : otherwise;
    return !none;
  }
};

/* The arguments of Keras's load_data(), with its defaults where nothing was said. */
struct data_options {
  int64_t num_words = 0; /* 0: the vocabulary of the model's input */
  int64_t skip_top = 0;
  int64_t maxlen = 0;     /* 0: rows of any length */
  choice start_char;      /* 1 */
  choice oov_char;        /* 2 */
  choice index_from;      /* 3 */
  choice seed;            /* 113; none: rows stay in the order of the file */
  double test_split = -1; /* below 0: nothing was said, which is 0.2 for a file of Keras's */
  std::vector<std::pair<std::string, std::string>> inputs; /* name of an array, its file */
};

} // namespace hornfels

#endif
