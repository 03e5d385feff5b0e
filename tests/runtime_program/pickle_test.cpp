/* The restricted reader of pickles: what NumPy writes is read, and all else is refused by name and place. */
#include <cstring>

#include <gtest/gtest.h>

#include "pickles.h"
#include "runtime/program/failure.h"
#include "runtime/program/data/pickle.h"
#include "runtime/program/data/pickle_names.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

using rows = std::vector<std::vector<int64_t>>;

class text_stream : public byte_stream {
public:
  explicit text_stream(const std::string &bytes) : text(bytes) {}
  bool read(void *data, size_t count, file_error &error) override {
    if (count > text.size() - at)
      return error.set(file_error::wrong, "read beyond the end");
    std::memcpy(data, text.data() + at, count);
    at += count;
    return true;
  }

private:
  const std::string &text;
  size_t at = 0;
};

rows read_rows(const std::string &pickle, int64_t expected, uint64_t in_file = 0) {
  text_stream stream(pickle);
  const token_lists lists =
      read_pickled_lists(stream, {"x.npy", 128, pickle.size(), in_file ? in_file : pickle.size()}, expected);
  rows result;
  for (int64_t i = 0; i < lists.rows; ++i)
    result.emplace_back(lists.row(i), lists.row(i) + lists.length(i));
  return result;
}

std::string refusal(const std::string &pickle, int64_t expected, uint64_t in_file = 0) {
  try {
    read_rows(pickle, expected, in_file);
  } catch (const failure &problem) {
    EXPECT_EQ(problem.code(), exit_input);
    return problem.what();
  }
  return "read";
}

const rows three{{1, 14, 300}, {}, {70000, 5}};

TEST(pickle, reads_what_python_3_writes_in_protocols_2_to_5) {
  for (const std::string &pickle : pickles_of_python_3())
    EXPECT_EQ(read_rows(pickle, 3), three);
}

TEST(pickle, reads_the_names_of_numpy_2) {
  std::string pickle = pickles_of_python_3()[1];
  pickle.replace(pickle.find("numpy.core"), 10, "numpy._core");
  EXPECT_EQ(read_rows(pickle, 3), three);
}

TEST(pickle, reads_what_python_2_writes) {
  EXPECT_EQ(read_rows(pickle_of(three), 3), three);
  EXPECT_EQ(read_rows(pickle_of({}), 0), rows{});
  rows many(2345);
  for (size_t i = 0; i < many.size(); ++i)
    for (size_t k = 0; k < i % 7 + (i == 2000 ? 5000 : 0); ++k)
      many[i].push_back(static_cast<int64_t>(i * 31 + k));
  EXPECT_EQ(read_rows(pickle_of(many), 2345), many);
  /* Long integers, and lists of one number, which are appended by themselves. */
  EXPECT_EQ(read_rows(pickle_head(2) +
                          bytes_of("]\x8a\x01\x05"
                                   "a](\x8a\x03\xff\xff\x00\x8a\x00"
                                   "e") +
                          pickle_tail(),
                      2),
            (rows{{5}, {65535, 0}}));
}

/* Batches that begin and end anywhere within what is read at once, and ones that Python would not write. */
TEST(pickle, reads_batches_of_any_length_at_any_place) {
  std::string text = pickle_head(400);
  rows wanted;
  for (size_t i = 0; i < 400; ++i) {
    wanted.emplace_back();
    text += "](";
    for (size_t k = 0; k < (i * 37) % 1500; ++k) {
      wanted.back().push_back(static_cast<int64_t>((i * 7919 + k * 104729) % (k % 50 == 49 ? 100000 : 400)));
      const uint64_t number = static_cast<uint64_t>(wanted.back().back());
      text += number < 256     ? "K" + little(number, 1)
              : number < 65536 ? "M" + little(number, 2)
                               : "J" + little(number, 4);
    }
    text += "e";
  }
  EXPECT_EQ(read_rows(text + pickle_tail(), 400), wanted);
}

TEST(pickle, names_itself_when_it_is_cut_short) {
  for (const std::string &pickle : {pickle_of(three), pickles_of_python_3()[0], pickles_of_python_3()[3]})
    for (size_t length = 0; length < pickle.size(); ++length) {
      const std::string text = refusal(pickle.substr(0, length), 3);
      EXPECT_TRUE(text.find("the pickle is cut short") != std::string::npos ||
                  text.find("beyond the end of the pickle") != std::string::npos ||
                  text.find("3 rows, but the pickle has") != std::string::npos)
          << length << ": " << text;
    }
}

/* Any byte may be any other: a result or a refusal, and never more numbers than bytes. */
TEST(pickle, survives_every_changed_byte) {
  const std::string whole = pickle_of(three);
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string pickle = whole;
      pickle[at] = static_cast<char>(value);
      const std::string text = refusal(pickle, 3);
      refused += text != "read";
      EXPECT_TRUE(text == "read" || text.find("x.npy@0x") == 0) << text;
    }
  EXPECT_GT(refused, whole.size() * 190);
}

TEST(pickle, refuses_every_other_operation_by_its_name_and_place) {
  const std::string taken = bytes_of("(NKMJUCTBX)taceRbqrhj].\x80\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95");
  const std::string head = pickle_head(1);
  char place[32];
  std::snprintf(place, sizeof place, "x.npy@0x%zx: ", 128 + head.size());
  for (int code = 0; code < 256; ++code) {
    if (taken.find(static_cast<char>(code)) != std::string::npos)
      continue;
    const std::string text = refusal(head + static_cast<char>(code) + pickle_tail(), 1);
    const char *const name = pickle_operation(static_cast<unsigned char>(code));
    EXPECT_EQ(text.find(place), 0u) << text;
    EXPECT_NE(text.find(name ? std::string("has the operation ") + name + ", which is refused"
                             : std::string("is no operation of a pickle")),
              std::string::npos)
        << text;
  }
}

TEST(pickle, refuses_names_that_could_do_harm) {
  const auto asks_for = [](const std::string &operation) {
    return refusal(bytes_of("\x80\x02") + operation + ".", 0);
  };
  EXPECT_EQ(asks_for("cos\nsystem\n(U\x02idtR"), "x.npy@0x82: error: the pickle asks for os.system, which is "
                                                 "refused: only arrays of lists of numbers are read");
  EXPECT_NE(asks_for("cnumpy\nload\n").find("asks for numpy.load"), std::string::npos);
  EXPECT_NE(asks_for("cnumpy.core.multiarray\nscalar\n").find("asks for numpy.core.multiarray.scalar"),
            std::string::npos);
  EXPECT_NE(asks_for("c_codecs\ndecode\n").find("asks for _codecs.decode"), std::string::npos);
  EXPECT_NE(asks_for(bytes_of("\x8c\x08"
                              "builtins\x8c\x04"
                              "eval\x93"))
                .find("asks for builtins.eval"),
            std::string::npos);
  EXPECT_NE(asks_for("cos\n\x1b[31m\n").find("\"os.\\x1b[31m\""), std::string::npos)
      << "and the terminal is safe";
}

TEST(pickle, refuses_other_calls_of_its_own_names) {
  const auto runs = [](const std::string &operation) {
    return refusal(bytes_of("\x80\x02") + operation + ".", 0);
  };
  const std::string no_call = "a call that NumPy's arrays of lists do not make";
  EXPECT_NE(runs("cnumpy\nndarray\n)R").find(no_call), std::string::npos);
  EXPECT_NE(runs(bytes_of("cnumpy\ndtype\nU\x02O8\x85R")).find(no_call), std::string::npos);
  EXPECT_NE(runs(bytes_of("c_codecs\nencode\nU\x02idU\x06latin1\x86R")).find(no_call), std::string::npos);
  EXPECT_NE(runs(bytes_of("c_codecs\nencode\nU\x01"
                          "bU\x06rot_13\x86R"))
                .find(no_call),
            std::string::npos);
  EXPECT_NE(runs(bytes_of("cnumpy\ndtype\nU\x02i8K\x00K\x01\x87R")).find("elements of type i8 in a pickle"),
            std::string::npos);
  EXPECT_NE(runs(bytes_of("U\x01x)R")).find("found text, expected a name"), std::string::npos);
}

struct refused_pickle {
  const char *name;
  int64_t expected;
  std::string bytes, says;
  friend std::ostream &operator<<(std::ostream &out, const refused_pickle &one) { return out << one.name; }
};

class pickle_refuses : public testing::TestWithParam<refused_pickle> {};

TEST_P(pickle_refuses, by_name) {
  const std::string text = refusal(GetParam().bytes, GetParam().expected);
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

std::string holding(const std::string &item) { return pickle_head(1) + "](" + item + "e" + pickle_tail(); }

std::string repeated(const std::string &text, size_t times) {
  std::string all;
  while (times-- > 0)
    all += text;
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    pickles, pickle_refuses,
    testing::Values(
        refused_pickle{"protocol_1", 0, bytes_of("\x80\x01."), "protocol 1; 2 to 5 are read"},
        refused_pickle{"protocol_6", 0, bytes_of("\x80\x06."), "protocol 6"},
        refused_pickle{"second_protocol", 1, pickle_head(1) + bytes_of("\x80\x02") + pickle_tail(),
                       "protocol 2;"},
        refused_pickle{"frame", 0, bytes_of("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff."),
                       "a frame that goes on beyond"},
        refused_pickle{"nothing", 0, bytes_of("\x80\x02."), "ends before the array is whole"},
        refused_pickle{"a_number", 0, bytes_of("\x80\x02K\x05."), "ends before the array is whole"},
        refused_pickle{"trailing", 3, pickle_of(three) + "x", "bytes after the end of the pickle"},
        refused_pickle{"no_list", 1, pickle_head(1) + bytes_of("K\x05") + pickle_tail(),
                       "found a number as an element of the array"},
        refused_pickle{"text", 1, holding(bytes_of("U\x02hi")), "row 0 holds text, expected whole numbers"},
        refused_pickle{"none", 1, holding("N"), "row 0 holds None"},
        refused_pickle{"truth", 1, holding("\x88"), "row 0 holds a truth value"},
        refused_pickle{"list_in_list", 1, holding("]"), "more than the 1 lists that the header says"},
        refused_pickle{"negative", 1, holding(bytes_of("J\xfb\xff\xff\xff")),
                       "row 0 holds -5; word numbers are 0 to 2147483647"},
        refused_pickle{"large", 1, holding(bytes_of("\x8a\x05\xff\xff\xff\xff\x00")),
                       "row 0 holds 4294967295"},
        refused_pickle{"very_large", 1, holding("\x8a\xc8" + std::string(200, 'x')), "a number of 200 bytes"},
        refused_pickle{"long_text", 1, holding(bytes_of("X\xff\xff\xff\xff")), "text of 4294967295 bytes"},
        refused_pickle{"long_name", 1, holding("c" + std::string(1000, 'n') + "\n"),
                       "a name of more than 128 bytes"},
        refused_pickle{"fewer_lists", 4, pickle_of(three), "the array's shape is not the header's [4]"},
        refused_pickle{"lying_shape", 3, pickle_head(3) + pickle_list({1}) + pickle_tail(),
                       "the array has 1 lists, its header says 3"},
        refused_pickle{"more_lists", 1, pickle_head(1) + pickle_list({1}) + pickle_list({2}) + pickle_tail(),
                       "more than the 1 lists"},
        refused_pickle{"list_twice", 2, pickle_head(2) + pickle_list({1}) + "h\x07" + pickle_tail(),
                       "asks again for item 7, which is no name"},
        refused_pickle{"out_of_order", 2, pickle_head(2) + "](K\x01" + "]" + "ee" + pickle_tail(),
                       "a list grows after the next one"},
        refused_pickle{"no_mark", 1, bytes_of("\x80\x02]e."), "no mark on the stack"},
        refused_pickle{"append_to_nothing", 1,
                       bytes_of("\x80\x02"
                                "a."),
                       "nothing on the stack to append to"},
        refused_pickle{"append_to_a_number", 1,
                       bytes_of("\x80\x02K\x01K\x02"
                                "a."),
                       "found a number, expected a list"},
        refused_pickle{"empty_stack", 1, bytes_of("\x80\x02\x87."), "nothing on the stack"},
        refused_pickle{"flood", 1, bytes_of("\x80\x02") + std::string(5000, '('),
                       "more than 4096 items at once"},
        refused_pickle{"flood_of_text", 1, bytes_of("\x80\x02") + repeated(bytes_of("U\x00"), 300),
                       "more than 256 texts"},
        refused_pickle{"flood_of_tuples", 1, bytes_of("\x80\x02") + std::string(500, ')'),
                       "a tuple that NumPy does not write"},
        refused_pickle{"built_twice", 1, pickle_head(1) + pickle_list({1}) + "etb(tb.",
                       "a state that is not that of an array of lists"}),
    [](const auto &tested) { return tested.param.name; });

/* What could take much more memory than the file is long is read twice: what is refused takes none. */
TEST(pickle, checks_what_unpacks_to_much_before_it_takes_memory) {
  const std::string whole = pickle_of({{1, 2, 3}, {4}});
  text_stream stream(whole);
  check_pickled_lists(stream, {"x.npy", 0, whole.size(), whole.size()}, 2);
  const std::string wrong = pickle_of({{1, 2, 3}, {4}}) + "x";
  text_stream other(wrong);
  EXPECT_THROW(check_pickled_lists(other, {"x.npy", 0, wrong.size(), wrong.size()}, 2), failure);
  EXPECT_FALSE(deserve_a_check({"imdb", 0, 14394714, 8925800}, 25000));
  EXPECT_TRUE(deserve_a_check({"bomb", 0, 100 << 20, 8 << 20}, 1));
  EXPECT_TRUE(deserve_a_check({"rows", 0, 50 << 20, 50 << 20}, 50 << 20));
}

/* What little there is in the file cannot ask for much memory. */
TEST(pickle, refuses_bombs_before_they_are_unpacked) {
  const std::string bomb = pickle_head(1) + "](" + std::string(40 << 20, 'K') + "e" + pickle_tail();
  EXPECT_NE(
      refusal(bomb, 1, 50000).find("in 50000 bytes of the archive; lists of numbers unpack to 16 times"),
      std::string::npos);
  EXPECT_NE(refusal(pickle_of(three), 1 << 30).find("the header says 1073741824 rows, but the pickle has"),
            std::string::npos);
}

} // namespace
