#include "keras_rows.h"

#include <numeric>
#include <random>
#include <utility>

namespace hornfels {

namespace {

/* A number in [0, most] as NumPy's legacy generator draws it: the bits that `most` has, until they are in
 * range. */
uint32_t draw(std::mt19937 &generator, uint32_t most) {
  uint32_t mask = most;
  for (int shift = 1; shift < 32; shift *= 2)
    mask |= mask >> shift;
  for (;;) {
    const uint32_t number = static_cast<uint32_t>(generator()) & mask;
    if (number <= most)
      return number;
  }
}

} // namespace

std::vector<uint32_t> numpy_shuffle(uint32_t seed, const std::vector<int64_t> &counts) {
  /* RandomState seeds the Mersenne Twister as the C++ standard does. */
  std::mt19937 generator(seed);
  std::vector<uint32_t> order;
  for (const int64_t count : counts) {
    order.resize(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0u);
    for (size_t i = order.size(); i-- > 1;)
      std::swap(order[i], order[draw(generator, static_cast<uint32_t>(i))]);
  }
  return order;
}

word_rules rules_of_ranks(const data_options &how, int64_t limit) {
  word_rules rules;
  rules.num_words = how.num_words > 0 ? how.num_words : limit;
  rules.skip_top = how.skip_top;
  rules.maxlen = how.maxlen;
  rules.starts = how.start_char.get(1, rules.start_char);
  rules.replaces = how.oov_char.get(2, rules.oov_char);
  how.index_from.get(3, rules.index_from);
  return rules;
}

std::vector<uint32_t> rows_that_stay(const token_lists &lists, const word_rules &rules,
                                     const std::vector<uint32_t> &order) {
  if (rules.maxlen == 0)
    return order;
  std::vector<uint32_t> kept;
  for (const uint32_t row : order)
    if (lists.length(row) + (rules.starts ? 1 : 0) < rules.maxlen)
      kept.push_back(row);
  return kept;
}

} // namespace hornfels
