// Sums, scatters, encodings and padding of rows of ids, and orthonormal rows, on CUDA on the CPU against plain loops; the
// same bits in any order of threads and for any split over blocks.
#include "tests/device/device_test.h"
#include "tests/device/tokens_kernels.cu"

#include "runtime/core/orthonormal.h"
#include "runtime/core/tokens.h"

namespace hornfels::device::tokens_kernels {

using device_test::device_array;
using device_test::in_all_orders;
using device_test::near;

/// Rows of ids on both sides.
struct ragged {
  std::vector<int32_t> ids;
  std::vector<int64_t> offsets{0};
  device_array<int32_t> device_ids;
  device_array<int64_t> device_offsets;

  /// Up to `longest` ids below `depth`, ascending, `often` at times; every fifth row is empty.
  ragged(long batch, long depth, long longest, bool repeats, unsigned seed) {
    std::mt19937 random(seed);
    for (long sample = 0; sample < batch; ++sample) {
      std::vector<int32_t> row;
      if (sample % 5 != 4)
        for (long i = long(random()) % (longest + 1); i >= 0; --i)
          row.push_back(random() % 4 ? int32_t(random() % unsigned(depth)) : int32_t(depth / 2));
      std::sort(row.begin(), row.end());
      if (!repeats)
        row.erase(std::unique(row.begin(), row.end()), row.end());
      ids.insert(ids.end(), row.begin(), row.end());
      offsets.push_back(long(ids.size()));
    }
    device_ids = device_array<int32_t>(ids);
    device_offsets = device_array<int64_t>(offsets);
  }
  token_rows<int32_t> rows() const { return {device_ids.data, device_offsets.data}; }
  hornfels::token_rows<int32_t> on_host() const { return {ids.data(), offsets.data()}; }
  long batch() const { return long(offsets.size()) - 1; }
};

template <class T> std::vector<T> numbers(long count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> even(-1, 1);
  std::vector<T> x;
  for (long i = 0; i < count; ++i)
    x.push_back(T(even(random)));
  return x;
}

/// What an epilogue has added to zeros, and that it was called once for each element.
template <class T> struct sums_of_rows {
  device_array<T> y;
  device_array<int> calls;
  explicit sums_of_rows(long count) : y(std::vector<T>(size_t(count))), calls(std::vector<int>(size_t(count))) {}
  std::vector<T> read() const {
    for (int c : calls.read())
      EXPECT_EQ(c, 1);
    return y.read();
  }
};

template <int width, int per_sample, class T> void test_gather_sum(long batch, long longest) {
  SCOPED_TRACE(testing::Message() << "width " << width << ", " << per_sample << " threads, batch " << batch);
  const long depth = 50;
  const ragged tokens(batch, depth, longest, /*repeats=*/true, 3);
  const std::vector<T> table = numbers<T>(depth * width, 5);
  const device_array<T> device_table(table);
  std::vector<double> expected(size_t(batch * width));
  for (long sample = 0; sample < batch; ++sample)
    for (long t = tokens.offsets[size_t(sample)]; t < tokens.offsets[size_t(sample) + 1]; ++t)
      for (long c = 0; c < width; ++c)
        expected[size_t(sample * width + c)] += double(table[size_t(tokens.ids[size_t(t)] * width + c)]);
  const auto run = [&](long of_block) {
    return in_all_orders([&] {
      const sums_of_rows<T> y(batch * width);
      EXPECT_EQ(launch(nullptr, sums<width, per_sample, T, int32_t>, (batch + of_block - 1) / of_block, block,
                       size_t(gather_sum_bytes<T, width, block, per_sample>()), y.y.data, y.calls.data, tokens.rows(),
                       static_cast<const T *>(device_table.data), batch, of_block),
                cudaSuccess);
      return y.read();
    });
  };
  const std::vector<T> found = run(7);
  near(found, expected, sizeof(T) == 4 ? 1e-6 : 1e-14);
  EXPECT_EQ(found, run(2));
}

TEST(GatherSum, IsTheSumOfTheTablesRows) {
  test_gather_sum<1, 1, float>(12, 40);
  test_gather_sum<1, 32, float>(12, 40);
  test_gather_sum<3, 4, float>(12, 40);
  test_gather_sum<3, 256, float>(12, 90);
  test_gather_sum<16, 32, float>(37, 90);
  test_gather_sum<16, 128, float>(1, 200);
  test_gather_sum<16, 8, float>(37, 40);
  test_gather_sum<17, 64, float>(12, 40);
  test_gather_sum<50, 32, float>(12, 40);
  test_gather_sum<64, 32, float>(12, 40);
  test_gather_sum<64, 64, double>(12, 40);
  test_gather_sum<300, 32, float>(12, 40);
  test_gather_sum<300, 256, float>(12, 40);
  test_gather_sum<1028, 64, float>(3, 20);
}

/// The gradient's rows for each id, in double.
template <class T>
std::vector<double> scattered(const ragged &tokens, const std::vector<T> &d_y, long depth, long width) {
  std::vector<double> y(size_t(depth * width));
  for (long sample = 0; sample < tokens.batch(); ++sample)
    for (long t = tokens.offsets[size_t(sample)]; t < tokens.offsets[size_t(sample) + 1]; ++t)
      for (long c = 0; c < width; ++c)
        y[size_t(tokens.ids[size_t(t)] * width + c)] += double(d_y[size_t(sample * width + c)]);
  return y;
}

template <class O, bool repeats> void test_scatter_add(long batch, long longest, unsigned seed = 7) {
  using T = typename O::real;
  SCOPED_TRACE(testing::Message() << "width " << O::row << " by " << O::row_columns << ", batch " << batch);
  const long depth = 70;
  const ragged tokens(batch, depth, longest, repeats, seed);
  const std::vector<T> d_y = numbers<T>(batch * O::row, 11);
  const device_array<T> device_d_y(d_y);
  const auto run = [&](long of_block) {
    return in_all_orders([&] {
      const sums_of_rows<T> y(depth * O::row);
      const dim3 blocks(unsigned((depth + of_block - 1) / of_block), unsigned(O::row / O::row_columns));
      EXPECT_EQ(launch(nullptr, update_sums<O, repeats, T, int32_t>, blocks, dim3(block), size_t(O::bytes), y.y.data,
                       y.calls.data, tokens.rows(), static_cast<const T *>(device_d_y.data), batch, depth, of_block),
                cudaSuccess);
      return y.read();
    });
  };
  const std::vector<T> found = run(33);
  near(found, scattered(tokens, d_y, depth, O::row), sizeof(T) == 4 ? 1e-6 : 1e-14);
  EXPECT_EQ(found, run(depth)) << "bits depend on who owns a row";
}

TEST(ScatterAdd, IsTheGradientOfGatherSum) {
  test_scatter_add<owned<float, 1, 1, block>, false>(37, 40);
  test_scatter_add<owned<float, 3, 3, block, 8, 32>, false>(37, 40);
  test_scatter_add<owned<float, 16, 16, block>, false>(1, 40);
  test_scatter_add<owned<float, 16, 16, block>, false>(37, 40);
  test_scatter_add<owned<float, 16, 16, block, 16, 64>, false>(150, 40);
  test_scatter_add<owned<float, 17, 17, block>, false>(37, 40);
  test_scatter_add<owned<float, 10, 10, block>, false>(37, 40);
  test_scatter_add<owned<float, 64, 16, block>, false>(37, 40);
  test_scatter_add<owned<double, 64, 64, block>, false>(37, 40);
  test_scatter_add<owned<float, 300, 60, block>, false>(20, 20);
  test_scatter_add<owned<float, 300, 300, block, 16>, false>(20, 20);
}

/// The id depth / 2 is in most rows: its list is shared by the warps.
TEST(ScatterAdd, SharesLongLists) {
  test_scatter_add<owned<float, 3, 3, block>, false>(600, 12);
  test_scatter_add<owned<float, 16, 16, block>, true>(300, 6);
}

TEST(ScatterAdd, CountsRepeats) {
  test_scatter_add<owned<float, 16, 16, block>, true>(37, 90);
  test_scatter_add<owned<float, 3, 3, block, 8, 32>, true>(37, 200);
  test_scatter_add<owned<double, 17, 17, block>, true>(1, 200);
}

template <class O> void test_scatter(long positions, long depth, unsigned frequent) {
  using T = typename O::real;
  SCOPED_TRACE(testing::Message() << "width " << O::row << " by " << O::row_columns << ", " << positions << " positions");
  std::mt19937 random(13);
  std::vector<int32_t> ids;
  for (long p = 0; p < positions; ++p)
    ids.push_back(random() % 100 < frequent ? 0 : int32_t(random() % unsigned(depth)));
  const std::vector<T> d_y = numbers<T>(positions * O::row, 17);
  std::vector<double> expected(size_t(depth * O::row));
  for (long p = 0; p < positions; ++p)
    for (long c = 0; c < O::row; ++c)
      expected[size_t(ids[size_t(p)] * O::row + c)] += double(d_y[size_t(p * O::row + c)]);
  const device_array<int32_t> device_ids(ids);
  const device_array<T> device_d_y(d_y);
  const auto run = [&](unsigned blocks) {
    return in_all_orders([&] {
      const sums_of_rows<T> y(depth * O::row);
      EXPECT_EQ(launch(nullptr, update_rows<O, T>, dim3(blocks, unsigned(O::row / O::row_columns)), dim3(block),
                       size_t(O::bytes), y.y.data, y.calls.data, static_cast<const int32_t *>(device_ids.data),
                       static_cast<const T *>(device_d_y.data), positions, depth),
                cudaSuccess);
      return y.read();
    });
  };
  const std::vector<T> found = run(3);
  near(found, expected, sizeof(T) == 4 ? 1e-6 : 1e-14);
  EXPECT_EQ(found, run(1)) << "bits depend on who owns a row";
  EXPECT_EQ(found, run(7)) << "bits depend on who owns a row";
}

TEST(Scatter, IsTheGradientOfALookUp) {
  test_scatter<owned<float, 1, 1, block>>(100, 40, 0);
  test_scatter<owned<float, 3, 3, block, 8, 64>>(150, 40, 30);
  test_scatter<owned<float, 16, 16, block>>(1, 40, 0);
  test_scatter<owned<float, 17, 17, block>>(100, 40, 30);
  test_scatter<owned<float, 50, 10, block>>(100, 40, 30);
  test_scatter<owned<float, 64, 16, block>>(100, 40, 30);
  test_scatter<owned<double, 64, 64, block>>(100, 40, 30);
  test_scatter<owned<float, 300, 60, block>>(70, 20, 30);
}

/// Id 0 fills most positions, as padding does.
TEST(Scatter, SharesLongLists) {
  test_scatter<owned<float, 16, 16, block, 32, 512>>(1300, 40, 70);
  test_scatter<owned<float, 3, 3, block, 32, 2048>>(2500, 200, 60);
}

TEST(Scatter, DividesRight) {
  for (unsigned by : {1u, 2u, 3u, 7u, 264u, 65535u, 1000003u, 0x7fffffffu})
    for (unsigned x : {0u, 1u, by - 1, by, by + 1, 5 * by - 1, 5 * by, 0x7fffffffu, 0xfffffffeu, 0xffffffffu})
      EXPECT_EQ(divisor(by).quotient(x), x / by) << x << " by " << by;
}

template <int width, int columns, class T> void test_marks(long batch) {
  SCOPED_TRACE(testing::Message() << "width " << width << " by " << columns << ", batch " << batch);
  const long depth = 70, words = (batch + 31) / 32;
  const ragged tokens(batch, depth, 12, /*repeats=*/false, 7);
  const std::vector<T> d_y = numbers<T>(batch * width, 11);
  const device_array<T> device_d_y(d_y);
  const std::vector<T> found = in_all_orders([&] {
    const device_array<unsigned> marks(std::vector<unsigned>(size_t(depth * words)));
    EXPECT_EQ(launch(nullptr, mark<int32_t>, (batch + 15) / 16, block, 0, marks.data, tokens.rows(), batch, words),
              cudaSuccess);
    const sums_of_rows<T> y(depth * width);
    EXPECT_EQ(launch(nullptr, update_marked<width, columns, T>, 3, block, size_t(sum_marked_bytes(block)), y.y.data,
                     y.calls.data, marks.data, words, static_cast<const T *>(device_d_y.data), depth),
              cudaSuccess);
    if (width == columns) {
      EXPECT_EQ(marks.read(), std::vector<unsigned>(size_t(depth * words))) << "cleared";
    }
    return y.read();
  });
  near(found, scattered(tokens, d_y, depth, width), sizeof(T) == 4 ? 4e-6 : 1e-14);
}

TEST(Marks, SumWhatWasMarked) {
  test_marks<1, 1, float>(40);
  test_marks<3, 3, float>(1);
  test_marks<16, 16, float>(40);
  test_marks<16, 16, float>(1200);
  test_marks<17, 17, double>(40);
  test_marks<64, 16, float>(40);
  test_marks<300, 60, float>(33);
}

TEST(Tokens, Encodings) {
  for (long batch : {1, 13}) {
    const long depth = 37;
    const ragged tokens(batch, depth, 60, /*repeats=*/true, 19);
    std::vector<float> counts(size_t(batch * depth)), hot(counts);
    for (long sample = 0; sample < batch; ++sample)
      for (long t = tokens.offsets[size_t(sample)]; t < tokens.offsets[size_t(sample) + 1]; ++t)
        hot[size_t(sample * depth + tokens.ids[size_t(t)])] = 1, ++counts[size_t(sample * depth + tokens.ids[size_t(t)])];
    // What lies there before does not matter.
    const device_array<float> y(std::vector<float>(hot.size(), 9)), z(std::vector<float>(hot.size(), 9));
    for (const std::vector<float> &found :
         {in_all_orders([&] {
            EXPECT_EQ(launch(nullptr, encode<float, int32_t>, (batch + 4) / 5, block, 0, y.data, z.data, tokens.rows(),
                             batch, depth),
                      cudaSuccess);
            EXPECT_EQ(z.read(), counts);
            return y.read();
          })})
      EXPECT_EQ(found, hot);
  }
}

template <bool before, bool cut_before> void test_padding() {
  const ragged tokens(11, 50, 20, /*repeats=*/true, 23);
  for (long length : {1, 8, 300}) {
    std::vector<int32_t> expected(size_t(11 * length));
    for (long sample = 0; sample < 11; ++sample)
      hornfels::pad_row<before, cut_before>(tokens.on_host(), sample, length, -3, expected.data() + sample * length);
    const device_array<int32_t> y(std::vector<int32_t>(expected.size()));
    EXPECT_EQ(launch(nullptr, pad<before, cut_before, int32_t>, 11, block, 0, y.data, tokens.rows(), length, -3),
              cudaSuccess);
    EXPECT_EQ(y.read(), expected);
  }
}
TEST(Tokens, Padding) {
  test_padding<false, false>();
  test_padding<false, true>();
  test_padding<true, false>();
  test_padding<true, true>();
}

template <class T> void test_orthonormal(long rows, long columns) {
  const std::vector<T> x = numbers<T>(rows * columns, 29);
  std::vector<T> expected(x.size());
  hornfels::orthonormal_rows(rows, columns, x.data(), expected.data());
  const device_array<T> device_x(x);
  const std::vector<T> found = in_all_orders([&] {
    const device_array<T> y(std::vector<T>(x.size()));
    EXPECT_EQ(launch(nullptr, orthonormal<T>, 1, block, size_t(block_bytes<double>(block)), y.data,
                     static_cast<const T *>(device_x.data), rows, columns),
              cudaSuccess);
    return y.read();
  });
  near(found, std::vector<double>(expected.begin(), expected.end()), sizeof(T) == 4 ? 1e-6 : 1e-12);
}
TEST(Orthonormal, IsThatOfTheCpu) {
  test_orthonormal<float>(1, 1);
  test_orthonormal<float>(7, 20);
  test_orthonormal<float>(16, 300);
  test_orthonormal<double>(5, 5);
}

} // namespace hornfels::device::tokens_kernels
