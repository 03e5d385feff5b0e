#include "arrays.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <strings.h>

#include "csv.h"
#include "idx.h"
#include "pickle.h"
#include "runtime/core/npz.h"
#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

/* A file from its beginning. */
class file_stream : public byte_stream {
public:
  explicit file_stream(const input_file &source, uint64_t begin = 0) : file(source), offset(begin) {}
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

/* Opens an array's elements from the first one on. */
using opener = std::function<std::unique_ptr<byte_stream>()>;

/* Lists in a pickle, which goes on to the end of its array. */
class pickled_lists : public lists_source {
public:
  pickled_lists(opener source, pickle_place where, int64_t expected_rows)
      : open(std::move(source)), place(std::move(where)), rows(expected_rows) {}
  token_lists read() override {
    if (deserve_a_check(place, rows))
      check_pickled_lists(*open(), place, rows);
    return read_pickled_lists(*open(), place, rows);
  }

private:
  const opener open;
  const pickle_place place;
  const int64_t rows;
};

/* Gives a source of objects its reader. `bytes` of pickle follow the header, unpacked from `in_file`. */
void read_as_pickle(array_source &source, uint64_t bytes, uint64_t in_file, opener open) {
  if (source.header.rank != 1)
    throw failure(exit_input, source.place + ": error: is " + source.header.text() +
                                  " (pickled), expected one axis: a list of numbers for each row");
  source.stream.reset();
  source.lists = std::make_unique<pickled_lists>(
      std::move(open), pickle_place{source.place, source.header.data_offset, bytes, in_file},
      source.header.shape[0]);
}

class npz_container : public array_container {
public:
  explicit npz_container(const std::string &path) {
    file_error error;
    require(archive.open(path, error), error);
  }
  const std::string &name() const override { return archive.file().name(); }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const npz_member &member : archive.members())
      result.push_back(member.name);
    return result;
  }
  bool has(const std::string &array) const override { return archive.find(array); }
  array_source open(const std::string &array) const override {
    const npz_member &member = *archive.find(array);
    array_source source;
    source.place = archive.place(member);
    auto elements = elements_of(member, source.header);
    const uint64_t left = elements->remaining();
    source.stream = std::move(elements);
    if (source.header.kind == 'O')
      read_as_pickle(source, left, member.packed, [this, &member] {
        npy_header header;
        return elements_of(member, header);
      });
    return source;
  }
  void require_unchanged() const override {
    file_error error;
    require(archive.file().unchanged(error), error);
  }

private:
  std::unique_ptr<npz_array> elements_of(const npz_member &member, npy_header &header) const {
    auto elements = std::make_unique<npz_array>();
    file_error error;
    require(elements->open(archive, member, header, error, true), error);
    return elements;
  }

  npz_reader archive;
};

/* A file with one array, which answers to every name. */
class single_container : public array_container {
public:
  explicit single_container(std::unique_ptr<input_file> source) : file(std::move(source)) {}
  const std::string &name() const override { return file->name(); }
  std::vector<std::string> names() const override { return {}; }
  bool has(const std::string &) const override { return true; }
  void require_unchanged() const override {
    file_error error;
    require(file->unchanged(error), error);
  }

protected:
  const std::unique_ptr<input_file> file;
};

class npy_container : public single_container {
public:
  using single_container::single_container;
  array_source open(const std::string &) const override {
    array_source source;
    file_error error;
    source.place = file->name();
    source.stream = std::make_unique<file_stream>(*file);
    require(read_npy_header(*source.stream, source.place, source.header, error, true), error);
    const uint64_t present = file->size() - source.header.data_offset;
    if (source.header.kind == 'O')
      read_as_pickle(source, present, present, [this, begin = source.header.data_offset] {
        return std::make_unique<file_stream>(*file, begin);
      });
    else if (present != source.header.data_bytes)
      throw failure(exit_input,
                    source.place + format(": error: holds %llu bytes of data, its header %s asks for %llu",
                                          static_cast<unsigned long long>(present),
                                          source.header.text().c_str(),
                                          static_cast<unsigned long long>(source.header.data_bytes)));
    return source;
  }
};

class idx_container : public single_container {
public:
  using single_container::single_container;
  array_source open(const std::string &) const override { return open_idx(*file); }
};

/* Arrays that have a file each. */
class several_container : public array_container {
public:
  explicit several_container(const data_options &options) {
    for (const auto &[array, path] : options.inputs) {
      data_file file(path);
      if (!file.is_single())
        throw failure(exit_input, file.name() + ": error: is " + (file.as_text() ? "text" : "a file of several arrays") +
                                      "; --input " + array +
                                      "=FILE takes a .npy or IDX file; give this one by --data");
      if (!members.emplace(array, std::move(file)).second)
        throw failure(exit_usage, "error: --input " + quoted(array) + " is given twice");
      shown += (shown.empty() ? "" : ", ") + members.at(array).name();
    }
  }
  const std::string &name() const override { return shown; }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto &member : members)
      result.push_back(member.first);
    return result;
  }
  bool has(const std::string &array) const override { return members.count(array) != 0; }
  array_source open(const std::string &array) const override { return members.at(array).open(array); }
  void require_unchanged() const override {
    for (const auto &member : members)
      member.second.require_unchanged();
  }

private:
  std::map<std::string, data_file> members;
  std::string shown;
};

bool ends_in(const std::string &path, const char *end) {
  return path.size() > 4 && strcasecmp(path.c_str() + path.size() - 4, end) == 0;
}

bool begins_as_npy(const input_file &file) {
  char magic[6];
  file_error error;
  return file.size() >= sizeof magic && file.read(0, magic, sizeof magic, error) &&
         std::memcmp(magic, "\x93NUMPY", sizeof magic) == 0;
}

} // namespace

data_file::data_file(const std::string &path, const data_options &options) : reading(options) {
  file_error error;
  auto file = std::make_unique<input_file>();
  require(file->open(path, error), error);
  if (ends_in(path, ".csv")) {
    kind = table;
    columns = std::make_unique<csv_table>(std::move(file));
  } else if (ends_in(path, ".txt")) {
    kind = text;
    characters = std::move(file);
  } else if (begins_as_npy(*file)) {
    kind = single;
    arrays = std::make_unique<npy_container>(std::move(file));
  } else if (begins_as_idx(*file)) {
    kind = single;
    arrays = std::make_unique<idx_container>(std::move(file));
  } else {
    arrays = std::make_unique<npz_container>(path);
  }
}

data_file::data_file(const data_options &options)
    : kind(several), arrays(std::make_unique<several_container>(options)), reading(options) {}

data_file::~data_file() = default;
data_file::data_file(data_file &&) noexcept = default;

std::string data_file::find(const std::vector<std::string> &candidates) const {
  for (const std::string &name : candidates)
    if (arrays && arrays->has(name))
      return name;
  return "";
}

std::vector<std::string> data_file::names() const {
  return arrays ? arrays->names() : columns ? columns->names() : std::vector<std::string>();
}

array_source data_file::open(const std::string &name) const { return arrays->open(name); }

const std::string &data_file::name() const {
  return arrays ? arrays->name() : columns ? columns->name() : characters->name();
}

void data_file::require_unchanged() const {
  if (characters) {
    file_error error;
    require(characters->unchanged(error), error);
    return;
  }
  arrays ? arrays->require_unchanged() : columns->require_unchanged();
}

data_file open_data(const std::string &path, const data_options &how) {
  return how.inputs.empty() ? data_file(path, how) : data_file(how);
}

} // namespace hornfels
