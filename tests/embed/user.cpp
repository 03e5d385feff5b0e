// What somebody else's program looks like: loads weights, predicts, takes a training step.
#include "imdb.h"

#include <cstdio>

int main(int, char **arguments) {
  imdb *model = nullptr;
  char error[512] = "";
  if (imdb_create(&model, 16) || imdb_load(model, arguments[1], error, sizeof error))
    return std::printf("%s\n", error), 1;
  const uint16_t words[] = {3, 17, 256, 4000, 3, 5, 9999};
  const int64_t rows[] = {0, 4, 7};
  const float labels[] = {1, 0};
  float before[2], after[2];
  double loss;
  const hornfels_array batch[] = {{words, rows, 7}, {labels, nullptr, 2}};
  const hornfels_result first = {before, 2}, second = {after, 2};
  if (imdb_predict(model, batch, &first, 2) || imdb_train_step(model, batch, 2) || imdb_get_metrics(model, &loss) ||
      imdb_predict(model, batch, &second, 2))
    return std::printf("%s\n", imdb_last_error(model)), 1;
  std::printf("%.6f %.6f -> %.6f %.6f, loss %.6f\n", before[0], before[1], after[0], after[1], loss);
  imdb_destroy(model);
  return after[0] > before[0] && after[1] < before[1] ? 0 : 1; // a step moves towards the labels
}
