/* A handle of one of hand_model.h's models, and batches for it. */
#ifndef HORNFELS_TESTS_PROGRAM_TEST_H
#define HORNFELS_TESTS_PROGRAM_TEST_H

#include "hand_model.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace hand {

/* Rows of real numbers and of ids, the same for the same number. */
template <class T> struct batch_of {
  int64_t size;
  std::vector<T> x, t;
  std::vector<uint16_t> ids;
  std::vector<int32_t> other_ids;
  std::vector<int64_t> offsets{0}, other_offsets{0};
  hornfels_array data[arrays];

  explicit batch_of(int64_t rows, unsigned number = 1, int64_t most_ids = 5) : size(rows) {
    std::mt19937 random(number);
    std::uniform_real_distribution<double> real(-1, 1);
    for (int64_t i = 0; i < rows; ++i) {
      for (int k = 0; k < inputs; ++k)
        x.push_back(static_cast<T>(real(random)));
      for (int k = 0; k < outputs; ++k)
        t.push_back(static_cast<T>(real(random)));
      for (int64_t k = static_cast<int64_t>(random() % static_cast<unsigned>(most_ids + 1)); k > 0; --k)
        ids.push_back(static_cast<uint16_t>(random() % vocabulary));
      for (int64_t k = static_cast<int64_t>(random() % static_cast<unsigned>(most_ids + 1)); k > 0; --k)
        other_ids.push_back(static_cast<int32_t>(random() % vocabulary));
      offsets.push_back(static_cast<int64_t>(ids.size()));
      other_offsets.push_back(static_cast<int64_t>(other_ids.size()));
    }
    bind();
  }
  batch_of(const batch_of &) = delete;
  batch_of &operator=(const batch_of &) = delete;

  void bind() {
    data[hand::x] = {x.data(), nullptr, static_cast<int64_t>(x.size())};
    data[words] = {ids.data(), offsets.data(), static_cast<int64_t>(ids.size())};
    data[marks] = {other_ids.data(), other_offsets.data(), static_cast<int64_t>(other_ids.size())};
    data[target] = {t.data(), nullptr, static_cast<int64_t>(t.size())};
  }
};

/* A handle; every call must be right unless it is made on `opaque`. */
template <class T> class handle_of {
public:
  explicit handle_of(const hornfels_model &table, int64_t capacity = 16) : model(table) {
    const int32_t status = model.create(&opaque, capacity);
    EXPECT_EQ(status, HORNFELS_OK) << model.last_error(nullptr);
  }
  ~handle_of() { model.destroy(opaque); }
  handle_of(const handle_of &) = delete;
  handle_of &operator=(const handle_of &) = delete;

  void initialize(uint64_t seed) { right(model.initialize(opaque, seed)); }
  void train(const batch_of<T> &batch) { right(model.train_step(opaque, batch.data, batch.size)); }
  void evaluate(const batch_of<T> &batch) { right(model.evaluate_step(opaque, batch.data, batch.size)); }
  std::vector<T> predict(const batch_of<T> &batch) {
    std::vector<T> y(static_cast<size_t>(batch.size * outputs));
    const hornfels_result result{y.data(), static_cast<int64_t>(y.size())};
    right(model.predict(opaque, batch.data, &result, batch.size));
    return y;
  }
  std::vector<T> variable(int index) {
    const hornfels_tensor &info = model.variable_info[index];
    int64_t count = 1;
    for (int32_t axis = 0; axis < info.rank; ++axis)
      count *= info.shape[axis];
    std::vector<T> values(static_cast<size_t>(count));
    right(model.get_variable(opaque, index, values.data(), count));
    return values;
  }
  int64_t count_of_last_step() {
    int64_t count = -1;
    right(model.get_variable(opaque, steps, &count, 1));
    return count;
  }
  std::vector<double> metrics() {
    std::vector<double> values(static_cast<size_t>(model.metrics), -1);
    right(model.get_metrics(opaque, values.data()));
    return values;
  }
  void right(int32_t status) { EXPECT_EQ(status, HORNFELS_OK) << model.last_error(opaque); }
  std::string error() const { return model.last_error(opaque); }

  const hornfels_model &model;
  void *opaque = nullptr;
};

/* A variable of the environment while this lives. */
class environment {
public:
  environment(const char *variable, const std::string &value) : name(variable) {
    const char *before = std::getenv(variable);
    was = before ? before : "";
    setenv(variable, value.c_str(), 1);
  }
  ~environment() { was.empty() ? unsetenv(name) : setenv(name, was.c_str(), 1); }
  environment(const environment &) = delete;
  environment &operator=(const environment &) = delete;

private:
  const char *name;
  std::string was;
};

} // namespace hand

#endif
