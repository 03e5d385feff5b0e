/* Rows of tokens as a step wants them (hornfels_tensor.token_rows). To be done once, when data are read: a
 * step takes rows only in that form. C99 and C++17. */
#ifndef HORNFELS_SORT_ROWS_H
#define HORNFELS_SORT_ROWS_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sorts each row ids[offsets[i] : offsets[i + 1]] in place (HORNFELS_ROWS_SORTED), or makes it a sorted set
 * (HORNFELS_ROWS_SETS): then the rows move together, and offsets[1 ... rows] change with them. `type` is
 * HORNFELS_TOKENS16 or HORNFELS_TOKENS32; all ids are in [0, limit), or limit is 0. Returns the number of ids
 * that remain, or -1 for arguments that make no sense. Takes up to 128 KiB for a moment, and is slower
 * without. */
int64_t hornfels_sort_rows(int32_t type, int32_t token_rows, int64_t limit, void *ids, int64_t *offsets,
                           int64_t rows);

#ifdef __cplusplus
}
#endif

#endif
