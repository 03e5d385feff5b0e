// `data`: a public data set, in the cache.
#include "frontend/driver/Cache.h"
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Files.h"
#include "frontend/driver/Process.h"
#include "frontend/driver/Sha256.h"
#include "frontend/horn/Diagnostics.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hornfels::driver {

using frontend::nearest;
using frontend::printable;

namespace {

const std::string publicHome = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/";

/// A file of the public home. The sizes and hashes are those that Keras checks, or of files with its MD5.
struct DataSet {
  std::string name, file;
  long bytes;
  std::string sha256;
};

const std::vector<DataSet> &dataSets() {
  static const std::vector<DataSet> sets = {
      {"imdb", "imdb.npz", 17464789, "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"},
      {"reuters", "reuters.npz", 2110848, "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"},
      {"boston", "boston_housing.npz", 57026,
       "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"},
      {"mnist", "mnist.npz", 11490434, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
      {"imdb_word_index", "imdb_word_index.json", 1641221,
       "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6"},
      {"reuters_word_index", "reuters_word_index.json", 550378,
       "9b56000edc4b34a32e89fd5a23b2605594682c74efcf7d8f4e2a5514b771e633"}};
  return sets;
}

const DataSet &findSet(const std::string &name) {
  std::vector<std::string> names;
  for (const DataSet &set : dataSets()) {
    if (set.name == name)
      return set;
    names.push_back(set.name);
  }
  std::string near = nearest(name, names);
  throw Failure{WrongCommandLine, fmt::format("no data set `{}`{}; there are {}", printable(name),
                                              near.empty() ? "" : fmt::format("; did you mean `{}`?", near),
                                              fmt::join(names, ", "))};
}

/// A file that is open, and closed again.
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
};

[[noreturn]] void systemFailure(const std::string &path) {
  throw Failure{SystemFailed, fmt::format("{}: {}", printable(path), errorText(errno))};
}

/// Opens a regular file; a FIFO or a device is refused at once.
Descriptor openRegular(const std::string &path, off_t &size) {
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status;
  if (file.number < 0 || fstat(file.number, &status) != 0)
    systemFailure(path);
  if (!S_ISREG(status.st_mode))
    throw Failure{SystemFailed, printable(path) + ": is not a regular file"};
  size = status.st_size;
  return file;
}

/// Reads a file in pieces: take(bytes, count).
template <class Take> void readPieces(const Descriptor &file, const std::string &path, Take take) {
  std::vector<char> bytes(1 << 16);
  for (;;) {
    ssize_t count = ::read(file.number, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      systemFailure(path);
    if (count == 0)
      return;
    take(bytes.data(), static_cast<size_t>(count));
  }
}

/// What makes a file another one than the set's; empty: it is the set's.
std::string difference(const std::string &path, const DataSet &set) {
  off_t size = 0;
  Descriptor file = openRegular(path, size);
  if (size != set.bytes)
    return fmt::format("has {} bytes, {} has {}", static_cast<long>(size), set.file, set.bytes);
  Sha256 hash;
  readPieces(file, path, [&](const char *bytes, size_t count) { hash.add(bytes, count); });
  std::string found = hash.finish();
  return found == set.sha256 ? ""
                             : fmt::format("its sha256 is {}, that of {} is {}", found, set.file, set.sha256);
}

void copyFile(const std::string &from, const std::string &to, const DataSet &set) {
  off_t size = 0;
  Descriptor source = openRegular(from, size);
  if (size != set.bytes)
    throw Failure{WrongInput, fmt::format("{}: has {} bytes, {} has {}; it was not taken", printable(from),
                                          static_cast<long>(size), set.file, set.bytes)};
  Descriptor target{open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (target.number < 0)
    systemFailure(to);
  readPieces(source, from, [&](const char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
      ssize_t written = ::write(target.number, bytes + done, count - done);
      if (written < 0 && errno != EINTR)
        systemFailure(to);
      done += written > 0 ? static_cast<size_t>(written) : 0;
    }
  });
}

/// Has curl write at most the set's bytes: the server's word for the size is not enough.
void download(const std::string &url, const std::string &to, const DataSet &set, const std::string &folder) {
  const long blocks = set.bytes / 512 + 1;
  std::vector<std::string> curl = {"curl",
                                   "--fail",
                                   "--location",
                                   "--silent",
                                   "--show-error",
                                   "--globoff",
                                   "--proto",
                                   "=http,https",
                                   "--proto-redir",
                                   "=http,https",
                                   "--max-redirs",
                                   "5",
                                   "--connect-timeout",
                                   "20",
                                   "--speed-limit",
                                   "1000",
                                   "--speed-time",
                                   "30",
                                   "--max-filesize",
                                   std::to_string(set.bytes),
                                   "--output",
                                   to,
                                   "--url",
                                   url};
  std::vector<std::string> command = {"/bin/sh", "-c", fmt::format("ulimit -f {} && exec \"$@\"", blocks),
                                      "sh"};
  command.insert(command.end(), curl.begin(), curl.end());
  ProcessResult result = runProcess(command, folder);
  if (result.succeeded())
    return;
  std::string said = result.output;
  while (!said.empty() && said.back() == '\n')
    said.pop_back();
  const std::string instead = fmt::format("without a network: fetch {}{} elsewhere and give it by "
                                          "`hornfels data {} --from FILE`",
                                          publicHome, set.file, set.name);
  constexpr int notFound = 127, tooLarge = 63, writeError = 23, sizeSignal = 128 + SIGXFSZ;
  if (result.exitCode == notFound)
    throw Failure{SystemFailed, "no `curl` in PATH: install it, or, " + instead};
  if (result.exitCode == tooLarge || result.exitCode == writeError || result.exitCode == sizeSignal)
    throw Failure{WrongInput,
                  fmt::format("{}: has more than the {} bytes of {}, or they could not be written: {}",
                              printable(url), set.bytes, set.file, printable(said))};
  throw Failure{SystemFailed,
                fmt::format("{}: {}\n{}\n{}", printable(url),
                            said.empty() ? fmt::format("curl ended with {}", result.exitCode) : said,
                            commandText(curl), instead)};
}

bool beginsWith(const std::string &text, const std::string &beginning) {
  return text.rfind(beginning, 0) == 0;
}

bool isFolder(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// A place of `--from` with the file's name, where it does not end in a file's name already.
std::string fileAt(std::string place, const DataSet &set, bool folder) {
  const size_t slash = place.rfind('/');
  const std::string last = slash == std::string::npos ? place : place.substr(slash + 1);
  const bool named = last.size() > 4 && (last.ends_with(".npz") || last.ends_with(".json"));
  if (!folder && named)
    return place;
  return place + (place.ends_with('/') ? "" : "/") + set.file;
}

bool isWeb(const std::string &place) { return beginsWith(place, "http://") || beginsWith(place, "https://"); }

/// The file that `--from` means, as a URL of the web or a path.
std::string placeOf(const std::string &from, const DataSet &set) {
  if (isWeb(from))
    return fileAt(from, set, false);
  const size_t scheme = from.find("://");
  if (scheme != std::string::npos && !beginsWith(from, "file://"))
    throw Failure{WrongCommandLine, fmt::format("option `--from`: `{}`: http, https and file are known",
                                                printable(from.substr(0, scheme + 3)))};
  std::string path = scheme == std::string::npos ? from : from.substr(scheme + 3);
  return isFolder(path) ? fileAt(path, set, true) : path;
}

} // namespace

int runData(const CommandLine &line) {
  const DataSet &set = findSet(line.operands[0]);
  const std::string folder = cacheFolder() + "/data";
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    systemFailure(folder);
  const std::string kept = folder + "/" + set.file, place = placeOf(line.get("from", publicHome), set);
  if (access(kept.c_str(), F_OK) == 0) {
    const std::string why = difference(kept, set);
    if (why.empty()) {
      printOut(kept + "\n");
      return Done;
    }
    printError(fmt::format("hornfels: warning: {}: {}; it is fetched again\n", printable(kept), why));
  }
  TemporaryFolder temporary = TemporaryFolder::makeIn(folder);
  const std::string fetched = temporary.path() + "/" + set.file;
  if (isWeb(place))
    download(place, fetched, set, temporary.path());
  else
    copyFile(place, fetched, set);
  const std::string why = difference(fetched, set);
  if (!why.empty())
    throw Failure{WrongInput, fmt::format("{}: {}; it was not kept", printable(place), why)};
  if (rename(fetched.c_str(), kept.c_str()) != 0)
    systemFailure(kept);
  printOut(kept + "\n");
  return Done;
}

} // namespace hornfels::driver
