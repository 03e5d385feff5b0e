/* Times of many samples, and what is said of them. */
#ifndef HORNFELS_PROGRAM_SAMPLES_H
#define HORNFELS_PROGRAM_SAMPLES_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace hornfels {

/* Room for a fixed number of samples: adding one does not allocate. */
class samples {
public:
  explicit samples(size_t room) { values.reserve(room); }
  bool full() const { return values.size() == values.capacity(); }
  bool empty() const { return values.empty(); }
  void add(double value) { values.push_back(value); }
  /* The sample below which the part `part` of all lies, 0 to 1; changes their order. There must be one. */
  double quantile(double part) {
    const double last = static_cast<double>(values.size() - 1);
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::llround(part * last));
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }
  double median() { return quantile(0.5); }
  double least() { return quantile(0.0); }

private:
  std::vector<double> values;
};

} // namespace hornfels

#endif
