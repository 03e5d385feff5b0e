/* Weights of a generated model in a .npz file (one member a variable, "dense/kernel" in "dense/kernel.npy") or, where the
 * name ends so, in a .safetensors file; plain row-major. Weights and states are in it; metrics are not. The optimizer's
 * slots, step and learning rate can be, and then loading sets them too. C99 and C++17; no exceptions leave it.
 *
 *   char error[512];
 *   if (hornfels_load_weights(imdb_model, handle, "imdb-weights.npz", error, sizeof error) != HORNFELS_OK) puts(error);
 */
#ifndef HORNFELS_WEIGHTS_H
#define HORNFELS_WEIGHTS_H

#include <stddef.h>

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets every weight and state of `handle` from the file; f32 values are taken for f64 variables too. On any error
 * (unreadable, damaged, another shape or type, one missing, one that the model has not) no variable is changed.
 * HORNFELS_BAD_FILE: the file is wrong; HORNFELS_BAD_ARGUMENT: null pointer; HORNFELS_OUT_OF_MEMORY. `error`, if not
 * null, receives `error_size` bytes at most of text, up to 20 lines: "w.npz: dense_1/kernel is f32[784, 128], this
 * model needs f32[784, 64]". */
int32_t hornfels_load_weights(const hornfels_model *model, void *handle, const char *path, char *error,
                              size_t error_size);

/* Writes them, atomically: the file is replaced when it is whole. Same results as above; HORNFELS_BAD_FILE when the
 * file cannot be written. */
int32_t hornfels_save_weights(const hornfels_model *model, void *handle, const char *path, char *error,
                              size_t error_size);

/* Sets every weight and state from memory: the elements of each in the model's order, row by row, each from a multiple of
 * 64 bytes on, as `--embed-weights` puts them into a program. HORNFELS_BAD_ARGUMENT: a null pointer, or not the number
 * of bytes that the model needs; then no variable is changed. */
int32_t hornfels_weights_from_memory(const hornfels_model *model, void *handle, const void *data, size_t bytes);

#ifdef __cplusplus
}

#include "files.h"

namespace hornfels {

/* The same for C++ that wants to know whose fault it was. */
int32_t load_weights(const hornfels_model &model, void *handle, const std::string &path, file_error &error);
int32_t save_weights(const hornfels_model &model, void *handle, const std::string &path, file_error &error,
                     bool optimizer = false);

} // namespace hornfels
#endif

#endif
