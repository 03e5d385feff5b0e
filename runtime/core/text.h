/* Text for messages: formatted, quoted, shapes. Numbers keep their point: the locale is never set. */
#ifndef HORNFELS_TEXT_H
#define HORNFELS_TEXT_H

#include <cstdint>
#include <string>

#include "abi.h"

namespace hornfels {

/* printf into a string. */
__attribute__((format(printf, 1, 2))) std::string format(const char *pattern, ...);

/* A file's or an array's name as it may stand in a message: as it is when it is plain text, else in double quotes
 * with \n, \" and \xNN for what would break the line or the terminal (spaces, control bytes, invalid UTF-8). */
std::string quoted(const std::string &name);

/* "[784, 64]". */
std::string shape_text(const int64_t *shape, size_t rank);

/* "f32", "i64", "u8", ... of a hornfels_type. */
const char *type_name(int32_t type);

/* Bytes of an element of a hornfels_type; 0 for an unknown one. */
size_t type_bytes(int32_t type);

/* "f32[784, 64]", "tokens[10000]": the type of a tensor of the model, without its batch axis. */
std::string tensor_text(const hornfels_tensor &tensor);

/* The product of `shape`, or -1 when a size is negative or the product above `most`. */
int64_t checked_product(const int64_t *shape, size_t rank, int64_t most);

} // namespace hornfels

#endif
