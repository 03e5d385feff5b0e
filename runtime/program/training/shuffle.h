/* The order of rows in an epoch: a function of seed and epoch alone, the same on every machine. */
#ifndef HORNFELS_PROGRAM_SHUFFLE_H
#define HORNFELS_PROGRAM_SHUFFLE_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace hornfels {

/* SplitMix64: a counter that grows by an odd constant, and a mixing function (a bijection) over it. */
class splitmix {
public:
  explicit splitmix(uint64_t seed) : state(seed) {}
  uint64_t next() { return mix(state += 0x9e3779b97f4a7c15u); }

  /* Every value of [0, count) equally likely: of the 64-bit product, the upper half, and once more where the
   * lower half falls into the uneven rest. */
  uint32_t below(uint32_t count) {
    uint64_t product = (next() >> 32) * count;
    if (static_cast<uint32_t>(product) < count) {
      const uint32_t uneven = (0u - count) % count;
      while (static_cast<uint32_t>(product) < uneven)
        product = (next() >> 32) * count;
    }
    return static_cast<uint32_t>(product >> 32);
  }

  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

private:
  uint64_t state;
};

/* Fisher and Yates: from the end, each row changes places with one of those not yet placed. */
inline void shuffle(uint32_t *rows, size_t count, uint64_t seed, uint64_t epoch) {
  splitmix random(splitmix::mix(seed) + epoch);
  for (size_t i = count; i > 1; --i)
    std::swap(rows[i - 1], rows[random.below(static_cast<uint32_t>(i))]);
}

} // namespace hornfels

#endif
