/* IDX files, plain and in gzip; several files for several arrays. */
#include <gtest/gtest.h>
#include <zlib.h>

#include "double_model.h"
#include "runtime/program/data/convert.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/data/inflate.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

std::string big(uint64_t value, int bytes) {
  std::string text = little(value, bytes);
  return std::string(text.rbegin(), text.rend());
}

std::string idx(int type, const std::vector<uint32_t> &shape, const std::string &elements) {
  std::string text = std::string(2, '\0') + static_cast<char>(type) + static_cast<char>(shape.size());
  for (const uint32_t size : shape)
    text += big(size, 4);
  return text + elements;
}

std::string gzip(const std::string &data) {
  z_stream state = {};
  deflateInit2(&state, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, data.size()) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(data.data()));
  state.avail_in = static_cast<uInt>(data.size());
  state.next_out = reinterpret_cast<Bytef *>(&packed[0]);
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

class idx_files : public testing::Test {
protected:
  /* The elements as reals, or what is wrong. */
  std::string content(const std::string &bytes) {
    write_file(folder / "a", bytes);
    try {
      const data_file file(folder / "a");
      array_source source = file.open("x_train");
      std::vector<double> values(static_cast<size_t>(source.header.elements));
      read_elements(source, HORNFELS_F64, values.data(), source.header.elements, 0, 1);
      std::string text = source.header.text() + ":";
      for (const double value : values)
        text += " " + std::to_string(value).substr(0, 8);
      return text;
    } catch (const failure &problem) {
      EXPECT_EQ(problem.code(), exit_input);
      std::string text = problem.what();
      const size_t at = text.find(folder.str() + "/");
      return at == 0 ? text.substr(folder.str().size() + 1) : text;
    }
  }

  scratch_folder folder;
};

TEST_F(idx_files, every_type_plain_and_packed) {
  const std::vector<std::pair<std::string, std::string>> files{
      {idx(0x08, {2, 2}, "\1\2\3\xff"), "u8[2, 2]: 1.000000 2.000000 3.000000 255.0000"},
      {idx(0x09, {2}, "\1\xff"), "i8[2]: 1.000000 -1.00000"},
      {idx(0x0b, {2}, std::string("\1\2\xff\xfe", 4)), "i16[2]: 258.0000 -2.00000"},
      {idx(0x0c, {1}, std::string("\0\1\0\5", 4)), "i32[1]: 65541.00"},
      {idx(0x0d, {1}, big(0x3fc00000, 4)), "f32[1]: 1.500000"},
      {idx(0x0e, {1}, big(0xc004000000000000, 8)), "f64[1]: -2.50000"}};
  for (const auto &file : files) {
    EXPECT_EQ(content(file.first), file.second);
    EXPECT_EQ(content(gzip(file.first)), file.second);
  }
}

TEST_F(idx_files, lies_are_named) {
  const std::string right = idx(0x08, {3}, "abc"), packed = gzip(right);
  EXPECT_EQ(content(idx(0x08, {4}, "abc")),
            "a@0x4: error: the sizes u8[4] ask for 4 bytes of elements, the file has 3");
  EXPECT_EQ(content(idx(0x08, {2}, "abc")),
            "a@0x4: error: the sizes u8[2] ask for 2 bytes of elements, the file has 3");
  EXPECT_EQ(content(idx(0x0c, {4294967295u, 4294967295u, 2}, "")).substr(0, 60),
            "a@0x4: error: the product of the sizes [4294967295, 42949672");
  EXPECT_EQ(content(idx(0x08, std::vector<uint32_t>(12, 1), "a")),
            "a@0x3: error: 12 axes; at most 9 are read");
  EXPECT_NE(content(right.substr(0, 6)).find("ends"), std::string::npos) << content(right.substr(0, 6));
  EXPECT_EQ(content(gzip("text and more text")),
            "a@0x0: error: begins with 74 65 78, which is no element type of IDX");
  EXPECT_NE(content(gzip(idx(0x08, {2}, "abc"))).find("the compressed data go on after the array"),
            std::string::npos);
  EXPECT_NE(content(gzip(idx(0x08, {4}, "abc"))).find("end before the array is whole"), std::string::npos);
  EXPECT_NE(content(gzip(idx(0x08, {100000, 100000}, "abc")))
                .find("ask for 10000000000 bytes of elements, the file has at most"),
            std::string::npos);
  EXPECT_NE(content(packed + "x").find("bytes after the end of the compressed data"), std::string::npos);
  for (size_t length = 18; length < packed.size(); ++length)
    EXPECT_NE(content(packed.substr(0, length)).find(": error: "), std::string::npos) << length;
  std::string flipped = packed;
  flipped[packed.size() - 6] = static_cast<char>(flipped[packed.size() - 6] ^ 1);
  EXPECT_NE(content(flipped).find("damaged"), std::string::npos) << content(flipped);
}

class several_files : public testing::Test {
protected:
  several_files() { set_inflater(make_inflater); }

  dataset bind_files(const hornfels_model &model,
                     const std::vector<std::pair<std::string, std::string>> &files,
                     const suffixes &wanted = {"_train"}) {
    data_options how;
    for (const auto &[name, bytes] : files) {
      write_file(folder / name, bytes);
      how.inputs.emplace_back(name, folder / name);
    }
    const data_file file(how);
    return hornfels::bind(model, file, wanted, true);
  }

  scratch_folder folder;
};

TEST_F(several_files, an_array_each) {
  const std::string images = idx(0x08, {2, 28, 28}, std::string(2 * 784, '\7')),
                    labels = idx(0x08, {2}, "\3\1");
  const dataset data = bind_files(digits_model, {{"x_train", gzip(images)}, {"y_train", labels}});
  EXPECT_EQ(data.rows, 2);
  EXPECT_EQ(data.arrays[0].kept, bound_array::bytes);
  EXPECT_EQ(data.arrays[0].data.as<uint8_t>()[784], 7);
  EXPECT_EQ(data.arrays[1].data.as<int32_t>()[0], 3);
  const dataset plain =
      bind_files(digits_model, {{"image", images}, {"digit", npy<int64_t>({3, 1})}}, {"_test"});
  EXPECT_EQ(plain.rows, 2) << "arrays without parts serve every command";
  const dataset words = bind_files(words_model, {{"x_train_values", npy<int32_t>({1, 2})},
                                                 {"x_train_offsets", npy<int64_t>({0, 1, 2})},
                                                 {"y_train", npy<int32_t>({1, 0})}});
  EXPECT_EQ(words.rows, 2);
}

TEST_F(several_files, names_what_is_missing_or_wrong) {
  try {
    bind_files(digits_model, {{"x_train", idx(0x08, {2, 28, 28}, std::string(2 * 784, '\7'))}});
    FAIL();
  } catch (const failure &problem) {
    EXPECT_NE(std::string(problem.what()).find("no array digit_train or y_train for digit"),
              std::string::npos)
        << problem.what();
  }
  EXPECT_THROW(bind_files(digits_model, {{"x_train", zip({})}}), failure);
}

/* The four files as they were published, made again from the arrays. */
TEST_F(several_files, the_published_form_of_the_digits) {
  if (real_data().empty())
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  const data_file npz(real_data() + "/mnist.npz");
  const auto as_idx = [&](const std::string &name) {
    array_source source = npz.open(name);
    std::string bytes(static_cast<size_t>(source.header.data_bytes), '\0');
    file_error error;
    EXPECT_TRUE(source.stream->read(&bytes[0], bytes.size(), error));
    std::vector<uint32_t> shape(source.header.shape, source.header.shape + source.header.rank);
    return idx(0x08, shape, bytes);
  };
  const dataset wanted = hornfels::bind(digits_model, npz, {"_test"}, true);
  const dataset found =
      bind_files(digits_model, {{"x_test", gzip(as_idx("x_test"))}, {"y_test", as_idx("y_test")}}, {"_test"});
  ASSERT_EQ(found.rows, 10000);
  EXPECT_TRUE(std::equal(found.arrays[0].data.as<uint8_t>(), found.arrays[0].data.as<uint8_t>() + 7840000,
                         wanted.arrays[0].data.as<uint8_t>()));
  EXPECT_TRUE(std::equal(found.arrays[1].data.as<int32_t>(), found.arrays[1].data.as<int32_t>() + 10000,
                         wanted.arrays[1].data.as<int32_t>()));
}

} // namespace
