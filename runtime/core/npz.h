/* Arrays in a .npz archive, which is a zip of .npy members: reading and writing. Stored members need nothing but this
 * folder; compressed ones need an inflater, which a program registers (it has zlib, embedded code need not). Every
 * size is checked against every other before it is believed; nothing is ever unpacked to a file. */
#ifndef HORNFELS_NPZ_H
#define HORNFELS_NPZ_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "files.h"
#include "npy.h"

namespace hornfels {

constexpr size_t npz_longest_name = 1024;
constexpr uint64_t npz_most_members = 100000;

/* One member, as the archive's directory tells it. */
struct npz_member {
  std::string name;    /* without ".npy": "dense/kernel" */
  uint64_t header = 0; /* where its local header begins */
  uint64_t limit = 0;  /* where what follows it begins: it must end before */
  uint64_t packed = 0; /* bytes in the file */
  uint64_t size = 0;   /* bytes of the .npy */
  uint32_t checksum = 0;
  uint16_t method = 0; /* 0 stored, 8 deflate */
};

/* Makes a stream of `size` bytes of the deflate data at file[offset, offset + packed). `place` names it in errors. */
using inflater = std::unique_ptr<byte_stream> (*)(const input_file &file, uint64_t offset, uint64_t packed,
                                                  const std::string &place);

/* Registers what unpacks compressed members, for the whole process; to be called before archives are read. */
void set_inflater(inflater make);

/* An archive, open for reading. */
class npz_reader {
public:
  /* Reads the directory. Refused: what is not a zip or is cut short, encrypted or overlapping members, names that
   * are doubled, absolute, too long or lead outside, methods other than stored and deflate, sizes that lie. Members
   * that are not .npy are passed over. */
  bool open(const std::string &path, file_error &error);
  const std::vector<npz_member> &members() const { return list; }
  /* The member of a name (without ".npy"), or null. */
  const npz_member *find(const std::string &name) const;
  const input_file &file() const { return source; }
  /* "weights.npz!dense/kernel.npy". */
  std::string place(const npz_member &member) const;

private:
  bool locate(uint64_t &offset, uint64_t &bytes, uint64_t &count, file_error &error) const;
  bool read_entry(const std::vector<unsigned char> &directory, size_t &at, uint64_t start, file_error &error);
  bool separate(uint64_t directory, file_error &error);

  input_file source;
  std::vector<npz_member> list;
  std::unordered_map<std::string, size_t> index;
};

/* The elements of one member, from first to last. */
class npz_array : public byte_stream {
public:
  /* Reads the .npy header and checks that the member's size is what it asks for. Pickled objects are taken only
   * with `objects`; they go on to the end of the member. */
  bool open(const npz_reader &archive, const npz_member &member, npy_header &header, file_error &error,
            bool objects = false);
  /* The next bytes of the elements. With the last of them the checksum is checked. */
  bool read(void *data, size_t count, file_error &error) override;
  /* Bytes that have not been read. */
  uint64_t remaining() const { return left; }

private:
  std::unique_ptr<byte_stream> stream;
  std::string place;
  uint64_t left = 0;
  uint32_t expected = 0, checksum = 0;
};

/* An archive of stored members, written as an output_file: it appears when it is whole. The same arrays give the same
 * bytes. */
class npz_writer {
public:
  /* `zip64_from`: sizes and offsets from here on take the 64-bit form. */
  explicit npz_writer(uint64_t zip64_from = 0xFFFFFFFFu) : wide_from(zip64_from) {}
  bool open(const std::string &path, file_error &error) { return file.open(path, error); }
  /* Begins an array; its elements follow by write(), exactly as many as the shape says. */
  bool begin(const std::string &name, char kind, size_t width, const int64_t *shape, size_t rank, file_error &error);
  bool write(const void *data, size_t count, file_error &error);
  bool end(file_error &error);
  bool commit(file_error &error) { return finish("", error) && file.commit(error); }
  /* The same, with the archive's comment `label` and after it a checksum of all bytes before, eight hexadecimal digits
   * that end the file: no bit can change unseen. The file that had the name before is kept as `keep`. */
  bool commit_sealed(const std::string &label, const std::string &keep, file_error &error);

private:
  bool put(const std::string &bytes, file_error &error) { return file.write(bytes.data(), bytes.size(), error); }
  bool finish(const std::string &comment, file_error &error);

  output_file file;
  uint64_t wide_from;
  std::vector<npz_member> list;
};

/* Whether the file ends in a seal with this label and its checksum is right; says what is wrong with it. */
bool check_seal(const input_file &file, const std::string &label, file_error &error);

} // namespace hornfels

#endif
