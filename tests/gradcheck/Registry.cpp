// Walks the registered dialect: an operation is found by its interfaces and traits, not by a list.
#include "ir/HornDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/Pipelines.h"
#include "tests/gradcheck/Cases.h"
#include <map>
#include <set>

namespace hornfels::gradcheck {

template <typename Accept> static std::vector<std::string> operations(Accept accept) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  loadDialects(context);
  std::vector<std::string> names;
  for (mlir::RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == "horn" && name.hasInterface<horn::DifferentiableOp>() && accept(name))
      names.push_back(name.stripDialect().str());
  return names;
}

std::vector<std::string> differentiableOperations() {
  return operations([](mlir::RegisteredOperationName) { return true; });
}

static Domain unaryDomain(const std::string &op) {
  static const std::map<std::string, Domain> domains = {
      {"abs", {0.1, 2, true}},     {"cos", {0, 6, true}},      {"erf", {0, 2.5, true}},
      {"erfinv", {0, 0.9, true}},  {"exp", {0, 3, true}},      {"expm1", {0, 2, true}},
      {"floor", {1.2, 1.8, true}}, {"ceil", {1.2, 1.8, true}}, {"log", {0.1, 4}},
      {"log1p", {-0.5, 3}},        {"neg", {0, 2, true}},      {"reciprocal", {0.3, 2, true}},
      {"relu", {0.1, 2, true}},    {"rsqrt", {0.1, 4}},        {"sigmoid", {0, 6, true}},
      {"sign", {0.1, 2, true}},    {"sin", {0, 6, true}},      {"softplus", {0, 6, true}},
      {"sqrt", {0.1, 4}},          {"square", {0, 2, true}},   {"tanh", {0, 4, true}},
      {"sinh", {0, 3, true}}};
  auto found = domains.find(op);
  return found == domains.end() ? Domain() : found->second;
}

static std::pair<Domain, Domain> binaryDomains(const std::string &op) {
  // max, min: b lies between the two parts of a, so that both sides win and none ties.
  static const std::map<std::string, std::pair<Domain, Domain>> domains = {
      {"add", {{0, 2, true}, {0, 2, true}}},
      {"sub", {{0, 2, true}, {0, 2, true}}},
      {"mul", {{0, 2, true}, {0, 2, true}}},
      {"div", {{0, 2, true}, {0.3, 2, true}}},
      {"max", {{0.5, 1, true}, {0.1, 0.4, true}}},
      {"min", {{0.5, 1, true}, {0.1, 0.4, true}}},
      {"pow", {{0.2, 2}, {0, 2, true}}}};
  auto found = domains.find(op);
  return found == domains.end() ? std::pair<Domain, Domain>() : found->second;
}

/// Operations on bools are given comparisons, from which no gradient comes.
static bool isLogical(const std::string &op) { return op == "not" || op == "and" || op == "or"; }

static Case logicalCase(const std::string &op, unsigned operands) {
  const std::string type = real("?x7"), bools = "tensor<?x7xi1>";
  Case result{op, {}, "@zero = horn.full 0.0 : " + type + "\n", type, "", false};
  std::string used;
  for (unsigned i = 0; i < operands; ++i) {
    const std::string x = i ? "b" : "a";
    result.operands.push_back({x, type, {0.1, 1, true}});
    result.body += "@c" + x + " = horn.compare gt @" + x + ", @zero : " + type + "\n";
    used += (i ? ", @c" : "@c") + x;
  }
  result.body += "@q = horn." + op + " " + used + " : " + bools + "\n";
  result.body += "@y = horn.cast @q : " + bools + " to " + type;
  return result;
}

/// A case with chosen elements: the conventions at ties and at the ends of domains.
static Case tie(const std::string &op, std::vector<double> a, std::vector<double> da,
                std::vector<double> b = {}, std::vector<double> db = {}) {
  const std::string type = real(std::to_string(a.size()));
  Case result{op, {{"a", type, {}, true, std::move(a), std::move(da)}}, "", type};
  if (!b.empty())
    result.operands.push_back({"b", type, {}, true, std::move(b), std::move(db)});
  result.body = "@y = horn." + op + " @a" + (result.operands.size() > 1 ? ", @b" : "") + " : " + type;
  return result;
}

static std::vector<Case> ties() {
  return {
      tie("abs", {0, -0.0, 2, -3}, {0, 0, 1, -1}),
      tie("relu", {0, -0.0, 2, -3}, {0, 0, 1, 0}),
      tie("sign", {0, 1, -1, 3}, {0, 0, 0, 0}),
      tie("floor", {0, 1, -1, 2.5}, {0, 0, 0, 0}),
      tie("ceil", {0, 1, -1, 2.5}, {0, 0, 0, 0}),
      tie("max", {1, 2, 0, -1}, {1, 1, 1, 0}, {1, 0, 0, 5}, {0, 0, 0, 1}),
      tie("min", {1, 2, 0, -1}, {1, 0, 1, 1}, {1, 0, 0, 5}, {0, 1, 0, 0}),
      // d a^b / da = b a^(b-1); by b it is 0 where a <= 0
      tie("pow", {-2, -1.5, 0, 2}, {-4, 6.75, 0, 12}, {2, 3, 2, 3}, {0, 0, 0, 8 * 0.69314718055994530942}),
  };
}

std::vector<Case> elementwiseCases() {
  std::vector<Case> cases = ties();
  auto isUnary = [](mlir::RegisteredOperationName name) {
    return name.hasInterface<horn::ScalarOp>() && name.hasTrait<mlir::OpTrait::SameOperandsAndResultType>() &&
           name.hasTrait<mlir::OpTrait::OneOperand>();
  };
  auto isBinary = [](mlir::RegisteredOperationName name) {
    return name.hasInterface<horn::ScalarOp>() && name.hasTrait<mlir::OpTrait::SameOperandsAndResultType>() &&
           name.hasTrait<mlir::OpTrait::NOperands<2>::Impl>();
  };
  for (const std::string &op : operations(isUnary)) {
    if (op == "stop_gradient")
      continue;
    if (isLogical(op))
      cases.push_back(logicalCase(op, 1));
    else
      for (const char *shape : {"?x7", "3x17", "?", ""})
        cases.push_back({op,
                         {{"x", real(shape), unaryDomain(op)}},
                         "@y = horn." + op + " @x : " + real(shape),
                         real(shape)});
  }
  for (const std::string &op : operations(isBinary)) {
    if (isLogical(op)) {
      cases.push_back(logicalCase(op, 2));
      continue;
    }
    auto [a, b] = binaryDomains(op);
    for (const char *shape : {"?x7", "3x17", "?x1", ""})
      cases.push_back({op,
                       {{"a", real(shape), a}, {"b", real(shape), b}},
                       "@y = horn." + op + " @a, @b : " + real(shape),
                       real(shape)});
    // One value on both sides receives both gradients; of max(a, a), a tie, dy and 0.
    cases.push_back({op,
                     {{"a", real("?x5"), Domain{0.3, 0.8}}},
                     "@y = horn." + op + " @a, @a : " + real("?x5"),
                     real("?x5")});
  }
  return cases;
}

} // namespace hornfels::gradcheck
