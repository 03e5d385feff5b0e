#include "saved_state.h"

#include <cstring>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

template <class T> saved_state::array pack(char kind, const T *values, size_t count) {
  saved_state::array result;
  result.kind = kind;
  result.width = sizeof(T);
  result.shape = {static_cast<int64_t>(count)};
  result.bytes.resize(count * sizeof(T));
  if (count > 0)
    std::memcpy(result.bytes.data(), values, result.bytes.size());
  return result;
}

template <class T>
std::vector<T> unpack(const saved_state &state, const std::string &name, char kind, int64_t count) {
  const saved_state::array &from = state.get(name);
  const size_t elements = from.bytes.size() / sizeof(T);
  if (from.kind != kind || from.width != sizeof(T) || (count >= 0 && elements != static_cast<size_t>(count)))
    throw failure(exit_input,
                  "error: " + quoted(name) + " of the checkpoint is not what this program writes");
  std::vector<T> result(elements);
  if (elements > 0)
    std::memcpy(result.data(), from.bytes.data(), elements * sizeof(T));
  return result;
}

} // namespace

void saved_state::put_reals(const std::string &name, const std::vector<double> &values) {
  put(name, pack('f', values.data(), values.size()));
}

void saved_state::put_integers(const std::string &name, const std::vector<int64_t> &values) {
  put(name, pack('i', values.data(), values.size()));
}

void saved_state::put_text(const std::string &name, const std::string &text) {
  put(name, pack('u', reinterpret_cast<const uint8_t *>(text.data()), text.size()));
}

const saved_state::array &saved_state::get(const std::string &name) const {
  const auto found = arrays.find(name);
  if (found == arrays.end())
    throw failure(exit_input, "error: the checkpoint has no " + quoted(name));
  return found->second;
}

std::vector<double> saved_state::reals(const std::string &name, int64_t count) const {
  return unpack<double>(*this, name, 'f', count);
}

std::vector<int64_t> saved_state::integers(const std::string &name, int64_t count, int64_t most) const {
  const std::vector<int64_t> values = unpack<int64_t>(*this, name, 'i', count);
  for (const int64_t value : values)
    if (value < 0 || value > most)
      throw failure(exit_input, "error: " + quoted(name) + " of the checkpoint is not what this program writes");
  return values;
}

std::string saved_state::text(const std::string &name) const {
  const std::vector<uint8_t> bytes = unpack<uint8_t>(*this, name, 'u', -1);
  return std::string(bytes.begin(), bytes.end());
}

} // namespace hornfels
