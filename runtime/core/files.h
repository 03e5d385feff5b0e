/* Files: regular ones for reading, and ones that are replaced as a whole. No exceptions: functions return false and
 * say why in a file_error. */
#ifndef HORNFELS_FILES_H
#define HORNFELS_FILES_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace hornfels {

/* Why a file could not be read or written. `wrong` is the content's fault, `system` the machine's. */
struct file_error {
  enum kind_type { none, wrong, system };
  kind_type kind = none;
  std::string text;

  /* Remembers the error; returns false, so that `return error.set(...)` reads as failure. */
  bool set(kind_type what, std::string message) {
    kind = what;
    text = static_cast<std::string &&>(message);
    return false;
  }
};

/* A regular file, open for reading. A directory, FIFO, socket or device is refused at once, without waiting. */
class input_file {
public:
  input_file() = default;
  ~input_file();
  input_file(const input_file &) = delete;
  input_file &operator=(const input_file &) = delete;

  bool open(const std::string &path, file_error &error);
  /* The path as it stands in messages. */
  const std::string &name() const { return shown; }
  /* The size when it was opened. */
  uint64_t size() const { return bytes; }
  /* Reads all `count` bytes from `offset`; less is an error that names the offset where the file ends. */
  bool read(uint64_t offset, void *data, size_t count, file_error &error) const;
  /* Fails when the file's size or time of change is no longer what it was when it was opened. */
  bool unchanged(file_error &error) const;
  /* `kind` error at a place: "name@0xOFFSET: error: message". */
  bool fail(uint64_t offset, const std::string &message, file_error &error) const;

private:
  int descriptor = -1;
  uint64_t bytes = 0;
  int64_t changed_seconds = 0, changed_nanoseconds = 0;
  std::string shown;
};

/* A file that takes its name only when it is whole: what is written goes to a temporary file in the same directory,
 * and commit() puts it in place (fsync, rename, fsync of the directory). Without commit nothing is left. A temporary
 * that a killed process left is taken over; one that a living process writes is an error. Links are followed; what
 * exists and is not a regular file is refused. */
class output_file {
public:
  output_file() = default;
  ~output_file();
  output_file(const output_file &) = delete;
  output_file &operator=(const output_file &) = delete;

  bool open(const std::string &path, file_error &error);
  bool write(const void *data, size_t count, file_error &error);
  /* Writes over `count` bytes at `offset`, which have been written before. */
  bool write_at(uint64_t offset, const void *data, size_t count, file_error &error);
  uint64_t position() const { return written; }
  /* Takes back what was written from `position` on. */
  bool truncate(uint64_t position, file_error &error);
  /* The checksum (crc32.h) of all that has been written. */
  bool checksum(uint32_t &sum, file_error &error);
  /* Puts it in place. What had the name before gets the name `keep`, in the same directory, if that is not empty: of
   * both names one at least is a whole file at any moment. */
  bool commit(file_error &error, const std::string &keep = "");

private:
  bool fail(const char *what, file_error &error);
  bool open_temporary(file_error &error);
  void discard();

  int descriptor = -1;
  uint64_t written = 0;
  std::string shown, target, temporary, directory;
};

/* Whether `path` could be written as an output_file, tried out without changing it. */
bool check_output(const std::string &path, file_error &error);

/* Whether both paths exist and are the same file. */
bool same_file(const std::string &a, const std::string &b);

} // namespace hornfels

#endif
