/* Programs of recurrent models over plain text: what they learn, what they write, what they refuse. */
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/runtime_program/support.h"

using namespace hornfels_tests;

namespace {

const std::string line = "the sun, the sea; the sand.\n";

/* What goes on after every letter but the s depends on what stood before it, further back than one character.
 */
std::string repeated(int times) {
  std::string text;
  for (int i = 0; i < times; ++i)
    text += line;
  return text;
}

class characters : public testing::Test {
protected:
  characters() { write_file(folder / "lines.txt", repeated(120)); }

  outcome call(const std::string &program, std::vector<std::string> arguments) {
    process one;
    one.arguments = {program};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return run(one);
  }

  outcome train(const std::string &program, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"train", "--data", "lines.txt", "--weights",
                                          "w.npz", "--seed", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return call(program, arguments);
  }

  outcome generate(const std::string &program, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"generate", "--weights", "w.npz"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return call(program, arguments);
  }

  scratch_folder folder;
};

/* The number behind the last "NAME: " of what was printed. */
double last_number(const std::string &out, const std::string &name) {
  const size_t at = out.rfind(name + ": ");
  return at == std::string::npos ? 1e9 : std::strtod(out.c_str() + at + name.size() + 2, nullptr);
}

/* Windows begin at four places of the line, each with a character of its own, so that nothing is left open.
 */
TEST_F(characters, a_repeating_text_is_learnt_and_written) {
  const outcome trained = train(FEW_PROGRAM, {"--validation-split", "0.1", "--epochs", "150", "--verbose=2"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.out.find("few: 143 rows to train, 16 to validate; 9 steps of 16 rows an epoch"),
            std::string::npos)
      << trained.out;
  EXPECT_LT(last_number(trained.out, "val_loss"), 0.05) << trained.out;

  const outcome written =
      generate(FEW_PROGRAM, {"--seed-text", "the sun, ", "--length", "75", "--temperature", "0"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.out, repeated(3) + "\n") << "beyond the window of 21";

  const std::vector<std::string> hot = {"--length", "100", "--temperature", "3", "--seed", "5"};
  const outcome one = generate(FEW_PROGRAM, hot);
  EXPECT_EQ(one.out.size(), 1u + 100u + 1u) << "the beginning of a line, 100 characters, an end";
  EXPECT_EQ(generate(FEW_PROGRAM, hot).out, one.out) << "a seed, a text";
  EXPECT_NE(generate(FEW_PROGRAM, {"--length", "100", "--temperature", "3", "--seed", "6"}).out, one.out);
  EXPECT_EQ(generate(FEW_PROGRAM,
                     {"--length", "8", "--seed-text", line + line + "the sun, the ", "--temperature=0"})
                .out,
            line + line + "the sun, the sea; the\n")
      << "of a long seed text the end counts";
}

TEST_F(characters, one_prediction_a_window_writes_too) {
  const outcome trained = train(LAST_PROGRAM, {"--epochs", "20"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_LT(last_number(trained.out, "loss"), 0.05) << trained.out;
  const outcome written =
      generate(LAST_PROGRAM, {"--seed-text", "the sun, the", "--length", "44", "--temperature=0.05"});
  EXPECT_EQ(written.out, repeated(2) + "\n") << written.err;
  const outcome few = generate(LAST_PROGRAM, {"--seed-text", "the sun"});
  EXPECT_EQ(few.code, 2);
  EXPECT_EQ(few.err,
            "last: error: --seed-text has 7 characters, this model needs 10 to predict the next one\n");
}

TEST_F(characters, the_same_bits_with_one_two_and_three_threads) {
  std::string first;
  for (const char *const threads : {"1", "2", "3"}) {
    ASSERT_EQ(train(FEW_PROGRAM, {"--epochs", "2", "--threads", threads, "--with-optimizer"}).code, 0);
    const std::string weights = read_file(folder / "w.npz");
    first = first.empty() ? weights : first;
    EXPECT_EQ(weights, first) << threads << " threads";
  }
}

TEST_F(characters, held_out_text_is_the_last_part) {
  ASSERT_EQ(train(FEW_PROGRAM, {"--epochs", "2"}).code, 0);
  const std::string text = repeated(120);
  /* 159 windows, of which the last 16 are held out by 0.1: from character 143 * 21 on. */
  write_file(folder / "end.txt", text.substr(143 * 21));
  const outcome part =
      call(FEW_PROGRAM, {"evaluate", "--data", "lines.txt", "--test-split", "0.1", "--weights", "w.npz"});
  const outcome end = call(FEW_PROGRAM, {"evaluate", "--data", "end.txt", "--weights", "w.npz"});
  EXPECT_EQ(part.code, 0) << part.err;
  EXPECT_EQ(part.out.substr(part.out.find("test loss")), end.out.substr(end.out.find("test loss")));
  const outcome all = call(FEW_PROGRAM, {"evaluate", "--data", "lines.txt", "--weights", "w.npz"});
  EXPECT_NE(part.out.substr(part.out.find("test loss")), all.out.substr(all.out.find("test loss")));
}

TEST_F(characters, another_text_is_not_resumed_on) {
  const std::vector<std::string> options = {"--checkpoint", "c", "--resume", "--epochs", "1"};
  ASSERT_EQ(train(FEW_PROGRAM, options).code, 0);
  std::string changed = repeated(120);
  changed[1000] = changed[1000] == 'x' ? 'y' : 'x';
  write_file(folder / "lines.txt", changed);
  const outcome result = train(FEW_PROGRAM, {"--checkpoint", "c", "--resume", "--epochs", "2"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("checksum"), std::string::npos) << result.err;
}

TEST_F(characters, what_cannot_be_written_is_refused) {
  ASSERT_EQ(train(FEW_PROGRAM, {"--epochs", "1"}).code, 0);
  const auto refused = [&](std::vector<std::string> arguments, int code) {
    const outcome result = generate(FEW_PROGRAM, std::move(arguments));
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_EQ(refused({"--seed-text", "caf\xc3\xa9"}, 2).substr(0, 81),
            "few: error: --seed-text: byte 0xC3, number 4, is outside the vocabulary, which is");
  EXPECT_EQ(refused({"--seed-text", ""}, 2),
            "few: error: --seed-text: \"\" is not a text of one character or more\n");
  EXPECT_EQ(refused({"--temperature", "-1"}, 2), "few: error: --temperature: -1 is not a number from 0 up\n");
  EXPECT_EQ(refused({"--temperature", "nan"}, 2),
            "few: error: --temperature: nan is not a number from 0 up\n");
  EXPECT_EQ(refused({"--length", "0"}, 2).substr(0, 46), "few: error: --length: 0 is not a whole number ");
  EXPECT_EQ(refused({"--data", "lines.txt"}, 2), "few: error: --data is not an option of generate\n");
  EXPECT_EQ(call(FEW_PROGRAM, {"generate"}).err, "few: error: generate needs --weights FILE\n");
}

/* What nobody reads, or what is interrupted, is not made. */
TEST_F(characters, a_full_disk_and_a_signal_end_it) {
  ASSERT_EQ(train(FEW_PROGRAM, {"--epochs", "1"}).code, 0);
  process one;
  one.arguments = {FEW_PROGRAM, "generate", "--weights", "w.npz", "--length", "2000000000"};
  one.folder = folder.str();
  one.out_path = "/dev/full";
  EXPECT_EQ(run(one).code, 3);
  one.out_path.clear();
  one.signal = 2;
  one.signal_after = 0.3;
  EXPECT_EQ(run(one).code, 130);
}

} // namespace
