// What the machine can do: multiply-adds a second, and bytes a second read from a buffer of a given size.
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
typedef float vec __attribute__((vector_size(4 * lanes)));

namespace {

// The loops over the sums are unrolled by order: else g++ 12 keeps the array in memory, at half the speed.
// Fourteen independent sums: more than latency times units, and they stay in registers on AVX2 as well.
constexpr int sums = 14;

void multiply_add(int64_t rounds, float *to) {
  vec sum[sums], a, b;
  for (int i = 0; i < lanes; ++i)
    a[i] = 0.999f, b[i] = 1e-3f * static_cast<float>(i + 1);
#pragma GCC unroll 14
  for (int i = 0; i < sums; ++i)
    sum[i] = b;
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 14
    for (int i = 0; i < sums; ++i) {
      sum[i] = sum[i] * a + b;
      asm volatile("" : "+x"(sum[i])); // one instruction each, every round
    }
  }
  vec all = sum[0];
#pragma GCC unroll 14
  for (int i = 1; i < sums; ++i)
    all += sum[i];
  *to = all[0];
}

void read(const float *buffer, int64_t floats, int64_t rounds, float *to) {
  vec sum[8] = {};
  for (int64_t r = 0; r < rounds; ++r)
    for (int64_t at = 0; at + 8 * lanes <= floats; at += 8 * lanes) {
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        sum[i] += *reinterpret_cast<const vec *>(buffer + at + i * lanes);
        asm volatile("" : "+x"(sum[i]));
      }
    }
  vec all = sum[0];
#pragma GCC unroll 8
  for (int i = 1; i < 8; ++i)
    all += sum[i];
  *to = all[0];
}

template <class Work> void everywhere(int threads, Work work) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t)
    others.emplace_back(work);
  work();
  for (auto &other : others)
    other.join();
}

} // namespace

extern "C" {
// Floating-point operations of a call.
double peak_operations(int64_t rounds, int threads) { return 2.0 * lanes * sums * static_cast<double>(rounds * threads); }

void peak_multiply_add(int64_t rounds, int threads) {
  everywhere(threads, [rounds] {
    volatile float result;
    float value;
    multiply_add(rounds, &value);
    result = value;
    static_cast<void>(result);
  });
}

float *peak_buffer(int64_t floats) {
  auto *buffer = static_cast<float *>(std::aligned_alloc(4096, static_cast<size_t>((floats * 4 + 4095) / 4096 * 4096)));
  for (int64_t i = 0; i < floats; ++i)
    buffer[i] = 1;
  return buffer;
}

void peak_release(float *buffer) { std::free(buffer); }

void peak_read(const float *buffer, int64_t floats, int64_t rounds) {
  volatile float result;
  float value;
  read(buffer, floats, rounds, &value);
  result = value;
  static_cast<void>(result);
}
}
