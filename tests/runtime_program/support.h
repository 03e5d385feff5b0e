/* What the tests share: a folder of their own, arrays and archives byte by byte, and programs run as
 * processes. */
#ifndef HORNFELS_TESTS_SUPPORT_H
#define HORNFELS_TESTS_SUPPORT_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/npy.h"

namespace hornfels_tests {

/* A folder that is removed, with what is in it, at the end of the scope. */
class scratch_folder {
public:
  scratch_folder();
  ~scratch_folder();
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  const std::string &str() const { return path; }
  /* Names of what is in it, sorted. */
  std::vector<std::string> names() const;

private:
  std::string path;
};

void write_file(const std::string &path, const std::string &bytes);
std::string read_file(const std::string &path);

/* A .npy of `values`, with the type of T or with another header. */
std::string npy_with_header(const std::string &dictionary, const std::string &data, int version = 1);
template <class T> std::string npy(const std::vector<int64_t> &shape, const std::vector<T> &values) {
  const char kind = std::is_floating_point<T>::value ? 'f' : std::is_signed<T>::value ? 'i' : 'u';
  return hornfels::npy_header_bytes(kind, sizeof(T), shape.data(), shape.size()) +
         std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}
template <class T> std::string npy(const std::vector<T> &values) {
  return npy<T>({static_cast<int64_t>(values.size())}, values);
}

/* A member, and the lies that its headers may tell: -1 stands for the truth. */
struct member {
  std::string name, data = "";
  bool deflate = false;
  int64_t size = -1, packed = -1, method = -1, checksum = -1, offset = -1;
  unsigned flags = 0;
  std::string local_name = "\1"; /* "\1": the name */
  std::string extra = "";        /* of the directory's entry */
};

struct archive_end {
  int64_t count = -1, bytes = -1, offset = -1;
  std::string comment = "";
};

/* A zip archive of these members. */
std::string zip(const std::vector<member> &members, const archive_end &end = {});

/* Little-endian. */
std::string little(uint64_t value, int bytes);

/* What a program did. */
struct outcome {
  int code = -1; /* exit code, or 128 + signal when it was killed, or -1 when it took too long */
  std::string out, err;
};

struct process {
  std::vector<std::string> arguments;   /* the program first */
  std::vector<std::string> environment; /* "NAME=VALUE" beside PATH; "NAME" alone: not set */
  std::string folder;                   /* working directory */
  std::string out_path;                 /* where standard output goes instead; "-": closed */
  bool close_err = false, terminal = false;
  double limit = 20;        /* seconds */
  double signal_after = -1; /* seconds; then `signal` is sent */
  int signal = 0, second_signal = 0; /* the second one at once; another one, or the two become one */
};

outcome run(const process &what);

/* The folder that HORNFELS_DATA names, or nothing. */
std::string real_data();

} // namespace hornfels_tests

#endif
