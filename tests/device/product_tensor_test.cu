/* The product of a block on the tensor units: every tile of the table in tf32 and bf16. Whole numbers of
 * -8 to 8 are exact in both, so that only rounding needs a tolerance. */
#include "product_case.h"

namespace product_test {
namespace {

template <int row> using tf32_at = tensor_tiles_of<arithmetic::tf32, row>;
template <int row> using bf16_at = tensor_tiles_of<arithmetic::bf16, row>;

template <class Tiles> class TensorProduct : public testing::Test {};
using all_tiles = testing::Types<tf32_at<0>, tf32_at<1>, tf32_at<2>, tf32_at<3>, bf16_at<0>, bf16_at<1>,
                                 bf16_at<2>, bf16_at<3>>;
static_assert(tensor_count == 4, "every row of the table is tested");
TYPED_TEST_SUITE(TensorProduct, all_tiles);

TYPED_TEST(TensorProduct, SumsExactlyAtRaggedSizes) {
  for (const sizes s : {sizes{1, 1, 1, 0, 1}, sizes{2, 3, 5, 0, 5}, sizes{17, 65, 63, 0, 63},
                        sizes{129, 64, 17, 0, 17}, sizes{64, 129, 65, 0, 65}, sizes{63, 5, 129, 0, 129}}) {
    expect_product<TypeParam, float, kn>(s, true, 0, 0);
    expect_product<TypeParam, float, kk>(s, true, 0, 4);
    expect_product<TypeParam, float, mn>(s, true, 0, 5);
    expect_product<TypeParam, float, mk>(s, true, 0, 0);
  }
}

TYPED_TEST(TensorProduct, ReadsVectors) {
  for (const sizes s : {sizes{132, 68, 20, 0, 20}, sizes{64, 132, 136, 4, 100}}) {
    expect_product<TypeParam, float, layout<true, false, 4>>(s, true, 0, 5);
    expect_product<TypeParam, float, layout<false, true, 4, false>>(s, true, 0);
  }
}

TYPED_TEST(TensorProduct, RoundsItsOperands) {
  const double tolerance = TypeParam::math == arithmetic::tf32 ? 1e-3 : 1e-2;
  expect_product<TypeParam, float, kn>({65, 70, 300, 0, 300}, false, tolerance);
}

TYPED_TEST(TensorProduct, FinishesFourNeighbours) {
  expect_product<TypeParam, float, kn, add_four>({65, 130, 33, 0, 33}, true, 0);
}

/* bfloat16 in memory: of the same blocks. */
template <class Tiles> class ShortProduct : public testing::Test {};
using bf16_tiles = testing::Types<bf16_at<0>, bf16_at<1>, bf16_at<2>, bf16_at<3>>;
TYPED_TEST_SUITE(ShortProduct, bf16_tiles);

TYPED_TEST(ShortProduct, SumsExactly) {
  for (const sizes s : {sizes{1, 1, 1, 0, 1}, sizes{17, 65, 63, 0, 63}, sizes{129, 64, 17, 0, 17}}) {
    expect_product<TypeParam, bfloat16, kn>(s, true, 0, 0);
    expect_product<TypeParam, bfloat16, kk>(s, true, 0, 4);
    expect_product<TypeParam, bfloat16, mn>(s, true, 0, 5);
    expect_product<TypeParam, bfloat16, mk>(s, true, 0, 0);
  }
}

TYPED_TEST(ShortProduct, ReadsVectors) {
  for (const sizes s : {sizes{136, 72, 40, 0, 40}, sizes{64, 136, 136, 8, 104}}) {
    expect_product<TypeParam, bfloat16, layout<true, false, 8>>(s, true, 0, 5);
    expect_product<TypeParam, bfloat16, layout<false, true, 8, false>>(s, true, 0);
    expect_product<TypeParam, bfloat16, layout<true, true, 2>>(s, true, 0);
  }
}

/* The operands are exact here: what rounds is the sum. */
TYPED_TEST(ShortProduct, SumsAsFloats) {
  expect_product<TypeParam, bfloat16, kn>({65, 70, 300, 0, 300}, false, 1e-6);
}

} // namespace
} // namespace product_test
