#include "inflate.h"

#include <algorithm>

#include <zlib.h>

namespace hornfels {

namespace {

class inflating_stream : public gunzipper {
public:
  /* `bits`: zlib's window bits, which also say what is around the deflate data. */
  inflating_stream(const input_file &source, uint64_t at, uint64_t packed, const std::string &where, int bits)
      : file(source), offset(at), left(packed), place(where) {
    ready = inflateInit2(&state, bits) == Z_OK;
  }
  ~inflating_stream() override {
    if (ready)
      inflateEnd(&state);
  }
  inflating_stream(const inflating_stream &) = delete;
  inflating_stream &operator=(const inflating_stream &) = delete;

  bool read(void *data, size_t count, file_error &error) override {
    if (!ready)
      return error.set(file_error::system, place + ": error: out of memory");
    unsigned char *to = static_cast<unsigned char *>(data);
    while (count > 0) {
      if (state.avail_in == 0 && !refill(error))
        return false;
      const uInt room = static_cast<uInt>(std::min<size_t>(count, size_t{1} << 30));
      state.next_out = to;
      state.avail_out = room;
      const int status = inflate(&state, Z_NO_FLUSH);
      const size_t got = room - state.avail_out;
      to += got;
      count -= got;
      if (status == Z_STREAM_END && count > 0)
        return error.set(file_error::wrong,
                         place + ": error: the compressed data end before the array is whole");
      if (status == Z_BUF_ERROR || (status == Z_OK && got == 0 && state.avail_in == 0 && left == 0))
        return error.set(file_error::wrong, place + ": error: the compressed data are cut short");
      if (status != Z_OK && status != Z_STREAM_END)
        return file.fail(offset - state.avail_in, "damaged compressed data of " + place, error);
    }
    return true;
  }

  bool at_end(file_error &error) override {
    unsigned char more;
    int status = Z_OK;
    do {
      if (state.avail_in == 0 && !refill(error))
        return false;
      state.next_out = &more;
      state.avail_out = 1;
      status = inflate(&state, Z_NO_FLUSH);
      if (status == Z_DATA_ERROR)
        return file.fail(offset - state.avail_in, "damaged: the checksum of the unpacked data is another", error);
      if (state.avail_out == 0)
        return error.set(file_error::wrong, place + ": error: the compressed data go on after the array");
      if (status == Z_BUF_ERROR || (status == Z_OK && state.avail_in == 0 && left == 0))
        return error.set(file_error::wrong, place + ": error: the compressed data are cut short");
    } while (status == Z_OK);
    if (status == Z_STREAM_END && (state.avail_in > 0 || left > 0))
      return file.fail(offset - state.avail_in, "bytes after the end of the compressed data", error);
    return status == Z_STREAM_END || file.fail(offset - state.avail_in, "damaged compressed data", error);
  }

private:
  bool refill(file_error &error) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(left, sizeof input));
    if (count > 0 && !file.read(offset, input, count, error))
      return false;
    offset += count;
    left -= count;
    state.next_in = input;
    state.avail_in = static_cast<uInt>(count);
    return true;
  }

  const input_file &file;
  uint64_t offset, left;
  const std::string place;
  z_stream state = {};
  bool ready = false;
  unsigned char input[65536];
};

} // namespace

std::unique_ptr<byte_stream> make_inflater(const input_file &file, uint64_t offset, uint64_t packed,
                                           const std::string &place) {
  return std::unique_ptr<byte_stream>(new inflating_stream(file, offset, packed, place, -MAX_WBITS));
}

std::unique_ptr<gunzipper> make_gunzipper(const input_file &file) {
  return std::unique_ptr<gunzipper>(new inflating_stream(file, 0, file.size(), file.name(), MAX_WBITS + 16));
}

} // namespace hornfels
