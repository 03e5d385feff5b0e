#include "frontend/horn/ParserImpl.h"

#include <map>
#include <optional>

namespace hornfels::frontend {

namespace {

// Loosest to tightest, as in the README: 0 is the pipe.
enum Precedence { orLevel = 1, andLevel, notLevel, comparisonLevel, sumLevel, productLevel, minusLevel };

struct Operator {
  BinaryOp op;
  int level;
};

std::optional<Operator> binaryOperator(TokenKind kind) {
  switch (kind) {
  case TokenKind::Or:
    return Operator{BinaryOp::Or, orLevel};
  case TokenKind::And:
    return Operator{BinaryOp::And, andLevel};
  case TokenKind::Less:
    return Operator{BinaryOp::Less, comparisonLevel};
  case TokenKind::LessEqual:
    return Operator{BinaryOp::LessEqual, comparisonLevel};
  case TokenKind::Greater:
    return Operator{BinaryOp::Greater, comparisonLevel};
  case TokenKind::GreaterEqual:
    return Operator{BinaryOp::GreaterEqual, comparisonLevel};
  case TokenKind::EqualEqual:
    return Operator{BinaryOp::Equal, comparisonLevel};
  case TokenKind::NotEqual:
    return Operator{BinaryOp::NotEqual, comparisonLevel};
  case TokenKind::Plus:
    return Operator{BinaryOp::Add, sumLevel};
  case TokenKind::Minus:
    return Operator{BinaryOp::Subtract, sumLevel};
  case TokenKind::Star:
    return Operator{BinaryOp::Multiply, productLevel};
  case TokenKind::Slash:
    return Operator{BinaryOp::Divide, productLevel};
  case TokenKind::SlashSlash:
    return Operator{BinaryOp::FloorDivide, productLevel};
  case TokenKind::Percent:
    return Operator{BinaryOp::Modulo, productLevel};
  default:
    return std::nullopt;
  }
}

} // namespace

/// pipe: binary ('|>' binary)*
ExprPtr Parser::parseExpression() {
  uint32_t begin = token.begin;
  ExprPtr input = parseBinary(orLevel);
  if (!input || !is(TokenKind::Pipe))
    return input;
  auto pipe = make<PipeExpr>(begin);
  if (!pipe)
    return nullptr;
  grow(*pipe, input);
  pipe->input = std::move(input);
  while (is(TokenKind::Pipe)) { // also at the start of a line
    advance();
    ExprPtr stage = parseBinary(orLevel);
    if (!stage)
      return nullptr;
    grow(*pipe, stage);
    pipe->stages.push_back(std::move(stage));
  }
  return finish(std::move(pipe));
}

/// expression (',' expression)*, as after `=` and `return`
ExprPtr Parser::parseTuple() {
  uint32_t begin = token.begin;
  ExprPtr first = parseExpression();
  if (!first || !isOnLine(TokenKind::Comma))
    return first;
  auto tuple = make<TupleExpr>(begin);
  if (!tuple)
    return nullptr;
  grow(*tuple, first);
  tuple->elements.push_back(std::move(first));
  while (isOnLine(TokenKind::Comma)) {
    advance();
    ExprPtr element = parseExpression();
    if (!element)
      return nullptr;
    grow(*tuple, element);
    tuple->elements.push_back(std::move(element));
  }
  return finish(std::move(tuple));
}

/// Operators of at least the level `minimum`, left to right.
ExprPtr Parser::parseBinary(int minimum) {
  uint32_t begin = token.begin;
  ExprPtr left = parsePrefix(minimum);
  const Token *comparison = nullptr;
  Token firstComparison;
  while (left && !atLineEnd()) {
    auto found = binaryOperator(token.kind);
    if (!found || found->level < minimum)
      break;
    if (found->level == comparisonLevel && comparison) {
      error(rangeOf(token), "comparisons are not chained").note("write `a < b and b < c`");
      return nullptr;
    }
    if (found->level == comparisonLevel) {
      firstComparison = token;
      comparison = &firstComparison;
    } else if (found->level < comparisonLevel) {
      comparison = nullptr;
    }
    auto node = make<BinaryExpr>(begin);
    if (!node)
      return nullptr;
    node->op = found->op;
    node->opRange = rangeOf(token);
    advance();
    node->left = std::move(left);
    node->right = parseBinary(found->level + 1);
    if (!node->right)
      return nullptr;
    grow(*node, node->left);
    grow(*node, node->right);
    left = finish(std::move(node));
  }
  return left;
}

/// 'not' comparison | '-' power | power
ExprPtr Parser::parsePrefix(int minimum) {
  bool isNot = is(TokenKind::Not);
  if (!isNot && !is(TokenKind::Minus))
    return parsePower();
  if (isNot && minimum > notLevel) {
    error(rangeOf(token), "`not` binds looser than the operator before it").note("write `(not ...)`");
    return nullptr;
  }
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto node = make<UnaryExpr>(token.begin);
  if (!node)
    return nullptr;
  node->op = isNot ? UnaryOp::Not : UnaryOp::Negate;
  advance();
  node->operand = isNot ? parseBinary(notLevel) : parsePrefix(minusLevel);
  if (!node->operand)
    return nullptr;
  grow(*node, node->operand);
  return finish(std::move(node));
}

/// postfix ['**' ('-' power | power)]: to the right, and tighter than a minus before it
ExprPtr Parser::parsePower() {
  uint32_t begin = token.begin;
  ExprPtr base = parsePostfix();
  if (!base || !isOnLine(TokenKind::StarStar))
    return base;
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto node = make<BinaryExpr>(begin);
  if (!node)
    return nullptr;
  node->op = BinaryOp::Power;
  node->opRange = rangeOf(token);
  advance();
  node->left = std::move(base);
  node->right = parsePrefix(minusLevel);
  if (!node->right)
    return nullptr;
  grow(*node, node->left);
  grow(*node, node->right);
  return finish(std::move(node));
}

/// primary ('(' arguments ')' | '[' items ']')*
ExprPtr Parser::parsePostfix() {
  ExprPtr value = parsePrimary();
  while (value && !atLineEnd()) {
    if (is(TokenKind::LeftParen))
      value = parseCall(std::move(value));
    else if (is(TokenKind::LeftBracket))
      value = parseIndex(std::move(value));
    else
      break;
  }
  return value;
}

ExprPtr Parser::parsePrimary() {
  uint32_t begin = token.begin;
  switch (token.kind) {
  case TokenKind::Integer: {
    auto node = make<IntegerExpr>(begin);
    if (!node)
      return nullptr;
    node->value = token.integer;
    advance();
    return finish(std::move(node));
  }
  case TokenKind::Float: {
    auto node = make<FloatExpr>(begin);
    if (!node)
      return nullptr;
    node->value = token.real;
    node->text = textOf(token);
    advance();
    return finish(std::move(node));
  }
  case TokenKind::String: {
    auto node = make<StringExpr>(begin);
    if (!node)
      return nullptr;
    node->value = lexer.stringValue(token);
    advance();
    return finish(std::move(node));
  }
  case TokenKind::True:
  case TokenKind::False: {
    auto node = make<BoolExpr>(begin);
    if (!node)
      return nullptr;
    node->value = is(TokenKind::True);
    advance();
    return finish(std::move(node));
  }
  case TokenKind::None: {
    auto node = make<NoneExpr>(begin);
    advance();
    return node ? finish(std::move(node)) : nullptr;
  }
  case TokenKind::Name:
    return parseWord();
  case TokenKind::LeftParen:
    return parseParentheses();
  case TokenKind::LeftBracket:
    return parseList();
  case TokenKind::LeftBrace:
    return parseDictionary();
  case TokenKind::Plus:
    expected("an expression").note("a number has no plus before it");
    return nullptr;
  case TokenKind::Star:
    expected("an expression").note("`*list` stands only among the arguments of a call");
    return nullptr;
  default:
    expected("an expression");
    return nullptr;
  }
}

ExprPtr Parser::parseWord() {
  std::string_view word = textOf(token);
  if (word == "nan" || word == "inf") {
    error(rangeOf(token), "'" + std::string(word) + "' is not allowed here: a number is finite");
    return nullptr;
  }
  if (word == "True" || word == "False" || word == "None") {
    error(rangeOf(token), "unknown name '" + std::string(word) + "'")
        .didYouMean(word == "True"    ? "true"
                    : word == "False" ? "false"
                                      : "none");
    return nullptr;
  }
  auto node = make<NameExpr>(token.begin);
  if (!node)
    return nullptr;
  node->name = word;
  advance();
  return finish(std::move(node));
}

/// '(' expression ')' | '(' ')' | '(' expression ',' [...] ')'
ExprPtr Parser::parseParentheses() {
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  uint32_t begin = token.begin;
  open();
  std::vector<ExprPtr> elements;
  bool endsInComma = false;
  bool isWhole = commaSeparated(TokenKind::RightParen, ")", [&] {
    ExprPtr element = parseExpression();
    if (!element)
      return false;
    elements.push_back(std::move(element));
    endsInComma = is(TokenKind::Comma);
    return true;
  });
  if (!isWhole)
    return nullptr;
  if (elements.size() == 1 && !endsInComma) {
    elements[0]->range = since(begin); // with its parentheses, so that carets and quotations are whole
    return std::move(elements[0]);
  }
  auto tuple = make<TupleExpr>(begin);
  if (!tuple)
    return nullptr;
  tuple->elements = std::move(elements);
  for (const ExprPtr &element : tuple->elements)
    grow(*tuple, element);
  return finish(std::move(tuple));
}

ExprPtr Parser::parseList() {
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto list = make<ListExpr>(token.begin);
  if (!list)
    return nullptr;
  open();
  bool isWhole = commaSeparated(TokenKind::RightBracket, "]", [&] {
    ExprPtr element = parseExpression();
    if (!element)
      return false;
    grow(*list, element);
    list->elements.push_back(std::move(element));
    return true;
  });
  return isWhole ? finish(std::move(list)) : nullptr;
}

ExprPtr Parser::parseDictionary() {
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto dictionary = make<DictionaryExpr>(token.begin);
  if (!dictionary)
    return nullptr;
  open();
  bool isWhole = commaSeparated(TokenKind::RightBrace, "}", [&] { return parseEntry(*dictionary); });
  if (!isWhole || !checkDictionaryKeys(*dictionary))
    return nullptr;
  return finish(std::move(dictionary));
}

/// (name | string | integer) ':' expression
bool Parser::parseEntry(DictionaryExpr &out) {
  DictionaryEntry entry;
  entry.key.range = rangeOf(token);
  if (is(TokenKind::Name)) {
    entry.key.text = textOf(token);
  } else if (is(TokenKind::String)) {
    entry.keyKind = DictionaryEntry::KeyKind::String;
    entry.key.text = lexer.stringValue(token);
  } else if (is(TokenKind::Integer)) {
    entry.keyKind = DictionaryEntry::KeyKind::Integer;
    entry.key.text = std::to_string(token.integer);
  } else {
    expected("a key: a name, a string or an integer");
    return false;
  }
  advance();
  if (!is(TokenKind::Colon)) {
    expected("':' after the key of a dictionary");
    return false;
  }
  advance();
  entry.value = parseExpression();
  if (!entry.value)
    return false;
  grow(out, entry.value);
  out.entries.push_back(std::move(entry));
  return true;
}

bool Parser::checkDictionaryKeys(const DictionaryExpr &dictionary) {
  std::map<std::string_view, SourceRange> known;
  for (const DictionaryEntry &entry : dictionary.entries) {
    auto [place, isNew] = known.emplace(entry.key.text, entry.key.range);
    if (isNew)
      continue;
    error(entry.key.range, "a second key `" + printable(entry.key.text) + "`")
        .note(place->second, "the first is here");
    return false;
  }
  return true;
}

ExprPtr Parser::parseCall(ExprPtr callee) {
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto call = make<CallExpr>(callee->range.begin);
  if (!call)
    return nullptr;
  grow(*call, callee);
  call->callee = std::move(callee);
  uint32_t begin = token.begin;
  open();
  bool isWhole = commaSeparated(TokenKind::RightParen, ")", [&] { return parseArgument(*call); });
  if (!isWhole)
    return nullptr;
  call->parentheses = since(begin);
  return checkArgumentNames(*call) ? finish(std::move(call)) : nullptr;
}

/// [name '='] expression | '*' expression
bool Parser::parseArgument(CallExpr &out) {
  Argument argument;
  uint32_t begin = token.begin;
  if (is(TokenKind::Star)) {
    argument.isSpread = true;
    advance();
  } else if (is(TokenKind::Name) && peek().kind == TokenKind::Equal) {
    argument.name = takeName();
    advance();
  }
  argument.value = parseExpression();
  if (!argument.value)
    return false;
  argument.range = since(begin);
  grow(out, argument.value);
  out.arguments.push_back(std::move(argument));
  return true;
}

bool Parser::checkArgumentNames(const CallExpr &call) {
  std::map<std::string_view, SourceRange> known;
  for (const Argument &argument : call.arguments) {
    if (!argument.name) {
      if (known.empty())
        continue;
      error(argument.range, "a positional argument after a named one");
      return false;
    }
    auto [place, isNew] = known.emplace(argument.name->text, argument.name->range);
    if (isNew)
      continue;
    error(argument.name->range, "a second argument `" + argument.name->text + "`")
        .note(place->second, "the first is here");
    return false;
  }
  return true;
}

ExprPtr Parser::parseIndex(ExprPtr base) {
  Nested nested(*this);
  if (nested.isTooDeep)
    return nullptr;
  auto index = make<IndexExpr>(base->range.begin);
  if (!index)
    return nullptr;
  grow(*index, base);
  index->base = std::move(base);
  open();
  if (is(TokenKind::RightBracket)) {
    expected("an index");
    return nullptr;
  }
  bool isWhole = commaSeparated(TokenKind::RightBracket, "]", [&] { return parseIndexItem(*index); });
  return isWhole ? finish(std::move(index)) : nullptr;
}

/// '...' | expression | [expression] ':' [expression] [':' [expression]]
bool Parser::parseIndexItem(IndexExpr &out) {
  IndexItem item;
  uint32_t begin = token.begin;
  auto endsPart = [&] {
    return is(TokenKind::Colon) || is(TokenKind::Comma) || is(TokenKind::RightBracket) ||
           is(TokenKind::EndOfFile);
  };
  auto part = [&](ExprPtr &into) {
    if (endsPart())
      return true;
    into = parseExpression();
    if (into)
      grow(out, into);
    return into != nullptr;
  };
  if (is(TokenKind::Ellipsis)) {
    item.kind = IndexItem::Kind::Ellipsis;
    for (const IndexItem &other : out.items)
      if (other.kind == IndexItem::Kind::Ellipsis) {
        error(rangeOf(token), "a second '...' in one index");
        break;
      }
    advance();
  } else if (is(TokenKind::Comma)) {
    expected("an index");
    return false;
  } else {
    if (!part(item.value))
      return false;
    if (is(TokenKind::Colon)) {
      item.kind = IndexItem::Kind::Slice;
      item.begin = std::move(item.value);
      advance();
      if (!part(item.end))
        return false;
      if (is(TokenKind::Colon)) {
        advance();
        if (!part(item.step))
          return false;
      }
    }
  }
  if (!countNode())
    return false;
  item.range = since(begin);
  out.items.push_back(std::move(item));
  return true;
}

} // namespace hornfels::frontend
