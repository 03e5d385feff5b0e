#include "frontend/horn/ParserImpl.h"

namespace hornfels::frontend {

namespace {

/// What people write who come from elsewhere.
std::string habitHint(std::string_view word) {
  static constexpr std::pair<std::string_view, std::string_view> habits[] = {
      {"elif", "write `else if`"},
      {"while", "a loop has a known number of turns: `for i in 0..n`"},
      {"def", "write `fn`"},
      {"let", "a name is bound by `name = value`"},
      {"var", "a name is bound by `name = value`"},
      {"const", "a name is bound by `name = value`"},
  };
  for (auto &[habit, hint] : habits)
    if (habit == word)
      return std::string(hint);
  return {};
}

} // namespace

/// block: '{' statement* '}'. After an error in a statement leaves it out (a hole) and goes on with the next.
/// False if the block has no end. `ownerBegin` is where the statement or definition begins whose block it is.
bool Parser::parseBlock(Block &out, uint32_t ownerBegin) {
  Nested nested(*this);
  if (nested.isTooDeep)
    return false;
  const Token opening = token;
  size_t openAtStart = brackets.size();
  unsigned outerNewlines = std::exchange(newlinesIgnored, 0);
  brackets.push_back(token);
  advance();
  while (!is(TokenKind::RightBrace) && !isUnwinding) {
    if (is(TokenKind::EndOfFile) || isTopLevelOnlyHead()) {
      if (hasSuspect)
        unclosed(suspectOpen, rangeOf(suspectClose), "}");
      else
        unclosed(opening, rangeOf(token), "}");
      isUnwinding = true;
      break;
    }
    const Token first = token;
    size_t openBefore = brackets.size();
    broken.clear();
    if (auto statement = parseStatement()) {
      out.statements.push_back(std::move(statement));
    } else if (!isUnwinding) {
      out.statements.push_back(holeAt(first));
      skipStatement(first, openBefore);
      ++holes;
    }
  }
  brackets.resize(openAtStart);
  newlinesIgnored = outerNewlines;
  if (isUnwinding)
    return false;
  if (token.startsLine && !hasSuspect && indentOf(token.begin) < indentOf(ownerBegin)) {
    suspectOpen = opening;
    suspectClose = token;
    hasSuspect = true;
  }
  advance();
  out.range = since(opening.begin);
  return true;
}

/// What is left of a statement that begins with `first`: the names that it binds, or its first word, which may
/// be one (`k dense(3)`).
StmtPtr Parser::holeAt(const Token &first) {
  auto hole = std::make_unique<HoleStmt>(rangeOf(first));
  hole->names = std::exchange(broken, {});
  if (hole->names.empty() && first.kind == TokenKind::Name)
    hole->names.push_back({std::string(textOf(first)), rangeOf(first)});
  else if (hole->names.empty() && first.kind != TokenKind::Return && first.kind != TokenKind::Require)
    ++opaqueHoles;
  return hole;
}

/// To the start of the next statement: a new line outside the brackets that the broken one opened, or a new
/// line inside them that is no further in than the broken statement was. A `}` that closes no brace of the
/// statement's closes the block, whatever brackets are open.
void Parser::skipStatement(const Token &first, size_t openAtStart) {
  size_t open = brackets.size() - openAtStart;
  auto openBraces = std::count_if(brackets.begin() + static_cast<std::ptrdiff_t>(openAtStart), brackets.end(),
                                  [](const Token &t) { return t.kind == TokenKind::LeftBrace; });
  brackets.resize(openAtStart);
  newlinesIgnored = 0;
  bool hasMoved = token.begin != first.begin;
  unsigned indent = indentOf(first.begin);
  for (; !is(TokenKind::EndOfFile); advance(), hasMoved = true) {
    bool closes = is(TokenKind::RightParen) || is(TokenKind::RightBracket) || is(TokenKind::RightBrace);
    if (is(TokenKind::RightBrace) && openBraces-- == 0)
      return;
    if (token.startsLine && hasMoved && (open == 0 || (!closes && indentOf(token.begin) <= indent)))
      return;
    if (is(TokenKind::LeftParen) || is(TokenKind::LeftBracket) || is(TokenKind::LeftBrace))
      ++open, openBraces += is(TokenKind::LeftBrace);
    else if (closes && open > 0)
      --open;
  }
}

StmtPtr Parser::parseStatement() {
  const Token first = token;
  statementBegin = first.begin;
  bool isKeyword = false;
  StmtPtr statement = parseKeywordStatement(isKeyword);
  if (!isKeyword)
    statement = parseBindOrExpression();
  if (!statement)
    return nullptr;
  statement->range.end = previousEnd;
  bool endsInBlock = statement->kind == StmtKind::If || statement->kind == StmtKind::For ||
                     statement->kind == StmtKind::Definition || statement->kind == StmtKind::Step;
  if (endsInBlock || endStatement(first))
    return statement;
  return nullptr;
}

/// A statement ends with its line, or where the block closes.
bool Parser::endStatement(const Token &first) {
  if (token.startsLine || is(TokenKind::RightBrace) || is(TokenKind::EndOfFile))
    return true;
  if (is(TokenKind::CompoundAssign)) {
    error(rangeOf(token), "there is no " + describe(token))
        .note("write `x = x " + std::string(textOf(token).substr(0, textOf(token).size() - 1)) + " ...`");
    return false;
  }
  Diagnostic &diagnostic = expected("the end of the statement");
  if (is(TokenKind::If))
    diagnostic.note(
        "there is no conditional expression: bind the name in both branches of an `if { } else { }`");
  if (first.kind == TokenKind::Name && previousEnd == first.end) {
    std::string hint = habitHint(textOf(first));
    if (!hint.empty())
      diagnostic.note(hint);
    else if (is(TokenKind::Name))
      diagnostic.didYouMean(nearest(
          textOf(first), {"weight", "state", "slot", "layer", "fn", "return", "require", "minimize"}));
  }
  return false;
}

/// The statements that begin with a keyword. A contextual one is a keyword where a name follows it on its
/// line.
StmtPtr Parser::parseKeywordStatement(bool &isKeyword) {
  isKeyword = true;
  switch (token.kind) {
  case TokenKind::If:
    return parseIf();
  case TokenKind::For:
    return parseFor();
  case TokenKind::Return:
    return parseReturn();
  case TokenKind::Require:
    return parseRequire();
  case TokenKind::Else:
    error(rangeOf(token), "this `else` belongs to no `if`");
    return nullptr;
  default:
    break;
  }
  if (is(TokenKind::Name)) {
    std::string_view word = textOf(token);
    bool namesFollow = peek().kind == TokenKind::Name && !peek().startsLine;
    if (namesFollow && word == "weight")
      return parseVariable(VariableKind::Weight);
    if (namesFollow && word == "state")
      return parseVariable(VariableKind::State);
    if (namesFollow && word == "slot")
      return parseVariable(VariableKind::Slot);
    if (namesFollow && word == "step")
      return parseStep();
    if (inStep && word == "minimize" && peek().kind != TokenKind::Equal && !peek().startsLine)
      return parseMinimize();
    if (isDefinitionHead())
      return parseNestedDefinition();
  }
  isKeyword = false;
  return nullptr;
}

/// ('weight' | 'state' | 'slot') name [':' type] '=' expression
StmtPtr Parser::parseVariable(VariableKind kind) {
  static constexpr const char *words[] = {"weight", "state", "slot"};
  const std::string word = words[static_cast<int>(kind)];
  auto statement = make<VariableStmt>(token.begin);
  if (!statement)
    return nullptr;
  DefinitionKind owner = enclosing();
  bool isAllowed =
      kind == VariableKind::Weight  ? owner == DefinitionKind::Layer || owner == DefinitionKind::Model
      : kind == VariableKind::State ? owner == DefinitionKind::Layer || owner == DefinitionKind::Model ||
                                          owner == DefinitionKind::Metric
                                    : owner == DefinitionKind::Optimizer;
  if (!isAllowed) {
    static constexpr const char *owners[] = {"a layer or a model", "a layer, a model or a metric",
                                             "an optimizer"};
    error(rangeOf(token), "a " + word + " belongs to " + owners[static_cast<int>(kind)] +
                              "; this is the body of a `" + spelling(owner) + "`");
  }
  statement->variable = kind;
  advance();
  statement->name = takeName();
  broken = {statement->name};
  if (isOnLine(TokenKind::Colon)) {
    advance();
    if (!parseType(statement->type.emplace()))
      return nullptr;
    if (statement->type->kind != TypeKind::Tensor)
      error(statement->type->range,
            "a " + word + " is a tensor, as in `" + word + " " + statement->name.text + ": real[n]`");
  } else if (kind != VariableKind::Slot) {
    expected("':' and the type of the " + word);
    return nullptr;
  }
  if (!isOnLine(TokenKind::Equal)) {
    expected("'=' and the first value of the " + word);
    return nullptr;
  }
  advance();
  statement->initial = parseExpression();
  return statement->initial ? std::move(statement) : nullptr;
}

StmtPtr Parser::parseNestedDefinition() {
  if (textOf(token) != "fn" && textOf(token) != "layer") {
    std::string word(textOf(token));
    Diagnostic &diagnostic =
        error(rangeOf(token), "`" + word + "` stands at the top of a file, not in a body");
    if (word == "optimizer" && enclosing() == DefinitionKind::Train)
      diagnostic.note("write `optimizer = ...`");
    return nullptr;
  }
  auto statement = make<DefinitionStmt>(token.begin);
  if (!statement)
    return nullptr;
  bool isLost = false;
  statement->definition = parseDefinition(isLost);
  if (statement->definition && isLost)
    broken = {statement->definition->name};
  if (!statement->definition || isLost)
    return nullptr;
  return statement;
}

/// 'step' name block
StmtPtr Parser::parseStep() {
  auto statement = make<StepStmt>(token.begin);
  if (!statement)
    return nullptr;
  if (enclosing() != DefinitionKind::Train || inStep)
    error(rangeOf(token), "a `step` stands in a train block");
  advance();
  statement->name = takeName();
  if (!is(TokenKind::LeftBrace)) {
    expected("'{'");
    return nullptr;
  }
  bool wasInStep = std::exchange(inStep, true);
  bool isWhole = parseBlock(statement->body, statement->range.begin);
  inStep = wasInStep;
  return isWhole ? std::move(statement) : nullptr;
}

/// 'minimize' expression ['over' name (',' name)*]
StmtPtr Parser::parseMinimize() {
  auto statement = make<MinimizeStmt>(token.begin);
  if (!statement)
    return nullptr;
  advance();
  statement->value = parseExpression();
  if (!statement->value)
    return nullptr;
  if (!isOnLine(TokenKind::Name) || textOf(token) != "over")
    return statement;
  do {
    advance();
    if (!is(TokenKind::Name)) {
      expected("the name of a layer or a model");
      return nullptr;
    }
    statement->over.push_back(takeName());
  } while (isOnLine(TokenKind::Comma));
  return statement;
}

/// 'if' expression block ('else' 'if' expression block)* ['else' block]
StmtPtr Parser::parseIf() {
  auto statement = make<IfStmt>(token.begin);
  if (!statement)
    return nullptr;
  while (true) {
    advance(); // if
    ++newlinesIgnored;
    IfStmt::Branch branch;
    branch.condition = parseExpression();
    if (!branch.condition)
      return nullptr;
    if (!is(TokenKind::LeftBrace)) {
      Diagnostic &diagnostic = expected("'{'");
      if (is(TokenKind::Equal))
        diagnostic.note("`==` compares");
      return nullptr;
    }
    --newlinesIgnored;
    if (!parseBlock(branch.body, statement->range.begin) || !countNode())
      return nullptr;
    statement->branches.push_back(std::move(branch));
    if (!is(TokenKind::Else))
      return statement;
    advance();
    if (is(TokenKind::If))
      continue;
    if (!is(TokenKind::LeftBrace)) {
      expected("'{' or `if`");
      return nullptr;
    }
    return parseBlock(statement->otherwise.emplace(), statement->range.begin) ? std::move(statement)
                                                                              : nullptr;
  }
}

/// 'for' name (',' name)* 'in' expression ['..' expression] block
StmtPtr Parser::parseFor() {
  auto statement = make<ForStmt>(token.begin);
  if (!statement)
    return nullptr;
  ++newlinesIgnored;
  do {
    advance();
    if (!is(TokenKind::Name)) {
      expected("a name");
      return nullptr;
    }
    statement->targets.push_back(takeName());
  } while (is(TokenKind::Comma));
  if (!is(TokenKind::In)) {
    expected("`in`");
    return nullptr;
  }
  advance();
  uint32_t begin = token.begin;
  statement->iterable = parseExpression();
  if (!statement->iterable)
    return nullptr;
  if (is(TokenKind::DotDot)) {
    auto range = make<RangeExpr>(begin);
    if (!range)
      return nullptr;
    advance();
    range->begin = std::move(statement->iterable);
    range->end = parseExpression();
    if (!range->end)
      return nullptr;
    grow(*range, range->begin);
    grow(*range, range->end);
    statement->iterable = finish(std::move(range));
    if (!statement->iterable)
      return nullptr;
  }
  if (!is(TokenKind::LeftBrace)) {
    expected("'{'");
    return nullptr;
  }
  --newlinesIgnored;
  return parseBlock(statement->body, statement->range.begin) ? std::move(statement) : nullptr;
}

StmtPtr Parser::parseReturn() {
  auto statement = make<ReturnStmt>(token.begin);
  if (!statement)
    return nullptr;
  if (enclosing() == DefinitionKind::Model)
    error(rangeOf(token), "a model returns what is bound to the names after its '->'");
  else if (enclosing() == DefinitionKind::Train)
    error(rangeOf(token), "a train block returns nothing");
  advance();
  if (atLineEnd()) {
    expected("a value to return");
    return nullptr;
  }
  statement->value = parseTuple();
  return statement->value ? std::move(statement) : nullptr;
}

StmtPtr Parser::parseRequire() {
  auto statement = make<RequireStmt>(token.begin);
  if (!statement)
    return nullptr;
  advance();
  if (atLineEnd()) {
    expected("a condition");
    return nullptr;
  }
  statement->condition = parseExpression();
  return statement->condition ? std::move(statement) : nullptr;
}

/// names '=' tuple | name ':=' expression | expression
StmtPtr Parser::parseBindOrExpression() {
  uint32_t begin = token.begin;
  if (is(TokenKind::RightParen) || is(TokenKind::RightBracket)) {
    error(rangeOf(token), "this " + describe(token) + " closes nothing");
    return nullptr;
  }
  ExprPtr left = parseTuple();
  if (!left)
    return nullptr;
  if (isOnLine(TokenKind::Equal)) {
    auto statement = make<BindStmt>(begin);
    if (!statement || !takeTargets(std::move(left), statement->targets))
      return nullptr;
    broken = statement->targets;
    advance();
    statement->value = parseTuple();
    return statement->value ? std::move(statement) : nullptr;
  }
  if (isOnLine(TokenKind::ColonEqual)) {
    auto statement = make<AssignStmt>(begin);
    if (!statement)
      return nullptr;
    const auto *name = as<NameExpr>(left);
    if (!name) {
      error(left->range, "only a state or a slot, by its name, is set by `:=`");
      return nullptr;
    }
    statement->target = {name->name, name->range};
    advance();
    statement->value = parseExpression();
    return statement->value ? std::move(statement) : nullptr;
  }
  auto statement = make<ExpressionStmt>(begin);
  if (!statement)
    return nullptr;
  statement->value = std::move(left);
  return statement;
}

/// Reads the left side of a `=` as names.
bool Parser::takeTargets(ExprPtr left, std::vector<Name> &out) {
  auto take = [&](const ExprPtr &target) {
    const auto *name = as<NameExpr>(target);
    if (!name) {
      error(target->range, "only names are bound by '=': one, or several parted by commas");
      return false;
    }
    for (const Name &other : out)
      if (other.text == name->name) {
        error(name->range, "`" + name->name + "` is bound twice in one statement");
        return false;
      }
    out.push_back({name->name, name->range});
    return true;
  };
  const auto *tuple = as<TupleExpr>(left);
  if (!tuple)
    return take(left);
  if (tuple->elements.size() < 2) {
    error(left->range, "expected names to bind");
    return false;
  }
  return std::all_of(tuple->elements.begin(), tuple->elements.end(), take);
}

} // namespace hornfels::frontend
