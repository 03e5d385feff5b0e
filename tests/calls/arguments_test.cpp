// Rows R01 to R07 and R11: arguments that cannot be, and numbers that are none.
#include "tests/calls/Calls.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace calls {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

TEST(Arguments, R01_null_pointers) {
  const Handle handle(prices_model);
  Prices batch;
  hornfels_result result = batch.result();
  std::vector<hornfels_array> data = batch.data();
  const hornfels_model &m = prices_model;
  void *h = handle.opaque;
  refuses(handle, m.train_step(h, nullptr, 2), "prices: null pointer");
  refuses(handle, m.evaluate_step(h, nullptr, 2), "prices: null pointer");
  refuses(handle, m.predict(h, nullptr, &result, 2), "prices: null pointer");
  refuses(handle, m.predict(h, data.data(), nullptr, 2), "price: null pointer");
  refuses(handle, m.get_metrics(h, nullptr), "prices: null pointer");
  refuses(handle, m.get_variable(h, 0, nullptr, 15), "dense/kernel: null pointer");
  refuses(handle, m.set_variable(h, 0, nullptr, 15), "dense/kernel: null pointer");
  result.data = nullptr;
  refuses(handle, m.predict(h, data.data(), &result, 2), "price: null pointer");
  data[1].data = nullptr;
  refuses(handle, m.train_step(h, data.data(), 2), "price: null pointer");
  data[0].data = nullptr;
  refuses(handle, m.train_step(h, data.data(), 2), "x: null pointer");
  EXPECT_EQ(m.create(nullptr, 16), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(m.set_pool(h, nullptr), HORNFELS_OK) << "that is the caller's own thread";
  const hornfels_pool none{nullptr, nullptr};
  refuses(handle, m.set_pool(h, &none), "prices: the pool has no run function");

  const Handle other(topics_model);
  const Topics words;
  std::vector<hornfels_array> arrays = words.data();
  arrays[0].offsets = nullptr;
  refuses(other, topics_model.train_step(other.opaque, arrays.data(), 3), "words: null pointer");
  arrays = words.data();
  arrays[0].data = nullptr;
  refuses(other, topics_model.train_step(other.opaque, arrays.data(), 3), "words: null pointer");
}

TEST(Arguments, R02_buffers_that_are_too_short) {
  const Handle handle(prices_model);
  Prices batch;
  hornfels_result result = batch.result();
  std::vector<hornfels_array> data = batch.data();
  const hornfels_model &m = prices_model;
  data[0].size = 5;
  refuses(handle, m.train_step(handle.opaque, data.data(), 2), "x: 5 elements, a batch of 2 needs 6");
  data = batch.data();
  data[1].size = -6;
  refuses(handle, m.evaluate_step(handle.opaque, data.data(), 2), "price: -6 elements, a batch of 2 needs 6");
  result.size = 5;
  refuses(handle, m.predict(handle.opaque, batch.data().data(), &result, 2),
          "price: room for 5 elements, a batch of 2 needs 6");
  refuses(handle, m.get_variable(handle.opaque, 0, batch.x.data(), 6), "dense/kernel: 6 elements given, it has 15");
  refuses(handle, m.set_variable(handle.opaque, 12, batch.x.data(), 6), "prices: variable 12 of 12");

  const Handle other(topics_model);
  Topics words;
  std::vector<hornfels_array> arrays = words.data();
  arrays[0].size = 5;
  refuses(other, topics_model.train_step(other.opaque, arrays.data(), 3), "words: row 2 goes from 4 to 6 of 5 ids");
  words.offsets = {0, 3, 2, 6};
  refuses(other, topics_model.train_step(other.opaque, words.data().data(), 3), "words: row 1 goes from 3 to 2 of 6 ids");
  words.offsets = {1, 3, 4, 6};
  refuses(other, topics_model.train_step(other.opaque, words.data().data(), 3), "words: the first row begins at 1, not at 0");
}

TEST(Arguments, R03_batches) {
  const Handle handle(prices_model, 16);
  Prices batch;
  hornfels_result result = batch.result();
  const std::vector<hornfels_array> data = batch.data();
  const hornfels_model &m = prices_model;
  const std::vector<float> before = handle.state();
  EXPECT_EQ(m.train_step(handle.opaque, data.data(), 0), HORNFELS_OK);
  EXPECT_EQ(m.evaluate_step(handle.opaque, data.data(), 0), HORNFELS_OK);
  EXPECT_EQ(m.predict(handle.opaque, data.data(), &result, 0), HORNFELS_OK);
  for (const int64_t wrong : {int64_t{17}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    const std::string text = "prices: a batch of " + std::to_string(wrong) + ", this handle takes 0 to 16";
    refuses(handle, m.train_step(handle.opaque, data.data(), wrong), text);
    refuses(handle, m.evaluate_step(handle.opaque, data.data(), wrong), text);
    refuses(handle, m.predict(handle.opaque, data.data(), &result, wrong), text);
  }
  EXPECT_EQ(handle.state(), before);
  void *none = handle.opaque;
  for (const int64_t wrong : {int64_t{0}, int64_t{-1}, (int64_t{1} << 24) + 1, INT64_MAX}) {
    EXPECT_EQ(m.create(&none, wrong), HORNFELS_BAD_ARGUMENT) << wrong;
  }
}

TEST(Arguments, R04_addresses_between_elements) {
  const Handle handle(prices_model);
  const Prices batch;
  alignas(16) char bytes[64] = {};
  std::memcpy(bytes + 1, batch.x.data(), 24);
  std::vector<hornfels_array> data = batch.data();
  data[0].data = bytes + 1;
  const hornfels_model &m = prices_model;
  refuses(handle, m.train_step(handle.opaque, data.data(), 2),
          "x: its address is not a multiple of the element size, 4");
  hornfels_result result{bytes + 1, 6};
  refuses(handle, m.predict(handle.opaque, batch.data().data(), &result, 2),
          "price: its address is not a multiple of the element size, 4");
  /* An element, but no vector: that works. */
  data[0].data = std::memcpy(bytes + 4, batch.x.data(), 24);
  result.data = bytes + 36;
  std::vector<float> expected(6);
  hornfels_result plain{expected.data(), 6};
  ASSERT_EQ(m.predict(handle.opaque, batch.data().data(), &plain, 2), HORNFELS_OK);
  ASSERT_EQ(m.predict(handle.opaque, data.data(), &result, 2), HORNFELS_OK) << handle.error();
  EXPECT_EQ(std::memcmp(result.data, expected.data(), 24), 0);
  /* Variables are copied: any address. */
  char kernel[61];
  EXPECT_EQ(m.get_variable(handle.opaque, 0, kernel + 1, 15), HORNFELS_OK);
  EXPECT_EQ(m.set_variable(handle.opaque, 0, kernel + 1, 15), HORNFELS_OK);

  const Handle other(topics_model);
  const Topics words;
  std::vector<hornfels_array> arrays = words.data();
  arrays[0].data = bytes + 1;
  refuses(other, topics_model.train_step(other.opaque, arrays.data(), 3),
          "words: its address is not a multiple of the element size, 2");
  arrays = words.data();
  std::memcpy(bytes + 4, words.offsets.data(), 32);
  arrays[0].offsets = static_cast<const int64_t *>(static_cast<const void *>(bytes + 4));
  refuses(other, topics_model.train_step(other.opaque, arrays.data(), 3),
          "words: the address of its offsets is not a multiple of 8");
}

TEST(Arguments, R05_results_that_lie_in_the_way) {
  const Handle handle(prices_model);
  Prices batch;
  const hornfels_model &m = prices_model;
  for (int shift : {0, 5, -5}) {
    std::vector<float> memory(16, 1.0f);
    const hornfels_array input{memory.data() + 5, nullptr, 6};
    const hornfels_result result{memory.data() + 5 + shift, 6};
    refuses(handle, m.predict(handle.opaque, &input, &result, 2), "price: lies where the input x lies");
    EXPECT_EQ(memory, std::vector<float>(16, 1.0f));
  }
  std::vector<float> memory(12, 1.0f);
  const hornfels_array input{memory.data(), nullptr, 6};
  const hornfels_result beside{memory.data() + 6, 6};
  EXPECT_EQ(m.predict(handle.opaque, &input, &beside, 2), HORNFELS_OK);

  const Handle edges(edges_model);
  std::vector<float> x(8), results(16);
  const hornfels_array data{x.data(), nullptr, 8};
  const hornfels_result both[] = {{results.data(), 8}, {results.data() + 7, 4}, {results.data() + 8, 8}};
  refuses(edges, edges_model.predict(edges.opaque, &data, both, 1), "largest: lies where the output rectified lies");
}

TEST(Arguments, R06_numbers_that_are_none_are_kept) {
  const Handle handle(edges_model);
  const std::vector<float> x{nan, -0.0f, infinity, 3e38f, 1, -infinity, -1, 1e-39f};
  std::vector<float> rectified(8), largest(4), sum(8);
  const hornfels_array data{x.data(), nullptr, 8};
  const hornfels_result results[] = {{rectified.data(), 8}, {largest.data(), 4}, {sum.data(), 8}};
  ASSERT_EQ(edges_model.predict(handle.opaque, &data, results, 1), HORNFELS_OK);
  EXPECT_TRUE(std::isnan(rectified[0]));
  EXPECT_EQ((std::vector<float>{rectified.begin() + 1, rectified.end() - 1}),
            (std::vector<float>{0, infinity, 3e38f, 1, 0, 0}));
  EXPECT_TRUE(std::isnan(largest[0]));
  EXPECT_EQ((std::vector<float>{largest.begin() + 1, largest.end()}), (std::vector<float>{0, infinity, 3e38f}));
  EXPECT_TRUE(std::isnan(sum[0]));
  EXPECT_EQ((std::vector<float>{sum.begin() + 1, sum.end()}),
            (std::vector<float>{0, infinity, infinity, 2, -infinity, -2, 0}))
      << "a denormal counts as zero";
  EXPECT_TRUE(std::signbit(sum[1]));
}

TEST(Arguments, R07_no_weights_yet) {
  const Handle handle(prices_model, 16, false);
  Prices batch;
  hornfels_result result = batch.result();
  const hornfels_model &m = prices_model;
  const std::string text = "prices: the weights are neither initialised nor loaded";
  refuses(handle, m.predict(handle.opaque, batch.data().data(), &result, 2), text, HORNFELS_BAD_STATE);
  refuses(handle, m.train_step(handle.opaque, batch.data().data(), 2), text, HORNFELS_BAD_STATE);
  refuses(handle, m.evaluate_step(handle.opaque, batch.data().data(), 2), text, HORNFELS_BAD_STATE);
  EXPECT_EQ(batch.predicted, std::vector<float>(6));
  /* All weights but one, one of them twice. */
  const std::vector<float> values(15);
  for (int32_t i : {0, 1, 2, 2})
    EXPECT_EQ(m.set_variable(handle.opaque, i, values.data(), elements(m.variable_info[i])), HORNFELS_OK);
  refuses(handle, m.predict(handle.opaque, batch.data().data(), &result, 2), text, HORNFELS_BAD_STATE);
  EXPECT_EQ(m.set_variable(handle.opaque, 3, values.data(), 3), HORNFELS_OK);
  EXPECT_EQ(m.predict(handle.opaque, batch.data().data(), &result, 2), HORNFELS_OK);
}

/// A step that is refused names the row and changes nothing.
void refusesStep(const hornfels_model &model, const std::vector<hornfels_array> &data, int64_t batch,
                 const std::string &text) {
  const Handle handle(model);
  const std::vector<float> before = handle.state();
  refuses(handle, model.train_step(handle.opaque, data.data(), batch), text);
  refuses(handle, model.evaluate_step(handle.opaque, data.data(), batch), text);
  EXPECT_EQ(handle.state(), before);
}

TEST(Arguments, R11_targets_that_cannot_be) {
  Topics batch;
  batch.labels[5] = 0.15f;
  refusesStep(topics_model, batch.data(), 3, "topic: row 1 sums to 0.9, the probabilities of 4 classes to 1");
  batch.labels[5] = nan;
  refusesStep(topics_model, batch.data(), 3, "topic: row 1 sums to nan, the probabilities of 4 classes to 1");
  batch = {};
  batch.weights[2] = -0.5f;
  refusesStep(topics_model, batch.data(), 3, "sample_weight: row 2 has -0.5, a weight is a number from 0 on");
  batch.weights[2] = infinity;
  refusesStep(topics_model, batch.data(), 3, "sample_weight: row 2 has inf, a weight is a number from 0 on");
  batch = {};
  batch.ids[3] = 50;
  refusesStep(topics_model, batch.data(), 3, "words: row 1 has the id 50, ids are below 50");
  batch = {};
  batch.ids[4] = 3;
  refusesStep(topics_model, batch.data(), 3, "words: row 2 is not a sorted set: id 3 follows id 3");

  const std::vector<float> x(2 * 784);
  for (const int32_t wrong : {10, -1, INT32_MIN}) {
    const std::vector<int32_t> classes{9, wrong};
    refusesStep(wide_model, {{x.data(), nullptr, 2 * 784}, {classes.data(), nullptr, 2}}, 2,
                "y: row 1 has " + std::to_string(wrong) + ", class numbers are from 0 to 9");
  }
  const Handle handle(topics_model);
  EXPECT_EQ(topics_model.train_step(handle.opaque, Topics().data().data(), 3), HORNFELS_OK) << handle.error();
}

} // namespace
} // namespace calls
