// Rows that are updated lazily against all rows, to the bit: weights after every step, slots whenever somebody looks.
#include "runtime/core/abi.h"
#include "runtime/core/pool.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

// Each model twice: `auto` and `never`.
extern "C" {
#define MODEL(name) extern const hornfels_model name##_lazy, name##_all;
#include "models.inc"
#undef MODEL
}

namespace {

struct Pair {
  const char *name;
  const hornfels_model *lazy, *all;
};
const Pair pairs[] = {
#define MODEL(name) {#name, &name##_lazy, &name##_all},
#include "models.inc"
#undef MODEL
};
void PrintTo(const Pair &pair, std::ostream *out) { *out << pair.name; }

constexpr int64_t capacity = 64;

int64_t elements(const hornfels_tensor &tensor) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < tensor.rank; ++axis)
    count *= tensor.shape[axis];
  return count;
}

size_t bytes(const hornfels_tensor &tensor) {
  return static_cast<size_t>(elements(tensor)) * (tensor.type == HORNFELS_F64 ? 8 : 4);
}

/// A batch: rows of ids, few of them or many, and targets of 0 and 1.
class Batch {
public:
  Batch(const hornfels_model &model, int64_t size, int64_t ids, std::mt19937 &random) : size(size) {
    arrays.resize(static_cast<size_t>(model.inputs + model.targets));
    texts.resize(static_cast<size_t>(model.inputs));
    targets.resize(static_cast<size_t>(model.targets));
    for (int32_t i = 0; i < model.inputs; ++i)
      draw_ids(model.input_info[i], ids, random, texts[static_cast<size_t>(i)], arrays[static_cast<size_t>(i)]);
    for (int32_t i = 0; i < model.targets; ++i) {
      const hornfels_tensor &info = model.target_info[i];
      const int64_t classes = elements(info);
      std::vector<double> values(static_cast<size_t>(size * classes));
      for (int64_t row = 0; row < size; ++row)
        if (classes > 1)
          values[static_cast<size_t>(row * classes + random() % classes)] = 1;
        else
          values[static_cast<size_t>(row)] = random() % 2;
      targets[static_cast<size_t>(i)].resize(bytes(info) * static_cast<size_t>(size));
      char *to = targets[static_cast<size_t>(i)].data();
      for (size_t k = 0; k < values.size(); ++k)
        if (info.type == HORNFELS_F64)
          std::memcpy(to + 8 * k, &values[k], 8);
        else if (const float narrow = static_cast<float>(values[k]); true)
          std::memcpy(to + 4 * k, &narrow, 4);
      arrays[static_cast<size_t>(model.inputs + i)] = {to, nullptr, size * classes};
    }
  }

  /// Targets that make gradients which are no numbers: none themselves, but probabilities of classes must sum to 1.
  void spoil(size_t target, const hornfels_tensor &info) {
    std::vector<char> &data = targets[target];
    const bool wide = info.type == HORNFELS_F64;
    for (size_t at = 0, i = 0; at < data.size(); at += wide ? 8 : 4, ++i) {
      const double spoils[] = {3e38, -3e38, 1};
      const double value = info.accepts_classes ? spoils[i % 3] : std::numeric_limits<double>::quiet_NaN();
      const float narrow = static_cast<float>(value);
      std::memcpy(&data[at], wide ? static_cast<const void *>(&value) : &narrow, wide ? 8 : 4);
    }
  }

  int64_t size;
  std::vector<hornfels_array> arrays;

private:
  struct Text {
    std::vector<uint16_t> ids;
    std::vector<int64_t> offsets;
  };

  void draw_ids(const hornfels_tensor &info, int64_t count, std::mt19937 &random, Text &text, hornfels_array &array) {
    text.offsets.push_back(0);
    for (int64_t row = 0; row < size; ++row) {
      std::vector<uint16_t> ids;
      const int64_t length = static_cast<int64_t>(random() % static_cast<uint32_t>(2 * count / size + 2));
      for (int64_t i = 0; i < length; ++i) {
        const double u = std::generate_canonical<double, 32>(random); // few ids are frequent
        ids.push_back(static_cast<uint16_t>(static_cast<double>(info.limit) * u * u * u));
      }
      std::sort(ids.begin(), ids.end());
      if (info.token_rows == HORNFELS_ROWS_SETS)
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
      text.ids.insert(text.ids.end(), ids.begin(), ids.end());
      text.offsets.push_back(static_cast<int64_t>(text.ids.size()));
    }
    text.ids.push_back(0); // never without memory
    array = {text.ids.data(), text.offsets.data(), text.offsets.back()};
  }

  std::vector<Text> texts;
  std::vector<std::vector<char>> targets;
};

class Handle {
public:
  explicit Handle(const hornfels_model &model, uint64_t seed, const hornfels_pool *pool = nullptr) : model(model) {
    EXPECT_EQ(model.create(&handle, capacity), HORNFELS_OK);
    EXPECT_EQ(model.set_pool(handle, pool), HORNFELS_OK);
    EXPECT_EQ(model.initialize(handle, seed), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;

  void train(const Batch &batch) {
    ASSERT_EQ(model.train_step(handle, batch.arrays.data(), batch.size), HORNFELS_OK) << model.last_error(handle);
  }
  std::vector<char> get(int32_t index) const {
    std::vector<char> data(bytes(model.variable_info[index]));
    EXPECT_EQ(model.get_variable(handle, index, data.data(), elements(model.variable_info[index])), HORNFELS_OK);
    return data;
  }
  void set(int32_t index, const std::vector<char> &data) {
    EXPECT_EQ(model.set_variable(handle, index, data.data(), elements(model.variable_info[index])), HORNFELS_OK);
  }

  const hornfels_model &model;
  void *handle = nullptr;
};

/// The variables of a role are the same bytes in both.
void compare(const Handle &a, const Handle &b, int32_t role, const std::string &when) {
  for (int32_t i = 0; i < a.model.variables; ++i)
    if (a.model.variable_info[i].role == role) {
      ASSERT_EQ(a.get(i), b.get(i)) << a.model.variable_info[i].name << ", " << when;
    }
}

/// Which elements of a variable are numbers.
std::vector<bool> numbers(const Handle &handle, int32_t index) {
  const std::vector<char> data = handle.get(index);
  const size_t size = handle.model.variable_info[index].type == HORNFELS_F64 ? 8 : 4;
  std::vector<bool> result;
  for (size_t at = 0; at < data.size(); at += size) {
    float narrow = 0;
    double wide = 0;
    std::memcpy(size == 8 ? static_cast<void *>(&wide) : &narrow, &data[at], size);
    result.push_back(size == 8 ? wide == wide : narrow == narrow);
  }
  return result;
}

struct Lazy : testing::TestWithParam<Pair> {
  /// Sizes of batches and their numbers of ids that meet every way of an update, the longest first.
  Batch draw(int step) {
    const hornfels_model &model = *GetParam().lazy;
    static constexpr int64_t sizes[] = {1, 2, 7, 16, 40};
    static constexpr int64_t shares[] = {1, 5, 20, 20, 60, 90, 200}; // percent of the table's rows
    const int64_t ids = model.input_info[0].limit * (step % 41 == 40 ? 200 : shares[random() % 5]) / 100;
    return Batch(model, step % 41 == 40 ? 40 : sizes[random() % 5], step % 53 == 52 ? 0 : ids, random);
  }

  std::mt19937 random{7};
};

TEST_P(Lazy, WeightsAreThoseOfAllRows) {
  Handle lazy(*GetParam().lazy, 3), all(*GetParam().all, 3);
  for (int step = 0; step < 150; ++step) {
    const Batch batch = draw(step);
    lazy.train(batch);
    all.train(batch);
    compare(lazy, all, HORNFELS_WEIGHT, "after step " + std::to_string(step));
    if (step % 30 == 17) // in between they are behind
      compare(lazy, all, HORNFELS_SLOT, "after step " + std::to_string(step));
  }
  compare(lazy, all, HORNFELS_SLOT, "at the end");
}

TEST_P(Lazy, ThreadsDoNotChangeABit) {
  const std::unique_ptr<hornfels_pool, void (*)(hornfels_pool *)> pool(hornfels_pool_create(3), hornfels_pool_destroy);
  Handle alone(*GetParam().lazy, 3), together(*GetParam().lazy, 3, pool.get()), all(*GetParam().all, 3, pool.get());
  for (int step = 0; step < 60; ++step) {
    const Batch batch = draw(step);
    alone.train(batch);
    together.train(batch);
    all.train(batch);
    compare(alone, together, HORNFELS_WEIGHT, "after step " + std::to_string(step));
    compare(alone, all, HORNFELS_WEIGHT, "after step " + std::to_string(step));
  }
  compare(alone, together, HORNFELS_SLOT, "at the end");
  compare(alone, all, HORNFELS_SLOT, "at the end");
}

/// Long absences: averages that have become denormal count as 0, at the same step.
TEST_P(Lazy, RowsMayStayAwayForThousandsOfSteps) {
  Handle lazy(*GetParam().lazy, 3), all(*GetParam().all, 3);
  const hornfels_model &model = *GetParam().lazy;
  const Batch first(model, 40, model.input_info[0].limit / 2, random);
  const Batch few(model, 2, 6, random);
  for (int round = 0; round < 2; ++round) {
    lazy.train(first);
    all.train(first);
    for (int step = 0; step < 1500; ++step) {
      lazy.train(few);
      all.train(few);
      if (step == 700)
        compare(lazy, all, HORNFELS_SLOT, "after 700 steps");
    }
  }
  compare(lazy, all, HORNFELS_WEIGHT, "at the end");
  compare(lazy, all, HORNFELS_SLOT, "at the end");
}

/// Slots from outside are no averages, perhaps: negative ones make weights that are no numbers, in every row.
TEST_P(Lazy, SlotsFromOutsideAreMetByTheNextStep) {
  const hornfels_model &model = *GetParam().lazy;
  for (double value : {0.25, 0.0, -1.0, static_cast<double>(std::numeric_limits<float>::quiet_NaN()), 1e-37}) {
    Handle lazy(model, 3), all(*GetParam().all, 3);
    for (int step = 0; step < 12; ++step) {
      const Batch batch(model, 2, 10, random);
      for (Handle *handle : {&lazy, &all}) {
        for (int32_t i = 0; step == 6 && i < model.variables; ++i) {
          const hornfels_tensor &info = model.variable_info[i];
          if (info.role != HORNFELS_SLOT)
            continue;
          std::vector<char> data = handle->get(i);
          const float narrow = static_cast<float>(value);
          for (size_t at = 0; at < data.size(); at += info.type == HORNFELS_F64 ? 8 : 4)
            std::memcpy(&data[at], info.type == HORNFELS_F64 ? static_cast<const void *>(&value) : &narrow,
                        info.type == HORNFELS_F64 ? 8 : 4);
          handle->set(i, data);
        }
        handle->train(batch);
      }
      compare(lazy, all, HORNFELS_WEIGHT, "slots of " + std::to_string(value) + ", step " + std::to_string(step));
    }
    compare(lazy, all, HORNFELS_SLOT, "slots of " + std::to_string(value));
  }
}

/// Weights of -0 or too small for a normal number change in a step that has no gradient for them: 0 counts as one.
TEST_P(Lazy, WeightsFromOutsideAreMetByTheNextStep) {
  const hornfels_model &model = *GetParam().lazy;
  for (float value : {-0.0f, 1e-40f, -1e-40f, -1.0f, std::numeric_limits<float>::infinity()}) {
    Handle lazy(model, 3), all(*GetParam().all, 3);
    for (int step = 0; step < 12; ++step) {
      const Batch batch(model, 2, 10, random);
      for (Handle *handle : {&lazy, &all}) {
        for (int32_t i = 0; step == 6 && i < model.variables; ++i) {
          const hornfels_tensor &info = model.variable_info[i];
          if (info.role != HORNFELS_WEIGHT || info.rank != 2)
            continue;
          std::vector<char> data = handle->get(i);
          for (size_t at = 0; at < data.size(); at += 48) // some of them
            if (info.type == HORNFELS_F32)
              std::memcpy(&data[at], &value, 4);
          handle->set(i, data);
        }
        handle->train(batch);
      }
      for (int32_t i = 0; i < model.variables; ++i) {
        const std::vector<char> a = lazy.get(i), b = all.get(i);
        for (size_t at = 0; at < a.size() && model.variable_info[i].type == HORNFELS_F32; at += 4) {
          float x, y;
          std::memcpy(&x, &a[at], 4);
          std::memcpy(&y, &b[at], 4);
          const bool same = std::memcmp(&x, &y, 4) == 0 || (x != x && y != y); // no number has a sign that means something
          ASSERT_TRUE(same) << model.variable_info[i].name << ", weights of " << value << ", step " << step;
        }
      }
    }
  }
}

/// Targets that are no numbers spoil slots; weights that are loaded again meet them in the next step, in every row.
TEST_P(Lazy, SlotsSpoiltByNoNumbersAreMetBySavedWeights) {
  const hornfels_model &model = *GetParam().lazy;
  Handle lazy(model, 3), all(*GetParam().all, 3);
  std::vector<std::vector<char>> saved(static_cast<size_t>(model.variables));
  for (int step = 0; step < 10; ++step) {
    Batch batch(model, 2, 10, random);
    if (step == 5)
      for (int32_t i = 0; i < model.targets; ++i)
        batch.spoil(static_cast<size_t>(i), model.target_info[i]);
    for (Handle *handle : {&lazy, &all}) {
      for (int32_t i = 0; i < model.variables; ++i)
        if (model.variable_info[i].role == HORNFELS_WEIGHT && step == 4)
          saved[static_cast<size_t>(i)] = handle->get(i);
        else if (model.variable_info[i].role == HORNFELS_WEIGHT && step == 6)
          handle->set(i, saved[static_cast<size_t>(i)]);
      handle->train(batch);
    }
    for (int32_t i = 0; i < model.variables && step >= 6; ++i)
      if (model.variable_info[i].role == HORNFELS_WEIGHT) {
        ASSERT_EQ(numbers(lazy, i), numbers(all, i)) << model.variable_info[i].name << ", step " << step;
      }
  }
}

TEST_P(Lazy, WhatNoStepMayBeGivenIsRefused) {
  const hornfels_model &model = *GetParam().lazy;
  Handle handle(model, 3);
  if (model.variable_info[0].type == HORNFELS_F32) {
    EXPECT_EQ(model.set_learning_rate(handle.handle, 1e39), HORNFELS_BAD_ARGUMENT) << "infinite as a float";
  }
  EXPECT_EQ(model.set_learning_rate(handle.handle, 0.0), HORNFELS_OK);
  Batch batch(model, 2, 0, random);
  const int64_t offsets[] = {1, 1, 1};
  batch.arrays[0].offsets = offsets;
  batch.arrays[0].size = 1;
  EXPECT_EQ(model.train_step(handle.handle, batch.arrays.data(), 2), HORNFELS_BAD_ARGUMENT);
  EXPECT_NE(std::string(model.last_error(handle.handle)).find("the first row begins at 1"), std::string::npos)
      << model.last_error(handle.handle);
}

TEST_P(Lazy, InitialiseForgetsWhatWasMissed) {
  Handle used(*GetParam().lazy, 3);
  for (int step = 0; step < 20; ++step)
    used.train(draw(step));
  ASSERT_EQ(used.model.initialize(used.handle, 9), HORNFELS_OK);
  Handle fresh(*GetParam().lazy, 9);
  for (int step = 0; step < 20; ++step) {
    const Batch batch = draw(step);
    used.train(batch);
    fresh.train(batch);
  }
  compare(used, fresh, HORNFELS_WEIGHT, "at the end");
  compare(used, fresh, HORNFELS_SLOT, "at the end");
}

INSTANTIATE_TEST_SUITE_P(Tables, Lazy, testing::ValuesIn(pairs),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
