// The commands that take Keras's JSON.
#include "tests/driver/Tool.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace driver_tests;

namespace {

class KerasTool : public ToolTest {
protected:
  void SetUp() override {
    ToolTest::SetUp();
    for (const char *name : {"imdb.json", "pair.json", "nested.json", "keras2_pair.json", "imdb.horn"})
      std::filesystem::copy_file(std::string(MODELS) + "/" + name, path(name));
  }
};

} // namespace

TEST_F(KerasTool, import_prints_what_it_writes) {
  Outcome printed = run({"import", "imdb.json", "--tokens", "review"});
  EXPECT_EQ(printed.exitCode, 0) << printed.err;
  EXPECT_EQ(printed.out, read("imdb.horn"));
  EXPECT_EQ(run({"import", "imdb.json", "--tokens", "review", "-o", "new.horn"}).exitCode, 0);
  EXPECT_EQ(read("new.horn"), "# made by hornfels: it may replace this file\n\n" + printed.out);
  // Its own file is replaced, another is not without --force, the input never.
  EXPECT_EQ(run({"import", "imdb.json", "-o", "new.horn"}).exitCode, 0);
  EXPECT_EQ(run({"import", "imdb.json", "-o", "imdb.horn"}).exitCode, 2);
  EXPECT_EQ(run({"import", "imdb.json", "-o", "imdb.horn", "--force"}).exitCode, 0);
  EXPECT_EQ(run({"import", "imdb.json", "-o", "imdb.json", "--force"}).exitCode, 3);
}

TEST_F(KerasTool, check_and_summary_take_the_json_and_what_import_makes_of_it) {
  for (const char *name : {"pair", "nested", "keras2_pair"}) {
    std::string json = std::string(name) + ".json", horn = std::string(name) + ".horn";
    Outcome checked = run({"check", json});
    EXPECT_EQ(checked.exitCode, 0) << checked.err;
    ASSERT_EQ(run({"import", json, "-o", horn}).exitCode, 0);
    Outcome summary = run({"summary", json});
    EXPECT_EQ(summary.exitCode, 0) << summary.err;
    EXPECT_EQ(summary.out, run({"summary", horn}).out);
    EXPECT_NE(summary.out.find("Total params"), std::string::npos);
  }
}

TEST_F(KerasTool, build_makes_a_program) {
  Setting setting;
  setting.environment["CXX"] = fakeCompiler(making("x"));
  Outcome built = run({"build", "imdb.json", "--tokens", "review"}, setting);
  EXPECT_EQ(built.exitCode, 0) << built.err;
  EXPECT_TRUE(exists("imdb"));
}

TEST_F(KerasTool, an_error_of_the_compiler_has_line_column_and_path) {
  write("m.json", R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}},
{"class_name": "Dense", "config": {"name": "d", "units": 0}}]}})");
  Outcome checked = run({"check", "m.json"});
  EXPECT_EQ(checked.exitCode, 1);
  EXPECT_NE(checked.err.find("m.json:3:58: error: dense: "), std::string::npos) << checked.err;
  EXPECT_NE(checked.err.find("note: at config.layers[1].config.units\n"), std::string::npos) << checked.err;
}

// The last layer is bound to `output`, as `dense` is the library's; its weights are dense/kernel all the same.
TEST_F(KerasTool, a_last_layer_keeps_its_name_where_its_variable_has_another) {
  write("m.json", R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}},
{"class_name": "Dense", "config": {"name": "dense", "units": 3}}]}})");
  EXPECT_NE(run({"import", "m.json"}).out.find("output = x |> dense(3, name = \"dense\")\n"), std::string::npos);
  EXPECT_NE(run({"summary", "m.json"}).out.find("│ dense (Dense) "), std::string::npos);
}

TEST_F(KerasTool, what_keras_would_train_is_a_warning) {
  write("m.json", R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}},
{"class_name": "Dense", "config": {"name": "y", "units": 1}}]},
"compile_config": {"optimizer": "sgd", "loss": "binary_crossentropy"}})");
  Outcome checked = run({"check", "m.json"});
  EXPECT_EQ(checked.exitCode, 0);
  EXPECT_NE(checked.err.find("m.json:4:48: warning: the prediction is not a probability"), std::string::npos)
      << checked.err;
  ASSERT_EQ(run({"import", "m.json", "-o", "m.horn"}).exitCode, 0);
  EXPECT_EQ(run({"check", "m.horn"}).exitCode, 1);
}

TEST_F(KerasTool, hostile_files_end_in_one_message) {
  write("deep.json", std::string(100'000, '['));
  Outcome deep = run({"check", "deep.json"});
  EXPECT_EQ(deep.exitCode, 1);
  EXPECT_NE(deep.err.find("deep.json:1:130: error: nesting is deeper than the limit of 128"),
            std::string::npos);
  write("huge.json", "\"");
  std::filesystem::resize_file(path("huge.json"), (uintmax_t{64} << 20) + 1);
  Outcome huge = run({"check", "huge.json"});
  EXPECT_EQ(huge.exitCode, 1);
  EXPECT_NE(huge.err.find("larger than the limit of 64 MiB"), std::string::npos) << huge.err;
  EXPECT_EQ(run({"check", "none.json"}).exitCode, 3);
  std::filesystem::create_directory(path("folder.json"));
  EXPECT_EQ(run({"import", "folder.json"}).exitCode, 3);
}

TEST_F(KerasTool, options_for_inputs_are_checked) {
  Outcome unknown = run({"check", "imdb.json", "--tokens", "revue"});
  EXPECT_EQ(unknown.exitCode, 2);
  EXPECT_NE(unknown.err.find("option `--tokens revue`: the model has no such input"), std::string::npos);
  EXPECT_EQ(run({"check", "imdb.json", "--shape", "review=3"}).exitCode, 1);
  EXPECT_EQ(run({"check", "imdb.horn", "--tokens", "review"}).exitCode, 2);
}

/// What the reader does not know and what the elaborator refuses, all at once, each at its line, column and path.
TEST_F(KerasTool, every_mistake_at_once) {
  for (const char *name : {"sequential", "functional"}) {
    std::string json = std::string(name) + ".json", expected = std::string(MISTAKES) + "/" + name + ".expected";
    std::filesystem::copy_file(std::string(MISTAKES) + "/" + json, path(json));
    Outcome checked = run({"check", json});
    EXPECT_EQ(checked.exitCode, 1);
    EXPECT_EQ(checked.out, "");
    std::ostringstream wanted;
    wanted << std::ifstream(expected, std::ios::binary).rdbuf();
    EXPECT_EQ(checked.err, wanted.str());
  }
}

/// The schedule of `compile_config` trains to the bytes of the same schedule as an option; a given rate wins over it.
TEST_F(KerasTool, a_learning_rate_schedule_is_the_programs) {
  auto model = [](const std::string &rate) {
    return R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"batch_shape": [null, 2], "name": "x"}},
{"class_name": "Dense", "config": {"name": "y", "units": 1}}]},
"compile_config": {"loss": "mse", "optimizer": {"class_name": "SGD", "config": {"learning_rate": )" +
           rate + "}}}}";
  };
  write("scheduled.json", model(R"({"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5, "staircase": true, "name": "s"},
    "registered_name": null})"));
  write("constant.json", model("0.1"));
  write("d.csv", "x,z,y\n1,0,1\n0,1,2\n1,1,3\n2,1,4\n1,2,5\n");
  auto weightsOf = [&](const std::string &json, std::vector<std::string> more) {
    std::vector<std::string> arguments{"run", json, "train", "--data", "d.csv", "--epochs", "5", "--batch-size", "2",
                                       "--weights", "w.npz"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Outcome trained = run(arguments);
    EXPECT_EQ(trained.exitCode, 0) << trained.err;
    return read("w.npz");
  };
  std::string scheduled = weightsOf("scheduled.json", {}), constant = weightsOf("constant.json", {});
  EXPECT_EQ(scheduled, weightsOf("constant.json", {"--learning-rate-schedule",
                                                   "exponential_decay,decay_steps=2,decay_rate=0.5,staircase"}));
  EXPECT_NE(scheduled, constant);
  EXPECT_EQ(constant, weightsOf("scheduled.json", {"--learning-rate", "0.1"}));
}
