/* Unpacks deflate data and gzip files with zlib, as streams of bounded memory. */
#ifndef HORNFELS_PROGRAM_INFLATE_H
#define HORNFELS_PROGRAM_INFLATE_H

#include "runtime/core/npz.h"

namespace hornfels {

/* What set_inflater() takes. */
std::unique_ptr<byte_stream> make_inflater(const input_file &file, uint64_t offset, uint64_t packed,
                                           const std::string &place);

/* A gzip file of one member from its beginning. */
class gunzipper : public byte_stream {
public:
  /* Whether nothing follows what has been read: the checksum is right, and the file ends. */
  virtual bool at_end(file_error &error) = 0;
};

/* Unpacks `file`, which must outlive it. */
std::unique_ptr<gunzipper> make_gunzipper(const input_file &file);

} // namespace hornfels

#endif
