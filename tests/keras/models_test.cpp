// What is made of models: the Horn source that stands beside each.
#include "Reading.h"

using namespace keras_tests;

namespace {

class Model : public ::testing::TestWithParam<const char *> {};

TEST_P(Model, becomes_the_horn_source_beside_it) {
  std::string path = std::string(MODELS) + "/" + GetParam();
  ReadOptions options;
  if (std::string(GetParam()) == "imdb")
    options.tokens = {"review"};
  Reading reading(textOf(path + ".json"), options);
  EXPECT_EQ(reading.report(), "");
  EXPECT_EQ(reading.model.optionError, "");
  EXPECT_EQ(reading.horn(), textOf(path + ".horn"));

  // It is Horn: reading it gives the same text.
  SourceManager sources;
  Diagnostics diagnostics(sources);
  SyntaxFile syntax = parseHorn(sources.add("m.horn", reading.horn()), sources, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  EXPECT_EQ(printHorn(syntax), reading.horn());
}

INSTANTIATE_TEST_SUITE_P(Keras, Model,
                         ::testing::Values("imdb", "reuters", "pair", "nested", "wrapped", "masks", "keras2_reuters",
                                           "keras2_pair"),
                         [](const auto &info) { return std::string(info.param); });

std::string bodyOf(const std::string &json, const ReadOptions &options = {}) {
  Reading reading(json, options);
  EXPECT_EQ(reading.report(), "");
  return reading.horn();
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

} // namespace

TEST(Input, sizes_that_are_open_come_from_the_command_line) {
  std::string json = R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
    {"class_name": "InputLayer", "config": {"batch_shape": [null, null, 3, null], "name": "a b"}}, )" +
                     dense() + "]}}";
  ReadOptions options;
  options.shapes["a b"] = {20, 8};
  EXPECT_TRUE(has(bodyOf(json, options), "model m(a_b: real[20, 3, 8])"));
  options.shapes = {{"a_b", {5, 6}}};
  EXPECT_TRUE(has(bodyOf(json, options), "model m(a_b: real[5, 3, 6])"));
  options.shapes = {{"a_b", {5}}};
  EXPECT_TRUE(has(Reading(json, options).report(), "the file leaves this size of the input `a_b` open"));
  options.shapes = {{"a_b", {5, 6, 7}}};
  EXPECT_TRUE(has(Reading(json, options).report(), "--shape gives 3 sizes, the file leaves 2 open"));
}

TEST(Input, a_model_that_was_never_built) {
  std::string json = R"({"class_name": "Sequential", "config": {"name": "m", "layers": [)" + dense() + "]}}";
  EXPECT_TRUE(has(Reading(json).report(), "the file does not say the shape of the model's input"));
  ReadOptions options;
  options.shapes["input"] = {7};
  EXPECT_TRUE(has(bodyOf(json, options), "model m(input: real[7])"));
}

TEST(Input, an_option_for_no_input) {
  ReadOptions options;
  options.tokens = {"revue"};
  EXPECT_EQ(Reading(sequential(dense()), options).model.optionError,
            "option `--tokens revue`: the model has no such input");
}

TEST(Input, a_fixed_batch_is_left_out) {
  EXPECT_TRUE(has(bodyOf(R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
    {"class_name": "InputLayer", "config": {"batch_shape": [32, 4], "name": "x"}}, )" +
                         dense() + "]}}"),
                  "model m(x: real[4])"));
}

TEST(Input, types) {
  auto typed = [](const std::string &dtype) {
    return Reading(
        R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "InputLayer",
      "config": {"batch_shape": [null, 4], "dtype": ")" +
        dtype + R"(", "name": "x"}}, )" + dense() + "]}}");
  };
  EXPECT_TRUE(has(typed("int32").horn(), "x: i32[4]"));
  EXPECT_TRUE(has(typed("float16").report(), "an input is of float32, int32, int64 or bool"));
}

TEST(Names, in_files_can_do_no_harm) {
  std::string evil = R"(x\n}\nimport \"/etc/passwd\" # ../..\u202e/\u0000 `)";
  std::string horn = bodyOf(R"({"class_name": "Sequential", "config": {"name": ")" + evil + R"(", "layers": [
    {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": ")" +
                            evil + R"("}}, )" + dense("", evil) + "," + dense("", "if") + "," +
                            dense("", "9") + "," + dense("", "\u00e9") + "]}}");
  SourceManager sources;
  Diagnostics diagnostics(sources);
  SyntaxFile syntax = parseHorn(sources.add("m.horn", horn), sources, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  EXPECT_TRUE(syntax.imports.empty());
  ASSERT_EQ(syntax.definitions.size(), 1u);
  EXPECT_EQ(syntax.definitions[0]->name.text, "x_import_etc_passwd");
  EXPECT_TRUE(has(horn, "name = \"if\"")) << horn;
  EXPECT_TRUE(has(horn, "name = \"dense_9\"")) << horn;
}

TEST(Names, that_become_one_are_numbered) {
  std::string horn = bodyOf(sequential(dense("", "a/b") + "," + dense("", "a b") + "," + dense("", "a_b")));
  EXPECT_TRUE(has(horn, "dense(3, name = \"a_b\") |> dense(3, name = \"a_b_1\")")) << horn;
  EXPECT_TRUE(has(horn, "-> a_b {") && has(horn, "|> dense(3, name = \"a_b_2\")\n")) << horn;
}

TEST(Names, a_layer_of_a_library_name_hides_nothing) {
  std::string horn = bodyOf(sequential(dense("", "relu") + "," + dense("", "dense")));
  EXPECT_TRUE(has(horn, "output = x |> dense(3, name = \"relu\") |> dense(3, name = \"dense\")")) << horn;
}

TEST(Training, loss_and_metrics_in_every_form) {
  auto trained = [](const std::string &config) {
    return bodyOf(sequential(dense("", "y"), R"(, "compile_config": {"optimizer": "sgd", )" + config + "}"));
  };
  EXPECT_TRUE(has(trained(R"("loss": "MSE")"), "    optimizer = sgd\n    loss = mse\n"));
  EXPECT_TRUE(has(trained(R"("loss": ["mae"])"), "loss = mae\n"));
  EXPECT_TRUE(has(trained(R"("loss": {"y": "mae"}, "metrics": {"y": ["mse", "mape"]})"),
                  "loss = mae\n    metrics = [mse, mape]\n"));
  EXPECT_TRUE(
      has(trained(R"("loss": "mse", "metrics": [["mae"]], "weighted_metrics": [])"), "metrics = [mae]\n"));
  EXPECT_TRUE(has(trained(R"("loss": {"module": "keras.losses", "class_name": "Huber", "config":
    {"name": "h", "reduction": "sum_over_batch_size", "delta": 2.0}})"),
                  "loss = huber(delta = 2.0)\n"));
  EXPECT_TRUE(has(trained(R"("loss": "bce")"), "loss = binary_crossentropy\n"));
  EXPECT_FALSE(has(trained(R"("loss": null)"), "train"));
}
