#include "split.h"

#include <cmath>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

row_split split_rows(const options &chosen, int64_t rows) {
  row_split split{{0, rows}, {0, 0}};
  if (chosen.validation >= rows)
    throw failure(
        exit_usage,
        format("error: --validation: %lld is not a whole number from 1 to %lld: the data have %lld rows",
               static_cast<long long>(chosen.validation), static_cast<long long>(rows - 1),
               static_cast<long long>(rows)));
  if (chosen.validation > 0)
    return {{chosen.validation, rows - chosen.validation}, {0, chosen.validation}};
  if (chosen.validation_split > 0) {
    const int64_t at =
        static_cast<int64_t>(std::floor(static_cast<double>(rows) * (1.0 - chosen.validation_split)));
    if (at == 0 || at == rows)
      throw failure(
          exit_usage,
          format("error: --validation-split: %g of %lld rows leaves %lld to train and %lld to validate",
                 chosen.validation_split, static_cast<long long>(rows), static_cast<long long>(at),
                 static_cast<long long>(rows - at)));
    split = {{0, at}, {at, rows - at}};
  }
  return split;
}

} // namespace hornfels
