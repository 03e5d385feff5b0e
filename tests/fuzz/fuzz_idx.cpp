/* Any bytes as an IDX file: as they are, or, where the first one is odd, in gzip. All elements are read.
 *
 *   fuzz_idx -max_len=4096 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstring>

#include <zlib.h>

#include "../runtime_program/double_model.h"
#include "memory_file.h"
#include "seeds.h"
#include "runtime/program/data/convert.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/failure.h"

namespace {

using namespace hornfels;
using namespace hornfels_tests;

std::string gzip(const uint8_t *data, size_t size) {
  z_stream state = {};
  deflateInit2(&state, 1, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, size) + 64, '\0');
  state.next_in = const_cast<uint8_t *>(data);
  state.avail_in = static_cast<uInt>(size);
  state.next_out = reinterpret_cast<Bytef *>(&packed[0]);
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

/* The largest array that is read whole: gzip of 4 KiB can honestly hold 4 MiB. */
constexpr int64_t most_elements = 1 << 22;

void read(const std::string &path) {
  const data_file file(path);
  if (!file.is_single())
    return;
  array_source source = file.open("x");
  if (source.lists || source.header.elements > most_elements)
    return;
  std::vector<double> values(static_cast<size_t>(source.header.elements));
  read_elements(source, HORNFELS_F64, values.data(), source.header.elements, 0, 1);
}

std::string seed(unsigned number) {
  std::string text(1, static_cast<char>(number & 1));
  switch (number / 2 % 3) {
  case 0:
    return text + std::string("\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\1abcd", 20);
  case 1:
    return text + std::string("\0\0\x0d\1\0\0\0\2\x3f\xc0\0\0\x7f\xc0\0\0", 16);
  default:
    return text + std::string("\0\0\x0c\2\0\0\0\1\0\0\0\1\0\0\0\5", 16);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const memory_file file;
  if (size < 1)
    return 0;
  if (data[0] & 1) {
    const std::string packed = gzip(data + 1, size - 1);
    file.set(packed.data(), packed.size());
  } else {
    file.set(data + 1, size - 1);
  }
  try {
    read(file.path);
  } catch (const failure &problem) {
    if (!std::strstr(problem.what(), "error: "))
      abort();
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  return mutate_from_seeds(data, size, most, number, 2, seed);
}
