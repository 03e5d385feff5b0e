/* The callbacks against Keras's own, word for word, and the options that make them. */
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/callbacks/callbacks.h"
#include "runtime/program/callbacks/event_file.h"
#include "runtime/program/failure.h"
#include "runtime/program/callbacks/python_text.h"
#include "runtime/program/callbacks/schedule.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

using fields = std::map<std::string, std::string>;

std::vector<fields> keras_cases(const std::string &callback) {
  std::vector<fields> cases;
  std::ifstream file(KERAS_CALLBACKS);
  fields one;
  for (std::string line; std::getline(file, line);) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) {
      one[line.substr(0, tab)] = line.substr(tab + 1);
      continue;
    }
    if (one["callback"] == callback)
      cases.push_back(one);
    one.clear();
  }
  return cases;
}

std::vector<std::string> words(const std::string &text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;)
    result.push_back(word);
  return result;
}

std::vector<double> numbers(const std::string &text) {
  std::vector<double> result;
  for (const std::string &word : words(text))
    result.push_back(std::stod(word));
  return result;
}

std::string escaped(const std::string &text) {
  std::string result;
  for (const char c : text)
    result += c == '\n' ? "\\n" : std::string(1, c);
  return result;
}

class keras_callbacks : public testing::Test {
protected:
  keras_callbacks() : handle(prices_model, 8, 1), context{handle, false, false, nullptr} {
    handle.initialize(1);
    handle.set_learning_rate(0.01);
  }

  /* One weight that says which epoch it is of. */
  void mark(double epoch) {
    saved_state::array bias = handle.variable(1);
    const float value = static_cast<float>(epoch);
    memcpy(bias.bytes.data(), &value, sizeof value);
    handle.set_variable(1, bias);
  }
  double marked() const {
    float value;
    memcpy(&value, handle.variable(1).bytes.data(), sizeof value);
    return static_cast<double>(value);
  }

  /* What is printed over a series; `each` is called after each epoch. */
  template <class Each>
  std::string over(callback &one, const std::string &metric, const std::vector<double> &series, Each each) {
    testing::internal::CaptureStdout();
    epochs = 0;
    context.stop = false;
    for (size_t epoch = 0; epoch < series.size() && !context.stop; ++epoch) {
      mark(static_cast<double>(epoch));
      logs values{{"mae", 1.0}, {metric, series[epoch]}};
      one.epoch_end(context, static_cast<int64_t>(epoch), values);
      ++epochs;
      each();
    }
    mark(-1);
    one.train_end(context);
    return escaped(testing::internal::GetCapturedStdout());
  }

  model_handle handle;
  callback_context context;
  int epochs = 0;
};

std::string first_word(const std::string &option) { return option.substr(0, option.find(',')); }

TEST_F(keras_callbacks, early_stopping) {
  const std::vector<fields> cases = keras_cases("early_stopping");
  ASSERT_GE(cases.size(), 20u);
  for (fields one : cases) {
    const std::unique_ptr<callback> ours = make_early_stopping(parse_early_stopping("--x", one["option"]));
    EXPECT_EQ(over(*ours, first_word(one["option"]), numbers(one["series"]), [] {}), one["printed"])
        << one["option"] << ": " << one["series"];
    EXPECT_EQ(std::to_string(epochs), one["epochs"]) << one["option"] << ": " << one["series"];
    EXPECT_EQ(marked(), std::stod(one["restored"])) << one["option"] << ": " << one["series"];
  }
}

TEST_F(keras_callbacks, reduce_lr_on_plateau) {
  const std::vector<fields> cases = keras_cases("plateau");
  ASSERT_GE(cases.size(), 20u);
  for (fields one : cases) {
    const std::unique_ptr<callback> ours = make_plateau(parse_plateau("--x", one["option"]));
    handle.set_learning_rate(0.01);
    std::string rates;
    EXPECT_EQ(over(*ours, first_word(one["option"]), numbers(one["series"]),
                   [&] { rates += (rates.empty() ? "" : " ") + python_number(handle.learning_rate()); }),
              one["printed"])
        << one["option"] << ": " << one["series"];
    EXPECT_EQ(rates, one["rates"]) << one["option"] << ": " << one["series"];
  }
}

TEST_F(keras_callbacks, model_checkpoint) {
  const std::vector<fields> cases = keras_cases("model_checkpoint");
  ASSERT_GE(cases.size(), 10u);
  for (fields one : cases) {
    const scratch_folder folder;
    const std::string place = folder.str() + "/";
    const model_checkpoint_options chosen = parse_model_checkpoint("--x", place + one["option"]);
    const std::string metric = chosen.monitor;
    const std::unique_ptr<callback> ours = make_model_checkpoint(chosen, {"loss", "accuracy", "mae"}, true);
    std::vector<std::string> saved;
    std::string printed = over(*ours, metric, numbers(one["series"]), [] {});
    for (size_t at; (at = printed.find(place)) != std::string::npos;)
      printed.erase(at, place.size());
    EXPECT_EQ(printed, one["printed"]) << one["option"] << ": " << one["series"];
    std::vector<std::string> expected = words(one["saved"]);
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    EXPECT_EQ(folder.names(), expected);
  }
}

TEST_F(keras_callbacks, csv_log) {
  const std::vector<fields> cases = keras_cases("csv_log");
  ASSERT_EQ(cases.size(), 4u);
  const scratch_folder folder;
  const std::string path = folder / "log.csv";
  for (fields one : cases) {
    const std::vector<std::string> keys = words(one["option"]);
    const std::vector<double> values = numbers(one["series"]);
    const std::unique_ptr<callback> ours = make_csv_log(path, false);
    for (size_t epoch = 0; epoch * keys.size() < values.size(); ++epoch) {
      logs row;
      for (size_t i = 0; i < keys.size(); ++i)
        row.emplace_back(keys[i], values[epoch * keys.size() + i]);
      ours->epoch_end(context, static_cast<int64_t>(epoch), row);
    }
    std::string expected = one["printed"];
    for (size_t at; (at = expected.find("\\n")) != std::string::npos;)
      expected.replace(at, 2, "\r\n");
    EXPECT_EQ(read_file(path), expected);
  }
}

TEST_F(keras_callbacks, csv_log_appends_without_a_second_header_and_goes_on_after_a_crash) {
  const scratch_folder folder;
  const std::string path = folder / "log.csv";
  logs row{{"loss", 0.5}, {"val_loss", 0.25}};
  write_file(path, "epoch,loss,val_loss\r\n0,1.0,2.0\r\n");
  const std::string old = read_file(path);
  saved_state kept;
  {
    const std::unique_ptr<callback> ours = make_csv_log(path, true);
    ours->epoch_end(context, 0, row);
    ours->save(kept);
    ours->epoch_end(context, 1, row);
  }
  EXPECT_EQ(read_file(path), old + "0,0.5,0.25\r\n1,0.5,0.25\r\n");
  const std::unique_ptr<callback> again = make_csv_log(path, true);
  again->restore(kept, 1);
  EXPECT_EQ(read_file(path), old + "0,0.5,0.25\r\n");
  again->epoch_end(context, 1, row);
  EXPECT_EQ(read_file(path), old + "0,0.5,0.25\r\n1,0.5,0.25\r\n");
  write_file(path, "");
  make_csv_log(path, true)->epoch_end(context, 7, row);
  EXPECT_EQ(read_file(path), "epoch,loss,val_loss\r\n7,0.5,0.25\r\n");
}

TEST_F(keras_callbacks, learning_rate_schedules) {
  const std::vector<fields> cases = keras_cases("schedule");
  ASSERT_EQ(cases.size(), 11u);
  for (fields one : cases) {
    const rate_schedule ours = parse_schedule("--x", one["option"]);
    const std::vector<double> rates = numbers(one["rates"]);
    ASSERT_EQ(rates.size(), 40u);
    for (size_t step = 0; step < rates.size(); ++step)
      EXPECT_NEAR(scheduled_rate(ours, 0.2, static_cast<int64_t>(step)), rates[step], 2e-7)
          << one["option"] << " at " << step;
  }
}

/* A monitored metric that is not there is a warning, in Keras's words, once. */
TEST_F(keras_callbacks, a_missing_metric_is_a_warning) {
  const std::unique_ptr<callback> list[] = {make_early_stopping(parse_early_stopping("--x", "val_loss")),
                                            make_plateau(parse_plateau("--x", "val_loss"))};
  const char *const said[] = {
      "prices: warning: Early stopping conditioned on metric `val_loss` which is not "
      "available. Available metrics are: loss,mae\n",
      "prices: warning: Learning rate reduction is conditioned on metric `val_loss` which is "
      "not available. Available metrics are: loss,mae,learning_rate.\n"};
  for (int i = 0; i < 2; ++i) {
    testing::internal::CaptureStderr();
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      logs values{{"loss", 1.0}, {"mae", 1.0}};
      list[i]->epoch_end(context, epoch, values);
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), said[i]);
    EXPECT_FALSE(context.stop);
  }
}

/* What a checkpoint keeps is enough: cut anywhere, the rest goes as without the cut. */
TEST_F(keras_callbacks, state_can_be_cut_anywhere) {
  for (fields one : keras_cases("early_stopping")) {
    const early_stopping_options chosen = parse_early_stopping("--x", one["option"]);
    const std::vector<double> series = numbers(one["series"]);
    const size_t cut = series.size() / 2;
    std::unique_ptr<callback> ours = make_early_stopping(chosen);
    testing::internal::CaptureStdout();
    context.stop = false;
    for (size_t epoch = 0; epoch < series.size() && !context.stop; ++epoch) {
      if (epoch == cut) {
        saved_state state;
        ours->save(state);
        ours = make_early_stopping(chosen);
        ours->restore(state, static_cast<int64_t>(epoch));
      }
      mark(static_cast<double>(epoch));
      logs values{{first_word(one["option"]), series[epoch]}};
      ours->epoch_end(context, static_cast<int64_t>(epoch), values);
    }
    mark(-1);
    ours->train_end(context);
    EXPECT_EQ(escaped(testing::internal::GetCapturedStdout()), one["printed"]);
    EXPECT_EQ(marked(), std::stod(one["restored"]));
  }
}

/* Records as TensorBoard reads them: lengths, checksums, and the fields of each event. */
std::vector<std::string> events_in(const std::string &bytes) {
  std::vector<std::string> events;
  const auto number = [&](size_t at, int width) {
    uint64_t value = 0;
    for (int i = width; i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<size_t>(i)));
    return value;
  };
  const auto is_masked = [&](size_t at, const std::string &of) {
    const uint32_t turned = static_cast<uint32_t>(number(at, 4)) - 0xa282ead8u;
    EXPECT_EQ(turned << 15 | turned >> 17, crc32c(of));
  };
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = number(at, 8);
    is_masked(at + 8, bytes.substr(at, 8));
    events.push_back(bytes.substr(at + 12, length));
    is_masked(at + 12 + length, events.back());
    at += length + 16;
  }
  return events;
}

TEST(event_file, has_the_checksum_of_the_standard) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
}

TEST_F(keras_callbacks, tensorboard) {
  const scratch_folder folder;
  const std::unique_ptr<callback> ours = make_tensorboard(folder / "logs");
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    logs values{{"loss", 0.5}, {"val_loss", 0.25}};
    handle.set_step(300);
    ours->epoch_end(context, epoch, values);
  }
  const auto events = [&](const std::string &kind) {
    std::string bytes;
    for (const auto &entry : std::filesystem::directory_iterator(folder / "logs/" + kind)) {
      EXPECT_EQ(entry.path().filename().string().find("events.out.tfevents."), 0u);
      bytes += read_file(entry.path());
    }
    return events_in(bytes);
  };
  /* wall_time (9 bytes), step, summary of values: tag and float. */
  const std::string half("\x15\0\0\0\x3f", 5), quarter("\x15\0\0\x80\x3e", 5);
  const std::vector<std::string> train = events("train"), validation = events("validation");
  ASSERT_EQ(train.size(), 3u);
  EXPECT_EQ(train[0].substr(9), "\x1a\x0d" "brain.Event:2");
  EXPECT_EQ(train[1].substr(9, 2), std::string("\x10\0", 2));
  EXPECT_EQ(train[2].substr(9, 2), "\x10\x01");
  EXPECT_EQ(train[2].substr(11, 23), "\x2a\x2f\x0a\x11\x0a\x0a" "epoch_loss" + half + "\x0a\x1a");
  EXPECT_NE(train[2].find("epoch_learning_rate"), std::string::npos);
  ASSERT_EQ(validation.size(), 5u);
  EXPECT_EQ(validation[1].substr(9, 3), "\x10\xac\x02") << "300 steps";
  EXPECT_NE(validation[1].find("evaluation_loss_vs_iterations" + quarter), std::string::npos);
  EXPECT_NE(validation[4].find("epoch_loss" + quarter), std::string::npos);
}

template <class Act> std::string refused(Act act) {
  try {
    act();
  } catch (const failure &problem) {
    EXPECT_EQ(problem.code(), exit_usage);
    return problem.what();
  }
  return "accepted";
}

TEST(callback_options, wrong_ones_are_named) {
  const auto early = [](const char *value) {
    return refused([&] { make_early_stopping(parse_early_stopping("--early-stopping", value)); });
  };
  EXPECT_EQ(early("val_loss,patience=3,min_delta=0.1,baseline=-1,restore_best_weights=false,mode=min"),
            "accepted");
  EXPECT_EQ(early(""),
            "error: --early-stopping: \"\" does not begin with what is monitored, such as val_loss");
  EXPECT_EQ(early("loss,patienc=3"), "error: --early-stopping: unknown key patienc; did you mean patience?");
  EXPECT_EQ(early("loss,q=3"),
            "error: --early-stopping: unknown key q; there are mode, verbose, patience, min_delta, "
            "baseline, restore_best_weights and start_from_epoch");
  EXPECT_EQ(early("loss,patience=-1"),
            "error: --early-stopping: patience=-1 is not a whole number from 0 to 2147483648");
  EXPECT_EQ(early("loss,patience"),
            "error: --early-stopping: patience needs a value: a whole number from 0 to 2147483648");
  EXPECT_EQ(early("loss,min_delta=nan"), "error: --early-stopping: min_delta=nan is not a number");
  EXPECT_EQ(early("loss,mode=up"), "error: --early-stopping: mode=up is not auto, min or max");
  EXPECT_EQ(early("loss,restore_best_weights=2"),
            "error: --early-stopping: restore_best_weights=2 is not true or false");
  EXPECT_EQ(early("loss,patience=1,patience=2"), "error: --early-stopping: patience is given twice");
  EXPECT_EQ(early("val_depth"),
            "error: --early-stopping: whether val_depth should grow or fall is not known; say "
            "mode=max or mode=min");
  const auto schedule = [](const char *value) { return refused([&] { parse_schedule("--s", value); }); };
  EXPECT_EQ(schedule("cosin_decay"), "error: --s: unknown schedule cosin_decay; did you mean cosine_decay?");
  EXPECT_EQ(schedule("cosine_decay,alpha=0"), "error: --s: cosine_decay needs decay_steps");
  EXPECT_EQ(schedule("cosine_decay,decay_steps=0"),
            "error: --s: decay_steps=0 is not a whole number from 1 to 2147483648");
  EXPECT_EQ(schedule("cosine_decay,decay_rate=1"),
            "error: --s: unknown key decay_rate; there are decay_steps, warmup_steps, alpha and warmup_target");
  EXPECT_EQ(schedule("piecewise_constant_decay,boundaries=5/2,values=1/2/3"),
            "error: --s: boundaries must rise, and there must be one value more than these");
  EXPECT_EQ(schedule("piecewise_constant_decay,boundaries=5,values=1"),
            "error: --s: boundaries must rise, and there must be one value more than these");
  EXPECT_EQ(schedule("piecewise_constant_decay,boundaries=5,values=1/x"),
            "error: --s: values=x is not rates, as 0.1/0.01/0.001");
  EXPECT_EQ(refused([] { parse_plateau("--p", "loss,factor=1"); }),
            "error: --p: factor=1 is not a number from 0 to below 1");
  const auto file = [](const char *value) {
    return refused([&] {
      make_model_checkpoint(parse_model_checkpoint("--m", value), {"loss", "mae"}, true);
    });
  };
  EXPECT_EQ(
      file("w{epoch}{lost}.npz"),
      "error: the file name w{epoch}{lost}.npz: there is no lost here; there are epoch, loss, mae, val_loss, "
      "val_mae, learning_rate");
  EXPECT_EQ(file("w{loss:d}"), "error: the file name w{loss:d}: d is no format for loss");
  EXPECT_EQ(file("w{loss:%n}"), "error: the file name w{loss:%n}: %n is no format for loss");
  EXPECT_EQ(file("w{loss:9999.2f}"), "error: the file name w{loss:9999.2f}: 9999.2f is no format for loss");
  EXPECT_EQ(file("w{loss"), "error: the file name w{loss: a { without its }");
  EXPECT_EQ(file("w}"), "error: the file name w}: a single }");
}

TEST(python_text, numbers_are_as_repr_writes_them) {
  const std::pair<double, const char *> cases[] = {{0.0001, "0.0001"},
                                                   {0.00001, "1e-05"},
                                                   {1, "1.0"},
                                                   {-0.0, "-0.0"},
                                                   {1e16, "1e+16"},
                                                   {1e15, "1000000000000000.0"},
                                                   {123456789.125, "123456789.125"},
                                                   {1.0 / 3, "0.3333333333333333"},
                                                   {1e22, "1e+22"},
                                                   {5e-324, "5e-324"},
                                                   {1e-7, "1e-07"},
                                                   {2.5e-05, "2.5e-05"}};
  for (const auto &one : cases)
    EXPECT_EQ(python_number(one.first), one.second);
}

} // namespace
