#include "pickle.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

#include "pickle_names.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

/* What a pickle can unpack to: honest lists of word numbers reach 2 to 5 times their bytes in the archive. */
constexpr uint64_t largest_ratio = 16, always_allowed = uint64_t{1} << 20;

/* Python writes the items of a list in batches of 1000; all else in such a pickle is small. */
constexpr size_t most_on_stack = 4096, most_names = 256, longest_name = 128, most_items = 16;

enum class kind : uint8_t { mark, none, boolean, number, text, tuple, list, name, object_type, array };

const char *describe(kind what) {
  switch (what) {
  case kind::mark:
    return "a mark";
  case kind::none:
    return "None";
  case kind::boolean:
    return "a truth value";
  case kind::number:
    return "a number";
  case kind::text:
    return "text";
  case kind::tuple:
    return "a tuple";
  case kind::list:
    return "a list";
  case kind::name:
    return "a name";
  case kind::object_type:
    return "an element type";
  case kind::array:
    return "an array";
  }
  return "";
}

/* The names that an array's pickle has. They are constants here: nothing is looked up or called. */
enum name_constant : int64_t { reconstruct, ndarray, dtype, encode };

struct known_name {
  const char *module, *name;
  name_constant constant;
};
constexpr known_name known_names[] = {
    {"numpy.core.multiarray", "_reconstruct", reconstruct},
    {"numpy._core.multiarray", "_reconstruct", reconstruct},
    {"numpy", "ndarray", ndarray},
    {"numpy", "dtype", dtype},
    {"_codecs", "encode", encode},
};

struct value {
  kind what = kind::none;
  int64_t number = 0; /* itself; of text and tuples the index; of lists which one: 0 is the array's own */
};

/* The machine. The array's own list is made first, then the rows, one after the other: so the numbers of all
 * rows go to one buffer as they come. */
class machine {
public:
  machine(byte_stream &source, const pickle_place &where, int64_t expected_rows, bool keep);
  token_lists run();

private:
  [[noreturn]] void fail(const std::string &message) const;
  void take(void *to, size_t count);
  uint64_t take_little(size_t count);
  std::string take_text(uint64_t length);
  std::string take_line();
  void refill();

  void push(kind what, int64_t number = 0);
  void push_text(std::string text);
  value pop(kind expected, const char *role);
  value pop_any();
  size_t mark_below() const;
  bool is_text(const value &v, const char *text) const;
  bool is_number(const value &v, int64_t least, int64_t most) const;
  const std::vector<value> &items_of(const value &tuple) const;

  bool step();
  void number_of(size_t bytes);
  void make_tuple(size_t first);
  void make_list();
  void append(const value &list, size_t first);
  void append_row(const value &row);
  void append_number(const value &item);
  bool take_batch();
  void remember(uint64_t index);
  void recall(uint64_t index);
  void name(const std::string &module, const std::string &text);
  void reduce();
  void build();
  void build_array(const value &state);

  byte_stream &stream;
  const pickle_place &place;
  unsigned char input[65536];
  size_t begin = 0, end = 0; /* of what is left in `input` */
  uint64_t unread;           /* bytes beyond `input` */
  uint64_t at = 0;           /* where the operation that is run begins */

  std::vector<value> stack;
  std::vector<std::string> texts;
  std::vector<std::vector<value>> tuples;
  std::map<uint64_t, value> memo; /* of names and texts only: a list is in the array once */
  uint64_t memoized = 0;
  token_lists result;
  const bool keeps; /* whether the numbers are wanted */
  int64_t lists = 0, appended = 0, numbers = 0;
  bool built = false;
};

machine::machine(byte_stream &source, const pickle_place &where, int64_t expected_rows, bool keep)
    : stream(source), place(where), unread(where.bytes), keeps(keep) {
  const auto count = [](uint64_t n) { return format("%llu", static_cast<unsigned long long>(n)); };
  if (place.bytes > always_allowed && place.bytes / largest_ratio > place.in_file)
    fail("a pickle of " + count(place.bytes) + " bytes in " + count(place.in_file) +
         " bytes of the archive; lists of numbers unpack to " + count(largest_ratio) +
         " times their size at most");
  if (static_cast<uint64_t>(expected_rows) > place.in_file)
    fail("the header says " + count(static_cast<uint64_t>(expected_rows)) + " rows, but the pickle has " +
         count(place.in_file) + " bytes");
  result.rows = expected_rows;
  stack.reserve(most_on_stack);
  if (!keeps)
    return;
  result.values =
      buffer(static_cast<size_t>(place.bytes / 2) * sizeof(int32_t)); /* a number takes two bytes or more */
  result.offsets = buffer(static_cast<size_t>(expected_rows + 1) * sizeof(int64_t));
}

void machine::fail(const std::string &message) const {
  throw failure(exit_input,
                place.name + format("@0x%llx: error: ", static_cast<unsigned long long>(place.offset + at)) +
                    message);
}

void machine::refill() {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(unread, sizeof input));
  if (count == 0)
    fail("the pickle is cut short");
  file_error error;
  require(stream.read(input, count, error), error);
  unread -= count;
  begin = 0;
  end = count;
}

void machine::take(void *to, size_t count) {
  char *bytes = static_cast<char *>(to);
  while (count > 0) {
    if (begin == end)
      refill();
    const size_t now = std::min(count, end - begin);
    std::memcpy(bytes, input + begin, now);
    begin += now;
    bytes += now;
    count -= now;
  }
}

uint64_t machine::take_little(size_t count) {
  unsigned char bytes[8];
  take(bytes, count);
  uint64_t result_value = 0;
  for (size_t i = 0; i < count; ++i)
    result_value |= uint64_t{bytes[i]} << (8 * i);
  return result_value;
}

std::string machine::take_text(uint64_t length) {
  if (length > longest_name)
    fail(format("text of %llu bytes; NumPy's names have %zu at most", static_cast<unsigned long long>(length),
                longest_name));
  std::string text(static_cast<size_t>(length), '\0');
  take(&text[0], text.size());
  return text;
}

std::string machine::take_line() {
  std::string line;
  for (char c; take(&c, 1), c != '\n'; line += c)
    if (line.size() == longest_name)
      fail(format("a name of more than %zu bytes", longest_name));
  return line;
}

void machine::push(kind what, int64_t number) {
  if (stack.size() == most_on_stack)
    fail(format("more than %zu items at once; Python writes lists in batches of 1000", most_on_stack));
  stack.push_back({what, number});
}

void machine::push_text(std::string text) {
  if (texts.size() == most_names)
    fail(format("more than %zu texts; an array of lists of numbers has about ten", most_names));
  texts.push_back(std::move(text));
  push(kind::text, static_cast<int64_t>(texts.size() - 1));
}

value machine::pop_any() {
  if (stack.empty())
    fail("nothing on the stack");
  const value top = stack.back();
  stack.pop_back();
  return top;
}

value machine::pop(kind expected, const char *role) {
  const value top = pop_any();
  if (top.what != expected)
    fail(std::string("found ") + describe(top.what) + ", expected " + role);
  return top;
}

/* The index of the first item above the last mark; the mark is below it. */
size_t machine::mark_below() const {
  for (size_t i = stack.size(); i-- > 0;)
    if (stack[i].what == kind::mark)
      return i + 1;
  fail("no mark on the stack");
}

bool machine::is_text(const value &v, const char *text) const {
  return v.what == kind::text && texts[static_cast<size_t>(v.number)] == text;
}

bool machine::is_number(const value &v, int64_t least, int64_t most) const {
  return (v.what == kind::number || v.what == kind::boolean) && v.number >= least && v.number <= most;
}

const std::vector<value> &machine::items_of(const value &tuple) const {
  return tuples[static_cast<size_t>(tuple.number)];
}

/* A little-endian number in two's complement. */
void machine::number_of(size_t bytes) {
  if (bytes > 8)
    fail(format("a number of %zu bytes; word numbers have up to 4", bytes));
  uint64_t bits = take_little(bytes);
  if (bytes > 0 && bytes < 8 && bits >> (8 * bytes - 1))
    bits |= ~uint64_t{0} << (8 * bytes);
  push(kind::number, static_cast<int64_t>(bits));
}

void machine::make_tuple(size_t first) {
  if (stack.size() - first > most_items || tuples.size() == most_names)
    fail("a tuple that NumPy does not write");
  tuples.emplace_back(stack.begin() + static_cast<std::ptrdiff_t>(first), stack.end());
  stack.resize(first);
  push(kind::tuple, static_cast<int64_t>(tuples.size() - 1));
}

void machine::make_list() {
  if (lists > result.rows)
    fail(format("more than the %lld lists that the header says", static_cast<long long>(result.rows)));
  if (lists > 0 && keeps)
    result.offsets.as<int64_t>()[lists - 1] = numbers;
  push(kind::list, lists++);
}

void machine::append_row(const value &row) {
  if (row.what != kind::list)
    fail(std::string("found ") + describe(row.what) +
         " as an element of the array, expected lists of whole numbers");
  if (row.number != appended + 1)
    fail("a list that is in the array twice or out of order");
  ++appended;
}

void machine::append_number(const value &item) {
  if (item.what != kind::number)
    fail(format("row %lld holds ", static_cast<long long>(lists - 2)) + describe(item.what) +
         ", expected whole numbers");
  if (item.number < 0 || item.number > std::numeric_limits<int32_t>::max())
    fail(format("row %lld holds %lld; word numbers are 0 to 2147483647", static_cast<long long>(lists - 2),
                static_cast<long long>(item.number)));
  if (keeps)
    result.values.as<int32_t>()[numbers] = static_cast<int32_t>(item.number);
  ++numbers;
}

/* Adds the items from `first` on to a list, and takes them from the stack. */
void machine::append(const value &list, size_t first) {
  if (list.what != kind::list)
    fail(std::string("found ") + describe(list.what) + ", expected a list to append to");
  if (list.number != 0 && list.number != lists - 1)
    fail("a list grows after the next one has begun");
  for (size_t i = first; i < stack.size(); ++i)
    if (list.number == 0)
      append_row(stack[i]);
    else
      append_number(stack[i]);
  stack.resize(first);
}

/* Nearly all of a pickle: small numbers for the list that is being filled, from a mark, which has been read,
 * to APPENDS. Does what the operations would do one by one, if all of them are in `input`; else nothing. */
bool machine::take_batch() {
  if (stack.empty() || stack.back().what != kind::list || stack.back().number == 0 ||
      stack.back().number != lists - 1)
    return false;
  size_t from = begin;
  int64_t count = 0;
  int32_t *const to = keeps ? result.values.as<int32_t>() + numbers : nullptr;
  constexpr size_t longest = 3; /* BININT2 */
  for (; end - from >= longest && count < static_cast<int64_t>(most_on_stack / 2); ++count) {
    int32_t number;
    if (input[from] == 'K')
      number = input[from + 1];
    else if (input[from] == 'M')
      number = input[from + 1] | input[from + 2] << 8;
    else
      break;
    from += input[from] == 'K' ? 2 : 3;
    if (keeps)
      to[count] = number;
  }
  if (from == end || input[from] != 'e')
    return false;
  begin = from + 1;
  numbers += count;
  return true;
}

void machine::remember(uint64_t index) {
  if (stack.empty())
    fail("nothing on the stack to remember");
  const value &top = stack.back();
  if (top.what != kind::text && top.what != kind::name) {
    memo.erase(index);
    return;
  }
  memo[index] = top; /* at most as many as there are texts and names */
  if (memo.size() > most_names)
    fail(format("more than %zu names are remembered", most_names));
}

void machine::recall(uint64_t index) {
  const auto found = memo.find(index);
  if (found == memo.end())
    fail(format("asks again for item %llu, which is no name: a list is read once only",
                static_cast<unsigned long long>(index)));
  push(found->second.what, found->second.number);
}

void machine::name(const std::string &module, const std::string &text) {
  for (const known_name &known : known_names)
    if (module == known.module && text == known.name)
      return push(kind::name, known.constant);
  fail("the pickle asks for " + quoted(module + "." + text) +
       ", which is refused: only arrays of lists of numbers are read");
}

/* Of all that could be called: an empty array, its element type, and the bytes of 'b' as Python 3 spells them
 * in protocol 2. */
void machine::reduce() {
  const value arguments = pop(kind::tuple, "a tuple of arguments");
  const value called = pop(kind::name, "a name");
  const std::vector<value> &items = items_of(arguments);
  const auto matches = [&](size_t count) { return items.size() == count; };
  if (called.number == reconstruct && matches(3) && items[0].what == kind::name &&
      items[0].number == ndarray && items[1].what == kind::tuple && is_text(items[2], "b"))
    return push(kind::array);
  if (called.number == dtype && matches(3) && is_number(items[1], 0, 1) && is_number(items[2], 0, 1)) {
    if (is_text(items[0], "O8") || is_text(items[0], "O4") || is_text(items[0], "O"))
      return push(kind::object_type);
    if (items[0].what == kind::text)
      fail("elements of type " + quoted(texts[static_cast<size_t>(items[0].number)]) +
           " in a pickle; expected objects");
  }
  if (called.number == encode && matches(2) && is_text(items[0], "b") && is_text(items[1], "latin1"))
    return push_text("b");
  fail("a call that NumPy's arrays of lists do not make");
}

void machine::build() {
  const value state = pop(kind::tuple, "a tuple");
  const value object = pop_any();
  if (object.what == kind::array)
    build_array(state);
  else if (object.what != kind::object_type)
    fail(std::string("sets the state of ") + describe(object.what) +
         ", expected an array or its element type");
  push(object.what);
}

/* (version, shape, element type, whether in Fortran order, list of elements) */
void machine::build_array(const value &state) {
  const std::vector<value> &items = items_of(state);
  if (built || items.size() != 5 || !is_number(items[0], 0, 1) || items[1].what != kind::tuple ||
      items[2].what != kind::object_type || !is_number(items[3], 0, 1) || items[4].what != kind::list ||
      items[4].number != 0)
    fail("a state that is not that of an array of lists");
  const std::vector<value> &shape = items_of(items[1]);
  if (shape.size() != 1 || !is_number(shape[0], result.rows, result.rows))
    fail(format("the array's shape is not the header's [%lld]", static_cast<long long>(result.rows)));
  if (appended != result.rows || lists != result.rows + 1)
    fail(format("the array has %lld lists, its header says %lld", static_cast<long long>(appended),
                static_cast<long long>(result.rows)));
  built = true;
}

/* Runs an operation; false: the last one. */
bool machine::step() {
  at = place.bytes - unread - (end - begin);
  unsigned char code;
  take(&code, 1);
  switch (code) {
  case 0x80: { /* PROTO */
    const uint64_t protocol = take_little(1);
    if (at != 0 || protocol < 2 || protocol > 5)
      fail(format("protocol %llu; 2 to 5 are read", static_cast<unsigned long long>(protocol)));
    return true;
  }
  case 0x95: /* FRAME */
    if (take_little(8) > unread + (end - begin))
      fail("a frame that goes on beyond the end of the pickle");
    return true;
  case '(':
    if (!take_batch())
      push(kind::mark);
    return true;
  case 'N':
    push(kind::none);
    return true;
  case 0x88: /* NEWTRUE */
  case 0x89: /* NEWFALSE */
    push(kind::boolean, code == 0x88);
    return true;
  case 'K': /* BININT1: no sign */
    push(kind::number, static_cast<int64_t>(take_little(1)));
    return true;
  case 'M': /* BININT2: no sign */
    push(kind::number, static_cast<int64_t>(take_little(2)));
    return true;
  case 'J': /* BININT */
    number_of(4);
    return true;
  case 0x8a: /* LONG1 */
    number_of(static_cast<size_t>(take_little(1)));
    return true;
  case 'U':  /* SHORT_BINSTRING */
  case 'C':  /* SHORT_BINBYTES */
  case 0x8c: /* SHORT_BINUNICODE */
    push_text(take_text(take_little(1)));
    return true;
  case 'T': /* BINSTRING */
  case 'B': /* BINBYTES */
  case 'X': /* BINUNICODE */
    push_text(take_text(take_little(4)));
    return true;
  case ')': /* EMPTY_TUPLE */
    make_tuple(stack.size());
    return true;
  case 0x85: /* TUPLE1 */
  case 0x86: /* TUPLE2 */
  case 0x87: /* TUPLE3 */
    if (stack.size() < code - 0x84u)
      fail("nothing on the stack");
    make_tuple(stack.size() - (code - 0x84u));
    return true;
  case 't': { /* TUPLE */
    const size_t first = mark_below();
    stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(first - 1));
    make_tuple(first - 1);
    return true;
  }
  case ']':
    make_list();
    return true;
  case 'a':   /* APPEND */
  case 'e': { /* APPENDS */
    /* list, mark, items...  or  list, item */
    const size_t below = code == 'e' ? mark_below() : stack.size();
    if (below < 2)
      fail("nothing on the stack to append to");
    const size_t list = below - 2;
    append(stack[list], code == 'e' ? below : list + 1);
    stack.resize(list + 1);
    return true;
  }
  case 'c': { /* GLOBAL */
    const std::string module = take_line();
    name(module, take_line());
    return true;
  }
  case 0x93: { /* STACK_GLOBAL */
    const value text = pop(kind::text, "a name");
    const value module = pop(kind::text, "a module's name");
    name(texts[static_cast<size_t>(module.number)], texts[static_cast<size_t>(text.number)]);
    return true;
  }
  case 'R':
    reduce();
    return true;
  case 'b':
    build();
    return true;
  case 'q': /* BINPUT */
    remember(take_little(1));
    return true;
  case 'r': /* LONG_BINPUT */
    remember(take_little(4));
    return true;
  case 0x94: /* MEMOIZE */
    remember(memoized++);
    return true;
  case 'h': /* BINGET */
    recall(take_little(1));
    return true;
  case 'j': /* LONG_BINGET */
    recall(take_little(4));
    return true;
  case '.':
    return false;
  default:
    break;
  }
  const char *const known = pickle_operation(code);
  fail(known ? std::string("the pickle has the operation ") + known +
                   ", which is refused: only arrays of lists of numbers are read"
             : format("0x%02x is no operation of a pickle", static_cast<unsigned>(code)));
}

token_lists machine::run() {
  while (step())
    ;
  if (stack.size() != 1 || stack[0].what != kind::array || !built)
    fail("the pickle ends before the array is whole");
  if (unread + (end - begin) > 0)
    fail("bytes after the end of the pickle");
  if (keeps)
    result.offsets.as<int64_t>()[result.rows] = numbers;
  return std::move(result);
}

} // namespace

/* 64 KiB of input are too much for a small stack, so the machine is on the heap. */
token_lists read_pickled_lists(byte_stream &stream, const pickle_place &place, int64_t rows) {
  return std::make_unique<machine>(stream, place, rows, true)->run();
}

void check_pickled_lists(byte_stream &stream, const pickle_place &place, int64_t rows) {
  std::make_unique<machine>(stream, place, rows, false)->run();
}

bool deserve_a_check(const pickle_place &place, int64_t rows) {
  constexpr uint64_t always_there = uint64_t{64} << 20;
  const uint64_t wanted = place.bytes / 2 * sizeof(int32_t) + static_cast<uint64_t>(rows) * sizeof(int64_t);
  return wanted > always_there + 2 * place.in_file;
}

} // namespace hornfels
