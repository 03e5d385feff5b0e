/* Tables: columns by the model's names, and errors with line, column and caret. */
#include <cmath>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/data/csv.h"
#include "runtime/program/data/csv_lines.h"
#include "runtime/program/data/dataset.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

class tables : public testing::Test {
protected:
  dataset bind_text(const hornfels_model &model, const std::string &text, bool targets = true,
                    const data_options &how = {}, const suffixes &wanted = {"_train"}) {
    write_file(folder / "d.csv", text);
    const data_file file(folder / "d.csv", how);
    return hornfels::bind(model, file, wanted, targets);
  }

  std::string refusal(const hornfels_model &model, const std::string &text) {
    try {
      bind_text(model, text);
    } catch (const failure &problem) {
      EXPECT_EQ(problem.code(), exit_input);
      std::string message = problem.what();
      for (size_t at; (at = message.find(folder.str() + "/")) != std::string::npos;)
        message.erase(at, folder.str().size() + 1);
      return message;
    }
    return "bound";
  }

  scratch_folder folder;
};

template <class T> std::vector<T> all(const bound_array &array, size_t count) {
  return std::vector<T>(array.data.as<T>(), array.data.as<T>() + count);
}

/* "0,1,2, ... , last" */
std::string count_to(int last, const std::string &prefix = "") {
  std::string text;
  for (int i = 0; i <= last; ++i)
    text += (i ? "," : "") + prefix + std::to_string(i);
  return text;
}

TEST_F(tables, columns_are_found_by_number_and_name) {
  const dataset data = bind_text(prices_model, "price," + count_to(12, "features_") + "\n7.5," +
                                                   count_to(12) + "\n-1e-3," + count_to(12) + "\n");
  EXPECT_EQ(data.rows, 2);
  EXPECT_EQ(all<float>(data.arrays[0], 26)[25], 12.0f);
  EXPECT_EQ(all<float>(data.arrays[0], 26)[12], 12.0f);
  EXPECT_EQ(all<float>(data.arrays[1], 2), (std::vector<float>{7.5f, -1e-3f}));
}

TEST_F(tables, numbered_columns_may_stand_in_any_order) {
  std::string names = "y", row = "1";
  for (int i = 12; i >= 0; --i) {
    names += ",x_" + std::to_string(i) + ",other" + std::to_string(i);
    row += "," + std::to_string(i) + ",text of no use";
  }
  const dataset data = bind_text(prices_model, names + "\n" + row);
  EXPECT_EQ(all<float>(data.arrays[0], 13), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

/* As in the file of houses: 13 columns with names of their own, and the target. */
TEST_F(tables, all_other_columns_are_a_vector_where_their_number_fits) {
  const std::string text =
      "CRIM,ZN,INDUS,CHAS,NOX,RM,AGE,DIS,RAD,TAX,PTRATIO,B,LSTAT,price\n" + count_to(13) + "\n";
  const dataset data = bind_text(prices_model, text);
  EXPECT_EQ(all<float>(data.arrays[0], 13)[12], 12.0f);
  EXPECT_EQ(all<float>(data.arrays[1], 1)[0], 13.0f);
  EXPECT_EQ(bind_text(prices_model, text, false).arrays.size(), 1u) << "the target is kept from the input";
}

TEST_F(tables, quotes_spaces_and_line_ends) {
  const dataset data =
      bind_text(prices_model, "\xef\xbb\xbf\"price\"," + count_to(12, "x_") + "\r\n\r\n\" 1.5 \", +1,2,3,4," +
                                  "5,6,7,8,9,1e2,nan,\"-inf\",.5\r\n");
  EXPECT_EQ(all<float>(data.arrays[1], 1)[0], 1.5f);
  const std::vector<float> x = all<float>(data.arrays[0], 13);
  EXPECT_EQ(x[0], 1.0f);
  EXPECT_EQ(x[9], 100.0f);
  EXPECT_TRUE(std::isnan(x[10]));
  EXPECT_EQ(x[11], -INFINITY);
  EXPECT_EQ(x[12], 0.5f);
  write_file(folder / "q.csv", "\"a,\"\"b\"\"\",c\n1,2\n");
  EXPECT_EQ(data_file(folder / "q.csv").names(), (std::vector<std::string>{"a,\"b\"", "c"}));
}

TEST_F(tables, tokens_are_numbers_with_spaces_and_classes_one_column) {
  const dataset data = bind_text(topics_model, "topic,story\n45,5 3 5  9999\n0,\n1, 7\n");
  const int64_t *const offsets = data.arrays[0].offsets.as<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(offsets, offsets + 4), (std::vector<int64_t>{0, 3, 3, 4}));
  EXPECT_EQ(all<uint16_t>(data.arrays[0], 4), (std::vector<uint16_t>{3, 5, 9999, 7}));
  EXPECT_EQ(all<int32_t>(data.arrays[1], 3), (std::vector<int32_t>{45, 0, 1}));
  EXPECT_EQ(data.arrays[1].kept, bound_array::classes);
}

TEST_F(tables, one_hot_targets_are_numbered_columns) {
  std::string row = "3";
  for (int i = 0; i < 46; ++i)
    row += i == 7 ? ",1" : ",0";
  const dataset data = bind_text(topics_model, "x," + count_to(45, "topic_") + "\n" + row);
  EXPECT_EQ(all<float>(data.arrays[1], 46)[7], 1.0f);
  EXPECT_EQ(data.arrays[1].kept, bound_array::plain);
}

TEST_F(tables, a_split_that_is_asked_for_shuffles) {
  std::string text = "y," + count_to(12, "x_") + "\n";
  for (int i = 0; i < 12; ++i)
    text += std::to_string(i) + "," + count_to(12) + "\n";
  EXPECT_EQ(all<float>(bind_text(prices_model, text).arrays[1], 12)[11], 11.0f);
  data_options how;
  how.test_split = 0.25;
  EXPECT_EQ(all<float>(bind_text(prices_model, text, true, how).arrays[1], 9),
            (std::vector<float>{4, 3, 9, 8, 1, 0, 11, 7, 6}));
  EXPECT_EQ(all<float>(bind_text(prices_model, text, true, how, {"_test"}).arrays[1], 3),
            (std::vector<float>{10, 2, 5}));
}

const std::string names = "price," + count_to(12, "features_") + "\n";

TEST_F(tables, errors_have_a_place_and_a_caret) {
  EXPECT_EQ(refusal(prices_model, names + "1," + count_to(12) + "\nabc," + count_to(12) + "\n"),
            "d.csv:3:1: error: found abc, expected a number\n  abc,0,1,2,3,4,5,6,7,8,9,10,11,12\n  ^");
  EXPECT_EQ(refusal(prices_model, names + "1,0,1,,3,4,5,6,7,8,9,10,11,12\n"),
            "d.csv:2:7: error: found an empty field, expected a number\n  1,0,1,,3,4,5,6,7,8,9,10,11,12\n    "
            "    ^");
  EXPECT_EQ(refusal(prices_model, names + "1,2,3\n"),
            "d.csv:2:6: error: 3 fields; the first line names 14 columns\n  1,2,3\n       ^");
  EXPECT_EQ(
      refusal(prices_model, names + "1," + count_to(13) + "\n"),
      "d.csv:2:32: error: 15 fields; the first line names 14 columns\n  1,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n" +
          std::string(33, ' ') + "^");
  EXPECT_EQ(refusal(prices_model, "\xc3\xa4\xc3\xb6,,b\n"),
            "d.csv:1:4: error: expected the name of a column\n  ??,,b\n     ^");
  EXPECT_NE(refusal(prices_model, names + "1," + count_to(11) + ",\"12\n")
                .find("d.csv:2:29: error: a quote without an end"),
            std::string::npos);
  const std::string far(5000, '1');
  EXPECT_NE(refusal(prices_model, names + far + "," + count_to(11) + ",x\n").find("5,6,7,8,9,10,11,x\n"),
            std::string::npos)
      << "only what surrounds the place is shown";
}

struct refused_table {
  const char *name;
  std::string text, says;
  friend std::ostream &operator<<(std::ostream &out, const refused_table &one) { return out << one.name; }
};

class table_refuses : public tables, public testing::WithParamInterface<refused_table> {};

TEST_P(table_refuses, by_name_and_place) {
  const std::string text = refusal(prices_model, GetParam().text);
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

std::string with_price(const std::string &price) { return names + price + "," + count_to(12) + "\n"; }

INSTANTIATE_TEST_SUITE_P(
    files, table_refuses,
    testing::Values(
        refused_table{"empty", "", "d.csv:1:1: error: expected a line with the names of the columns"},
        refused_table{"only_ends", "\n\r\n\n", "expected a line with the names"},
        refused_table{"no_rows", names, "d.csv: error: has no rows"},
        refused_table{"twice", "price,x_0,price\n1,2,3\n", "d.csv:1:11: error: a second column price"},
        refused_table{"semicolons", "price;a;b\n1;2;3\n", "fields are separated by commas"},
        refused_table{"no_names", count_to(13) + "\n" + count_to(13) + "\n",
                      "d.csv:1:1: error: numbers, where the first line names the columns"},
        refused_table{"nul", names + std::string("1\0", 2) + "\n", "d.csv:2:2: error: a NUL byte"},
        refused_table{"long_name", std::string(2000, 'n') + "\n", "a name of more than 1024 bytes"},
        refused_table{"long_line", names + std::string(17 << 20, '1'),
                      "d.csv:2:1: error: a line of more than 16 MiB"},
        refused_table{"many_columns", std::string(300000, ','), "more than 100000 columns"},
        refused_table{"after_quote", names + "\"1\"2," + count_to(12),
                      "d.csv:2:4: error: expected a comma after the closing quote"},
        refused_table{"hexadecimal", with_price("0x10"), "found 0x10, expected a number"},
        refused_table{"decimal_comma", with_price("\"1,5\""), "expected a number"},
        refused_table{"two_numbers", with_price("1 2"), "expected a number"},
        refused_table{"two_signs", with_price("+-1"), "expected a number"},
        refused_table{"control", with_price("\x1b[31m"), "found \"\\x1b[31m\", expected a number"},
        refused_table{"huge", with_price("1e999"), "1e999 does not fit f64"},
        refused_table{"huge_for_f32", with_price("1e300"),
                      "d.csv: error: row 0 holds 1e+300, which does not fit f32"},
        refused_table{"nan_label", with_price("nan"), "row 0 holds nan; it is the target of price"},
        refused_table{"infinite_label", with_price("-inf"), "row 0 holds -inf; it is the target of price"},
        refused_table{"no_target", count_to(12, "features_") + "\n" + count_to(12) + "\n",
                      "d.csv:1:1: error: no column price or y for price (f32[1], models/prices.horn:2:38); "
                      "the columns are features_0,"},
        refused_table{"gap", "price,features_0,features_1,features_3\n1,2,3,4\n",
                      "no column features_2 for features"},
        refused_table{"too_few", "price,a,b\n1,2,3\n",
                      "no columns features_0 to features_12 or x_0 to x_12, nor 13 columns that nothing else "
                      "takes (there are 2)"}),
    [](const auto &tested) { return tested.param.name; });

TEST_F(tables, classes_and_ids_are_whole_numbers_in_range) {
  EXPECT_NE(refusal(topics_model, "topic,story\n1.5,3\n")
                .find("d.csv: error: row 0 holds 1.5, which does not fit an integer"),
            std::string::npos);
  EXPECT_NE(refusal(topics_model, "topic,story\n0,1\n46,3\n")
                .find("46 classes, but the data have 47: row 1 of d.csv holds 46"),
            std::string::npos);
  EXPECT_NE(refusal(topics_model, "topic,story\n0,1 2 10000\n")
                .find("whose ids are 0 to 9999, but row 0 of d.csv holds 10000"),
            std::string::npos);
  EXPECT_EQ(refusal(topics_model, "topic,story\n0,1 -2\n"),
            "d.csv:2:3: error: found -2, expected whole numbers from 0 to 2147483647 with spaces between\n  "
            "0,1 -2\n    ^");
  EXPECT_NE(refusal(topics_model, "topic,story\n0,1 99999999999\n").find("found 99999999999, expected"),
            std::string::npos);
  EXPECT_NE(refusal(topics_model, "topic,story\n0,1.0\n").find("found 1.0, expected"), std::string::npos);
}

/* Lines longer than what is read at once, and ends that fall between two reads. */
TEST_F(tables, lines_go_over_blocks) {
  std::string text = "a,b\n";
  for (int i = 0; i < 30000; ++i)
    text += std::to_string(i) + "," + std::to_string(i % 7) + (i % 2 ? "\r\n" : "\n");
  text += std::string(200000, ' ') + "5,6";
  write_file(folder / "d.csv", text);
  const data_file file(folder / "d.csv");
  EXPECT_EQ(file.as_table()->rows(), 30001);
  array_source source = file.as_table()->open({0}, nullptr, 0);
  std::vector<double> values(30001);
  file_error error;
  ASSERT_TRUE(source.stream->read(values.data(), values.size() * 8, error));
  EXPECT_EQ(values[29999], 29999);
  EXPECT_EQ(values[30000], 5);
}

} // namespace
