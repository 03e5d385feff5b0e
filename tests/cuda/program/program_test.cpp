// Programs on a device: the same training whether the data stay there or each batch is sent, and what the CPU's program says.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <gtest/gtest.h>

#include "runtime/program/training/feed.h"
#include "tests/runtime_program/support.h"
#include "topics.hpp"

using namespace hornfels_tests;

extern "C" const hornfels_model letters_model;

namespace {

/* The least memory of a device that a handle fits in, in steps of 4 KiB. */
size_t least_memory(const hornfels_model &model, int64_t capacity) {
  const auto fits = [&](size_t bytes) {
    setenv("HORNFELS_DEVICE_MEMORY", std::to_string(bytes).c_str(), 1);
    void *handle = nullptr;
    const bool made = model.create(&handle, capacity) == HORNFELS_OK;
    model.destroy(handle);
    return made;
  };
  size_t few = 0, enough = size_t(1) << 26;
  while (enough - few > 4096) {
    const size_t middle = few + (enough - few) / 2;
    (fits(middle) ? enough : few) = middle;
  }
  unsetenv("HORNFELS_DEVICE_MEMORY");
  return enough;
}

/* `rows` rows: up to 30 words, some rows without any; small integers as pictures; the topic is what both say. */
std::vector<member> rows_as(const std::string &suffix, int64_t rows, unsigned seed) {
  std::vector<int32_t> values, topics;
  std::vector<int64_t> offsets{0};
  std::vector<uint8_t> pictures;
  uint32_t state = seed;
  const auto below = [&](uint32_t count) { return (state = state * 1664525u + 1013904223u) >> 8 & 0xffff % count; };
  for (int64_t row = 0; row < rows; ++row) {
    const int32_t topic = static_cast<int32_t>(below(3));
    for (uint32_t left = row % 7 == 0 ? 0 : 1 + below(30); left > 0; --left)
      values.push_back(static_cast<int32_t>(below(2) ? below(60) : below(20) + 20 * static_cast<uint32_t>(topic)));
    offsets.push_back(static_cast<int64_t>(values.size()));
    for (uint32_t i = 0; i < 6; ++i)
      pictures.push_back(static_cast<uint8_t>(below(3) + (i / 2 == static_cast<uint32_t>(topic) ? 2 : 0)));
    topics.push_back(topic);
  }
  return {{"words" + suffix + "_values.npy", npy<int32_t>(values)},
          {"words" + suffix + "_offsets.npy", npy<int64_t>(offsets)},
          {"picture" + suffix + ".npy", npy<uint8_t>({rows, 6}, pictures)},
          {"topic" + suffix + ".npy", npy<int32_t>(topics)}};
}

/* Where the data are. */
enum class place { here, kept, sent };

class Programs : public testing::Test {
protected:
  static constexpr int64_t rows = 203;

  Programs() {
    std::vector<member> all = rows_as("_train", rows, 1);
    for (member &one : rows_as("_test", 150, 2))
      all.push_back(std::move(one));
    write_file(folder / "d.npz", zip(all));
    std::string text;
    for (int i = 0; i < 60; ++i)
      text += "the sun, the sea; the sand " + std::to_string(i * 7919 % 100) + ".\n";
    write_file(folder / "lines.txt", text);
  }

  outcome call(const char *on_cpu, const char *on_cuda, size_t memory_to_send, place where, std::vector<std::string> arguments,
               int code = 0) {
    process one;
    one.arguments = {where == place::here ? on_cpu : on_cuda};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    one.environment = {"HORNFELS_LATE_STREAMS=1", "HORNFELS_STRICT_DEVICE=1", "HORNFELS_FIBER_SEED=3"};
    if (where == place::sent)
      one.environment.push_back("HORNFELS_DEVICE_MEMORY=" + std::to_string(memory_to_send));
    one.limit = 60;
    const outcome result = run(one);
    EXPECT_EQ(result.code, code) << result.err << result.out;
    return result;
  }
  outcome topics(place where, std::vector<std::string> arguments, int code = 0) {
    return call(TOPICS_ON_CPU, TOPICS_ON_CUDA, memory_for_topics, where, std::move(arguments), code);
  }
  /* Trains and keeps what is written. */
  struct written {
    std::string weights, history, out;
  };
  written train(place where, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"train", "--data", "d.npz", "--verbose", "2", "--seed", "5",
                                          "--weights", "w.npz", "--with-optimizer", "--history", "h.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const outcome result = topics(where, arguments);
    return {file("w.npz"), file("h.json"), result.out};
  }
  std::string file(const std::string &name) const { return read_file(folder / name); }

  /* The numbers of a text, and what stands between them. */
  static void near(const std::string &found, const std::string &expected) {
    const char *a = found.c_str(), *b = expected.c_str();
    while (*a && *b) {
      char *after_a, *after_b;
      const double x = std::strtod(a, &after_a), y = std::strtod(b, &after_b);
      if (after_a == a || after_b == b) {
        ASSERT_EQ(*a++, *b++) << found << expected;
        continue;
      }
      ASSERT_NEAR(x, y, 2e-5 * (1 + std::fabs(y))) << found << expected;
      a = after_a;
      b = after_b;
    }
    EXPECT_EQ(*a, *b);
  }

  scratch_folder folder;
  /* Enough for handles of small batches, not for the rows beside them. */
  const size_t memory_for_topics = least_memory(topics_model, 16) + 1024;
};

} // namespace

/* What the other tests stand on. */
TEST_F(Programs, data_stay_on_a_device_with_memory_for_them) {
  const hornfels::data_file data(folder / "d.npz", {});
  const hornfels::dataset set = hornfels::bind(topics_model, data, {"_train"}, true);
  EXPECT_EQ(set.arrays[1].kept, hornfels::bound_array::bytes);
  EXPECT_EQ(set.arrays[2].kept, hornfels::bound_array::classes);
  setenv("HORNFELS_DEVICE_MEMORY", std::to_string(memory_for_topics).c_str(), 1);
  {
    hornfels::model_handle handle(topics_model, 8, 1);
    EXPECT_FALSE(hornfels::feed(handle, set, 8).is_resident());
  }
  unsetenv("HORNFELS_DEVICE_MEMORY");
  hornfels::model_handle handle(topics_model, 8, 1);
  {
    hornfels::feed first(handle, set, 8);
    EXPECT_TRUE(first.is_resident());
    hornfels::feed second(handle, set, 8), third(handle, set, 8), fourth(handle, set, 8), fifth(handle, set, 8);
    EXPECT_TRUE(fourth.is_resident());
    EXPECT_FALSE(fifth.is_resident()); // a handle has four
  }
  EXPECT_TRUE(hornfels::feed(handle, set, 8).is_resident());
}

TEST_F(Programs, kept_or_sent_the_same_bytes_and_the_cpu_agrees) {
  const std::vector<std::string> ways[] = {
      {"--validation", "50"},
      {"--no-shuffle", "--validation-split", "0.2", "--batch-size", "16"},
      {"--class-weight", "0=1,1=2.5,2=0.5", "--validation", "50"},
      {"--batch-size", "1", "--epochs", "1", "--validation", "160"},
      {"--validation-data", "d.npz", "--learning-rate-schedule", "exponential_decay,decay_steps=20,decay_rate=0.5"},
      {"--validation", "50", "--reduce-lr-on-plateau", "monitor=val_loss,patience=1,factor=0.5", "--early-stopping",
       "monitor=val_loss,patience=2,restore_best_weights"}};
  for (const std::vector<std::string> &way : ways) {
    const written kept = train(place::kept, way), sent = train(place::sent, way), here = train(place::here, way);
    EXPECT_TRUE(kept.weights == sent.weights) << way[0];
    EXPECT_EQ(kept.history, sent.history);
    near(kept.history, here.history);
    EXPECT_EQ(kept.out.substr(0, kept.out.find('\n')), here.out.substr(0, here.out.find('\n')));
  }
}

TEST_F(Programs, folds) {
  const std::vector<std::string> arguments = {"train", "--data", "d.npz", "--kfold", "3", "--epochs", "2", "--seed", "2",
                                              "--weights", "k-{fold}.npz"};
  const std::string kept = topics(place::kept, arguments).out, weights = file("k-2.npz");
  EXPECT_EQ(topics(place::sent, arguments).out, kept);
  EXPECT_TRUE(file("k-2.npz") == weights);
  near(kept, topics(place::here, arguments).out);
}

/* Weights each twenty steps and checkpoints each seven: somebody looks in between. */
TEST_F(Programs, callbacks_within_an_epoch) {
  const std::vector<std::string> arguments = {"--model-checkpoint", "m-{epoch}-{batch}-{loss:.4f}.npz,save_freq=20",
                                              "--checkpoint", "ck", "--checkpoint-every", "7"};
  const written kept = train(place::kept, arguments);
  std::vector<std::string> names = folder.names();
  size_t of_models = 0;
  for (const std::string &name : names)
    of_models += name.compare(0, 2, "m-") == 0;
  EXPECT_EQ(of_models, 3u); // 78 steps
  const written plain = train(place::kept, {});
  EXPECT_TRUE(kept.weights == plain.weights);
  std::vector<std::string> before = folder.names();
  EXPECT_EQ(before, names);
  train(place::here, arguments);
  EXPECT_EQ(folder.names(), names) << "a loss that is not the CPU's";
}

/* Stopped in the middle of an epoch, taken up again: as if nothing had been. */
TEST_F(Programs, resumes_from_any_step) {
  const written whole = train(place::kept, {});
  train(place::kept, {"--epochs", "1", "--checkpoint", "ck", "--checkpoint-every", "20"});
  const written resumed = train(place::kept, {"--checkpoint", "ck", "--checkpoint-every", "20", "--resume"});
  EXPECT_TRUE(whole.weights == resumed.weights);
  EXPECT_EQ(whole.history, resumed.history);
}

/* The step is the one that the CPU names, however many were launched behind it. */
TEST_F(Programs, the_step_that_diverges_is_named) {
  const std::string end = "; no weights were written; ";
  for (const std::vector<std::string> &way : {std::vector<std::string>{"--learning-rate", "1e37", "--no-shuffle"},
                                              {"--learning-rate", "1e37", "--learning-rate-schedule",
                                               "exponential_decay,decay_steps=2,decay_rate=0.5"}}) {
    std::vector<std::string> arguments = {"train", "--data", "d.npz", "--verbose", "0"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    const std::string here = topics(place::here, arguments, 4).err;
    EXPECT_NE(here.find(end), std::string::npos) << here;
    for (const place where : {place::kept, place::sent}) {
      const std::string found = topics(where, arguments, 4).err;
      EXPECT_EQ(found.substr(0, found.find(end)), here.substr(0, here.find(end)));
      EXPECT_NE(found.find(" the first bad tensor is "), std::string::npos) << found;
    }
  }
}

/* A number that is none, in row 150 of 203, of a model that takes pictures as reals. */
TEST_F(Programs, the_row_with_a_nan_is_named) {
  std::vector<member> all = rows_as("_train", rows, 1);
  std::vector<float> pictures(static_cast<size_t>(rows * 6), 0.5f);
  pictures[150 * 6 + 2] = NAN;
  all[2] = {"picture_train.npy", npy<float>({rows, 6}, pictures)};
  write_file(folder / "d.npz", zip(all));
  const std::vector<std::string> arguments = {"train", "--data", "d.npz", "--verbose", "0", "--seed", "10"};
  const std::string here = topics(place::here, arguments, 4).err;
  EXPECT_NE(here.find("the first bad tensor is picture, row 150 of the data: element [2] is nan"), std::string::npos) << here;
  for (const place where : {place::kept, place::sent})
    EXPECT_EQ(topics(where, arguments, 4).err, here);
}

TEST_F(Programs, evaluation) {
  train(place::kept, {});
  const std::vector<std::string> arguments = {"evaluate", "--data", "d.npz", "--weights", "w.npz", "--verbose", "0"};
  const std::string kept = topics(place::kept, arguments).out;
  EXPECT_EQ(topics(place::sent, arguments).out, kept);
  near(kept, topics(place::here, arguments).out);
}

/* On a terminal the bar is drawn while steps run. */
TEST_F(Programs, a_terminal) {
  process one;
  one.arguments = {TOPICS_ON_CUDA, "train", "--data", "d.npz", "--epochs", "2", "--batch-size", "1"};
  one.folder = folder.str();
  one.terminal = true;
  const outcome result = run(one);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("203/203"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("1/203"), std::string::npos) << result.out;
}

TEST_F(Programs, windows_of_a_text) {
  const auto train_letters = [&](place where) {
    call(LETTERS_ON_CPU, LETTERS_ON_CUDA, least_memory(letters_model, 16) + 1024, where,
         {"train", "--data", "lines.txt", "--verbose", "0", "--seed", "1", "--weights", "w.npz", "--history", "h.json",
          "--validation-split", "0.1"});
    return file("w.npz");
  };
  const std::string kept = train_letters(place::kept), history = file("h.json");
  EXPECT_TRUE(train_letters(place::sent) == kept);
  EXPECT_EQ(file("h.json"), history);
  train_letters(place::here);
  near(history, file("h.json"));
}

/* Somebody else's program, over the emitted header. */
TEST(Class, trains_on_rows_of_the_device) {
  const std::vector<uint16_t> words = {1, 5, 9, 2, 40, 41, 59};
  const std::vector<int64_t> begins = {0, 3, 3, 5, 7};
  const std::vector<float> pictures(4 * 6, 0.25f), weights(4, 1.0f),
      topics = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};
  hornfels_models::topics kept(4), sent(4);
  double of_kept[2], of_sent[2], recent[4], first[2];
  for (hornfels_models::topics *model : {&kept, &sent})
    ASSERT_EQ(model->initialize(1), HORNFELS_OK) << model->last_error();
  ASSERT_EQ(kept.bind_data(0, words, begins, pictures, topics, weights, 4), HORNFELS_OK) << kept.last_error();
  const std::vector<uint32_t> order = {0, 1, 2, 3};
  ASSERT_EQ(kept.set_order(0, order), HORNFELS_OK) << kept.last_error();
  ASSERT_EQ(kept.train_rows(0, 0, 4, 4), HORNFELS_OK) << kept.last_error();
  ASSERT_EQ(kept.get_metrics(first), HORNFELS_OK);
  ASSERT_EQ(kept.train_rows(0, 0, 4, 4), HORNFELS_OK) << kept.last_error();
  for (int step = 0; step < 2; ++step)
    ASSERT_EQ(sent.train_step(words, begins, pictures, topics, weights, 4), HORNFELS_OK) << sent.last_error();
  ASSERT_EQ(kept.get_metrics(of_kept), HORNFELS_OK);
  ASSERT_EQ(sent.get_metrics(of_sent), HORNFELS_OK);
  EXPECT_EQ(of_kept[0], of_sent[0]);
  ASSERT_EQ(kept.get_recent_metrics(2, recent), HORNFELS_OK);
  EXPECT_EQ(recent[0], first[0]);
  EXPECT_EQ(recent[2], of_kept[0]);
  EXPECT_EQ(kept.get_recent_metrics(1, recent), HORNFELS_BAD_ARGUMENT);
  EXPECT_STREQ(kept.last_error(), "get_recent_metrics: a value for each step and metric is needed");
  ASSERT_EQ(kept.evaluate_rows(0, 1, 3, 2), HORNFELS_OK) << kept.last_error();
  EXPECT_EQ(kept.bind_data(0, words, {begins.data(), 4}, pictures, topics, weights, 4), HORNFELS_BAD_ARGUMENT);
  EXPECT_STREQ(kept.last_error(), "words_rows: batch + 1 offsets are needed");
  ASSERT_EQ(kept.forget_data(0), HORNFELS_OK);
  EXPECT_EQ(kept.train_rows(0, 0, 4, 4), HORNFELS_BAD_STATE);
  EXPECT_STREQ(kept.last_error(), "topics: data set 0 is not bound");
}
