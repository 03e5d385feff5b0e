// What a file asks for and the library has not: all of it at once, each at its place and path.
#include "Reading.h"

#include <algorithm>

using namespace keras_tests;

namespace {

bool reports(const Reading &reading, const std::string &expected) {
  std::vector<std::string> errors = reading.errors();
  return std::any_of(errors.begin(), errors.end(),
                     [&](const std::string &line) { return line.find(expected) != std::string::npos; });
}

void refused(const std::string &json, const std::string &expected) {
  Reading reading(json);
  EXPECT_TRUE(reports(reading, expected)) << "expected: " << expected << "\n" << reading.report();
  EXPECT_TRUE(reading.model.syntax.definitions.empty());
}

/// A Functional model of these layers beside its input `x`.
std::string functional(const std::string &layers, const std::string &output) {
  return std::string(R"({"class_name": "Functional", "config": {"name": "f", "layers": [
{"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [null, 4]}, "inbound_nodes": []},)") +
         layers + R"(], "input_layers": ["x", 0, 0], "output_layers": [")" + output + R"(", 0, 0]}})";
}

std::string call(const std::string &name, const std::string &from, int node = 0) {
  return R"({"class_name": "Dense", "name": ")" + name +
         R"(", "config": {"units": 2}, "inbound_nodes": [[[")" + from + R"(", )" + std::to_string(node) +
         R"(, 0, {}]]]})";
}

} // namespace

TEST(Refusals, ten_mistakes_are_ten_errors_with_path) {
  Reading reading(sequential(dense(R"("activation": "rleu")") + ",\n" +
                                 dense(R"("lora_rank": 2)") +
                                 R"(,
{"class_name": "Lambda", "config": {"function": "code"}},
{"class_name": "NoSuchLayer", "config": {}},
{"module": "mine.layers", "class_name": "Dense", "config": {"units": 1}},
{"class_name": "Dropout", "config": {}},
{"class_name": "Dense", "config": {"units": 3, "activation": {"class_name": "function", "config": "gate"}}},
{"class_name": "Dense", "config": {"units": 3, "dtype": "float16"}})",
                             R"(, "compile_config": {"optimizer": "adamm", "loss": "no_such_loss"})"));
  std::vector<std::string> expected = {
      "config.layers[1].config.activation: the library has no activation `rleu`",
      "config.layers[2].config.lora_rank: `Dense` takes no `lora_rank` in this version",
      "config.layers[3].class_name: `Lambda` carries code of its author's, which is never run",
      "config.layers[4].class_name: the library has no layer `no_such_layer` (Keras's `NoSuchLayer`)",
      "config.layers[5].class_name: `Dense` is a class of its author's (`mine.layers`)",
      "config.layers[6].class_name: the config of `Dropout` has no `rate`",
      "config.layers[7].config.activation.class_name: the function `gate` is code of its author's",
      "config.layers[8].config.dtype: `Dense` takes no `dtype` in this version",
      "compile_config.optimizer: the library has no optimizer `adamm`",
      "compile_config.loss: the library has no loss `no_such_loss`"};
  std::vector<std::string> errors = reading.errors();
  ASSERT_EQ(errors.size(), expected.size()) << reading.report();
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NE(errors[i].find(expected[i]), std::string::npos) << errors[i];
  EXPECT_EQ(errors[2].substr(0, 4), "5:16");
}

TEST(Refusals, what_is_no_model) {
  refused("7", "1:1 : a model: expected an object, found an integer");
  refused("{}", "a model has no `class_name`");
  refused(R"({"class_name": 3})", "class_name: `class_name`: expected a string, found an integer");
  refused(R"({"class_name": "Dense", "config": {}})",
          "expected a Sequential or Functional model, found `Dense`");
  refused(R"({"class_name": "Sequential"})", "the config of this model has no `layers`");
  refused(R"({"class_name": "Sequential", "config": "x"})", "`config`: expected an object, found a string");
  refused(R"({"class_name": "Sequential", "config": {"layers": 5}})",
          "`layers`: expected a list, found an integer");
  refused(R"({"class_name": "Sequential", "config": {"layers": []}})", "this model has no layers");
  refused(R"({"class_name": "Sequential", "config": {"layers": [[], null]}})", "a layer: expected an object");
  refused(R"({"class_name": "Functional", "config": []})", "has no `input_layers`");
}

TEST(Refusals, shapes) {
  auto shaped = [](const std::string &shape) {
    return R"({"class_name": "Sequential", "config": {"layers": [{"class_name": "InputLayer", "config":
      {"batch_shape": )" +
           shape + R"(, "name": "x"}}, )" + dense() + "]}}";
  };
  refused(shaped("[]"), "expected a shape that begins with the batch");
  refused(shaped("[[]]"), "expected a shape that begins with the batch");
  refused(shaped("[null, -3]"), "expected a size above 0 or null");
  refused(shaped("[null, \"a\"]"), "expected a size above 0 or null");
  refused(shaped("[null, null]"), "the file leaves this size of the input `x` open");
  refused(shaped("{}"), "a shape: expected a list, found an object");
}

TEST(Refusals, graphs) {
  refused(functional(call("a", "b") + "," + call("b", "a"), "a"),
          "layers that need each other in a circle: a → b → a");
  refused(functional(call("a", "a"), "a"), "circle: a → a");
  refused(functional(call("a", "nowhere"), "a"), "there is no layer `nowhere`");
  refused(functional(call("a", "x", 1), "a"), "this layer has 1 calls");
  refused(functional(call("a", "x", -1), "a"), "this layer has 1 calls");
  refused(functional(call("a", "x") + "," + call("a", "x"), "a"), "a second layer named `a`");
  refused(functional(call("a", "x"), "b"), "there is no layer `b`");
  refused(functional(R"({"class_name": "Dense", "name": "a", "config": {"units": 2}, "inbound_nodes": [[]]})",
                     "a"),
          "a call of `a` without a tensor");
  refused(
      functional(R"({"class_name": "Dense", "name": "a", "config": {"units": 2}, "inbound_nodes": 4})", "a"),
      "`inbound_nodes`: expected a list, found an integer");
  refused(functional(R"({"class_name": "Dense", "name": "a", "config": {"units": 2}, "inbound_nodes":
    [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}],
      "kwargs": {"mask": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}]}}]})",
                     "a"),
          "a call with `mask` is not known in this version");
}

TEST(Refusals, cells_of_ones_own_and_results_that_are_not_there) {
  refused(sequential(R"({"class_name": "RNN", "config": {"cell": {"class_name": "LSTMCell", "config": {}}}})"),
          "`RNN`, cells of one's own choice, is not known in this version");
  refused(sequential(R"({"class_name": "Bidirectional", "config": {"layer": {"class_name": "RNN", "config": {}}}})"),
          "config.layers[1].config.layer.class_name: `RNN`, cells of one's own choice");
  refused(functional(R"({"class_name": "Dense", "name": "a", "config": {"units": 2}, "inbound_nodes": [{"args": [
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 1]}}], "kwargs": {}}]})",
                     "a"),
          "this layer has one result");
}

TEST(Refusals, an_output_that_is_not_the_models) {
  refused(sequential(dense("", "y"), R"(, "compile_config": {"optimizer": "sgd", "loss": {"z": "mse"}})"),
          "loss: the model has no output `z`");
}

TEST(Refusals, every_byte_of_a_model_may_be_wrong) {
  std::string whole = textOf(std::string(MODELS) + "/pair.json");
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string damaged = whole;
    damaged[at] = "{}[],:\"0nx"[at % 10];
    Reading reading(damaged);
    EXPECT_NE(reading.model.syntax.definitions.empty(), !reading.diagnostics.hasErrors()) << at;
  }
}
