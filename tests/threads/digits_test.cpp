// An epoch of the 60,000 digits through the ABI: 784-512-10, the first weight in panels.
#include "runtime/core/npz.h"
#include "runtime/core/pool.h"
#include "runtime/program/data/inflate.h"
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

extern "C" const hornfels_model mlp_model;

namespace {

constexpr int64_t pixels = 784, batch = 128;

struct Digits {
  std::vector<float> images;
  std::vector<uint8_t> classes;
};

std::vector<uint8_t> readBytes(const hornfels::npz_reader &archive, const char *name) {
  hornfels::file_error error;
  hornfels::npz_array array;
  hornfels::npy_header header;
  const hornfels::npz_member *member = archive.find(name);
  std::vector<uint8_t> bytes;
  if (member && array.open(archive, *member, header, error)) {
    bytes.resize(header.data_bytes);
    if (array.read(bytes.data(), bytes.size(), error))
      return bytes;
  }
  ADD_FAILURE() << name << " is not readable";
  return {};
}

Digits readDigits(const std::string &path) {
  hornfels::set_inflater(hornfels::make_inflater);
  hornfels::npz_reader archive;
  hornfels::file_error error;
  EXPECT_TRUE(archive.open(path, error)) << path;
  Digits digits;
  for (uint8_t pixel : readBytes(archive, "x_train"))
    digits.images.push_back(static_cast<float>(pixel) / 255);
  digits.classes = readBytes(archive, "y_train");
  return digits;
}

/// The bytes of all variables, slots and metrics too, after an epoch.
std::vector<std::vector<char>> train(const Digits &digits, uint64_t seed, int32_t threads) {
  void *handle = nullptr;
  hornfels_pool *pool = threads > 0 ? hornfels_pool_create(threads) : nullptr;
  EXPECT_EQ(mlp_model.create(&handle, batch), HORNFELS_OK);
  EXPECT_EQ(mlp_model.initialize(handle, seed), HORNFELS_OK);
  EXPECT_EQ(mlp_model.set_pool(handle, pool), HORNFELS_OK);
  const int64_t rows = static_cast<int64_t>(digits.classes.size());
  // The target is what the loss takes: class numbers, or a row with a one.
  const hornfels_tensor &info = mlp_model.target_info[0];
  const bool numbers = info.type == HORNFELS_I32 || info.type == HORNFELS_I64;
  for (int64_t first = 0; first < rows; first += batch) {
    const int64_t count = std::min(batch, rows - first);
    std::vector<int32_t> classes(digits.classes.begin() + first, digits.classes.begin() + first + count);
    std::vector<int64_t> wide(classes.begin(), classes.end());
    std::vector<float> ones(static_cast<size_t>(count * 10));
    for (size_t i = 0; i < classes.size(); ++i)
      ones[i * 10 + static_cast<size_t>(classes[i])] = 1;
    const hornfels_array target = !numbers ? hornfels_array{ones.data(), nullptr, count * 10}
                                  : info.type == HORNFELS_I32 ? hornfels_array{classes.data(), nullptr, count}
                                                              : hornfels_array{wide.data(), nullptr, count};
    const hornfels_array data[] = {{digits.images.data() + first * pixels, nullptr, count * pixels}, target};
    EXPECT_EQ(mlp_model.train_step(handle, data, count), HORNFELS_OK) << mlp_model.last_error(handle);
  }
  std::vector<std::vector<char>> variables;
  for (int32_t i = 0; i < mlp_model.variables; ++i) {
    const hornfels_tensor &variable = mlp_model.variable_info[i];
    int64_t size = 1;
    for (int32_t axis = 0; axis < variable.rank; ++axis)
      size *= variable.shape[axis];
    variables.emplace_back(static_cast<size_t>(size) * 4);
    EXPECT_EQ(mlp_model.get_variable(handle, i, variables.back().data(), size), HORNFELS_OK);
  }
  mlp_model.destroy(handle);
  hornfels_pool_destroy(pool);
  return variables;
}

TEST(Digits, AnyNumberOfThreadsLeavesTheSameBytes) {
  const char *folder = std::getenv("HORNFELS_DATA");
  if (!folder || !*folder)
    GTEST_SKIP() << "HORNFELS_DATA names no folder";
  const Digits digits = readDigits(folder + std::string("/mnist.npz"));
  ASSERT_EQ(digits.images.size(), digits.classes.size() * pixels);
  const auto alone = train(digits, 1, 0);
  for (int32_t threads : {1, 2, 4, 8}) {
    const auto shared = train(digits, 1, threads);
    for (size_t i = 0; i < alone.size(); ++i)
      EXPECT_TRUE(alone[i] == shared[i]) << mlp_model.variable_info[i].name << ", " << threads << " threads";
  }
  EXPECT_FALSE(alone == train(digits, 2, 2)) << "another seed gave the same weights";
}

} // namespace
