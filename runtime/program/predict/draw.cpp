#include "draw.h"

#include <algorithm>
#include <cmath>

namespace hornfels {

bool are_probabilities(const double *values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!(values[i] >= 0 && values[i] <= 1))
      return false;
    sum += values[i];
  }
  return std::fabs(sum - 1) < 1e-3;
}

int64_t draw_class(const double *values, int64_t count, bool logits, double temperature, double uniform) {
  if (std::any_of(values, values + count, [](double v) { return std::isnan(v); }))
    return -1;
  const double *const best = std::max_element(values, values + count);
  const double highest = logits ? *best : std::log(*best);
  if (!std::isfinite(highest))
    return -1;
  if (temperature == 0)
    return best - values;
  /* Relative to the likeliest, so that the largest is 1 at any temperature. */
  const auto share = [&](int64_t i) {
    return std::exp(((logits ? values[i] : std::log(values[i])) - highest) / temperature);
  };
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += share(i);
  double left = uniform * sum;
  int64_t drawn = best - values;
  for (int64_t i = 0; i < count; ++i) {
    const double part = share(i);
    if (part <= 0)
      continue;
    drawn = i; /* the last one, where rounding leaves a rest */
    if (left < part)
      break;
    left -= part;
  }
  return drawn;
}

} // namespace hornfels
