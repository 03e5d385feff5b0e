/* Keras's own files: its shuffle, its split, its words; on the real ones bit for bit the portable arrays. */
#include <gtest/gtest.h>

#include "double_model.h"
#include "pickles.h"
#include "runtime/program/data/convert.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/data/inflate.h"
#include "runtime/program/data/keras_rows.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

/* The numbers are those of numpy.random.RandomState(seed).shuffle(numpy.arange(n)). */
TEST(numpy_shuffle, is_that_of_the_legacy_generator) {
  EXPECT_EQ(numpy_shuffle(113, {12}), (std::vector<uint32_t>{4, 3, 9, 8, 1, 0, 11, 7, 6, 10, 2, 5}));
  EXPECT_EQ(numpy_shuffle(113, {12, 7}), (std::vector<uint32_t>{4, 6, 1, 0, 5, 3, 2}))
      << "one generator for both";
  const std::vector<uint32_t> large = numpy_shuffle(4294967295u, {1000});
  EXPECT_EQ(std::vector<uint32_t>(large.begin(), large.begin() + 8),
            (std::vector<uint32_t>{94, 405, 819, 632, 217, 169, 449, 275}));
  EXPECT_EQ(std::vector<uint32_t>(large.end() - 4, large.end()), (std::vector<uint32_t>{71, 12, 290, 419}));
  EXPECT_EQ(numpy_shuffle(113, {1}), std::vector<uint32_t>{0});
  EXPECT_EQ(numpy_shuffle(113, {0}), std::vector<uint32_t>{});
}

using rows = std::vector<std::vector<int64_t>>;

/* The rows of the first input, and the first target as numbers. */
struct bound_rows {
  rows ids;
  std::vector<double> targets;
  friend bool operator==(const bound_rows &a, const bound_rows &b) {
    return a.ids == b.ids && a.targets == b.targets;
  }
};

bound_rows rows_of(const dataset &data) {
  bound_rows result;
  const bound_array &x = data.arrays[0];
  const int64_t *const offsets = x.offsets.as<int64_t>();
  for (int64_t i = 0; i < data.rows; ++i) {
    result.ids.emplace_back();
    for (int64_t k = offsets[i]; k < offsets[i + 1]; ++k)
      result.ids.back().push_back(type_bytes(x.tensor->type) == 2 ? x.data.as<uint16_t>()[k]
                                                                  : x.data.as<int32_t>()[k]);
    if (data.arrays.size() > 1)
      result.targets.push_back(static_cast<double>(data.arrays[1].data.as<float>()[i]));
  }
  return result;
}

class keras_files : public testing::Test {
protected:
  keras_files() { set_inflater(make_inflater); }

  dataset bind_members(const hornfels_model &model, const std::vector<member> &members,
                       const suffixes &wanted, const data_options &how = {}, bool targets = true) {
    write_file(folder / "d.npz", zip(members));
    return hornfels::bind(model, data_file(folder / "d.npz", how), wanted, targets);
  }

  std::string refusal(const hornfels_model &model, const std::vector<member> &members,
                      const data_options &how = {}) {
    try {
      bind_members(model, members, {"_train"}, how);
    } catch (const failure &problem) {
      std::string text = problem.what();
      for (size_t at; (at = text.find(folder.str() + "/")) != std::string::npos;)
        text.erase(at, folder.str().size() + 1);
      return text;
    }
    return "bound";
  }

  scratch_folder folder;
};

std::vector<member> imdb_like(const rows &train, const rows &test) {
  std::vector<int64_t> y_train(train.size()), y_test(test.size());
  for (size_t i = 0; i < train.size(); ++i)
    y_train[i] = static_cast<int64_t>(i);
  for (size_t i = 0; i < test.size(); ++i)
    y_test[i] = static_cast<int64_t>(100 + i);
  return {{"x_test.npy", npy_of_objects(static_cast<int64_t>(test.size()), pickle_of(test)), true},
          {"x_train.npy", npy_of_objects(static_cast<int64_t>(train.size()), pickle_of(train)), true},
          {"y_train.npy", npy(y_train), true},
          {"y_test.npy", npy(y_test), true}};
}

/* Of 12 and 7 rows the orders are known; row i is [10 i + 1, 10 i + 2]. notes sorts ids and keeps repeats. */
rows numbered(size_t count) {
  rows result;
  for (size_t i = 0; i < count; ++i)
    result.push_back({static_cast<int64_t>(10 * i + 1), static_cast<int64_t>(10 * i + 2)});
  return result;
}

TEST_F(keras_files, training_and_test_rows_are_shuffled_by_one_generator) {
  const std::vector<member> members = imdb_like(numbered(12), numbered(7));
  const bound_rows train = rows_of(bind_members(notes_model, members, {"_train"}));
  EXPECT_EQ(train.targets, (std::vector<double>{4, 3, 9, 8, 1, 0, 11, 7, 6, 10, 2, 5}));
  EXPECT_EQ(train.ids[0], (std::vector<int64_t>{1, 44, 45})) << "a start mark, and words from 3 on";
  const bound_rows test = rows_of(bind_members(notes_model, members, {"_test"}));
  EXPECT_EQ(test.targets, (std::vector<double>{104, 106, 101, 100, 105, 103, 102}));
  EXPECT_EQ(test.ids[1], (std::vector<int64_t>{1, 64, 65}));
  /* predict looks for plain names first; what it finds is the test's, in the same order. */
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"", "_test"}, {}, false)).ids, test.ids);
  data_options as_it_is;
  as_it_is.seed = {true, true, 0};
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"_test"}, as_it_is)).targets,
            (std::vector<double>{100, 101, 102, 103, 104, 105, 106}));
}

TEST_F(keras_files, words_become_ids_by_the_arguments_of_load_data) {
  const std::vector<member> members = imdb_like({{5, 1, 96, 200, 6}}, {{1}});
  const auto ids = [&](const data_options &how) {
    return rows_of(bind_members(notes_model, members, {"_train"}, how)).ids[0];
  };
  EXPECT_EQ(ids({}), (std::vector<int64_t>{1, 4, 8, 9, 99, 203}));
  data_options how;
  how.num_words = 100;
  EXPECT_EQ(ids(how), (std::vector<int64_t>{1, 2, 4, 8, 9, 99}));
  how.num_words = 99;
  EXPECT_EQ(ids(how), (std::vector<int64_t>{1, 2, 2, 4, 8, 9}));
  how.skip_top = 8;
  EXPECT_EQ(ids(how), (std::vector<int64_t>{2, 2, 2, 2, 8, 9}))
      << "the start mark is skipped too, as in Keras";
  how.oov_char = {true, true, 0};
  EXPECT_EQ(ids(how), (std::vector<int64_t>{8, 9}));
  how = {};
  how.start_char = {true, true, 0};
  how.index_from = {true, false, 10};
  EXPECT_EQ(ids(how), (std::vector<int64_t>{11, 15, 16, 106, 210}));
  /* Without --num-words, the vocabulary of the model bounds the words. */
  EXPECT_EQ(rows_of(bind_members(words_model, imdb_like({{9996, 9997}}, {{1}}), {"_train"})).ids[0],
            (std::vector<int64_t>{1, 2, 9999}));
}

TEST_F(keras_files, rows_of_maxlen_ids_or_more_are_left_out) {
  const std::vector<member> members = imdb_like({{1, 2, 3}, {1, 2}, {1}, {}}, {{1}});
  data_options how;
  how.maxlen = 4;
  how.seed = {true, true, 0};
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"_train"}, how)).targets,
            (std::vector<double>{1, 2, 3}))
      << "the start mark counts";
  how.start_char = {true, true, 0};
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"_train"}, how)).targets,
            (std::vector<double>{0, 1, 2, 3}));
  how.maxlen = 1;
  how.start_char = {};
  EXPECT_NE(refusal(notes_model, members, how).find("--maxlen: no row of d.npz is shorter"),
            std::string::npos);
}

/* Ids that stand in plain arrays change only where the command line says so. */
TEST_F(keras_files, arguments_of_load_data_serve_plain_ids_too) {
  const std::vector<member> members{{"x_train_values.npy", npy<uint16_t>({1, 500, 30, 1, 7})},
                                    {"x_train_offsets.npy", npy<int64_t>({0, 3, 5})},
                                    {"y_train.npy", npy<float>({1, 0})}};
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"_train"})).ids, (rows{{1, 30, 500}, {1, 7}}));
  data_options how;
  how.num_words = 100;
  EXPECT_EQ(rows_of(bind_members(notes_model, members, {"_train"}, how)).ids, (rows{{1, 2, 30}, {1, 7}}));
  how.maxlen = 3;
  const bound_rows shorter = rows_of(bind_members(notes_model, members, {"_train"}, how));
  EXPECT_EQ(shorter.ids, (rows{{1, 7}}));
  EXPECT_EQ(shorter.targets, std::vector<double>{0});
}

TEST_F(keras_files, a_file_without_parts_is_split_as_keras_does) {
  std::vector<float> x, y;
  for (int i = 0; i < 12; ++i) {
    x.insert(x.end(), 13, static_cast<float>(i));
    y.push_back(static_cast<float>(i));
  }
  const std::vector<member> members{{"x.npy", npy<float>({12, 13}, x)}, {"y.npy", npy(y)}};
  const auto targets = [&](const suffixes &wanted, const data_options &how = {}) {
    const dataset data = bind_members(prices_model, members, wanted, how);
    for (int64_t i = 0; i < data.rows; ++i)
      EXPECT_EQ(data.arrays[0].data.as<float>()[i * 13 + 12], data.arrays[1].data.as<float>()[i]);
    return std::vector<float>(data.arrays[1].data.as<float>(), data.arrays[1].data.as<float>() + data.rows);
  };
  EXPECT_EQ(targets({"_train"}), (std::vector<float>{4, 3, 9, 8, 1, 0, 11, 7, 6}));
  EXPECT_EQ(targets({"_test"}), (std::vector<float>{10, 2, 5}));
  data_options half;
  half.test_split = 0.5;
  EXPECT_EQ(targets({"_test"}, half), (std::vector<float>{11, 7, 6, 10, 2, 5}));
  EXPECT_EQ(targets({"", "_test"}), y) << "predict takes all rows as they are";
  EXPECT_EQ(targets({"", "_test"}, half), (std::vector<float>{11, 7, 6, 10, 2, 5}))
      << "but where a split is asked for";
  data_options none;
  none.test_split = 0;
  EXPECT_EQ(targets({"_train"}, none), y);
  const data_file file(folder / "d.npz"), whole(folder / "d.npz", none);
  EXPECT_TRUE(has_arrays(prices_model, file, "_test"));
  EXPECT_FALSE(has_arrays(prices_model, whole, "_test"));
  std::vector<member> more = members;
  more.push_back({"x_train.npy", members[0].data});
  more.push_back({"y_train.npy", members[1].data});
  write_file(folder / "e.npz", zip(more));
  EXPECT_FALSE(has_arrays(prices_model, data_file(folder / "e.npz"), "_test"))
      << "parts that have names stay as they are";
  EXPECT_EQ(refusal(prices_model, more, half), "error: --test-split: d.npz has parts of its own, _train or _test");
  data_options tiny;
  tiny.test_split = 0.99;
  EXPECT_NE(refusal(prices_model, members, tiny)
                .find("--test-split: 0.99 of 12 rows leaves 0 to train and 12 to test"),
            std::string::npos);
}

TEST_F(keras_files, names_what_is_wrong) {
  EXPECT_EQ(refusal(words_model, imdb_like({{1}, {2}}, {{1}})), "bound");
  std::vector<member> members = imdb_like({{1}, {2}}, {{1}});
  members[2].data = npy<int64_t>({1, 0, 1});
  EXPECT_EQ(refusal(words_model, members),
            "d.npz!y_train.npy: error: has 3 rows, but d.npz!x_train.npy has 2");
  data_options how;
  how.oov_char = {true, false, 20000};
  EXPECT_EQ(refusal(words_model, imdb_like({{1}, {9999}}, {{1}}), how),
            "models/words.horn:2:13: error: review is tokens[10000], whose ids are 0 to 9999, but row 1 of "
            "d.npz!x_train.npy holds 20000");
  EXPECT_EQ(refusal(prices_model, imdb_like({{1}}, {{1}})),
            "d.npz!x_train.npy: error: is objects[1], expected numbers for features, declared at "
            "models/prices.horn:2:14");
  members = imdb_like({{1}}, {{1}});
  members[1].data = npy_with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }\n", "x");
  EXPECT_EQ(refusal(words_model, members),
            "d.npz!x_train.npy: error: is objects[1, 2] (pickled), expected one axis: a "
            "list of numbers for each row");
  members[1].data = npy_of_objects(1, bytes_of("\x80\x02"
                                               "cposix\nsystem\n."));
  EXPECT_NE(
      refusal(words_model, members).find("d.npz!x_train.npy@0x45: error: the pickle asks for posix.system"),
      std::string::npos)
      << refusal(words_model, members);
  members[1].data =
      npy_of_objects(1, pickle_head(1) + "](" + std::string(2 << 20, 'K') + "e" + pickle_tail());
  EXPECT_NE(refusal(words_model, members).find("lists of numbers unpack to 16 times"), std::string::npos);
}

/* A portable array of the real data. */
template <class T> std::vector<T> plain(const std::string &path, const std::string &name, int32_t type) {
  const data_file file(path);
  array_source source = file.open(name);
  std::vector<T> values(static_cast<size_t>(source.header.elements));
  read_elements(source, type, values.data(), source.header.elements, 0, 1);
  return values;
}

class real_keras_files : public keras_files {
protected:
  void SetUp() override {
    if (real_data().empty())
      GTEST_SKIP() << "HORNFELS_DATA names no folder";
  }

  /* The lists of one array as ids, in the order of `order`, against the portable values and offsets. */
  void expect_same(const std::string &set, const std::string &array, const std::string &part,
                   const std::vector<uint32_t> &order) {
    const token_lists lists = data_file(real_data() + "/raw/" + set).open(array).lists->read();
    buffer ids, offsets;
    make_ids<uint16_t>(lists, rules_of_ranks({}, 10000), order, 10000, ids, offsets,
                       [](uint32_t, int64_t) { FAIL(); });
    const std::vector<int32_t> values =
        plain<int32_t>(real_data() + "/" + set, part + "_values", HORNFELS_I32);
    const std::vector<int64_t> wanted =
        plain<int64_t>(real_data() + "/" + set, part + "_offsets", HORNFELS_I64);
    const int64_t *const found = offsets.as<int64_t>();
    ASSERT_EQ(std::vector<int64_t>(found, found + order.size() + 1), wanted);
    EXPECT_EQ(std::vector<int32_t>(ids.as<uint16_t>(), ids.as<uint16_t>() + values.size()), values);
  }

  template <class T>
  void expect_same_arrays(const hornfels_model &model, const std::string &raw, const std::string &portable,
                          const std::string &part) {
    const dataset a = hornfels::bind(model, data_file(real_data() + "/raw/" + raw), {part}, true);
    const dataset b = hornfels::bind(model, data_file(real_data() + "/" + portable), {part}, true);
    ASSERT_EQ(a.rows, b.rows);
    for (size_t i = 0; i < 2; ++i) {
      ASSERT_EQ(a.arrays[i].row_elements, b.arrays[i].row_elements);
      const size_t count = static_cast<size_t>(a.rows * a.arrays[i].row_elements);
      EXPECT_TRUE(
          std::equal(a.arrays[i].data.as<T>(), a.arrays[i].data.as<T>() + count, b.arrays[i].data.as<T>()));
    }
  }
};

TEST_F(real_keras_files, reviews_are_bit_for_bit_the_portable_ones) {
  expect_same("imdb.npz", "x_train", "x_train", numpy_shuffle(113, {25000}));
  expect_same("imdb.npz", "x_test", "x_test", numpy_shuffle(113, {25000, 25000}));
  for (const char *part : {"_train", "_test"}) {
    const bound_rows a =
        rows_of(hornfels::bind(words_model, data_file(real_data() + "/raw/imdb.npz"), {part}, true));
    EXPECT_TRUE(a ==
                rows_of(hornfels::bind(words_model, data_file(real_data() + "/imdb.npz"), {part}, true)));
  }
}

TEST_F(real_keras_files, newswires_are_bit_for_bit_the_portable_ones) {
  std::vector<uint32_t> order = numpy_shuffle(113, {11228});
  expect_same("reuters.npz", "x", "x_train", std::vector<uint32_t>(order.begin(), order.begin() + 8982));
  expect_same("reuters.npz", "x", "x_test", std::vector<uint32_t>(order.begin() + 8982, order.end()));
  for (const char *part : {"_train", "_test"}) {
    const dataset a = hornfels::bind(topics_model, data_file(real_data() + "/raw/reuters.npz"), {part}, true);
    const dataset b = hornfels::bind(topics_model, data_file(real_data() + "/reuters.npz"), {part}, true);
    ASSERT_EQ(a.rows, b.rows);
    EXPECT_TRUE(std::equal(a.arrays[1].data.as<int32_t>(), a.arrays[1].data.as<int32_t>() + a.rows,
                           b.arrays[1].data.as<int32_t>()));
  }
}

TEST_F(real_keras_files, houses_and_digits_are_bit_for_bit_the_portable_ones) {
  for (const char *part : {"_train", "_test"}) {
    expect_same_arrays<float>(prices_model, "boston_housing.npz", "boston.npz", part);
    expect_same_arrays<uint8_t>(digits_model, "mnist.npz", "mnist.npz", part);
  }
}

} // namespace
