// Nodes of the syntax tree, each in one expression.
#include "frontend/keras/ReaderImpl.h"

namespace hornfels::keras {

ExprPtr integerNode(SourceRange range, int64_t value) {
  auto node = std::make_unique<IntegerExpr>(range);
  node->value = value;
  return node;
}

ExprPtr floatNode(SourceRange range, double value) {
  auto node = std::make_unique<FloatExpr>(range);
  node->value = value;
  return node;
}

ExprPtr stringNode(SourceRange range, std::string value) {
  auto node = std::make_unique<StringExpr>(range);
  node->value = std::move(value);
  return node;
}

ExprPtr boolNode(SourceRange range, bool value) {
  auto node = std::make_unique<BoolExpr>(range);
  node->value = value;
  return node;
}

ExprPtr noneNode(SourceRange range) { return std::make_unique<NoneExpr>(range); }

ExprPtr nameNode(SourceRange range, std::string name) {
  auto node = std::make_unique<NameExpr>(range);
  node->name = std::move(name);
  return node;
}

ExprPtr lostNode(SourceRange range) { return nameNode(range, std::string(lostName)); }

Argument lostArgument(SourceRange range) { return argument(lostNode(range), std::string(lostName)); }

ExprPtr listNode(SourceRange range, std::vector<ExprPtr> elements) {
  auto node = std::make_unique<ListExpr>(range);
  node->elements = std::move(elements);
  return node;
}

ExprPtr indexNode(SourceRange range, ExprPtr base, int64_t index) {
  auto node = std::make_unique<IndexExpr>(range);
  node->base = std::move(base);
  IndexItem item;
  item.range = range;
  item.value = integerNode(range, index);
  node->items.push_back(std::move(item));
  return node;
}

ExprPtr callNode(SourceRange range, ExprPtr callee, std::vector<Argument> arguments) {
  auto node = std::make_unique<CallExpr>(range);
  node->callee = std::move(callee);
  node->arguments = std::move(arguments);
  node->parentheses = range;
  return node;
}

ExprPtr valueNode(SourceRange range, const std::string &name, std::vector<Argument> arguments) {
  ExprPtr callee = nameNode(range, name);
  return arguments.empty() ? std::move(callee) : callNode(range, std::move(callee), std::move(arguments));
}

StmtPtr bindNode(Name name, ExprPtr value) {
  auto node = std::make_unique<BindStmt>(name.range);
  node->targets.push_back(std::move(name));
  node->value = std::move(value);
  return node;
}

Argument argument(ExprPtr value, const std::string &name) {
  Argument result;
  result.range = value->range;
  if (!name.empty())
    result.name = Name{name, result.range};
  result.value = std::move(value);
  return result;
}

} // namespace hornfels::keras
