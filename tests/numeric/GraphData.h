// Data for random graphs: the same numbers where the expected values are made and where they are compared.
#ifndef HORNFELS_TESTS_NUMERIC_GRAPHDATA_H
#define HORNFELS_TESTS_NUMERIC_GRAPHDATA_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace hornfels::tests {

/// SplitMix64: the same numbers with every standard library.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
  }
  template <class T> const T &pick(const std::vector<T> &from) {
    return from[static_cast<size_t>(below(static_cast<int64_t>(from.size())))];
  }

private:
  uint64_t state;
};

/// A generator for what has this name in a batch of this size.
inline Random randomFor(const std::string &name, int64_t batch) {
  uint64_t hash = 14695981039346656037u + static_cast<uint64_t>(batch);
  for (char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return Random(hash);
}

/// Elements of an input, a target or a variable; exact in f32 unless `wide`.
inline std::vector<double> drawElements(const std::string &name, int64_t batch, int64_t count, double low,
                                        double high, bool wide) {
  Random random = randomFor(name, batch);
  std::vector<double> values(static_cast<size_t>(count));
  for (double &value : values) {
    value = random.between(low, high);
    if (!wide)
      value = static_cast<double>(static_cast<float>(value));
  }
  return values;
}

struct Rows {
  std::vector<int64_t> ids, offsets{0};
};

/// Rows of 0 to 11 ascending ids, of 0 to 79 in a vocabulary of a size that words have, where some are in most
/// rows, the last one too; every fifth row is empty. `sets`: no id twice.
inline Rows drawRows(const std::string &name, int64_t batch, int64_t vocabulary, bool sets) {
  Random random = randomFor(name, batch);
  Rows rows;
  const bool words = vocabulary >= 500 && vocabulary <= 50000;
  for (int64_t row = 0; row < batch; ++row) {
    std::vector<int64_t> ids(row % 5 == 0 && batch > 1 ? 0 : static_cast<size_t>(random.below(words ? 80 : 12)));
    for (int64_t &id : ids)
      id = random.below(vocabulary);
    const int64_t usual[] = {vocabulary / 2, vocabulary - 1, 0};
    for (size_t i = 0; words && i < ids.size() && i < 3; ++i)
      ids[i] = usual[i];
    std::sort(ids.begin(), ids.end());
    if (sets)
      ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    rows.ids.insert(rows.ids.end(), ids.begin(), ids.end());
    rows.offsets.push_back(static_cast<int64_t>(rows.ids.size()));
  }
  return rows;
}

/// A fixed random combination of all elements, of their order of size.
inline double projection(const std::vector<double> &values) {
  Random random(7);
  double sum = 0;
  for (double value : values)
    sum += value * random.between(-1, 1);
  return sum / std::sqrt(static_cast<double>(values.size()) + 1);
}

} // namespace hornfels::tests

#endif
