#include "arrays.h"

#include <cstring>

#include "failure.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

/* A file from its beginning. */
class file_stream : public byte_stream {
public:
  explicit file_stream(const input_file &source) : file(source) {}
  bool read(void *data, size_t count, file_error &error) override {
    if (!file.read(offset, data, count, error))
      return false;
    offset += count;
    return true;
  }

private:
  const input_file &file;
  uint64_t offset = 0;
};

bool begins_as_npy(const input_file &file) {
  char magic[6];
  file_error error;
  return file.size() >= sizeof magic && file.read(0, magic, sizeof magic, error) &&
         std::memcmp(magic, "\x93NUMPY", sizeof magic) == 0;
}

} // namespace

data_file::data_file(const std::string &path) {
  file_error error;
  auto file = std::make_unique<input_file>();
  require(file->open(path, error), error);
  if (begins_as_npy(*file)) {
    single = std::move(file);
    return;
  }
  archive = std::make_unique<npz_reader>();
  require(archive->open(path, error), error);
}

std::string data_file::find(const std::vector<std::string> &candidates) const {
  if (single)
    return candidates.empty() ? "" : candidates.front();
  for (const std::string &name : candidates)
    if (archive->find(name))
      return name;
  return "";
}

std::vector<std::string> data_file::names() const {
  std::vector<std::string> result;
  if (archive)
    for (const npz_member &member : archive->members())
      result.push_back(member.name);
  return result;
}

array_source data_file::open(const std::string &name) const {
  array_source source;
  file_error error;
  if (single) {
    source.place = single->name();
    source.stream = std::make_unique<file_stream>(*single);
    require(read_npy_header(*source.stream, source.place, source.header, error), error);
    const uint64_t present = single->size() - source.header.data_offset;
    if (present != source.header.data_bytes)
      throw failure(exit_input,
                    source.place + format(": error: holds %llu bytes of data, its header %s asks for %llu",
                                          static_cast<unsigned long long>(present),
                                          source.header.text().c_str(),
                                          static_cast<unsigned long long>(source.header.data_bytes)));
    return source;
  }
  const npz_member &member = *archive->find(name);
  source.place = archive->place(member);
  auto array = std::make_unique<npz_array>();
  require(array->open(*archive, member, source.header, error), error);
  source.stream = std::move(array);
  return source;
}

void data_file::require_unchanged() const {
  file_error error;
  require((single ? *single : archive->file()).unchanged(error), error);
}

} // namespace hornfels
