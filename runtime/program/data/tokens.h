/* Rows of tokens: ids one after another, and where each row begins. */
#ifndef HORNFELS_PROGRAM_TOKENS_H
#define HORNFELS_PROGRAM_TOKENS_H

#include "dataset.h"
#include "keras_rows.h"

namespace hornfels {

/* Reads the offsets of `rows` rows of `values` ids: from 0, never falling, to `values`. */
buffer read_offsets(array_source &source, int64_t rows, int64_t values);

/* Reads all ids below the tensor's limit and makes each row what the model asks for: as it is, sorted, or a
 * sorted set. `file` and `position` of a row are named when an id is not below the limit. */
void read_tokens(array_source &source, int64_t rows, bound_array &to);

/* Whether the command line says something about words. */
bool asks_for_words(const data_options &how);

/* The rules for rows that are ids already: only what the command line says. */
word_rules rules_of_ids(const data_options &how);

/* Two arrays, values and offsets, as lists: all values from 0 to 2^31 - 1. */
token_lists lists_of_values(array_source &values, array_source &offsets, int64_t rows);

/* The rows of `order` by the rules, and then as read_tokens() makes them. `place` is named when an id is not below
 * the tensor's limit. */
bound_array make_tokens(const token_lists &lists, const word_rules &rules, const std::vector<uint32_t> &order,
                        const hornfels_tensor &tensor, const std::string &place);

} // namespace hornfels

#endif
