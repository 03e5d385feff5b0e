#include <algorithm>
#include <cstring>

#include "crc32.h"
#include "npz.h"
#include "npz_format.h"
#include "text.h"

namespace hornfels {

using namespace zip;

namespace {

inflater make_inflater = nullptr;

/* Deflate cannot shrink by more than this. */
constexpr uint64_t largest_ratio = 1032;

/* A stored member: the bytes of the file themselves. */
class stored_stream : public byte_stream {
public:
  stored_stream(const input_file &source, uint64_t at) : file(source), offset(at) {}
  bool read(void *data, size_t count, file_error &error) override {
    if (!file.read(offset, data, count, error))
      return false;
    offset += count;
    return true;
  }

private:
  const input_file &file;
  uint64_t offset;
};

/* Why a member's name is refused, or null. */
const char *bad_name(const std::string &name) {
  if (name.empty())
    return "has no name";
  if (name.size() > npz_longest_name)
    return "has a name of more than 1024 bytes";
  if (name[0] == '/' || name.find('\\') != std::string::npos || (name.size() > 1 && name[1] == ':'))
    return "leads outside the archive";
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find('/', start), name.size());
    if (name.compare(start, end - start, "..") == 0)
      return "leads outside the archive";
    start = end + 1;
  }
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "has a control character in its name";
  return nullptr;
}

/* The 64-bit values that the extra field gives for those of size, packed and offset that are all ones. */
bool read_wide(const unsigned char *extra, size_t length, uint64_t *const *fields, size_t count) {
  for (size_t at = 0; at + 4 <= length;) {
    const size_t bytes = get16(extra + at + 2);
    if (at + 4 + bytes > length)
      return false;
    if (get16(extra + at) == wide_extra) {
      if (bytes < count * 8)
        return false;
      for (size_t i = 0; i < count; ++i)
        *fields[i] = get64(extra + at + 4 + i * 8);
      return true;
    }
    at += 4 + bytes;
  }
  return count == 0;
}

} // namespace

void set_inflater(inflater make) { make_inflater = make; }

std::string npz_reader::place(const npz_member &member) const {
  return source.name() + "!" + quoted(member.name + ".npy");
}

const npz_member *npz_reader::find(const std::string &name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &list[found->second];
}

bool npz_reader::open(const std::string &path, file_error &error) {
  uint64_t offset, bytes, count;
  if (!source.open(path, error) || !locate(offset, bytes, count, error))
    return false;
  std::vector<unsigned char> directory(bytes);
  if (!source.read(offset, directory.data(), bytes, error))
    return false;
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i)
    if (!read_entry(directory, at, offset, error))
      return false;
  if (at != bytes)
    return source.fail(offset + at, "the directory goes on after its last entry", error);
  return separate(offset, error);
}

/* The directory's place, from the record at the end of the file: it is found backwards, as a comment may follow. */
bool npz_reader::locate(uint64_t &offset, uint64_t &bytes, uint64_t &count, file_error &error) const {
  const uint64_t size = source.size();
  unsigned char magic[6] = {};
  if (size >= sizeof magic && !source.read(0, magic, sizeof magic, error))
    return false;
  if (std::memcmp(magic, "\x93NUMPY", 6) == 0)
    return source.fail(0, "a single .npy array; an .npz archive is expected", error);
  if (size < end_bytes || magic[0] != 'P' || magic[1] != 'K')
    return source.fail(0, "not an .npz archive", error);
  const size_t tail_bytes = static_cast<size_t>(std::min<uint64_t>(size, end_bytes + 65535));
  std::vector<unsigned char> tail(tail_bytes);
  if (!source.read(size - tail_bytes, tail.data(), tail_bytes, error))
    return false;
  size_t at = tail_bytes - end_bytes + 1;
  const unsigned char *end = nullptr;
  while (!end && at-- > 0)
    if (get32(&tail[at]) == end_signature && at + end_bytes + get16(&tail[at + 20]) == tail_bytes)
      end = &tail[at];
  if (!end)
    return source.fail(size, "no directory at the end: the archive is cut short", error);
  uint64_t end_at = size - tail_bytes + at;
  uint64_t here = get16(end + 8), disks = uint64_t{get16(end + 4)} + get16(end + 6);
  count = get16(end + 10);
  bytes = get32(end + 12);
  offset = get32(end + 16);
  if (count == 0xFFFF || bytes == 0xFFFFFFFF || offset == 0xFFFFFFFF) {
    unsigned char locator[wide_locator_bytes], wide[wide_end_bytes];
    if (end_at < wide_locator_bytes)
      return source.fail(end_at, "the archive has no 64-bit directory", error);
    if (!source.read(end_at - wide_locator_bytes, locator, sizeof locator, error))
      return false;
    if (get32(locator) == wide_locator_signature) {
      const uint64_t wide_at = get64(locator + 8);
      if (wide_at > end_at - wide_locator_bytes || end_at - wide_locator_bytes - wide_at < wide_end_bytes)
        return source.fail(end_at - wide_locator_bytes, "the 64-bit directory lies outside the file", error);
      if (!source.read(wide_at, wide, sizeof wide, error))
        return false;
      if (get32(wide) != wide_end_signature)
        return source.fail(wide_at, "the archive has no 64-bit directory", error);
      end_at = wide_at;
      disks = uint64_t{get32(wide + 16)} + get32(wide + 20);
      here = get64(wide + 24);
      count = get64(wide + 32);
      bytes = get64(wide + 40);
      offset = get64(wide + 48);
    }
  }
  if (disks != 0 || here != count)
    return source.fail(end_at, "the archive is split over several files", error);
  if (offset > end_at || bytes > end_at - offset)
    return source.fail(end_at, "the directory lies outside the file", error);
  if (count > npz_most_members || count > bytes / entry_bytes)
    return source.fail(end_at, format("%llu members in a directory of %llu bytes (at most %llu members are read)",
                                      static_cast<unsigned long long>(count), static_cast<unsigned long long>(bytes),
                                      static_cast<unsigned long long>(npz_most_members)), error);
  return true;
}

bool npz_reader::read_entry(const std::vector<unsigned char> &directory, size_t &at, uint64_t start,
                            file_error &error) {
  const unsigned char *entry = directory.data() + at;
  const uint64_t where = start + at;
  if (directory.size() - at < entry_bytes || get32(entry) != entry_signature)
    return source.fail(where, "expected an entry of the directory", error);
  const size_t name_bytes = get16(entry + 28), extra_bytes = get16(entry + 30), comment_bytes = get16(entry + 32);
  if (directory.size() - at - entry_bytes < name_bytes + extra_bytes + comment_bytes)
    return source.fail(where, "an entry goes beyond the end of the directory", error);
  at += entry_bytes + name_bytes + extra_bytes + comment_bytes;

  std::string path(reinterpret_cast<const char *>(entry + entry_bytes), name_bytes);
  if (const char *why = bad_name(path))
    return source.fail(where, "member " + quoted(path.substr(0, 80)) + " " + why, error);
  npz_member member;
  const unsigned flags = get16(entry + 8);
  member.method = get16(entry + 10);
  member.checksum = get32(entry + 16);
  member.packed = get32(entry + 20);
  member.size = get32(entry + 24);
  member.header = get32(entry + 42);
  uint64_t *wide[3];
  size_t count = 0;
  for (uint64_t *field : {&member.size, &member.packed, &member.header})
    if (*field == 0xFFFFFFFF)
      wide[count++] = field;
  if (!read_wide(entry + entry_bytes + name_bytes, extra_bytes, wide, count))
    return source.fail(where, "member " + quoted(path) + " has a damaged 64-bit size", error);
  if (path.size() < 4 || path.compare(path.size() - 4, 4, ".npy") != 0)
    return true;

  member.name = path.substr(0, path.size() - 4);
  if (!index.emplace(member.name, list.size()).second)
    return source.fail(where, "a second member " + quoted(path), error);
  if (flags & 0x2041u)
    return source.fail(where, "member " + quoted(path) + " is encrypted", error);
  if (member.method != stored && member.method != deflated)
    return source.fail(where, "member " + quoted(path) + format(" is packed by method %u; only stored and deflate are read",
                                                                static_cast<unsigned>(member.method)), error);
  if (member.method == stored && member.packed != member.size)
    return source.fail(where, "member " + quoted(path) + " is stored, but its two sizes differ", error);
  if (member.packed > source.size())
    return source.fail(where, "member " + quoted(path) + " is larger than the file", error);
  if (member.size / largest_ratio > member.packed)
    return source.fail(where, "member " + quoted(path) + format(" cannot be %llu bytes: it has %llu packed",
                       static_cast<unsigned long long>(member.size), static_cast<unsigned long long>(member.packed)), error);
  list.push_back(std::move(member));
  return true;
}

/* Each member must end where the next one begins, or before: overlapping ones are how small files become huge. */
bool npz_reader::separate(uint64_t directory, file_error &error) {
  std::vector<npz_member *> order;
  for (npz_member &member : list)
    order.push_back(&member);
  std::sort(order.begin(), order.end(), [](const npz_member *a, const npz_member *b) { return a->header < b->header; });
  uint64_t limit = directory;
  for (size_t i = order.size(); i-- > 0;) {
    npz_member &member = *order[i];
    member.limit = limit;
    if (member.header > limit || limit - member.header < local_bytes ||
        limit - member.header - local_bytes < member.packed)
      return source.fail(member.header, "member " + quoted(member.name + ".npy") + " overlaps what follows it", error);
    limit = member.header;
  }
  return true;
}

bool npz_array::open(const npz_reader &archive, const npz_member &member, npy_header &header, file_error &error,
                     bool objects) {
  const input_file &file = archive.file();
  place = archive.place(member);
  unsigned char local[local_bytes];
  if (!file.read(member.header, local, local_bytes, error))
    return false;
  if (get32(local) != local_signature)
    return file.fail(member.header, "expected the header of member " + quoted(member.name + ".npy"), error);
  const size_t name_bytes = get16(local + 26), extra_bytes = get16(local + 28);
  const uint64_t data = member.header + local_bytes + name_bytes + extra_bytes;
  if (data > member.limit || member.limit - data < member.packed)
    return file.fail(member.header, "member " + quoted(member.name + ".npy") + " overlaps what follows it", error);
  std::string name(name_bytes, '\0');
  if (name_bytes > 0 && !file.read(member.header + local_bytes, &name[0], name_bytes, error))
    return false;
  if (name != member.name + ".npy" || get16(local + 8) != member.method)
    return file.fail(member.header, "member " + quoted(member.name + ".npy") + " has another name or method here than in the directory",
                     error);
  if (member.method == stored)
    stream.reset(new stored_stream(file, data));
  else if (make_inflater)
    stream = make_inflater(file, data, member.packed, place);
  else
    return error.set(file_error::wrong, place + ": error: is compressed; this program reads stored members only");
  left = member.size;
  expected = member.checksum;
  checksum = 0;
  if (!read_npy_header(*this, place, header, error, objects))
    return false;
  if (header.kind != 'O' && header.data_bytes != left)
    return error.set(file_error::wrong, place + ": error: " +
                                            format("holds %llu bytes of data, its header %s asks for %llu",
                                                   static_cast<unsigned long long>(left), header.text().c_str(),
                                                   static_cast<unsigned long long>(header.data_bytes)));
  return true;
}

bool npz_array::read(void *data, size_t count, file_error &error) {
  if (count > left)
    return error.set(file_error::wrong, place + format(": error: ends after %llu more bytes, %zu were expected",
                                                       static_cast<unsigned long long>(left), count));
  if (!stream->read(data, count, error))
    return false;
  checksum = crc32(checksum, data, count);
  left -= count;
  if (left == 0 && checksum != expected)
    return error.set(file_error::wrong, place + format(": error: damaged: its checksum is %08x, the archive says %08x",
                                                       checksum, expected));
  return true;
}

} // namespace hornfels
