/* A text as a row of tokens: its words, and the numbers that Keras's word index gives them. */
#ifndef HORNFELS_PROGRAM_WORD_INDEX_H
#define HORNFELS_PROGRAM_WORD_INDEX_H

#include <cstdint>
#include <string>
#include <vector>

#include "dataset.h"
#include "runtime/program/options.h"

namespace hornfels {

constexpr uint64_t word_index_most_bytes = uint64_t{64} << 20;
constexpr size_t word_index_longest_word = 1024;

/* What stands for the rank of a word that is in no index: no vocabulary goes so far. */
constexpr int32_t no_rank = INT32_MAX;

/* The words of a text, as Keras's text_to_word_sequence() finds them: letters become small (ASCII, Latin-1, Greek,
 * Cyrillic), !"#$%&()*+,-./:;<=>?@[\]^_`{|}~ and white space separate. An apostrophe is part of its word. */
std::vector<std::string> words_of(const std::string &text);

/* The rank of each word in a file of {"the": 1, "and": 2, ...}; no_rank for one that is not there. The file is strict
 * JSON: one object, whole numbers from 0 to 2^31 - 2. Throws a failure with line, column, the line and a caret. */
std::vector<int32_t> ranks_of(const std::string &path, const std::vector<std::string> &words);

/* One row: the text of --text for a model whose only input is tokens, by the same rules as Keras's own files (the start
 * mark, ranks and --index-from, --oov-char for what is not in the vocabulary). */
dataset bind_text(const hornfels_model &model, const options &chosen);

} // namespace hornfels

#endif
