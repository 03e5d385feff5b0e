/* Text as data: what its windows are, which are held out, and what is refused; characters drawn from
 * predictions. */
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/data/text_windows.h"
#include "runtime/program/failure.h"
#include "runtime/program/predict/draw.h"
#include "runtime/program/training/batches.h"
#include "runtime/program/training/class_weights.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

constexpr int64_t four[] = {4}, one[] = {1}, three[] = {3}, four_of_128[] = {4, 128}, of_128[] = {128},
                  square[] = {4, 4};

hornfels_tensor tensor(const char *name, int32_t type, int32_t rank, const int64_t *shape,
                       int64_t limit = 0) {
  return {name, type, 0, rank, 0, shape, limit, 0, "m.horn:2:7", limit > 0 ? "m.horn:3:9" : nullptr};
}

/* A model of windows of four characters, of which only the table is looked at. */
struct letters {
  hornfels_tensor inputs[2] = {tensor("text", HORNFELS_I32, 1, four, 128),
                               tensor("more", HORNFELS_I32, 1, four)};
  hornfels_tensor targets[2] = {tensor("next", HORNFELS_I32, 1, four, 128),
                                tensor("sample_weight", HORNFELS_F32, 0, nullptr)};
  hornfels_tensor output = tensor("next", HORNFELS_F32, 2, four_of_128);
  hornfels_model table = digits_model;

  letters() {
    table.name = "letters";
    table.input_info = inputs;
    table.target_info = targets;
    table.output_info = &output;
  }
  /* One prediction a window. */
  void predict_one() {
    targets[0] = tensor("next", HORNFELS_I32, 0, nullptr, 128);
    output = tensor("next", HORNFELS_F32, 1, of_128);
  }
};

class text_data : public testing::Test {
protected:
  dataset bind_text(const std::string &bytes, const suffixes &wanted = {"_train"}, bool targets = true,
                    double test_split = -1) {
    write_file(folder / "t.txt", bytes);
    data_options how;
    how.test_split = test_split;
    const data_file file(folder / "t.txt", how);
    return hornfels::bind(model.table, file, wanted, targets);
  }

  std::string refusal(const std::string &bytes) {
    try {
      bind_text(bytes);
    } catch (const failure &problem) {
      EXPECT_EQ(problem.code(), exit_input);
      std::string text = problem.what();
      for (size_t at; (at = text.find(folder.str() + "/")) != std::string::npos;)
        text.erase(at, folder.str().size() + 1);
      return text;
    }
    return "bound";
  }

  /* What a step is given for these rows, an array's characters after one another. */
  static std::string step(const dataset &data, std::vector<uint32_t> rows, size_t array) {
    batcher batches(data, 4);
    const hornfels_array given = batches.gather(rows.data(), static_cast<int64_t>(rows.size()))[array];
    const int32_t *const ids = static_cast<const int32_t *>(given.data);
    return std::string(ids, ids + given.size);
  }

  scratch_folder folder;
  letters model;
};

TEST_F(text_data, windows_lie_side_by_side_and_targets_one_character_on) {
  const dataset data = bind_text("abcdefghijklm");
  EXPECT_EQ(data.rows, 3);
  EXPECT_EQ(step(data, {0, 1, 2}, 0), "abcdefghijkl");
  EXPECT_EQ(step(data, {0, 1, 2}, 1), "bcdefghijklm") << "every character but the first is predicted once";
  EXPECT_EQ(step(data, {2, 0}, 0), "ijklabcd") << "in any order";
  EXPECT_EQ(step(data, {2, 0}, 1), "jklmbcde");
  EXPECT_EQ(data.arrays[0].data.bytes() + data.arrays[1].data.bytes(), 0u) << "views, no copies";
  EXPECT_EQ(data.text.bytes(), 13u);
}

TEST_F(text_data, what_is_left_behind_the_last_window_is_left_out) {
  EXPECT_EQ(bind_text("abcde").rows, 1) << "a window and the character after it";
  EXPECT_EQ(bind_text("abcdefgh").rows, 1) << "nothing follows the second window";
  EXPECT_EQ(bind_text("abcdefghi").rows, 2);
  EXPECT_EQ(bind_text("abcdefgh", {""}, false).rows, 2) << "nothing has to follow where nothing is compared";
  EXPECT_EQ(bind_text("abcdefgh", {""}, false).arrays.size(), 1u);
}

TEST_F(text_data, one_target_a_window_moves_it_by_one_character) {
  model.predict_one();
  const dataset data = bind_text("abcdefg");
  EXPECT_EQ(data.rows, 3);
  EXPECT_EQ(step(data, {0, 1, 2}, 0), "abcdbcdecdef");
  EXPECT_EQ(step(data, {0, 1, 2}, 1), "efg");
  EXPECT_EQ(bind_text("abcdefg", {""}, false).rows, 4);
}

TEST_F(text_data, the_test_is_the_last_part_of_the_text_in_its_order) {
  const std::string text = "abcdefghijklmnopqrstu";
  const dataset training = bind_text(text, {"_train"}, true, 0.4),
                test = bind_text(text, {"_test"}, true, 0.4);
  EXPECT_EQ(training.rows, 3);
  EXPECT_EQ(step(training, {0, 1, 2}, 0), "abcdefghijkl");
  EXPECT_EQ(test.rows, 2);
  EXPECT_EQ(step(test, {0, 1}, 0), "mnopqrst");
  EXPECT_EQ(step(test, {0, 1}, 1), "nopqrstu");
}

TEST_F(text_data, a_last_batch_may_be_smaller) {
  const dataset data = bind_text("abcdefghijklm");
  batcher batches(data, 2);
  const hornfels_array *const given = batches.gather_range(2, 1);
  EXPECT_EQ(given[0].size, 4);
  EXPECT_EQ(static_cast<const int32_t *>(given[0].data)[0], 'i');
  EXPECT_EQ(static_cast<const int32_t *>(given[1].data)[3], 'm');
}

TEST_F(text_data, characters_become_integers_of_any_width) {
  model.inputs[0].type = HORNFELS_I64;
  model.targets[0].type = HORNFELS_U8;
  const dataset data = bind_text("abcde");
  batcher batches(data, 1);
  const hornfels_array *const given = batches.gather_range(0, 1);
  EXPECT_EQ(static_cast<const int64_t *>(given[0].data)[3], 'd');
  EXPECT_EQ(static_cast<const uint8_t *>(given[1].data)[3], 'e');
}

TEST_F(text_data, every_byte_is_a_class_where_the_model_has_256) {
  model.inputs[0].limit = model.targets[0].limit = 256;
  const dataset data = bind_text(std::string("\xff\0\x80\r\n", 5));
  EXPECT_EQ(step(data, {0}, 0), std::string("\xff\0\x80\r", 4));
}

TEST_F(text_data, weights_of_samples_are_one_and_classes_have_none) {
  model.table.targets = 2;
  dataset data = bind_text("abcdefghi");
  ASSERT_EQ(data.arrays.size(), 3u);
  EXPECT_EQ(data.arrays[2].data.as<float>()[1], 1.0f);
  try {
    apply_class_weights(model.table, data, {{97, 2.0}}, false);
    FAIL();
  } catch (const failure &problem) {
    EXPECT_STREQ(problem.what(),
                 "error: --class-weight: a row of text is a window of characters, not of a class");
  }
}

TEST_F(text_data, texts_that_are_too_short_are_refused) {
  EXPECT_EQ(refusal(""), "t.txt: error: is empty, expected text");
  EXPECT_EQ(refusal("abcd"),
            "t.txt: error: has 4 characters, expected at least 5: a window and the character after it");
}

TEST_F(text_data, bytes_outside_the_vocabulary_are_named) {
  EXPECT_EQ(
      refusal("abcd\nef\xc3\xa9g\nhi"),
      "t.txt:2:3: error: byte 0xC3 is outside the vocabulary, which is 128: see m.horn:3:9\n  ef?g\n    ^");
  model.targets[0].limit = 100;
  EXPECT_EQ(
      refusal("abcde"),
      "t.txt:1:4: error: byte 0x64 is outside the vocabulary, which is 100: see m.horn:3:9\n  abcde\n     ^");
}

TEST_F(text_data, models_that_read_no_characters_are_refused) {
  const auto refused = [&](hornfels_tensor &changed, const hornfels_tensor &to) {
    const hornfels_tensor before = changed;
    changed = to;
    const std::string text = refusal("abcdefghijklm");
    changed = before;
    return text;
  };
  EXPECT_EQ(
      refused(model.inputs[0], tensor("text", HORNFELS_F32, 1, four)),
      "t.txt: error: is text, but text is f32[4], declared at m.horn:2:7; expected one axis of integers, a "
      "window of characters: i32[100]");
  EXPECT_EQ(refused(model.inputs[0], tensor("text", HORNFELS_I32, 2, square)),
            "t.txt: error: is text, but text is i32[4, 4], declared at m.horn:2:7; expected one axis of "
            "integers, a "
            "window of characters: i32[100]");
  const std::string targets =
      "; expected i32[4], the next character at each place, or i32[], the one after the window";
  EXPECT_EQ(refused(model.targets[0], tensor("next", HORNFELS_I32, 1, three)),
            "t.txt: error: is text, but next is i32[3], declared at m.horn:2:7" + targets);
  EXPECT_EQ(refused(model.targets[0], tensor("next", HORNFELS_F32, 2, four_of_128)),
            "t.txt: error: is text, but next is f32[4, 128], declared at m.horn:2:7" + targets);
  model.table.inputs = 2;
  EXPECT_EQ(
      refusal("abcdefghi"),
      "t.txt: error: is text, but more is i32[4], declared at m.horn:2:7; expected no input beside text");
  model.table.inputs = 1;
  model.table.targets = 2;
  model.targets[1] = tensor("mood", HORNFELS_I32, 1, one);
  EXPECT_EQ(
      refusal("abcdefghi"),
      "t.txt: error: is text, but mood is i32[1], declared at m.horn:2:7; expected no target beside next");
}

TEST(text_shapes, without_a_text_the_place_is_in_the_model) {
  try {
    shape_of_text(digits_model, "", false);
    FAIL();
  } catch (const failure &problem) {
    EXPECT_STREQ(problem.what(),
                 "models/digits.horn:2:14: error: image is f32[28, 28, 1]; expected one axis of "
                 "integers, a window of characters: i32[100]");
  }
}

TEST(draw, follows_the_probabilities) {
  const double p[] = {0.5, 0, 0.25, 0.25};
  EXPECT_EQ(draw_class(p, 4, false, 1, 0.0), 0);
  EXPECT_EQ(draw_class(p, 4, false, 1, 0.499), 0);
  EXPECT_EQ(draw_class(p, 4, false, 1, 0.501), 2) << "a class without probability is never drawn";
  EXPECT_EQ(draw_class(p, 4, false, 1, 0.749), 2);
  EXPECT_EQ(draw_class(p, 4, false, 1, 0.751), 3);
  EXPECT_EQ(draw_class(p, 4, false, 1, 0x1.fffffffffffffp-1), 3);
}

/* p^(1/T): at 1/2 the squares 4, 1, 1 of 2, 1, 1; at 2 their roots. */
TEST(draw, temperature_is_the_exponent) {
  const double p[] = {0.5, 0.25, 0.25};
  const double at_half = 4.0 / 6, at_two = std::sqrt(2.0) / (std::sqrt(2.0) + 2);
  for (const double near : {-1e-9, 1e-9}) {
    EXPECT_EQ(draw_class(p, 3, false, 0.5, at_half + near), near < 0 ? 0 : 1);
    EXPECT_EQ(draw_class(p, 3, false, 2, at_two + near), near < 0 ? 0 : 1);
  }
  EXPECT_EQ(draw_class(p, 3, false, 0, 0.999), 0) << "0: the likeliest";
  EXPECT_EQ(draw_class(p, 3, false, 1e-300, 0.999), 0) << "no overflow on the way there";
}

TEST(draw, logits_are_logarithms_of_probabilities_but_for_a_constant) {
  const double p[] = {0.1, 0.2, 0.3, 0.4};
  double logits[4];
  for (int i = 0; i < 4; ++i)
    logits[i] = std::log(p[i]) + 1000;
  EXPECT_TRUE(are_probabilities(p, 4));
  EXPECT_FALSE(are_probabilities(logits, 4));
  for (double u = 0.05; u < 1; u += 0.1)
    EXPECT_EQ(draw_class(logits, 4, true, 0.7, u), draw_class(p, 4, false, 0.7, u)) << u;
}

TEST(draw, nothing_is_drawn_from_what_is_no_number) {
  const double with_nan[] = {0.5, NAN, 0.5}, nothing[] = {0, 0}, infinite[] = {-INFINITY, -INFINITY};
  EXPECT_EQ(draw_class(with_nan, 3, false, 1, 0.1), -1);
  EXPECT_EQ(draw_class(nothing, 2, false, 1, 0.1), -1);
  EXPECT_EQ(draw_class(infinite, 2, true, 1, 0.1), -1);
}

} // namespace
