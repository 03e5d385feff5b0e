#include "safetensors.h"

#include <algorithm>
#include <cstring>

#include "npz.h"
#include "text.h"

namespace hornfels {

namespace {

struct element_type {
  const char *name;
  char kind;
  size_t width;
};

constexpr element_type types[] = {{"F32", 'f', 4}, {"F64", 'f', 8},  {"I32", 'i', 4}, {"I64", 'i', 8},
                                  {"U8", 'u', 1},  {"BOOL", 'b', 1}, {"I8", 'i', 1},  {"I16", 'i', 2},
                                  {"U16", 'u', 2}, {"U32", 'u', 4},  {"U64", 'u', 8}};

constexpr uint64_t length_bytes = 8;

void add_utf8(std::string &text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/* The header's JSON: objects of known depth, so that nothing nests. */
class header_parser {
public:
  header_parser(const input_file &file, const std::string &header, uint64_t data_bytes)
      : source(file), text(header), room(data_bytes) {}

  bool parse(std::vector<safetensors_entry> &list, file_error &problem) {
    error = &problem;
    if (!expect('{'))
      return false;
    if (peek() == '}')
      ++at;
    else
      do {
        safetensors_entry entry;
        if (!string(entry.name) || !expect(':'))
          return false;
        if (entry.name == "__metadata__" ? !metadata() : !tensor(entry))
          return false;
        if (entry.name != "__metadata__")
          list.push_back(std::move(entry));
        if (list.size() > npz_most_members)
          return fail("too many arrays");
      } while (another('}'));
    if (error->kind != file_error::none)
      return false;
    return peek() == '\0' && at == text.size() ? true : fail("more after the header's object");
  }

private:
  bool fail(const std::string &message) { return source.fail(length_bytes + at, message, *error); }

  char peek() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
      ++at;
    return at < text.size() ? text[at] : '\0';
  }
  bool expect(char c) {
    if (peek() != c || at == text.size())
      return fail(std::string("expected '") + c + "'");
    ++at;
    return true;
  }
  /* After an element: true at a comma, false at `end` or at an error. */
  bool another(char end) {
    if (peek() == ',') {
      ++at;
      return true;
    }
    expect(end);
    return false;
  }

  bool hex4(uint32_t &code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at) {
      const char c = at < text.size() ? text[at] : '\0';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0)
        return fail("expected four hexadecimal digits");
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool escape(std::string &to) {
    const char c = at < text.size() ? text[at++] : '\0';
    static const char *const from = "\"\\/bfnrt", *const plain = "\"\\/\b\f\n\r\t";
    if (const char *found = c ? std::strchr(from, c) : nullptr) {
      to += plain[found - from];
      return true;
    }
    uint32_t code, low;
    if (c != 'u')
      return fail("unknown escape in a string");
    if (!hex4(code))
      return false;
    if (code >= 0xD800 && code < 0xDC00) {
      if (text.compare(at, 2, "\\u") != 0)
        return fail("half of a surrogate pair");
      at += 2;
      if (!hex4(low))
        return false;
      if (low < 0xDC00 || low >= 0xE000)
        return fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      return fail("half of a surrogate pair");
    }
    add_utf8(to, code);
    return true;
  }

  bool string(std::string &to) {
    if (!expect('"'))
      return false;
    while (at < text.size() && text[at] != '"') {
      if (static_cast<unsigned char>(text[at]) < 0x20)
        return fail("control character in a string");
      if (text[at] != '\\')
        to += text[at++];
      else if (++at, !escape(to))
        return false;
      if (to.size() > 65536)
        return fail("a string is too long");
    }
    return at < text.size() ? (++at, true) : fail("a string without its end");
  }

  bool number(uint64_t &value) {
    peek();
    const size_t first = at;
    value = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (value > (UINT64_MAX >> 1) / 10 - 1)
        return fail("number out of range");
      value = value * 10 + static_cast<uint64_t>(text[at++] - '0');
    }
    if (at == first || (at - first > 1 && text[first] == '0'))
      return fail("expected a whole number");
    return true;
  }

  bool numbers(std::vector<uint64_t> &values, size_t most) {
    if (!expect('['))
      return false;
    if (peek() == ']')
      return ++at, true;
    do {
      values.emplace_back();
      if (!number(values.back()))
        return false;
      if (values.size() > most)
        return fail("more numbers than an array here can have");
    } while (another(']'));
    return error->kind == file_error::none;
  }

  /* {"format": "pt"}: read over. */
  bool metadata() {
    if (!expect('{'))
      return false;
    if (peek() == '}')
      return ++at, true;
    do {
      std::string key, value;
      if (!string(key) || !expect(':') || !string(value))
        return false;
    } while (another('}'));
    return error->kind == file_error::none;
  }

  bool tensor(safetensors_entry &entry) {
    std::string type;
    std::vector<uint64_t> shape, offsets;
    bool has_type = false, has_shape = false, has_offsets = false;
    if (entry.name.empty() || entry.name.size() > npz_longest_name)
      return fail(entry.name.empty() ? "an empty name" : "a name is too long");
    if (!expect('{'))
      return false;
    do {
      std::string key;
      if (!string(key) || !expect(':'))
        return false;
      bool *const seen = key == "dtype"          ? &has_type
                         : key == "shape"        ? &has_shape
                         : key == "data_offsets" ? &has_offsets
                                                 : nullptr;
      if (!seen || *seen)
        return fail(quoted(key) + (seen ? " is given twice" : " is not known here"));
      *seen = true;
      if (seen == &has_type ? !string(type) : !numbers(seen == &has_shape ? shape : offsets, npy_most_axes))
        return false;
    } while (another('}'));
    if (error->kind != file_error::none)
      return false;
    if (!has_type || !has_shape || offsets.size() != 2)
      return fail(quoted(entry.name) + ": needs dtype, shape and two data_offsets");
    return describe(entry, type, shape, offsets);
  }

  bool describe(safetensors_entry &entry, const std::string &type, const std::vector<uint64_t> &shape,
                const std::vector<uint64_t> &offsets) {
    const element_type *found = nullptr;
    for (const element_type &one : types)
      if (type == one.name)
        found = &one;
    if (!found)
      return fail(quoted(entry.name) + ": elements of type " + quoted(type) + " are not read here");
    npy_header &header = entry.header;
    header.kind = found->kind;
    header.width = found->width;
    header.rank = shape.size();
    for (size_t i = 0; i < shape.size(); ++i)
      header.shape[i] = static_cast<int64_t>(shape[i]);
    header.elements = checked_product(header.shape, header.rank, INT64_MAX / 16);
    header.data_bytes = static_cast<uint64_t>(header.elements) * header.width;
    if (header.elements < 0 || offsets[0] > offsets[1] || offsets[1] > room ||
        offsets[1] - offsets[0] != header.data_bytes)
      return fail(quoted(entry.name) + ": the data_offsets do not fit its shape or the file");
    entry.begin = length_bytes + text.size() + offsets[0];
    entry.end = length_bytes + text.size() + offsets[1];
    return true;
  }

  const input_file &source;
  const std::string &text;
  const uint64_t room;
  size_t at = 0;
  file_error *error = nullptr;
};

} // namespace

bool safetensors_reader::open(const std::string &path, file_error &error) {
  unsigned char bytes[length_bytes];
  if (!source.open(path, error))
    return false;
  if (source.size() < length_bytes)
    return source.fail(source.size(), "not a .safetensors file: it is cut short", error);
  if (!source.read(0, bytes, sizeof bytes, error))
    return false;
  uint64_t length = 0;
  for (size_t i = length_bytes; i-- > 0;)
    length = length << 8 | bytes[i];
  if (length > safetensors_longest_header || length > source.size() - length_bytes)
    return source.fail(0,
                       format("not a .safetensors file: a header of %llu bytes, the file has %llu",
                              static_cast<unsigned long long>(length),
                              static_cast<unsigned long long>(source.size())),
                       error);
  std::string header(static_cast<size_t>(length), ' ');
  if (!source.read(length_bytes, &header[0], header.size(), error) ||
      !header_parser(source, header, source.size() - length_bytes - length).parse(list, error))
    return false;
  for (size_t i = 0; i < list.size(); ++i)
    if (!index.emplace(list[i].name, i).second)
      return source.fail(length_bytes, quoted(list[i].name) + " is there twice", error);
  std::vector<std::pair<uint64_t, uint64_t>> parts;
  for (const safetensors_entry &entry : list)
    parts.emplace_back(entry.begin, entry.end);
  std::sort(parts.begin(), parts.end());
  uint64_t at = length_bytes + length;
  for (const auto &part : parts) {
    if (part.first != at)
      return source.fail(at, "elements overlap or leave a hole", error);
    at = part.second;
  }
  return at == source.size() || source.fail(at, "bytes that belong to no array", error);
}

const safetensors_entry *safetensors_reader::find(const std::string &name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &list[found->second];
}

bool safetensors_reader::read(const safetensors_entry &entry, void *data, file_error &error) const {
  return source.read(entry.begin, data, static_cast<size_t>(entry.end - entry.begin), error);
}

namespace {

std::string json_name(const std::string &name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\')
      text += '\\';
    text += static_cast<unsigned char>(c) < 0x20 ? format("\\u%04x", static_cast<unsigned>(c))
                                                 : std::string(1, c);
  }
  return text + "\"";
}

} // namespace

std::string safetensors_header_bytes(const std::vector<listed_array> &arrays) {
  std::string text = "{";
  uint64_t at = 0;
  for (const listed_array &array : arrays) {
    const char *type = "";
    for (const element_type &one : types)
      if (one.kind == array.kind && one.width == array.width)
        type = one.name;
    uint64_t bytes = array.width;
    std::string shape;
    for (const int64_t size : array.shape) {
      bytes *= static_cast<uint64_t>(size);
      shape += (shape.empty() ? "" : ",") + std::to_string(size);
    }
    text += (at > 0 || text.size() > 1 ? "," : "") + json_name(array.name) + ":{\"dtype\":\"" + type +
            "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(at) + "," +
            std::to_string(at + bytes) + "]}";
    at += bytes;
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (size_t i = 0; i < length_bytes; ++i)
    length += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return length + text;
}

} // namespace hornfels
