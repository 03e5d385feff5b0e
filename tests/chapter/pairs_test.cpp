// The chapter's models in Keras (keras/*.json, saved by to_json()) and in Horn train to the same bytes: the
// same first weights, each form's under its own names, the same rows, then every array of the files compared.
#include "runtime/core/weights_file.h"
#include "runtime/program/data/inflate.h"
#include "runtime/program/program.h"
#include "tests/runtime_program/support.h"

#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <random>

extern "C" const hornfels_model imdb_model, keras_imdb_model, reuters_model, keras_reuters_model,
    reuters_bottleneck_model, keras_reuters_bottleneck_model, boston_model, keras_boston_model, mnist_model,
    keras_mnist_model;

namespace {

using namespace hornfels;
using hornfels_tests::npy;

struct Pair {
  const char *name, *data;
  const hornfels_model *horn, *keras;
  std::vector<std::string> options; // what Keras's fit() is told, and JSON has not
};

void PrintTo(const Pair &pair, std::ostream *to) { *to << pair.name; }

const Pair pairs[] = {
    {"imdb", "imdb", &imdb_model, &keras_imdb_model, {"--batch-size", "512"}},
    {"reuters", "reuters", &reuters_model, &keras_reuters_model, {"--batch-size", "512"}},
    {"reuters_bottleneck",
     "reuters",
     &reuters_bottleneck_model,
     &keras_reuters_bottleneck_model,
     {"--batch-size", "128"}},
    {"boston", "boston", &boston_model, &keras_boston_model, {"--batch-size", "16"}},
    {"mnist", "mnist", &mnist_model, &keras_mnist_model, {"--batch-size", "128"}},
};

struct Array {
  std::string name, bytes;
  std::vector<int64_t> shape;
  char kind;
  size_t width;
};

/// All arrays of a file of weights, in its order.
std::vector<Array> read(const std::string &path) {
  file_error error;
  const std::unique_ptr<weights_reader> file = open_weights(path, error);
  std::vector<Array> arrays;
  if (!file) {
    ADD_FAILURE() << error.text;
    return arrays;
  }
  for (const std::string &name : file->names()) {
    npy_header header;
    bool found = false;
    Array array{name, "", {}, 0, 0};
    EXPECT_TRUE(file->describe(name, header, found, error) && found) << name << error.text;
    array.bytes.resize(header.data_bytes);
    array.shape.assign(header.shape, header.shape + header.rank);
    array.kind = header.kind;
    array.width = header.width;
    EXPECT_TRUE(file->read(name, &array.bytes[0], error)) << error.text;
    arrays.push_back(std::move(array));
  }
  return arrays;
}

/// Horn's name of each variable -> the Keras form's: both list them in the order of the layers.
std::map<std::string, std::string> renamed(const Pair &pair) {
  std::map<std::string, std::string> names;
  EXPECT_EQ(pair.horn->variables, pair.keras->variables);
  for (int32_t i = 0; i < pair.horn->variables; ++i) {
    const hornfels_tensor &horn = pair.horn->variable_info[i], &keras = pair.keras->variable_info[i];
    EXPECT_EQ(horn.role, keras.role) << horn.name;
    EXPECT_EQ(std::vector<int64_t>(horn.shape, horn.shape + horn.rank),
              std::vector<int64_t>(keras.shape, keras.shape + keras.rank))
        << horn.name;
    names[horn.name] = keras.name;
  }
  return names;
}

/// The arrays under the names of the other form.
void write_renamed(const std::string &path, const std::vector<Array> &arrays,
                   const std::map<std::string, std::string> &names) {
  std::vector<listed_array> list;
  for (const Array &array : arrays)
    list.push_back(
        {names.count(array.name) ? names.at(array.name) : array.name, array.kind, array.width, array.shape});
  file_error error;
  const std::unique_ptr<weights_writer> file = create_weights(path, list, error);
  ASSERT_TRUE(file) << error.text;
  for (size_t i = 0; i < list.size(); ++i)
    ASSERT_TRUE(file->write(list[i], arrays[i].bytes.data(), arrays[i].bytes.size(), error)) << error.text;
  ASSERT_TRUE(file->commit(error)) << error.text;
}

/// PROGRAM train with these arguments, in this process.
void train(const hornfels_model &model, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {model.name, "train", "--verbose", "0"});
  std::vector<char *> pointers;
  for (std::string &argument : arguments)
    pointers.push_back(&argument[0]);
  ASSERT_EQ(run_program(&model, static_cast<int>(pointers.size()), pointers.data()), 0) << model.name;
}

/// A few rows in the form of a data set, no two alike.
std::string made_up(const std::string &data) {
  std::mt19937 random(113);
  const auto below = [&](uint32_t n) { return static_cast<int32_t>(random() % n); };
  const bool is_text = data == "imdb" || data == "reuters";
  const int64_t rows = is_text ? 1300 : 333, features = data == "boston" ? 13 : 28 * 28;
  std::vector<uint16_t> words;
  std::vector<int64_t> offsets{0};
  std::vector<int32_t> labels;
  std::vector<float> reals, prices;
  std::vector<uint8_t> pixels;
  for (int64_t row = 0; row < rows; ++row) {
    labels.push_back(below(data == "imdb" ? 2 : data == "reuters" ? 46 : 10));
    for (int32_t left = is_text ? 5 + below(200) : 0; left > 0; --left)
      words.push_back(static_cast<uint16_t>(9999.0 / (1 + below(9999))));
    offsets.push_back(static_cast<int64_t>(words.size()));
    for (int64_t i = 0; !is_text && i < features; ++i) {
      pixels.push_back(static_cast<uint8_t>(below(256)));
      reals.push_back(static_cast<float>(below(1000) * (1 + i % 4)) / 100);
    }
    prices.push_back(static_cast<float>(below(500)) / 10);
  }
  if (is_text)
    return hornfels_tests::zip({{"x_train_values.npy", npy(words)},
                                {"x_train_offsets.npy", npy(offsets)},
                                {"y_train.npy", npy(labels)}});
  if (data == "mnist")
    return hornfels_tests::zip({{"x_train.npy", npy({rows, 28, 28}, pixels)}, {"y_train.npy", npy(labels)}});
  return hornfels_tests::zip({{"x_train.npy", npy({rows, features}, reals)}, {"y_train.npy", npy(prices)}});
}

class Pairs : public testing::TestWithParam<Pair> {
protected:
  void SetUp() override { set_inflater(make_inflater); }

  /// Trains both forms on a file, and compares weights, the optimizer's state and the history.
  void compare(const std::string &data, const std::string &epochs) {
    const Pair &pair = GetParam();
    const std::map<std::string, std::string> names = renamed(pair);
    // First weights: of an epoch with a seed of its own, so that biases are not zero and layers have adapted.
    train(*pair.horn, {"--data", data, "--seed", "7", "--epochs", "1", "--weights", folder / "first.npz"});
    write_renamed(folder / "first_keras.npz", read(folder / "first.npz"), names);
    const auto rest = [&](const std::string &form) {
      const std::string start = form == "horn" ? "first.npz" : "first_keras.npz";
      std::vector<std::string> arguments{"--data",
                                         data,
                                         "--initial-weights",
                                         folder / start,
                                         "--with-optimizer",
                                         "--epochs",
                                         epochs,
                                         "--seed",
                                         "3",
                                         "--validation-split",
                                         "0.2",
                                         "--weights",
                                         folder / (form + ".npz"),
                                         "--history",
                                         folder / (form + ".json")};
      arguments.insert(arguments.end(), pair.options.begin(), pair.options.end());
      return arguments;
    };
    train(*pair.horn, rest("horn"));
    train(*pair.keras, rest("keras"));
    const std::vector<Array> horn = read(folder / "horn.npz"), first = read(folder / "first.npz");
    std::vector<Array> keras = read(folder / "keras.npz");
    ASSERT_EQ(horn.size(), keras.size());
    ASSERT_GT(horn.size(), first.size()) << "the optimizer's slots are there";
    size_t bytes = 0, changed = 0;
    for (size_t i = 0; i < horn.size(); ++i) {
      EXPECT_EQ(names.count(horn[i].name) ? names.at(horn[i].name) : horn[i].name, keras[i].name);
      EXPECT_EQ(horn[i].shape, keras[i].shape) << horn[i].name;
      EXPECT_TRUE(horn[i].bytes == keras[i].bytes) << horn[i].name << " and " << keras[i].name << " differ";
      bytes += horn[i].bytes.size();
      changed += i < first.size() && horn[i].bytes != first[i].bytes;
    }
    EXPECT_GE(changed, 4u) << "training moves the weights";
    EXPECT_EQ(hornfels_tests::read_file(folder / "horn.json"),
              hornfels_tests::read_file(folder / "keras.json"));
    std::printf("%s: %zu arrays, %zu bytes, the same\n", pair.name, horn.size(), bytes);
  }

  hornfels_tests::scratch_folder folder;
};

TEST_P(Pairs, train_to_the_same_bytes_on_made_up_rows) {
  hornfels_tests::write_file(folder / "data.npz", made_up(GetParam().data));
  compare(folder / "data.npz", "2");
}

TEST_P(Pairs, train_to_the_same_bytes_on_real_rows) {
  if (hornfels_tests::real_data().empty())
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  compare(hornfels_tests::real_data() + "/" + GetParam().data + ".npz", "1");
}

INSTANTIATE_TEST_SUITE_P(Chapter, Pairs, testing::ValuesIn(pairs),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
