/* Data of every kind as the commands take them. */
#include <gtest/gtest.h>

#include "pickles.h"

using namespace hornfels_tests;

namespace {

class data_commands : public testing::Test {
protected:
  outcome prices(std::vector<std::string> arguments, const std::string &program = PRICES_PROGRAM) {
    process one;
    one.arguments = {program};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return run(one);
  }

  void expect(const std::vector<std::string> &arguments, int code, const std::string &message) {
    const outcome result = prices(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }

  scratch_folder folder;
};

/* Rows whose price is the sum of their features. */
std::string houses(int rows) {
  std::string text;
  for (int i = 0; i < 13; ++i)
    text += "f" + std::to_string(i) + ",";
  text += "price\n";
  for (int row = 0; row < rows; ++row) {
    int sum = 0;
    for (int i = 0; i < 13; ++i) {
      const int value = (row * 7 + i * 3) % 11;
      sum += value;
      text += std::to_string(value) + ",";
    }
    text += std::to_string(sum) + "\n";
  }
  return text;
}

TEST_F(data_commands, a_table_trains_evaluates_and_predicts) {
  write_file(folder / "d.csv", houses(40));
  write_file(folder / "t.csv", houses(8));
  outcome result =
      prices({"train", "--data", "d.csv", "--test-data", "t.csv", "--weights", "w.npz", "--epochs", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("40 rows to train, 8 to test"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("test mae "), std::string::npos);
  const std::string test = result.out.substr(result.out.find("test loss"));
  result = prices({"evaluate", "--data", "t.csv", "--weights", "w.npz"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find(test), std::string::npos) << result.out;
  EXPECT_EQ(prices({"predict", "--data", "t.csv", "--weights", "w.npz", "-o", "p.npy"}).code, 0);
  EXPECT_EQ(read_file(folder / "p.npy").size(), 128u + 8 * 4);
  result = prices({"train", "--data", "d.csv", "--test-split", "0.25", "--epochs", "1"});
  EXPECT_NE(result.out.find("30 rows to train, 10 to test"), std::string::npos) << result.out;
  EXPECT_EQ(prices({"bench", "--data", "d.csv", "--seconds", "0.05"}).code, 0);
}

TEST_F(data_commands, arrays_in_files_of_their_own) {
  std::vector<float> x(10 * 13, 0.5f), y(10, 3.0f);
  write_file(folder / "x.npy", npy<float>({10, 13}, x));
  write_file(folder / "y.npy", npy(y));
  outcome result = prices({"train", "--input", "x_train=x.npy", "--input=y_train=y.npy", "--epochs", "1",
                           "--input", "x_test=x.npy", "--input", "y_test=y.npy", "--weights", "w.npz"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("10 rows to train, 10 to test"), std::string::npos) << result.out;
  EXPECT_EQ(prices({"predict", "--input", "features=x.npy", "--weights", "w.npz", "-o", "p.npy"}).code, 0);
  EXPECT_EQ(prices({"predict", "--data", "x.npy", "--weights", "w.npz", "-o", "p.npy"}).code, 0);

  expect({"train", "--input", "x.npy"}, 2, "error: --input: x.npy is not NAME=FILE");
  expect({"train", "--input", "x_train=x.npy", "--input", "x_train=y.npy"}, 2,
         "error: --input x_train is given twice");
  expect({"train", "--data", "d.npz", "--input", "x_train=x.npy"}, 2,
         "--data and --input exclude each other");
  expect({"train", "--input", "x_train=x.npy"}, 1, "no array price_train or y_train for price");
  expect({"train", "--input", "x_train=x.npy", "--input", "y_train=y.npy", "--input", "y_tset=y.npy"}, 2,
         "--input: y_tset is no array of prices; did you mean y_test?");
  expect({"train", "--input", "x_train=nothing"}, 3, "nothing: error: No such file");
  expect({"train", "--data", "x.npy"}, 1,
         "a single array, but 2 are needed: save them in an .npz, or give each by --input");
  expect({"train", "--input", "x_train=x.npy", "--input", "y_train=y.npy", "--weights", "y.npy"}, 3,
         "--weights is also the data: y.npy");
  expect({"predict", "--input", "x=x.npy", "--weights", "w.npz", "-o", "x.npy"}, 3,
         "--output is also the data: x.npy");
}

TEST_F(data_commands, options_of_load_data_are_checked) {
  write_file(folder / "d.csv", houses(4));
  expect({"train", "--data", "d.csv", "--num-words", "0"}, 2, "--num-words: 0 is not a whole number from 1");
  expect({"train", "--data", "d.csv", "--num-words", "100"}, 2, "are about tokens; prices has no such input");
  expect({"train", "--data", "d.csv", "--start-char", "-1"}, 2,
         "--start-char: -1 is not a whole number from 0 to 2147483647, or none");
  expect({"train", "--data", "d.csv", "--oov-char", "None"}, 2, "--oov-char: None is not");
  expect({"train", "--data", "d.csv", "--data-seed", "4294967296"}, 2, "--data-seed: 4294967296 is not");
  expect({"train", "--data", "d.csv", "--test-split", "1"}, 2,
         "--test-split: 1 is not a number from 0 to below 1");
  expect({"train", "--data", "d.csv", "--test-split", "0.5", "--test-data", "d.csv"}, 2,
         "--test-data and --test-split exclude each other");
  expect({"evaluate", "--data", "d.csv", "--test-data", "d.csv"}, 2,
         "--test-data is not an option of evaluate");
  expect({"train", "--data", "d.csv", "--test-split", "0.9"}, 2, "leaves 0 to train and 4 to test");
}

TEST_F(data_commands, pickled_lists_train_and_refuse) {
  std::vector<std::vector<int64_t>> rows;
  std::vector<int32_t> labels;
  for (int i = 0; i < 20; ++i) {
    rows.push_back({i % 5, 40 + i});
    labels.push_back(i % 2);
  }
  write_file(folder / "d.npz",
             zip({{"x.npy", npy_of_objects(20, pickle_of(rows)), true}, {"y.npy", npy(labels)}}));
  outcome result =
      prices({"train", "--data", "d.npz", "--num-words", "30", "--weights", "w.npz"}, WORDS_PROGRAM);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("16 rows to train, 4 to test"), std::string::npos) << result.out;
  EXPECT_EQ(prices({"predict", "--data", "d.npz", "--weights", "w.npz", "-o", "p.npy"}, WORDS_PROGRAM).code,
            0);
  EXPECT_EQ(read_file(folder / "p.npy").size(), 128u + 20 * 4);

  std::string bad = pickle_of(rows);
  bad.replace(bad.find("numpy\ndtype"), 11, "posix\nabort");
  write_file(folder / "d.npz", zip({{"x.npy", npy_of_objects(20, bad), true}, {"y.npy", npy(labels)}}));
  result = prices({"train", "--data", "d.npz"}, WORDS_PROGRAM);
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("d.npz!x.npy@0x"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("the pickle asks for posix.abort, which is refused"), std::string::npos);
}

} // namespace
