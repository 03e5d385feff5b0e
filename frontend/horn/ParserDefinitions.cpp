#include "frontend/horn/ParserImpl.h"

#include <map>

namespace hornfels::frontend {

namespace {
constexpr std::pair<std::string_view, DefinitionKind> definitionWords[] = {
    {"model", DefinitionKind::Model},         {"train", DefinitionKind::Train},
    {"layer", DefinitionKind::Layer},         {"fn", DefinitionKind::Function},
    {"optimizer", DefinitionKind::Optimizer}, {"metric", DefinitionKind::Metric},
};
} // namespace

//===--------------------------------------------------------------------===//
// Files and definitions
//===--------------------------------------------------------------------===//

bool Parser::isDefinitionHead() {
  if (!is(TokenKind::Name))
    return false;
  std::string_view word = textOf(token);
  if (word == "import")
    return peek().kind == TokenKind::String && !peek().startsLine;
  for (auto &[spelling, kind] : definitionWords)
    if (word == spelling)
      return peek().kind == TokenKind::Name && !peek().startsLine;
  return false;
}

/// A definition that cannot stand in a body: where one begins a line, the body's `}` is missing.
bool Parser::isTopLevelOnlyHead() {
  return token.startsLine && isDefinitionHead() && textOf(token) != "fn" && textOf(token) != "layer" &&
         indentOf(token.begin) <= topIndent;
}

SyntaxFile Parser::parseFile() {
  SyntaxFile out;
  out.file = file;
  advance();
  previousEnd = 0;
  while (!is(TokenKind::EndOfFile))
    parseTopLevel(out);
  return out;
}

void Parser::parseTopLevel(SyntaxFile &out) {
  isUnwinding = isAbandoned;
  hasSuspect = false;
  brackets.clear();
  newlinesIgnored = 0;
  statementBegin = token.begin;
  topIndent = indentOf(token.begin);
  if (isDefinitionHead()) {
    if (textOf(token) == "import") {
      if (!parseImport(out))
        skipToDefinition();
      return;
    }
    bool isLost = false;
    auto definition = parseDefinition(isLost);
    if (definition && isLost)
      out.lost.push_back(definition->name.text);
    else if (definition)
      (definition->isDamaged ? out.damaged : out.definitions).push_back(std::move(definition));
    return;
  }
  if (is(TokenKind::RightBrace)) {
    error(rangeOf(token), "this '}' closes nothing");
  } else if (is(TokenKind::Name)) {
    Diagnostic &diagnostic =
        error(rangeOf(token), "expected a definition or an import, found " + describe(token));
    if (peek().kind == TokenKind::Name)
      out.lost.emplace_back(textOf(peek()));
    if (peek().kind == TokenKind::Name)
      diagnostic.didYouMean(nearest(textOf(token), {"model", "train", "layer", "fn", "optimizer", "metric"}));
    if (textOf(token) == "loss" || textOf(token) == "def" || textOf(token) == "func" ||
        textOf(token) == "function")
      diagnostic.note("a loss, an activation or an initialiser is a `fn`");
  } else {
    expected("a definition or an import");
  }
  advance();
  skipToDefinition();
}

/// Skips to a line that begins a definition.
void Parser::skipToDefinition() {
  while (!is(TokenKind::EndOfFile) && !(token.startsLine && isDefinitionHead()))
    advance();
}

bool Parser::parseImport(SyntaxFile &out) {
  uint32_t begin = token.begin;
  advance();
  Import import{lexer.stringValue(token), rangeOf(token)};
  advance();
  if (!token.startsLine && !is(TokenKind::EndOfFile)) {
    expected("the end of the line");
    return false;
  }
  if (import.path.empty() || import.path.size() > limits::nameBytes) {
    error(since(begin), import.path.empty() ? "an import needs a path"
                                            : "this path is longer than the limit of 1024 bytes");
    return true;
  }
  if (countNode())
    out.imports.push_back(std::move(import));
  return true;
}

/// definition: keyword name [parameters] parameters ['->' results] ['keeps_mask'] block
/// After an error in its body there are holes in it; after one in its header it is lost but for its name.
std::unique_ptr<Definition> Parser::parseDefinition(bool &isLost) {
  Nested nested(*this);
  if (nested.isTooDeep || !countNode())
    return nullptr;
  auto definition = std::make_unique<Definition>();
  uint32_t begin = token.begin;
  definition->documentation = lexer.commentText(token);
  for (auto &[spelling, kind] : definitionWords)
    if (textOf(token) == spelling)
      definition->kind = kind;
  advance();
  definition->name = takeName();

  ++newlinesIgnored;
  size_t openAtStart = brackets.size();
  bool isHeaderWhole = parseHeader(*definition);
  definition->header = since(begin);
  if (!isHeaderWhole) {
    skipToBody();
    brackets.resize(openAtStart);
  }
  newlinesIgnored = 0;
  isLost = !isHeaderWhole;
  if (!is(TokenKind::LeftBrace)) {
    isLost = true;
    return definition;
  }

  bool wasInStep = std::exchange(inStep, false);
  definitionKinds.push_back(definition->kind);
  unsigned holesBefore = holes, opaqueBefore = opaqueHoles;
  bool hasEnd = parseBlock(definition->body, begin);
  definitionKinds.pop_back();
  inStep = wasInStep;
  definition->range = since(begin);
  isLost |= isAbandoned;
  definition->isDamaged = !hasEnd || holes != holesBefore;
  definition->mayBindMore = !hasEnd || opaqueHoles != opaqueBefore;
  if (isLost || definition->isDamaged)
    return definition;
  checkParameters(*definition);
  if (definition->kind == DefinitionKind::Model)
    checkModel(*definition);
  return definition;
}

/// After an error in a header: to the `{` of its body, whose errors are still worth reporting.
void Parser::skipToBody() {
  while (!is(TokenKind::EndOfFile) && !is(TokenKind::LeftBrace) && !(token.startsLine && isDefinitionHead()))
    advance();
}

bool Parser::parseHeader(Definition &out) {
  if (!parseParameterLists(out))
    return false;
  if (is(TokenKind::Arrow) && !parseResults(out))
    return false;
  if (is(TokenKind::Name) && textOf(token) == "keeps_mask") {
    if (out.kind != DefinitionKind::Layer)
      error(rangeOf(token), "only a layer is declared `keeps_mask`");
    out.keepsMask = true;
    advance();
  }
  if (is(TokenKind::LeftBrace))
    return true;
  if (is(TokenKind::Name))
    expected("'{'").didYouMean(nearest(textOf(token), {"keeps_mask"}));
  else
    expected(out.results.empty() && out.kind != DefinitionKind::Train ? "'->' or '{'" : "'{'");
  return false;
}

bool Parser::parseParameterLists(Definition &out) {
  if (!is(TokenKind::LeftParen)) {
    if (out.kind == DefinitionKind::Train)
      return true;
    expected("'(' and the parameters of `" + out.name.text + "`");
    return false;
  }
  if (!parseParameterList(out.call.emplace()))
    return false;
  if (!is(TokenKind::LeftParen))
    return true;
  if (out.kind == DefinitionKind::Train) {
    expected("'{': a train block has one list of parameters");
    return false;
  }
  out.configuration = std::move(out.call);
  if (!parseParameterList(out.call.emplace()))
    return false;
  if (!is(TokenKind::LeftParen))
    return true;
  expected("'->' or '{': a definition has at most two lists of parameters");
  return false;
}

bool Parser::parseParameterList(ParameterList &out) {
  uint32_t begin = token.begin;
  bool isKeywordOnly = false;
  open();
  bool isWhole = commaSeparated(TokenKind::RightParen, ")", [&] {
    // A bare `*` only says that what follows is given by name.
    if (is(TokenKind::Star) && peek().kind == TokenKind::Comma) {
      if (isKeywordOnly)
        error(rangeOf(token), "a second '*' in a list of parameters");
      isKeywordOnly = true;
      advance();
      return true;
    }
    Parameter &parameter = out.parameters.emplace_back();
    if (!parseParameter(parameter, isKeywordOnly))
      return false;
    isKeywordOnly |= parameter.isVariadic;
    return true;
  });
  out.range = since(begin);
  return isWhole;
}

/// parameter: ['*'] name [':' type] ['=' expression]
bool Parser::parseParameter(Parameter &out, bool isKeywordOnly) {
  uint32_t begin = token.begin;
  out.isKeywordOnly = isKeywordOnly;
  if (is(TokenKind::Star)) {
    if (isKeywordOnly)
      error(rangeOf(token), "a second '*' in a list of parameters");
    out.isVariadic = true;
    advance();
  }
  if (!is(TokenKind::Name)) {
    expected("a parameter's name");
    return false;
  }
  if (!countNode())
    return false;
  out.name = takeName();
  if (is(TokenKind::Colon)) {
    advance();
    if (!parseType(out.type.emplace()))
      return false;
  }
  if (is(TokenKind::Equal)) {
    advance();
    out.defaultValue = parseExpression();
    if (!out.defaultValue)
      return false;
    if (out.isVariadic)
      error(out.defaultValue->range, "`*" + out.name.text + "` takes what is left, and has no default");
  }
  out.range = since(begin);
  return true;
}

bool Parser::parseResults(Definition &out) {
  advance();
  if (out.kind == DefinitionKind::Train) {
    error(since(previousEnd - 2), "a train block has no result");
    return false;
  }
  if (!is(TokenKind::LeftParen))
    return parseResult(out);
  out.resultsAreTuple = true;
  open();
  if (is(TokenKind::RightParen)) {
    expected(out.kind == DefinitionKind::Model ? "the name of an output" : "a type");
    return false;
  }
  return commaSeparated(TokenKind::RightParen, ")", [&] { return parseResult(out); });
}

/// In a model `name [':' type]`, elsewhere a type.
bool Parser::parseResult(Definition &out) {
  uint32_t begin = token.begin;
  Result result;
  if (out.kind == DefinitionKind::Model) {
    if (!is(TokenKind::Name)) {
      expected("the name of an output");
      return false;
    }
    result.name = takeName();
    if (is(TokenKind::LeftBracket)) {
      expected("',' or '{'").note("a model names its outputs: `-> score`, or `-> (score: real[1])`");
      return false;
    }
  }
  if (!result.name || is(TokenKind::Colon)) {
    if (result.name)
      advance();
    if (!parseType(result.type.emplace()))
      return false;
  }
  result.range = since(begin);
  out.results.push_back(std::move(result));
  return true;
}

/// Two parameters of one name; one without a default after one with it.
void Parser::checkParameters(const Definition &definition) {
  std::map<std::string_view, SourceRange> known;
  for (const auto *list : {&definition.configuration, &definition.call}) {
    if (!*list)
      continue;
    const Parameter *firstDefault = nullptr;
    for (const Parameter &parameter : (*list)->parameters) {
      auto [place, isNew] = known.emplace(parameter.name.text, parameter.name.range);
      if (!isNew)
        error(parameter.name.range, "a second parameter `" + parameter.name.text + "`")
            .note(place->second, "the first is here");
      if (parameter.isVariadic || parameter.isKeywordOnly)
        continue;
      if (parameter.defaultValue)
        firstDefault = firstDefault ? firstDefault : &parameter;
      else if (firstDefault)
        error(parameter.range, "parameter `" + parameter.name.text + "` needs a default: `" +
                                   firstDefault->name.text + "` before it has one");
    }
  }
}

/// What only a model must have: typed inputs, named outputs.
void Parser::checkModel(const Definition &model) {
  if (model.results.empty())
    error(model.header, "expected '->' and the names of the outputs of model `" + model.name.text + "`");
  if (model.call->parameters.empty())
    error(model.call->range, "model `" + model.name.text + "` has no input");
  std::map<std::string_view, SourceRange> outputs;
  for (const Result &result : model.results) {
    auto [place, isNew] = outputs.emplace(result.name->text, result.range);
    if (!isNew)
      error(result.range, "a second output `" + result.name->text + "`")
          .note(place->second, "the first is here");
  }
  for (const Parameter &input : model.call->parameters) {
    if (input.isVariadic)
      error(input.range, "a model has a fixed number of inputs");
    else if (!input.type)
      error(input.range,
            "input `" + input.name.text + "` needs a type, as in `" + input.name.text + ": real[28, 28, 1]`");
    else if (input.type->kind != TypeKind::Tensor && input.type->kind != TypeKind::Tokens)
      error(input.type->range, "an input is a tensor or tokens, not a compile-time value");
    if (input.defaultValue)
      error(input.defaultValue->range, "an input of a model has no default");
  }
}

//===--------------------------------------------------------------------===//
// Types
//===--------------------------------------------------------------------===//

namespace {
constexpr std::pair<std::string_view, ElementType> elementWords[] = {
    {"real", ElementType::Real}, {"f32", ElementType::F32}, {"f64", ElementType::F64},
    {"bf16", ElementType::BF16}, {"f16", ElementType::F16}, {"i32", ElementType::I32},
    {"i64", ElementType::I64},   {"u8", ElementType::U8},   {"bool", ElementType::Bool},
};
constexpr std::pair<std::string_view, TypeKind> valueWords[] = {
    {"int", TypeKind::Int},       {"float", TypeKind::Float},       {"bool", TypeKind::Bool},
    {"string", TypeKind::String}, {"shape", TypeKind::Shape},       {"list", TypeKind::List},
    {"layer", TypeKind::Layer},   {"function", TypeKind::Function},
};
} // namespace

bool Parser::parseType(TypeExpr &out) {
  uint32_t begin = token.begin;
  if (!is(TokenKind::Name)) {
    expected("a type");
    return false;
  }
  if (!countNode())
    return false;
  Name word = takeName();
  auto done = [&](bool isWhole) {
    out.range = since(begin);
    return isWhole;
  };
  if (word.text == "tokens") {
    out.kind = TypeKind::Tokens;
    return done(parseTokensAxis(out));
  }
  bool hasAxes = isOnLine(TokenKind::LeftBracket);
  for (auto &[spelling, element] : elementWords)
    if (word.text == spelling && (hasAxes || word.text != "bool")) {
      out.kind = TypeKind::Tensor;
      out.element = element;
      if (hasAxes)
        return done(parseAxes(out));
      expected("'[' and the axes")
          .note("`" + word.text + "[]` is a single value, `" + word.text + "[...]` any shape");
      return false;
    }
  for (auto &[spelling, kind] : valueWords)
    if (word.text == spelling) {
      out.kind = kind;
      if (!hasAxes)
        return done(true);
      Diagnostic &diagnostic =
          error(rangeOf(token), "`" + word.text + "` is a compile-time value and has no axes");
      if (kind == TypeKind::Int)
        diagnostic.note("a tensor of integers is `i32[...]` or `i64[...]`");
      if (kind == TypeKind::Float)
        diagnostic.note("a tensor of the model's floating type is `real[...]`");
      return false;
    }
  error(word.range, "unknown type '" + word.text + "'")
      .didYouMean(
          nearest(word.text, {"real", "tokens", "bool", "int", "float", "string", "f32", "f64", "bf16", "f16",
                              "i32", "i64", "u8", "shape", "list", "layer", "function"}));
  return false;
}

bool Parser::parseAxes(TypeExpr &out) {
  open();
  bool hasEllipsis = false;
  return commaSeparated(TokenKind::RightBracket, "]", [&] {
    Axis axis;
    uint32_t begin = token.begin;
    if (is(TokenKind::Ellipsis)) {
      if (hasEllipsis)
        error(rangeOf(token), "a second '...' in one type");
      hasEllipsis = axis.isEllipsis = true;
      advance();
    } else if (!(axis.size = parseExpression())) {
      return false;
    }
    axis.range = since(begin);
    out.axes.push_back(std::move(axis));
    return true;
  });
}

bool Parser::parseTokensAxis(TypeExpr &out) {
  if (!is(TokenKind::LeftBracket)) {
    expected("'[' and the number of different tokens");
    return false;
  }
  SourceRange bracket = rangeOf(token);
  if (!parseAxes(out))
    return false;
  if (out.axes.size() == 1 && !out.axes[0].isEllipsis)
    return true;
  error(join(bracket, since(previousEnd)), "`tokens` takes one number: ids are below it");
  return false;
}

} // namespace hornfels::frontend
