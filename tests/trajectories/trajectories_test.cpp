// Whole trainings against Keras's fit(), from the same first weights on the same rows in the same order: what
// callbacks, schedules, weights of samples, clipping, weight decay, several outputs and each loss make of it.
//
// golden.json has Keras's history, its last weights, and how far its float32 lies from its own float64. The
// measure is abs(d) / (1 + abs(reference)): 1e-5 for every number of the history, and for weights the larger
// of that and 8 times Keras's noise.
#include "tests/trajectories/models.h"

#include "runtime/core/weights_file.h"
#include "runtime/program/data/inflate.h"
#include "runtime/program/program.h"
#include "tests/runtime_program/support.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

namespace {

using namespace hornfels;
using hornfels_tests::npy;
using Json = nlohmann::json;
using Strings = std::vector<std::string>;

constexpr double tolerance = 1e-5, rate_tolerance = 1e-6; // Keras has its rates in float32

const Json &golden() {
  static const Json all = [] {
    std::ifstream file(HORNFELS_GOLDEN);
    return Json::parse(file);
  }();
  return all;
}

struct Case {
  const Json *json;
  std::string text(const char *key) const { return (*json)[key].get<std::string>(); }
};

void PrintTo(const Case &one, std::ostream *to) { *to << one.text("model"); }

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Json &one : golden()["cases"])
    list.push_back({&one});
  return list;
}

struct Worst {
  double value = 0;
  std::string where;
  void near(double found, double expected, double bound, const std::string &what) {
    const double d = std::abs(found - expected) / (1 + std::abs(expected));
    EXPECT_LE(d, bound) << what << ": found " << found << ", Keras has " << expected;
    if (!(d <= value)) {
      value = std::isnan(d) ? INFINITY : d;
      where = what;
    }
  }
};

/// The worst of all cases that this process ran.
class Summary : public testing::Environment {
public:
  void TearDown() override {
    std::printf("worst of all: history %.1e (%s), weights %.1e (%s)\n", history.value, history.where.c_str(),
                weights.value, weights.where.c_str());
  }
  static Worst history, weights;
};
Worst Summary::history, Summary::weights;
const auto *const summary = testing::AddGlobalTestEnvironment(new Summary);

void keep(Worst &all, const Worst &one, const std::string &name) {
  if (one.value > all.value)
    all = {one.value, name + ": " + one.where};
}

class Trajectories : public testing::TestWithParam<Case> {
protected:
  void SetUp() override { set_inflater(make_inflater); }
  const Json &values() const { return *GetParam().json; }

  void write_data() const {
    std::vector<hornfels_tests::member> members;
    for (const auto &[name, array] : golden()["data"][GetParam().text("data")].items()) {
      if (name == GetParam().text("drop"))
        continue;
      const auto shape = array["shape"].get<std::vector<int64_t>>();
      members.push_back({name + ".npy", array["real"].get<bool>()
                                            ? npy(shape, array["values"].get<std::vector<float>>())
                                            : npy(shape, array["values"].get<std::vector<int32_t>>())});
    }
    hornfels_tests::write_file(folder / "data.npz", hornfels_tests::zip(members));
  }

  /// Keras's first weights; states of layers are left to a file of ours, `from`, that has them all.
  void write_first(const std::string &from) const {
    file_error error;
    const std::unique_ptr<weights_reader> own = open_weights(from, error);
    ASSERT_TRUE(own) << error.text;
    std::vector<listed_array> list;
    std::vector<std::vector<float>> arrays;
    for (const std::string &name : own->names()) {
      npy_header header;
      bool found = false;
      ASSERT_TRUE(own->describe(name, header, found, error) && found);
      std::vector<float> data(static_cast<size_t>(header.elements));
      ASSERT_TRUE(own->read(name, data.data(), error));
      if (values()["first"].contains(name) && name.find("normalization/") != 0) {
        const auto first = values()["first"][name].get<std::vector<float>>();
        ASSERT_EQ(first.size(), data.size()) << name;
        data = first;
      }
      list.push_back({name, 'f', 4, std::vector<int64_t>(header.shape, header.shape + header.rank)});
      arrays.push_back(data);
    }
    const std::unique_ptr<weights_writer> file = create_weights(folder / "first.npz", list, error);
    ASSERT_TRUE(file) << error.text;
    for (size_t i = 0; i < list.size(); ++i)
      ASSERT_TRUE(file->write(list[i], arrays[i].data(), 4 * arrays[i].size(), error)) << error.text;
    ASSERT_TRUE(file->commit(error)) << error.text;
  }

  /// PROGRAM train, in this process.
  void train(Strings more) const {
    const hornfels_model *model = trajectory_models.at(GetParam().text("model"));
    Strings arguments{model->name, "train", "--verbose", "0", "--data", folder / "data.npz", "--no-shuffle"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char *> pointers;
    for (std::string &argument : arguments)
      pointers.push_back(&argument[0]);
    ASSERT_EQ(run_program(model, static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  void compare_weights(const std::string &path, const Json &expected, double bound, bool states_only,
                       Worst &worst) const {
    file_error error;
    const std::unique_ptr<weights_reader> file = open_weights(path, error);
    ASSERT_TRUE(file) << error.text;
    for (const auto &[name, array] : expected.items()) {
      if (name == "normalization/count" || (states_only && name.find("normalization/") != 0))
        continue; // Keras's count is of batches
      npy_header header;
      bool found = false;
      ASSERT_TRUE(file->describe(name, header, found, error) && found) << name;
      std::vector<float> data(static_cast<size_t>(header.elements));
      ASSERT_EQ(data.size(), array.size()) << name;
      ASSERT_TRUE(file->read(name, data.data(), error));
      for (size_t i = 0; i < data.size(); ++i)
        worst.near(data[i], array[i].get<double>(), bound, name + "[" + std::to_string(i) + "]");
    }
  }

  /// Rates that a callback logs, and a schedule's in the last step, relative to themselves.
  void compare_rates(const Json &found) const {
    if (values()["history"].contains("learning_rate"))
      for (size_t i = 0; i < found["learning_rate"].size(); ++i) {
        const double expected = values()["history"]["learning_rate"][i].get<double>();
        EXPECT_NEAR(found["learning_rate"][i].get<double>(), expected, rate_tolerance * expected + 1e-12)
            << "epoch " << i + 1;
      }
    if (!values().contains("last_rate"))
      return;
    file_error error;
    const std::unique_ptr<weights_reader> file = open_weights(folder / "last.npz", error);
    ASSERT_TRUE(file) << error.text;
    double rate = 0;
    ASSERT_TRUE(file->read("@optimizer/learning_rate", &rate, error)) << error.text;
    const double expected = values()["last_rate"].get<double>();
    EXPECT_NEAR(rate, expected, rate_tolerance * expected + 1e-12);
  }

  hornfels_tests::scratch_folder folder;
};

TEST_P(Trajectories, are_those_of_keras) {
  const std::string name = GetParam().text("name");
  Worst history, weights;
  write_data();
  // An epoch that moves nothing: layers adapt to the rows that train, and the file lists all there is.
  Strings own = values()["options"].get<Strings>();
  own.erase(own.begin(), own.begin() + 2); // --epochs N
  own.erase(std::remove_if(own.begin(), own.end(),
                           [](const std::string &word) { return word == "--initial-epoch"; }),
            own.end());
  Strings adapting{"--epochs", "1", "--learning-rate", "1e-30", "--weights", folder / "own.npz"};
  for (size_t i = 0; i + 1 < own.size(); i += 2)
    if (own[i] == "--validation-split" || own[i] == "--batch-size")
      adapting.insert(adapting.end(), {own[i], own[i + 1]});
  train(adapting);
  compare_weights(folder / "own.npz", values()["first"], tolerance, true, weights);
  write_first(folder / "own.npz");

  Strings options = values()["options"].get<Strings>();
  options.insert(options.end(), {"--initial-weights", folder / "first.npz", "--weights", folder / "last.npz",
                                 "--history", folder / "history.json", "--with-optimizer"});
  train(options);

  const Json found = Json::parse(hornfels_tests::read_file(folder / "history.json"));
  EXPECT_EQ(found["epoch"].size(), values()["epochs"].get<size_t>());
  for (const auto &[key, series] : values()["history"].items()) {
    ASSERT_TRUE(found.contains(key)) << key;
    ASSERT_EQ(found[key].size(), series.size()) << key;
    for (size_t i = 0; i < series.size(); ++i)
      history.near(found[key][i].get<double>(), series[i].get<double>(), tolerance,
                   key + " of epoch " + std::to_string(i + 1));
  }
  EXPECT_EQ(found.size(), values()["history"].size() + 1) << "the same names, and `epoch`";
  compare_rates(found);
  const double noise = values()["weight_noise"].get<double>();
  compare_weights(folder / "last.npz", values()["final"], std::max(tolerance, 8 * noise), false, weights);
  std::printf("%-26s %2zu epochs, worst: history %.1e, weights %.1e (Keras's own noise %.1e, %.1e)\n",
              name.c_str(), found["epoch"].size(), history.value, weights.value,
              values()["noise"].get<double>(), noise);
  keep(Summary::history, history, name);
  keep(Summary::weights, weights, name);
}

INSTANTIATE_TEST_SUITE_P(Keras, Trajectories, testing::ValuesIn(cases()),
                         [](const auto &info) { return info.param.text("name"); });

} // namespace
