// Statements: binding, `if`, `for`, `return`, `require`, `:=`, nested definitions.
#include "frontend/horn/Interpreter.h"

#include <fmt/format.h>

namespace hornfels::frontend {

Interpreter::Interpreter(const Program &program, const InterpreterOptions &options, Emitter &emitter,
                         Diagnostics &diagnostics)
    : program(program), options(options), emitter(emitter), diagnostics(diagnostics) {}

void Interpreter::within(Run &other, const std::function<void()> &body) {
  Run *before = run;
  Emitter::Place place = emitter.place();
  run = &other;
  emitter.enter(other.function);
  // A body may end by an exception: what was current is restored in any case.
  struct Restore {
    Interpreter &self;
    Run *before;
    Emitter::Place place;
    ~Restore() {
      self.run = before;
      if (before)
        self.emitter.enter(before->function);
      self.emitter.setPlace(place);
    }
  } restore{*this, before, place};
  body();
}

bool Interpreter::execute(const Block &block) {
  for (const StmtPtr &statement : block.statements) {
    // All requirements at the head are checked; what follows relies on them.
    if (frame().isRefused && statement->kind != StmtKind::Require) {
      frame().result = Poison();
      return true;
    }
    try {
      if (executeStatement(*statement))
        return true;
    } catch (const Stopped &stopped) {
      DefinitionKind kind = frame().definition->kind;
      bool isOutermost = kind == DefinitionKind::Train || (kind == DefinitionKind::Model && frame().owner == root);
      if (stopped.isFinal || !isOutermost)
        throw;
      skipUnknown(*statement);
    }
  }
  return false;
}

void Interpreter::guard(const std::function<void()> &body) {
  try {
    body();
  } catch (const Stopped &stopped) {
    if (stopped.isFinal)
      throw;
  }
}

bool Interpreter::executeStatement(const Stmt &statement) {
  countStep(statement.range);
  switch (statement.kind) {
  case StmtKind::Bind:
    executeBind(*as<BindStmt>(&statement));
    return false;
  case StmtKind::Assign:
    assign(*as<AssignStmt>(&statement));
    return false;
  case StmtKind::Expression:
    evaluate(*as<ExpressionStmt>(&statement)->value);
    return false;
  case StmtKind::For:
    return executeFor(*as<ForStmt>(&statement));
  case StmtKind::Require:
    executeRequire(*as<RequireStmt>(&statement));
    return false;
  case StmtKind::Variable:
    declareVariable(*as<VariableStmt>(&statement));
    return false;
  case StmtKind::Return:
    frame().result = evaluate(*as<ReturnStmt>(&statement)->value);
    return true;
  case StmtKind::If: {
    auto &conditional = *as<IfStmt>(&statement);
    for (const IfStmt::Branch &branch : conditional.branches) {
      std::optional<bool> holds = truth(evaluate(*branch.condition), branch.condition->range);
      if (!holds) { // reported; no branch can be chosen
        bool mayReturn = skipUnknown(statement);
        if (mayReturn)
          frame().result = Poison();
        return mayReturn;
      }
      if (*holds)
        return execute(branch.body);
    }
    return conditional.otherwise && execute(*conditional.otherwise);
  }
  case StmtKind::Definition: {
    const Definition &definition = *as<DefinitionStmt>(&statement)->definition;
    auto function = std::make_shared<FunctionValue>();
    function->definition = &definition;
    function->closure = frame().scope;
    frame().scope->names[definition.name.text] = {std::shared_ptr<const FunctionValue>(function),
                                                  definition.name.range};
    return false;
  }
  case StmtKind::Hole:
    for (const Name &name : as<HoleStmt>(&statement)->names)
      frame().scope->names[name.text] = {Poison(), name.range};
    frame().isFaulty = true; // it may have been about the result
    return false;
  case StmtKind::Step:
  case StmtKind::Minimize:
    error(statement.range, "training in steps is not supported yet: give `optimizer` and `loss`");
    return false;
  }
  return false;
}

/// A statement of which it is not known whether it runs: the names that it would bind are faulty from here on. True
/// when it could return.
bool Interpreter::skipUnknown(const Stmt &statement) {
  auto &names = frame().scope->names;
  auto poison = [&](const Name &name) {
    // A state or a slot stays one: it is bound by its declaration only.
    if (auto found = names.find(name.text); found == names.end() || !getIf<Variable *>(found->second.value))
      names[name.text] = {Poison(), name.range};
  };
  if (auto *bind = as<BindStmt>(&statement)) {
    for (const Name &name : bind->targets)
      poison(name);
  } else if (auto *hole = as<HoleStmt>(&statement)) {
    for (const Name &name : hole->names)
      poison(name);
  } else if (auto *variable = as<VariableStmt>(&statement)) {
    poison(variable->name);
  } else if (auto *definition = as<DefinitionStmt>(&statement)) {
    poison(definition->definition->name);
  } else if (auto *loop = as<ForStmt>(&statement)) {
    for (const Name &name : loop->targets)
      poison(name);
    return skipUnknown(loop->body);
  } else if (auto *conditional = as<IfStmt>(&statement)) {
    bool mayReturn = conditional->otherwise && skipUnknown(*conditional->otherwise);
    for (const IfStmt::Branch &branch : conditional->branches)
      mayReturn |= skipUnknown(branch.body);
    return mayReturn;
  }
  return statement.kind == StmtKind::Return;
}

bool Interpreter::skipUnknown(const Block &block) {
  bool mayReturn = false;
  for (const StmtPtr &statement : block.statements)
    mayReturn |= skipUnknown(*statement);
  return mayReturn;
}

/// How often a body binds a name, in its nested blocks too. Counting stops at 2.
static int countBindings(const Block &block, std::string_view name) {
  int count = 0;
  auto countNames = [&](const std::vector<Name> &names) {
    for (const Name &each : names)
      count += each.text == name;
  };
  for (const StmtPtr &statement : block.statements) {
    if (auto *bind = as<BindStmt>(statement)) {
      countNames(bind->targets);
    } else if (auto *loop = as<ForStmt>(statement)) {
      countNames(loop->targets);
      count += countBindings(loop->body, name);
    } else if (auto *conditional = as<IfStmt>(statement)) {
      for (const IfStmt::Branch &branch : conditional->branches)
        count += countBindings(branch.body, name);
      if (conditional->otherwise)
        count += countBindings(*conditional->otherwise, name);
    }
    if (count > 1)
      break;
  }
  return count;
}

static bool bindsOnce(const Definition &definition, std::string_view name) {
  for (const auto *list : {&definition.configuration, &definition.call})
    if (*list)
      for (const Parameter &parameter : (*list)->parameters)
        if (parameter.name.text == name)
          return false;
  return countBindings(definition.body, name) == 1;
}

/// `h = x |> dense(3)`, `h = dense(3)(x)`, `h = dense(3)`: the layer made in the last step is named h.
void Interpreter::hintName(const Name &target, const Expr &value) {
  if (!bindsOnce(*frame().definition, target.text))
    return;
  const Expr *last = &value;
  if (auto *pipe = as<PipeExpr>(last))
    last = pipe->stages.back().get();
  nameHints[last] = target.text;
  if (auto *call = as<CallExpr>(last); call && last == &value)
    nameHints[call->callee.get()] = target.text;
}

void Interpreter::executeBind(const BindStmt &statement) {
  hintName(statement.targets.front(), *statement.value);
  // Operations outside layers carry the name that their value gets.
  std::optional<PlaceScope> place;
  if (frame().owner == root && root && frame().definition->kind == DefinitionKind::Model)
    place.emplace(*this, statement.targets.front().text, statement.range);
  bindTargets(statement.targets, evaluate(*statement.value), statement.value->range);
}

void Interpreter::bindTargets(const std::vector<Name> &targets, const Value &value, SourceRange range) {
  auto &names = frame().scope->names;
  if (targets.size() == 1) {
    names[targets.front().text] = {value, targets.front().range};
    return;
  }
  const ListValue *list = listIn(value);
  if (!isPoison(value) && (!list || list->elements.size() != targets.size()))
    error(range, fmt::format("cannot take {} apart into {} names", show(value), targets.size()));
  for (size_t i = 0; i < targets.size(); ++i)
    names[targets[i].text] = {list && list->elements.size() == targets.size() ? list->elements[i]
                                                                              : Value(Poison()),
                              targets[i].range};
}

/// One iteration: the loop index is part of the place at which layers and weights are found again.
bool Interpreter::executeIteration(const ForStmt &statement, Value element, SourceRange range,
                                   int64_t index) {
  countStep(statement.range);
  std::string before = frame().path;
  frame().path += fmt::format("{:x}#{}/", reinterpret_cast<uintptr_t>(&statement), index);
  bindTargets(statement.targets, element, range);
  bool returned = execute(statement.body);
  frame().path = before;
  return returned;
}

bool Interpreter::executeFor(const ForStmt &statement) {
  auto skip = [&] { // how often it runs is not known
    bool mayReturn = skipUnknown(statement);
    if (mayReturn)
      frame().result = Poison();
    return mayReturn;
  };
  if (auto *counted = as<RangeExpr>(statement.iterable)) {
    Value begin = evaluate(*counted->begin), end = evaluate(*counted->end);
    for (auto [value, range] :
         {std::pair{&begin, counted->begin->range}, std::pair{&end, counted->end->range}})
      if (!isPoison(*value) && !getIf<int64_t>(*value)) {
        error(range, fmt::format("a range goes from int to int, found {}", show(*value)));
        return skip();
      }
    if (isPoison(begin) || isPoison(end))
      return skip();
    for (int64_t i = std::get<int64_t>(begin), last = std::get<int64_t>(end), n = 0; i < last; ++i, ++n)
      if (executeIteration(statement, i, counted->range, n))
        return true;
    return false;
  }
  Value iterable = evaluate(*statement.iterable);
  if (isPoison(iterable))
    return skip();
  const ListValue *list = listIn(iterable);
  if (!list) {
    error(statement.iterable->range,
          fmt::format("`for` goes over a range or a list, found {}", show(iterable)));
    return skip();
  }
  for (size_t i = 0; i < list->elements.size(); ++i)
    if (executeIteration(statement, list->elements[i], statement.iterable->range, static_cast<int64_t>(i)))
      return true;
  return false;
}

/// The first name in an expression that is a parameter of the running call.
static const NameExpr *firstParameter(const Expr &expr, const Frame &frame) {
  if (auto *name = as<NameExpr>(&expr))
    return frame.argumentPlaces.contains(name->name) ? name : nullptr;
  if (auto *operation = as<BinaryExpr>(&expr)) {
    if (auto *found = firstParameter(*operation->left, frame))
      return found;
    return firstParameter(*operation->right, frame);
  }
  if (auto *operation = as<UnaryExpr>(&expr))
    return firstParameter(*operation->operand, frame);
  if (auto *called = as<CallExpr>(&expr))
    for (const Argument &argument : called->arguments)
      if (auto *found = firstParameter(*argument.value, frame))
        return found;
  if (auto *indexed = as<IndexExpr>(&expr))
    return firstParameter(*indexed->base, frame);
  return nullptr;
}

void Interpreter::executeRequire(const RequireStmt &statement) {
  Value value = evaluate(*statement.condition);
  std::optional<bool> holds = truth(value, statement.condition->range);
  if (!holds || *holds)
    return;
  std::string condition(diagnostics.sources().text(statement.condition->range));
  const NameExpr *parameter = firstParameter(*statement.condition, frame());
  if (!parameter) {
    frame().isRefused = true;
    error(frame().callSite, fmt::format("{}: requires {}", frame().definition->name.text, condition));
    return;
  }
  Value found = frame().scope->find(parameter->name)->value;
  std::string what = getIf<Tensor>(found) && tensorIn(found)->known ? numberText(*tensorIn(found)->known)
                     : numberIn(found)                              ? numberText(*numberIn(found))
                                                                    : show(found);
  SourceRange place = frame().argumentPlaces.find(parameter->name)->second;
  // An argument written in the user's text is shown itself, a default where the call is.
  if (!place.isValid() || diagnostics.sources().isLibrary(place.file))
    place = userPlace(frame().callSite);
  diagnostics.error(place, fmt::format("{}: {} is {}, but {} is required", frame().definition->name.text,
                                       parameter->name, what, condition));
  // What reads the refused argument is silent from here on; the rest of the body is still checked.
  frame().isFaulty = true;
  frame().scope->names[parameter->name] = {Poison(), place};
}

} // namespace hornfels::frontend
