// Expressions: literals, names, operators on compile-time values, indexing.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hornfels::frontend {

Value Interpreter::evaluate(const Expr &expr) {
  if (++evaluationDepth > maximumEvaluationDepth) {
    error(expr.range,
          fmt::format("limit of {} expressions within expressions reached", maximumEvaluationDepth));
    throw Stopped{};
  }
  countStep(expr.range);
  struct Leave {
    int &depth;
    ~Leave() { --depth; }
  } leave{evaluationDepth};
  return evaluateNode(expr);
}

Value Interpreter::evaluateCallee(const Expr &expr) {
  if (auto *name = as<NameExpr>(&expr))
    return evaluateName(*name, true);
  return evaluate(expr);
}

Value Interpreter::evaluateNode(const Expr &expr) {
  auto listOf = [&](const std::vector<ExprPtr> &elements, bool isTuple) {
    std::vector<Value> values;
    std::vector<SourceRange> places;
    for (const ExprPtr &element : elements) {
      values.push_back(evaluate(*element));
      places.push_back(element->range);
    }
    return makeList(std::move(values), isTuple, std::move(places));
  };
  switch (expr.kind) {
  case ExprKind::Integer:
    return as<IntegerExpr>(&expr)->value;
  case ExprKind::Float:
    return as<FloatExpr>(&expr)->value;
  case ExprKind::String:
    return as<StringExpr>(&expr)->value;
  case ExprKind::Bool:
    return as<BoolExpr>(&expr)->value;
  case ExprKind::None:
    return NoneValue();
  case ExprKind::Name:
    return evaluateName(*as<NameExpr>(&expr), false);
  case ExprKind::List:
    return listOf(as<ListExpr>(&expr)->elements, false);
  case ExprKind::Tuple:
    return listOf(as<TupleExpr>(&expr)->elements, true);
  case ExprKind::Dictionary:
    return evaluateDictionary(*as<DictionaryExpr>(&expr));
  case ExprKind::Unary:
    return evaluateUnary(*as<UnaryExpr>(&expr));
  case ExprKind::Binary:
    return evaluateBinary(*as<BinaryExpr>(&expr));
  case ExprKind::Pipe:
    return evaluatePipe(*as<PipeExpr>(&expr));
  case ExprKind::Call:
    return evaluateCall(*as<CallExpr>(&expr));
  case ExprKind::Index:
    return index(*as<IndexExpr>(&expr));
  case ExprKind::Range:
    error(expr.range, "a range stands only after `in` of a `for`");
    return Poison();
  }
  return Poison();
}

Value Interpreter::evaluateDictionary(const DictionaryExpr &expr) {
  auto dictionary = std::make_shared<DictionaryValue>();
  for (const DictionaryEntry &entry : expr.entries)
    dictionary->entries.push_back(
        {entry.key.text, entry.key.range, entry.value->range, evaluate(*entry.value)});
  return std::shared_ptr<const DictionaryValue>(std::move(dictionary));
}

//===--------------------------------------------------------------------===//
// Names
//===--------------------------------------------------------------------===//

std::optional<Value> Interpreter::lookup(std::string_view name) {
  if (!frames.empty())
    if (const Binding *binding = frame().scope->find(name)) {
      if (auto *variable = getIf<Variable *>(binding->value))
        return read(**variable);
      return binding->value;
    }
  if (const Definition *definition = program.find(name)) {
    auto function = std::make_shared<FunctionValue>();
    function->definition = definition;
    return std::shared_ptr<const FunctionValue>(std::move(function));
  }
  if (name == "batch")
    return BatchValue();
  if (name == "training")
    return run && run->training;
  if (name == "trainable" && !frames.empty() && frame().owner)
    return isTrainable(*frame().owner);
  if (const Builtin *builtin = findBuiltin(name))
    return builtin;
  return std::nullopt;
}

/// The later binding of a name in the body that uses it too early.
static const Name *findBinding(const Block &block, std::string_view name) {
  auto among = [&](const std::vector<Name> &names) -> const Name * {
    for (const Name &each : names)
      if (each.text == name)
        return &each;
    return nullptr;
  };
  for (const StmtPtr &statement : block.statements) {
    const Name *found = nullptr;
    if (auto *bind = as<BindStmt>(statement))
      found = among(bind->targets);
    else if (auto *variable = as<VariableStmt>(statement))
      found = variable->name.text == name ? &variable->name : nullptr;
    else if (auto *definition = as<DefinitionStmt>(statement))
      found = definition->definition->name.text == name ? &definition->definition->name : nullptr;
    else if (auto *hole = as<HoleStmt>(statement))
      found = among(hole->names);
    else if (auto *loop = as<ForStmt>(statement))
      found = findBinding(loop->body, name);
    else if (auto *conditional = as<IfStmt>(statement)) {
      for (const IfStmt::Branch &branch : conditional->branches)
        if (!found)
          found = findBinding(branch.body, name);
      if (!found && conditional->otherwise)
        found = findBinding(*conditional->otherwise, name);
    }
    if (found)
      return found;
  }
  return nullptr;
}

/// After syntax errors: what is not known here may have been bound by text that could not be read.
bool Interpreter::mayBeLost(std::string_view name) const {
  return name.starts_with(lostName) || program.isIncomplete || program.lost.contains(name) ||
         std::any_of(frames.begin(), frames.end(), [](const Frame *each) { return each->definition->mayBindMore; });
}

void Interpreter::reportUndefined(const NameExpr &expr) {
  if (!frames.empty())
    if (const Name *later = findBinding(frame().definition->body, expr.name)) {
      bool isBefore = later->range.begin > expr.range.begin;
      error(expr.range, fmt::format("`{}` is used before it is bound", expr.name))
          .note(later->range,
                isBefore ? "it is bound here" : "it is bound here, in a branch that did not run");
      return;
    }
  Nearest search(expr.name);
  if (!frames.empty())
    for (const Scope *scope = frame().scope.get(); scope; scope = scope->parent.get())
      for (const auto &[name, binding] : scope->names)
        search.offer(name);
  for (const auto &[name, definition] : program.definitions)
    search.offer(name);
  for (std::string_view name : builtinNames())
    search.offer(name);
  error(expr.range, fmt::format("unknown name `{}`", expr.name)).didYouMean(search.name());
}

Value Interpreter::evaluateName(const NameExpr &expr, bool asCallee) {
  std::optional<Value> value = lookup(expr.name);
  if (!value) {
    if (!mayBeLost(expr.name))
      reportUndefined(expr);
    return Poison();
  }
  return asCallee ? *value : instantiateBare(*value, expr);
}

/// Where a value is expected, `flatten` is `flatten()`: a definition with two lists takes its defaults.
Value Interpreter::instantiateBare(const Value &value, const Expr &node) {
  const FunctionValue *function = functionIn(value);
  if (!function)
    return value;
  bool isLayer = function->definition->kind == DefinitionKind::Layer && !function->configured;
  if (function->awaitsConfiguration() || isLayer)
    return configure(*function, {}, &node, node.range);
  return value;
}

//===--------------------------------------------------------------------===//
// Operators
//===--------------------------------------------------------------------===//

std::optional<bool> Interpreter::truth(const Value &value, SourceRange range) {
  if (auto *flag = getIf<bool>(value))
    return *flag;
  if (isPoison(value))
    return std::nullopt;
  if (tensorIn(value))
    error(range, fmt::format("a condition must be known when the model is compiled, this is {}", show(value)))
        .note("`where(condition, a, b)` chooses element by element when the program runs");
  else
    error(range, fmt::format("a condition must be a bool, found {}", show(value)));
  return std::nullopt;
}

Value Interpreter::evaluateUnary(const UnaryExpr &expr) {
  Value x = evaluate(*expr.operand);
  if (isPoison(x))
    return x;
  if (expr.op == UnaryOp::Not) {
    if (auto *tensor = tensorIn(x); tensor && tensor->element == Element::Bool)
      return unary("not", *tensor, expr.range);
    std::optional<bool> flag = truth(x, expr.operand->range);
    return flag ? Value(!*flag) : Value(Poison());
  }
  if (auto *number = getIf<double>(x))
    return -*number;
  if (auto *integer = getIf<int64_t>(x)) {
    if (*integer != std::numeric_limits<int64_t>::min())
      return -*integer;
    error(expr.range, "the result does not fit an int");
    return Poison();
  }
  if (auto *tensor = tensorIn(x); tensor && !tensor->vocabulary && tensor->element != Element::Bool)
    return unary("neg", *tensor, expr.range);
  error(expr.range, fmt::format("cannot negate {}", show(x)));
  return Poison();
}

Value Interpreter::evaluateBinary(const BinaryExpr &expr) {
  if (expr.op != BinaryOp::And && expr.op != BinaryOp::Or) {
    Value left = evaluate(*expr.left); // in the order of the text
    Value right = evaluate(*expr.right);
    return binary(expr.op, std::move(left), std::move(right), expr.range);
  }
  Value left = evaluate(*expr.left);
  bool isAnd = expr.op == BinaryOp::And;
  if (tensorIn(left)) {
    Value right = evaluate(*expr.right);
    if (isPoison(right))
      return right;
    auto *a = tensorIn(left), *b = tensorIn(right);
    if (b && a->element == Element::Bool && b->element == Element::Bool)
      return elementwise(isAnd ? "and" : "or", left, right, expr.range);
    error(expr.range,
          fmt::format("`{}` takes bools, found {} and {}", spelling(expr.op), show(left), show(right)));
    return Poison();
  }
  std::optional<bool> a = truth(left, expr.left->range);
  if (!a)
    return Poison();
  if (*a != isAnd) // false and ..., true or ...
    return *a;
  std::optional<bool> b = truth(evaluate(*expr.right), expr.right->range);
  return b ? Value(*b) : Value(Poison());
}

static bool compareNumbers(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Less:
    return a < b;
  case BinaryOp::LessEqual:
    return a <= b;
  case BinaryOp::Greater:
    return a > b;
  case BinaryOp::GreaterEqual:
    return a >= b;
  case BinaryOp::Equal:
    return a == b;
  default:
    return a != b;
  }
}

/// Equality of compile-time values; callables are equal when they are the same one.
static bool isEqual(const Value &a, const Value &b) {
  auto x = numberIn(a), y = numberIn(b);
  if (x && y)
    return *x == *y;
  auto *s = listIn(a), *t = listIn(b);
  if (s && t) {
    if (s->elements.size() != t->elements.size())
      return false;
    for (size_t i = 0; i < s->elements.size(); ++i)
      if (!isEqual(s->elements[i], t->elements[i]))
        return false;
    return true;
  }
  auto *f = functionIn(a), *g = functionIn(b);
  if (f && g)
    return f->definition == g->definition && f->configured == g->configured;
  if (a.index() != b.index())
    return false;
  if (auto *flag = getIf<bool>(a))
    return *flag == *getIf<bool>(b);
  if (auto *text = getIf<std::string>(a))
    return *text == *getIf<std::string>(b);
  if (auto *builtin = getIf<const Builtin *>(a))
    return *builtin == *getIf<const Builtin *>(b);
  if (auto layer = layerIn(a))
    return layer == layerIn(b);
  return isNone(a) || std::holds_alternative<BatchValue>(a);
}

/// Arithmetic on ints; nothing when the result does not fit or there is none.
static std::optional<Value> integerOperation(BinaryOp op, int64_t a, int64_t b) {
  int64_t r = 0;
  switch (op) {
  case BinaryOp::Add:
    return __builtin_add_overflow(a, b, &r) ? std::nullopt : std::optional<Value>(r);
  case BinaryOp::Subtract:
    return __builtin_sub_overflow(a, b, &r) ? std::nullopt : std::optional<Value>(r);
  case BinaryOp::Multiply:
    return __builtin_mul_overflow(a, b, &r) ? std::nullopt : std::optional<Value>(r);
  case BinaryOp::FloorDivide:
  case BinaryOp::Modulo: {
    if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1))
      return std::nullopt;
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) { // towards minus infinity
      --quotient;
      rest += b;
    }
    return op == BinaryOp::FloorDivide ? quotient : rest;
  }
  case BinaryOp::Power: {
    if (b < 0)
      return std::pow(static_cast<double>(a), static_cast<double>(b));
    r = 1;
    // |a| >= 2 overflows after at most 63 steps; -1, 0 and 1 need only the parity of b.
    for (int64_t i = 0, n = a >= -1 && a <= 1 ? b % 2 + (b > 0 ? 2 : 0) : b; i < n; ++i)
      if (__builtin_mul_overflow(r, a, &r))
        return std::nullopt;
    return r;
  }
  default:
    return std::nullopt;
  }
}

static double realOperation(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Add:
    return a + b;
  case BinaryOp::Subtract:
    return a - b;
  case BinaryOp::Multiply:
    return a * b;
  case BinaryOp::Divide:
    return a / b;
  default:
    return std::pow(a, b);
  }
}

static bool isComparison(BinaryOp op) { return op >= BinaryOp::Less && op <= BinaryOp::NotEqual; }

static const char *operationName(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "add";
  case BinaryOp::Subtract:
    return "sub";
  case BinaryOp::Multiply:
    return "mul";
  case BinaryOp::Divide:
    return "div";
  case BinaryOp::Power:
    return "pow";
  default:
    return nullptr;
  }
}

Value Interpreter::binary(BinaryOp op, Value a, Value b, SourceRange range) {
  if (isPoison(a) || isPoison(b))
    return Poison();
  auto *x = tensorIn(a), *y = tensorIn(b);
  if ((isNone(a) || isNone(b)) && (op == BinaryOp::Equal || op == BinaryOp::NotEqual))
    return (isNone(a) && isNone(b)) == (op == BinaryOp::Equal);
  // The learning rate is a tensor with a known first value: requirements are about that.
  if (isComparison(op) && ((x && x->known) || (y && y->known))) {
    auto p = x ? x->known : numberIn(a), q = y ? y->known : numberIn(b);
    if (p && q)
      return compareNumbers(op, *p, *q);
  }
  bool hasBatch = std::holds_alternative<BatchValue>(a) || std::holds_alternative<BatchValue>(b);
  if (x || y || (hasBatch && !isComparison(op))) {
    auto asTensor = [&](Value &value) {
      if (std::holds_alternative<BatchValue>(value))
        value = tensor(emitter.batchSizeTensor(), options.real, {}, {});
    };
    asTensor(a);
    asTensor(b);
    if (isComparison(op))
      return compareTensors(op, a, b, range);
    if (const char *name = operationName(op))
      return elementwise(name, a, b, range);
    error(range, fmt::format("`{}` is for ints, found {} and {}", spelling(op), show(a), show(b)));
    return Poison();
  }
  if (op == BinaryOp::Equal || op == BinaryOp::NotEqual)
    return isEqual(a, b) == (op == BinaryOp::Equal);
  auto p = numberIn(a), q = numberIn(b);
  auto *i = getIf<int64_t>(a), *j = getIf<int64_t>(b);
  auto *s = listIn(a), *t = listIn(b);
  if (op == BinaryOp::Add && s && t) {
    std::vector<Value> joined = s->elements;
    joined.insert(joined.end(), t->elements.begin(), t->elements.end());
    return makeList(std::move(joined), s->isTuple);
  }
  auto *text = getIf<std::string>(a), *more = getIf<std::string>(b);
  if (op == BinaryOp::Add && text && more)
    return *text + *more;
  if (!p || !q) {
    error(range, fmt::format("`{}` does not take {} and {}", spelling(op), show(a), show(b)));
    return Poison();
  }
  if (isComparison(op))
    return compareNumbers(op, *p, *q);
  if ((op == BinaryOp::Divide && *q == 0) ||
      ((op == BinaryOp::FloorDivide || op == BinaryOp::Modulo) && j && *j == 0)) {
    error(range, "division by zero");
    return Poison();
  }
  if (i && j && op != BinaryOp::Divide) {
    if (auto result = integerOperation(op, *i, *j))
      return *result;
    error(range, "the result does not fit an int");
    return Poison();
  }
  if (op == BinaryOp::FloorDivide || op == BinaryOp::Modulo) {
    error(range, fmt::format("`{}` is for ints, found {} and {}", spelling(op), show(a), show(b)));
    return Poison();
  }
  double result = realOperation(op, *p, *q);
  if (!std::isfinite(result)) {
    error(range, fmt::format("the result is {}", std::isnan(result) ? "not a number" : "out of range"));
    return Poison();
  }
  return result;
}

} // namespace hornfels::frontend
