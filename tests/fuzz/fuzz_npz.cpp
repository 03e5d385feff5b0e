/* Any bytes as an archive: read to the end, loaded as weights, bound as data. libFuzzer finds what crashes,
 * hangs or takes too much memory; every refusal must be a message.
 *
 *   fuzz_npz -max_len=8192 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstdlib>
#include <cstring>
#include <string>

#include "../runtime_program/double_model.h"
#include "memory_file.h"
#include "seeds.h"
#include "../runtime_program/pickles.h"
#include "runtime/core/npz.h"
#include "runtime/core/weights.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/data/inflate.h"

namespace {

using namespace hornfels;
using namespace hornfels_tests;

void require_message(const file_error &error) {
  if (error.kind == file_error::none || error.text.empty())
    abort();
}

void read_arrays(const std::string &path) {
  npz_reader archive;
  file_error error;
  if (!archive.open(path, error))
    return require_message(error);
  for (const npz_member &member : archive.members()) {
    npz_array array;
    npy_header header;
    if (!array.open(archive, member, header, error)) {
      require_message(error);
      continue;
    }
    char bytes[4096];
    for (uint64_t left = header.data_bytes; left > 0;) {
      const size_t now = left < sizeof bytes ? static_cast<size_t>(left) : sizeof bytes;
      if (!array.read(bytes, now, error)) {
        require_message(error);
        break;
      }
      left -= now;
    }
  }
}

void load(const std::string &path) {
  static void *handle = nullptr;
  if (!handle)
    prices_model.create(&handle, 1);
  char text[1024];
  const int32_t status = hornfels_load_weights(&prices_model, handle, path.c_str(), text, sizeof text);
  if ((status == HORNFELS_OK) != (text[0] == '\0'))
    abort();
}

void bind_data(const hornfels_model &model, const std::string &path) {
  try {
    const data_file file(path);
    bind(model, file, {"_train"}, true);
  } catch (const failure &problem) {
    if (!std::strstr(problem.what(), "error: "))
      abort();
  }
}

/* Where mutation begins: archives that are right. */
std::string seed(unsigned number) {
  const std::string y = npy<int32_t>({1, 0}), ids = npy<uint16_t>({4, 4, 9, 1}),
                    offsets = npy<int64_t>({0, 3, 4});
  const bool packed = number % 2;
  switch (number / 2 % 6) {
  case 0:
    return zip(
        {{"x_train_values.npy", ids, packed}, {"x_train_offsets.npy", offsets, packed}, {"y_train.npy", y}});
  case 1:
    return zip({{"x_train.npy", npy<double>({2, 13}, std::vector<double>(26, 0.5)), packed},
                {"y_train.npy", y, packed}});
  case 2:
    return zip({{"x_train.npy", npy_of_objects(2, pickle_of({{5, 3, 300}, {7}})), packed}, {"y_train.npy", y}});
  case 3:
    return zip({{"dense/kernel.npy", npy<float>({13, 1}, std::vector<float>(13)), packed},
                {"dense/bias.npy", npy<float>({1}), packed}});
  case 4: {
    const std::string header =
        "{\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[13,1],\"data_offsets\":[0,52]},"
        "\"dense/bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[52,56]},\"__metadata__\":{\"a\":\"\\u0041\"}}";
    return little(header.size(), 8) + header + std::string(56, '\0');
  }
  default:
    return npy<float>({2, 13}, std::vector<float>(26));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const memory_file file;
  set_inflater(make_inflater);
  file.set(data, size);
  read_arrays(file.path);
  load(file.path);
  for (const hornfels_model *model :
       {&words_model, &topics_model, &notes_model, &prices_model, &digits_model})
    bind_data(*model, file.path);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  return mutate_from_seeds(data, size, most, number, 22, seed);
}
