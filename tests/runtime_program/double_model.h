/* Hand-made models with the table of a generated one: a single layer with plain gradient descent, slow and
 * simple. They stand in for generated code wherever the program itself is tested. */
#ifndef HORNFELS_TESTS_DOUBLE_MODEL_H
#define HORNFELS_TESTS_DOUBLE_MODEL_H

#include "runtime/core/abi.h"

namespace hornfels_tests {

/* Logistic regression on sets of words: review tokens[10000] -> sentiment f32[1]; loss and accuracy. */
extern const hornfels_model words_model;
/* Softmax on sets of words: story tokens[10000] -> topic f32[46], class numbers taken; loss and accuracy. */
extern const hornfels_model topics_model;
/* The same, with a weight for each sample in the loss. */
extern const hornfels_model weighted_model;
/* Linear regression: features f32[13] -> price f32[1]; loss and mae. */
extern const hornfels_model prices_model;
/* The same with momentum, whose slots are variables, and with steps that depend on seed and number. */
extern const hornfels_model stocks_model;
/* Softmax on images: image f32[28, 28, 1] -> digit i32[] below 10; loss and accuracy. */
extern const hornfels_model digits_model;
/* Tokens kept as rows with repeats (sorted), ids of 32 bits: note tokens[100000] -> mood f32[1]. */
extern const hornfels_model notes_model;

} // namespace hornfels_tests

#endif
