/* Any bytes as a checkpoint, with a checksum that is right, or as changes of a state: taken up by a training.
 * Every refusal must be a message; what is taken up must train on.
 *
 *   fuzz_checkpoint -max_len=16384 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <unistd.h>

#include "../runtime_program/double_model.h"
#include "../runtime_program/support.h"
#include "runtime/core/crc32.h"
#include "runtime/program/training/checkpoint.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/failure.h"
#include "runtime/program/training/feed.h"
#include "runtime/program/training/fit.h"
#include "runtime/program/data/inflate.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

namespace {

using namespace hornfels;
using namespace hornfels_tests;

const std::string label = "hornfels checkpoint 1 checksum ";

/* A training of two steps, with every callback that keeps state. */
struct training {
  training() {
    set_inflater(make_inflater);
    write_file(folder / "d.npz", zip({{"x_train.npy", npy<float>({4, 13}, std::vector<float>(52, 0.5f))},
                                      {"y_train.npy", npy<float>({1, 2, 3, 4})}}));
    const data_file file(folder / "d.npz");
    rows = bind(stocks_model, file, {"_train"}, true);
    chosen.epochs = 2;
    chosen.verbose = 0;
    chosen.seed = 1;
    chosen.csv_log = folder / "log.csv";
    chosen.plateau = parse_plateau("", "loss,patience=1");
    chosen.early_stopping = parse_early_stopping("", "loss,patience=2,restore_best_weights");
    chosen.model_checkpoint = parse_model_checkpoint("", (folder / "m.npz") + ",save_best_only,monitor=loss");
  }

  template <class Act> void with_fit(const checkpoint_folder *kept, Act act) {
    model_handle handle(stocks_model, 2, 1);
    handle.initialize(1);
    feed batches(handle, rows, 2);
    progress bar(display(), 0);
    fit one(chosen, 2, handle, {batches, {{0, 4}}, nullptr, {}},
            make_callbacks(chosen, {"loss", "mae"}, false), bar, kept);
    act(one);
  }

  scratch_folder folder;
  options chosen;
  dataset rows;
  checkpoint_folder checkpoints{folder / "ck", {{"the seed", "1"}}};
};

training &the_training() {
  static training one;
  return one;
}

/* A checkpoint that is right. */
const std::string &seed_file() {
  static const std::string bytes = [] {
    the_training().with_fit(&the_training().checkpoints, [](fit &one) { one.run(); });
    return read_file(the_training().folder / "ck/checkpoint.npz");
  }();
  return bytes;
}

} // namespace

namespace {

void take_up(const saved_state &state) {
  the_training().with_fit(nullptr, [&](fit &training) {
    training.resume(state);
    training.run();
  });
}

/* The bytes as a file. */
void read_file_of(const uint8_t *data, size_t size) {
  training &one = the_training();
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc32(0, data, size));
  write_file(one.folder / "ck/checkpoint.npz",
             std::string(reinterpret_cast<const char *>(data), size) + digits);
  unlink((one.folder / "ck/checkpoint-before.npz").c_str());
  saved_state state;
  std::string from;
  if (!one.checkpoints.read(state, from))
    abort();
  take_up(state);
}

/* The bytes as changes of a state that is right, four for each: which array, what is done, where. Checksums
 * of members would hide these fields from changes of the file. */
void change_state(const uint8_t *data, size_t size) {
  static const saved_state good = [] {
    saved_state state;
    std::string from;
    write_file(the_training().folder / "ck/checkpoint.npz", seed_file());
    the_training().checkpoints.read(state, from);
    return state;
  }();
  saved_state state = good;
  for (; size >= 4 && !state.arrays.empty(); data += 4, size -= 4) {
    const auto it = std::next(state.arrays.begin(), static_cast<long>(data[0] % state.arrays.size()));
    saved_state::array &array = it->second;
    if (array.bytes.empty() || data[1] == 0) {
      state.arrays.erase(it);
    } else if (data[1] == 1) {
      array.shape = {static_cast<int64_t>(data[2])};
      array.bytes.resize(data[2] * array.width);
    } else {
      array.bytes[(data[2] | data[3] << 8) % array.bytes.size()] = static_cast<char>(data[1] * 37);
    }
  }
  take_up(state);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    if (size > 0 && data[0] == 'P')
      read_file_of(data, size);
    else
      change_state(data, size);
  } catch (const failure &problem) {
    if (!std::strstr(problem.what(), "error: "))
      abort();
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  const std::string bytes = seed_file().substr(0, seed_file().size() - 8);
  if (number % 64 == 0 && bytes.size() <= most) {
    std::memcpy(data, bytes.data(), bytes.size());
    size = bytes.size();
  }
  size = LLVMFuzzerMutate(data, size, most);
  /* Without its label a file is not read at all. */
  if (size >= label.size() && data[0] == 'P' && number % 4)
    std::memcpy(data + size - label.size(), label.data(), label.size());
  return size;
}
