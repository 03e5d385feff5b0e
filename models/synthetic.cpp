// hornfels-synthetic: a made-up data set in the form of a real one, for machines that have no data.
//
//   hornfels-synthetic imdb|reuters FILE.npz
//
// Every document is a bag of words. A word is drawn from one distribution for all classes (word r with a
// probability proportional to 1 / (r + 10)), or, with a small probability, from the 60 words that its class
// prefers; a few labels are wrong. A bag-of-words classifier can learn most of it, and not all.
#include "runtime/core/npz.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

struct Form {
  const char *name;
  int classes;
  long train_rows, test_rows;
  int shortest, longest; // words in a document
  double own_words;      // probability that a word is one that the class prefers
  double wrong_labels;
};

constexpr Form forms[] = {
    {"imdb", 2, 25000, 25000, 60, 400, 0.03, 0.08},
    {"reuters", 46, 8982, 2246, 30, 220, 0.12, 0.12},
};

constexpr int vocabulary = 10000; // ids 0 (padding) to 9999; 1 starts a document, 2 is an unknown word
constexpr int first_word = 4;
constexpr int preferred = 60;

class Generator {
public:
  Generator(const Form &form, uint64_t seed) : form(form), random(seed) {
    double sum = 0;
    for (int word = first_word; word < vocabulary; ++word)
      cumulative.push_back(sum += 1.0 / (word - first_word + 10));
  }

  struct Part {
    std::vector<uint16_t> values;
    std::vector<int64_t> offsets{0};
    std::vector<int32_t> labels;
  };

  Part make(long rows) {
    Part part;
    for (long row = 0; row < rows; ++row) {
      int label = below(form.classes);
      part.values.push_back(1);
      for (int left = form.shortest + below(form.longest - form.shortest); left > 0; --left)
        part.values.push_back(
            static_cast<uint16_t>(uniform() < form.own_words ? own_word(label) : common_word()));
      part.offsets.push_back(static_cast<int64_t>(part.values.size()));
      part.labels.push_back(uniform() < form.wrong_labels ? below(form.classes) : label);
    }
    return part;
  }

private:
  /// In [0, 1). Not std::uniform_real_distribution: its numbers differ between standard libraries.
  double uniform() { return static_cast<double>(random() >> 11) * 0x1p-53; }
  int below(int n) { return static_cast<int>(uniform() * n); }

  int common_word() {
    double target = uniform() * cumulative.back();
    size_t low = 0, high = cumulative.size() - 1;
    while (low < high) {
      size_t middle = (low + high) / 2;
      (cumulative[middle] > target ? high : low) = cumulative[middle] > target ? middle : middle + 1;
    }
    return first_word + static_cast<int>(low);
  }
  /// The words that class c prefers are spread over the vocabulary: c * 60 .. c * 60 + 59, times 13.
  int own_word(int label) {
    return first_word + 13 * (label * preferred + below(preferred)) % (vocabulary - first_word);
  }

  const Form &form;
  std::mt19937_64 random;
  std::vector<double> cumulative;
};

template <class T>
bool write_array(hornfels::npz_writer &writer, const std::string &name, char kind, const std::vector<T> &data,
                 hornfels::file_error &error) {
  int64_t shape[] = {static_cast<int64_t>(data.size())};
  return writer.begin(name, kind, sizeof(T), shape, 1, error) &&
         writer.write(data.data(), data.size() * sizeof(T), error) && writer.end(error);
}

bool write_part(hornfels::npz_writer &writer, const std::string &which, const Generator::Part &part,
                hornfels::file_error &error) {
  return write_array(writer, "x_" + which + "_values", 'u', part.values, error) &&
         write_array(writer, "x_" + which + "_offsets", 'i', part.offsets, error) &&
         write_array(writer, "y_" + which, 'i', part.labels, error);
}

} // namespace

int main(int argc, char **argv) {
  const Form *form = nullptr;
  if (argc == 3)
    for (const Form &known : forms)
      if (std::strcmp(argv[1], known.name) == 0)
        form = &known;
  if (!form) {
    std::fprintf(stderr, "usage: hornfels-synthetic imdb|reuters FILE.npz\n");
    return 2;
  }
  Generator generator(*form, 20177);
  hornfels::npz_writer writer;
  hornfels::file_error error;
  bool written = writer.open(argv[2], error) &&
                 write_part(writer, "train", generator.make(form->train_rows), error) &&
                 write_part(writer, "test", generator.make(form->test_rows), error) && writer.commit(error);
  if (!written) {
    std::fprintf(stderr, "hornfels-synthetic: error: %s\n", error.text.c_str());
    return 3;
  }
  return 0;
}
