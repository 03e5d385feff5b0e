/* Which rows of a file are meant, and in which order: those of arrays with the right names, or, of a file
 * that is not split into `_train` and `_test`, the part that Keras's load_data() would take. */
#ifndef HORNFELS_PROGRAM_ROW_ORDER_H
#define HORNFELS_PROGRAM_ROW_ORDER_H

#include <functional>

#include "dataset.h"
#include "keras_rows.h"

namespace hornfels {

struct part_of_file {
  enum form {
    named,    /* all rows of arrays that have the suffix */
    training, /* the first rows of arrays without one, shuffled */
    test      /* the last ones */
  };
  form which = named;
  suffixes names;   /* the suffixes to look for */
  double split = 0; /* the part of the rows that is for the test */
};

/* An .npz with arrays of all the model's names without suffix, as reuters.npz and boston_housing.npz, is
 * split as Keras does: 0.2 of the rows for the test. Tables, .npy and IDX are, where --test-split says so;
 * else all their rows serve every command. `has(suffix)`: whether the file has all arrays with it. */
part_of_file choose_part(const data_file &file, const suffixes &wanted,
                         const std::function<bool(const std::string &)> &has);

/* All rows, in the order in which load_data() returns them before it splits: shuffled where they are split or
 * where words are `ranks`, as only Keras's own files have them. `before`: rows of the training arrays, if
 * these are the test's: one generator shuffles both. */
std::vector<uint32_t> file_order(const part_of_file &part, const data_options &how, int64_t rows, bool ranks,
                                 int64_t before);

/* The part of `rows` in a given order; a failure when it is empty. */
row_range range_of_part(const part_of_file &part, int64_t rows);

/* The part of the rows; a failure when it is empty. */
std::vector<uint32_t> part_of_rows(const part_of_file &part, std::vector<uint32_t> order,
                                   const std::string &file);

/* The rows of an array that has `rows`, in this order. */
bound_array select_rows(bound_array array, const std::vector<uint32_t> &order, int64_t rows);

} // namespace hornfels

#endif
