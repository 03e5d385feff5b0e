/* What is shown, letter by letter as Keras shows it; the history; the order of rows. */
#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "runtime/program/report/history.h"
#include "runtime/program/nearest.h"
#include "runtime/program/report/progress.h"
#include "runtime/program/training/shuffle.h"
#include "support.h"

using namespace hornfels;

namespace {

const logs values = make_logs({"loss", "accuracy"}, {0.5077, 0.78126});

std::string bar(bar_state state, const display &shown, size_t *width = nullptr) {
  size_t columns;
  const std::string text = bar_line(state, values, shown, width ? *width : columns);
  return text;
}

display terminal(int columns, bool colors = true, bool unicode = true) {
  return {true, colors, unicode, columns};
}

TEST(progress, sorts_metrics_by_name) { EXPECT_EQ(logs_text(values), " - accuracy: 0.7813 - loss: 0.5077"); }

TEST(progress, small_values_have_an_exponent) {
  EXPECT_EQ(logs_text({{"loss", 0.001}, {"mae", 0.00101}, {"z", -0.5}, {"zero", 0}}),
            " - loss: 1.0000e-03 - mae: 0.0010 - z: -0.5000 - zero: 0.0000e+00");
}

TEST(progress, plain_line) {
  EXPECT_EQ(plain_line({30, 30, 0.72, 0.0241, true}, values),
            "30/30 - 1s - 24ms/step - accuracy: 0.7813 - loss: 0.5077");
}

TEST(progress, time_of_a_step) {
  EXPECT_EQ(step_time_text(0), " 0s/step");
  EXPECT_EQ(step_time_text(2.4), " 2s/step");
  EXPECT_EQ(step_time_text(0.0034), " 3ms/step");
  EXPECT_EQ(step_time_text(0.000042), " 42us/step");
}

TEST(progress, a_bar_in_colors) {
  EXPECT_EQ(bar({7, 30, 0.2, 0.024, false}, terminal(120)),
            "\x1b[1m 7/30\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m "
            "24ms/step - accuracy: 0.7813 - "
            "loss: 0.5077");
  EXPECT_EQ(bar({30, 30, 1.2, 0.024, true}, terminal(120)),
            "\x1b[1m30/30\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m "
            "24ms/step - accuracy: 0.7813 - "
            "loss: 0.5077");
}

TEST(progress, time_left) {
  const auto left = [](double unit) {
    return bar({1, 1001, 1, unit, false}, terminal(200, false, false)).substr(31, 9);
  };
  EXPECT_EQ(left(0.007), "7s 7ms/st");
  EXPECT_EQ(left(0.127), "2:07 127m");
  EXPECT_EQ(left(3.727), "1:02:07 4");
}

TEST(progress, without_colors_or_unicode_the_rest_differs_from_what_is_done) {
  EXPECT_EQ(bar({15, 30, 1, 0.024, false}, terminal(120, false)).substr(0, 66), "15/30 ━━━━━━━━━━──────────");
  EXPECT_EQ(bar({15, 30, 1, 0.024, false}, terminal(120, false, false)).substr(0, 27),
            "15/30 ==========.......... ");
}

TEST(progress, fits_the_terminal_by_a_shorter_bar_then_less_text) {
  for (const int columns : {1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 200}) {
    size_t width;
    const std::string text = bar({15, 30, 1, 0.024, false}, terminal(columns, false, false), &width);
    EXPECT_EQ(text.size(), width);
    EXPECT_TRUE(width < static_cast<size_t>(columns) || width == std::string("15/30  0s").size()) << columns;
  }
  size_t width;
  EXPECT_NE(bar({30, 30, 1, 0.024, true}, terminal(10, false, false), &width).find("loss: 0.5077"),
            std::string::npos);
}

TEST(history, is_keras_history_and_epoch) {
  history past;
  past.add({{"accuracy", 0.5}, {"loss", 0.1}, {"val_loss", 1e-7}});
  past.add({{"accuracy", 0.75}, {"loss", 1.0 / 3}, {"val_loss", 2}});
  EXPECT_EQ(past.json(), "{\n  \"accuracy\": [0.5, 0.75],\n  \"loss\": [0.1, 0.3333333333333333],\n"
                         "  \"val_loss\": [1e-07, 2],\n  \"epoch\": [0, 1]\n}\n");
  EXPECT_EQ(history().json(), "{\n  \"epoch\": []\n}\n");
  history odd;
  odd.add({{"a\"\\\n", 1}});
  EXPECT_NE(odd.json().find("\"a\\\"\\\\\\u000a\": [1]"), std::string::npos) << odd.json();
}

/* The numbers are part of the promise: the same order on every machine, for ever. */
TEST(shuffle, is_the_same_everywhere) {
  std::vector<uint32_t> rows(10);
  std::iota(rows.begin(), rows.end(), 0u);
  shuffle(rows.data(), rows.size(), 1, 0);
  const std::vector<uint32_t> first = rows;
  std::iota(rows.begin(), rows.end(), 0u);
  shuffle(rows.data(), rows.size(), 1, 1);
  EXPECT_NE(rows, first);
  std::iota(rows.begin(), rows.end(), 0u);
  shuffle(rows.data(), rows.size(), 2, 0);
  EXPECT_NE(rows, first);
  EXPECT_EQ(first, (std::vector<uint32_t>{9, 4, 0, 5, 2, 1, 6, 8, 3, 7}));
  /* The generator of SplitMix64's authors, from 1234567. */
  splitmix reference(1234567);
  EXPECT_EQ(reference.next(), 6457827717110365317u);
  EXPECT_EQ(reference.next(), 3203168211198807973u);
}

TEST(shuffle, every_order_is_equally_likely) {
  int counts[24] = {};
  for (uint64_t seed = 0; seed < 24000; ++seed) {
    uint32_t rows[] = {0, 1, 2, 3};
    shuffle(rows, 4, seed, seed % 7);
    int rank = 0;
    for (int i = 0; i < 4; ++i) {
      int smaller = 0;
      for (int j = i + 1; j < 4; ++j)
        smaller += rows[j] < rows[i];
      rank = rank * (4 - i) + smaller;
    }
    ++counts[rank];
  }
  double chi_squared = 0;
  for (const int count : counts)
    chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_squared, 49.7) << "23 degrees of freedom, one in a thousand";
}

TEST(nearest, finds_a_misspelled_name) {
  const std::vector<std::string> names{"--epochs", "--output", "--seed"};
  EXPECT_EQ(nearest("--ephocs", names), "--epochs");
  EXPECT_EQ(nearest("--outptu", names), "--output");
  EXPECT_EQ(nearest("--banana", names), "");
  EXPECT_EQ(nearest(std::string(5000, 'x'), names), "");
}

} // namespace
