// hornfels-baseline: how often labels agree with a random permutation of themselves.
//
//   hornfels-baseline FILE.npz
//
// Of the labels in y_test, else y: the mean over permutations is sum over classes of (share of the class)^2, and one
// permutation as the book makes it. Prints "one" and "mean" with their values.
#include "runtime/core/npz.h"
#include "runtime/program/data/inflate.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace {

using namespace hornfels;

bool readLabels(const char *path, std::vector<long> &labels, file_error &error) {
  set_inflater(make_inflater);
  npz_reader archive;
  if (!archive.open(path, error))
    return false;
  const npz_member *member = archive.find("y_test");
  if (!member)
    member = archive.find("y");
  npz_array array;
  npy_header header;
  if (!member) {
    error.text = std::string(path) + ": error: has neither y_test nor y";
    return false;
  }
  if (!array.open(archive, *member, header, error))
    return false;
  if (header.kind == 'f' || header.kind == 'O' || header.elements < 1) {
    error.text = archive.place(*member) + ": error: is " + header.text() + ", expected class numbers";
    return false;
  }
  std::vector<unsigned char> bytes(header.data_bytes);
  if (!array.read(bytes.data(), bytes.size(), error))
    return false;
  for (size_t at = 0; at < bytes.size(); at += header.width) {
    long label = 0;
    std::memcpy(&label, bytes.data() + at, header.width); // class numbers are not negative
    labels.push_back(label);
  }
  return true;
}

} // namespace

int main(int count, char **arguments) {
  std::vector<long> labels;
  file_error error;
  if (count != 2 || !readLabels(arguments[1], labels, error)) {
    std::fprintf(stderr, "%s\n", count != 2 ? "hornfels-baseline FILE.npz" : error.text.c_str());
    return count != 2 ? 2 : 1;
  }
  std::map<long, double> classes;
  for (long label : labels)
    ++classes[label];
  const double all = static_cast<double>(labels.size());
  double mean = 0, same = 0;
  for (const auto &one : classes)
    mean += (one.second / all) * (one.second / all);
  std::vector<long> shuffled = labels;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(1));
  for (size_t i = 0; i < labels.size(); ++i)
    same += labels[i] == shuffled[i] ? 1 : 0;
  std::printf("one %.4f\nmean %.4f\n", same / all, mean);
}
