#include "word_index.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "keras_rows.h"
#include "runtime/core/files.h"
#include "runtime/core/text.h"
#include "runtime/program/console.h"
#include "tokens.h"

namespace hornfels {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/* Bytes of the UTF-8 character at text[at]; 0: there is none. */
size_t character_bytes(const std::string &text, size_t at) {
  const unsigned char first = static_cast<unsigned char>(text[at]);
  const size_t bytes = first < 0x80                    ? 1
                       : first >= 0xc2 && first < 0xe0 ? 2
                       : first >= 0xe0 && first < 0xf0 ? 3
                       : first >= 0xf0 && first < 0xf5 ? 4
                                                       : 0;
  for (size_t i = 1; i < bytes; ++i)
    if (at + i >= text.size() || !continues_character(text[at + i]))
      return 0;
  return bytes;
}

void add_character(std::string &to, uint32_t code) {
  const auto tail = [&](int shift) { to += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    to += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

/* The small letter of a capital of two bytes. */
uint32_t small_letter(uint32_t code) {
  const bool latin = code >= 0xc0 && code <= 0xde && code != 0xd7;
  const bool greek = code >= 0x391 && code <= 0x3a9, cyrillic = code >= 0x410 && code <= 0x42f;
  return latin || greek || cyrillic ? code + 0x20 : code >= 0x400 && code <= 0x40f ? code + 0x50 : code;
}

/* An object of whole numbers, read from its beginning to its end. */
class index_reader {
public:
  explicit index_reader(const std::string &path) {
    file_error error;
    require(file.open(path, error), error);
    if (file.size() > word_index_most_bytes)
      throw failure(exit_input, file.name() + format(": error: %llu bytes, a word index has %llu at most",
                                                     static_cast<unsigned long long>(file.size()),
                                                     static_cast<unsigned long long>(word_index_most_bytes)));
    text.resize(static_cast<size_t>(file.size()));
    require(file.read(0, &text[0], text.size(), error), error);
    at = text.compare(0, 3, "\xef\xbb\xbf") == 0 ? 3 : 0;
  }

  /* visit(word, rank, byte where the word begins) for each pair. */
  template <class Visit> void read(Visit visit) {
    take('{', "{: a word index is {\"the\": 1, ...}");
    if (next() == '}') {
      ++at;
    } else {
      for (;;) {
        next();
        const size_t begin = at;
        read_word();
        take(':', "a colon after the word");
        next();
        visit(word, read_rank(), begin);
        if (next() == '}')
          break;
        take(',', "a comma or }");
      }
      ++at;
    }
    next();
    if (at < text.size())
      fail(at, "expected the end of the file after }");
  }

  [[noreturn]] void fail(size_t byte, const std::string &message) const {
    byte = std::min(byte, text.size());
    const auto begin = text.begin(), place = begin + static_cast<std::ptrdiff_t>(byte);
    const size_t line = static_cast<size_t>(std::count(begin, place, '\n')) + 1;
    const size_t newline = byte == 0 ? std::string::npos : text.rfind('\n', byte - 1);
    const size_t first = newline == std::string::npos ? 0 : newline + 1;
    const size_t last = std::min(text.find('\n', byte), text.size());
    const size_t column = static_cast<size_t>(
        std::count_if(begin + static_cast<std::ptrdiff_t>(first), place, [](char c) { return !continues_character(c); }));
    size_t caret = 0;
    const std::string shown = excerpt(first, last, byte, caret);
    throw failure(exit_input, file.name() + format(":%zu:%zu: error: ", line, column + 1) + message + "\n  " + shown +
                                  "\n  " + std::string(caret, ' ') + "^");
  }

private:
  /* What of the line [first, last) around a byte fits a screen; other than plain text is shown as '?'. */
  std::string excerpt(size_t first, size_t last, size_t byte, size_t &caret) const {
    constexpr size_t before = 50, after = 30;
    const size_t begin = byte > first + before ? byte - before : first, end = std::min(last, byte + after);
    std::string shown = begin > first ? "..." : "";
    caret = shown.size();
    for (size_t i = begin; i < end; ++i) {
      if (continues_character(text[i]))
        continue;
      shown += text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
      caret += i < byte;
    }
    return shown + (end < last ? "..." : "");
  }

  /* Passes over white space; the character that follows, 0 at the end. */
  char next() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
      ++at;
    return at < text.size() ? text[at] : '\0';
  }

  void take(char wanted, const char *name) {
    if (next() != wanted || at >= text.size())
      fail(at, std::string("expected ") + name);
    ++at;
  }

  void read_word() {
    if (next() != '"')
      fail(at, "expected a word in double quotes");
    const size_t opening = at++;
    word.clear();
    for (;;) {
      if (at >= text.size())
        fail(opening, "a word without its closing quote");
      if (text[at] == '"')
        break;
      if (static_cast<unsigned char>(text[at]) < 0x20)
        fail(at, "a control character in a word");
      if (text[at] == '\\') {
        read_escape();
      } else {
        const size_t bytes = character_bytes(text, at);
        if (bytes == 0)
          fail(at, "not UTF-8");
        word.append(text, at, bytes);
        at += bytes;
      }
      if (word.size() > word_index_longest_word)
        fail(opening, format("a word of more than %zu bytes", word_index_longest_word));
    }
    ++at;
  }

  /* The four digits at text[at + 2], of \uXXXX. */
  uint32_t read_unit() {
    uint32_t unit = 0;
    const char *const digits = text.data() + std::min(at + 2, text.size()), *const end = text.data() + std::min(at + 6, text.size());
    const std::from_chars_result result = std::from_chars(digits, end, unit, 16);
    if (result.ec != std::errc() || result.ptr != end || end - digits != 4)
      fail(at, "expected four hexadecimal digits after \\u");
    at += 6;
    return unit;
  }

  void read_escape() {
    constexpr const char *letters = "\"\\/bfnrt", *meanings = "\"\\/\b\f\n\r\t";
    const size_t begin = at;
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    if (kind == 'u') {
      uint32_t code = read_unit();
      if (code >= 0xd800 && code < 0xdc00 && text.compare(at, 2, "\\u") == 0) {
        const uint32_t low = read_unit();
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xd800;
      }
      if (code >= 0xd800 && code < 0xe000)
        fail(begin, "half of a surrogate pair");
      add_character(word, code);
      return;
    }
    const char *const found = kind ? std::char_traits<char>::find(letters, 8, kind) : nullptr;
    if (!found)
      fail(begin, "an unknown escape");
    word += meanings[found - letters];
    at += 2;
  }

  int32_t read_rank() {
    int64_t rank = -1;
    const char *const begin = text.data() + at, *const end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(begin, end, rank);
    const bool more = result.ptr < end && (*result.ptr == '.' || *result.ptr == 'e' || *result.ptr == 'E');
    const bool zeros = result.ptr > begin + 1 && *begin == '0';
    if (result.ec != std::errc() || more || zeros || rank < 0 || rank >= no_rank || *begin == '-')
      fail(at, format("expected the rank of a word, a whole number from 0 to %d", no_rank - 1));
    at += static_cast<size_t>(result.ptr - begin);
    return static_cast<int32_t>(rank);
  }

  input_file file;
  std::string text, word;
  size_t at = 0;
};

} // namespace

std::vector<std::string> words_of(const std::string &text) {
  static const std::string separators = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\v\f";
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty())
      words.push_back(word);
    word.clear();
  };
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const size_t bytes = character_bytes(text, i);
    if (bytes == 2)
      add_character(word, small_letter((c & 0x1fu) << 6 | (static_cast<unsigned char>(text[i + 1]) & 0x3fu)));
    else if (bytes != 1)
      word.append(text, i, std::max<size_t>(bytes, 1));
    else if (separators.find(text[i]) != std::string::npos)
      end_word();
    else
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : text[i];
    i += std::max<size_t>(bytes, 1);
  }
  end_word();
  return words;
}

std::vector<int32_t> ranks_of(const std::string &path, const std::vector<std::string> &words) {
  /* Only what the text has is kept: an index has 90,000 words, a text a few. */
  std::unordered_map<std::string, int32_t> wanted;
  for (const std::string &word : words)
    wanted[word] = no_rank;
  index_reader reader(path);
  reader.read([&](const std::string &word, int32_t rank, size_t place) {
    const auto found = wanted.find(word);
    if (found == wanted.end())
      return;
    if (found->second != no_rank && found->second != rank)
      reader.fail(place, format("a word for the second time, with another rank: %d before", found->second));
    found->second = rank;
  });
  std::vector<int32_t> ranks;
  for (const std::string &word : words)
    ranks.push_back(wanted[word]);
  return ranks;
}

dataset bind_text(const hornfels_model &model, const options &chosen) {
  const hornfels_tensor &input = model.input_info[0];
  if (model.inputs != 1 || (input.type != HORNFELS_TOKENS16 && input.type != HORNFELS_TOKENS32))
    throw failure(exit_usage, std::string("error: --text is a row of tokens, but ") + model.name +
                                  (model.inputs != 1 ? format(" has %d inputs", static_cast<int>(model.inputs))
                                                     : std::string(" takes ") + input.name + ", " + tensor_text(input)));
  const std::vector<int32_t> ranks = ranks_of(chosen.word_index, words_of(chosen.text));
  if (!ranks.empty() && std::all_of(ranks.begin(), ranks.end(), [](int32_t rank) { return rank == no_rank; }))
    print_error(std::string(model.name) + ": warning: " + quoted(chosen.word_index) + " has no word of the text");
  token_lists lists;
  lists.rows = 1;
  lists.values = buffer(ranks.size() * sizeof(int32_t));
  std::copy(ranks.begin(), ranks.end(), lists.values.as<int32_t>());
  lists.offsets = buffer(2 * sizeof(int64_t));
  lists.offsets.as<int64_t>()[0] = 0;
  lists.offsets.as<int64_t>()[1] = static_cast<int64_t>(ranks.size());
  dataset data;
  data.rows = 1;
  data.arrays.push_back(make_tokens(lists, rules_of_ranks(chosen.reading, input.limit), {0}, input, "--text"));
  return data;
}

} // namespace hornfels
