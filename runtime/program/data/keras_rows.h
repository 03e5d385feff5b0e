/* What Keras's load_data() does with its files: the order of their rows, the split, and the words of a row.
 */
#ifndef HORNFELS_PROGRAM_KERAS_ROWS_H
#define HORNFELS_PROGRAM_KERAS_ROWS_H

#include <cstdint>
#include <vector>

#include "data_options.h"
#include "token_lists.h"

namespace hornfels {

/* The orders that numpy.random.RandomState(seed).shuffle gives to arange(counts[0]), arange(counts[1]), ...,
 * one after the other from one generator; the last of them is returned. */
std::vector<uint32_t> numpy_shuffle(uint32_t seed, const std::vector<int64_t> &counts);

/* How the words of a row become ids. */
struct word_rules {
  int64_t num_words;
  int64_t skip_top = 0, index_from = 0;
  bool starts = false, replaces = false; /* whether there is a start_char, an oov_char */
  int64_t start_char = 0, oov_char = 0;
  int64_t maxlen = 0;
};

/* The rules of pickled lists, whose words are ranks, for a vocabulary of `limit` ids. */
word_rules rules_of_ranks(const data_options &how, int64_t limit);

/* Those of the rows in `order` that stay: the ones shorter than maxlen, the start mark counted. */
std::vector<uint32_t> rows_that_stay(const token_lists &lists, const word_rules &rules,
                                     const std::vector<uint32_t> &order);

/* The rows of `order` as ids: [start_char] + [word + index_from ...], where what is not in [skip_top,
 * num_words) becomes oov_char or is left out. `fits(row, id)` is called with what is not in [0, limit). */
template <class Id, class Refuse>
void make_ids(const token_lists &lists, const word_rules &rules, const std::vector<uint32_t> &order,
              int64_t limit, buffer &ids, buffer &offsets, Refuse refuse) {
  int64_t most = 0;
  for (const uint32_t row : order)
    most += lists.length(row) + 1;
  ids = buffer(static_cast<size_t>(most) * sizeof(Id));
  offsets = buffer((order.size() + 1) * sizeof(int64_t));
  Id *to = ids.as<Id>();
  int64_t *const starts = offsets.as<int64_t>();
  int64_t at = 0, done = 0;
  const auto put = [&](uint32_t row, int64_t word) {
    if (word < rules.skip_top || word >= rules.num_words) {
      if (!rules.replaces)
        return;
      word = rules.oov_char;
    }
    if (word < 0 || word >= limit)
      refuse(row, word);
    to[at++] = static_cast<Id>(word);
  };
  for (const uint32_t row : order) {
    starts[done++] = at;
    if (rules.starts)
      put(row, rules.start_char);
    const int32_t *const words = lists.row(row);
    for (int64_t i = 0; i < lists.length(row); ++i)
      put(row, words[i] + rules.index_from);
  }
  starts[done] = at;
}

} // namespace hornfels

#endif
