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

/* First position in [first, last) of an ascending row whose id is not below `id`. */
template <class Id> inline long lower_bound(const token_rows<Id> &rows, long first, long last, long id) {
  while (first < last) {
    const long middle = first + (last - first) / 2;
    if (rows.ids[middle] < id)
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

} // namespace hornfels

#endif
