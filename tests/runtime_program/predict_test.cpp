/* Predictions as tables and text, of rows and of one text from the command line. */
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/failure.h"
#include "runtime/program/predict/prediction_lines.h"
#include "runtime/program/data/word_index.h"
#include "support.h"

using namespace hornfels_tests;

namespace {

class predictions : public testing::Test {
protected:
  predictions() {
    std::vector<float> x, y;
    for (int i = 0; i < 7 * 13; ++i)
      x.push_back(static_cast<float>(i * 5 % 17) / 8);
    for (int i = 0; i < 7; ++i)
      y.push_back(static_cast<float>(i));
    write_file(folder / "prices.npz", zip({{"x_train.npy", npy<float>({7, 13}, x)},
                                           {"y_train.npy", npy<float>(y)},
                                           {"x_test.npy", npy<float>({7, 13}, x)},
                                           {"y_test.npy", npy<float>(y)}}));
    const std::vector<int32_t> ids = {1, 5, 389, 22, 9, 2, 1, 4, 77}, offsets = {0, 4, 6, 9};
    const std::string values = npy<int32_t>(ids), starts = npy<int32_t>(offsets);
    write_file(folder / "words.npz", zip({{"x_train_values.npy", values},
                                          {"x_train_offsets.npy", starts},
                                          {"x_test_values.npy", values},
                                          {"x_test_offsets.npy", starts},
                                          {"y_train.npy", npy<int32_t>({1, 0, 1})},
                                          {"y_test.npy", npy<int32_t>({1, 0, 1})}}));
    write_file(folder / "index.json", R"({"a": 2, "wonderful": 386, "film": 19, "caf\u00e9": 40, "rare": 9998})");
  }

  outcome call(const std::string &program, std::vector<std::string> arguments) {
    process one;
    one.arguments = {program};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return run(one);
  }

  void train(const std::string &program, const std::string &data) {
    const outcome result = call(program, {"train", "--data", data, "--weights", "w.npz", "--epochs", "3", "--verbose=0"});
    ASSERT_EQ(result.code, 0) << result.err;
  }

  std::string file(const char *name) { return read_file(folder / name); }

  /* Standard output of a prediction of `text`. */
  std::string said(const std::string &text, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"predict", "--weights", "w.npz", "--text", text, "--word-index", "index.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const outcome result = call(WORDS_PROGRAM, arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }

  void expect_failure(const outcome &result, int code, const std::string &message) {
    EXPECT_EQ(result.code, code);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }

  scratch_folder folder;
};

std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(text.substr(at, end - at));
  return lines;
}

/* A table and a text say the numbers of the array, digit for digit. */
TEST_F(predictions, a_table_and_a_text_read_back_as_the_array) {
  train(PRICES_PROGRAM, "prices.npz");
  for (const char *name : {"p.npy", "p.csv", "p.txt"}) {
    const outcome result =
        call(PRICES_PROGRAM, {"predict", "--data", "prices.npz", "--weights", "w.npz", "-o", name, "--batch-size", "3"});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const std::string array = file("p.npy").substr(128);
  const std::vector<std::string> table = lines_of(file("p.csv")), text = lines_of(file("p.txt"));
  ASSERT_EQ(array.size(), 7 * sizeof(float));
  ASSERT_EQ(table.size(), 8u);
  ASSERT_EQ(text.size(), 7u);
  EXPECT_EQ(table[0], "price");
  for (size_t row = 0; row < 7; ++row) {
    float value;
    std::memcpy(&value, array.data() + row * sizeof value, sizeof value);
    EXPECT_EQ(std::stof(table[row + 1]), value);
    EXPECT_EQ(text[row], table[row + 1]);
  }
}

/* Lines of made-up results: what a text says depends on the output's shape and on the names. */
std::string lines(const hornfels_model &model, hornfels::prediction_lines::form form, std::vector<std::string> classes,
                  std::vector<float> values, int64_t rows) {
  const hornfels::prediction_lines to_write(model, form, std::move(classes), "c.txt");
  std::string text = to_write.header();
  to_write.add({{values.data(), static_cast<int64_t>(values.size())}}, 0, rows, text);
  return text;
}

TEST(prediction_text, classes_by_number_or_name) {
  using form = hornfels::prediction_lines;
  std::vector<float> topics(46, 0.5f / 45), uneven(46, 2.0f);
  topics[3] = 0.5f;
  uneven[7] = 2.5f;
  std::vector<std::string> names;
  for (int i = 0; i < 46; ++i)
    names.push_back("topic " + std::to_string(i));
  EXPECT_EQ(lines(topics_model, form::text, {}, topics, 1), "3 0.5\n");
  EXPECT_EQ(lines(topics_model, form::text, names, topics, 1), "topic 3 0.5\n");
  EXPECT_EQ(lines(topics_model, form::text, names, uneven, 1), "topic 7 2.5\n");
  /* No probabilities and no names: the numbers. */
  EXPECT_EQ(lines(topics_model, form::text, {}, uneven, 1).substr(0, 8), "2 2 2 2 ");
  const std::string table = lines(topics_model, form::table, {}, topics, 1);
  EXPECT_EQ(table.substr(0, 16), "topic_0,topic_1,");
  EXPECT_NE(table.find(",topic_45\n0.0111"), std::string::npos);
}

TEST(prediction_text, one_probability_has_two_classes) {
  using form = hornfels::prediction_lines;
  EXPECT_EQ(lines(words_model, form::text, {}, {0.25f, 0.875f}, 2), "0.25\n0.875\n");
  EXPECT_EQ(lines(words_model, form::text, {"bad", "good"}, {0.25f, 0.875f}, 2), "bad 0.75\ngood 0.875\n");
  const auto message = [](std::vector<std::string> names, float value) -> std::string {
    try {
      return lines(words_model, form::text, std::move(names), {value}, 1);
    } catch (const hornfels::failure &problem) {
      return problem.what();
    }
  };
  EXPECT_EQ(message({"bad", "good"}, 1.5f), "error: --classes: row 0 of sentiment is 1.5, no probability");
  EXPECT_EQ(message({"bad", "good"}, NAN), "error: --classes: row 0 of sentiment is nan, no probability");
  EXPECT_EQ(message({"a", "b", "c"}, 0.5f), "c.txt: error: has 3 names of classes, but sentiment is f32[1]");
  EXPECT_EQ(message({}, NAN), "nan\n");
  EXPECT_EQ(message({}, -INFINITY), "-inf\n");
}

TEST_F(predictions, names_of_classes_are_read_strictly) {
  const auto message = [&](const std::string &content) -> std::string {
    write_file(folder / "c.txt", content);
    try {
      std::string all;
      for (const std::string &name : hornfels::read_class_names(folder / "c.txt"))
        all += name + "|";
      return all;
    } catch (const hornfels::failure &problem) {
      return std::string(problem.what()).substr(folder.str().size() + 1);
    }
  };
  EXPECT_EQ(message("one\r\ntwo words\nthree"), "one|two words|three|");
  EXPECT_EQ(message("one\n\nthree\n"), "c.txt:2: error: an empty line, expected the name of class 1");
  EXPECT_EQ(message("one\nt\x1bwo\n"), "c.txt:2: error: a control character, expected the name of class 1");
  EXPECT_EQ(message(std::string(1025, 'n')), "c.txt:1: error: a name of more than 1 KiB, expected the name of class 0");
  EXPECT_EQ(message(""), "c.txt: error: is empty, expected the name of a class on each line");
}

TEST(words, are_those_of_Keras) {
  using list = std::vector<std::string>;
  EXPECT_EQ(hornfels::words_of("A wonderful FILM!"), (list{"a", "wonderful", "film"}));
  EXPECT_EQ(hornfels::words_of("don't (really) well-made;\n\t10/10"), (list{"don't", "really", "well", "made", "10", "10"}));
  EXPECT_EQ(hornfels::words_of("CAF\xc3\x89 \xce\xa9"), (list{"caf\xc3\xa9", "\xcf\x89"}));
  EXPECT_EQ(hornfels::words_of(" ... "), list{});
  EXPECT_EQ(hornfels::words_of("x\xff\xc3"), (list{"x\xff\xc3"}));
}

/* The same row by its ids and by its words: rank + 3 after the mark 1, 2 for what is not known. */
TEST_F(predictions, a_text_is_the_row_of_its_ids) {
  train(WORDS_PROGRAM, "words.npz");
  const auto by_ids = [&](const std::vector<int32_t> &ids) {
    write_file(folder / "row.npz",
               zip({{"x_values.npy", npy<int32_t>(ids)},
                    {"x_offsets.npy", npy<int32_t>({0, static_cast<int32_t>(ids.size())})}}));
    EXPECT_EQ(call(WORDS_PROGRAM, {"predict", "--data", "row.npz", "--weights", "w.npz", "-o", "row.txt"}).code, 0);
    return file("row.txt");
  };
  const std::string wonderful = by_ids({1, 5, 389, 22});
  EXPECT_EQ(said("A wonderful film."), wonderful);
  EXPECT_NE(said("A wonderful"), wonderful);
  EXPECT_EQ(said("a wonderful film unheard"), by_ids({1, 5, 389, 22, 2}));
  /* 9998 + 3 is beyond the vocabulary of 10,000. */
  EXPECT_EQ(said("a rare film"), by_ids({1, 5, 2, 22}));
  EXPECT_EQ(said("Caf\xc3\xa9"), by_ids({1, 43}));
  EXPECT_EQ(said("a film", {"--start-char", "none", "--index-from", "0"}), by_ids({2, 19}));
  EXPECT_EQ(said(""), by_ids({1}));
  write_file(folder / "classes", "negative\npositive\n");
  const std::string named = said("a wonderful film", {"--classes", "classes"});
  EXPECT_EQ(named.substr(0, 9), std::stof(wonderful) > 0.5f ? "positive " : "negative ");
  EXPECT_EQ(said("a wonderful film", {"-o", "t.txt"}), "");
  EXPECT_EQ(file("t.txt"), wonderful);
}

TEST_F(predictions, what_does_not_go_together_is_named) {
  train(WORDS_PROGRAM, "words.npz");
  const std::pair<std::vector<std::string>, const char *> cases[] = {
      {{"--text", "a"}, "words: error: --text goes with --word-index FILE\n"},
      {{"--text", "a", "--word-index", "index.json", "--data", "words.npz"}, "--text and --data exclude each other"},
      {{"--data", "words.npz", "-o", "p.txt", "--word-index", "index.json"}, "--word-index goes with --text TEXT"},
      {{"--data", "words.npz", "-o", "p.csv", "--classes", "index.json"}, "--classes names the classes of text"},
      {{"--text", "a", "--word-index", "index.json", "--maxlen", "9"}, "--text is one row: "},
      {{"--data", "words.npz"}, "predict needs --output FILE"}};
  for (const auto &one : cases) {
    std::vector<std::string> arguments = {"predict", "--weights", "w.npz"};
    arguments.insert(arguments.end(), one.first.begin(), one.first.end());
    expect_failure(call(WORDS_PROGRAM, arguments), 2, one.second);
  }
  train(PRICES_PROGRAM, "prices.npz");
  expect_failure(call(PRICES_PROGRAM, {"predict", "--weights", "w.npz", "--text", "a", "--word-index", "index.json"}), 2,
                 "--text is a row of tokens, but prices takes features, f32[13]");
  expect_failure(call(PRICES_PROGRAM, {"predict", "--weights", "w.npz", "--data", "prices.npz", "-o", "./w.npz"}), 3,
                 "--output is also an input: w.npz");
}

TEST_F(predictions, a_word_index_is_read_strictly) {
  const auto message = [&](const std::string &content) -> std::string {
    write_file(folder / "i.json", content);
    try {
      return std::to_string(hornfels::ranks_of(folder / "i.json", {"the"})[0]);
    } catch (const hornfels::failure &problem) {
      return std::string(problem.what()).substr(folder.str().size() + 1);
    }
  };
  EXPECT_EQ(message("{\"the\": 1}"), "1");
  EXPECT_EQ(message("\xef\xbb\xbf {\n \"\\u0074he\" : 7,\"\\ud83d\\ude00\":8}\r\n"), "7");
  EXPECT_EQ(message("{}"), std::to_string(hornfels::no_rank));
  EXPECT_EQ(message("{\"the\": 4, \"the\": 4}"), "4");
  const std::pair<std::string, const char *> cases[] = {
      {"", "i.json:1:1: error: expected {"},
      {"[1]", "i.json:1:1: error: expected {"},
      {"{\"the\": 1", "i.json:1:10: error: expected a comma or }"},
      {"{\"the\": 1,}", "i.json:1:11: error: expected a word in double quotes"},
      {"{\"the\" 1}", "i.json:1:8: error: expected a colon"},
      {"{\n\"the\": 1.5}", "i.json:2:8: error: expected the rank of a word, a whole number from 0 to 2147483646\n"
                          "  \"the\": 1.5}\n         ^"},
      {"{\"the\": -1}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": -0}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": 01}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": 1e3}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": 99999999999999999999}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": 2147483647}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": \"1\"}", "i.json:1:9: error: expected the rank"},
      {"{\"the\": {\"a\": 1}}", "i.json:1:9: error: expected the rank"},
      {"{\"the", "i.json:1:2: error: a word without its closing quote"},
      {"{\"a\nb\": 1}", "i.json:1:4: error: a control character in a word"},
      {"{\"\\x\": 1}", "i.json:1:3: error: an unknown escape"},
      {"{\"\\u12\": 1}", "i.json:1:3: error: expected four hexadecimal digits"},
      {"{\"\\ud83d\": 1}", "i.json:1:3: error: half of a surrogate pair"},
      {"{\"\\udc00\": 1}", "i.json:1:3: error: half of a surrogate pair"},
      {"{\"\xff\": 1}", "i.json:1:3: error: not UTF-8"},
      {"{\"" + std::string(1025, 'w') + "\": 1}", "i.json:1:2: error: a word of more than 1024 bytes"},
      {"{\"the\": 4, \"the\": 5}", "i.json:1:12: error: a word for the second time, with another rank: 4 before"},
      {"{\"the\": 1} {}", "i.json:1:12: error: expected the end of the file"},
      {std::string("{\"the\": 1}\0", 11), "i.json:1:11: error: expected the end of the file"},
      {"{\"caf\xc3\xa9\": x}", "i.json:1:10: error: expected the rank of a word"}};
  for (const auto &one : cases)
    EXPECT_EQ(message(one.first).find(one.second), 0u) << message(one.first) << "\nfor " << one.first;
}

/* Keras's own index: 88,584 words, read in one go. */
TEST_F(predictions, the_public_index_gives_the_ids_of_the_reviews) {
  if (real_data().empty())
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  const std::string path = real_data() + "/raw/imdb_word_index.json";
  EXPECT_EQ(hornfels::ranks_of(path, {"the", "and", "film", "nosuchword"}),
            (std::vector<int32_t>{1, 2, 19, hornfels::no_rank}));
}

} // namespace
