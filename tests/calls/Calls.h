// A handle and a batch that fits it, to be spoilt by each test in one place.
#ifndef HORNFELS_TESTS_CALLS_CALLS_H
#define HORNFELS_TESTS_CALLS_CALLS_H

#include "runtime/core/abi.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" const hornfels_model topics_model, prices_model, edges_model, wide_model;

namespace calls {

inline int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

/// `words` -> `topic`: three rows of ids, rows of four probabilities, weights.
struct Topics {
  std::vector<uint16_t> ids{1, 4, 49, 7, 0, 3};
  std::vector<int64_t> offsets{0, 3, 4, 6};
  std::vector<float> labels{1, 0, 0, 0, 0, 0.25f, 0.75f, 0, 0, 0, 0, 1}, weights{1, 0.5f, 2};
  std::vector<float> predicted = std::vector<float>(12);

  std::vector<hornfels_array> data() const {
    return {{ids.data(), offsets.data(), static_cast<int64_t>(ids.size())},
            {labels.data(), nullptr, static_cast<int64_t>(labels.size())},
            {weights.data(), nullptr, static_cast<int64_t>(weights.size())}};
  }
  hornfels_result result() { return {predicted.data(), static_cast<int64_t>(predicted.size())}; }
};

/// `x` -> `price`: two rows of three numbers, and their targets.
struct Prices {
  std::vector<float> x{1, -2, 0.5f, 3, 0, -1}, y{0, 1, 2, 3, 4, 5}, predicted = std::vector<float>(6);

  std::vector<hornfels_array> data() const { return {{x.data(), nullptr, 6}, {y.data(), nullptr, 6}}; }
  hornfels_result result() { return {predicted.data(), 6}; }
};

class Handle {
public:
  explicit Handle(const hornfels_model &of, int64_t capacity = 16, bool initialised = true) : model(of) {
    EXPECT_EQ(model.create(&opaque, capacity), HORNFELS_OK);
    if (initialised) {
      EXPECT_EQ(model.initialize(opaque, 1), HORNFELS_OK);
    }
  }
  ~Handle() { model.destroy(opaque); }
  Handle(const Handle &) = delete;

  /// All variables, one after another, and the step.
  std::vector<float> state() const {
    std::vector<float> all;
    for (int32_t i = 0; i < model.variables; ++i) {
      const int64_t count = elements(model.variable_info[i]);
      all.resize(all.size() + static_cast<size_t>(count));
      EXPECT_EQ(model.get_variable(opaque, i, &*all.end() - count, count), HORNFELS_OK);
    }
    all.push_back(static_cast<float>(model.get_step(opaque)));
    return all;
  }
  std::string error() const { return model.last_error(opaque); }

  const hornfels_model &model;
  void *opaque = nullptr;
};

/// The call was refused with this text.
inline void refuses(const Handle &handle, int32_t status, const std::string &text,
                    int32_t expected = HORNFELS_BAD_ARGUMENT) {
  EXPECT_EQ(status, expected) << text;
  EXPECT_EQ(handle.error(), text);
}

} // namespace calls

#endif
