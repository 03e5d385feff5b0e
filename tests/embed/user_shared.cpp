// Two models behind one function of a shared object; C++20 without exceptions and run-time types.
#include "imdb.h"
#include "mixed.h"

extern "C" __attribute__((visibility("default"))) int both_work() {
  imdb *reviews = nullptr;
  mixed *pairs = nullptr;
  if (imdb_create(&reviews, 4) || imdb_initialize(reviews, 1) || mixed_create(&pairs, 4) || mixed_initialize(pairs, 1))
    return 1;
  const uint16_t words[] = {3, 17, 256};
  const int64_t rows[] = {0, 3};
  const float left[12] = {1, 2, 3}, right[12] = {3, 2, 1};
  float sentiment = -1, same = -1, label[10];
  const hornfels_array review = {words, rows, 3}, pair[] = {{left, nullptr, 12}, {right, nullptr, 12}};
  const hornfels_result opinion = {&sentiment, 1}, likeness[] = {{&same, 1}, {label, 10}};
  const int failed = imdb_predict(reviews, &review, &opinion, 1) || mixed_predict(pairs, pair, likeness, 1);
  // Each takes its own handles: a model's functions are those of its table.
  imdb_destroy(reviews);
  mixed_destroy(pairs);
  return failed || !(sentiment > 0 && sentiment < 1 && same > 0 && same < 1);
}
