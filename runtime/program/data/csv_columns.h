/* Which columns of a table are which array of the model. */
#ifndef HORNFELS_PROGRAM_CSV_COLUMNS_H
#define HORNFELS_PROGRAM_CSV_COLUMNS_H

#include "csv.h"
#include "runtime/core/abi.h"

namespace hornfels {

/* An input or target that looks for its columns. */
struct column_request {
  const hornfels_tensor *tensor;
  std::vector<std::string> names; /* "features", and "x" when it is the only one */
  bool needed;                    /* else its columns are only kept from others */
};

/* The columns of each request. A single number, a class number and tokens are the column of their name; n
 * numbers are NAME_0 to NAME_n-1 (in the row-major order of the shape), or, where one array alone has no such
 * columns, all the columns that nothing else takes, if they are n. Empty: what is not needed and not there.
 * Throws a failure. */
std::vector<std::vector<size_t>> choose_columns(const csv_table &table,
                                                const std::vector<column_request> &requests);

} // namespace hornfels

#endif
