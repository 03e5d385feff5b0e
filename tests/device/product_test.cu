/* The product of a block on the ordinary units: every tile of the table, every layout, ragged sizes,
 * holes. */
#include "product_case.h"

namespace product_test {
namespace {

const int ragged[] = {1, 2, 3, 5, 17, 63, 64, 65, 129};

template <class Tiles> class Product : public testing::Test {};
template <class Tiles> class ProductOfVectors : public testing::Test {};
using all_tiles = testing::Types<tiles_of<0>, tiles_of<1>, tiles_of<2>, tiles_of<3>, tiles_of<4>, tiles_of<5>,
                                 tiles_of<6>, tiles_of<7>, tiles_of<8>, tiles_of<9>, tiles_of<10>>;
static_assert(tile_count == 11, "every row of the table is tested");
using some_tiles = testing::Types<tiles_of<0>, tiles_of<3>, tiles_of<5>, tiles_of<8>>;
TYPED_TEST_SUITE(Product, all_tiles);
TYPED_TEST_SUITE(ProductOfVectors, some_tiles);

/* Every size of M with four of N, and of K, of which each occurs with each of M. */
template <class Try> void ragged_sizes(Try attempt) {
  for (int i = 0; i < 9; ++i)
    for (int j = i % 2; j < 9; j += 2) {
      const int K = ragged[(2 * i + j) % 9];
      attempt(sizes{ragged[i], ragged[j], K, 0, K}, i + j / 2);
    }
}

/* All four layouts, half of them with holes. */
TYPED_TEST(Product, SumsExactlyAtRaggedSizes) {
  ragged_sizes([](sizes s, int i) {
    expect_product<TypeParam, float, kn>(s, true, 0, i % 2 * 3);
    expect_product<TypeParam, float, kk>(s, true, 0, i % 2 * 4);
    expect_product<TypeParam, float, mn>(s, true, 0, i % 2 * 5);
    expect_product<TypeParam, float, mk>(s, true, 0, i % 2 * 7);
  });
}

TYPED_TEST(Product, SumsPartsOfK) {
  expect_product<TypeParam, float, kn>({33, 34, 200, 67, 131}, true, 0);
  expect_product<TypeParam, float, kn>({33, 34, 200, 67, 67}, true, 0); // nothing: zeros
}

TYPED_TEST(Product, RoundsAsFloatsDo) {
  expect_product<TypeParam, float, kn>({65, 70, 1000, 0, 1000}, false, 1e-6);
}

TYPED_TEST(ProductOfVectors, SumsExactly) {
  for (const sizes s : {sizes{4, 8, 12, 0, 12}, sizes{132, 68, 20, 0, 20}, sizes{64, 132, 136, 4, 100}})
    for (const int every : {0, 5}) {
      expect_product<TypeParam, float, layout<true, false, 4>>(s, true, 0, every);
      expect_product<TypeParam, float, layout<true, true, 4>>(s, true, 0, every);
      expect_product<TypeParam, float, layout<false, false, 4>>(s, true, 0, every);
      expect_product<TypeParam, float, layout<false, true, 4>>(s, true, 0, every);
    }
}

/* Loaders that are never null are asked outside of the matrices, and what lies there does not count. */
TYPED_TEST(ProductOfVectors, AsksLoadersWithoutHolesOutside) {
  expect_product<TypeParam, float, layout<true, false, 1, false>>({65, 17, 33, 0, 33}, true, 0);
  expect_product<TypeParam, float, layout<true, false, 4, false>>({68, 20, 36, 0, 36}, true, 0);
}

TYPED_TEST(ProductOfVectors, FinishesFourNeighbours) {
  expect_product<TypeParam, float, kn, add_four>({65, 130, 33, 0, 33}, true, 0);
  expect_product<TypeParam, float, kn, add_four>({65, 128, 33, 0, 33}, true, 0);
  expect_product<TypeParam, float, kn, add_four>({3, 3, 3, 0, 3}, true, 0);
}

TYPED_TEST(ProductOfVectors, ReadsAhead) {
  expect_product<TypeParam, float, kn, add_ahead>({65, 130, 33, 0, 33}, true, 0);
  expect_product<TypeParam, float, kn, add_ahead>({3, 3, 3, 0, 3}, true, 0);
}

TYPED_TEST(ProductOfVectors, SumsDoubles) {
  expect_product<TypeParam, double, kn>({65, 63, 129, 0, 129}, false, 1e-15);
  expect_product<TypeParam, double, layout<false, true, 2>>({66, 64, 130, 0, 130}, false, 1e-15, 5);
}

} // namespace
} // namespace product_test
