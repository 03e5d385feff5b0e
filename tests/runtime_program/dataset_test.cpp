/* Binding: arrays found, converted, checked; and what does not fit, named on both sides. */
#include <cmath>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/core/sort_rows.h"
#include "runtime/program/training/batches.h"
#include "runtime/program/data/inflate.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

class binding : public testing::Test {
protected:
  binding() { set_inflater(make_inflater); }

  dataset bind_bytes(const hornfels_model &model, const std::vector<member> &members, bool targets = true) {
    write_file(folder / "d.npz", zip(members));
    const data_file file(folder / "d.npz");
    return bind(model, file, {"_train"}, targets);
  }

  /* The message that binding ends in, without the folder's name. */
  std::string refusal(const hornfels_model &model, const std::vector<member> &members) {
    try {
      bind_bytes(model, members);
    } catch (const failure &problem) {
      EXPECT_EQ(problem.code(), exit_input);
      std::string text = problem.what();
      for (size_t at; (at = text.find(folder.str() + "/")) != std::string::npos;)
        text.erase(at, folder.str().size() + 1);
      return text;
    }
    return "bound";
  }

  scratch_folder folder;
};

std::vector<member> words_data(const std::vector<int32_t> &values, const std::vector<int64_t> &offsets,
                               const std::string &targets) {
  return {
      {"x_train_values.npy", npy(values)}, {"x_train_offsets.npy", npy(offsets)}, {"y_train.npy", targets}};
}

template <class T> std::vector<T> all(const bound_array &array, size_t count) {
  return std::vector<T>(array.data.as<T>(), array.data.as<T>() + count);
}

TEST_F(binding, makes_rows_of_tokens_sorted_sets) {
  const dataset data =
      bind_bytes(words_model, words_data({5, 3, 5, 9999, 7, 7, 1, 0}, {0, 4, 4, 8}, npy<int32_t>({1, 0, 1})));
  EXPECT_EQ(data.rows, 3);
  const bound_array &review = data.arrays[0];
  const int64_t *offsets = review.offsets.as<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(offsets, offsets + 4), (std::vector<int64_t>{0, 3, 3, 6}));
  EXPECT_EQ(all<uint16_t>(review, 6), (std::vector<uint16_t>{3, 5, 9999, 0, 1, 7}));
  EXPECT_EQ(all<float>(data.arrays[1], 3), (std::vector<float>{1, 0, 1}));
}

/* Rows long enough for bits, and rows short enough for sorting, give the same sets. */
TEST_F(binding, long_rows_become_the_same_sets) {
  std::vector<int32_t> values;
  for (int i = 0; i < 5000; ++i)
    values.push_back(i * 7919 % 3001);
  const dataset data = bind_bytes(words_model, words_data(values, {0, 10, 5000}, npy<int32_t>({1, 0})));
  const int64_t *offsets = data.arrays[0].offsets.as<int64_t>();
  std::vector<uint16_t> first(values.begin(), values.begin() + 10), second(values.begin() + 10, values.end());
  for (std::vector<uint16_t> *row : {&first, &second}) {
    std::sort(row->begin(), row->end());
    row->erase(std::unique(row->begin(), row->end()), row->end());
  }
  ASSERT_EQ(offsets[2], static_cast<int64_t>(first.size() + second.size()));
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_EQ(all<uint16_t>(data.arrays[0], first.size()), first);
}

TEST_F(binding, sorts_rows_that_keep_their_repeats) {
  const dataset data =
      bind_bytes(notes_model, words_data({5, 3, 5, 99999, 7, 7}, {0, 4, 6}, npy<float>({1, 0})));
  EXPECT_EQ(all<int32_t>(data.arrays[0], 6), (std::vector<int32_t>{3, 5, 5, 99999, 7, 7}));
}

TEST(sort_rows, serves_those_who_embed_a_model) {
  uint16_t ids[] = {5, 3, 5, 2, 2, 9};
  int64_t offsets[] = {0, 3, 3, 6};
  EXPECT_EQ(hornfels_sort_rows(HORNFELS_TOKENS16, HORNFELS_ROWS_SETS, 10, ids, offsets, 3), 4);
  EXPECT_EQ(std::vector<uint16_t>(ids, ids + 4), (std::vector<uint16_t>{3, 5, 2, 9}));
  EXPECT_EQ(std::vector<int64_t>(offsets, offsets + 4), (std::vector<int64_t>{0, 2, 2, 4}));
  int32_t wide[] = {1 << 20, 7, 7};
  int64_t one_row[] = {0, 3};
  EXPECT_EQ(hornfels_sort_rows(HORNFELS_TOKENS32, HORNFELS_ROWS_AS_IS, 0, wide, one_row, 1), 3);
  EXPECT_EQ(wide[0], 1 << 20);
  EXPECT_EQ(hornfels_sort_rows(HORNFELS_TOKENS32, HORNFELS_ROWS_SORTED, 0, wide, one_row, 1), 3);
  EXPECT_EQ(std::vector<int32_t>(wide, wide + 3), (std::vector<int32_t>{7, 7, 1 << 20}));
  EXPECT_EQ(hornfels_sort_rows(HORNFELS_F32, HORNFELS_ROWS_SETS, 0, wide, one_row, 1), -1);
  EXPECT_EQ(hornfels_sort_rows(HORNFELS_TOKENS32, HORNFELS_ROWS_SETS, 0, nullptr, one_row, 1), -1);
}

TEST_F(binding, finds_arrays_by_the_models_names_first) {
  std::vector<member> members = words_data({1, 2}, {0, 1, 2}, npy<int32_t>({1, 1}));
  members.push_back({"sentiment_train.npy", npy<int32_t>({0, 1})});
  EXPECT_EQ(all<float>(bind_bytes(words_model, members).arrays[1], 2), (std::vector<float>{0, 1}));
}

TEST_F(binding, converts_every_type_that_fits) {
  const std::vector<std::string> columns{npy<uint8_t>({2, 1}, {0, 1}), npy<int8_t>({2, 1}, {0, 1}),
                                         npy<uint16_t>({2}, {0, 1}),   npy<int16_t>({2}, {0, 1}),
                                         npy<int32_t>({2}, {0, 1}),    npy<uint32_t>({2}, {0, 1}),
                                         npy<int64_t>({2}, {0, 1}),    npy<uint64_t>({2}, {0, 1}),
                                         npy<float>({2}, {0, 1}),      npy<double>({2, 1}, {0, 1})};
  for (const std::string &column : columns) {
    const dataset data = bind_bytes(words_model, words_data({1, 2}, {0, 1, 2}, column));
    EXPECT_EQ(all<float>(data.arrays[1], 2), (std::vector<float>{0, 1}));
  }
  for (const std::string &column : columns) {
    const dataset data = bind_bytes(
        digits_model, {{"x_train.npy", npy<uint8_t>({2, 28, 28}, std::vector<uint8_t>(2 * 784, 200))},
                       {"y_train.npy", column}});
    EXPECT_EQ(all<int32_t>(data.arrays[1], 2), (std::vector<int32_t>{0, 1}));
    EXPECT_EQ(data.arrays[0].kept, bound_array::bytes) << "images stay small";
  }
}

TEST_F(binding, names_what_does_not_fit_and_its_row) {
  const member x{"x_train.npy", npy<float>({2, 13}, std::vector<float>(26, 1))};
  const auto with_y = [&](const std::string &y) { return refusal(prices_model, {x, {"y_train.npy", y}}); };
  EXPECT_EQ(with_y(npy<double>({1, 1e300})),
            "d.npz!y_train.npy: error: row 1 holds 1e+300, which does not fit f32");
  EXPECT_EQ(with_y(npy<uint64_t>({1, UINT64_MAX})),
            "d.npz!y_train.npy: error: row 1 holds 18446744073709551615, which does not fit i64");
  EXPECT_EQ(with_y(npy<double>({1, std::nan("")})),
            "d.npz!y_train.npy: error: row 1 holds nan; it is the target of price");
  EXPECT_EQ(with_y(npy<float>({INFINITY, 1})),
            "d.npz!y_train.npy: error: row 0 holds inf; it is the target of price");
  EXPECT_EQ(with_y(npy<float>({1, 2, 3})),
            "d.npz!y_train.npy: error: has 3 rows, but d.npz!x_train.npy has 2");
  EXPECT_EQ(with_y(npy<float>({2, 2}, {1, 2, 3, 4})),
            "d.npz!y_train.npy: error: is f32[2, 2], expected f32[rows, 1] for price, declared at "
            "models/prices.horn:2:38");
  EXPECT_EQ(with_y(npy<float>({}, {1})), "d.npz!y_train.npy: error: is f32[], expected f32[rows, 1] for "
                                         "price, declared at models/prices.horn:2:38");
  EXPECT_EQ(
      refusal(prices_model, {{"x_train.npy", npy<float>({0, 13}, {})}, {"y_train.npy", npy<float>({0}, {})}}),
      "d.npz!x_train.npy: error: has no rows");
}

TEST_F(binding, names_an_array_that_is_missing) {
  const member x{"x_train.npy", npy<float>({2, 13}, std::vector<float>(26, 1))};
  EXPECT_EQ(refusal(prices_model, {x, {"y_trian.npy", npy<float>({1, 2})}}),
            "d.npz: error: no array price_train or y_train for price (f32[1], models/prices.horn:2:38); it "
            "has x_train and "
            "y_trian");
  EXPECT_EQ(refusal(words_model, {{"x_train_values.npy", npy<int32_t>({1})}}),
            "d.npz: error: no array x_train_offsets for review (tokens[10000], models/words.horn:2:13); it "
            "has x_train_values");
}

TEST_F(binding, checks_offsets) {
  const auto with = [&](const std::vector<int64_t> &offsets) {
    return refusal(words_model, words_data({1, 2, 3}, offsets, npy<float>({1, 0})));
  };
  EXPECT_EQ(with({0, 2, 3}), "bound");
  EXPECT_EQ(with({1, 2, 3}), "d.npz!x_train_offsets.npy: error: offset 0 is 1, expected 0");
  EXPECT_EQ(with({0, 4, 3}),
            "d.npz!x_train_offsets.npy: error: offset 2 is 3, expected 4 or more, the one before");
  EXPECT_EQ(with({0, 2, 2}),
            "d.npz!x_train_offsets.npy: error: offset 2 is 2, expected 3, the number of values");
  EXPECT_EQ(with({0, 2, 2000000}),
            "d.npz!x_train_offsets.npy: error: offset 2 is 2000000, expected 3, the number of values");
  EXPECT_NE(with({}).find("expected one axis of integers"), std::string::npos);
}

TEST_F(binding, names_ids_beyond_the_vocabulary) {
  const auto with = [&](int32_t id) {
    return refusal(words_model, words_data({1, 2, id}, {0, 1, 3}, npy<float>({1, 0})));
  };
  EXPECT_EQ(with(9999), "bound");
  EXPECT_EQ(with(10000),
            "models/words.horn:2:13: error: review is tokens[10000], whose ids are 0 to 9999, but row 1 of "
            "d.npz!x_train_values.npy holds 10000");
  EXPECT_NE(with(-1).find("row 1 of d.npz!x_train_values.npy holds -1"), std::string::npos);
  EXPECT_NE(with(65536 + 5).find("holds 65541"), std::string::npos) << "no id wraps around to 16 bits";
}

TEST_F(binding, compares_classes_of_the_data_with_those_of_the_last_layer) {
  const auto with = [&](const std::string &y) {
    return refusal(topics_model, words_data({1, 2, 3}, {0, 1, 3}, y));
  };
  EXPECT_EQ(with(npy<int32_t>({45, 0})), "bound");
  EXPECT_EQ(
      with(npy<int32_t>({3, 46})),
      "models/topics.horn:4:5: error: 46 classes, but the data have 47: row 1 of d.npz!y_train.npy holds 46\n"
      "models/topics.horn:2:38: note: topic is declared here");
  EXPECT_NE(with(npy<int32_t>({3, -1}))
                .find("models/topics.horn:4:5: error: classes must be from 0 to 45, but row 1 of "),
            std::string::npos);
  EXPECT_NE(with(npy<float>({3, 0.5})).find("row 1 holds 0.5, which does not fit an integer"),
            std::string::npos);

  std::vector<float> one_hot(2 * 46);
  one_hot[7] = one_hot[46 + 45] = 1;
  EXPECT_EQ(with(npy<float>({2, 46}, one_hot)), "bound");
  one_hot[46 + 45] = 0.7f;
  EXPECT_EQ(with(npy<float>({2, 46}, one_hot)),
            "d.npz!y_train.npy: error: row 1 sums to 0.7; the probabilities of 46 classes sum to 1; it is "
            "the target of topic");
  const member image{"x_train.npy", npy<uint8_t>({2, 28, 28, 1}, std::vector<uint8_t>(2 * 784))};
  EXPECT_EQ(
      refusal(digits_model, {image, {"y_train.npy", npy<uint8_t>({9, 12})}}),
      "models/digits.horn:4:5: error: 10 classes, but the data have 13: row 1 of d.npz!y_train.npy holds 12\n"
      "models/digits.horn:2:38: note: digit is declared here");
}

TEST_F(binding, refuses_more_than_the_machine_can_hold_before_reading_it) {
  /* 200 TB of zeros would be an honest archive of 200 GB: here its directory alone is enough. */
  const std::string header =
      npy_with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2000000000000, 13)}", "");
  EXPECT_NE(refusal(prices_model, {{"x_train.npy", header}, {"y_train.npy", npy<float>({1})}})
                .find("its header f64[2000000000000, 13] asks for"),
            std::string::npos);
}

TEST_F(binding, gathers_rows_in_the_models_type) {
  std::vector<uint8_t> pixels(3 * 784);
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<uint8_t>(i / 784 * 100 + i % 7);
  const dataset digits = bind_bytes(digits_model, {{"x_train.npy", npy<uint8_t>({3, 28, 28}, pixels)},
                                                   {"y_train.npy", npy<uint8_t>({3, 1, 4})}});
  batcher batches(digits, 2);
  const uint32_t rows[] = {2, 0};
  const hornfels_array *arrays = batches.gather(rows, 2);
  EXPECT_EQ(arrays[0].size, 2 * 784);
  EXPECT_EQ(static_cast<const float *>(arrays[0].data)[8], 201.0f);
  EXPECT_EQ(static_cast<const float *>(arrays[0].data)[784 + 6], 6.0f);
  EXPECT_EQ(static_cast<const int32_t *>(arrays[1].data)[0], 4);
  EXPECT_EQ(static_cast<const int32_t *>(arrays[1].data)[1], 3);
  arrays = batches.gather_range(1, 1);
  EXPECT_EQ(arrays[1].size, 1);
  EXPECT_EQ(static_cast<const int32_t *>(arrays[1].data)[0], 1);

  const dataset topics =
      bind_bytes(topics_model, words_data({9, 8, 8, 7, 6}, {0, 1, 3, 5}, npy<int32_t>({45, 2, 0})));
  batcher stories(topics, 3);
  const uint32_t two[] = {2, 1};
  arrays = stories.gather(two, 2);
  EXPECT_EQ(arrays[0].size, 3);
  EXPECT_EQ(std::vector<int64_t>(arrays[0].offsets, arrays[0].offsets + 3), (std::vector<int64_t>{0, 2, 3}));
  const uint16_t *ids = static_cast<const uint16_t *>(arrays[0].data);
  EXPECT_EQ(std::vector<uint16_t>(ids, ids + 3), (std::vector<uint16_t>{6, 7, 8}));
  const float *one_hot = static_cast<const float *>(arrays[1].data);
  EXPECT_EQ(arrays[1].size, 2 * 46);
  EXPECT_EQ(std::vector<float>(one_hot, one_hot + 3), (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(std::vector<float>(one_hot + 46, one_hot + 49), (std::vector<float>{0, 0, 1}));
}

TEST_F(binding, a_single_array_is_the_only_input_to_predict_with) {
  write_file(folder / "x.npy", npy<double>({2, 13}, std::vector<double>(26, 2.5)));
  const data_file file(folder / "x.npy");
  const dataset data = bind(prices_model, file, {"", "_test"}, false);
  EXPECT_EQ(data.rows, 2);
  EXPECT_EQ(all<float>(data.arrays[0], 2), (std::vector<float>{2.5, 2.5}));
  EXPECT_THROW(bind(prices_model, file, {"_train"}, true), failure);
  EXPECT_FALSE(has_arrays(prices_model, file, "_test"));
  write_file(folder / "y.npy", npy<double>({2, 13}, std::vector<double>(26, 2.5)) + "x");
  EXPECT_THROW(bind(prices_model, data_file(folder / "y.npy"), {""}, false), failure);
}

} // namespace
