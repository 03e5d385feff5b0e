/* Headers of .npy: what is read, and what is refused by name and place. */
#include <cstring>

#include <gtest/gtest.h>

#include "runtime/core/npy.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

class text_stream : public byte_stream {
public:
  explicit text_stream(std::string bytes) : text(std::move(bytes)) {}
  bool read(void *data, size_t count, file_error &error) override {
    if (count > text.size() - at)
      return error.set(file_error::wrong, "cut short");
    std::memcpy(data, text.data() + at, count);
    at += count;
    return true;
  }

private:
  std::string text;
  size_t at = 0;
};

/* The header's text, or the error's. */
std::string header_of(const std::string &bytes) {
  text_stream stream(bytes);
  npy_header header;
  file_error error;
  return read_npy_header(stream, "a.npy", header, error) ? header.text() : error.text;
}

std::string dictionary(const std::string &type, const std::string &order, const std::string &shape) {
  return npy_with_header(
      "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n", "");
}

TEST(npy, reads_types_and_shapes) {
  EXPECT_EQ(header_of(dictionary("'<f4'", "False", "(3, 4)")), "f32[3, 4]");
  EXPECT_EQ(header_of(dictionary("'|u1'", "False", "(60000, 28, 28)")), "u8[60000, 28, 28]");
  EXPECT_EQ(header_of(dictionary("'|b1'", "False", "(2,)")), "bool[2]");
  EXPECT_EQ(header_of(dictionary("'<i8'", "False", "()")), "i64[]");
  EXPECT_EQ(header_of(dictionary("'<i8'", "False", "(0, 5)")), "i64[0, 5]");
  EXPECT_EQ(header_of(dictionary("\"<f8\"", "False", "(5L, )")), "f64[5]");
  /* One axis, or axes of 1, are the same in both orders. */
  EXPECT_EQ(header_of(dictionary("'<f4'", "True", "(7, 1)")), "f32[7, 1]");
}

TEST(npy, reads_versions_2_and_3) {
  const std::string text = "{'shape': (2,), 'fortran_order': False, 'descr': '<u2'}";
  EXPECT_EQ(header_of(npy_with_header(text, "", 2)), "u16[2]");
  EXPECT_EQ(header_of(npy_with_header(text, "", 3)), "u16[2]");
  EXPECT_EQ(header_of(npy_with_header(text, "", 4)), "a.npy@0x6: error: version 4 of .npy is not known");
}

TEST(npy, what_it_writes_it_reads) {
  const int64_t shape[] = {10000, 16};
  const std::string bytes = npy_header_bytes('f', 4, shape, 2);
  EXPECT_EQ(bytes.size() % 64, 0u);
  EXPECT_EQ(header_of(bytes), "f32[10000, 16]");
  EXPECT_EQ(header_of(npy_header_bytes('b', 1, shape, 1)), "bool[10000]");
  EXPECT_EQ(header_of(npy_header_bytes('i', 8, shape, 0)), "i64[]");
}

struct refusal {
  const char *name;
  std::string bytes, says;
  friend std::ostream &operator<<(std::ostream &out, const refusal &one) { return out << one.name; }
};

class npy_refuses : public testing::TestWithParam<refusal> {};

TEST_P(npy_refuses, by_name_and_place) {
  const std::string text = header_of(GetParam().bytes);
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

const std::string many(1000, '(');

INSTANTIATE_TEST_SUITE_P(
    headers, npy_refuses,
    testing::Values(
        refusal{"empty", "", "cut short"},
        refusal{"magic", "PNG and so on....", "a.npy@0x0: error: not a .npy array"},
        refusal{"big_endian", dictionary("'>f4'", "False", "(3,)"),
                "@0x14: error: big-endian numbers (>f4) are not read"},
        refusal{"objects", dictionary("'|O'", "False", "(3,)"),
                "holds Python objects (pickled), which are not read"},
        refusal{"structures", dictionary("[('a', '<f4')]", "False", "(3,)"), "holds structures"},
        refusal{"complex", dictionary("'<c8'", "False", "(3,)"), "elements of type <c8 are not read"},
        refusal{"half", dictionary("'<f2'", "False", "(3,)"), "are not read"},
        refusal{"text", dictionary("'<U10'", "False", "(3,)"), "are not read"},
        refusal{"fortran", dictionary("'<f4'", "True", "(3, 4)"), "in Fortran order; save it in C order"},
        refusal{"order", dictionary("'<f4'", "Maybe", "(3, 4)"), "expected True or False"},
        refusal{"negative", dictionary("'<f4'", "False", "(-3, 4)"), "expected a size of 0 or more"},
        refusal{"real_size", dictionary("'<f4'", "False", "(3.5,)"), "expected ','"},
        refusal{"huge", dictionary("'<f4'", "False", "(99999999999999999999,)"), "out of range"},
        refusal{"product", dictionary("'<f4'", "False", "(4294967296, 4294967296)"),
                "the product of the sizes [4294967296, 4294967296] is out of range"},
        refusal{"product_with_0", dictionary("'<f4'", "False", "(0, 4294967296, 4294967296, 4294967296)"),
                "out of range"},
        refusal{"axes", dictionary("'<f4'", "False", "(1,1,1,1,1,1,1,1,1,1)"), "more than 9 axes"},
        refusal{"nested", dictionary("'<f4'", "False", many), "expected a size"},
        refusal{"no_shape", npy_with_header("{'descr': '<f4', 'fortran_order': False}", ""),
                "the header has no shape"},
        refusal{"twice",
                npy_with_header("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", ""),
                "a second key descr"},
        refusal{"unknown", npy_with_header("{'desc': '<f4', 'fortran_order': False, 'shape': ()}", ""),
                "an unknown key desc"},
        refusal{"trailing", npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': ()} + 1", ""),
                "text after"},
        refusal{"unclosed", npy_with_header("{'descr': '<f4", ""), "a string without end"},
        refusal{"no_dictionary", npy_with_header("", ""), "expected '{'"},
        refusal{"short", std::string("\x93NUMPY\1\0\xff\0{", 11), "cut short"},
        refusal{"long", std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12),
                "a header of 4294967295 bytes; at most 65536"}),
    [](const auto &tested) { return tested.param.name; });

} // namespace
