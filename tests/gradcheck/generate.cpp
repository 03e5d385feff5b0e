// Writes the models of the gradient check: gradcheck_generate DIRECTORY
//
// A family of cases is one model. @predict returns, for each case, the loss sum(y * r) and its gradients; the
// cases of a family share nothing, so that one pair of calls moves all of them at once.
#include "tests/gradcheck/Cases.h"
#include "tests/numeric/ModelText.h"
#include <algorithm>
#include <fstream>
#include <iostream>

namespace hornfels::gradcheck {

struct Family {
  std::string name;
  std::vector<Case> cases;
};

static bool isBatched(const std::string &type) {
  return type.rfind("!horn.tokens", 0) == 0 || type.rfind("tensor<?", 0) == 0;
}

static std::string prefixed(std::string text, const std::string &prefix) {
  for (size_t at; (at = text.find('@')) != std::string::npos;)
    text.replace(at, 1, "%" + prefix);
  return text + "\n";
}

/// "[0, 1]": all axes of a tensor type.
static std::string allAxes(const std::string &type) {
  const auto rank = std::count(type.begin(), type.end(), 'x');
  std::string axes;
  for (long axis = 0; axis < rank; ++axis)
    axes += (axis ? ", " : "") + std::to_string(axis);
  return "[" + axes + "]";
}

static std::string lossText(const std::string &value, const std::string &loss, const std::string &type) {
  return "@p" + loss + " = horn.mul @" + value + ", @r : " + type + "\n@" + loss + " = horn.reduce_sum @p" +
         loss + " axes " + allAxes(type) + " : " + type + "\n";
}

static std::string text(const std::string &value) {
  std::string quoted;
  for (char c : value)
    quoted += c == '\n' ? std::string("; ") : c == '"' ? std::string("\\\"") : std::string(1, c);
  return "\"" + quoted + "\"";
}

static std::string numbers(const std::vector<double> &values) {
  std::string list;
  char buffer[40];
  for (double value : values) {
    std::snprintf(buffer, sizeof buffer, "%.17g, ", value);
    list += buffer;
  }
  return "{" + list + "}";
}

static void addCase(tests::ModelText &model, const Case &c, const std::string &prefix, std::string &table) {
  std::vector<Operand> operands = c.operands;
  Operand r{"r", c.result, {0.1, 1, true}, false};
  if (!operands.empty() && !operands[0].values.empty())
    r.domain = {1, 1}; // the expected gradients are those of the plain sum
  operands.push_back(r);
  std::string body = c.body + "\n" + lossText("y", "loss", c.result), weights, types;
  const char *loss = "loss";
  if (!c.reference.empty()) {
    body += c.reference + "\n" + lossText("z", "moved", c.result);
    loss = "moved";
  }
  std::string entries;
  for (const Operand &operand : operands) {
    const tests::Tensor tensor{prefix + operand.name, operand.type, ""};
    if (isBatched(operand.type)) {
      model.inputs.push_back(tensor);
    } else {
      model.variables.push_back({tensor.name, tensor.type, "weight"});
      model.initialize += "  %first_" + tensor.name + " = horn.full 0.0 : " + tensor.type + "\n";
      model.firstValues.push_back("first_" + tensor.name);
    }
    auto name = [](const std::string &s) { return s.empty() ? std::string("nullptr") : "\"" + s + "\""; };
    entries +=
        "        {" + name(tensor.name) + ", " + name(operand.differentiable ? "d_" + tensor.name : "") +
        ", " + std::to_string(operand.domain.low) + ", " + std::to_string(operand.domain.high) + ", " +
        (operand.domain.bothSigns ? "true" : "false") + ", " + (operand.domain.spread ? "true" : "false") +
        ", " + numbers(operand.values) + ", " + numbers(operand.gradient) + ", " +
        name(operand.copyOf.empty() ? "" : prefix + operand.copyOf) + "},\n";
    if (!operand.differentiable)
      continue;
    weights += (weights.empty() ? "@" : ", @") + operand.name;
    types += (types.empty() ? "" : ", ") + operand.type;
  }
  const auto count = std::count(weights.begin(), weights.end(), '@');
  body += "@g:" + std::to_string(count) + " = horn.gradient @loss of " + weights + " : tensor<f64>, " +
          types + " -> " + types;
  model.predict += prefixed(body, prefix);

  int index = 0;
  for (const Operand &operand : operands)
    if (operand.differentiable) {
      model.outputs.push_back({"d_" + prefix + operand.name, operand.type, ""});
      model.predicted.push_back(prefix + "g#" + std::to_string(index++));
    }
  model.outputs.push_back({prefix + loss + "_value", "tensor<f64>", ""});
  model.predicted.push_back(prefix + loss);
  table += "      {\"" + c.op + "\", " + text(c.body) + ", \"" + prefix + loss + "_value\", " +
           (c.exactInFloat ? "true" : "false") + ", {\n" + entries + "      }},\n";
}

static bool writeFamily(const Family &family, bool fuse, const std::string &directory, std::string &table) {
  tests::ModelText model;
  model.name = "gradcheck_" + family.name + (fuse ? "_fused" : "_unfused");
  model.real = "f64";
  model.batchSize = fuse ? tests::ModelText::kLargeBatch : 1; // sums over the batch in parts, and whole
  table += "    {&" + model.name + "_model, {\n";
  int index = 0;
  for (const Case &c : family.cases)
    addCase(model, c, "c" + std::to_string(index++) + "_", table);
  table += "    }},\n";
  return tests::writeModel(model, {fuse, tests::hostCpu()}, directory);
}

static int generate(const std::string &directory) {
  const Family families[] = {{"elementwise", elementwiseCases()}, {"selection", selectionCases()},
                             {"movement", movementCases()},       {"reduction", reductionCases()},
                             {"contraction", contractionCases()}, {"tokens", tokenCases()},
                             {"scan", scanCases()},               {"windows", windowCases()},
                             {"tables", tableCases()}};
  std::string table, declarations;
  for (const Family &family : families)
    for (bool fuse : {true, false}) {
      if (!writeFamily(family, fuse, directory, table))
        return std::cerr << family.name << ": not compiled\n", 1;
      declarations += "extern \"C\" const hornfels_model gradcheck_" + family.name +
                      (fuse ? "_fused" : "_unfused") + "_model;\n";
    }
  std::ofstream out(directory + "/gradcheck_table.cpp");
  out << "#include \"tests/gradcheck/Table.h\"\n\n"
      << declarations << "\nnamespace hornfels::gradcheck {\n"
      << "const std::vector<CheckedModel> models = {\n"
      << table << "};\n"
      << "const std::vector<const char *> operations = {";
  for (const std::string &op : differentiableOperations())
    out << "\"" << op << "\", ";
  out << "};\n} // namespace hornfels::gradcheck\n";
  return out.flush() ? 0 : 1;
}

} // namespace hornfels::gradcheck

int main(int argc, char **argv) {
  if (argc != 2)
    return std::cerr << "usage: gradcheck_generate DIRECTORY\n", 2;
  return hornfels::gradcheck::generate(argv[1]);
}
