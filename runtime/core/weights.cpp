#include "weights.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include "text.h"
#include "weights_file.h"

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

/* What of the optimizer is saved beside its slots. */
const char *const step_name = "@optimizer/step", *const rate_name = "@optimizer/learning_rate";

/* Compares the file with the model, by headers alone. `slots` tells whether the optimizer's state is there too: all of
 * it or nothing. */
bool compare(const hornfels_model &model, const weights_reader &file, complaints &wrong, bool &slots,
             file_error &error) {
  std::unordered_map<std::string, bool> known;
  npy_header header;
  if (!file.describe(step_name, header, slots, error))
    return false;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &variable = model.variable_info[i];
    if (!is_saved(variable) && !(slots && variable.role == HORNFELS_SLOT))
      continue;
    known.emplace(variable.name, true);
    bool found;
    if (!file.describe(variable.name, header, found, error))
      return false;
    if (!found)
      wrong.add(quoted(variable.name) + " is missing; this model needs " + tensor_text(variable));
    else if (!fits(variable, header))
      wrong.add(quoted(variable.name) + " is " + header.text() + ", this model needs " + tensor_text(variable));
  }
  const int64_t one = 1;
  const hornfels_tensor state[] = {{step_name, HORNFELS_I64, 0, 1, 0, &one, 0, 0, nullptr, nullptr},
                                   {rate_name, HORNFELS_F64, 0, 1, 0, &one, 0, 0, nullptr, nullptr}};
  for (const hornfels_tensor &info : state) {
    bool found = false;
    if (slots && !file.describe(info.name, header, found, error))
      return false;
    if (slots && (!found || !same_type(info, header) || header.elements != 1))
      wrong.add(quoted(info.name) + " is not one " + type_name(info.type));
    known.emplace(info.name, slots);
  }
  /* A model that only predicts has no slots to know. */
  const bool knows_slots = !slots || model.training;
  for (const std::string &name : file.names())
    if (!known.count(name) && knows_slots)
      wrong.add(quoted(name) + " is not a weight of this model");
  return true;
}

/* Reads one variable's elements. Null with an error, or without one when memory is out. */
memory read_variable(const hornfels_tensor &variable, const weights_reader &file, file_error &error) {
  npy_header header;
  bool found;
  if (!file.describe(variable.name, header, found, error))
    return memory();
  memory data = allocate(variable);
  if (!data || !file.read(variable.name, data.get(), error))
    return memory();
  if (!same_type(variable, header))
    widen(data.get(), header.elements);
  return data;
}

int32_t load(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  const std::unique_ptr<weights_reader> file = open_weights(path, error);
  if (!file)
    return HORNFELS_BAD_FILE;
  complaints wrong(quoted(path));
  bool slots = false;
  if (compare(model, *file, wrong, slots, error) && wrong.any())
    error.set(file_error::wrong, wrong.str());
  if (error.kind != file_error::none)
    return HORNFELS_BAD_FILE;
  /* All are read before the first is set: an error leaves the model as it was. */
  std::vector<memory> values(static_cast<size_t>(model.variables));
  for (int32_t i = 0; i < model.variables; ++i) {
    if (!is_saved(model.variable_info[i]) && !(slots && model.variable_info[i].role == HORNFELS_SLOT))
      continue;
    memory &value = values[static_cast<size_t>(i)];
    value = read_variable(model.variable_info[i], *file, error);
    if (!value)
      return error.kind == file_error::none ? out_of_memory(path, error) : static_cast<int32_t>(HORNFELS_BAD_FILE);
  }
  int64_t step = 0;
  double rate = 0;
  if (slots && (!file->read(step_name, &step, error) || !file->read(rate_name, &rate, error)))
    return HORNFELS_BAD_FILE;
  if (!file->unchanged(error))
    return HORNFELS_BAD_FILE;
  for (int32_t i = 0; i < model.variables; ++i) {
    const void *value = values[static_cast<size_t>(i)].get();
    if (!value)
      continue;
    const int32_t status = model.set_variable(handle, i, value, elements_of(model.variable_info[i]));
    if (status != HORNFELS_OK)
      return refused(model, handle, status, error);
  }
  if (!slots || !model.set_step || !model.set_learning_rate)
    return HORNFELS_OK;
  int32_t status = model.set_learning_rate(handle, rate);
  if (status == HORNFELS_OK)
    status = model.set_step(handle, step);
  return status == HORNFELS_OK ? status : refused(model, handle, status, error);
}

int32_t save_arrays(const hornfels_model &model, void *handle, const std::string &path, bool slots,
                    file_error &error) {
  std::vector<listed_array> list;
  std::vector<int32_t> indices;
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &variable = model.variable_info[i];
    char kind;
    size_t width;
    if ((!is_saved(variable) && !(slots && variable.role == HORNFELS_SLOT)) ||
        !npy_type_of(variable.type, kind, width))
      continue;
    list.push_back({variable.name, kind, width, std::vector<int64_t>(variable.shape, variable.shape + variable.rank)});
    indices.push_back(i);
  }
  if (slots) {
    list.push_back({step_name, 'i', 8, {1}});
    list.push_back({rate_name, 'f', 8, {1}});
  }
  const std::unique_ptr<weights_writer> file = create_weights(path, list, error);
  if (!file)
    return HORNFELS_BAD_FILE;
  for (size_t i = 0; i < indices.size(); ++i) {
    const hornfels_tensor &variable = model.variable_info[indices[i]];
    const memory data = allocate(variable);
    if (!data)
      return out_of_memory(path, error);
    const int64_t elements = elements_of(variable);
    const int32_t status = model.get_variable(handle, indices[i], data.get(), elements);
    if (status != HORNFELS_OK)
      return refused(model, handle, status, error);
    if (!file->write(list[i], data.get(), static_cast<size_t>(elements) * list[i].width, error))
      return HORNFELS_BAD_FILE;
  }
  if (slots) {
    const int64_t step = model.get_step(handle);
    const double rate = model.get_learning_rate(handle);
    if (!file->write(list[list.size() - 2], &step, sizeof step, error) ||
        !file->write(list.back(), &rate, sizeof rate, error))
      return HORNFELS_BAD_FILE;
  }
  return file->commit(error) ? HORNFELS_OK : HORNFELS_BAD_FILE;
}

int32_t save(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  return save_arrays(model, handle, path, false, error);
}

int32_t save_with_optimizer(const hornfels_model &model, void *handle, const std::string &path, file_error &error) {
  return save_arrays(model, handle, path, true, error);
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

int32_t save_weights(const hornfels_model &model, void *handle, const std::string &path, file_error &error,
                     bool optimizer) {
  return guarded(optimizer ? save_with_optimizer : save, model, handle, path, error);
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

int32_t hornfels_weights_from_memory(const hornfels_model *model, void *handle, const void *data, size_t bytes) {
  if (!model || !handle || !data)
    return HORNFELS_BAD_ARGUMENT;
  size_t needed = 0;
  for (int pass = 0; pass < 2; ++pass) { /* first the sizes alone */
    const unsigned char *at = static_cast<const unsigned char *>(data);
    for (int32_t i = 0; i < model->variables; ++i) {
      const hornfels_tensor &info = model->variable_info[i];
      if (!hornfels::is_saved(info))
        continue;
      const int64_t elements = hornfels::elements_of(info);
      const size_t size = (static_cast<size_t>(elements) * hornfels::type_bytes(info.type) + 63) / 64 * 64;
      if (pass == 0) {
        needed += size;
        continue;
      }
      const int32_t status = model->set_variable(handle, i, at, elements);
      if (status != HORNFELS_OK)
        return status;
      at += size;
    }
    if (needed != bytes)
      return HORNFELS_BAD_ARGUMENT;
  }
  return HORNFELS_OK;
}
}
