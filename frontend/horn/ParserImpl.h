// The parser's state and grammar, shared by its sources. Nobody else includes this.
#pragma once

#include "frontend/horn/Ast.h"
#include "frontend/horn/Diagnostics.h"
#include "frontend/horn/Lexer.h"

#include <algorithm>
#include <string>
#include <vector>

namespace hornfels::frontend {

/// Recursive descent with one token of lookahead. A rule that fails has reported its error and returns null
/// or false; the statement or definition around it skips to where the next one begins.
class Parser {
public:
  Parser(FileId file, const SourceManager &sources, Diagnostics &diagnostics);
  SyntaxFile parseFile();

private:
  // Tokens
  void advance();
  const Token &peek();
  bool is(TokenKind kind) const { return token.kind == kind; }
  /// Whether the statement may end before the current token: it is on a new line, and new lines count here.
  bool atLineEnd() const { return newlinesIgnored == 0 && token.startsLine; }
  bool isOnLine(TokenKind kind) const { return is(kind) && !atLineEnd(); }
  std::string_view textOf(const Token &t) const { return text.substr(t.begin, t.end - t.begin); }
  SourceRange rangeOf(const Token &t) const { return {file, t.begin, t.end}; }
  SourceRange since(uint32_t begin) const { return {file, begin, previousEnd}; }
  unsigned indentOf(uint32_t offset) const;
  Name takeName();

  // Errors
  Diagnostic &error(SourceRange range, std::string text);
  Diagnostic &expected(const std::string &what);
  std::string describe(const Token &t) const;
  void abandonFile();
  void unclosed(const Token &open, SourceRange closeBefore, const char *close);
  void skipStatement(const Token &first, size_t openAtStart);
  StmtPtr holeAt(const Token &first);
  void skipToBody();
  void skipToDefinition();

  // Brackets: new lines count for nothing inside them
  void open();
  bool close(TokenKind closing, const char *spelling);
  template <typename Item> bool commaSeparated(TokenKind closing, const char *spelling, Item item);

  // Definitions (ParserDefinitions.cpp)
  bool isDefinitionHead();
  bool isTopLevelOnlyHead();
  void parseTopLevel(SyntaxFile &out);
  bool parseImport(SyntaxFile &out);
  std::unique_ptr<Definition> parseDefinition(bool &isLost);
  bool parseHeader(Definition &out);
  bool parseParameterLists(Definition &out);
  bool parseParameterList(ParameterList &out);
  bool parseParameter(Parameter &out, bool isKeywordOnly);
  bool parseResults(Definition &out);
  bool parseResult(Definition &out);
  bool parseType(TypeExpr &out);
  bool parseAxes(TypeExpr &out);
  bool parseTokensAxis(TypeExpr &out);
  void checkParameters(const Definition &definition);
  void checkModel(const Definition &definition);

  // Statements (ParserStatements.cpp)
  bool parseBlock(Block &out, uint32_t ownerBegin);
  StmtPtr parseStatement();
  StmtPtr parseKeywordStatement(bool &isKeyword);
  StmtPtr parseVariable(VariableKind kind);
  StmtPtr parseNestedDefinition();
  StmtPtr parseStep();
  StmtPtr parseMinimize();
  StmtPtr parseIf();
  StmtPtr parseFor();
  StmtPtr parseReturn();
  StmtPtr parseRequire();
  StmtPtr parseBindOrExpression();
  bool takeTargets(ExprPtr value, std::vector<Name> &out);
  bool endStatement(const Token &first);
  DefinitionKind enclosing() const { return definitionKinds.back(); }

  // Expressions (ParserExpressions.cpp)
  ExprPtr parseExpression();
  ExprPtr parseTuple();
  ExprPtr parseBinary(int minimum);
  ExprPtr parsePrefix(int minimum);
  ExprPtr parsePower();
  ExprPtr parsePostfix();
  ExprPtr parsePrimary();
  ExprPtr parseParentheses();
  ExprPtr parseList();
  ExprPtr parseDictionary();
  ExprPtr parseWord();
  ExprPtr parseCall(ExprPtr callee);
  ExprPtr parseIndex(ExprPtr base);
  bool parseArgument(CallExpr &out);
  bool parseIndexItem(IndexExpr &out);
  bool parseEntry(DictionaryExpr &out);
  bool checkDictionaryKeys(const DictionaryExpr &dictionary);
  bool checkArgumentNames(const CallExpr &call);

  // Limits
  bool countNode();
  template <typename T> std::unique_ptr<T> make(uint32_t begin) {
    if (!countNode())
      return nullptr;
    return std::make_unique<T>(SourceRange{file, begin, begin});
  }
  /// Closes a node's range and bounds its height by its children's.
  template <typename T> ExprPtr finish(std::unique_ptr<T> node);
  template <typename T> void grow(T &node, const ExprPtr &child) {
    if (child)
      node.height = std::max<uint16_t>(node.height, static_cast<uint16_t>(child->height + 1));
  }

  /// Counts one level of nesting for the length of a scope.
  struct Nested {
    Parser &parser;
    bool isTooDeep;
    explicit Nested(Parser &p);
    ~Nested() { --parser.depth; }
  };

  FileId file;
  std::string_view text;
  Diagnostics &diagnostics;
  Lexer lexer;
  Token token, ahead;
  bool hasAhead = false;
  uint32_t previousEnd = 0;

  unsigned newlinesIgnored = 0;
  std::vector<Token> brackets; // those open now, blocks among them
  std::vector<DefinitionKind> definitionKinds;
  bool inStep = false;
  uint32_t statementBegin = 0; // of the innermost statement or top-level definition
  unsigned topIndent = 0;      // of the top-level definition being read
  unsigned holes = 0;          // statements left out because of errors
  unsigned opaqueHoles = 0;    // of which it is not known what they would have bound
  std::vector<Name> broken;    // what the statement being read binds

  Token suspectOpen, suspectClose; // by indentation, this `}` is not the one of that `{`
  bool hasSuspect = false;
  bool isUnwinding = false; // a missing `}` was reported: all open blocks end here
  bool isAbandoned = false;
  Diagnostic silent; // receives what is not to be said
  unsigned depth = 0;
  unsigned nodes = 0;
  unsigned errorsBefore;
};

template <typename Item> bool Parser::commaSeparated(TokenKind closing, const char *spelling, Item item) {
  while (!is(closing) && !is(TokenKind::EndOfFile)) {
    if (!item())
      return false;
    if (!is(TokenKind::Comma))
      break;
    advance();
  }
  return close(closing, spelling);
}

template <typename T> ExprPtr Parser::finish(std::unique_ptr<T> node) {
  node->range.end = previousEnd;
  if (node->height > limits::expressionHeight) {
    error(node->range,
          "this expression is more than " + std::to_string(limits::expressionHeight) + " operations deep");
    abandonFile();
    return nullptr;
  }
  return node;
}

} // namespace hornfels::frontend
