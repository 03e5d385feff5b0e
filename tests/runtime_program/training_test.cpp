/* Training as a Keras user expects it: validation, epochs, logs, callbacks, what is printed. */
#include <cstring>

#include <gtest/gtest.h>

#include "support.h"

using namespace hornfels_tests;

namespace {

/* Rows 0 .. rows-1, or from `first` on: the price is the sum of 13 features, and something that no line fits.
 */
std::vector<member> rows_as(const std::string &suffix, int64_t first, int64_t rows) {
  std::vector<float> x, y;
  for (int64_t row = first; row < first + rows; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < 13; ++i) {
      x.push_back(static_cast<float>((row * 7 + i * 3) % 11));
      sum += x.back();
    }
    y.push_back(sum + static_cast<float>(row % 3));
  }
  return {{"x" + suffix + ".npy", npy<float>({rows, 13}, x)}, {"y" + suffix + ".npy", npy<float>(y)}};
}

class training : public testing::Test {
protected:
  training() { write_file(folder / "d.npz", zip(rows_as("_train", 0, 20))); }

  outcome train(std::vector<std::string> arguments, int code = 0) {
    process one;
    one.arguments = {PRICES_PROGRAM, "train", "--data", "d.npz"};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    const outcome result = run(one);
    EXPECT_EQ(result.code, code) << result.err << result.out;
    return result;
  }
  std::string file(const std::string &name) const { return read_file(folder / name); }

  /* The numbers of a key in the history. */
  std::string key(const std::string &name) const {
    const std::string history = file("h.json");
    const size_t at = history.find("\"" + name + "\": [");
    return at == std::string::npos ? "none" : history.substr(at, history.find(']', at) - at);
  }

  scratch_folder folder;
};

/* The tail is held out before rows are shuffled: floor(20 * (1 - 0.33)) = 13 rows train, as if the others
 * were in a file of their own. */
TEST_F(training, validation_split_is_the_tail_and_validation_data_the_same_as_a_file) {
  train({"--epochs", "3", "--batch-size", "4", "--validation-split", "0.33", "--history", "h.json",
         "--weights", "w"});
  const std::string loss = key("val_loss"), mae = key("val_mae"), weights = file("w");
  EXPECT_NE(loss, "none");
  for (const char *suffix : {"_val", "_validation", "_test", "", "_train"}) {
    write_file(folder / "d.npz", zip(rows_as("_train", 0, 13)));
    write_file(folder / "v.npz", zip(rows_as(suffix, 13, 7)));
    const outcome result = train({"--epochs", "3", "--batch-size", "4", "--validation-data", "v.npz",
                                  "--history", "h.json", "--weights", "w"});
    EXPECT_NE(result.out.find("prices: 13 rows to train, 7 to validate; 4 steps"), std::string::npos)
        << result.out;
    EXPECT_EQ(key("val_loss"), loss) << suffix;
    EXPECT_EQ(key("val_mae"), mae);
    EXPECT_EQ(file("w"), weights);
  }
}

TEST_F(training, validation_takes_the_first_rows) {
  train({"--epochs", "2", "--no-shuffle", "--validation", "5", "--history", "h.json", "--weights", "w"});
  const std::string loss = key("val_loss"), weights = file("w");
  write_file(folder / "d.npz", zip(rows_as("_train", 5, 15)));
  write_file(folder / "v.npz", zip(rows_as("", 0, 5)));
  train({"--epochs", "2", "--no-shuffle", "--validation-data", "v.npz", "--history", "h.json", "--weights",
         "w"});
  EXPECT_EQ(key("val_loss"), loss);
  EXPECT_EQ(file("w"), weights);
}

TEST_F(training, ends_with_a_test_line_for_each_metric) {
  std::vector<member> members = rows_as("_train", 0, 20);
  for (const member &one : rows_as("_test", 20, 6))
    members.push_back(one);
  write_file(folder / "d.npz", zip(members));
  const outcome result = train({"--epochs", "1"});
  const size_t loss = result.out.find("\ntest loss "), mae = result.out.find("\ntest mae ");
  ASSERT_NE(loss, std::string::npos) << result.out;
  ASSERT_NE(mae, std::string::npos);
  EXPECT_LT(loss, mae);
  EXPECT_EQ(result.out.find('\n', mae + 1), result.out.size() - 1) << "the last line";
}

/* Epochs 2 and 3 after 0 and 1 are what four in a row are: numbers, order of rows, names. */
TEST_F(training, initial_epoch_goes_on_counting) {
  train({"--epochs", "4", "--batch-size", "3", "--weights", "whole", "--history", "h.json"});
  const std::string loss = key("loss");
  train({"--epochs", "2", "--batch-size", "3", "--weights", "half"});
  const outcome result = train({"--epochs", "4", "--initial-epoch", "2", "--batch-size", "3",
                                "--initial-weights", "half", "--weights", "rest", "--history", "h.json"});
  EXPECT_NE(result.out.find("Epoch 3/4\n"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("Epoch 2/4\n"), std::string::npos);
  EXPECT_EQ(file("rest"), file("whole"));
  EXPECT_NE(file("h.json").find("\"epoch\": [2, 3]"), std::string::npos);
  EXPECT_EQ(loss.substr(loss.rfind(", ")), key("loss").substr(key("loss").rfind(", ")));
  EXPECT_EQ(train({"--epochs", "2", "--initial-epoch", "2"}, 2).err,
            "prices: error: --initial-epoch: 2 is not below the number of epochs, 2\n");
}

TEST_F(training, csv_log_holds_the_history) {
  train({"--epochs", "3", "--validation", "4", "--csv-log", "log.csv", "--history", "h.json"});
  const std::string log = file("log.csv");
  EXPECT_EQ(log.find("epoch,loss,mae,val_loss,val_mae\r\n0,"), 0u) << log;
  const std::string last = log.substr(log.find("\r\n2,") + 4);
  for (const char *name : {"loss", "mae", "val_loss", "val_mae"}) {
    const std::string numbers = key(name);
    EXPECT_NE(last.find(numbers.substr(numbers.rfind(' ') + 1, 12)), std::string::npos)
        << name << numbers << last;
  }
  train(
      {"--epochs", "5", "--initial-epoch", "3", "--csv-log", "log.csv", "--csv-append", "--validation", "4"});
  EXPECT_EQ(file("log.csv").find(log + "3,"), 0u);
  train({"--epochs", "1", "--csv-log", "log.csv"});
  EXPECT_EQ(file("log.csv").find("epoch,loss,mae,val_loss,val_mae\r\n0,"), 0u);
  EXPECT_NE(file("log.csv").find(",NA,NA\r\n"), std::string::npos)
      << "as Keras, which allows for later validation";
}

TEST_F(training, early_stopping_stops_and_restores) {
  const outcome result =
      train({"--epochs", "50", "--learning-rate", "0.004", "--validation", "5", "--early-stopping",
             "val_loss,patience=2,restore_best_weights", "--history", "h.json", "--weights", "w"});
  EXPECT_NE(result.out.find(
                "\nEpoch 7: early stopping\nRestoring model weights from the end of the best epoch: 5.\n"),
            std::string::npos)
      << result.out;
  EXPECT_NE(file("h.json").find("\"epoch\": [0, 1, 2, 3, 4, 5, 6]"), std::string::npos);
  train({"--epochs", "5", "--learning-rate", "0.004", "--validation", "5", "--weights", "five"});
  EXPECT_EQ(file("w"), file("five"));
  const outcome silent = train({"--epochs", "50", "--learning-rate", "0.004", "--validation", "5",
                                "--early-stopping", "val_loss", "--verbose", "0"});
  EXPECT_EQ(silent.out, "");
}

TEST_F(training, the_learning_rate_falls_on_a_plateau) {
  const outcome result =
      train({"--epochs", "4", "--learning-rate", "1e-9", "--reduce-lr-on-plateau",
             "loss,patience=1,min_delta=1000,factor=0.5", "--csv-log", "log.csv", "--history", "h.json"});
  EXPECT_NE(result.out.find("\nEpoch 2: ReduceLROnPlateau reducing learning rate to 5e-10.\n"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find(" - learning_rate: 1.0000e-09\n"), std::string::npos);
  EXPECT_EQ(key("learning_rate"), "\"learning_rate\": [1e-09, 1e-09, 5e-10, 2.5e-10");
  EXPECT_EQ(file("log.csv").find("epoch,learning_rate,loss,mae,"), 0u);
}

TEST_F(training, model_checkpoint_keeps_the_best) {
  const outcome result = train({"--epochs", "3", "--validation", "4", "--model-checkpoint",
                                "w-{epoch:02d}-{val_loss:.0f}.npz,save_best_only"});
  EXPECT_NE(result.out.find("\n\nEpoch 1: val_loss improved from None to "), std::string::npos) << result.out;
  const std::vector<std::string> names = folder.names();
  ASSERT_EQ(names.size(), 4u);
  EXPECT_EQ(names[1].find("w-01-"), 0u);
  train({"--epochs", "2", "--batch-size", "5", "--model-checkpoint",
         "s-{epoch}-{batch}.npz,save_freq=3,verbose=0"});
  EXPECT_NE(file("s-1-3.npz"), "");
  EXPECT_NE(file("s-2-2.npz"), "");
}

TEST_F(training, files_that_cannot_be_are_refused_before_training) {
  const std::pair<std::vector<std::string>, const char *> cases[] = {
      {{"--csv-log", "d.npz"}, "prices: error: --csv-log is also the data: d.npz\n"},
      {{"--csv-log", "/dev/null"}, "/dev/null: error: is not a regular file\n"},
      {{"--csv-log", "l", "--history", "l"}, "prices: error: --history and --csv-log are the same file: l\n"},
      {{"--model-checkpoint", "nowhere/w"},
       "nowhere/w: error: cannot be written: No such file or directory\n"},
      {{"--checkpoint", "d.npz"}, "d.npz: error: Not a directory\n"},
      {{"--validation-data", "v.npz"}, "v.npz: error: No such file or directory\n"}};
  for (const auto &one : cases) {
    const outcome result = train(one.first, 3);
    EXPECT_EQ(result.err, one.second);
    EXPECT_EQ(result.out, "");
  }
  const std::pair<std::vector<std::string>, const char *> usage[] = {
      {{"--resume"}, "prices: error: --resume goes with --checkpoint DIR\n"},
      {{"--checkpoint-every", "3"}, "prices: error: --checkpoint-every goes with --checkpoint DIR\n"},
      {{"--csv-append"}, "prices: error: --csv-append goes with --csv-log FILE\n"},
      {{"--validation-data", "v", "--validation", "3"},
       "prices: error: --validation-data and --validation exclude each other\n"}};
  for (const auto &one : usage)
    EXPECT_EQ(train(one.first, 2).err, one.second);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"d.npz"}));
}

TEST_F(training, names_the_first_bad_tensor) {
  const outcome result = train({"--learning-rate", "1e30", "--batch-size", "5", "--checkpoint", "ck"}, 4);
  EXPECT_NE(
      result.err.find(
          "; the first bad tensor is dense/kernel: 13 of 13 values are not finite, the first at [0, 0]"),
      std::string::npos)
      << result.err;
  std::vector<member> members = rows_as("_train", 0, 20);
  const uint32_t not_a_number = 0x7fc00000;
  std::memcpy(&members[0].data[128 + 4 * (13 * 7 + 2)], &not_a_number, 4);
  write_file(folder / "d.npz", zip(members));
  const outcome data = train({"--batch-size", "5"}, 4);
  EXPECT_NE(data.err.find("; the first bad tensor is features, row 7 of the data: element [2] is nan"),
            std::string::npos)
      << data.err;
}

TEST_F(training, plot_draws_the_history) {
  train({"--epochs", "3", "--validation", "4", "--plot", "c.svg"});
  EXPECT_EQ(file("c.svg").find("<svg "), 0u);
  EXPECT_NE(file("c.svg").find(">Training and validation MAE<"), std::string::npos);
  train({"--epochs", "3", "--validation", "4", "--plot", "c.html", "--plot-smooth", "0.5", "--plot-skip", "1"});
  EXPECT_EQ(file("c.html").find("<!DOCTYPE html>"), 0u);
  EXPECT_NE(file("c.html").find(">factor 0.5, first 1 left out<"), std::string::npos);
  EXPECT_EQ(train({"--plot", "c.png"}, 2).err,
            "prices: error: --plot: c.png is not a file name that ends in .svg or .html\n");
  EXPECT_EQ(train({"--plot-smooth", "0.5"}, 2).err, "prices: error: --plot-smooth goes with --plot FILE\n");
}

/* Three folds of 20 rows are 6 rows each; 2 are never held out. Each is what a training of its own gives, with the next
 * seed. */
TEST_F(training, folds_are_contiguous_and_each_has_a_fresh_model) {
  const outcome folds = train({"--kfold", "3", "--epochs", "3", "--batch-size", "4", "--seed", "7", "--learning-rate",
                               "0.0003", "--history", "k.json", "--plot", "k.svg", "--weights", "k-{fold}.npz"});
  double sum = 0;
  const std::string histories = file("k.json");
  for (int fold = 0; fold < 3; ++fold) {
    std::vector<float> x, y;
    const std::vector<member> all = rows_as("_train", 0, 20);
    const auto part = [&](const std::string &data, size_t width, bool held_out) {
      const std::string values = data.substr(128);
      const size_t from = static_cast<size_t>(fold) * 6 * width * 4, bytes = 6 * width * 4;
      return held_out ? values.substr(from, bytes) : values.substr(0, from) + values.substr(from + bytes);
    };
    const auto array = [&](const member &one, const char *shape, bool held_out) {
      return npy_with_header(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + ", }   ",
                             part(one.data, one.name[0] == 'x' ? 13 : 1, held_out));
    };
    write_file(folder / "t.npz", zip({{"x_train.npy", array(all[0], "(14, 13)", false)},
                                      {"y_train.npy", array(all[1], "(14,)", false)}}));
    write_file(folder / "v.npz",
               zip({{"x.npy", array(all[0], "(6, 13)", true)}, {"y.npy", array(all[1], "(6,)", true)}}));
    process one;
    one.arguments = {PRICES_PROGRAM, "train", "--data", "t.npz", "--validation-data", "v.npz", "--epochs", "3",
                     "--batch-size", "4", "--seed", std::to_string(7 + fold), "--learning-rate", "0.0003", "--history",
                     "h.json", "--weights", "w.npz"};
    one.folder = folder.str();
    ASSERT_EQ(run(one).code, 0);
    EXPECT_EQ(file("k-" + std::to_string(fold + 1) + ".npz"), file("w.npz"));
    for (const char *name : {"loss", "mae", "val_loss", "val_mae"})
      EXPECT_NE(histories.find(key(name)), std::string::npos) << fold << name << key(name) << histories;
    const std::string mae = key("val_mae");
    sum += std::stod(mae.substr(mae.rfind(' ')));
    EXPECT_NE(folds.out.find("fold " + std::to_string(fold + 1) + " of 3: val_loss "), std::string::npos);
  }
  char mean[64];
  std::snprintf(mean, sizeof mean, "\nmean val_mae %.6g\n", sum / 3);
  EXPECT_NE(folds.out.find(mean), std::string::npos) << folds.out << mean;
  EXPECT_NE(file("k.svg").find(">Validation MAE, smoothed<"), std::string::npos);
  EXPECT_EQ(train({"--kfold", "21"}, 2).err, "prices: error: --kfold: 21 folds of 20 rows\n");
  EXPECT_EQ(train({"--kfold", "4", "--weights", "w"}, 2).err,
            "prices: error: --weights: with --kfold each fold has a file of its own: w must say where the fold's number "
            "goes, as w-{fold}.npz\n");
  EXPECT_EQ(train({"--kfold", "4", "--csv-log", "l.csv"}, 2).err,
            "prices: error: --kfold and --csv-log exclude each other: each fold is held out once and has a model of its "
            "own\n");
}

} // namespace
