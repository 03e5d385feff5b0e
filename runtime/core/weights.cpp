#include "weights.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "npz.h"
#include "text.h"

namespace hornfels {

namespace {

constexpr int most_lines = 20;

struct free_memory {
  void operator()(void *p) const { std::free(p); }
};
using memory = std::unique_ptr<void, free_memory>;

bool is_saved(const hornfels_tensor &variable) {
  return variable.role == HORNFELS_WEIGHT || variable.role == HORNFELS_STATE;
}

int64_t elements_of(const hornfels_tensor &variable) {
  return checked_product(variable.shape, static_cast<size_t>(variable.rank), INT64_MAX / 16);
}

/* Memory for a variable; never of size 0, which could be null. */
memory allocate(const hornfels_tensor &variable) {
  return memory(std::malloc(static_cast<size_t>(elements_of(variable)) * type_bytes(variable.type) + 1));
}

/* Lines of complaint about one file: all of them, up to a limit. */
class complaints {
public:
  explicit complaints(const std::string &file) : name(file) {}
  void add(const std::string &message) {
    if (++count <= most_lines)
      text += (count > 1 ? "\n" : "") + name + ": " + message;
  }
  bool any() const { return count > 0; }
  std::string str() const {
    return count > most_lines ? text + "\n" + name + format(": and %d more", count - most_lines) : text;
  }

private:
  std::string name, text;
  int count = 0;
};

bool same_type(const hornfels_tensor &variable, const npy_header &header) {
  char kind;
  size_t width;
  return npy_type_of(variable.type, kind, width) && kind == header.kind && width == header.width;
}

/* Whether the array can be the variable: same shape, and the same type or f32 where the model has f64. */
bool fits(const hornfels_tensor &variable, const npy_header &header) {
  const bool widened = variable.type == HORNFELS_F64 && header.kind == 'f' && header.width == 4;
  return (same_type(variable, header) || widened) && static_cast<size_t>(variable.rank) == header.rank &&
         std::memcmp(variable.shape, header.shape, header.rank * sizeof(int64_t)) == 0;
}

/* f32 to f64 in place, from the last element to the first: the wider one never overwrites what is still to be read. */
void widen(void *data, int64_t count) {
  char *bytes = static_cast<char *>(data);
  for (int64_t i = count; i-- > 0;) {
    float narrow;
    std::memcpy(&narrow, bytes + i * 4, 4);
    const double wide = static_cast<double>(narrow);
    std::memcpy(bytes + i * 8, &wide, 8);
  }
}

int32_t out_of_memory(const std::string &path, file_error &error) {
  error.set(file_error::system, quoted(path) + ": error: out of memory");
  return HORNFELS_OUT_OF_MEMORY;
}

/* What the model said about a call that failed. */
int32_t refused(const hornfels_model &model, const void *handle, int32_t status, file_error &error) {
  error.set(file_error::wrong, std::string(model.name) + ": error: " + model.last_error(handle));
  return status;
}

/* Compares the archive with the model, by headers alone. */
void compare(const hornfels_model &model, const npz_reader &archive, complaints &wrong, file_error &error) {
  size_t matched = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &variable = model.variable_info[i];
    if (!is_saved(variable))
      continue;
    const npz_member *member = archive.find(variable.name);
    if (!member) {
      wrong.add(quoted(variable.name) + " is missing; this model needs " + tensor_text(variable));
      continue;
    }
    ++matched;
    npz_array array;
    npy_header header;
    if (!array.open(archive, *member, header, error))
      return;
    if (!fits(variable, header))
      wrong.add(quoted(variable.name) + " is " + header.text() + ", this model needs " + tensor_text(variable));
  }
  if (matched == archive.members().size())
    return;
  std::unordered_map<std::string, bool> known;
  for (int32_t i = 0; i < model.variables; ++i)
    if (is_saved(model.variable_info[i]))
      known.emplace(model.variable_info[i].name, true);
  for (const npz_member &member : archive.members())
    if (!known.count(member.name))
      wrong.add(quoted(member.name) + " is not a weight of this model");
}

/* Reads one variable's elements. Null with an error, or without one when memory is out. */
memory read_variable(const hornfels_tensor &variable, const npz_reader &archive, file_error &error) {
  npz_array array;
  npy_header header;
  if (!array.open(archive, *archive.find(variable.name), header, error))
    return memory();
  memory data = allocate(variable);
  if (!data || !array.read(data.get(), static_cast<size_t>(header.data_bytes), error))
    return memory();
  if (!same_type(variable, header))
    widen(data.get(), header.elements);
  return data;
}

int32_t load(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  npz_reader archive;
  if (!archive.open(path, error))
    return HORNFELS_BAD_FILE;
  complaints wrong(quoted(path));
  compare(model, archive, wrong, error);
  if (wrong.any() && error.kind == file_error::none)
    error.set(file_error::wrong, wrong.str());
  if (error.kind != file_error::none)
    return HORNFELS_BAD_FILE;
  /* All are read before the first is set: an error leaves the model as it was. */
  std::vector<memory> values(static_cast<size_t>(model.variables));
  for (int32_t i = 0; i < model.variables; ++i) {
    if (!is_saved(model.variable_info[i]))
      continue;
    memory &value = values[static_cast<size_t>(i)];
    value = read_variable(model.variable_info[i], archive, error);
    if (!value)
      return error.kind == file_error::none ? out_of_memory(path, error) : static_cast<int32_t>(HORNFELS_BAD_FILE);
  }
  if (!archive.file().unchanged(error))
    return HORNFELS_BAD_FILE;
  for (int32_t i = 0; i < model.variables; ++i) {
    const void *value = values[static_cast<size_t>(i)].get();
    if (!value)
      continue;
    const int32_t status = model.set_variable(handle, i, value, elements_of(model.variable_info[i]));
    if (status != HORNFELS_OK)
      return refused(model, handle, status, error);
  }
  return HORNFELS_OK;
}

int32_t save(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  npz_writer archive;
  if (!archive.open(path, error))
    return HORNFELS_BAD_FILE;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &variable = model.variable_info[i];
    char kind;
    size_t width;
    if (!is_saved(variable) || !npy_type_of(variable.type, kind, width))
      continue;
    const memory data = allocate(variable);
    if (!data)
      return out_of_memory(path, error);
    const int64_t elements = elements_of(variable);
    const int32_t status = model.get_variable(handle, i, data.get(), elements);
    if (status != HORNFELS_OK)
      return refused(model, handle, status, error);
    if (!archive.begin(variable.name, kind, width, variable.shape, static_cast<size_t>(variable.rank), error) ||
        !archive.write(data.get(), static_cast<size_t>(elements) * width, error) || !archive.end(error))
      return HORNFELS_BAD_FILE;
  }
  return archive.commit(error) ? HORNFELS_OK : HORNFELS_BAD_FILE;
}

using action = int32_t (*)(const hornfels_model &, void *, const std::string &, file_error &);

/* Runs `act`; memory that runs out in a string or a vector becomes a status. */
int32_t guarded(action act, const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
#if defined(__cpp_exceptions)
  try {
    return act(model, handle, path, error);
  } catch (const std::bad_alloc &) {
    return out_of_memory(path, error);
  }
#else
  return act(model, handle, path, error);
#endif
}

int32_t from_c(action act, const hornfels_model *model, void *handle, const char *path, char *error, size_t size) {
  if (error && size > 0)
    error[0] = '\0';
  if (!model || !handle || !path)
    return HORNFELS_BAD_ARGUMENT;
  file_error failure;
  const int32_t status = guarded(act, *model, handle, path, failure);
  if (error && size > 0) {
    const size_t length = failure.text.size() < size ? failure.text.size() : size - 1;
    std::memcpy(error, failure.text.data(), length);
    error[length] = '\0';
  }
  return status;
}

} // namespace

int32_t load_weights(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  return guarded(load, model, handle, path, error);
}

int32_t save_weights(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  return guarded(save, model, handle, path, error);
}

} // namespace hornfels

extern "C" {

int32_t hornfels_load_weights(const hornfels_model *model, void *handle, const char *path, char *error,
                              size_t error_size) {
  return hornfels::from_c(hornfels::load, model, handle, path, error, error_size);
}

int32_t hornfels_save_weights(const hornfels_model *model, void *handle, const char *path, char *error,
                              size_t error_size) {
  return hornfels::from_c(hornfels::save, model, handle, path, error, error_size);
}
}
