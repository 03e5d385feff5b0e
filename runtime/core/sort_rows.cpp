#include "sort_rows.h"

#include <algorithm>
#include <cstdlib>

namespace {

/* Vocabularies up to this size are sorted by bits: 128 KiB of them. */
constexpr int64_t most_bits = int64_t{1} << 20;

/* A bit for each possible id; none are set between rows. */
struct id_bits {
  int64_t words;
  uint64_t *bits;

  explicit id_bits(int64_t limit)
      : words((limit + 63) / 64),
        bits(limit > 0 && limit <= most_bits
                 ? static_cast<uint64_t *>(std::calloc(static_cast<size_t>(words), sizeof(uint64_t)))
                 : nullptr) {}
  ~id_bits() { std::free(bits); }
  id_bits(const id_bits &) = delete;
  id_bits &operator=(const id_bits &) = delete;

  /* Looking through the bits costs as much as sorting about an eighth as many ids. */
  bool pays(int64_t ids) const { return bits && words <= 8 * ids; }

  /* Writes the distinct ids of [from, end), rising, to `to` <= from; returns where they end. */
  template <class Id> Id *sort(const Id *from, const Id *end, Id *to) {
    for (; from != end; ++from)
      bits[*from / 64] |= uint64_t{1} << (*from % 64);
    for (int64_t w = 0; w < words; ++w) {
      for (uint64_t left = bits[w]; left != 0; left &= left - 1)
        *to++ = static_cast<Id>(w * 64 + __builtin_ctzll(left));
      bits[w] = 0;
    }
    return to;
  }
};

template <class Id> int64_t sort_rows(bool sets, int64_t limit, Id *ids, int64_t *offsets, int64_t rows) {
  id_bits bits(sets ? limit : 0);
  Id *end = ids + offsets[0];
  int64_t begin = offsets[0];
  for (int64_t row = 0; row < rows; ++row) {
    Id *const from = ids + begin, *const until = ids + offsets[row + 1];
    begin = offsets[row + 1];
    if (bits.pays(until - from)) {
      end = bits.sort(from, until, end);
    } else {
      std::sort(from, until);
      end = std::copy(from, sets ? std::unique(from, until) : until, end);
    }
    offsets[row + 1] = end - ids;
  }
  return end - ids;
}

} // namespace

extern "C" int64_t hornfels_sort_rows(int32_t type, int32_t token_rows, int64_t limit, void *ids,
                                      int64_t *offsets, int64_t rows) {
  const bool known = type == HORNFELS_TOKENS16 || type == HORNFELS_TOKENS32;
  if (!known || !ids || !offsets || rows < 0 || token_rows < HORNFELS_ROWS_AS_IS ||
      token_rows > HORNFELS_ROWS_SETS)
    return -1;
  if (token_rows == HORNFELS_ROWS_AS_IS)
    return offsets[rows];
  const bool sets = token_rows == HORNFELS_ROWS_SETS;
  if (type == HORNFELS_TOKENS16)
    return sort_rows(sets, limit, static_cast<uint16_t *>(ids), offsets, rows);
  return sort_rows(sets, limit, static_cast<int32_t *>(ids), offsets, rows);
}
