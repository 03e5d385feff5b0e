/* The programs as their users meet them: arguments, files, streams, signals and exit codes. */
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support.h"

using namespace hornfels_tests;

namespace {

/* Ten rows: the price is the sum of 13 features. */
std::string prices_data(int64_t rows = 10, bool test = true) {
  std::vector<float> x, y;
  for (int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < 13; ++i) {
      x.push_back(static_cast<float>((row * 7 + i * 3) % 11));
      sum += x.back();
    }
    y.push_back(sum);
  }
  std::vector<member> members{{"x_train.npy", npy<float>({rows, 13}, x)}, {"y_train.npy", npy<float>(y)}};
  if (test) {
    members.push_back({"x_test.npy", npy<float>({rows, 13}, x), true});
    members.push_back({"y_test.npy", npy<float>(y), true});
  }
  return zip(members);
}

class command_line : public testing::Test {
protected:
  command_line() { write_file(folder / "d.npz", prices_data()); }

  process prices(std::vector<std::string> arguments) {
    process one;
    one.arguments = {PRICES_PROGRAM};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return one;
  }

  /* Wrong use: exit 2, one message, nothing on standard output, no file. */
  void expect_usage(const std::vector<std::string> &arguments, const std::string &message) {
    const std::vector<std::string> before = folder.names();
    const outcome result = run(prices(arguments));
    EXPECT_EQ(result.code, 2) << message;
    EXPECT_EQ(result.err, "prices: error: " + message + "\n");
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(folder.names(), before);
  }

  void expect_failure(const std::vector<std::string> &arguments, int code, const std::string &message) {
    const outcome result = run(prices(arguments));
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }

  scratch_folder folder;
};

TEST_F(command_line, without_arguments_is_short_help_and_2) {
  const outcome result = run(prices({}));
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.find("prices, a model compiled from models/prices.horn:2:1\n\ncommands\n  train "), 0u)
      << result.err;
}

TEST_F(command_line, help_and_version) {
  for (const char *way : {"help", "--help", "-h"}) {
    const outcome result = run(prices({way}));
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.out.find("  predict "), std::string::npos);
  }
  for (const std::vector<std::string> &way :
       {std::vector<std::string>{"help", "train"}, {"train", "--help"}}) {
    const outcome result = run(prices(way));
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.out.find("--initial-weights FILE"), std::string::npos);
    EXPECT_NE(result.out.find("Without options: 10 epochs, batches of 16, learning rate 1e-06"),
              std::string::npos)
        << result.out;
  }
  const std::string help = run(prices({"help", "train"})).out;
  for (size_t at = 0, end; (end = help.find('\n', at)) != std::string::npos; at = end + 1)
    EXPECT_LE(end - at, 80u) << help.substr(at, end - at);
  EXPECT_NE(help.find("\n  --seed N                 of first weights, "), std::string::npos) << help;
  EXPECT_NE(help.find("\n  --reduce-lr-on-plateau M[,...]\n                           lower the learning rate "),
            std::string::npos);
  EXPECT_EQ(run(prices({"--version"})).out,
            "prices, compiled by hornfels from models/prices.horn:2:1\nstructure 0123abcd, interface 1\n");
}

TEST_F(command_line, wrong_use_is_named) {
  expect_usage({"trian"}, "unknown command trian; did you mean train?");
  expect_usage({"fly"}, "unknown command fly");
  expect_usage({"help", "predcit"}, "unknown command predcit; did you mean predict?");
  expect_usage({"--data", "d.npz"}, "--data before a command; expected train, evaluate, predict, generate, bench or selftest");
  expect_usage({"train"}, "train needs --data FILE");
  expect_usage({"evaluate", "--data", "d.npz"}, "evaluate needs --weights FILE");
  expect_usage({"predict", "--data", "d.npz", "--weights", "w.npz"}, "predict needs --output FILE");
  expect_usage({"predict", "--outptu", "x"}, "unknown option --outptu; did you mean --output?");
  expect_usage({"train", "--ephocs=3"}, "unknown option --ephocs; did you mean --epochs?");
  expect_usage({"train", "--output", "x"}, "--output is not an option of train");
  expect_usage({"train", "d.npz"}, "unexpected argument d.npz");
  expect_usage({"train", "-"}, "unexpected argument -");
  expect_usage({"train", "two words"}, "unexpected argument \"two words\"");
  expect_usage({"train", "--data"}, "--data needs a value: FILE");
  expect_usage({"train", "--data", "--epochs", "3"}, "--data needs a value: FILE");
  expect_usage({"train", "--data="}, "--data: \"\" is not a file name");
  expect_usage({"train", "--data", "d.npz", "--data", "e.npz"}, "--data is given twice");
  expect_usage({"predict", "-o", "a", "--output", "b"}, "--output is given twice");
  expect_usage({"train", "--no-shuffle=1"}, "--no-shuffle takes no value");
  expect_usage({"train", "--validation", "3", "--validation-split", "0.1", "--data", "d.npz"},
               "--validation and --validation-split exclude each other");
}

TEST_F(command_line, wrong_values_are_named_with_what_is_allowed) {
  const std::string threads = " is not a whole number from 1 to 64";
  for (const char *value : {"abc", "-1", "1e9", "0", "65", "1.5", "99999999999999999999", "+1", "0x2"})
    expect_usage({"train", "--threads", value}, std::string("--threads: ") + value + threads);
  expect_usage({"train", "--threads= 1"}, "--threads: \" 1\"" + threads);
  expect_usage({"train", "--epochs", "0"}, "--epochs: 0 is not a whole number from 1 to 2147483648");
  expect_usage({"train", "--batch-size=0"}, "--batch-size: 0 is not a whole number from 1 to 2147483648");
  expect_usage({"train", "--validation=-5"}, "--validation: -5 is not a whole number from 1 to 2147483648");
  expect_usage({"train", "--verbose=3"}, "--verbose: 3 is not a whole number from 0 to 2");
  expect_usage({"train", "--seed=-1"}, "--seed: -1 is not a whole number from 0 to 18446744073709551615");
  for (const char *value : {"nan", "-0.1", "0", "inf", "x", "1e999"})
    expect_usage({"train", "--learning-rate", value},
                 std::string("--learning-rate: ") + value + " is not a number above 0");
  for (const char *value : {"1.0", "0", "-0.5", "nan"})
    expect_usage({"train", "--validation-split", value},
                 std::string("--validation-split: ") + value + " is not a number between 0 and 1");
  expect_usage({"train", "--data", "d.npz", "--validation", "10"},
               "--validation: 10 is not a whole number from 1 to 9: the data have 10 rows");
  expect_usage({"train", "--data", "d.npz", "--validation-split", "0.99"},
               "--validation-split: 0.99 of 10 rows leaves 0 to train and 10 to validate");
}

TEST_F(command_line, inputs_that_are_no_files_are_refused_at_once) {
  mkfifo((folder / "fifo").c_str(), 0600);
  ASSERT_EQ(symlink("nothing", (folder / "dangling").c_str()), 0);
  const std::pair<const char *, const char *> cases[] = {
      {"nothing.npz", "nothing.npz: error: No such file or directory"},
      {".", ".: error: is a directory"},
      {"fifo", "fifo: error: is not a regular file"},
      {"/dev/zero", "/dev/zero: error: is not a regular file"},
      {"dangling", "dangling: error: No such file or directory"},
      {"d.npz/x", "d.npz/x: error: Not a directory"}};
  for (const auto &one : cases) {
    expect_failure({"train", "--data", one.first}, 3, one.second);
    expect_failure({"train", "--data", "d.npz", "--initial-weights", one.first}, 3, one.second);
    expect_failure({"evaluate", "--data", "d.npz", "--weights", one.first}, 3, one.second);
  }
  if (geteuid() != 0) { /* who may read everything */
    write_file(folder / "secret.npz", prices_data());
    chmod((folder / "secret.npz").c_str(), 0);
    expect_failure({"train", "--data", "secret.npz"}, 3, "secret.npz: error: Permission denied");
  }
  expect_failure({"train", "--data", "/etc/passwd"}, 1, "/etc/passwd@0x0: error: not an .npz archive");
}

TEST_F(command_line, outputs_that_cannot_be_are_refused_before_training) {
  mkfifo((folder / "fifo").c_str(), 0600);
  mkdir((folder / "sub").c_str(), 0700);
  for (const char *option : {"--weights", "--history"}) {
    expect_failure({"train", "--data", "d.npz", option, "nowhere/w"}, 3,
                   "nowhere/w: error: cannot be written: No such file");
    expect_failure({"train", "--data", "d.npz", option, "sub"}, 3, "sub: error: is a directory");
    expect_failure({"train", "--data", "d.npz", option, "fifo"}, 3, "fifo: error: is not a regular file");
    expect_failure({"train", "--data", "d.npz", option, "/dev/null"}, 3,
                   "/dev/null: error: is not a regular file");
    expect_failure({"train", "--data", "d.npz", option, "./d.npz"}, 3,
                   std::string(option) + " is also the data: ./d.npz");
  }
  expect_failure({"train", "--data", "d.npz", "--weights", "w", "--history", "w"}, 3, "are the same file: w");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "fifo", "sub"}));
  EXPECT_EQ(read_file(folder / "d.npz"), prices_data());
}

TEST_F(command_line, train_evaluate_and_predict) {
  outcome result =
      run(prices({"train", "--data", "d.npz", "--weights", "w.npz", "--history=h.json", "--epochs", "2",
                  "--validation", "3", "--batch-size", "4", "--seed", "7", "--learning-rate", "0.0001"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out.find("prices: 7 rows to train, 3 to validate, 10 to test; 2 steps of 4 rows an "
                            "epoch\nEpoch 1/2\n2/2 - 0s - "),
            0u)
      << result.out;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "h.json", "w.npz"}));
  const std::string history = read_file(folder / "h.json");
  EXPECT_EQ(history.find("{\n  \"loss\": ["), 0u);
  EXPECT_LT(history.find("\"mae\""), history.find("\"val_loss\""));
  EXPECT_LT(history.find("\"val_mae\""), history.find("\"epoch\": [0, 1]"));
  const std::string test_lines = result.out.substr(result.out.find("test loss "));
  EXPECT_NE(test_lines.find("\ntest mae "), std::string::npos);

  result = run(prices({"evaluate", "--data", "d.npz", "--weights", "w.npz"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.substr(result.out.find('\n') + 1), test_lines);

  for (const char *name : {"p.npy", "q.npy"}) {
    result = run(prices({"predict", "--data", "d.npz", "--weights", "w.npz", "-o", name, "--batch-size", "3",
                         "--verbose=0"}));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "");
  }
  const std::string predictions = read_file(folder / "p.npy");
  EXPECT_EQ(predictions, read_file(folder / "q.npy"));
  EXPECT_NE(predictions.find("'descr': '<f4', 'fortran_order': False, 'shape': (10, 1), }"),
            std::string::npos);
  EXPECT_EQ(predictions.size(), 128u + 40u);
  result = run(prices({"predict", "--data", "d.npz", "--weights", "w.npz", "-o", "p.npz"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(read_file(folder / "p.npz").find("price.npy" + predictions), std::string::npos);
}

TEST_F(command_line, the_same_seed_gives_the_same_bytes_in_any_locale) {
  const auto weights = [&](const char *seed, const char *locale) {
    process one = prices({"train", "--data", "d.npz", "--weights", "w.npz", "--history", "h.json", "--epochs",
                          "2", "--seed", seed, "--batch-size=3"});
    one.environment = {std::string("LC_ALL=") + locale, "HOME=/nowhere", "TMPDIR=/nowhere"};
    EXPECT_EQ(run(one).code, 0);
    return read_file(folder / "w.npz") + read_file(folder / "h.json");
  };
  const std::string first = weights("1", "C");
  EXPECT_EQ(first, weights("1", "de_DE.UTF-8"));
  EXPECT_NE(first, weights("2", "C"));
}

TEST_F(command_line, initial_weights_are_where_training_starts) {
  ASSERT_EQ(run(prices({"train", "--data", "d.npz", "--weights", "w.npz", "--epochs", "1"})).code, 0);
  const outcome start = run(prices({"train", "--data", "d.npz", "--initial-weights", "w.npz", "--weights",
                                    "w.npz", "--epochs", "1", "--learning-rate", "1e-30"}));
  EXPECT_EQ(start.code, 0) << start.err;
  const outcome trained = run(prices({"evaluate", "--data", "d.npz", "--weights", "w.npz"}));
  EXPECT_EQ(start.out.substr(start.out.find("test loss")), trained.out.substr(trained.out.find("test loss")));
}

TEST_F(command_line, a_batch_larger_than_the_data_is_a_warning) {
  const outcome result = run(prices({"train", "--data", "d.npz", "--batch-size", "4096", "--epochs", "1"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "prices: warning: batches of 4096, but 10 rows to train: each step takes all\n");
  EXPECT_NE(result.out.find("1 steps of 10 rows"), std::string::npos);
}

TEST_F(command_line, without_test_arrays_there_is_no_test) {
  write_file(folder / "t.npz", prices_data(10, false));
  const outcome result = run(prices({"train", "--data", "t.npz", "--epochs", "1"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out.find("test"), std::string::npos);
  expect_failure(
      {"evaluate", "--data", "t.npz", "--weights", "d.npz"}, 1,
      "t.npz: error: no array features_test or x_test for features (f32[13], models/prices.horn:2:14)");
}

TEST_F(command_line, a_single_row_trains) {
  write_file(folder / "one.npz", prices_data(1));
  EXPECT_EQ(run(prices({"train", "--data", "one.npz", "--batch-size", "1", "--epochs", "3"})).code, 0);
}

TEST_F(command_line, timing_is_a_line_an_epoch_and_the_mean) {
  const outcome result =
      run(prices({"train", "--data", "d.npz", "--epochs", "2", "--timing", "--verbose=0"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out.find("timing: epoch 1 0."), 0u) << result.out;
  EXPECT_NE(result.out.find("\ntiming: mean 0."), std::string::npos);
}

TEST_F(command_line, a_loss_that_is_no_number_stops_with_4_and_keeps_the_weights) {
  write_file(folder / "w.npz", "the weights of before");
  const outcome result = run(prices(
      {"train", "--data", "d.npz", "--weights", "w.npz", "--learning-rate", "1e30", "--batch-size", "5"}));
  EXPECT_EQ(result.code, 4);
  EXPECT_NE(result.err.find("prices: error: the loss is "), std::string::npos) << result.err;
  EXPECT_NE(
      result.err.find(" at step 1 of epoch 2 (step 3 in all), learning rate 1e+30; no weights were written"),
      std::string::npos)
      << result.err;
  EXPECT_EQ(read_file(folder / "w.npz"), "the weights of before");
}

TEST_F(command_line, names_of_files_may_be_anything) {
  for (const std::string &name :
       {std::string("two words"), std::string("new\nline"), std::string("-x"), std::string("--epochs"),
        std::string("a'b\"c"), std::string(255, 'n'), std::string("bad\xff utf8")}) {
    write_file(folder / name, prices_data());
    const outcome result =
        run(prices({"train", "--data=" + name, "--epochs", "1", "--weights=" + name + ""}));
    EXPECT_EQ(result.code, 3) << "the data are never overwritten";
    EXPECT_EQ(run(prices({"train", "--data=" + name, "--epochs", "1"})).code, 0) << name;
    EXPECT_EQ(run(prices({"train", "--data", "d.npz", "--epochs", "1", "--weights=" + name})).code, 0)
        << name;
    EXPECT_EQ(read_file(folder / name).substr(0, 2), "PK");
  }
  expect_failure({"train", "--data", "no\nfile\x1b[31m"}, 3, "\"no\\nfile\\x1b[31m\": error: No such file");
  EXPECT_EQ(run(prices({"train", "--data", std::string(300, 'n')})).code, 3);
}

TEST_F(command_line, a_deleted_working_directory_is_no_obstacle) {
  const scratch_folder other;
  process one;
  one.arguments = {"/bin/sh", "-c",
                   "cd " + (other / "gone") + " && rmdir " + (other / "gone") + " && exec " + PRICES_PROGRAM +
                       " train --epochs 1 --data " + (folder / "d.npz")};
  mkdir((other / "gone").c_str(), 0700);
  EXPECT_EQ(run(one).code, 0);
}

TEST_F(command_line, standard_output_that_fails_is_3) {
  for (const char *where : {"-", "/dev/full"}) {
    process help = prices({"help"});
    help.out_path = where;
    const outcome result = run(help);
    EXPECT_EQ(result.code, 3) << where;
    EXPECT_NE(result.err.find("prices: error: standard output: "), std::string::npos);
    process training = prices({"train", "--data", "d.npz", "--epochs", "3", "--weights", "w.npz"});
    training.out_path = where;
    EXPECT_EQ(run(training).code, 3);
    EXPECT_EQ(read_file(folder / "w.npz").substr(0, 2), "PK") << "what was trained is kept";
    EXPECT_EQ(read_file(folder / "d.npz"), prices_data()) << "nothing is written where standard output was";
  }
  process pipe = prices({});
  pipe.arguments = {
      "/bin/sh", "-c",
      "(" PRICES_PROGRAM
      " train --data d.npz --epochs 1000000 --weights w.npz; echo $? >code) | head -2 >/dev/null"};
  EXPECT_EQ(run(pipe).code, 0);
  EXPECT_EQ(read_file(folder / "code"), "3\n");
  process no_err = prices({"train", "--data", "nothing"});
  no_err.close_err = true;
  EXPECT_EQ(run(no_err).code, 3);
}

TEST_F(command_line, signals_save_and_leave) {
  const std::pair<int, int> cases[] = {{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 143}};
  for (const auto &one : cases) {
    unlink((folder / "w.npz").c_str());
    process training = prices({"train", "--data", "d.npz", "--epochs", "2000000000", "--weights", "w.npz",
                               "--history", "h.json", "--verbose=0"});
    training.signal = one.first;
    training.signal_after = 0.3;
    const outcome result = run(training);
    EXPECT_EQ(result.code, one.second);
    EXPECT_NE(result.err.find("prices: stopped after step 1 of epoch "), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("prices: written: w.npz\n"), std::string::npos) << result.err;
    EXPECT_EQ(run(prices({"evaluate", "--data", "d.npz", "--weights", "w.npz"})).code, 0);
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "h.json", "w.npz"}));
  }
}

/* All rows in one step, which takes longer than the 50 ms between the signals. */
TEST_F(command_line, a_second_signal_leaves_at_once) {
  const int64_t rows = 30000;
  write_file(folder / "images.npz",
             zip({{"x_train.npy",
                   npy<uint8_t>({rows, 28, 28}, std::vector<uint8_t>(static_cast<size_t>(rows) * 784, 9))},
                  {"y_train.npy", npy<uint8_t>(std::vector<uint8_t>(static_cast<size_t>(rows), 3))}}));
  process training = prices({});
  training.arguments = {DIGITS_PROGRAM, "train",    "--data", "images.npz", "--batch-size",
                        "30000",        "--epochs", "100000", "--weights",  "w.npz"};
  training.signal = SIGTERM;
  training.signal_after = 0.5;
  training.second_signal = SIGHUP;
  const outcome result = run(training);
  EXPECT_EQ(result.code, 143);
  EXPECT_EQ(result.err.find("written"), std::string::npos) << result.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "images.npz"}));
}

TEST_F(command_line, a_full_disk_leaves_the_old_file) {
  write_file(folder / "w.npz", "old");
  process one = prices({});
  /* A file size limit of 0 is what a full disk is: every write fails (and SIGXFSZ is ignored by the shell).
   */
  one.arguments = {"/bin/sh", "-c",
                   "trap '' XFSZ; ulimit -f 0; exec " PRICES_PROGRAM
                   " train --data d.npz --epochs 1 --weights w.npz"};
  const outcome result = run(one);
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("w.npz: error: cannot be written: File too large"), std::string::npos)
      << result.err;
  EXPECT_EQ(read_file(folder / "w.npz"), "old");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "w.npz"}));
}

/* The reader of its lines stops reading and changes the data meanwhile: no epoch can be the last one before that. */
TEST_F(command_line, data_that_change_during_training_are_noticed) {
  const std::string train = PRICES_PROGRAM " train --data x.npz --epochs 3000 --batch-size 10 --weights w.npz";
  write_file(folder / "x.npz", prices_data());
  process one = prices({});
  one.arguments = {"/bin/sh", "-c", train + " >/dev/null"};
  ASSERT_EQ(run(one).code, 0);
  const std::string weights = read_file(folder / "w.npz");
  const size_t bytes = prices_data().size();
  const std::string grown = std::to_string(bytes) + " bytes, " + std::to_string(bytes + 1);
  const std::pair<std::string, std::string> cases[] = {
      {": >x.npz", "x.npz: error: the data changed during training: " + std::to_string(bytes) +
                       " bytes, 0 now; training goes on\n"},
      {"printf x >>x.npz", "x.npz: error: the data changed during training: " + grown + " now; training goes on\n"},
      {"touch -d @86400 x.npz", "x.npz: error: the data changed during training; training goes on\n"},
      {"rm x.npz", "x.npz: error: the data went away during training; training goes on\n"}};
  for (const auto &change : cases) {
    write_file(folder / "x.npz", prices_data());
    unlink((folder / "w.npz").c_str());
    one.arguments[2] = "(" + train + "; echo $? >code) | (head -c 100; " + change.first + "; cat) >/dev/null";
    const outcome result = run(one);
    EXPECT_EQ(read_file(folder / "code"), "3\n") << change.first;
    /* A file that grows has its new time a moment before its new size: both messages are right there. */
    const bool grows = change.first.find(">>") != std::string::npos;
    if (!grows || result.err != "x.npz: error: the data changed during training; training goes on\n") {
      EXPECT_EQ(result.err, change.second);
    }
    EXPECT_EQ(read_file(folder / "w.npz"), weights) << "what was read is trained on";
  }
}

/* Nothing to tell rows apart by: constant features and targets, only zeros. */
TEST_F(command_line, data_without_differences_train) {
  for (const float value : {0.0f, 1.0f}) {
    const std::vector<float> x(130, value), y(10, value);
    write_file(folder / "same.npz", zip({{"x_train.npy", npy<float>({10, 13}, x)}, {"y_train.npy", npy<float>(y)}}));
    const outcome result = run(prices({"train", "--data", "same.npz", "--epochs", "3", "--weights", "w.npz"}));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out.find("nan"), std::string::npos) << result.out;
  }
  process digits = prices({});
  write_file(folder / "blank.npz", zip({{"x_train.npy", npy<uint8_t>({20, 28, 28}, std::vector<uint8_t>(20 * 784))},
                                        {"y_train.npy", npy<uint8_t>(std::vector<uint8_t>(20, 7))}}));
  digits.arguments = {DIGITS_PROGRAM, "train", "--data", "blank.npz", "--epochs", "2"};
  const outcome result = run(digits);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.find("nan"), std::string::npos) << result.out;
}

/* The disk is full from the n-th call on, for each n, and at each call that can meet that. */
TEST_F(command_line, a_full_disk_at_any_call_leaves_the_old_file) {
  if (access("/usr/bin/strace", X_OK) != 0)
    GTEST_SKIP() << "no strace";
  write_file(folder / "w.npz", "old");
  process one = prices({});
  const std::vector<std::string> train = {PRICES_PROGRAM, "train",    "--data", "d.npz",     "--epochs",
                                          "1",            "--weights", "w.npz", "--verbose=0"};
  const auto with_strace = [&](const std::string &fault) {
    one.arguments = {"/usr/bin/strace", "-f", "-o", "/dev/null", "-e", "trace=write,pwrite64,fsync,rename", "-e", fault};
    one.arguments.insert(one.arguments.end(), train.begin(), train.end());
    return run(one);
  };
  if (with_strace("trace=fsync").err.find("ptrace") != std::string::npos)
    GTEST_SKIP() << "strace may not trace here";
  write_file(folder / "w.npz", "old");
  for (const char *call : {"write,pwrite64", "fsync", "rename"})
    for (int from = 1, failed = 1; failed && from < 30; ++from) {
      const outcome result =
          with_strace("inject=" + std::string(call) + ":error=ENOSPC:when=" + std::to_string(from) + "+");
      failed = result.code != 0;
      if (!failed) {
        EXPECT_EQ(read_file(folder / "w.npz").substr(0, 2), "PK") << call;
        EXPECT_GT(from, 1) << call << " was never met";
        write_file(folder / "w.npz", "old");
        continue;
      }
      EXPECT_EQ(result.code, 3) << call << from << result.err;
      /* The last fsync is the folder's: the new file is in its place by then. */
      const std::string left = read_file(folder / "w.npz");
      EXPECT_TRUE(left == "old" || (std::string(call) == "fsync" && left.substr(0, 2) == "PK")) << call << from;
      EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz", "w.npz"})) << call << from;
      write_file(folder / "w.npz", "old");
    }
}

TEST_F(command_line, a_terminal_shows_a_bar_and_others_do_not) {
  process training = prices({"train", "--data", "d.npz", "--epochs", "2", "--batch-size", "5"});
  training.environment = {"TERM=xterm"};
  EXPECT_EQ(run(training).out.find('\x1b'), std::string::npos);
  training.terminal = true;
  outcome result = run(training);
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.out.find("Epoch 1/2\r\n"), std::string::npos);
  EXPECT_NE(result.out.find(
                "\x1b[1m2/2\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m "),
            std::string::npos)
      << result.out;
  for (const char *quiet : {"NO_COLOR=1", "TERM=dumb"}) {
    training.environment = {"TERM=xterm", quiet};
    result = run(training);
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << quiet;
  }
  for (const char *columns : {"COLUMNS=1", "COLUMNS=0", "COLUMNS=-5", "COLUMNS=x", "COLUMNS=99999999999"}) {
    training.environment = {"TERM=xterm", columns};
    EXPECT_EQ(run(training).code, 0) << columns;
  }
}

TEST_F(command_line, data_that_lie_are_1_and_leave_nothing) {
  const std::string whole = prices_data();
  for (size_t length = 0; length < whole.size(); length += 97) {
    write_file(folder / "cut.npz", whole.substr(0, length));
    const outcome result = run(prices({"train", "--data", "cut.npz", "--weights", "w.npz"}));
    EXPECT_EQ(result.code, 1) << length;
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"cut.npz", "d.npz"}));
}

} // namespace
