// Rows of ids: where ids begin, and their samples.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "runtime/core/tokens.h"

namespace {

namespace hf = hornfels;

/* Rows of up to 20 ascending ids below `vocabulary`; `repeats`: some twice. */
struct drawn_rows {
  std::vector<uint16_t> ids;
  std::vector<int64_t> offsets{0};

  drawn_rows(int rows, int vocabulary, bool repeats) {
    std::mt19937 random(7);
    for (int row = 0; row < rows; ++row) {
      for (int id = 0; id < vocabulary; ++id)
        if (random() % 4 == 0) {
          ids.push_back(uint16_t(id));
          if (repeats && random() % 3 == 0)
            ids.push_back(uint16_t(id));
        }
      offsets.push_back(int64_t(ids.size()));
    }
  }
  hf::token_rows<uint16_t> rows() const { return {ids.data(), offsets.data()}; }
};

TEST(Tokens, LowerBoundIsTheFirstIdNotBelow) {
  const drawn_rows drawn(40, 30, true);
  for (size_t row = 0; row + 1 < drawn.offsets.size(); ++row)
    for (long id = 0; id <= 31; ++id) {
      long expected = long(drawn.offsets[row]);
      const long last = long(drawn.offsets[row + 1]);
      while (expected < last && drawn.ids[size_t(expected)] < id)
        ++expected;
      EXPECT_EQ(hf::lower_bound(drawn.rows(), long(drawn.offsets[row]), last, id), expected);
    }
}

/* Every range of ids, with scratch that is not aligned, and one byte too few of it. */
TEST(Tokens, SamplesOfIds) {
  constexpr long samples = 50, vocabulary = 13;
  for (bool repeats : {false, true}) {
    const drawn_rows drawn(samples, vocabulary, repeats);
    for (long begin = 0; begin <= vocabulary; ++begin)
      for (long end = begin; end <= vocabulary; ++end) {
        std::vector<std::vector<int32_t>> expected(size_t(end - begin));
        long total = 0;
        for (long sample = 0; sample < samples; ++sample)
          for (int64_t t = drawn.offsets[size_t(sample)]; t < drawn.offsets[size_t(sample) + 1]; ++t)
            if (const long id = drawn.ids[size_t(t)]; id >= begin && id < end) {
              expected[size_t(id - begin)].push_back(int32_t(sample));
              ++total;
            }
        std::vector<int64_t> memory(size_t(end - begin + total) + 8);
        char *const scratch = reinterpret_cast<char *>(memory.data()) + 4;
        const long needed = 4 + (end - begin + 2) * 8 + total * 4;
        EXPECT_EQ(hf::samples_of_ids(drawn.rows(), samples, begin, end, scratch, needed - 1).offsets, nullptr);
        const auto found = hf::samples_of_ids(drawn.rows(), samples, begin, end, scratch, needed);
        ASSERT_NE(found.offsets, nullptr);
        for (size_t row = 0; row < expected.size(); ++row)
          EXPECT_EQ(std::vector<int32_t>(found.ids + found.offsets[row], found.ids + found.offsets[row + 1]),
                    expected[row]);
        EXPECT_EQ(memory[0] & 0xffffffff, 0) << "writes before the scratch";
        EXPECT_EQ(reinterpret_cast<char *>(memory.data())[4 + needed], 0) << "writes behind it";
      }
  }
}

} // namespace
