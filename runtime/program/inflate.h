/* Unpacks deflate data with zlib, as a stream of bounded memory. */
#ifndef HORNFELS_PROGRAM_INFLATE_H
#define HORNFELS_PROGRAM_INFLATE_H

#include "runtime/core/npz.h"

namespace hornfels {

/* What set_inflater() takes. */
std::unique_ptr<byte_stream> make_inflater(const input_file &file, uint64_t offset, uint64_t packed,
                                           const std::string &place);

} // namespace hornfels

#endif
