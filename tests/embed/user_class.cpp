// The same as user.cpp by the C++ header: no handle to destroy, spans of containers, no exceptions.
#include "imdb.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

static int failed(const char *what) { return std::printf("%s\n", what), 1; }

int main(int, char **arguments) {
  hornfels_models::imdb first(16);
  if (!first.valid() || first.load(arguments[1]) != HORNFELS_OK)
    return failed(first.last_error());
  const std::vector<uint16_t> words = {3, 17, 256, 4000, 3, 5, 9999};
  const std::array<int64_t, 3> rows = {0, 4, 7};
  const float labels[] = {1, 0};
  std::vector<float> before(2), after(2);
  double metrics[2];
  if (first.predict(words, rows, before, 2))
    return failed(first.last_error());

  // What moves keeps its weights; what was moved from refuses.
  hornfels_models::imdb model(std::move(first));
  if (first.valid() || !first.predict(words, rows, before, 2) || !std::strstr(first.last_error(), "no handle"))
    return failed("a model that was moved from works");

  // Sizes: an offset too few, a result too short, a metric too few.
  if (!model.predict(words, {rows.data(), 2}, before, 2) || !std::strstr(model.last_error(), "review_rows"))
    return failed("an offset too few was taken");
  if (!model.predict(words, rows, {before.data(), 1}, 2) || !*model.last_error())
    return failed("a result too short was taken");
  if (!model.get_metrics({metrics, 1}) || !*model.last_error())
    return failed("a metric too few was taken");
  if (!model.load("nothing.npz") || !std::strstr(model.last_error(), "nothing.npz"))
    return failed("a file that is not there was loaded");

  if (model.train_step(words, rows, labels, 2) || model.get_metrics(metrics) || model.predict(words, rows, after, 2))
    return failed(model.last_error());
  std::printf("%.6f %.6f -> %.6f %.6f, loss %.6f\n", static_cast<double>(before[0]), static_cast<double>(before[1]),
              static_cast<double>(after[0]), static_cast<double>(after[1]), metrics[0]);
  return *model.last_error() == 0 && after[0] > before[0] && after[1] < before[1] ? 0 : 1;
}
