#include "nearest.h"

#include <algorithm>

namespace hornfels {

namespace {

size_t distance(const std::string &a, const std::string &b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j)
    d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] =
          std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

} // namespace

std::string nearest(const std::string &wrong, const std::vector<std::string> &known) {
  std::string best;
  size_t least = SIZE_MAX;
  if (wrong.size() > 100)
    return best;
  for (const std::string &name : known) {
    const size_t away = name.size() > 100 ? SIZE_MAX : distance(wrong, name);
    if (away < least && away <= std::max<size_t>(1, name.size() / 3)) {
      least = away;
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(const std::string &wrong, const std::vector<std::string> &known) {
  const std::string name = nearest(wrong, known);
  return name.empty() ? "" : "; did you mean " + name + "?";
}

} // namespace hornfels
