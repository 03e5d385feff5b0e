/* Any bytes as a word index, and as the text whose words are looked for in it. What is found is a rank.
 *
 *   fuzz_words -max_len=4096 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstring>

#include "memory_file.h"
#include "runtime/program/failure.h"
#include "runtime/program/data/word_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const hornfels_tests::memory_file file;
  file.set(data, size);
  std::vector<std::string> words = hornfels::words_of(std::string(reinterpret_cast<const char *>(data), size));
  words.push_back("the");
  try {
    for (const int32_t rank : hornfels::ranks_of(file.path, words))
      if (rank < 0)
        abort();
  } catch (const hornfels::failure &problem) {
    if (!std::strstr(problem.what(), "error: "))
      abort();
  }
  return 0;
}

/* Beside what the bytes become by themselves: an index that is right. */
extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  static const char index[] = R"({"the": 1, "caf\u00e9": 40, "\ud83d\ude00": 7, "a b": 2147483646})";
  if ((size < 2 || number % 64 == 0) && sizeof index - 1 <= most) {
    size = sizeof index - 1;
    std::memcpy(data, index, size);
  }
  return LLVMFuzzerMutate(data, size, most);
}
