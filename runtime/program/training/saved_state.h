/* Named arrays: what a checkpoint keeps besides the model's variables. */
#ifndef HORNFELS_PROGRAM_SAVED_STATE_H
#define HORNFELS_PROGRAM_SAVED_STATE_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hornfels {

/* Epochs, steps and their like never come near it; products of two of them fit. */
constexpr int64_t most_count = int64_t{1} << 31;

/* Arrays by name, in memory. The getters throw a failure (exit_input) when the array is missing or of another
 * type. */
class saved_state {
public:
  struct array {
    char kind = 'u';  /* as in npy.h */
    size_t width = 1; /* bytes of an element */
    std::vector<int64_t> shape;
    std::vector<char> bytes;
  };

  void put(const std::string &name, array value) { arrays[name] = std::move(value); }
  void put_reals(const std::string &name, const std::vector<double> &values);
  void put_integers(const std::string &name, const std::vector<int64_t> &values);
  void put_text(const std::string &name, const std::string &text);

  bool has(const std::string &name) const { return arrays.count(name) > 0; }
  const array &get(const std::string &name) const;
  /* `count` elements, or any number where it is negative. */
  std::vector<double> reals(const std::string &name, int64_t count = -1) const;
  /* Each from 0 to `most`. */
  std::vector<int64_t> integers(const std::string &name, int64_t count, int64_t most) const;
  std::string text(const std::string &name) const;

  std::map<std::string, array> arrays; /* sorted: equal states make equal files */
};

} // namespace hornfels

#endif
