/* What the generator tells the test about the generated models. */
#ifndef HORNFELS_TESTS_GRADCHECK_TABLE_H
#define HORNFELS_TESTS_GRADCHECK_TABLE_H

#include "runtime/core/abi.h"
#include <vector>

namespace hornfels::gradcheck {

struct CheckedOperand {
  const char *name;     // of the input or variable
  const char *gradient; // of the output; null: data
  double low, high;
  bool both_signs, spread;
  std::vector<double> values, expected; // empty: drawn, compared with differences
  const char *copy_of;                  // null: its own
};

struct CheckedCase {
  const char *op;
  const char *text;
  const char *loss; // the output whose slope the gradients are
  bool exact_in_float;
  std::vector<CheckedOperand> operands;
};

struct CheckedModel {
  const hornfels_model *model;
  std::vector<CheckedCase> cases;
};

/// All models, fused and unfused.
extern const std::vector<CheckedModel> models;
/// Every operation with a gradient.
extern const std::vector<const char *> operations;

} // namespace hornfels::gradcheck

#endif
