#include "idx.h"

#include <algorithm>
#include <cstring>

#include "inflate.h"
#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

/* Deflate cannot shrink by more than this. */
constexpr uint64_t largest_ratio = 1032;
constexpr unsigned char gzip_magic[2] = {0x1f, 0x8b};

bool is_gzip(const input_file &file) {
  unsigned char magic[2];
  file_error error;
  return file.size() >= 18 && file.read(0, magic, 2, error) && std::memcmp(magic, gzip_magic, 2) == 0;
}

/* kind and width of an element; false for an unknown code. */
bool element_of(unsigned char code, char &kind, size_t &width) {
  switch (code) {
  case 0x08:
    kind = 'u', width = 1;
    return true;
  case 0x09:
    kind = 'i', width = 1;
    return true;
  case 0x0b:
    kind = 'i', width = 2;
    return true;
  case 0x0c:
    kind = 'i', width = 4;
    return true;
  case 0x0d:
    kind = 'f', width = 4;
    return true;
  case 0x0e:
    kind = 'f', width = 8;
    return true;
  default:
    return false;
  }
}

/* The elements, turned to little-endian; after the last one the file must end. */
class idx_stream : public byte_stream {
public:
  idx_stream(const input_file &source, bool gzip, std::string where)
      : file(source), packed(gzip ? make_gunzipper(source) : nullptr), place(std::move(where)) {}
  bool read(void *data, size_t count, file_error &error) override {
    const bool done = packed ? packed->read(data, count, error) : file.read(offset, data, count, error);
    if (!done)
      return false;
    offset += count;
    if (width > 1)
      turn(static_cast<unsigned char *>(data), count);
    return offset != end || !packed || packed->at_end(error);
  }
  /* From here on: `bytes` bytes of elements of this width. */
  void begin_elements(size_t element_width, uint64_t bytes) {
    width = element_width;
    end = offset + bytes;
  }

private:
  void turn(unsigned char *bytes, size_t count) const {
    for (size_t at = 0; at + width <= count; at += width)
      std::reverse(bytes + at, bytes + at + width);
  }

  const input_file &file;
  std::unique_ptr<gunzipper> packed;
  const std::string place;
  uint64_t offset = 0, end = 0;
  size_t width = 1;
};

} // namespace

bool begins_as_idx(const input_file &file) {
  unsigned char magic[4];
  file_error error;
  char kind;
  size_t width;
  return is_gzip(file) || (file.size() >= 4 && file.read(0, magic, 4, error) && magic[0] == 0 &&
                           magic[1] == 0 && element_of(magic[2], kind, width));
}

array_source open_idx(const input_file &file) {
  array_source source;
  file_error error;
  const bool gzip = is_gzip(file);
  source.place = file.name();
  const auto refuse = [&](size_t at, const std::string &message) {
    throw failure(exit_input, source.place + format("@0x%zx: error: ", at) + message);
  };
  auto stream = std::make_unique<idx_stream>(file, gzip, source.place);
  npy_header &header = source.header;
  unsigned char magic[4];
  require(stream->read(magic, 4, error), error);
  if (magic[0] != 0 || magic[1] != 0 || !element_of(magic[2], header.kind, header.width))
    refuse(0, format("begins with %02x %02x %02x, which is no element type of IDX", magic[0], magic[1],
                     magic[2]));
  if (magic[3] > npy_most_axes)
    refuse(3, format("%u axes; at most %zu are read", static_cast<unsigned>(magic[3]), npy_most_axes));
  header.rank = magic[3];
  for (size_t i = 0; i < header.rank; ++i) {
    unsigned char size[4];
    require(stream->read(size, 4, error), error);
    header.shape[i] = static_cast<int64_t>(size[0]) << 24 | size[1] << 16 | size[2] << 8 | size[3];
  }
  header.elements = checked_product(header.shape, header.rank, INT64_MAX / 16);
  if (header.elements < 0)
    refuse(4, "the product of the sizes " + shape_text(header.shape, header.rank) + " is out of range");
  header.data_offset = 4 + 4 * header.rank;
  header.data_bytes = static_cast<uint64_t>(header.elements) * header.width;
  const uint64_t present = gzip ? file.size() * largest_ratio : file.size() - header.data_offset;
  if (gzip ? header.data_bytes > present : header.data_bytes != present)
    refuse(4, format("the sizes %s ask for %llu bytes of elements, the file has %s%llu",
                     header.text().c_str(), static_cast<unsigned long long>(header.data_bytes),
                     gzip ? "at most " : "", static_cast<unsigned long long>(present)));
  stream->begin_elements(header.width, header.data_bytes);
  source.stream = std::move(stream);
  return source;
}

} // namespace hornfels
