// Squares transposed in registers, whole and in part; the first lanes kept.
#include "vector_test.h"

#include "runtime/core/transpose.h"

namespace {

using namespace vector_test;

template <class V> class Transposition : public testing::Test {
public:
  using number = hf::element<V>;
  static constexpr int64_t side = hf::lanes<V>;
  /* Rows farther apart than a square is wide, another distance in and out. */
  static constexpr int64_t in_stride = side + 3, out_stride = side + 5;

  Transposition() : from(size_t(side * in_stride)), to(size_t(side * out_stride), untouched) {
    for (size_t i = 0; i < from.size(); ++i)
      from[i] = number(i + 1);
  }

  /* to[r][c] = from[c][r] for r < height, c < width; nothing else is written. */
  void expect_part(int64_t height, int64_t width) const {
    for (int64_t r = 0; r < side; ++r)
      for (int64_t c = 0; c < out_stride; ++c)
        EXPECT_EQ(to[size_t(r * out_stride + c)], r < height && c < width ? number(c * in_stride + r + 1) : untouched)
            << "row " << r << ", column " << c << " of " << height << " x " << width;
  }

  static constexpr number untouched = number(-1);
  std::vector<number> from, to;
};

TYPED_TEST_SUITE(Transposition, real_vectors);

TYPED_TEST(Transposition, Whole) {
  hf::transpose<TypeParam>(this->to.data(), this->out_stride, this->from.data(), this->in_stride);
  this->expect_part(this->side, this->side);
}

TYPED_TEST(Transposition, EveryHeightAndWidth) {
  for (int64_t height = 1; height <= this->side; ++height)
    for (int64_t width = 1; width <= this->side; ++width) {
      std::fill(this->to.begin(), this->to.end(), this->untouched);
      volatile long h = long(height), w = long(width); /* not known to the compiler */
      hf::transpose_part<TypeParam>(this->to.data(), this->out_stride, this->from.data(), this->in_stride, h, w);
      this->expect_part(height, width);
      if (this->HasFailure())
        return;
    }
}

/* What lies behind the part may be another page, in the source and in the target. */
TYPED_TEST(Transposition, NothingBehindThePartIsTouched) {
  using T = typename TestFixture::number;
  constexpr int64_t n = TestFixture::side;
  for (int64_t height = 1; height <= n; ++height)
    for (int64_t width = 1; width <= n; ++width) {
      guarded_page source, target;
      T *in = source.last<T>((width - 1) * n + height), *out = target.last<T>((height - 1) * n + width);
      for (int64_t i = 0; i < (width - 1) * n + height; ++i)
        in[i] = T(i + 1);
      volatile long h = long(height), w = long(width);
      hf::transpose_part<TypeParam>(out, n, in, n, h, w);
      for (int64_t r = 0; r < height; ++r)
        for (int64_t c = 0; c < width; ++c)
          ASSERT_EQ(out[r * n + c], T(c * n + r + 1)) << r << ", " << c << " of " << height << " x " << width;
    }
}

TYPED_TEST(Transposition, TheFirstLanesAreKept) {
  constexpr int n = TestFixture::side;
  using T = typename TestFixture::number;
  TypeParam v{}, other{};
  T values[n], others[n];
  for (int i = 0; i < n; ++i) {
    values[i] = T(i + 1);
    others[i] = i % 2 ? -std::numeric_limits<T>::infinity() : T(0);
  }
  v = hf::load<TypeParam>(values);
  other = hf::load<TypeParam>(others);
  for (int64_t k = 0; k <= n; ++k) {
    volatile int64_t count = k;
    T kept[n];
    hf::store(kept, hf::keep_part(v, count, other));
    for (int i = 0; i < n; ++i)
      EXPECT_EQ(kept[i], i < k ? values[i] : others[i]) << "lane " << i << " of " << k;
  }
}

} // namespace
