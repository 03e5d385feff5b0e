#include <algorithm>

#include "crc32.h"
#include "npz.h"
#include "npz_format.h"
#include "text.h"

namespace hornfels {

using namespace zip;

namespace {

/* Little-endian fields, one after another. */
class record {
public:
  record &u16(uint64_t value) { return add(value, 2); }
  record &u32(uint64_t value) { return add(value, 4); }
  record &u64(uint64_t value) { return add(value, 8); }
  record &text(const std::string &value) {
    bytes += value;
    return *this;
  }
  const std::string &str() const { return bytes; }

private:
  record &add(uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes;
};

constexpr uint32_t all_ones = 0xFFFFFFFF;
constexpr uint16_t plain_version = 20, wide_version = 45;
constexpr uint16_t first_day = 1 << 5 | 1; /* 1 January 1980, so that equal arrays make equal files */
constexpr uint16_t utf8_names = 1 << 11;
constexpr size_t seal_digits = 8;

std::string seal_text(uint32_t sum) { return format("%08x", static_cast<unsigned>(sum)); }

} // namespace

bool npz_writer::begin(const std::string &name, char kind, size_t width, const int64_t *shape, size_t rank,
                       file_error &error) {
  const std::string header = npy_header_bytes(kind, width, shape, rank);
  npz_member member;
  member.name = name;
  member.header = file.position();
  member.size = header.size();
  uint64_t elements = 1;
  for (size_t i = 0; i < rank; ++i)
    elements *= static_cast<uint64_t>(shape[i]);
  member.packed = member.size + elements * width;
  const bool wide = member.packed >= wide_from;
  record local;
  local.u32(local_signature).u16(wide ? wide_version : plain_version).u16(utf8_names).u16(stored);
  local.u16(0).u16(first_day).u32(0); /* the checksum comes at the end of the data */
  local.u32(wide ? all_ones : member.packed).u32(wide ? all_ones : member.packed);
  local.u16(name.size() + 4).u16(wide ? 20 : 0).text(name + ".npy");
  if (wide)
    local.u16(wide_extra).u16(16).u64(member.packed).u64(member.packed);
  member.checksum = crc32(0, header.data(), header.size());
  list.push_back(std::move(member));
  return put(local.str(), error) && put(header, error);
}

bool npz_writer::write(const void *data, size_t count, file_error &error) {
  npz_member &member = list.back();
  member.size += count;
  member.checksum = crc32(member.checksum, data, count);
  return file.write(data, count, error);
}

bool npz_writer::end(file_error &error) {
  const npz_member &member = list.back();
  if (member.size != member.packed)
    return error.set(file_error::wrong, member.name + ": error: fewer or more elements written than its shape says");
  const std::string checksum = record().u32(member.checksum).str();
  return file.write_at(member.header + 14, checksum.data(), checksum.size(), error);
}

bool npz_writer::finish(const std::string &comment, file_error &error) {
  const uint64_t directory = file.position();
  for (const npz_member &member : list) {
    const bool wide_size = member.size >= wide_from, wide_offset = member.header >= wide_from;
    const unsigned extra = (wide_size ? 16u : 0u) + (wide_offset ? 8u : 0u);
    record entry;
    entry.u32(entry_signature).u16(extra ? wide_version : plain_version).u16(extra ? wide_version : plain_version);
    entry.u16(utf8_names).u16(stored).u16(0).u16(first_day).u32(member.checksum);
    entry.u32(wide_size ? all_ones : member.size).u32(wide_size ? all_ones : member.size);
    entry.u16(member.name.size() + 4).u16(extra ? extra + 4 : 0).u16(0).u16(0).u16(0).u32(0);
    entry.u32(wide_offset ? all_ones : member.header).text(member.name + ".npy");
    if (extra)
      entry.u16(wide_extra).u16(extra);
    if (wide_size)
      entry.u64(member.size).u64(member.size);
    if (wide_offset)
      entry.u64(member.header);
    if (!put(entry.str(), error))
      return false;
  }
  const uint64_t after = file.position(), bytes = after - directory;
  const bool wide = after >= wide_from || list.size() >= 0xFFFF;
  record end;
  if (wide) {
    end.u32(wide_end_signature).u64(wide_end_bytes - 12).u16(wide_version).u16(wide_version).u32(0).u32(0);
    end.u64(list.size()).u64(list.size()).u64(bytes).u64(directory);
    end.u32(wide_locator_signature).u32(0).u64(after).u32(1);
  }
  const uint64_t count = wide ? 0xFFFFu : list.size();
  end.u32(end_signature).u16(0).u16(0).u16(count).u16(count);
  end.u32(wide ? all_ones : bytes).u32(wide ? all_ones : directory).u16(comment.size()).text(comment);
  return put(end.str(), error);
}

bool npz_writer::commit_sealed(const std::string &label, const std::string &keep, file_error &error) {
  uint32_t sum;
  /* The length of the comment counts the digits, which can only be known behind it. */
  return finish(label + std::string(seal_digits, '0'), error) && file.truncate(file.position() - seal_digits, error) &&
         file.checksum(sum, error) && put(seal_text(sum), error) && file.commit(error, keep);
}

bool check_seal(const input_file &file, const std::string &label, file_error &error) {
  const size_t tail = label.size() + seal_digits;
  if (file.size() < tail)
    return file.fail(file.size(), "the file is cut short", error);
  const uint64_t end = file.size() - seal_digits;
  std::string text(tail, ' ');
  if (!file.read(file.size() - tail, &text[0], tail, error))
    return false;
  if (text.compare(0, label.size(), label) != 0)
    return file.fail(file.size() - tail, "does not end as expected: the file is damaged or cut short", error);
  uint32_t sum = 0;
  char bytes[65536];
  for (uint64_t at = 0; at < end;) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(sizeof bytes, end - at));
    if (!file.read(at, bytes, count, error))
      return false;
    sum = crc32(sum, bytes, count);
    at += count;
  }
  if (text.compare(label.size(), seal_digits, seal_text(sum)) != 0)
    return file.fail(end, "the checksum is " + seal_text(sum) + ", expected " + quoted(text.substr(label.size())), error);
  return true;
}

} // namespace hornfels
