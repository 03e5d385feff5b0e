#include "frontend/horn/Parser.h"

#include "frontend/horn/ParserImpl.h"

namespace hornfels::frontend {

namespace {
constexpr unsigned errorsPerFile = 1000; // then the rest of it is not read
} // namespace

Parser::Parser(FileId file, const SourceManager &sources, Diagnostics &diagnostics)
    : file(file), text(sources.text(file)), diagnostics(diagnostics), lexer(file, sources, diagnostics),
      errorsBefore(diagnostics.errorCount()) {}

void Parser::advance() {
  previousEnd = token.end;
  if (hasAhead) {
    token = ahead;
    hasAhead = false;
  } else {
    token = lexer.next();
  }
  if (!isAbandoned && diagnostics.errorCount() - errorsBefore >= errorsPerFile)
    abandonFile();
  if (isAbandoned)
    token.kind = TokenKind::EndOfFile;
}

const Token &Parser::peek() {
  if (!hasAhead) {
    ahead = lexer.next();
    hasAhead = true;
  }
  return ahead;
}

Name Parser::takeName() {
  Name name{std::string(textOf(token)), rangeOf(token)};
  advance();
  return name;
}

/// The number of blanks that the line of `offset` begins with.
unsigned Parser::indentOf(uint32_t offset) const {
  uint32_t start = offset;
  while (start > 0 && text[start - 1] != '\n')
    --start;
  uint32_t end = start;
  while (end < text.size() && (text[end] == ' ' || text[end] == '\t'))
    ++end;
  return end - start;
}

Diagnostic &Parser::error(SourceRange range, std::string message) {
  if (isAbandoned) {
    silent = {};
    return silent;
  }
  return diagnostics.error(range, std::move(message));
}

std::string Parser::describe(const Token &t) const {
  if (t.kind == TokenKind::EndOfFile)
    return "the end of the file";
  std::string_view shown = textOf(t);
  if (t.kind == TokenKind::String)
    return "a string";
  return "'" + printable(shown.size() > 40 ? std::string(shown.substr(0, 37)) + "..." : std::string(shown)) +
         "'";
}

/// Reports that `what` was expected at the current token, or after the line that ended too early.
Diagnostic &Parser::expected(const std::string &what) {
  if (is(TokenKind::Damaged)) {
    silent = {};
    return silent;
  }
  bool lineEnded = atLineEnd() && !is(TokenKind::EndOfFile) && token.begin != statementBegin;
  if (lineEnded || is(TokenKind::EndOfFile)) {
    std::string found = lineEnded ? "the end of the line" : "the end of the file";
    return error({file, previousEnd, previousEnd}, "expected " + what + ", found " + found);
  }
  Diagnostic &result = error(rangeOf(token), "expected " + what + ", found " + describe(token));
  if (is(TokenKind::DotDot))
    result.note("a range `a..b` stands only after the `in` of a `for`");
  return result;
}

/// Stops reading: what follows would be a consequence of the error just reported.
void Parser::abandonFile() {
  isAbandoned = true;
  isUnwinding = true;
  lexer.stop();
  hasAhead = false;
  token.kind = TokenKind::EndOfFile;
}

bool Parser::countNode() {
  if (++nodes <= limits::nodes)
    return true;
  error(rangeOf(token),
        "this file has more than the limit of " + std::to_string(limits::nodes) + " syntax nodes");
  abandonFile();
  return false;
}

Parser::Nested::Nested(Parser &p) : parser(p), isTooDeep(++p.depth > limits::nesting) {
  if (!isTooDeep)
    return;
  parser.error(parser.rangeOf(parser.token),
               "nesting is deeper than the limit of " + std::to_string(limits::nesting));
  parser.abandonFile();
}

void Parser::open() {
  brackets.push_back(token);
  ++newlinesIgnored;
  advance();
}

/// Takes the closing bracket of the innermost open one.
bool Parser::close(TokenKind closing, const char *spelling) {
  const Token opening = brackets.back();
  if (is(closing)) {
    brackets.pop_back();
    --newlinesIgnored;
    advance();
    return true;
  }
  if (is(TokenKind::Damaged))
    return false;
  // A line that is no further in than the one with the bracket is a new statement: the bracket was forgotten.
  bool isForgotten = is(TokenKind::EndOfFile) || is(TokenKind::RightBrace) ||
                     (token.startsLine && indentOf(token.begin) <= indentOf(opening.begin));
  if (isForgotten)
    unclosed(opening, rangeOf(token), spelling);
  else
    expected(std::string("',' or '") + spelling + "'");
  return false;
}

void Parser::unclosed(const Token &opening, SourceRange closeBefore, const char *closing) {
  std::string where = closeBefore.begin >= text.size() ? "before the end of the file" : "before this";
  error(rangeOf(opening), describe(opening) + " is never closed")
      .note(closeBefore, "expected '" + std::string(closing) + "' " + where);
}

SyntaxFile parseHorn(FileId file, const SourceManager &sources, Diagnostics &diagnostics) {
  if (!checkText(file, sources, diagnostics)) {
    SyntaxFile empty;
    empty.file = file;
    return empty;
  }
  return Parser(file, sources, diagnostics).parseFile();
}

} // namespace hornfels::frontend
