/* Any bytes as a pickle of lists. The first one says how many rows the header promises; what is read must be
 * whole: rows one after the other, no word below 0, every id below the vocabulary; what is refused must have
 * a message.
 *
 *   fuzz_pickle -max_len=4096 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstring>

#include "seeds.h"
#include "../runtime_program/pickles.h"
#include "runtime/program/failure.h"
#include "runtime/program/data/keras_rows.h"
#include "runtime/program/data/pickle.h"

namespace {

using namespace hornfels;
using namespace hornfels_tests;

void require_that(bool condition) {
  if (!condition)
    abort();
}

class bytes_stream : public byte_stream {
public:
  bytes_stream(const uint8_t *bytes, size_t count) : data(bytes), left(count) {}
  bool read(void *to, size_t count, file_error &) override {
    require_that(count <= left); /* the reader knows how long the pickle is */
    std::memcpy(to, data, count);
    data += count;
    left -= count;
    return true;
  }

private:
  const uint8_t *data;
  size_t left;
};

void require_whole(const token_lists &lists, int64_t rows, size_t bytes) {
  require_that(lists.rows == rows && lists.size() <= static_cast<int64_t>(bytes / 2));
  const int64_t *const offsets = lists.offsets.as<int64_t>();
  require_that(offsets[0] == 0);
  std::vector<uint32_t> order;
  for (int64_t i = 0; i < rows; ++i) {
    require_that(offsets[i] <= offsets[i + 1]);
    order.push_back(static_cast<uint32_t>(i));
    for (int64_t k = 0; k < lists.length(i); ++k)
      require_that(lists.row(i)[k] >= 0);
  }
  constexpr int64_t vocabulary = 100;
  buffer ids, starts;
  make_ids<uint16_t>(lists, rules_of_ranks({}, vocabulary), order, vocabulary, ids, starts,
                     [](uint32_t, int64_t) { abort(); });
}

std::string seed(unsigned number) {
  const std::vector<std::string> of_python = pickles_of_python_3();
  const std::string three(1, '\3');
  if (number % 6 < 4)
    return three + of_python[number % 6];
  return number % 6 == 4 ? three + pickle_of({{1, 14, 300}, {}, {70000, 5}}) : '\0' + pickle_of({});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  const int64_t rows = data[0];
  bytes_stream stream(data + 1, size - 1), checked(data + 1, size - 1);
  bool right = false;
  try {
    check_pickled_lists(checked, {"x.npy", 128, size - 1, size - 1}, rows);
    right = true;
  } catch (const failure &) {
  }
  try {
    require_whole(read_pickled_lists(stream, {"x.npy", 128, size - 1, size - 1}, rows), rows, size - 1);
    require_that(right);
  } catch (const failure &problem) {
    require_that(!right);
    require_that(std::strstr(problem.what(), "x.npy@0x") && std::strstr(problem.what(), ": error: "));
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  return mutate_from_seeds(data, size, most, number, 2, seed);
}
