/* Checkpoints: what is cut off anywhere goes on to the same bytes; what is damaged is seen. */
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/core/crc32.h"
#include "runtime/core/npz.h"
#include "runtime/program/training/checkpoint.h"
#include "runtime/program/failure.h"
#include "runtime/program/data/inflate.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

constexpr int64_t rows = 40;

std::string stocks_data(int64_t shift = 0) {
  std::vector<float> x, y;
  for (int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < 13; ++i) {
      x.push_back(static_cast<float>((row * 7 + i * 3 + shift) % 11));
      sum += x.back();
    }
    y.push_back(sum + static_cast<float>(row % 3));
  }
  return zip({{"x_train.npy", npy<float>({rows, 13}, x)}, {"y_train.npy", npy<float>(y)}});
}

class checkpoints : public testing::Test {
protected:
  checkpoints() { write_file(folder / "d.npz", stocks_data()); }

  /* 30 rows in batches of 7: five steps an epoch. */
  process stocks(std::vector<std::string> arguments) const {
    process one;
    one.arguments = {STOCKS_PROGRAM, "train", "--data", "d.npz", "--batch-size", "7",
                     "--validation", "10",    "--seed", "5",     "--verbose",    "0"};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return one;
  }
  outcome train(const std::vector<std::string> &arguments, int code = 0) const {
    const outcome result = run(stocks(arguments));
    EXPECT_EQ(result.code, code) << result.err << result.out;
    return result;
  }
  std::string file(const std::string &name) const { return read_file(folder / name); }

  scratch_folder folder;
};

const std::vector<std::string> everything{"--epochs",
                                          "4",
                                          "--early-stopping",
                                          "val_loss,patience=2,restore_best_weights",
                                          "--reduce-lr-on-plateau",
                                          "val_loss,patience=1,factor=0.5,min_delta=1e9",
                                          "--csv-log",
                                          "log.csv",
                                          "--history",
                                          "h.json",
                                          "--weights",
                                          "w.npz"};

std::vector<std::string> with(std::vector<std::string> list, const std::vector<std::string> &more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

/* Of 20 steps, the checkpoint before the last is that of step N, for N from 11 on: it alone is left, so
 * training goes on from there. Step 15 is the last one of an epoch, whose validation and callbacks are still
 * to come. */
TEST_F(checkpoints, training_goes_on_from_any_step_to_the_same_bytes) {
  train(everything);
  const std::string weights = file("w.npz"), history = file("h.json"), log = file("log.csv");
  ASSERT_NE(history.find("\"epoch\": [0, 1, 2, 3]"), std::string::npos) << history;
  for (int step = 11; step < 20; ++step) {
    const std::vector<std::string> arguments =
        with(everything, {"--checkpoint", "ck", "--checkpoint-every", std::to_string(step)});
    train(arguments);
    EXPECT_EQ(file("w.npz"), weights) << "a checkpoint changes nothing";
    EXPECT_EQ(file("log.csv"), log);
    ASSERT_EQ(unlink((folder / "ck/checkpoint.npz").c_str()), 0);
    for (const char *name : {"w.npz", "h.json", "log.csv"})
      unlink((folder / name).c_str());
    const outcome result = train(with(arguments, {"--resume"}));
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(file("w.npz"), weights) << step;
    EXPECT_EQ(file("h.json"), history) << step;
    EXPECT_EQ(file("log.csv"), log) << step;
    unlink((folder / "ck/checkpoint.npz").c_str());
    unlink((folder / "ck/checkpoint-before.npz").c_str());
  }
}

TEST_F(checkpoints, without_a_number_of_steps_each_epoch_is_kept) {
  train(with(everything, {"--checkpoint", "a/b/ck"}));
  const std::string weights = file("w.npz");
  unlink((folder / "a/b/ck/checkpoint.npz").c_str());
  process resumed = stocks(with(everything, {"--checkpoint", "a/b/ck", "--resume"}));
  resumed.arguments.erase(resumed.arguments.begin() + 10, resumed.arguments.begin() + 12); /* --verbose 0 */
  const outcome result = run(resumed);
  EXPECT_NE(result.out.find(
                "stocks: resumed from a/b/ck/checkpoint-before.npz, after step 5 of epoch 3 (step 15 in "
                "all)\nEpoch 4/4\n"),
            std::string::npos)
      << result.out;
  EXPECT_EQ(file("w.npz"), weights);
}

TEST_F(checkpoints, a_schedule_goes_on_where_it_was) {
  const std::vector<std::string> scheduled{"--epochs", "4", "--weights", "w.npz", "--learning-rate-schedule",
                                           "cosine_decay,decay_steps=20"};
  train(scheduled);
  const std::string whole = file("w.npz");
  train({"--epochs", "4", "--weights", "w.npz"});
  EXPECT_NE(file("w.npz"), whole);
  train(with(scheduled, {"--checkpoint", "ck", "--checkpoint-every", "13"}));
  unlink((folder / "ck/checkpoint.npz").c_str());
  train(with(scheduled, {"--checkpoint", "ck", "--resume"}));
  EXPECT_EQ(file("w.npz"), whole);
}

/* Weights alone would start momentum and step counter anew. */
TEST_F(checkpoints, weights_with_the_optimizer_go_on_as_if_training_had_not_ended) {
  train({"--epochs", "4", "--weights", "whole.npz"});
  for (const char *half : {"half.npz", "half.safetensors"}) {
    train({"--epochs", "2", "--weights", half, "--with-optimizer"});
    train({"--epochs", "4", "--initial-epoch", "2", "--initial-weights", half, "--weights", "rest.npz"});
    EXPECT_EQ(file("rest.npz"), file("whole.npz"));
  }
}

TEST_F(checkpoints, resume_starts_afresh_where_there_is_none_and_ends_at_once_where_all_is_done) {
  train(everything);
  const std::string weights = file("w.npz"), history = file("h.json");
  for (int i = 0; i < 2; ++i) {
    train(with(everything, {"--checkpoint", "ck", "--resume"}));
    EXPECT_EQ(file("w.npz"), weights);
    EXPECT_EQ(file("h.json"), history);
  }
}

TEST_F(checkpoints, signals_save_within_a_step) {
  const std::vector<std::string> endless = {"--epochs",           "1000000",   "--checkpoint", "ck",
                                            "--checkpoint-every", "1000000000"};
  process first = stocks(endless);
  first.signal = SIGTERM;
  first.signal_after = 0.1;
  outcome result = run(first);
  EXPECT_EQ(result.code, 143);
  EXPECT_NE(result.err.find("stocks: stopped after step "), std::string::npos) << result.err;
  const size_t at = result.err.find("(step ");
  const long steps = std::atol(result.err.c_str() + at + 6);
  ASSERT_GT(steps, 0);
  /* On to the end of the next epoch, and the same without the signal. */
  const std::string epochs = std::to_string(steps / 5 + 2);
  train({"--epochs", epochs, "--checkpoint", "ck", "--resume", "--weights", "resumed.npz", "--history",
         "r.json"});
  train({"--epochs", epochs, "--weights", "whole.npz", "--history", "h.json"});
  EXPECT_EQ(file("resumed.npz"), file("whole.npz"));
  EXPECT_EQ(file("r.json"), file("h.json"));
}

/* Of 5 steps an epoch, saved every third: the last one that was saved before the last line of the log was written. */
int64_t saved_before(const std::string &log) {
  const int64_t epochs = std::count(log.begin(), log.end(), '\n') - 1; /* a header */
  return std::max<int64_t>(epochs, 0) * 5 / 3 * 3;
}

/* "stocks: resumed from ck/checkpoint.npz, after step 5 of epoch 3 (step 15 in all)" -> 15; else 0 */
int64_t resumed_at(const std::string &said) {
  const size_t at = said.find(" (step ");
  return said.find(": resumed from ") == std::string::npos ? 0 : std::atol(said.c_str() + at + 7);
}

/* The promise: however often it is killed, what is read is whole, no save that was done is lost, and the end is the
 * same. */
TEST_F(checkpoints, kill_9_at_any_moment) {
  const std::vector<std::string> plain{
      "--epochs",  "300",     "--early-stopping", "val_loss,patience=250,restore_best_weights",
      "--csv-log", "log.csv", "--history",        "h.json",
      "--weights", "w.npz"};
  train(plain);
  const std::string weights = file("w.npz"), history = file("h.json"), log = file("log.csv");
  process kept = stocks(with(plain, {"--checkpoint", "ck", "--checkpoint-every", "3", "--resume"}));
  *(std::find(kept.arguments.begin(), kept.arguments.end(), "--verbose") + 1) = "2"; /* says where it goes on */
  const char *const wanted = std::getenv("HORNFELS_KILLS");
  const int kills_wanted = wanted ? std::atoi(wanted) : 30;
  std::mt19937 random(7);
  std::vector<char *> arguments;
  for (const std::string &argument : kept.arguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  int kills = 0, runs = 0, damaged = 0;
  int64_t lost = 0; /* saves, at most, in one kill */
  for (; kills < kills_wanted; ++runs) {
    for (const char *name : {"w.npz", "h.json", "log.csv", "ck/checkpoint.npz", "ck/checkpoint-before.npz"})
      unlink((folder / name).c_str());
    unsigned in_a_row = 0;
    int64_t saved = 0;
    for (bool done = false; !done;) {
      const pid_t child = fork();
      if (child == 0) {
        const int errors = open((folder / "errors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const int said = open((folder / "said").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (chdir(folder.str().c_str()) != 0 || dup2(errors, STDERR_FILENO) < 0 || dup2(said, STDOUT_FILENO) < 0)
          _exit(125);
        execv(arguments[0], arguments.data());
        _exit(126);
      }
      /* On a busy machine a run may not come to its next checkpoint in time: the pauses grow, and in the end it is let
       * alone. */
      if (kills < kills_wanted) {
        usleep(static_cast<useconds_t>(1000 + random() % (40000 + 1000 * in_a_row)));
        kill(child, SIGKILL);
      }
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      done = WIFEXITED(status);
      kills += !done;
      in_a_row += !done;
      damaged += file("errors") != "";
      const std::string said = file("said");
      if (said.find(" resumed from ") != std::string::npos || said.find(" starts afresh") != std::string::npos) {
        lost = std::max(lost, (saved - resumed_at(said) + 2) / 3);
        saved = std::max({saved, resumed_at(said), saved_before(file("log.csv"))});
      }
      if (done) {
        ASSERT_EQ(WEXITSTATUS(status), 0) << file("errors");
      }
    }
    ASSERT_EQ(file("w.npz"), weights) << runs;
    ASSERT_EQ(file("h.json"), history);
    ASSERT_EQ(file("log.csv"), log);
  }
  EXPECT_EQ(damaged, 0) << "no checkpoint is ever unreadable";
  EXPECT_EQ(lost, 0);
  RecordProperty("kills", kills);
  std::printf("%d kills, %d runs, %d checkpoints unreadable, at most %d saves lost\n", kills, runs, damaged,
              static_cast<int>(lost));
}

/* In a step, in validation, in a save, at the end: each run stops as it should, and the next one goes on. */
TEST_F(checkpoints, signals_at_any_moment) {
  const std::vector<std::string> plain{"--epochs", "300", "--early-stopping", "val_loss,patience=250", "--csv-log",
                                       "log.csv", "--history", "h.json", "--weights", "w.npz"};
  train(plain);
  const std::string weights = file("w.npz"), history = file("h.json"), log = file("log.csv");
  process kept = stocks(with(plain, {"--checkpoint", "ck", "--checkpoint-every", "4", "--resume"}));
  std::mt19937 random(11);
  int stopped = 0, too_early = 0;
  bool done = false;
  for (int tries = 0; tries < 20 && !done; ++tries) {
    const int signals[] = {SIGINT, SIGTERM, SIGHUP}, codes[] = {130, 143, 143};
    const size_t which = random() % 3;
    kept.signal = signals[which];
    kept.signal_after = 0.005 + 1e-3 * static_cast<double>(random() % 30) + 0.02 * too_early;
    const outcome result = run(kept);
    /* Before it watches for signals it is killed by them, with the same number but for SIGHUP (129). */
    const bool early = result.err.empty() && result.out.empty() && result.code == 128 + signals[which];
    done = result.code == 0;
    ASSERT_TRUE(done || early || result.code == codes[which]) << result.code << result.err;
    stopped += !done && !early;
    too_early += early; /* a busy machine */
    if (!done && !early) {
      EXPECT_NE(result.err.find("stocks: stopped after step "), std::string::npos) << result.err;
    }
  }
  if (!done)
    train(with(plain, {"--checkpoint", "ck", "--checkpoint-every", "4", "--resume"}));
  EXPECT_GT(stopped, 0);
  EXPECT_EQ(file("w.npz"), weights);
  EXPECT_EQ(file("h.json"), history);
  EXPECT_EQ(file("log.csv"), log);
}

TEST_F(checkpoints, of_another_run_are_refused_with_the_field_that_differs) {
  train({"--epochs", "1", "--checkpoint", "ck"});
  const auto refused = [&](process one, const std::string &field) {
    one.arguments.insert(one.arguments.end(), {"--epochs", "2", "--checkpoint", "ck", "--resume"});
    const outcome result = run(one);
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.err.find("ck/checkpoint.npz: error: a checkpoint of another run: " + field),
              std::string::npos)
        << result.err;
  };
  const auto replaced = [&](const std::string &option, const std::string &value) {
    process one = stocks({});
    for (size_t i = 0; i + 1 < one.arguments.size(); ++i)
      if (one.arguments[i] == option)
        one.arguments[i + 1] = value;
    return one;
  };
  refused(replaced("--batch-size", "8"), "the batch size is 7 there, 8 here\n");
  refused(replaced("--seed", "6"), "the seed is 5 there, 6 here\n");
  refused(replaced("--validation", "9"),
          "the validation data is the first 10 rows there, the first 9 rows here\n");
  refused(stocks({"--no-shuffle"}), "the order of rows is shuffled there, as in the file here\n");
  refused(stocks({"--learning-rate", "0.5"}), "the first learning rate is 1e-06 there, 0.5 here\n");
  process other = stocks({});
  other.arguments[0] = PRICES_PROGRAM;
  refused(other, "the model is stocks there, prices here\n");
  write_file(folder / "d.npz", stocks_data(1));
  refused(stocks({}), "the training data is 40 rows, checksum ");
  /* Threads change nothing. */
  write_file(folder / "d.npz", stocks_data());
  train({"--epochs", "2", "--checkpoint", "ck", "--resume", "--threads", "3"});
}

TEST_F(checkpoints, a_folder_is_one_process_at_a_time) {
  const checkpoint_folder held(folder / "ck", {});
  const outcome result = train({"--checkpoint", "ck"}, 3);
  EXPECT_EQ(result.err, "ck: error: another process is training with these checkpoints\n");
}

TEST_F(checkpoints, a_full_disk_costs_the_checkpoint_alone) {
  train({"--epochs", "1", "--checkpoint", "ck"});
  const std::string kept = file("ck/checkpoint.npz");
  process one = stocks({});
  std::string command = "trap '' XFSZ; ulimit -f 2; exec";
  for (const std::string &argument :
       stocks({"--epochs", "2", "--checkpoint", "ck", "--resume", "--weights", "w.npz"}).arguments)
    command += " " + argument;
  one.arguments = {"/bin/sh", "-c", command};
  const outcome result = run(one);
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(
      result.err.find("ck/checkpoint.npz: error: cannot be written: File too large; training goes on\n"),
      std::string::npos)
      << result.err;
  EXPECT_EQ(file("ck/checkpoint.npz"), kept);
  train({"--epochs", "2", "--weights", "whole.npz"});
  EXPECT_EQ(file("w.npz"), file("whole.npz"));
}

TEST_F(checkpoints, a_loss_that_is_no_number_leaves_the_last_good_one) {
  train({"--epochs", "1", "--checkpoint", "ck", "--learning-rate", "1e20"}, 4);
  struct stat status;
  EXPECT_NE(stat((folder / "ck/checkpoint.npz").c_str(), &status), 0);
  train({"--epochs", "1", "--checkpoint", "ck", "--initial-weights", "w.npz"}, 3);
  train({"--epochs", "3", "--checkpoint", "ck", "--checkpoint-every", "1", "--weights", "w.npz"});
  const std::string good = file("ck/checkpoint.npz");
  const outcome result = train({"--epochs", "9", "--checkpoint", "ck", "--learning-rate", "1e20"}, 4);
  EXPECT_NE(result.err.find("the first bad tensor is "), std::string::npos) << result.err;
  EXPECT_EQ(file("ck/checkpoint.npz"), good);
}

/* Files, byte by byte, without training. */
class checkpoint_files : public checkpoints {
protected:
  checkpoint_files() {
    set_inflater(make_inflater);
    saved_state old;
    old.put_integers("number", {1});
    kept.write(old);
    saved_state recent;
    recent.put_integers("number", {2});
    recent.put_reals("some/weights", std::vector<double>(50, 0.5));
    kept.write(recent);
    whole = file("ck/checkpoint.npz");
  }

  /* The number of the checkpoint that is read when the newest holds `bytes`; what is said of it. */
  int64_t read_with(const std::string &bytes, std::string &said) {
    write_file(folder / "ck/checkpoint.npz", bytes);
    testing::internal::CaptureStderr();
    saved_state state;
    std::string from;
    const bool found = kept.read(state, from);
    said = testing::internal::GetCapturedStderr();
    return found ? state.integers("number", 1, 2)[0] : 0;
  }

  const checkpoint_folder kept{folder / "ck", {{"the seed", "5"}}};
  std::string whole;
};

TEST_F(checkpoint_files, one_flipped_bit_anywhere_is_seen_and_the_one_before_is_used) {
  std::string said;
  ASSERT_EQ(read_with(whole, said), 2);
  ASSERT_EQ(said, "");
  for (size_t at = 0; at < whole.size() * 8; at += 11) {
    std::string damaged = whole;
    damaged[at / 8] = static_cast<char>(damaged[at / 8] ^ (1 << (at % 8)));
    ASSERT_EQ(read_with(damaged, said), 1) << at;
    ASSERT_NE(said.find("checkpoint-before.npz: the one before is used\n"), std::string::npos) << said;
    ASSERT_TRUE(said.find(": error: the checksum is ") != std::string::npos ||
                said.find("the file is damaged or cut short") != std::string::npos)
        << said;
  }
}

TEST_F(checkpoint_files, cut_or_empty_ones_are_seen) {
  std::string said;
  for (size_t length = 0; length < whole.size(); length += 7)
    ASSERT_EQ(read_with(whole.substr(0, length), said), 1) << length;
  write_file(folder / "ck/checkpoint-before.npz", "");
  try {
    read_with(whole.substr(0, 100), said);
    FAIL();
  } catch (const failure &problem) {
    testing::internal::GetCapturedStderr();
    EXPECT_EQ(problem.code(), exit_input);
    EXPECT_NE(std::string(problem.what()).find("checkpoint-before.npz@0x0: error: the file is cut short"),
              std::string::npos)
        << problem.what();
  }
}

TEST_F(checkpoint_files, of_another_version_are_named_but_damaged_ones_are_damaged) {
  std::string other = whole;
  other.replace(other.rfind("checkpoint 1"), 12, "checkpoint 2");
  std::string said;
  EXPECT_EQ(read_with(other, said), 1) << "the checksum is wrong";
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc32(0, other.data(), other.size() - 8));
  other.replace(other.size() - 8, 8, digits);
  testing::internal::CaptureStderr();
  try {
    write_file(folder / "ck/checkpoint.npz", other);
    saved_state state;
    std::string from;
    kept.read(state, from);
    FAIL();
  } catch (const failure &problem) {
    EXPECT_NE(std::string(problem.what())
                  .find("checkpoint.npz: error: a checkpoint of version 2, this program reads version 1"),
              std::string::npos)
        << problem.what();
  }
  testing::internal::GetCapturedStderr();
}

TEST_F(checkpoint_files, are_archives_that_others_read) {
  npz_reader archive;
  file_error error;
  ASSERT_TRUE(archive.open(folder / "ck/checkpoint.npz", error)) << error.text;
  ASSERT_NE(archive.find("some/weights"), nullptr);
  EXPECT_EQ(archive.members().size(), 3u);
}

} // namespace
