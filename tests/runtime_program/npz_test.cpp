/* Archives: what is written is read back, and what lies is refused by name and place. */
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "runtime/core/npz.h"
#include "runtime/program/data/inflate.h"
#include "support.h"

using namespace hornfels;
using namespace hornfels_tests;

namespace {

/* Opens the archive and reads every array to its end; "ok", or the error. */
std::string read_all(const std::string &path) {
  set_inflater(make_inflater);
  npz_reader archive;
  file_error error;
  if (!archive.open(path, error))
    return error.text;
  for (const npz_member &member : archive.members()) {
    npz_array array;
    npy_header header;
    if (!array.open(archive, member, header, error))
      return error.text;
    std::string data(4096, '\0');
    for (uint64_t left = header.data_bytes; left > 0;) {
      const size_t now = static_cast<size_t>(std::min<uint64_t>(left, data.size()));
      if (!array.read(&data[0], now, error))
        return error.text;
      left -= now;
    }
  }
  return "ok";
}

std::string verdict(const std::string &bytes) {
  const scratch_folder folder;
  write_file(folder / "w.npz", bytes);
  const std::string text = read_all(folder / "w.npz");
  const size_t at = text.find(folder.str() + "/");
  return at == 0 ? text.substr(folder.str().size() + 1) : text;
}

const std::string floats = npy<float>({1, 2, 3, 4});
const std::string zeros = npy<float>(std::vector<float>(100000));

TEST(npz, reads_stored_and_deflated_members) {
  EXPECT_EQ(verdict(zip({{"a.npy", floats}, {"dense/kernel.npy", zeros, true}})), "ok");
  EXPECT_EQ(verdict(zip({})), "ok");
  EXPECT_EQ(verdict(zip({{"a.npy", floats}}, {-1, -1, -1, "a comment, PK\5\6 within"})), "ok");
}

TEST(npz, passes_over_members_that_are_no_arrays) {
  EXPECT_EQ(verdict(zip({{"readme.txt", "hello"}, {"a.npy", floats}})), "ok");
}

TEST(npz, reads_what_it_writes) {
  const scratch_folder folder;
  for (const uint64_t wide_from : {uint64_t{0xFFFFFFFF}, uint64_t{0}, uint64_t{300}}) {
    npz_writer writer(wide_from);
    file_error error;
    const std::vector<float> values{1, 2, 3, 4, 5, 6};
    const int64_t shape[] = {2, 3};
    ASSERT_TRUE(writer.open(folder / "w.npz", error)) << error.text;
    for (const char *name : {"dense/kernel", "dense/bias"})
      ASSERT_TRUE(writer.begin(name, 'f', 4, shape, 2, error) && writer.write(values.data(), 24, error) &&
                  writer.end(error));
    EXPECT_EQ(folder.names().size(), wide_from == 0xFFFFFFFF ? 1u : 2u)
        << "nothing but the temporary, or the one before";
    ASSERT_TRUE(writer.commit(error)) << error.text;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"w.npz"});
    EXPECT_EQ(read_all(folder / "w.npz"), "ok");

    npz_reader reader;
    ASSERT_TRUE(reader.open(folder / "w.npz", error)) << error.text;
    ASSERT_NE(reader.find("dense/bias"), nullptr);
    EXPECT_EQ(reader.find("dense/bias.npy"), nullptr);
    npz_array array;
    npy_header header;
    std::vector<float> back(6);
    ASSERT_TRUE(array.open(reader, *reader.find("dense/bias"), header, error)) << error.text;
    EXPECT_EQ(header.text(), "f32[2, 3]");
    ASSERT_TRUE(array.read(back.data(), 24, error));
    EXPECT_EQ(back, values);
  }
}

TEST(npz, without_an_inflater_only_stored_members_are_read) {
  const scratch_folder folder;
  write_file(folder / "w.npz", zip({{"a.npy", floats, true}}));
  set_inflater(nullptr);
  npz_reader archive;
  npz_array array;
  npy_header header;
  file_error error;
  ASSERT_TRUE(archive.open(folder / "w.npz", error));
  EXPECT_FALSE(array.open(archive, archive.members()[0], header, error));
  EXPECT_NE(error.text.find("is compressed; this program reads stored members only"), std::string::npos);
  set_inflater(make_inflater);
}

TEST(npz, an_abandoned_write_leaves_the_old_file) {
  const scratch_folder folder;
  write_file(folder / "w.npz", "old");
  file_error error;
  {
    npz_writer writer;
    const int64_t shape[] = {1};
    ASSERT_TRUE(writer.open(folder / "w.npz", error));
    ASSERT_TRUE(writer.begin("a", 'f', 4, shape, 1, error));
  }
  EXPECT_EQ(read_file(folder / "w.npz"), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"w.npz"});
}

TEST(output, takes_over_what_a_killed_process_left_but_not_from_a_living_one) {
  const scratch_folder folder;
  file_error error;
  output_file living, second;
  ASSERT_TRUE(living.open(folder / "a", error));
  EXPECT_FALSE(second.open(folder / "a", error));
  EXPECT_NE(error.text.find("another process is writing it"), std::string::npos) << error.text;
  const std::vector<std::string> names = folder.names();
  ASSERT_EQ(names.size(), 1u);
  ASSERT_TRUE(living.write("abc", 3, error) && living.commit(error));
  write_file(folder / names[0], "left behind, longer than what follows");
  ASSERT_TRUE(second.open(folder / "a", error)) << error.text;
  ASSERT_TRUE(second.write("new", 3, error) && second.commit(error));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
  EXPECT_EQ(read_file(folder / "a"), "new");
}

TEST(output, keeps_the_mode_and_follows_links) {
  const scratch_folder folder;
  file_error error;
  write_file(folder / "real", "old");
  chmod((folder / "real").c_str(), 0640);
  ASSERT_EQ(symlink("real", (folder / "link").c_str()), 0);
  output_file file;
  ASSERT_TRUE(file.open(folder / "link", error) && file.write("new", 3, error) && file.commit(error))
      << error.text;
  EXPECT_EQ(read_file(folder / "real"), "new");
  struct stat status;
  ASSERT_EQ(lstat((folder / "link").c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  ASSERT_EQ(stat((folder / "real").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0640u);
}

struct refusal {
  const char *name;
  std::string bytes, says;
  friend std::ostream &operator<<(std::ostream &out, const refusal &one) { return out << one.name; }
};

class npz_refuses : public testing::TestWithParam<refusal> {};

TEST_P(npz_refuses, by_name_and_place) {
  const std::string text = verdict(GetParam().bytes);
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

member with(member m, void (*change)(member &)) {
  change(m);
  return m;
}

const member plain{"a.npy", floats};
const member packed{"a.npy", zeros, true};

/* Two members that share one local header and its data: how 42 KB become petabytes. */
const std::string overlapping =
    zip({with(packed, [](member &m) { m.name = "b.npy"; }), with(packed, [](member &m) { m.offset = 0; })});

INSTANTIATE_TEST_SUITE_P(
    archives, npz_refuses,
    testing::Values(
        refusal{"empty", "", "w.npz@0x0: error: not an .npz archive"},
        refusal{"single_array", floats, "a single .npy array; an .npz archive is expected"},
        refusal{"text", "hello, world, this is no archive", "not an .npz archive"},
        refusal{"truncated", zip({plain}).substr(0, 150), "the archive is cut short"},
        refusal{"truncated_end", zip({plain}).substr(0, zip({plain}).size() - 3), "the archive is cut short"},
        refusal{"duplicate", zip({plain, plain}), "a second member a.npy"},
        refusal{"traversal", zip({{"../../etc/a.npy", floats}}),
                "member ../../etc/a.npy leads outside the archive"},
        refusal{"traversal_within", zip({{"a/../b.npy", floats}}), "leads outside"},
        refusal{"absolute", zip({{"/etc/a.npy", floats}}), "leads outside"},
        refusal{"drive", zip({{"C:a.npy", floats}}), "leads outside"},
        refusal{"backslash", zip({{"..\\a.npy", floats}}), "leads outside"},
        refusal{"control", zip({{"a\n.npy", floats}}), "control character"},
        refusal{"nul", zip({{std::string("a\0.npy", 6), floats}}), "control character"},
        refusal{"nameless", zip({{"", floats}}), "has no name"},
        refusal{"long_name", zip({{std::string(2000, 'a') + ".npy", floats}}), "more than 1024 bytes"},
        refusal{"encrypted", zip({with(plain, [](member &m) { m.flags = 1; })}), "member a.npy is encrypted"},
        refusal{"method", zip({with(plain, [](member &m) { m.method = 12; })}), "packed by method 12"},
        refusal{"stored_sizes", zip({with(plain, [](member &m) { m.size = 1000; })}), "its two sizes differ"},
        refusal{"beyond_file", zip({with(plain, [](member &m) { m.size = m.packed = 1 << 30; })}),
                "larger than the file"},
        refusal{"beyond_directory", zip({with(plain, [](member &m) { m.size = m.packed = 180; })}),
                "overlaps what follows it"},
        refusal{"bomb", zip({with(packed, [](member &m) { m.size = 0x7fffffff; })}),
                "cannot be 2147483647 bytes"},
        refusal{"lying_size", zip({with(packed, [](member &m) { m.size += 401129; })}),
                "its header f32[100000] asks for"},
        refusal{"overlapping", overlapping, "overlaps what follows it"},
        refusal{"checksum", zip({with(plain, [](member &m) { m.checksum = 1; })}),
                "w.npz!a.npy: error: damaged: its checksum is"},
        refusal{"packed_checksum", zip({with(packed, [](member &m) { m.checksum = 1; })}),
                "damaged: its checksum"},
        refusal{"other_name", zip({with(plain, [](member &m) { m.local_name = "b.npy"; })}),
                "has another name or method here"},
        refusal{"offset", zip({{"readme.txt", "hello"}, with(plain, [](member &m) { m.offset = 3; })}),
                "expected the header of member a.npy"},
        refusal{"not_npy", zip({{"a.npy", "hello there, world"}}),
                "w.npz!a.npy@0x0: error: not a .npy array"},
        refusal{"too_short_for_shape", zip({{"a.npy", floats.substr(0, floats.size() - 1)}}),
                "holds 15 bytes of data, its header f32[4] asks for 16"},
        refusal{"too_long_for_shape", zip({{"a.npy", floats + "x"}}), "holds 17 bytes of data"},
        refusal{"header_beyond_member", zip({{"a.npy", std::string("\x93NUMPY\1\0\xf0\0{}", 12)}}),
                "were expected"},
        refusal{"count_too_high", zip({plain}, {9}), "9 members in a directory of 51 bytes"},
        refusal{"count_too_low", zip({plain, {"b.npy", floats}}, {1}),
                "the directory goes on after its last entry"},
        refusal{"directory_offset", zip({plain}, {-1, -1, 1 << 20}), "the directory lies outside the file"},
        refusal{"directory_bytes", zip({plain}, {-1, 1 << 20}), "the directory lies outside the file"},
        refusal{"wide_without_extra", zip({with(plain, [](member &m) { m.size = m.packed = 0xFFFFFFFF; })}),
                "damaged 64-bit size"},
        refusal{"wide_short_extra",
                zip({with(plain,
                          [](member &m) {
                            m.size = 0xFFFFFFFF;
                            m.extra = std::string("\1\0\4\0abcd", 8);
                          })}),
                "damaged 64-bit size"},
        refusal{"wide_end_missing", zip({plain}, {0xFFFF}), "65535 members in a directory of 51 bytes"},
        refusal{"no_deflate_data", zip({with({"a.npy", floats}, [](member &m) { m.method = 8; })}),
                "compressed data"}),
    [](const auto &tested) { return tested.param.name; });

TEST(npz, every_truncation_and_every_flipped_byte_ends_in_a_message) {
  const std::string whole =
      zip({{"a.npy", floats}, {"b.npy", npy<float>(std::vector<float>(300, 1.5f)), true}});
  const scratch_folder folder;
  for (size_t length = 0; length < whole.size(); ++length) {
    write_file(folder / "w.npz", whole.substr(0, length));
    EXPECT_NE(read_all(folder / "w.npz").find("error:"), std::string::npos) << "cut at " << length;
  }
  int accepted = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write_file(folder / "w.npz", bytes);
    const std::string text = read_all(folder / "w.npz");
    accepted += text == "ok";
    EXPECT_TRUE(text == "ok" || text.find("error:") != std::string::npos) << at;
  }
  /* Times, versions, attributes, and what the local headers only repeat: nothing that an array's value rests
   * on. */
  EXPECT_LT(accepted, 120);
}

} // namespace
