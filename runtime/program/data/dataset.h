/* The rows that a model is trained, evaluated or run on: every array checked against the model. */
#ifndef HORNFELS_PROGRAM_DATASET_H
#define HORNFELS_PROGRAM_DATASET_H

#include <cstdint>
#include <string>
#include <vector>

#include "arrays.h"
#include "buffer.h"
#include "runtime/core/abi.h"

namespace hornfels {

/* All rows of one input or target. */
struct bound_array {
  enum form {
    plain,   /* elements of the tensor's own type */
    bytes,   /* u8 for a tensor of reals: images stay small and become reals in the batch */
    classes, /* i32 class numbers for a target that takes them: they become one-hot in the batch */
    tokens,  /* ids with offsets of rows */
    windows  /* characters of a text: row i is text[i * stride], ..., which become integers in the batch */
  };
  const hornfels_tensor *tensor = nullptr;
  form kept = plain;
  int64_t row_elements = 1; /* elements that are kept for a row (not of tokens) */
  buffer data;
  buffer offsets; /* of tokens: i64[rows + 1] */
  const uint8_t *text = nullptr; /* of windows: into the data set's text */
  int64_t stride = 0;
};

struct dataset {
  int64_t rows = 0;
  std::vector<bound_array> arrays; /* in the order of the ABI: inputs, then targets */
  /* What stands for the last array, the weights of samples, in steps that train: those of the rows' classes. Empty: as
   * it is. Held-out rows have no class weights, as in Keras. */
  buffer training_weights;
  buffer text; /* what windows look into */
};

/* Rows first, ..., first + count - 1. */
struct row_range {
  int64_t first = 0, count = 0;
};

constexpr int64_t most_rows = (int64_t{1} << 32) - 1; /* row numbers are 32 bits wide */

/* Which arrays: `<name>` + one of the suffixes, the first for which the file has the first input's array. Tables and
 * what is not split into `_train` and `_test` answer to both: see row_order.h. */
using suffixes = std::vector<std::string>;

/* The target that is no output's but each sample's weight in the loss: the last one, `sample_weight` of one real. Null:
 * the model takes none. Its array may be missing; then every weight is 1. */
const hornfels_tensor *weight_target(const hornfels_model &model);

/* Weights of samples that are all 1. */
bound_array equal_weights(const hornfels_tensor &tensor, int64_t rows);

/* Whether the file has every array of the model with this suffix, or rows that are split off for it. */
bool has_arrays(const hornfels_model &model, const data_file &file, const std::string &suffix);

/* Reads inputs, and with `targets` those too; of a text, windows (text_windows.h). Headers are compared with the model and with each other before
 * memory is taken; then values are read and checked: ids and class numbers below their limit, no NaN among
 * targets, offsets that rise. Throws a failure that names both sides, and the row. */
dataset bind(const hornfels_model &model, const data_file &file, const suffixes &wanted, bool targets);

} // namespace hornfels

#endif
