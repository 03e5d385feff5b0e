/* Rows of whole numbers of any length, as files have them before they become a model's tokens. */
#ifndef HORNFELS_PROGRAM_TOKEN_LISTS_H
#define HORNFELS_PROGRAM_TOKEN_LISTS_H

#include "buffer.h"

namespace hornfels {

/* Row i is values[offsets[i] : offsets[i + 1]]; all values are 0 or more. */
struct token_lists {
  int64_t rows = 0;
  buffer values;  /* i32[offsets[rows]] */
  buffer offsets; /* i64[rows + 1] */
  const int32_t *row(int64_t i) const { return values.as<int32_t>() + offsets.as<int64_t>()[i]; }
  int64_t length(int64_t i) const { return offsets.as<int64_t>()[i + 1] - offsets.as<int64_t>()[i]; }
  int64_t size() const { return offsets.as<int64_t>()[rows]; }
};

/* Where such rows can be read from, once. */
class lists_source {
public:
  virtual ~lists_source() = default;
  /* Throws a failure that names the place of what is wrong. */
  virtual token_lists read() = 0;
};

} // namespace hornfels

#endif
