#include "tests/numeric/ModelText.h"

namespace hornfels::tests {

static std::string joined(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

static std::string attributes(const Tensor &tensor, const std::string &role) {
  return " {horn.name = \"" + tensor.name + "\", horn.role = \"" +
         (tensor.role.empty() ? role : tensor.role) + "\"}";
}

static std::string argument(const Tensor &tensor, const std::string &role) {
  return "%" + tensor.name + ": " + tensor.type + attributes(tensor, role);
}

static std::string function(const std::string &name, const std::vector<std::string> &arguments,
                            const std::vector<std::string> &results, const std::string &body,
                            const std::vector<std::string> &values, const std::vector<std::string> &types) {
  std::string text =
      "func.func @" + name + "(" + joined(arguments) + ") -> (" + joined(results) + ") {\n" + body;
  text += "  return";
  if (!values.empty())
    text += " " + joined(values) + " : " + joined(types);
  return text + "\n}\n";
}

std::string ModelText::print() const {
  const std::string scalar = "tensor<" + real + ">";
  auto interface = [](const std::vector<Tensor> &tensors) {
    std::vector<std::string> entries;
    for (const Tensor &tensor : tensors)
      entries.push_back("{name = \"" + tensor.name + "\", type = " + tensor.type +
                        (tensor.role.empty() ? "" : ", role = \"" + tensor.role + "\"") + "}");
    return "[" + joined(entries) + "]";
  };
  std::vector<std::string> quoted;
  for (const std::string &metric : metrics)
    quoted.push_back("\"" + metric + "\"");
  std::string text = "module attributes {horn.model = \"" + name + "\", horn.real = \"" + real +
                     "\", horn.source = \"" + name + ":1:1\",\n horn.inputs = " + interface(inputs) +
                     ",\n horn.targets = " + interface(targets) + ",\n horn.outputs = " + interface(outputs) +
                     ",\n horn.variables = " + interface(variables) + ",\n horn.metrics = [" +
                     joined(quoted) + "], horn.layers = []";
  text += ",\n horn.training = {epochs = 1 : i64, batch_size = " + std::to_string(batchSize) +
          " : i64, learning_rate = 0.05 : f64}";
  text += "} {\n";

  std::vector<std::string> data, targetArguments, stored, saved;
  for (const Tensor &tensor : inputs)
    data.push_back(argument(tensor, "input"));
  for (const Tensor &tensor : targets)
    targetArguments.push_back(argument(tensor, "target"));
  for (const Tensor &tensor : variables) {
    stored.push_back(argument(tensor, "weight"));
    if (tensor.role == "weight" || tensor.role == "state")
      saved.push_back(stored.back());
  }
  auto concatenated = [](std::vector<std::string> a, const std::vector<std::string> &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };

  std::vector<std::string> results, values, types;
  auto give = [&](const Tensor &tensor, const std::string &role, const std::string &value) {
    results.push_back(tensor.type + attributes(tensor, role));
    values.push_back("%" + value);
    types.push_back(tensor.type);
  };
  for (size_t i = 0; i < variables.size(); ++i)
    give(variables[i], "weight", firstValues[i]);
  text += function("initialize", {argument({"seed", "tensor<i64>", "seed"}, "")}, results, initialize, values,
                   types);

  results = values = types = {};
  for (size_t i = 0; i < outputs.size(); ++i)
    give(outputs[i], "output", predicted[i]);
  text += function("predict", concatenated(data, saved), results, predict, values, types);

  if (!evaluate.empty()) {
    results = values = types = {};
    for (size_t i = 0; i < metrics.size(); ++i)
      give({metrics[i], scalar, "value"}, "", evaluated[i]);
    text += function("evaluate_step", concatenated(concatenated(data, targetArguments), saved), results, evaluate,
                     values, types);
  }

  if (!train.empty()) {
    results = values = types = {};
    for (size_t i = 0; i < metrics.size(); ++i)
      give({metrics[i], scalar, "value"}, "", this->values[i]);
    for (const Update &update : updates)
      for (const Tensor &variable : variables)
        if (variable.name == update.variable)
          give(variable, "weight", update.value);
    std::vector<std::string> arguments = concatenated(concatenated(data, targetArguments), stored);
    arguments.push_back(argument({"learning_rate", scalar, "learning_rate"}, ""));
    arguments.push_back(argument({"step", "tensor<i64>", "step"}, ""));
    arguments.push_back(argument({"seed", "tensor<i64>", "seed"}, ""));
    text += function("train_step", arguments, results, train, values, types);
  }
  return text + "}\n";
}

} // namespace hornfels::tests
