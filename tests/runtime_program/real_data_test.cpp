/* The programs on the real data sets, with models that are only one layer. */
#include <gtest/gtest.h>

#include "support.h"

using namespace hornfels_tests;

namespace {

class real_data_sets : public testing::Test {
protected:
  void SetUp() override {
    if (real_data().empty())
      GTEST_SKIP() << "HORNFELS_DATA names no folder";
  }

  outcome train(const std::string &program, const std::string &data, std::vector<std::string> more) {
    process one;
    one.arguments = {"/usr/bin/env", program, "train", "--data", real_data() + "/" + data};
    one.arguments.insert(one.arguments.end(), more.begin(), more.end());
    one.limit = 120;
    const outcome result = run(one);
    EXPECT_EQ(result.code, 0) << result.err;
    return result;
  }

  static double number_after(const std::string &text, const std::string &label) {
    const size_t at = text.find(label);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + label.size()));
  }

  scratch_folder folder;
};

/* Naive Bayes reaches 0.816. */
TEST_F(real_data_sets, reviews) {
  const outcome result = train(WORDS_PROGRAM, "imdb.npz", {"--validation", "10000", "--seed", "1"});
  EXPECT_NE(
      result.out.find("words: 15000 rows to train, 10000 to validate, 25000 to test; 30 steps of 512 rows"),
      std::string::npos);
  EXPECT_GT(number_after(result.out, "test accuracy "), 0.84);
}

/* Naive Bayes reaches 0.761. */
TEST_F(real_data_sets, newswires_with_class_numbers) {
  EXPECT_GT(
      number_after(train(TOPICS_PROGRAM, "reuters.npz", {"--validation", "1000"}).out, "test accuracy "),
      0.76);
}

TEST_F(real_data_sets, digits) {
  EXPECT_GT(number_after(train(DIGITS_PROGRAM, "mnist.npz", {}).out, "test accuracy "), 0.85);
}

TEST_F(real_data_sets, houses) {
  EXPECT_LT(number_after(train(PRICES_PROGRAM, "boston.npz", {"--epochs", "30"}).out, "test mae "), 8.0);
}

} // namespace
