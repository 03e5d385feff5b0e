#include "npy.h"

#include <algorithm>
#include <cstring>

#include "text.h"

namespace hornfels {

byte_stream::~byte_stream() = default;

std::string npy_header::type_text() const {
  if (kind == 'b' || kind == 'O')
    return kind == 'b' ? "bool" : "objects";
  return std::string(1, kind) + format("%zu", width * 8);
}

std::string npy_header::text() const { return type_text() + shape_text(shape, rank); }

namespace {

/* The header is a Python dictionary, written as a literal:
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (404, 13), } */
class dictionary_parser {
public:
  dictionary_parser(const std::string &source, uint64_t at, const std::string &where, npy_header &result,
                    bool objects, file_error &failure)
      : text(source), base(at), place(where), header(result), takes_objects(objects), error(failure) {}

  bool parse() {
    if (!expect('{'))
      return false;
    bool has_type = false, has_order = false, has_shape = false;
    while (next() != '}') {
      std::string key;
      const size_t start = position;
      if (!string(key) || !expect(':'))
        return false;
      bool *seen = key == "descr" ? &has_type : key == "fortran_order" ? &has_order : key == "shape" ? &has_shape : nullptr;
      if (!seen || *seen)
        return fail(start, (seen ? "a second " : "an unknown ") + std::string("key ") + quoted(key) + " in the header");
      *seen = true;
      if (!(key == "descr" ? type() : key == "shape" ? shape() : order()))
        return false;
      if (next() != '}' && !expect(','))
        return false;
    }
    ++position;
    const size_t start = position;
    next();
    if (position != text.size())
      return fail(start, "text after the header's dictionary");
    const char *missing = !has_type ? "descr" : !has_order ? "fortran_order" : !has_shape ? "shape" : nullptr;
    if (missing)
      return fail(start, std::string("the header has no ") + missing);
    return finish();
  }

private:
  bool fail(size_t at, const std::string &message) {
    return error.set(file_error::wrong, place + format("@0x%llx: error: ", static_cast<unsigned long long>(base + at)) +
                                            message);
  }

  /* The next character that is not white space; 0 at the end. */
  char next() {
    while (position < text.size() && (text[position] == ' ' || text[position] == '\n'))
      ++position;
    return position < text.size() ? text[position] : '\0';
  }

  bool expect(char wanted) {
    if (next() != wanted)
      return fail(position, format("expected '%c' in the header", wanted));
    ++position;
    return true;
  }

  bool string(std::string &value) {
    const char quote = next();
    if (quote != '\'' && quote != '"')
      return fail(position, "expected a string in the header");
    const size_t end = text.find(quote, position + 1);
    if (end == std::string::npos)
      return fail(position, "a string without end in the header");
    value = text.substr(position + 1, end - position - 1);
    position = end + 1;
    return true;
  }

  bool type() {
    next();
    const size_t start = position;
    if (next() == '[')
      return fail(start, "holds structures; an array of numbers is expected");
    std::string name;
    if (!string(name))
      return false;
    const char order = name.empty() ? '\0' : name[0];
    const std::string rest = name.empty() ? "" : name.substr(1);
    if (rest == "O" || rest == "O4" || rest == "O8" || name == "O") {
      header.kind = 'O';
      header.width = 0;
      return takes_objects ||
             fail(start, "holds Python objects (pickled), which are not read; save plain arrays of numbers");
    }
    static const char *const known[] = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"};
    for (const char *one : known) {
      if (rest != one)
        continue;
      header.kind = one[0];
      header.width = static_cast<size_t>(one[1] - '0');
      if (order == '>' && header.width > 1)
        return fail(start, "big-endian numbers (" + name + ") are not read; save them little-endian");
      if (order == '<' || order == '|' || order == '=' || order == '>')
        return true;
    }
    return fail(start, "elements of type " + quoted(name) + " are not read; expected bool, i1 to i8, u1 to u8, f4 or f8");
  }

  bool order() {
    next();
    order_position = position;
    fortran = text.compare(position, 4, "True") == 0;
    if (!fortran && text.compare(position, 5, "False") != 0)
      return fail(position, "expected True or False in the header");
    position += fortran ? 4 : 5;
    return true;
  }

  bool shape() {
    next();
    shape_position = position;
    if (!expect('('))
      return false;
    while (next() != ')') {
      const size_t start = position;
      int64_t size = 0;
      while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
        if (size > (INT64_MAX - 9) / 10)
          return fail(start, "a size in the shape is out of range");
        size = size * 10 + (text[position++] - '0');
      }
      if (position == start)
        return fail(start, "expected a size of 0 or more in the shape");
      if (position < text.size() && text[position] == 'L') /* as Python 2 wrote long integers */
        ++position;
      if (header.rank == npy_most_axes)
        return fail(shape_position, format("more than %zu axes", npy_most_axes));
      header.shape[header.rank++] = size;
      if (next() != ')' && !expect(','))
        return false;
    }
    ++position;
    return true;
  }

  bool finish() {
    header.elements =
        checked_product(header.shape, header.rank, INT64_MAX / static_cast<int64_t>(std::max<size_t>(header.width, 1)) / 2);
    if (header.elements < 0)
      return fail(shape_position, "the product of the sizes " + shape_text(header.shape, header.rank) + " is out of range");
    header.data_bytes = static_cast<uint64_t>(header.elements) * header.width;
    size_t long_axes = 0;
    for (size_t i = 0; i < header.rank; ++i)
      long_axes += header.shape[i] > 1;
    if (fortran && long_axes > 1)
      return fail(order_position, "the array is in Fortran order; save it in C order");
    return true;
  }

  const std::string &text;
  const uint64_t base;
  const std::string &place;
  npy_header &header;
  const bool takes_objects;
  file_error &error;
  size_t position = 0, order_position = 0, shape_position = 0;
  bool fortran = false;
};

} // namespace

bool read_npy_header(byte_stream &stream, const std::string &place, npy_header &header, file_error &error,
                     bool objects) {
  header = npy_header();
  unsigned char start[12];
  if (!stream.read(start, 8, error))
    return false;
  if (std::memcmp(start, "\x93NUMPY", 6) != 0)
    return error.set(file_error::wrong, place + "@0x0: error: not a .npy array: it does not begin with \\x93NUMPY");
  const unsigned version = start[6];
  if (version < 1 || version > 3)
    return error.set(file_error::wrong, place + format("@0x6: error: version %u of .npy is not known", version));
  const size_t length_bytes = version == 1 ? 2 : 4;
  if (!stream.read(start + 8, length_bytes, error))
    return false;
  size_t length = static_cast<size_t>(start[8]) | static_cast<size_t>(start[9]) << 8;
  if (version > 1)
    length |= static_cast<size_t>(start[10]) << 16 | static_cast<size_t>(start[11]) << 24;
  if (length > npy_longest_header)
    return error.set(file_error::wrong, place + format("@0x8: error: a header of %zu bytes; at most %zu are read",
                                                       length, npy_longest_header));
  std::string text(length, '\0');
  if (length > 0 && !stream.read(&text[0], length, error))
    return false;
  header.data_offset = 8 + length_bytes + length;
  return dictionary_parser(text, 8 + length_bytes, place, header, objects, error).parse();
}

std::string npy_header_bytes(char kind, size_t width, const int64_t *shape, size_t rank) {
  std::string sizes;
  for (size_t i = 0; i < rank; ++i)
    sizes += format(i ? ", %lld" : "%lld", static_cast<long long>(shape[i]));
  if (rank == 1)
    sizes += ",";
  std::string text = format("{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (%s), }", width == 1 ? '|' : '<',
                            kind, width, sizes.c_str());
  text.append((64 - (10 + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 0xff);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text;
}

bool npy_type_of(int32_t type, char &kind, size_t &width) {
  static const char kinds[] = {'f', 'f', 'i', 'i', 'u', 'b'};
  if (type < 0 || type > HORNFELS_BOOL)
    return false;
  kind = kinds[type];
  width = type_bytes(type);
  return true;
}

} // namespace hornfels
