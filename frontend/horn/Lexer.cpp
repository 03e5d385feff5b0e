#include "frontend/horn/Lexer.h"

#include "frontend/horn/Unicode.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>

namespace hornfels::frontend {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isWord(char c) { return isLetter(c) || isDigit(c); }

/// digits [. digits] [e [+-] digits], where single underscores may stand between digits
enum class NumberForm { Integer, Float, Malformed };

NumberForm numberForm(std::string_view text) {
  size_t at = 0;
  auto digits = [&] {
    size_t start = at;
    while (at < text.size() && (isDigit(text[at]) || (text[at] == '_' && at > start && text[at - 1] != '_')))
      ++at;
    return at > start && text[at - 1] != '_';
  };
  if (!digits())
    return NumberForm::Malformed;
  NumberForm form = NumberForm::Integer;
  if (at < text.size() && text[at] == '.') {
    ++at;
    form = NumberForm::Float;
    if (!digits())
      return NumberForm::Malformed;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    form = NumberForm::Float;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    if (!digits())
      return NumberForm::Malformed;
  }
  return at == text.size() ? form : NumberForm::Malformed;
}

/// A literal of a megabyte is not repeated in its message.
std::string quoted(std::string_view text) {
  return "'" + printable(text.size() > 40 ? std::string(text.substr(0, 37)) + "..." : std::string(text)) +
         "'";
}

} // namespace

TokenKind reservedWord(std::string_view word) {
  static constexpr std::pair<std::string_view, TokenKind> words[] = {
      {"if", TokenKind::If},     {"else", TokenKind::Else},     {"for", TokenKind::For},
      {"in", TokenKind::In},     {"return", TokenKind::Return}, {"require", TokenKind::Require},
      {"and", TokenKind::And},   {"or", TokenKind::Or},         {"not", TokenKind::Not},
      {"true", TokenKind::True}, {"false", TokenKind::False},   {"none", TokenKind::None},
  };
  for (auto &[spelling, kind] : words)
    if (spelling == word)
      return kind;
  return TokenKind::Name;
}

bool checkText(FileId file, const SourceManager &sources, Diagnostics &diagnostics) {
  std::string_view text = sources.text(file);
  size_t lineStart = 0;
  unsigned found = 0;
  for (size_t at = 0; at < text.size();) {
    if (text[at] >= ' ' && text[at] <= '~' && at - lineStart < limits::lineBytes) { // nearly all of it
      ++at;
      continue;
    }
    CodePoint point = decodeUtf8(text, at);
    SourceRange here{file, static_cast<uint32_t>(at), static_cast<uint32_t>(at + point.bytes)};
    if (at - lineStart >= limits::lineBytes) {
      diagnostics.error({file, static_cast<uint32_t>(lineStart), static_cast<uint32_t>(lineStart)},
                        "this line is longer than the limit of 1 MiB");
      return false;
    }
    bool isLineEnd =
        point.value == '\n' || (point.value == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
    if (!point.isValid) {
      static constexpr char hex[] = "0123456789ABCDEF";
      diagnostics.error(here, std::string("byte 0x") + hex[point.value >> 4] + hex[point.value & 15] +
                                  " is not UTF-8: Horn is written in UTF-8");
      ++found;
    } else if (isControl(point.value) && !isLineEnd && point.value != '\t') {
      std::string name = point.value == 0 ? " (NUL)" : "";
      diagnostics.error(here, "control character " + codePointText(point.value) + name + " is not allowed");
      ++found;
    } else if (isInvisible(point.value)) {
      diagnostics.error(here, "character " + codePointText(point.value) +
                                  " is not allowed: it hides or reorders the text around it");
      ++found;
    }
    if (found == 20) // a binary file: the first twenty say it
      return false;
    at += point.bytes;
    if (point.value == '\n')
      lineStart = at;
  }
  return found == 0;
}

Lexer::Lexer(FileId file, const SourceManager &sources, Diagnostics &diagnostics)
    : file(file), text(sources.text(file)), diagnostics(diagnostics) {}

void Lexer::skipBlanks(Token &token) {
  bool lineIsComment = false; // the line being read holds a comment alone
  uint32_t blockBegin = 0, blockEnd = 0;
  for (; position < text.size(); ++position) {
    char c = text[position];
    if (c == '\n') {
      if (!lineIsComment)
        blockBegin = blockEnd = 0; // an empty line parts a comment from what follows
      lineIsComment = false;
      atLineStart = true;
    } else if (c == '#') {
      auto end = static_cast<uint32_t>(std::min(text.find('\n', position), text.size()));
      if (atLineStart) {
        lineIsComment = true;
        if (blockBegin == blockEnd)
          blockBegin = position;
        blockEnd = end;
      }
      position = end - 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      break;
    }
  }
  token.commentBegin = blockBegin;
  token.commentEnd = blockEnd;
}

Token Lexer::next() {
  Token token;
  skipBlanks(token);
  token.startsLine = atLineStart;
  atLineStart = false;
  token.begin = position;
  if (position >= text.size()) {
    token.kind = TokenKind::EndOfFile;
    token.startsLine = true;
    token.end = position;
    return token;
  }
  char c = peek();
  uint32_t length = 0;
  if (isDigit(c) || (c == '.' && isDigit(peek(1))))
    lexNumber(token);
  else if (isWordAt(position, length))
    lexWord(token);
  else if (c == '"')
    lexString(token);
  else if (!lexPunctuation(token))
    lexForeign(token);
  token.end = position;
  return token;
}

bool Lexer::isWordAt(uint32_t at, uint32_t &length) const {
  if (at >= text.size())
    return false;
  length = 1;
  if (static_cast<unsigned char>(text[at]) < 0x80)
    return isWord(text[at]);
  CodePoint point = decodeUtf8(text, at);
  length = point.bytes;
  return point.isValid && isWordLike(point.value);
}

void Lexer::lexWord(Token &token) {
  uint32_t foreign = 0, foreignLength = 0;
  bool hasForeign = false;
  for (uint32_t length = 0; isWordAt(position, length); position += length)
    if (length > 1 && !hasForeign) {
      hasForeign = true;
      foreign = position;
      foreignLength = length;
    }
  std::string_view word = text.substr(token.begin, position - token.begin);
  token.kind = TokenKind::Damaged;
  if (word.size() > limits::nameBytes) {
    diagnostics.error(range(token.begin, position), "this name is longer than the limit of 1024 bytes");
  } else if (hasForeign) {
    uint32_t value = decodeUtf8(text, foreign).value;
    char twin = looksLike(value);
    diagnostics.error(range(foreign, foreign + foreignLength),
                      codePointText(value) + " in a name: names are made of a-z, A-Z, 0-9 and _" +
                          (twin ? std::string(", and this only looks like '") + twin + "'" : ""));
    token.kind = TokenKind::Name; // a name all the same: one mistake, one error
  } else {
    token.kind = reservedWord(word);
  }
}

void Lexer::lexNumber(Token &token) {
  bool seenExponent = false;
  for (; position < text.size(); ++position) {
    char c = text[position];
    if (c == '.' && peek(1) == '.') // 0..n
      break;
    bool isExponentSign =
        (c == '+' || c == '-') && seenExponent && (text[position - 1] | 0x20) == 'e' && isDigit(peek(1));
    if (!isWord(c) && c != '.' && !isExponentSign)
      break;
    seenExponent |= (c | 0x20) == 'e';
  }
  // What is not a number at all swallows the points after it: `.5.` is one mistake.
  std::string_view written = text.substr(token.begin, position - token.begin);
  NumberForm form = numberForm(written);
  if (form == NumberForm::Malformed) {
    Diagnostic &error =
        diagnostics.error(range(token.begin, position), "malformed number " + quoted(written));
    error.note("a number has digits on both sides of its point, as 0.5 and 1e-3 have");
    token.kind = TokenKind::Damaged;
    return;
  }
  std::string digits;
  std::copy_if(written.begin(), written.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  const char *end = digits.data() + digits.size();
  if (form == NumberForm::Integer) {
    token.kind = TokenKind::Integer;
    if (std::from_chars(digits.data(), end, token.integer).ec == std::errc())
      return;
    diagnostics.error(range(token.begin, position), "integer " + quoted(written) + " is out of range")
        .note("integers reach from -9223372036854775807 to 9223372036854775807");
  } else {
    token.kind = TokenKind::Float;
    // from_chars, not strtod: the point stays a point in every locale.
    if (std::from_chars(digits.data(), end, token.real).ec == std::errc())
      return;
    diagnostics.error(range(token.begin, position), "number " + quoted(written) + " is out of range")
        .note("floats reach from 4.9e-324 to 1.79e308");
  }
  token.kind = TokenKind::Damaged;
}

void Lexer::lexString(Token &token) {
  token.kind = TokenKind::String;
  for (++position; position < text.size() && text[position] != '\n'; ++position) {
    char c = text[position];
    if (c == '"') {
      ++position;
      return;
    }
    if (c != '\\')
      continue;
    char escaped = peek(1);
    if (escaped == '\n' || escaped == '\r' || position + 1 >= text.size())
      continue;
    if (escaped != '"' && escaped != '\\' && escaped != 'n' && escaped != 't')
      diagnostics.error(range(position, position + 2), "unknown escape in a string")
          .note("there are \\\" \\\\ \\n \\t");
    ++position;
    if (static_cast<unsigned char>(escaped) >= 0x80) // the whole character, not its first byte
      position += decodeUtf8(text, position).bytes - 1;
  }
  diagnostics.error(range(token.begin, token.begin + 1), "this string is not closed")
      .note("expected '\"' on the same line");
  token.kind = TokenKind::Damaged;
}

/// A character that begins no token.
void Lexer::lexForeign(Token &token) {
  CodePoint point = decodeUtf8(text, position);
  token.kind = TokenKind::Damaged;
  uint32_t begin = position;
  position += point.bytes;
  if (point.value < 0x80) {
    // A run of one character is one mistake, and so is a string in single quotes.
    size_t quote = text[begin] == '\'' ? text.substr(0, text.find('\n', begin)).find('\'', position)
                                       : std::string_view::npos;
    if (quote != std::string_view::npos)
      position = static_cast<uint32_t>(quote + 1);
    while (position < text.size() && text[position] == text[begin])
      ++position;
    std::string character(1, static_cast<char>(point.value));
    Diagnostic &error = diagnostics.error(range(begin, position), "'" + character + "' is not allowed here");
    if (character == "'")
      error.note("strings are written with double quotes");
    else if (character == ";")
      error.note("a new line ends a statement");
    else if (character == "!")
      error.note("write `not x`, or `!=` between two values");
    else if (character == "&")
      error.note("write `and`");
    else if (character == "|")
      error.note("write `or`, or `|>` to pass a value on");
    return;
  }
  Diagnostic &error =
      diagnostics.error(range(begin, position), codePointText(point.value) + " is not allowed here");
  if (char twin = looksLike(point.value))
    error.note(std::string("write '") + twin + "'");
}

bool Lexer::lexPunctuation(Token &token) {
  static constexpr std::pair<std::string_view, TokenKind> signs[] = {
      // longer ones first
      {"...", TokenKind::Ellipsis},
      {"**=", TokenKind::CompoundAssign},
      {"//=", TokenKind::CompoundAssign},
      {"..", TokenKind::DotDot},
      {"|>", TokenKind::Pipe},
      {"->", TokenKind::Arrow},
      {":=", TokenKind::ColonEqual},
      {"==", TokenKind::EqualEqual},
      {"!=", TokenKind::NotEqual},
      {"<=", TokenKind::LessEqual},
      {">=", TokenKind::GreaterEqual},
      {"**", TokenKind::StarStar},
      {"//", TokenKind::SlashSlash},
      {"+=", TokenKind::CompoundAssign},
      {"-=", TokenKind::CompoundAssign},
      {"*=", TokenKind::CompoundAssign},
      {"/=", TokenKind::CompoundAssign},
      {"%=", TokenKind::CompoundAssign},
      {"(", TokenKind::LeftParen},
      {")", TokenKind::RightParen},
      {"[", TokenKind::LeftBracket},
      {"]", TokenKind::RightBracket},
      {"{", TokenKind::LeftBrace},
      {"}", TokenKind::RightBrace},
      {",", TokenKind::Comma},
      {":", TokenKind::Colon},
      {"=", TokenKind::Equal},
      {"+", TokenKind::Plus},
      {"-", TokenKind::Minus},
      {"*", TokenKind::Star},
      {"/", TokenKind::Slash},
      {"%", TokenKind::Percent},
      {"<", TokenKind::Less},
      {">", TokenKind::Greater},
  };
  std::string_view rest = text.substr(position, 3);
  for (auto &[spelling, kind] : signs)
    if (spelling[0] == rest[0] && rest.starts_with(spelling)) {
      token.kind = kind;
      position += static_cast<uint32_t>(spelling.size());
      return true;
    }
  return false;
}

std::string Lexer::stringValue(const Token &token) const {
  std::string value;
  std::string_view inside = text.substr(token.begin + 1, token.end - token.begin - 2);
  for (size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\' || at + 1 == inside.size()) {
      value += inside[at];
      continue;
    }
    char escaped = inside[++at];
    value += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
  }
  return value;
}

std::string Lexer::commentText(const Token &token) const {
  std::string out;
  std::string_view block = text.substr(token.commentBegin, token.commentEnd - token.commentBegin);
  while (!block.empty()) {
    size_t end = std::min(block.find('\n'), block.size());
    std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + 1, block.size()));
    line.remove_prefix(std::min(line.find('#') + 1, line.size()));
    if (line.starts_with(' '))
      line.remove_prefix(1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    out += line;
    out += '\n';
  }
  if (!out.empty())
    out.pop_back();
  return out;
}

} // namespace hornfels::frontend
