/* What is wrong with the arguments of a call: sizes, addresses, ids, classes. Part of handle.cpp. */
#ifndef HORNFELS_CALL_CHECKS_H
#define HORNFELS_CALL_CHECKS_H

#include "abi.h"

#include <stdint.h>
#include <stdio.h>

namespace hornfels {

/* What last_error() shows. */
struct error_text {
  char text[512];

  template <class... Values> int32_t fail(int32_t status, const char *format, Values... values) {
    snprintf(text, sizeof text, format, values...);
    return status;
  }
};

/* Bytes of an element; of tokens, of an id. */
int64_t element_size(int32_t type);

/* Elements of a sample, or of a variable. */
int64_t elements(const hornfels_tensor &tensor);

/* All return a hornfels_status, with a text that names the tensor and, where there is one, the row. */

/* An input or target of `batch` rows: its size, its address, its ids or class numbers. */
int32_t check_array(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch);

/* A target that check_array has passed: rows of probabilities sum to 1, weights of samples are not below 0. */
int32_t check_target(error_text &error, const hornfels_tensor &info, const hornfels_array &array, int64_t batch);

/* All rows of an input or target (`index` as in a step), as a device keeps them: what check_array and check_target say of
 * them in a batch. */
int32_t check_rows(error_text &error, const hornfels_model &model, int32_t index, const hornfels_rows &data, int64_t rows);

/* Where predict writes: room, addresses, and that nothing that is read or written lies there too. */
int32_t check_results(error_text &error, const hornfels_model &model, const hornfels_array *inputs,
                      const hornfels_result *outputs, int64_t batch);

} // namespace hornfels

#endif
