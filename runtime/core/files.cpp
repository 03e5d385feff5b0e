#include "files.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "text.h"

namespace hornfels {

namespace {

constexpr size_t largest_transfer = size_t{1} << 30;

const char *kind_of_file(mode_t mode) {
  if (S_ISDIR(mode))
    return "is a directory";
  return "is not a regular file";
}

} // namespace

input_file::~input_file() {
  if (descriptor >= 0)
    close(descriptor);
}

bool input_file::open(const std::string &path, file_error &error) {
  shown = quoted(path);
  if (path.find('\0') != std::string::npos)
    return error.set(file_error::system, shown + ": error: a path cannot hold a NUL byte");
  /* O_NONBLOCK: opening a FIFO that nobody writes would wait for ever. */
  descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    return error.set(file_error::system, shown + ": error: " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return error.set(file_error::system, shown + ": error: " + kind_of_file(status.st_mode));
  bytes = static_cast<uint64_t>(status.st_size);
  changed_seconds = status.st_mtim.tv_sec;
  changed_nanoseconds = status.st_mtim.tv_nsec;
  return true;
}

bool input_file::read(uint64_t offset, void *data, size_t count, file_error &error) const {
  char *to = static_cast<char *>(data);
  while (count > 0) {
    const ssize_t got = pread(descriptor, to, count < largest_transfer ? count : largest_transfer,
                              static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error.set(file_error::system, shown + ": error: " + std::strerror(errno));
    if (got == 0)
      return fail(offset, format("the file ends here, %zu more bytes were expected", count), error);
    to += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<size_t>(got);
  }
  return true;
}

bool input_file::unchanged(file_error &error) const {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return error.set(file_error::system, shown + ": error: " + std::strerror(errno));
  if (static_cast<uint64_t>(status.st_size) == bytes && status.st_mtim.tv_sec == changed_seconds &&
      status.st_mtim.tv_nsec == changed_nanoseconds)
    return true;
  return error.set(file_error::system, shown + ": error: the file changed while it was read");
}

bool input_file::fail(uint64_t offset, const std::string &message, file_error &error) const {
  return error.set(file_error::wrong, shown + format("@0x%llx: error: ", static_cast<unsigned long long>(offset)) +
                                          message);
}

output_file::~output_file() { discard(); }

void output_file::discard() {
  if (descriptor < 0)
    return;
  unlink(temporary.c_str());
  close(descriptor);
  descriptor = -1;
}

bool output_file::fail(const char *what, file_error &error) {
  const int number = errno;
  return error.set(file_error::system, shown + ": error: " + what + ": " + std::strerror(number));
}

bool output_file::open(const std::string &path, file_error &error) {
  discard();
  shown = quoted(path);
  written = 0;
  if (path.empty() || path.find('\0') != std::string::npos)
    return error.set(file_error::system, shown + ": error: not a file name");
  /* Behind a link, the file that it names is replaced, not the link. */
  char resolved[PATH_MAX];
  struct stat status;
  target = path;
  if (realpath(path.c_str(), resolved))
    target = resolved;
  else if (lstat(path.c_str(), &status) == 0)
    return fail("cannot be followed", error);
  const bool exists = stat(target.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode))
    return error.set(file_error::system, shown + ": error: " + kind_of_file(status.st_mode));
  const size_t slash = target.rfind('/');
  directory = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const std::string base = slash == std::string::npos ? target : target.substr(slash + 1);
  if (base.empty())
    return error.set(file_error::system, shown + ": error: is a directory");
  /* A name of fixed length (the target's may fill all 255 bytes), the same at every try: FNV-1a of the name. */
  uint64_t hash = 14695981039346656037u;
  for (const char c : base)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  temporary = (slash == std::string::npos ? "" : directory) +
              format(".hornfels-%016llx.tmp", static_cast<unsigned long long>(hash));
  if (!open_temporary(error))
    return false;
  if (exists && fchmod(descriptor, status.st_mode & 07777) != 0)
    return fail("cannot be written", error);
  return true;
}

bool output_file::open_temporary(file_error &error) {
  for (int tries = 0; tries < 100; ++tries) {
    descriptor = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666);
    struct stat ours, there;
    if (descriptor < 0 || fstat(descriptor, &ours) != 0)
      return fail("cannot be written", error);
    if (!S_ISREG(ours.st_mode) || ours.st_nlink > 1 || ours.st_uid != geteuid()) {
      close(descriptor);
      descriptor = -1;
      return error.set(file_error::system, shown + ": error: " + quoted(temporary) + " is in the way");
    }
    /* File systems without locks cannot tell; they then have the usual "one wins". */
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(descriptor);
      descriptor = -1;
      return error.set(file_error::system, shown + ": error: another process is writing it");
    }
    /* Between open and lock its writer may have renamed or removed it: then it is no longer a temporary. */
    if (stat(temporary.c_str(), &there) == 0 && there.st_ino == ours.st_ino && there.st_dev == ours.st_dev) {
      if (ftruncate(descriptor, 0) == 0)
        return true;
      fail("cannot be written", error);
      discard();
      return false;
    }
    close(descriptor);
    descriptor = -1;
  }
  return error.set(file_error::system, shown + ": error: another process is writing it");
}

bool output_file::write(const void *data, size_t count, file_error &error) {
  if (!write_at(written, data, count, error))
    return false;
  written += count;
  return true;
}

bool output_file::write_at(uint64_t offset, const void *data, size_t count, file_error &error) {
  const char *from = static_cast<const char *>(data);
  while (count > 0) {
    const ssize_t put = pwrite(descriptor, from, count < largest_transfer ? count : largest_transfer,
                               static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return fail("cannot be written", error);
    from += put;
    offset += static_cast<uint64_t>(put);
    count -= static_cast<size_t>(put);
  }
  return true;
}

bool output_file::truncate(uint64_t position, file_error &error) {
  if (ftruncate(descriptor, static_cast<off_t>(position)) != 0)
    return fail("cannot be written", error);
  written = position;
  return true;
}

bool output_file::checksum(uint32_t &sum, file_error &error) {
  char bytes[65536];
  sum = 0;
  for (uint64_t at = 0; at < written;) {
    const ssize_t got = pread(descriptor, bytes, sizeof bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return fail("cannot be read back", error);
    sum = crc32(sum, bytes, static_cast<size_t>(got));
    at += static_cast<uint64_t>(got);
  }
  return true;
}

bool output_file::commit(file_error &error, const std::string &keep) {
  if (fsync(descriptor) != 0)
    return fail("cannot be written", error);
  if (!keep.empty() && rename(target.c_str(), keep.c_str()) != 0 && errno != ENOENT)
    return fail("the one before cannot be kept", error);
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return fail("cannot be put in place", error);
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder); /* some file systems have no such thing; the rename is done in any case */
    close(folder);
  }
  close(descriptor);
  descriptor = -1;
  return true;
}

bool check_output(const std::string &path, file_error &error) {
  output_file file;
  return file.open(path, error);
}

bool same_file(const std::string &a, const std::string &b) {
  struct stat first, second;
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

} // namespace hornfels
