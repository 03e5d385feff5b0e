/* `bench`, and the rows that it makes up. */
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/bench/samples.h"
#include "runtime/program/bench/synthetic.h"
#include "support.h"

using namespace hornfels_tests;
using hornfels::bound_array;
using hornfels::dataset;

namespace {

/* The number under a key of a flat JSON object; NaN: there is none. */
double number_of(const std::string &json, const std::string &key) {
  const size_t at = json.find("\"" + key + "\": ");
  return at == std::string::npos ? std::nan("") : std::strtod(json.c_str() + at + key.size() + 4, nullptr);
}

class bench : public testing::Test {
protected:
  outcome run_bench(const std::string &program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program, "bench"});
    process one;
    one.arguments = arguments;
    one.folder = folder.str();
    return run(one);
  }

  scratch_folder folder;
};

TEST_F(bench, every_kind_of_model_and_step) {
  for (const char *program : {WORDS_PROGRAM, TOPICS_PROGRAM, PRICES_PROGRAM, DIGITS_PROGRAM})
    for (const char *step : {"train", "evaluate", "predict"}) {
      const outcome result =
          run_bench(program, {"--step", step, "--seconds", "0.02", "--batch", "3", "--json", "--threads=2"});
      ASSERT_EQ(result.code, 0) << result.err;
      EXPECT_NE(result.out.find(std::string("\"step\": \"") + step + "\", \"batch\": 3, \"threads\": 2"),
                std::string::npos)
          << result.out;
      EXPECT_EQ(result.out.front(), '{');
      EXPECT_EQ(result.out.substr(result.out.size() - 2), "}\n");
      const double least = number_of(result.out, "min_us"), median = number_of(result.out, "median_us");
      EXPECT_GT(least, 0);
      EXPECT_LE(least, number_of(result.out, "p10_us"));
      EXPECT_LE(number_of(result.out, "p10_us"), median);
      EXPECT_LE(median, number_of(result.out, "p90_us"));
      EXPECT_GE(number_of(result.out, "steps"), 5);
      /* Steps of these models take memory and give it back: nothing may stay after the first. */
      EXPECT_LT(number_of(result.out, "allocations_bytes"), 4096) << result.out;
      EXPECT_EQ(result.out.find("epoch_ms"), std::string::npos);
    }
}

TEST_F(bench, says_it_in_words_too) {
  const outcome result = run_bench(PRICES_PROGRAM, {"--seconds=0.01"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.find("prices: train, batches of 16, 1 thread, synthetic data\n  step "), 0u)
      << result.out;
  EXPECT_EQ(result.out.find('\x1b'), std::string::npos);
}

TEST_F(bench, real_rows_have_epochs) {
  std::vector<float> x(20 * 13, 0.5f), y(20, 1.0f);
  write_file(folder / "d.npz",
             zip({{"x_train.npy", npy<float>({20, 13}, x)}, {"y_train.npy", npy<float>(y)}}));
  outcome result = run_bench(
      PRICES_PROGRAM, {"--seconds=0.01", "--data", "d.npz", "--validation", "7", "--batch=5", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(number_of(result.out, "rows"), 13);
  EXPECT_GT(number_of(result.out, "epoch_ms"), 0);
  EXPECT_LE(number_of(result.out, "epoch_min_ms"), number_of(result.out, "epoch_ms"));
  EXPECT_NE(result.out.find("\"data\": \"d.npz\""), std::string::npos);
  /* Fewer rows than a batch: one batch of all. */
  result = run_bench(PRICES_PROGRAM, {"--seconds=0.01", "--data", "d.npz", "--batch=500", "--json"});
  EXPECT_EQ(number_of(result.out, "batch"), 20) << result.err;
}

TEST_F(bench, what_is_wrong_is_named) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--step", "fit"}, "--step: fit is not train, evaluate or predict"},
      {{"--batch", "0"}, "--batch: 0 is not a whole number from 1 to 2147483648"},
      {{"--seconds", "0"}, "--seconds: 0 is not a number of seconds above 0, a day at most"},
      {{"--weights", "w.npz"}, "--weights is not an option of bench"},
      {{"--jsno"}, "unknown option --jsno; did you mean --json?"},
      {{"--validation", "3"}, "--validation holds out rows of --data FILE"},
  };
  for (const auto &one : cases) {
    const outcome result = run_bench(PRICES_PROGRAM, one.first);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.err, "prices: error: " + one.second + "\n");
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(run_bench(PRICES_PROGRAM, {"--data", "nothing.npz"}).code, 3);
}

/* The ids of a row. */
template <class Id> std::vector<Id> row_of(const bound_array &array, int64_t row) {
  const int64_t *const offsets = array.offsets.as<int64_t>();
  return std::vector<Id>(array.data.as<Id>() + offsets[row], array.data.as<Id>() + offsets[row + 1]);
}

TEST(synthetic, rows_of_tokens_are_what_the_model_asks_for) {
  const int64_t rows = 400;
  const dataset sets = hornfels::make_synthetic(words_model, rows, true, 1);
  const dataset again = hornfels::make_synthetic(words_model, rows, true, 1);
  const dataset other = hornfels::make_synthetic(words_model, rows, true, 2);
  size_t ids = 0, frequent = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const std::vector<uint16_t> row = row_of<uint16_t>(sets.arrays[0], i);
    EXPECT_EQ(std::adjacent_find(row.begin(), row.end(), std::greater_equal<uint16_t>()), row.end());
    EXPECT_LT(row.back(), 10000);
    EXPECT_EQ(row, row_of<uint16_t>(again.arrays[0], i));
    EXPECT_NE(row, row_of<uint16_t>(other.arrays[0], i));
    ids += row.size();
    frequent +=
        static_cast<size_t>(std::count_if(row.begin(), row.end(), [](uint16_t id) { return id < 1000; }));
  }
  EXPECT_NEAR(static_cast<double>(ids) / static_cast<double>(rows), 130, 10);
  EXPECT_GT(frequent, ids / 2) << "a tenth of the vocabulary is most of the ids";

  const dataset sorted = hornfels::make_synthetic(notes_model, rows, false, 1);
  bool repeats = false;
  for (int64_t i = 0; i < rows; ++i) {
    const std::vector<int32_t> row = row_of<int32_t>(sorted.arrays[0], i);
    EXPECT_TRUE(std::is_sorted(row.begin(), row.end()));
    repeats |= std::adjacent_find(row.begin(), row.end()) != row.end();
  }
  EXPECT_TRUE(repeats);
  EXPECT_EQ(sorted.arrays.size(), 1u) << "no targets were asked for";
}

TEST(synthetic, targets_are_classes_or_0_and_1) {
  const dataset topics = hornfels::make_synthetic(topics_model, 500, true, 3);
  ASSERT_EQ(topics.arrays[1].kept, bound_array::classes);
  std::vector<int> seen(46);
  for (int64_t i = 0; i < 500; ++i)
    ++seen.at(static_cast<size_t>(topics.arrays[1].data.as<int32_t>()[i]));
  EXPECT_GT(std::count_if(seen.begin(), seen.end(), [](int count) { return count > 0; }), 40);

  const dataset digits = hornfels::make_synthetic(digits_model, 100, true, 3);
  const int32_t *const classes = digits.arrays[1].data.as<int32_t>();
  EXPECT_TRUE(std::all_of(classes, classes + 100, [](int32_t c) { return c >= 0 && c < 10; }));
  const float *const pixels = digits.arrays[0].data.as<float>();
  double sum = 0, squares = 0;
  const int count = 100 * 784;
  for (int i = 0; i < count; ++i) {
    sum += static_cast<double>(pixels[i]);
    squares += static_cast<double>(pixels[i]) * static_cast<double>(pixels[i]);
  }
  EXPECT_NEAR(sum / count, 0, 0.02);
  EXPECT_NEAR(squares / count, 1, 0.03);

  const dataset words = hornfels::make_synthetic(words_model, 200, true, 3);
  const float *const labels = words.arrays[1].data.as<float>();
  EXPECT_EQ(std::count(labels, labels + 200, 0.0f) + std::count(labels, labels + 200, 1.0f), 200);
}

TEST(samples, quantiles) {
  hornfels::samples times(5);
  for (const double value : {5.0, 1.0, 4.0, 2.0, 3.0})
    times.add(value);
  EXPECT_TRUE(times.full());
  EXPECT_EQ(times.median(), 3);
  EXPECT_EQ(times.least(), 1);
  EXPECT_EQ(times.quantile(0.9), 5);
  EXPECT_EQ(times.quantile(0.25), 2);
}

} // namespace
