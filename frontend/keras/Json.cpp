#include "frontend/keras/Json.h"

#include "frontend/horn/Unicode.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace hornfels::keras {

using namespace frontend;

const char *spelling(JsonKind kind) {
  static constexpr const char *words[] = {"null",     "true or false", "an integer", "a number",
                                          "a string", "a list",        "an object"};
  return words[static_cast<int>(kind)];
}

const Json *Json::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i].text == key)
      return &items[i];
  return nullptr;
}

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// One walk over the text. Each function returns false after it has reported why.
class JsonParser {
public:
  JsonParser(FileId file, const SourceManager &sources, Diagnostics &diagnostics)
      : file(file), text(sources.text(file)), diagnostics(diagnostics) {}

  std::optional<Json> parse() {
    Json root;
    if (text.size() > json_limits::fileBytes) {
      error(0, 0, "this file is larger than the limit of 64 MiB");
      return std::nullopt;
    }
    if (!parseValue(root, 0))
      return std::nullopt;
    skipBlanks();
    if (at < text.size()) {
      error(at, at + 1, "expected the end of the file after the JSON value, found " + found());
      return std::nullopt;
    }
    return hasDuplicates ? std::nullopt : std::optional(std::move(root));
  }

private:
  Diagnostic &error(size_t begin, size_t end, std::string message) {
    return diagnostics.error(range(begin, end), std::move(message));
  }
  SourceRange range(size_t begin, size_t end) const {
    return {file, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  }
  char peek() const { return at < text.size() ? text[at] : '\0'; }
  bool skip(std::string_view word) {
    if (text.substr(at, word.size()) != word)
      return false;
    at += word.size();
    return true;
  }
  void skipBlanks() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
      ++at;
  }
  /// What stands here, for a message.
  std::string found() const {
    if (at >= text.size())
      return "the end of the file";
    return "`" + printable(text.substr(at, decodeUtf8(text, at).bytes)) + "`";
  }
  bool expected(const std::string &what) {
    error(at, std::min(at + 1, text.size()), "expected " + what + ", found " + found());
    return false;
  }

  bool parseValue(Json &value, unsigned depth);
  bool parseList(Json &value, unsigned depth);
  bool parseObject(Json &value, unsigned depth);
  bool parseString(std::string &out);
  bool parseEscape(std::string &out);
  bool parseCodeUnit(uint32_t &unit);
  bool parseNumber(Json &value);
  bool closes(char bracket, size_t opening);
  void checkDuplicates(const Json &object);

  FileId file;
  std::string_view text;
  Diagnostics &diagnostics;
  size_t at = 0;
  unsigned count = 0;
  bool hasDuplicates = false;
};

bool JsonParser::parseValue(Json &value, unsigned depth) {
  skipBlanks();
  size_t begin = at;
  if (++count > json_limits::values) {
    error(begin, begin + 1, "this file has more than the limit of 250000 values");
    return false;
  }
  if (depth > json_limits::nesting) {
    error(begin, begin + 1, "nesting is deeper than the limit of 128");
    return false;
  }
  bool good = true;
  if (peek() == '{')
    good = parseObject(value, depth);
  else if (peek() == '[')
    good = parseList(value, depth);
  else if (peek() == '"') {
    value.kind = JsonKind::String;
    good = parseString(value.text);
  } else if (skip("true") || skip("false")) {
    value.kind = JsonKind::Bool;
    value.boolean = at - begin == 4;
  } else if (skip("null")) {
    value.kind = JsonKind::Null;
  } else if (skip("NaN") || skip("Infinity") || skip("-Infinity")) {
    error(begin, at, "`" + std::string(text.substr(begin, at - begin)) + "` is no number of JSON");
    return false;
  } else if (peek() == '-' || isDigit(peek()))
    good = parseNumber(value);
  else
    return expected("a value");
  value.range = range(begin, at);
  return good;
}

/// After a value: true at the closing bracket. A comma is skipped.
bool JsonParser::closes(char bracket, size_t opening) {
  skipBlanks();
  if (peek() == bracket || peek() == ',')
    return true;
  std::string what = std::string("`,` or `") + bracket + "`";
  error(at, std::min(at + 1, text.size()), "expected " + what + ", found " + found())
      .note(range(opening, opening + 1), "it was opened here");
  return false;
}

bool JsonParser::parseList(Json &value, unsigned depth) {
  value.kind = JsonKind::List;
  size_t opening = at++;
  skipBlanks();
  if (peek() == ']')
    return ++at, true;
  while (true) {
    value.items.emplace_back();
    if (!parseValue(value.items.back(), depth + 1) || !closes(']', opening))
      return false;
    if (text[at++] == ']')
      return true;
  }
}

bool JsonParser::parseObject(Json &value, unsigned depth) {
  value.kind = JsonKind::Object;
  size_t opening = at++;
  skipBlanks();
  if (peek() == '}')
    return ++at, true;
  while (true) {
    skipBlanks();
    if (peek() != '"')
      return expected("a key in quotes");
    size_t begin = at;
    JsonKey key;
    if (!parseString(key.text))
      return false;
    key.range = range(begin, at);
    value.keys.push_back(std::move(key));
    skipBlanks();
    if (peek() != ':')
      return expected("`:`");
    ++at;
    value.items.emplace_back();
    if (!parseValue(value.items.back(), depth + 1) || !closes('}', opening))
      return false;
    if (text[at++] == '}')
      return checkDuplicates(value), true;
  }
}

void JsonParser::checkDuplicates(const Json &object) {
  std::vector<const JsonKey *> sorted;
  for (const JsonKey &key : object.keys)
    sorted.push_back(&key);
  std::sort(sorted.begin(), sorted.end(), [](const JsonKey *a, const JsonKey *b) {
    return std::tie(a->text, a->range.begin) < std::tie(b->text, b->range.begin);
  });
  for (size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i]->text == sorted[i - 1]->text) {
      hasDuplicates = true;
      diagnostics.error(sorted[i]->range, "a second key `" + printable(sorted[i]->text) + "` in one object")
          .note(sorted[i - 1]->range, "the one before is here");
    }
}

bool JsonParser::parseString(std::string &out) {
  size_t opening = at++;
  while (true) {
    if (at >= text.size()) {
      error(opening, opening + 1, "this string has no end");
      return false;
    }
    if (peek() == '"')
      return ++at, true;
    if (peek() == '\\') {
      if (!parseEscape(out))
        return false;
      continue;
    }
    CodePoint point = decodeUtf8(text, at);
    if (!point.isValid) {
      error(at, at + 1, "this byte is not UTF-8: " + printable(text.substr(at, 1)));
      return false;
    }
    if (point.value < 0x20) {
      error(at, at + 1, "a control character in a string: " + codePointText(point.value));
      return false;
    }
    out += text.substr(at, point.bytes);
    at += point.bytes;
  }
}

void appendUtf8(std::string &out, uint32_t point) {
  auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80)
    return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else {
    if (point < 0x10000) {
      add(0xE0 | point >> 12);
    } else {
      add(0xF0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3F));
    }
    add(0x80 | (point >> 6 & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

bool JsonParser::parseCodeUnit(uint32_t &unit) {
  std::string_view digits = text.substr(at, 4);
  unit = 0;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  if (digits.size() < 4 || code != std::errc() || end != digits.data() + 4)
    return expected("four hexadecimal digits");
  at += 4;
  return true;
}

bool JsonParser::parseEscape(std::string &out) {
  static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
  size_t begin = at++;
  if (size_t which = from.find(peek()); at < text.size() && which != std::string_view::npos) {
    out += to[which];
    return ++at, true;
  }
  uint32_t point = 0;
  if (peek() != 'u')
    return expected("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash");
  ++at;
  if (!parseCodeUnit(point))
    return false;
  uint32_t low = 0;
  if (point >= 0xD800 && point < 0xDC00 && skip("\\u")) {
    if (!parseCodeUnit(low))
      return false;
    if (low >= 0xDC00 && low < 0xE000)
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  if (point >= 0xD800 && point < 0xE000) {
    error(begin, at, "half of a surrogate pair is no character");
    return false;
  }
  appendUtf8(out, point);
  return true;
}

bool JsonParser::parseNumber(Json &value) {
  size_t begin = at;
  bool isWhole = true;
  skip("-");
  if (!skip("0")) {
    if (!isDigit(peek()))
      return expected("a digit");
    while (isDigit(peek()))
      ++at;
  }
  if (skip(".")) {
    isWhole = false;
    if (!isDigit(peek()))
      return expected("a digit");
    while (isDigit(peek()))
      ++at;
  }
  if (peek() == 'e' || peek() == 'E') {
    isWhole = false;
    ++at;
    if (peek() == '+' || peek() == '-')
      ++at;
    if (!isDigit(peek()))
      return expected("a digit");
    while (isDigit(peek()))
      ++at;
  }
  const char *first = text.data() + begin, *last = text.data() + at;
  value.kind = isWhole ? JsonKind::Integer : JsonKind::Float;
  std::from_chars_result result = std::from_chars(first, last, value.real);
  if (isWhole && result.ec == std::errc())
    result = std::from_chars(first, last, value.integer);
  if (result.ec == std::errc())
    return true;
  error(begin, at, "this number is out of range");
  return false;
}

bool isPlain(const std::string &key) {
  return !key.empty() && !isDigit(key[0]) && std::all_of(key.begin(), key.end(), [](char c) {
    return isDigit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

} // namespace

std::optional<Json> parseJson(FileId file, const SourceManager &sources, Diagnostics &diagnostics) {
  return JsonParser(file, sources, diagnostics).parse();
}

std::string jsonPath(const Json &root, uint32_t at) {
  std::string path;
  const Json *value = &root;
  while (value) {
    const Json *inner = nullptr;
    for (size_t i = 0; i < value->items.size() && !inner; ++i) {
      uint32_t begin = value->isObject() ? value->keys[i].range.begin : value->items[i].range.begin;
      if (at < begin || at >= value->items[i].range.end)
        continue;
      inner = &value->items[i];
      if (value->isList())
        path += "[" + std::to_string(i) + "]";
      else if (isPlain(value->keys[i].text))
        path += (path.empty() ? "" : ".") + value->keys[i].text;
      else
        path += "[\"" + printable(value->keys[i].text) + "\"]";
    }
    value = path.size() > 500 ? nullptr : inner;
  }
  return path;
}

} // namespace hornfels::keras
