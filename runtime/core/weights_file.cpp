#include "weights_file.h"

#include "npz.h"
#include "safetensors.h"

namespace hornfels {

weights_reader::~weights_reader() = default;
weights_writer::~weights_writer() = default;

namespace {

class npz_weights : public weights_reader {
public:
  bool open(const std::string &path, file_error &error) { return archive.open(path, error); }
  std::vector<std::string> names() const override {
    std::vector<std::string> list;
    for (const npz_member &member : archive.members())
      list.push_back(member.name);
    return list;
  }
  bool describe(const std::string &name, npy_header &header, bool &found, file_error &error) const override {
    const npz_member *const member = archive.find(name);
    npz_array array;
    found = member != nullptr;
    return !found || array.open(archive, *member, header, error);
  }
  bool read(const std::string &name, void *data, file_error &error) const override {
    npz_array array;
    npy_header header;
    return array.open(archive, *archive.find(name), header, error) &&
           array.read(data, static_cast<size_t>(header.data_bytes), error);
  }
  bool unchanged(file_error &error) const override { return archive.file().unchanged(error); }

private:
  npz_reader archive;
};

class safetensors_weights : public weights_reader {
public:
  bool open(const std::string &path, file_error &error) { return reader.open(path, error); }
  std::vector<std::string> names() const override {
    std::vector<std::string> list;
    for (const safetensors_entry &entry : reader.entries())
      list.push_back(entry.name);
    return list;
  }
  bool describe(const std::string &name, npy_header &header, bool &found, file_error &) const override {
    const safetensors_entry *const entry = reader.find(name);
    found = entry != nullptr;
    if (found)
      header = entry->header;
    return true;
  }
  bool read(const std::string &name, void *data, file_error &error) const override {
    return reader.read(*reader.find(name), data, error);
  }
  bool unchanged(file_error &error) const override { return reader.file().unchanged(error); }

private:
  safetensors_reader reader;
};

class npz_target : public weights_writer {
public:
  bool open(const std::string &path, file_error &error) { return archive.open(path, error); }
  bool write(const listed_array &array, const void *data, size_t bytes, file_error &error) override {
    return archive.begin(array.name, array.kind, array.width, array.shape.data(), array.shape.size(),
                         error) &&
           archive.write(data, bytes, error) && archive.end(error);
  }
  bool commit(file_error &error) override { return archive.commit(error); }

private:
  npz_writer archive;
};

class safetensors_target : public weights_writer {
public:
  bool open(const std::string &path, const std::vector<listed_array> &arrays, file_error &error) {
    const std::string header = safetensors_header_bytes(arrays);
    return file.open(path, error) && file.write(header.data(), header.size(), error);
  }
  bool write(const listed_array &, const void *data, size_t bytes, file_error &error) override {
    return file.write(data, bytes, error);
  }
  bool commit(file_error &error) override { return file.commit(error); }

private:
  output_file file;
};

bool ends_in(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/* The ninth byte of a .safetensors file is a brace, the first two of an archive are PK. */
bool is_safetensors(const std::string &path) {
  input_file file;
  file_error ignored;
  char begin[9] = {};
  if (!file.open(path, ignored) || file.size() < sizeof begin || !file.read(0, begin, sizeof begin, ignored))
    return ends_in(path, ".safetensors");
  if (begin[0] == 'P' && begin[1] == 'K')
    return false;
  return begin[8] == '{' || ends_in(path, ".safetensors");
}

} // namespace

std::unique_ptr<weights_reader> open_weights(const std::string &path, file_error &error) {
  if (is_safetensors(path)) {
    std::unique_ptr<safetensors_weights> file(new safetensors_weights);
    return file->open(path, error) ? std::unique_ptr<weights_reader>(std::move(file)) : nullptr;
  }
  std::unique_ptr<npz_weights> file(new npz_weights);
  return file->open(path, error) ? std::unique_ptr<weights_reader>(std::move(file)) : nullptr;
}

std::unique_ptr<weights_writer> create_weights(const std::string &path,
                                               const std::vector<listed_array> &arrays, file_error &error) {
  if (ends_in(path, ".safetensors")) {
    std::unique_ptr<safetensors_target> file(new safetensors_target);
    return file->open(path, arrays, error) ? std::unique_ptr<weights_writer>(std::move(file)) : nullptr;
  }
  std::unique_ptr<npz_target> file(new npz_target);
  return file->open(path, error) ? std::unique_ptr<weights_writer>(std::move(file)) : nullptr;
}

} // namespace hornfels
