// Rows of ids as matrices, and weights that start orthonormal.
#include "runtime/core/abi.h"
#include "runtime/core/pool.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <string>
#include <vector>

extern "C" const hornfels_model pads_model, text_model, starts_model;

namespace {

class Handle {
public:
  Handle(const hornfels_model &model, int64_t capacity, const hornfels_pool *pool = nullptr, uint64_t seed = 1) : model(model) {
    EXPECT_EQ(model.create(&handle, capacity), HORNFELS_OK);
    model.set_pool(handle, pool);
    EXPECT_EQ(model.initialize(handle, seed), HORNFELS_OK);
  }
  ~Handle() { model.destroy(handle); }

  std::vector<float> variable(int32_t index) const {
    size_t count = 1;
    for (int32_t axis = 0; axis < model.variable_info[index].rank; ++axis)
      count *= static_cast<size_t>(model.variable_info[index].shape[axis]);
    std::vector<float> values(count);
    EXPECT_EQ(model.get_variable(handle, index, values.data(), static_cast<int64_t>(count)), HORNFELS_OK);
    return values;
  }

  std::vector<float> variable(const std::string &name) const {
    for (int32_t i = 0; i < model.variables; ++i)
      if (model.variable_info[i].name == name)
        return variable(i);
    ADD_FAILURE() << "no variable " << name;
    return {};
  }

  std::vector<float> variables() const {
    std::vector<float> all;
    for (int32_t i = 0; i < model.variables; ++i) {
      const std::vector<float> values = variable(i);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  const hornfels_model &model;
  void *handle = nullptr;
};

struct Rows {
  std::vector<uint16_t> ids;
  std::vector<int64_t> offsets{0};
  void add(const std::vector<uint16_t> &row) {
    ids.insert(ids.end(), row.begin(), row.end());
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  hornfels_array array() const { return {ids.data(), offsets.data(), static_cast<int64_t>(ids.size())}; }
};

// A longer row out of order and with repeats, one of the length, a shorter one, an empty one.
const std::vector<std::vector<uint16_t>> texts = {{9, 3, 3, 40, 1, 7}, {5, 4, 3, 2}, {8, 6}, {}};
const std::vector<std::vector<float>> expected[] = {
    {{3, 40, 1, 7}, {5, 4, 3, 2}, {0, 0, 8, 6}, {0, 0, 0, 0}},
    {{9, 3, 3, 40}, {5, 4, 3, 2}, {0, 0, 8, 6}, {0, 0, 0, 0}},
    {{3, 40, 1, 7}, {5, 4, 3, 2}, {8, 6, 49, 49}, {49, 49, 49, 49}},
    {{9, 3, 3, 40}, {5, 4, 3, 2}, {8, 6, -7, -7}, {-7, -7, -7, -7}},
    {{7}, {2}, {6}, {0}},
};

void expect_pads(const std::vector<size_t> &which, Handle &model) {
  Rows rows;
  for (size_t row : which)
    rows.add(texts[row]);
  std::vector<std::vector<float>> outputs(5, std::vector<float>(which.size() * 4, -1));
  const hornfels_array input = rows.array();
  std::vector<hornfels_result> results;
  for (size_t i = 0; i < 5; ++i)
    results.push_back({outputs[i].data(), static_cast<int64_t>(which.size() * expected[i][0].size())});
  ASSERT_EQ(pads_model.predict(model.handle, &input, results.data(), static_cast<int64_t>(which.size())), HORNFELS_OK)
      << pads_model.last_error(model.handle);
  for (size_t i = 0; i < 5; ++i)
    for (size_t row = 0; row < which.size(); ++row) {
      const std::vector<float> &want = expected[i][which[row]];
      const float *found = outputs[i].data() + row * want.size();
      EXPECT_EQ(std::vector<float>(found, found + want.size()), want) << pads_model.output_info[i].name << " row " << row;
    }
}

TEST(Text, rows_keep_their_order) {
  EXPECT_EQ(pads_model.input_info[0].token_rows, HORNFELS_ROWS_AS_IS);
  Handle model(pads_model, 40);
  for (size_t row = 0; row < texts.size(); ++row) // a batch of 1
    expect_pads({row}, model);
  expect_pads({0, 1, 2, 3}, model);
  std::vector<size_t> many(37);
  for (size_t i = 0; i < many.size(); ++i)
    many[i] = i * 7 % texts.size();
  expect_pads(many, model);
}

TEST(Text, order_counts) {
  Handle model(text_model, 2);
  Rows rows;
  rows.add({1, 2, 3}), rows.add({3, 2, 1});
  float y[2] = {};
  const hornfels_array input = rows.array();
  const hornfels_result result = {y, 2};
  ASSERT_EQ(text_model.predict(model.handle, &input, &result, 2), HORNFELS_OK) << text_model.last_error(model.handle);
  EXPECT_NE(y[0], y[1]);
}

/// All variables behind steps of which the last has fewer samples.
std::vector<float> trained(const hornfels_pool *pool) {
  constexpr int64_t samples = 32;
  Handle model(text_model, samples, pool);
  std::mt19937 random(3);
  for (int64_t batch : {samples, samples, samples - 13, int64_t{1}}) {
    Rows rows;
    std::vector<float> y;
    for (int64_t i = 0; i < batch; ++i) {
      std::vector<uint16_t> row(random() % 30);
      for (uint16_t &id : row)
        id = static_cast<uint16_t>(random() % 500);
      rows.add(row);
      y.push_back(static_cast<float>(random() % 2));
    }
    const hornfels_array arrays[] = {rows.array(), {y.data(), nullptr, batch}};
    EXPECT_EQ(text_model.train_step(model.handle, arrays, batch), HORNFELS_OK) << text_model.last_error(model.handle);
  }
  return model.variables();
}

TEST(Text, threads_change_no_bit) {
  const std::vector<float> alone = trained(nullptr), starts = Handle(starts_model, 1).variables();
  for (float value : alone)
    ASSERT_TRUE(std::isfinite(value));
  for (int32_t threads : {1, 2, 3, 8}) {
    hornfels_pool *pool = hornfels_pool_create(threads);
    const std::vector<float> shared = trained(pool), sharedStarts = Handle(starts_model, 1, pool).variables();
    hornfels_pool_destroy(pool);
    ASSERT_EQ(shared.size(), alone.size());
    EXPECT_EQ(std::memcmp(shared.data(), alone.data(), alone.size() * sizeof(float)), 0) << threads;
    EXPECT_EQ(std::memcmp(sharedStarts.data(), starts.data(), starts.size() * sizeof(float)), 0) << threads;
  }
}

/// The products of all rows, or of all columns where these are fewer, against gain^2 times the identity.
void expect_orthogonal(const std::vector<float> &w, size_t rows, size_t columns, double gain) {
  ASSERT_EQ(w.size(), rows * columns);
  const bool wide = rows <= columns;
  const size_t count = wide ? rows : columns, length = wide ? columns : rows;
  double worst = 0;
  for (size_t a = 0; a < count; ++a)
    for (size_t b = 0; b <= a; ++b) {
      double sum = 0;
      for (size_t i = 0; i < length; ++i)
        sum += double(wide ? w[a * columns + i] : w[i * columns + a]) * (wide ? w[b * columns + i] : w[i * columns + b]);
      worst = std::max(worst, std::abs(sum / gain / gain - (a == b)));
    }
  std::printf("%zux%zu: products are off by %.1e at most\n", rows, columns, worst);
  EXPECT_LT(worst, 1e-6);
}

TEST(Orthogonal, rows_or_columns_are_orthonormal) {
  const Handle starts(starts_model, 1), text(text_model, 1);
  expect_orthogonal(starts.variable("cube/kernel"), 21, 40, 1);
  expect_orthogonal(starts.variable("wide/kernel"), 40, 300, 1);
  expect_orthogonal(starts.variable("tall/kernel"), 300, 60, 2);
  expect_orthogonal(starts.variable("square/kernel"), 60, 60, 1);
  expect_orthogonal(text.variable("lstm/recurrent_kernel"), 16, 64, 1);
}

/// Any matrix is as likely as any other: elements of a square one have mean 0 and variance 1/n, the diagonal's sign is either,
/// and two seeds give two matrices.
TEST(Orthogonal, moments) {
  constexpr size_t n = 60, seeds = 40;
  double sum = 0, squares = 0, fourth = 0, trace = 0;
  std::vector<float> last;
  for (size_t seed = 1; seed <= seeds; ++seed) {
    const std::vector<float> w = Handle(starts_model, 1, nullptr, seed).variable("square/kernel");
    ASSERT_EQ(w.size(), n * n);
    EXPECT_NE(w, last);
    last = w;
    for (size_t i = 0; i < n * n; ++i) {
      const double x = w[i];
      sum += x, squares += x * x, fourth += x * x * x * x;
    }
    for (size_t i = 0; i < n; ++i)
      trace += w[i * n + i];
  }
  const double count = double(n * n * seeds);
  EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(double(n) * count));
  EXPECT_NEAR(squares / count * n, 1, 1e-5);
  EXPECT_NEAR(fourth / count * n * n, 3.0 * n / (n + 2), 0.05); // E x^4 = 3 / (n (n + 2)) on the sphere
  EXPECT_NEAR(trace / seeds, 0, 4 / std::sqrt(double(seeds))); // the trace of a random rotation has mean 0 and variance 1
}

} // namespace
