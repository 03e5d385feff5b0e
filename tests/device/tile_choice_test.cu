/* What tile_choice.h promises to those who choose: whole warps, room in shared memory, and sensible rows. */
#include "runtime/device/product.h"

#include <gtest/gtest.h>

namespace {

using namespace hornfels::device;

TEST(TileChoice, TilesAreWholeWarpsAndFitABlock) {
  for (const tile_configuration &t : tile_table) {
    SCOPED_TRACE(testing::Message() << t.BM << "x" << t.BN);
    EXPECT_EQ(t.threads() % 32, 0);
    EXPECT_LE(t.threads(), 1024);
    EXPECT_LE(t.shared_bytes(4), 48 * 1024);
    EXPECT_LE(t.shared_bytes(8), 99 * 1024);
  }
  for (const tensor_configuration &t : tensor_table) {
    SCOPED_TRACE(testing::Message() << t.BM << "x" << t.BN);
    EXPECT_EQ(t.threads() % 32, 0);
    EXPECT_LE(t.shared_bytes(), 99 * 1024);
  }
}

TEST(TileChoice, CostsMoreForMoreWork) {
  for (const tile_configuration &t : tile_table) {
    EXPECT_LT(product_cycles(t, 512, 512, 512, 1), product_cycles(t, 512, 512, 1024, 1));
    EXPECT_LT(product_cycles(t, 2048, 2048, 512, 1), product_cycles(t, 4096, 4096, 512, 1));
    EXPECT_LT(product_cycles(t, 4096, 4096, 512, 1, 4), product_cycles(t, 4096, 4096, 512, 1, 8));
  }
}

TEST(TileChoice, TakesLargeTilesForLargeProducts) {
  constexpr tile_choice large = choose_tiles(4096, 4096, 4096);
  static_assert(tile_table[large.index].BM == 128 && tile_table[large.index].BN == 128 && large.parts == 1);
  constexpr tile_choice rounded = choose_tensor_tiles(arithmetic::bf16, 4096, 4096, 4096);
  static_assert(tensor_table[rounded.index].BM == 128 && tensor_table[rounded.index].BN == 128);
  // No faster than the units could be.
  EXPECT_GT(large.cycles, 4096L * 4096 * 4096 / 128 / 132);
  EXPECT_LT(rounded.cycles, large.cycles);
}

TEST(TileChoice, FillsTheDevice) {
  const auto blocks = [](long M, long N, const tile_choice &c) {
    const tile_configuration &t = tile_table[c.index];
    return (M + t.BM - 1) / t.BM * ((N + t.BN - 1) / t.BN) * c.parts;
  };
  EXPECT_GE(blocks(512, 512, choose_tiles(512, 512, 512)), 64);
  EXPECT_GE(blocks(288, 64, choose_tiles(288, 64, 15488, 64)),
            64); // a weight gradient: few outputs, long sums
  EXPECT_EQ(choose_tiles(288, 64, 15488).parts, 1);
}

TEST(TileChoice, TakesThinTilesForThinProducts) {
  const tile_configuration &one = tile_table[choose_tiles(8, 4096, 4096, 16).index];
  EXPECT_LE(one.BM, 16);
  const tile_configuration &logits = tile_table[choose_tiles(25600, 10, 64).index];
  EXPECT_LE(logits.BN, 16);
}

} // namespace
