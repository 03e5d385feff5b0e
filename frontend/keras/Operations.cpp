// keras.ops in a graph: `a - b` in Python is a layer of its own, and so is each step of a mask that Keras computed.
#include "frontend/keras/ReaderImpl.h"

#include <set>

namespace hornfels::keras {

static ExprPtr binaryNode(SourceRange place, BinaryOp op, ExprPtr left, ExprPtr right) {
  auto node = std::make_unique<BinaryExpr>(place);
  node->op = op;
  node->opRange = place;
  node->left = std::move(left);
  node->right = std::move(right);
  return node;
}

static ExprPtr builtinNode(SourceRange place, const std::string &name, std::vector<ExprPtr> values) {
  std::vector<Argument> arguments;
  for (ExprPtr &value : values)
    arguments.push_back(argument(std::move(value)));
  return callNode(place, nameNode(place, name), std::move(arguments));
}

static std::vector<ExprPtr> listOf(ExprPtr a, ExprPtr b = nullptr) {
  std::vector<ExprPtr> list;
  list.push_back(std::move(a));
  if (b)
    list.push_back(std::move(b));
  return list;
}

/// zeros_like and ones_like of bools: zeros(shape(x)) compared with 0.
static ExprPtr boolsLike(SourceRange place, ExprPtr x, bool value) {
  ExprPtr zeros = builtinNode(place, "zeros", listOf(builtinNode(place, "shape", listOf(std::move(x)))));
  return binaryNode(place, value ? BinaryOp::Equal : BinaryOp::NotEqual, std::move(zeros), integerNode(place, 0));
}

ExprPtr operationNode(const Object &object, std::vector<ExprPtr> arguments) {
  static const std::map<std::string, BinaryOp> binary = {
      {"Add", BinaryOp::Add},           {"Subtract", BinaryOp::Subtract},  {"Multiply", BinaryOp::Multiply},
      {"Divide", BinaryOp::Divide},     {"TrueDivide", BinaryOp::Divide},  {"NotEqual", BinaryOp::NotEqual},
      {"LogicalOr", BinaryOp::Or},      {"LogicalAnd", BinaryOp::And}};
  static const std::map<std::string, std::string> unary = {
      {"Absolute", "abs"}, {"Abs", "abs"},   {"Exp", "exp"},         {"Log", "log"},
      {"Sqrt", "sqrt"},    {"Tanh", "tanh"}, {"Sigmoid", "sigmoid"}, {"Square", "square"}};
  SourceRange place = object.place;
  const std::string &name = object.className;
  if (auto op = binary.find(name); op != binary.end() && arguments.size() == 2)
    return binaryNode(place, op->second, std::move(arguments[0]), std::move(arguments[1]));
  if (arguments.size() != 1)
    return nullptr;
  if (auto op = unary.find(name); op != unary.end())
    return builtinNode(place, op->second, listOf(std::move(arguments[0])));
  const Json *axis = object.get("axis"), *keep = object.get("keepdims"), *type = object.get("dtype");
  bool hasAxis = axis && axis->kind == JsonKind::Integer;
  bool isBool = type && type->isString() && type->text == "bool";
  if ((name == "ExpandDims" || name == "Concatenate") && hasAxis)
    return builtinNode(place, name == "ExpandDims" ? "expand_dims" : "concatenate",
                       listOf(std::move(arguments[0]), integerNode(place, axis->integer)));
  if (name == "Any" && hasAxis && (!keep || keep->isFalse()))
    return builtinNode(place, "any_of", listOf(std::move(arguments[0]), integerNode(place, axis->integer)));
  if ((name == "ZerosLike" || name == "OnesLike") && isBool)
    return boolsLike(place, std::move(arguments[0]), name == "OnesLike");
  return nullptr;
}

//===--------------------------------------------------------------------===//
// Where a mask comes from
//===--------------------------------------------------------------------===//

/// The origin that all have, or nothing.
static std::string common(const std::vector<MaskSource> &sources) {
  for (const MaskSource &source : sources)
    if (source.origin != sources.front().origin)
      return {};
  return sources.empty() ? std::string() : sources.front().origin;
}

static std::string notEqual(const MaskSource &source, double number) {
  return "!=" + source.place + "," + std::to_string(number);
}

static bool isLast(const Json *axis) { return !axis || (axis->kind == JsonKind::Integer && axis->integer == -1); }

std::string originOfOperation(const Object &object, const std::vector<MaskSource> &sources) {
  const std::string &name = object.className;
  auto after = [&](const char *word) { // what follows `word` in the one origin, or nothing
    std::string origin = common(sources), prefix = std::string(word) + " ";
    return origin.rfind(prefix, 0) == 0 ? origin.substr(prefix.size()) : std::string();
  };
  auto with = [](const char *word, const std::string &origin) {
    return origin.empty() ? origin : std::string(word) + " " + origin;
  };
  if (name == "NotEqual" && sources.size() == 2 && sources[1].number)
    return notEqual(sources[0], *sources[1].number);
  if (name == "ZerosLike")
    return "nowhere";
  if (name == "ExpandDims" && isLast(object.get("axis")))
    return with("column", common(sources));
  if (name == "LogicalOr" && sources.size() == 2 && sources[1].origin == "nowhere" &&
      sources[0].origin.rfind("column ", 0) == 0) // the same at each feature
    return with("features", sources[0].origin.substr(7));
  if (name == "LogicalOr")
    return common(sources);
  if (name == "Concatenate" && isLast(object.get("axis")) && !after("features").empty())
    return common(sources);
  if (name == "Any" && isLast(object.get("axis"))) {
    std::string each = after("features");
    std::string origin = common(sources);
    return !each.empty() ? each : origin.rfind("!=", 0) == 0 ? with("any", origin) : std::string();
  }
  return {};
}

/// Recurrent layers hand a mask on with sequences of results.
bool isSequence(const Object &object) {
  const Json *inner = object.get("layer"), *config = inner ? inner->find("config") : object.config;
  const Json *flag = config ? config->find("return_sequences") : nullptr;
  return flag && flag->isTrue();
}

std::string originOfLayer(const Object &object, bool keepsMask, const std::vector<MaskSource> &sources) {
  const std::string &name = object.className;
  const Json *zero = object.get("mask_zero"), *value = object.get("mask_value");
  if (name == "Embedding" && zero && zero->isTrue() && sources.size() == 1)
    return notEqual(sources[0], 0);
  if (name == "Masking" && sources.size() == 1 && (!value || value->isNumber()))
    return "any " + notEqual(sources[0], value ? value->real : 0);
  static const std::set<std::string> merging = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"};
  static const std::set<std::string> recurrent = {"LSTM", "GRU", "SimpleRNN", "Bidirectional"};
  bool isMerging = merging.count(name) || (name == "Concatenate" && isLast(object.get("axis")));
  bool passes = keepsMask || isMerging || name == "TimeDistributed" || (recurrent.count(name) && isSequence(object));
  return passes ? common(sources) : std::string();
}

} // namespace hornfels::keras
