/* Pickles of arrays of lists, as NumPy writes them: whole ones from Python, and ones built piece by piece. */
#ifndef HORNFELS_TESTS_PICKLES_H
#define HORNFELS_TESTS_PICKLES_H

#include <string>
#include <vector>

#include "support.h"

namespace hornfels_tests {

template <size_t N> std::string bytes_of(const char (&text)[N]) { return std::string(text, N - 1); }

/* [[1, 14, 300], [], [70000, 5]] as Python 3 writes it in protocols 2 to 5. */
inline std::vector<std::string> pickles_of_python_3() {
  const std::string protocol_2 = bytes_of(
      "\x80\x02"
      "cnumpy.core.multiarray\n_reconstruct\nq\x00"
      "cnumpy\nndarray\nq\x01K\x00\x85q\x02"
      "c_codecs\nencode\n"
      "q\x03X\x01\x00\x00\x00"
      "bq\x04X\x06\x00\x00\x00latin1q\x05\x86q\x06Rq\x07\x87q\x08Rq\x09(K\x01K\x03\x85q\x0a"
      "cnumpy\ndtype\nq\x0bX\x02\x00\x00\x00O8q\x0c\x89\x88\x87q\x0dRq\x0e(K\x03X\x01\x00\x00\x00|q\x0fNNN"
      "J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftq\x10"
      "b\x89]q\x11(]q\x12(K\x01K\x0eM,\x01"
      "e]q\x13]q\x14(Jp\x11\x01\x00"
      "K\x05"
      "eetq\x15"
      "b.");
  const std::string protocol_3 =
      bytes_of("\x80\x03"
               "cnumpy.core.multiarray\n_reconstruct\nq\x00"
               "cnumpy\nndarray\nq\x01K\x00\x85q\x02"
               "C\x01"
               "bq\x03\x87"
               "q\x04Rq\x05(K\x01K\x03\x85q\x06"
               "cnumpy\ndtype\nq\x07X\x02\x00\x00\x00O8q\x08\x89\x88\x87q\x09Rq\x0a("
               "K\x03X\x01\x00\x00\x00|q\x0bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftq\x0c"
               "b\x89]q\x0d(]q\x0e(K\x01K\x0eM,\x01"
               "e]q\x0f]q\x10(Jp\x11\x01\x00K\x05"
               "eetq\x11"
               "b.");
  const std::string body = bytes_of("\x95\xa1\x00\x00\x00\x00\x00\x00\x00\x8c\x15numpy.core."
                                    "multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05"
                                    "numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94"
                                    "C\x01"
                                    "b\x94\x87\x94R\x94(K\x01K\x03\x85\x94h\x03\x8c\x05"
                                    "dtype\x94\x93\x94\x8c\x02O8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|"
                                    "\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3f"
                                    "t\x94"
                                    "b\x89]\x94(]\x94(K\x01K\x0eM,\x01"
                                    "e]\x94]\x94(Jp\x11\x01\x00K\x05"
                                    "eet\x94"
                                    "b.");
  return {protocol_2, protocol_3, "\x80\x04" + body, "\x80\x05" + body};
}

/* What stands before and after the lists in Python 2's pickles of protocol 2. */
inline std::string pickle_head(int64_t rows) {
  return bytes_of("\x80\x02"
                  "cnumpy.core.multiarray\n_reconstruct\nq\x01"
                  "cnumpy\nndarray\nq\x02K\x00\x85U\x01"
                  "b\x87Rq\x03"
                  "(K\x01J") +
         little(static_cast<uint64_t>(rows), 4) +
         bytes_of("\x85"
                  "cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87Rq\x05(K\x03U\x01|"
                  "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3f"
                  "tb\x89]q\x06(");
}
inline std::string pickle_tail() { return "etb."; }

/* A list, in batches of 1000. */
inline std::string pickle_list(const std::vector<int64_t> &numbers) {
  std::string text = "]r" + little(7, 4);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint64_t number = static_cast<uint64_t>(numbers[i]);
    if (i % 1000 == 0)
      text += "(";
    text += number < 256     ? "K" + little(number, 1)
            : number < 65536 ? "M" + little(number, 2)
                             : "J" + little(number, 4);
    if (i % 1000 == 999 || i + 1 == numbers.size())
      text += "e";
  }
  return text;
}

inline std::string pickle_of(const std::vector<std::vector<int64_t>> &rows) {
  std::string text = pickle_head(static_cast<int64_t>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i)
    text += pickle_list(rows[i]) + (i % 1000 == 999 && i + 1 < rows.size() ? "e(" : "");
  return text + pickle_tail();
}

/* The .npy around a pickle. */
inline std::string npy_of_objects(int64_t rows, const std::string &pickle) {
  return npy_with_header(
      "{'descr': '|O', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ",), }\n", pickle);
}

} // namespace hornfels_tests

#endif
