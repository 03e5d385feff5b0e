/* Which rows train and which are held out. */
#ifndef HORNFELS_PROGRAM_SPLIT_H
#define HORNFELS_PROGRAM_SPLIT_H

#include "runtime/program/data/dataset.h"
#include "runtime/program/options.h"

namespace hornfels {

/* Of the training arrays. */
struct row_split {
  row_range training, validation;
};

/* Holds rows out: the first N, or, as Keras does before shuffling, the last part. Throws a failure with
 * exit_usage when nothing would be left on a side. */
row_split split_rows(const options &chosen, int64_t rows);

} // namespace hornfels

#endif
