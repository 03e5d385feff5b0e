/* Which tiles a product of matrices gets: a table, and a model of the time that each of its rows would
 * take. Plain C++17 without CUDA, so that the compiler picks from the table that the device code is built
 * from. */
#ifndef HORNFELS_DEVICE_TILE_CHOICE_H
#define HORNFELS_DEVICE_TILE_CHOICE_H

namespace hornfels::device {

/* How products are formed: as the elements are (float, double); or from floats rounded to 11 or 8
 * significant bits and summed as floats, on the tensor units. */
enum class arithmetic { fp32, tf32, bf16 };

/* One block computes BM x BN outputs, BK of the summed index at a time; a thread TM x TN of them. KS
 * groups of threads share the summed index of each step and add their sums in the order of the groups. */
struct tile_configuration {
  int BM, BN, BK, TM, TN, KS, stages;

  constexpr int threads() const { return (BM / TM) * (BN / TN) * KS; }
  // The steps that are in flight, rows padded by 16 bytes; the groups' sums use the same bytes afterwards.
  constexpr int shared_bytes(int element_bytes) const {
    const int steps = stages * (BM + BN) * (BK * element_bytes + 16);
    const int sums = KS > 1 ? KS * BM * BN * element_bytes : 0;
    return steps > sums ? steps : sums;
  }
};

/* The same for the tensor units: warps of WM x WN outputs. BK counts 4 bytes: of bfloat16 in memory there
 * are twice as many in a slice. */
struct tensor_configuration {
  int BM, BN, BK, WM, WN, stages;

  constexpr int depth(int element_bytes) const { return BK * 4 / element_bytes; }

  constexpr int threads() const { return BM / WM * (BN / WN) * 32; }
  // Rows are 32 bytes longer than a slice.
  constexpr int shared_bytes() const { return stages * (BM + BN) * (BK * 4 + 32); }
};

constexpr tensor_configuration tensor_table[] = {
    // BM   BN  BK  WM  WN stages
    {128, 128, 16, 64, 64, 3}, // 128 threads of 128 sums
    {128, 64, 16, 64, 32, 3},
    {64, 64, 16, 32, 32, 3},
    {64, 32, 32, 32, 32, 3}, // 64 threads
};
constexpr int tensor_count = int(sizeof(tensor_table) / sizeof(tensor_table[0]));

constexpr tile_configuration tile_table[] = {
    // BM   BN  BK TM TN KS stages
    {128, 128, 16, 8, 8, 1, 2}, // large products
    {128, 64, 16, 8, 4, 1, 3},  //
    {64, 128, 16, 4, 8, 1, 3},  //
    {64, 64, 16, 4, 4, 1, 3},   // middling ones
    {128, 32, 16, 8, 4, 1, 3},  // many rows of few outputs: the first convolutions of a net
    {32, 32, 32, 4, 4, 2, 3},   // small ones: two groups of 64 threads
    {16, 64, 32, 4, 4, 4, 3},   // small batches
    {64, 16, 32, 4, 4, 4, 3},   // few outputs: logits
    {8, 128, 32, 4, 4, 4, 2},   // a batch of 1 to 8: what counts is to read B fast
    {128, 8, 32, 4, 4, 4, 2},   //
    {16, 16, 64, 2, 2, 4, 3},   // few outputs, long sums
};
constexpr int tile_count = int(sizeof(tile_table) / sizeof(tile_table[0]));

/* A row of the table, and into how many parts of k the caller splits the sums of a tile over blocks: with
 * more than one, each block stores its sums, and a second kernel adds the parts in their order and applies
 * the epilogue. */
struct tile_choice {
  int index, parts;
  long cycles; // what the model says
};

/* A model of the device, not a measurement: multiprocessors of 128 multiply-adds a cycle, that share what
 * memory gives. The figures are those of an H100 or H200. */
struct device_model {
  int multiprocessors = 132;
  int threads = 2048, registers = 65536, shared_bytes = 227 * 1024; // of a multiprocessor
  double bytes = 20;                  // a cycle and multiprocessor, from memory and level 2 alike
  double latency = 800, start = 1500; // cycles from a load to its use; of a kernel
};

namespace choice_detail {

constexpr long ceil_div(long a, long b) { return (a + b - 1) / b; }
constexpr double larger(double a, double b) { return a > b ? a : b; }
constexpr long smaller(long a, long b) { return a < b ? a : b; }

/* The share of multiply-adds among the instructions of the loop, as the instructions are counted in the
 * README: reads from shared memory, 16 bytes each, and about 70 others for each slice. */
constexpr double efficiency(const tile_configuration &t) {
  const double products = double(t.TM) * t.TN * t.BK / t.KS;
  const double reads = double(t.TM + t.TN) / 4 * t.BK / t.KS;
  return products / (products + reads + 70);
}

/* Blocks that a multiprocessor holds at once. A thread takes its sums, the operands of two k, and about
 * 32 other registers. */
constexpr long resident(const tile_configuration &t, int element_bytes, const device_model &d) {
  const int words = element_bytes / 4 * (t.TM * t.TN + 2 * (t.TM + t.TN)) + 32;
  const long of_registers = d.registers / (long(words > 255 ? 255 : words) * t.threads());
  const long of_shared = d.shared_bytes / (t.shared_bytes(element_bytes) + 1024);
  const long of_threads = d.threads / t.threads();
  const long most = smaller(of_registers, smaller(of_shared, of_threads));
  return most > 1 ? most : 1;
}

/* Cycles of `together` blocks side by side on one multiprocessor, each with `steps` slices. */
constexpr double batch_cycles(const tile_configuration &t, int element_bytes, long together, long steps,
                              const device_model &d) {
  const double units = element_bytes == 4 ? 128 : 64;
  const double multiply = double(together) * t.BM * t.BN * t.BK / units / efficiency(t);
  const double move = double(together) * (t.BM + t.BN) * t.BK * element_bytes / d.bytes;
  const double wait = d.latency / (t.stages - 1);
  // A warp starts one instruction a cycle at best, however idle the rest of the multiprocessor is.
  const double alone = double(t.TM) * t.TN * t.BK / t.KS / efficiency(t);
  return d.latency + double(steps) * larger(larger(multiply, move), larger(wait, alone));
}

/* The same on the tensor units. Their rate is that of 128 x 128 sums by the instructions in its loop; it
 * falls as operands are used by fewer sums. */
constexpr double batch_cycles(const tensor_configuration &t, arithmetic math, int element_bytes,
                              long together, long steps, const device_model &d) {
  const double rate = math == arithmetic::tf32 ? 450 : element_bytes == 4 ? 900 : 1200;
  const double share = double(t.BM) * t.BN / (t.BM + t.BN) / 64;
  const double multiply = double(together) * t.BM * t.BN * t.depth(element_bytes) / (rate * share);
  const double move = double(together) * (t.BM + t.BN) * t.BK * 4 / d.bytes;
  return d.latency + double(steps) * larger(larger(multiply, move), d.latency / (t.stages - 1));
}

/* All blocks: as many rounds as it takes, `together` blocks on each multiprocessor. `cycles(n)`: of n
 * blocks. */
template <class Cycles>
constexpr double rounds(long blocks, long together, const device_model &d, Cycles cycles) {
  const long of_each = ceil_div(blocks, d.multiprocessors);
  const double full = of_each >= together ? double(of_each / together) * cycles(together) : 0;
  return d.start + full + (of_each % together ? cycles(of_each % together) : 0);
}

/* What it costs that the parts are written, and read by a second kernel. */
constexpr double adding_parts(long M, long N, int parts, int sum_bytes, const device_model &d) {
  return parts > 1 ? d.start + d.latency +
                         2.0 * double(M) * double(N) * parts * sum_bytes / d.bytes / d.multiprocessors
                   : 0;
}

} // namespace choice_detail

/* Cycles of C[M, N] with sums over K in `parts` parts, epilogue excluded. */
constexpr long product_cycles(const tile_configuration &t, long M, long N, long K, int parts,
                              int element_bytes = 4, const device_model &d = device_model()) {
  const long blocks = choice_detail::ceil_div(M, t.BM) * choice_detail::ceil_div(N, t.BN) * parts,
             steps = choice_detail::ceil_div(choice_detail::ceil_div(K, parts), t.BK);
  return long(choice_detail::rounds(
                  blocks, choice_detail::resident(t, element_bytes, d), d,
                  [&](long n) { return choice_detail::batch_cycles(t, element_bytes, n, steps, d); }) +
              choice_detail::adding_parts(M, N, parts, element_bytes, d));
}

constexpr long product_cycles(const tensor_configuration &t, arithmetic math, long M, long N, long K,
                              int parts, int element_bytes = 4, const device_model &d = device_model()) {
  const long blocks = choice_detail::ceil_div(M, t.BM) * choice_detail::ceil_div(N, t.BN) * parts;
  const long steps = choice_detail::ceil_div(choice_detail::ceil_div(K, parts), t.depth(element_bytes));
  constexpr int registers = 255; // of a thread, at most
  const long together = choice_detail::smaller(d.registers / (registers * t.threads()),
                                               d.shared_bytes / (t.shared_bytes() + 1024));
  return long(choice_detail::rounds(
                  blocks, together, d,
                  [&](long n) { return choice_detail::batch_cycles(t, math, element_bytes, n, steps, d); }) +
              choice_detail::adding_parts(M, N, parts, 4, d));
}

/* The configuration that the model calls fastest for C[M, N] with sums over K, split over blocks into at
 * most `max_parts` parts (1, or as many as the caller can add). A tie goes to the earlier row and to fewer
 * parts. */
constexpr tile_choice choose_tiles(long M, long N, long K, int max_parts = 1, int element_bytes = 4,
                                   const device_model &d = device_model()) {
  tile_choice best{0, 1, product_cycles(tile_table[0], M, N, K, 1, element_bytes, d)};
  for (int i = 0; i < tile_count; ++i)
    for (int parts = 1; parts <= max_parts && long(parts - 1) * tile_table[i].BK < K; parts *= 2) {
      const long cycles = product_cycles(tile_table[i], M, N, K, parts, element_bytes, d);
      if (cycles < best.cycles)
        best = {i, parts, cycles};
    }
  return best;
}

/* The same among the tiles of the tensor units. Where products are small the ordinary units may be faster,
 * and are exact: compare `cycles`. */
constexpr tile_choice choose_tensor_tiles(arithmetic math, long M, long N, long K, int max_parts = 1,
                                          int element_bytes = 4, const device_model &d = device_model()) {
  tile_choice best{0, 1, product_cycles(tensor_table[0], math, M, N, K, 1, element_bytes, d)};
  for (int i = 0; i < tensor_count; ++i)
    for (int parts = 1; parts <= max_parts && long(parts - 1) * tensor_table[i].depth(element_bytes) < K;
         parts *= 2) {
      const long cycles = product_cycles(tensor_table[i], math, M, N, K, parts, element_bytes, d);
      if (cycles < best.cycles)
        best = {i, parts, cycles};
    }
  return best;
}

} // namespace hornfels::device

#endif
