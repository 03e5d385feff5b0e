/* Rows of ids and loops over rows in chunks, as generated kernels use them. No header but <stdint.h>. */
#ifndef HORNFELS_TOKENS_H
#define HORNFELS_TOKENS_H

#include <stdint.h>

namespace hornfels {

/* A ragged batch: row i is ids[offsets[i] : offsets[i + 1]]. */
template <class Id> struct token_rows {
  const Id *ids;
  const int64_t *offsets;
};

/* First position in [first, last) of an ascending row whose id is not below `id`. No branch depends on the ids: where
 * a chunk's ids begin is as good as random. */
template <class Id> inline long lower_bound(const token_rows<Id> &rows, long first, long last, long id) {
  long left = last - first;
  while (left > 1) {
    const long half = left / 2;
    first = rows.ids[first + half - 1] < id ? first + half : first;
    left -= half;
  }
  return first + (left == 1 && rows.ids[first] < id);
}

/* y = the ids of one row in their order, in `length` places: a shorter row is filled up with `value` before its first id
 * or behind its last, of a longer one the first or the last ids are cut off. */
template <bool before, bool cut_before, class Id>
inline void pad_row(const token_rows<Id> &rows, long sample, long length, int32_t value, int32_t *y) {
  const long first = rows.offsets[sample], last = rows.offsets[sample + 1];
  const long count = last - first < length ? last - first : length;
  const long from = cut_before ? last - count : first, to = before ? length - count : 0;
  for (long i = 0; i < to; ++i)
    y[i] = value;
  for (long i = 0; i < count; ++i)
    y[to + i] = int32_t(rows.ids[from + i]);
  for (long i = to + count; i < length; ++i)
    y[i] = value;
}

/* The rows of a sorted batch the other way round: row id - begin of the result, for the ids from `begin` to `end`, holds
 * the samples that have the id, ascending, as often as they have it. It lies in the `room` bytes at `scratch`; where
 * they are too few, its offsets are null. */
template <class Id>
inline token_rows<int32_t> samples_of_ids(const token_rows<Id> &rows, long batch, long begin, long end,
                                          void *scratch, long room) {
  const long count = end - begin, unaligned = long(-reinterpret_cast<uintptr_t>(scratch) % sizeof(int64_t));
  int64_t *const offsets = static_cast<int64_t *>(static_cast<void *>(static_cast<char *>(scratch) + unaligned));
  int32_t *const samples = static_cast<int32_t *>(static_cast<void *>(offsets + count + 2));
  const long left = room - unaligned - (count + 2) * 8;
  if (left < 0)
    return {nullptr, nullptr};
  const auto from = [&](long first, long last) { return begin > 0 ? lower_bound(rows, first, last, begin) : first; };
  const auto to = [&](long first, long last) {
    return first < last && rows.ids[last - 1] >= end ? lower_bound(rows, first, last, end) : last;
  };
  /* How often each id occurs, two places on; then sums, one place on, which placing moves to the end of each row. */
  for (long i = 0; i < count + 2; ++i)
    offsets[i] = 0;
  long total = 0;
  bool whole = begin == 0; /* no id is another chunk's: the rows are one, and have one end that nobody can guess */
  for (long sample = 0; sample < batch && whole; ++sample) {
    const long first = rows.offsets[sample], last = rows.offsets[sample + 1];
    whole = first == last || rows.ids[last - 1] < end;
  }
  if (whole) {
    total = rows.offsets[batch];
    for (long t = 0; t < total; ++t)
      ++offsets[rows.ids[t] + 2];
  } else {
    for (long sample = 0; sample < batch; ++sample) {
      const long first = rows.offsets[sample], last = rows.offsets[sample + 1], stop = to(first, last);
      long t = from(first, last);
      total += stop - t;
      for (; t < stop; ++t)
        ++offsets[rows.ids[t] - begin + 2];
    }
  }
  if (total * 4 > left)
    return {nullptr, nullptr};
  for (long i = 2; i < count + 2; ++i)
    offsets[i] += offsets[i - 1];
  for (long sample = 0; sample < batch; ++sample) {
    const long first = rows.offsets[sample], last = rows.offsets[sample + 1], stop = to(first, last);
    for (long t = from(first, last); t < stop; ++t)
      samples[offsets[rows.ids[t] - begin + 1]++] = int32_t(sample);
  }
  return {samples, offsets};
}

} // namespace hornfels

#endif
