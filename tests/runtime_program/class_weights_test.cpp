/* Weights of samples and classes: where they come from, and that each reaches its row. */
#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/data/arrays.h"
#include "runtime/program/training/class_weights.h"
#include "runtime/program/failure.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

const std::vector<uint16_t> ids{3, 5, 9, 3, 7, 8, 1, 2, 4, 6, 5, 6};
const std::vector<int64_t> offsets{0, 2, 4, 6, 8, 10, 12};
const std::vector<int32_t> topic_numbers{0, 3, 45, 3, 0, 1};

std::vector<member> stories(const std::string &suffix = "_train") {
  return {{"story" + suffix + "_values.npy", npy<uint16_t>(ids)},
          {"story" + suffix + "_offsets.npy", npy<int64_t>(offsets)},
          {"topic" + suffix + ".npy", npy<int32_t>(topic_numbers)}};
}

std::vector<member> with(std::vector<member> members, const member &one) {
  members.push_back(one);
  return members;
}

class weights_of_rows : public testing::Test {
protected:
  std::vector<float> weights(const std::vector<member> &members, const class_weights &classes = {},
                             const hornfels_model &model = weighted_model) {
    write_file(folder / "d.npz", zip(members));
    const data_file file(folder / "d.npz");
    dataset data = bind(model, file, {"_train"}, true);
    apply_class_weights(model, data, classes, false);
    check_sample_weights(model, data);
    EXPECT_EQ(data.arrays.size(), 3u);
    const float *const from =
        (classes.empty() ? data.arrays.back().data : data.training_weights).as<float>();
    return std::vector<float>(from, from + data.rows);
  }

  outcome train(const std::string &program, std::vector<std::string> arguments, int code = 0) {
    process one;
    one.arguments = {program, "train",        "--data", "d.npz",     "--epochs",
                     "3",     "--batch-size", "4",      "--weights", "w.npz"};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    const outcome result = run(one);
    EXPECT_EQ(result.code, code) << result.err;
    return result;
  }

  scratch_folder folder;
};

TEST_F(weights_of_rows, are_those_of_the_data_or_1) {
  EXPECT_EQ(weights(stories()), std::vector<float>(6, 1));
  const std::vector<float> given{1, 2, 0, 0.5f, 4, 1};
  EXPECT_EQ(weights(with(stories(), {"sample_weight_train.npy", npy<float>(given)})), given);
  EXPECT_EQ(weights(with(stories(), {"sample_weight_train.npy", npy<int32_t>({1, 2, 3, 4, 5, 6})})),
            (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST_F(weights_of_rows, are_those_of_their_classes) {
  const class_weights classes = parse_class_weights("--class-weight", "3=2.5,45=0");
  EXPECT_EQ(classes, (class_weights{{3, 2.5}, {45, 0}}));
  EXPECT_EQ(weights(stories(), classes), (std::vector<float>{1, 2.5f, 0, 2.5f, 1, 1}));
  /* The same of one-hot rows. */
  std::vector<float> one_hot(6 * 46);
  for (size_t row = 0; row < 6; ++row)
    one_hot[row * 46 + static_cast<size_t>(topic_numbers[row])] = 1;
  std::vector<member> members = stories();
  members[2].data = npy<float>({6, 46}, one_hot);
  EXPECT_EQ(weights(members, classes), (std::vector<float>{1, 2.5f, 0, 2.5f, 1, 1}));
}

/* A weight of 0 is as good as no row (of a batch with the others), 2 as good as the row twice. */
TEST_F(weights_of_rows, reach_their_rows_in_every_order) {
  write_file(folder / "d.npz",
             zip(with(stories(), {"sample_weight_train.npy", npy<float>({1, 0, 1, 0, 1, 1})})));
  train(WEIGHTED_PROGRAM, {});
  const std::string by_rows = read_file(folder / "w.npz");
  write_file(folder / "d.npz", zip(stories()));
  train(WEIGHTED_PROGRAM, {"--class-weight", "3=0"});
  EXPECT_EQ(read_file(folder / "w.npz"), by_rows);
  train(WEIGHTED_PROGRAM, {});
  const std::string equal = read_file(folder / "w.npz");
  EXPECT_NE(equal, by_rows);
  train(TOPICS_PROGRAM, {});
  EXPECT_EQ(read_file(folder / "w.npz"), equal) << "weights of 1 change nothing";
}

TEST_F(weights_of_rows, held_out_rows_have_the_weight_1_unless_the_file_says_otherwise) {
  write_file(folder / "v.npz", zip(stories("_val")));
  write_file(folder / "d.npz", zip(stories()));
  const auto last_line = [&](const std::vector<std::string> &more) {
    std::vector<std::string> arguments{"--validation-data", "v.npz", "--learning-rate", "1e-30"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string out = train(WEIGHTED_PROGRAM, arguments).out;
    return out.substr(out.rfind("val_loss: "));
  };
  const std::string plain = last_line({});
  EXPECT_EQ(last_line({"--class-weight", "0=5,3=7"}), plain);
  write_file(folder / "v.npz",
             zip(with(stories("_val"), {"sample_weight_val.npy", npy<float>({3, 3, 3, 3, 3, 3})})));
  EXPECT_NE(last_line({}), plain);
}

TEST_F(weights_of_rows, that_cannot_be_are_named) {
  const auto data_error = [&](const std::string &array, const std::string &message) {
    write_file(folder / "d.npz", zip(with(stories(), {"sample_weight_train.npy", array})));
    const outcome result = train(WEIGHTED_PROGRAM, {}, 1);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  data_error(npy<float>({1, 1, -2, 1, 1, 1}), "sample_weight: row 2 is -2, expected a number from 0 up");
  data_error(npy<float>({1, 1, 1}), "sample_weight");
  write_file(folder / "d.npz",
             zip(with(stories(), {"sample_weight_train.npy", npy<float>({1, 1, 1, 1, 1, 1})})));
  EXPECT_EQ(train(WEIGHTED_PROGRAM, {"--class-weight", "1=2"}, 1).err,
            "weighted: error: --class-weight and sample_weight_train in the data exclude each other\n");
  EXPECT_EQ(train(TOPICS_PROGRAM, {}).err, "topics: warning: d.npz has sample_weight_train, which this model "
                                           "does not take: say sample_weight = true in "
                                           "its train block\n");
  EXPECT_EQ(train(TOPICS_PROGRAM, {"--class-weight", "1=2"}, 2).err.find("topics: warning: "), 0u);
  write_file(folder / "d.npz", zip(stories()));
  EXPECT_EQ(train(TOPICS_PROGRAM, {"--class-weight", "1=2"}, 2).err,
            "topics: error: --class-weight: topics takes no weights of samples; say sample_weight = true in "
            "its train "
            "block\n");
  EXPECT_EQ(train(WEIGHTED_PROGRAM, {"--class-weight", "46=2"}, 2).err,
            "weighted: error: --class-weight: class 46; topic has classes 0 to 45\n");
  for (const char *value : {"", "1", "1=", "=2", "1=-1", "1=nan", "1=2,", "-1=2", "x=1", "1=2;3=4"})
    EXPECT_NE(train(WEIGHTED_PROGRAM, {std::string("--class-weight=") + value}, 2)
                  .err.find(" is not a class and its weight from 0 up, as in 0=1,1=3.5"),
              std::string::npos)
        << value;
  EXPECT_EQ(train(WEIGHTED_PROGRAM, {"--class-weight", "1=2,1=3"}, 2).err,
            "weighted: error: --class-weight: class 1 is given twice\n");
}

} // namespace
