/* Inputs that begin again, now and then, with a file that is right. */
#ifndef HORNFELS_TESTS_SEEDS_H
#define HORNFELS_TESTS_SEEDS_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

namespace hornfels_tests {

/* One in 64 inputs, and each of less than `least` bytes, is seed(n) for some n before it is changed. */
template <class Seed>
size_t mutate_from_seeds(uint8_t *data, size_t size, size_t most, unsigned number, size_t least, const Seed &seed) {
  if (size < least || number % 64 == 0) {
    const std::string bytes = seed(number / 64);
    if (bytes.size() <= most) {
      std::memcpy(data, bytes.data(), bytes.size());
      size = bytes.size();
    }
  }
  return LLVMFuzzerMutate(data, size, most);
}

} // namespace hornfels_tests

#endif
