// Horn text to tokens, one at a time: a file of 16 MiB must not become a list of 8 million tokens.
#pragma once

#include "frontend/horn/Diagnostics.h"
#include "frontend/horn/Source.h"

#include <string>
#include <string_view>

namespace hornfels::frontend {

enum class TokenKind : uint8_t {
  EndOfFile,
  Damaged, // was reported by the lexer; whoever meets it says nothing more
  Name,
  Integer,
  Float,
  String,
  // Reserved words; all other keywords are names until the parser sees where they stand.
  If,
  Else,
  For,
  In,
  Return,
  Require,
  And,
  Or,
  Not,
  True,
  False,
  None,
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Equal,
  ColonEqual,
  Arrow,
  Pipe,
  DotDot,
  Ellipsis,
  Plus,
  Minus,
  Star,
  StarStar,
  Slash,
  SlashSlash,
  Percent,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  EqualEqual,
  NotEqual,
  CompoundAssign, // `+=` and its like, which Horn has not
};

struct Token {
  TokenKind kind = TokenKind::EndOfFile;
  bool startsLine = false; // nothing but blanks before it on its line
  uint32_t begin = 0, end = 0;
  uint32_t commentBegin = 0, commentEnd = 0; // the comment block that ends on the line above, if there is one
  int64_t integer = 0;
  double real = 0;
};

/// The reserved words and their kinds.
TokenKind reservedWord(std::string_view word);

/// Checks what concerns a whole text: bytes that are not UTF-8, NUL and other control characters, characters
/// that hide or reorder text, lines above the limit. False if it is not a text that should be parsed.
bool checkText(FileId file, const SourceManager &sources, Diagnostics &diagnostics);

class Lexer {
public:
  Lexer(FileId file, const SourceManager &sources, Diagnostics &diagnostics);

  /// The next token; at the end of the text EndOfFile, again and again.
  Token next();

  /// Makes every further token EndOfFile.
  void stop() { position = static_cast<uint32_t>(text.size()); }

  /// The value of a String token.
  std::string stringValue(const Token &token) const;

  /// The comment block above a token without its `# `.
  std::string commentText(const Token &token) const;

private:
  char peek(uint32_t ahead = 0) const {
    return position + ahead < text.size() ? text[position + ahead] : '\0';
  }
  SourceRange range(uint32_t begin, uint32_t end) const { return {file, begin, end}; }
  void skipBlanks(Token &token);
  void lexWord(Token &token);
  void lexNumber(Token &token);
  void lexString(Token &token);
  void lexForeign(Token &token);
  bool lexPunctuation(Token &token);
  bool isWordAt(uint32_t at, uint32_t &length) const;

  FileId file;
  std::string_view text;
  Diagnostics &diagnostics;
  uint32_t position = 0;
  bool atLineStart = true;
};

} // namespace hornfels::frontend
