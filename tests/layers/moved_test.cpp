// cumsum along each axis and its gradient, which are sums from the other end; and that a NaN comes out only where it was
// read: behind itself among sums, in the copies of its pixel in a resized image.
#include "tests/layers/Models.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr size_t batch = 3, sizes[] = {batch, 3, 5, 2}, elements = batch * 3 * 5 * 2;
constexpr size_t height = 7, width = 6, channels = 2, wanted_height = 5, wanted_width = 9;

/// Multiples of 1/4, so that their sums in float are exact.
std::vector<float> numbers(size_t count, unsigned seed) {
  std::vector<float> values(count);
  for (float &value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int>(seed >> 24) - 128) / 4;
  }
  return values;
}

/// y[..., i, ...] = x[..., 0, ...] + ... + x[..., i, ...] along an axis of [batch, 3, 5, 2]; `back`: of i and all behind.
std::vector<float> sums(std::vector<float> x, size_t axis, bool back) {
  size_t step = 1;
  for (size_t i = axis + 1; i < 4; ++i)
    step *= sizes[i];
  for (size_t k = 0; k < elements; ++k) {
    size_t i = back ? elements - 1 - k : k, place = i / step % sizes[axis];
    if (back ? place + 1 < sizes[axis] : place > 0)
      x[i] += back ? x[i + step] : x[i - step];
  }
  return x;
}

/// The mean over the batch, negated: what a step at rate 1 makes of a probe.
std::vector<float> moved_by(const std::vector<float> &gradient) {
  std::vector<float> result(gradient.size() / batch);
  for (size_t i = 0; i < gradient.size(); ++i)
    result[i % result.size()] -= gradient[i] / static_cast<float>(batch);
  return result;
}

/// The pixel of the old image that new element i of [batch, 5, 9, 2] shows: that below its own middle.
size_t source(size_t i) {
  size_t c = i % channels, column = i / channels % wanted_width, row = i / channels / wanted_width % wanted_height,
         sample = i / channels / wanted_width / wanted_height;
  size_t old_row = (2 * row + 1) * height / (2 * wanted_height), old_column = (2 * column + 1) * width / (2 * wanted_width);
  return ((sample * height + old_row) * width + old_column) * channels + c;
}

void equal(const std::string &what, const std::vector<float> &found, const std::vector<float> &expected) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(std::isnan(found[i]), std::isnan(expected[i])) << what << "[" << i << "]";
    if (!std::isnan(expected[i]))
      EXPECT_NEAR(found[i], expected[i], 1e-5 * (1 + std::abs(expected[i]))) << what << "[" << i << "]";
  }
}

class Moved : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(model.create(&handle, batch), HORNFELS_OK);
    ASSERT_EQ(model.initialize(handle, 1), HORNFELS_OK);
  }
  void TearDown() override { model.destroy(handle); }
  static hornfels_array array(const std::vector<float> &x) {
    return {x.data(), nullptr, static_cast<int64_t>(x.size())};
  }
  void predicts(const std::vector<float> &x, const std::vector<float> &image) {
    std::vector<float> pixels(batch * wanted_height * wanted_width * channels);
    for (size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = image[source(i)];
    const std::map<std::string, std::vector<float>> expected = {
        {"first", sums(x, 1, false)}, {"middle", sums(x, 2, false)}, {"last", sums(x, 3, false)}, {"pixels", pixels}};
    std::vector<std::vector<float>> outputs;
    for (int32_t i = 0; i < model.outputs; ++i)
      outputs.emplace_back(expected.at(model.output_info[i].name).size(), -1e9f);
    std::vector<hornfels_result> results;
    for (std::vector<float> &output : outputs)
      results.push_back({output.data(), static_cast<int64_t>(output.size())});
    const hornfels_array data[] = {array(x), array(image)};
    ASSERT_EQ(model.predict(handle, data, results.data(), batch), HORNFELS_OK) << model.last_error(handle);
    for (int32_t i = 0; i < model.outputs; ++i)
      equal(model.output_info[i].name, outputs[static_cast<size_t>(i)], expected.at(model.output_info[i].name));
  }
  const hornfels_model &model = *generated_models.at("moved");
  void *handle = nullptr;
  std::vector<float> x = numbers(elements, 1), image = numbers(batch * height * width * channels, 2);
};

TEST_F(Moved, predicts_what_loops_say) { predicts(x, image); }

TEST_F(Moved, a_NaN_stays_where_it_was_read) {
  x[(1 * 5 + 2) * 2] = NAN; // sample 0, place [1, 2, 0]
  image[(3 * width + 2) * channels + 1] = NAN;
  predicts(x, image);
}

TEST_F(Moved, gradients_are_sums_from_the_other_end) {
  std::map<std::string, std::vector<float>> targets, expected;
  std::vector<hornfels_array> data = {array(x), array(image)};
  for (int32_t i = 0; i < model.targets; ++i) {
    std::string name = model.target_info[i].name;
    bool is_image = name == "pixels";
    size_t count = is_image ? batch * wanted_height * wanted_width * channels : elements;
    const std::vector<float> &target = targets[name] = numbers(count, static_cast<unsigned>(i) + 3);
    std::vector<float> gradient(image.size());
    for (size_t k = 0; is_image && k < count; ++k)
      gradient[source(k)] += target[k];
    if (!is_image)
      gradient = sums(target, name == "first" ? 1 : name == "middle" ? 2 : 3, true);
    expected["probe_" + name + "/offset"] = moved_by(gradient);
    data.push_back(array(target));
  }
  ASSERT_EQ(expected.size(), 4u);
  ASSERT_EQ(model.reset_metrics(handle), HORNFELS_OK);
  ASSERT_EQ(model.train_step(handle, data.data(), batch), HORNFELS_OK) << model.last_error(handle);
  size_t compared = 0;
  for (int32_t i = 0; i < model.variables; ++i) {
    auto one = expected.find(model.variable_info[i].name);
    if (one == expected.end())
      continue;
    std::vector<float> found(one->second.size());
    ASSERT_EQ(model.get_variable(handle, i, found.data(), static_cast<int64_t>(found.size())), HORNFELS_OK);
    equal(one->first, found, one->second);
    ++compared;
  }
  EXPECT_EQ(compared, expected.size());
}

} // namespace
