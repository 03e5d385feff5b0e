#include "frontend/driver/Files.h"

#include "frontend/driver/Console.h"
#include "frontend/horn/Source.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;

namespace hornfels::driver {

using frontend::printable;

static constexpr std::string_view programMark = "\nmade by hornfels: it may replace this program\n";
static constexpr std::string_view pictureMark = "<!-- made by hornfels: it may replace this file -->\n";
static constexpr std::string_view textMark = "# made by hornfels: it may replace this file\n";
static constexpr const char *manifestName = ".hornfels";
static constexpr std::string_view manifestHead = "made by hornfels: it may replace these files\n";

[[noreturn]] static void failed(const std::string &path, int error) {
  throw Failure{SystemFailed, printable(path) + ": " + errorText(error)};
}

/// The gate for one change of the file system.
static std::unique_lock<std::mutex> gate() { return std::unique_lock<std::mutex>(cleanupGate()); }

std::string parentOf(const std::string &path) {
  size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
std::string nameOf(const std::string &path) {
  size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::optional<std::string> readSmallFile(const std::string &path) {
  frontend::FileText text = frontend::readRegularFile(path);
  return text.status == frontend::FileText::Status::Ok ? std::optional(text.text) : std::nullopt;
}

//===--------------------------------------------------------------------===//
// Temporary folders
//===--------------------------------------------------------------------===//

/// Needs the gate.
static void removeTree(const std::string &folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

/// A new folder in `parent`, or "" and errno. Needs the gate.
static std::string makeFolder(const std::string &parent) {
  std::string pattern = parent + "/.hornfels-XXXXXX";
  if (!mkdtemp(pattern.data()))
    return {};
  char resolved[PATH_MAX];
  return realpath(pattern.c_str(), resolved) ? resolved : pattern;
}

TemporaryFolder::TemporaryFolder(std::string path)
    : folder(path), removal(std::make_unique<Cleanup>([path] { removeTree(path); })) {}

TemporaryFolder::~TemporaryFolder() {
  if (!removal)
    return;
  auto lock = gate();
  removeTree(folder);
  removal.reset();
}

TemporaryFolder TemporaryFolder::makeIn(const std::string &parent) {
  auto lock = gate();
  std::string path = makeFolder(parent);
  if (path.empty())
    failed(parent, errno);
  return TemporaryFolder(path);
}

TemporaryFolder TemporaryFolder::make() {
  auto lock = gate();
  const char *wanted = getenv("TMPDIR");
  std::string path = wanted && *wanted ? makeFolder(wanted) : std::string();
  if (path.empty())
    path = makeFolder("/tmp");
  if (path.empty())
    failed("/tmp", errno);
  return TemporaryFolder(path);
}

//===--------------------------------------------------------------------===//
// Writing files
//===--------------------------------------------------------------------===//

static void writeFile(const std::string &path, std::string_view text, mode_t mode = 0666) {
  auto lock = gate();
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0)
    failed(path, errno);
  int error = 0;
  while (!text.empty() && !error) {
    ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
  // Some file systems find out that they are full only now.
  if (close(fd) != 0 && !error)
    error = errno;
  if (error)
    failed(path, error);
}

void writeFiles(const std::string &folder, const std::vector<GeneratedFile> &files) {
  for (const GeneratedFile &file : files) {
    fs::path relative(file.path);
    if (relative.empty() || relative.is_absolute() ||
        std::any_of(relative.begin(), relative.end(), [](const fs::path &part) { return part == ".."; }))
      throw Failure{SystemFailed, "internal error: generated path " + printable(file.path)};
    std::error_code error;
    {
      auto lock = gate();
      fs::create_directories(fs::path(folder) / relative.parent_path(), error);
    }
    if (error)
      failed(folder + "/" + relative.parent_path().string(), error.value());
    writeFile(folder + "/" + file.path, file.text);
  }
}

void markProgram(const std::string &path) {
  auto lock = gate();
  int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0)
    failed(path, errno);
  ssize_t written = write(fd, programMark.data(), programMark.size());
  int error = written < 0 ? errno : written < static_cast<ssize_t>(programMark.size()) ? ENOSPC : 0;
  close(fd);
  if (error)
    failed(path, error);
}

//===--------------------------------------------------------------------===//
// What may be replaced
//===--------------------------------------------------------------------===//

static bool endsWithMark(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return false;
  std::string tail(programMark.size(), '\0');
  bool marked = lseek(fd, -static_cast<off_t>(tail.size()), SEEK_END) >= 0 &&
                read(fd, tail.data(), tail.size()) == static_cast<ssize_t>(tail.size()) &&
                tail == programMark;
  close(fd);
  return marked;
}

static bool isSameFile(const struct stat &a, const std::string &path) {
  struct stat b;
  return stat(path.c_str(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void checkParent(const std::string &output) {
  if (nameOf(output).empty() || nameOf(output) == "." || nameOf(output) == "..")
    throw Failure{WrongCommandLine, "output `" + printable(output) + "` is not a name"};
  std::string parent = parentOf(output);
  struct stat status;
  if (stat(parent.c_str(), &status) != 0)
    failed(parent, errno);
  if (!S_ISDIR(status.st_mode))
    failed(parent, ENOTDIR);
  if (access(parent.c_str(), W_OK | X_OK) != 0)
    failed(parent, errno);
}

[[noreturn]] static void refuse(const std::string &output, const std::string &why) {
  throw Failure{WrongCommandLine, printable(output) + " exists and " + why + "; --force replaces it"};
}

static bool beginsWith(std::string_view mark, const std::string &path) {
  std::string head(mark.size(), '\0');
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool marked = read(fd, head.data(), head.size()) == static_cast<ssize_t>(head.size()) && head == mark;
  close(fd);
  return marked;
}

static bool isOurPicture(const std::string &path) { return beginsWith(pictureMark, path); }
static bool isOurText(const std::string &path) { return beginsWith(textMark, path); }

/// A file that is to be written: it may be replaced when `isOurs` knows it.
static void checkFileOutput(const std::string &output, const std::string &input, bool force,
                            bool (*isOurs)(const std::string &)) {
  checkParent(output);
  struct stat status;
  if (lstat(output.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return;
    failed(output, errno);
  }
  if (isSameFile(status, input))
    throw Failure{SystemFailed, printable(output) + ": the output is the input itself; give another with -o"};
  if (S_ISDIR(status.st_mode))
    failed(output, EISDIR);
  if (!force && !(S_ISREG(status.st_mode) && isOurs(output)))
    refuse(output, "was not made by hornfels");
}

void checkProgramOutput(const std::string &output, const std::string &input, bool force) {
  checkFileOutput(output, input, force, endsWithMark);
}

void checkPictureOutput(const std::string &output, const std::string &input, bool force) {
  checkFileOutput(output, input, force, isOurPicture);
}

void checkTextOutput(const std::string &output, const std::string &input, bool force) {
  checkFileOutput(output, input, force, isOurText);
}

void checkProjectOutput(const std::string &output, const std::string &input, bool force) {
  checkParent(output);
  struct stat status;
  if (lstat(output.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return;
    failed(output, errno);
  }
  if (isSameFile(status, input))
    throw Failure{SystemFailed, printable(output) + ": the output is the input itself; give another with -o"};
  if (!S_ISDIR(status.st_mode))
    failed(output, ENOTDIR);
  struct stat inputStatus;
  if (stat(parentOf(input).c_str(), &inputStatus) == 0 && isSameFile(inputStatus, output))
    throw Failure{SystemFailed, printable(output) + ": the input lies there; give another folder with -o"};
  std::error_code error;
  bool isEmpty = fs::is_empty(output, error);
  if (error)
    failed(output, error.value());
  if (force || isEmpty)
    return;
  std::optional<std::string> manifest = readSmallFile(output + "/" + manifestName);
  if (!manifest || manifest->compare(0, manifestHead.size(), manifestHead) != 0)
    refuse(output, "was not written by hornfels");
}

//===--------------------------------------------------------------------===//
// Into place
//===--------------------------------------------------------------------===//

static void syncFile(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    failed(path, errno);
  int error = fsync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
  close(fd);
  if (error)
    failed(path, error);
}

/// Moves a file of ours to `output` in one step, with these permissions as far as the user's mask has them.
static void putInPlace(const std::string &staged, const std::string &output, mode_t mode) {
  syncFile(staged);
  auto lock = gate();
  mode_t mask = umask(0);
  umask(mask);
  if (chmod(staged.c_str(), mode & ~mask) != 0 || rename(staged.c_str(), output.c_str()) != 0)
    failed(output, errno);
}

void installProgram(const std::string &program, const std::string &output) {
  TemporaryFolder stage = TemporaryFolder::makeIn(parentOf(output));
  std::string staged = stage.path() + "/program";
  {
    auto lock = gate();
    std::error_code error;
    fs::copy_file(program, staged, error);
    if (error)
      failed(output, error.value());
  }
  putInPlace(staged, output, 0777);
}

void installPicture(const std::string &svg, const std::string &output) {
  TemporaryFolder stage = TemporaryFolder::makeIn(parentOf(output));
  writeFiles(stage.path(), {{"picture", std::string(pictureMark) + svg}});
  putInPlace(stage.path() + "/picture", output, 0666);
}

void installText(const std::string &text, const std::string &output) {
  TemporaryFolder stage = TemporaryFolder::makeIn(parentOf(output));
  // The empty line keeps the mark out of the first definition's documentation.
  writeFiles(stage.path(), {{"text", std::string(textMark) + "\n" + text}});
  putInPlace(stage.path() + "/text", output, 0666);
}

/// Holds the folder that projects are put into, so that two tools do not mix their files.
class FolderLock {
public:
  explicit FolderLock(const std::string &folder)
      : fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd < 0)
      failed(folder, errno);
    for (int attempt = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ++attempt) {
      if (errno != EWOULDBLOCK)
        return; // a file system without locks: the rename alone keeps the files of one tool together
      if (attempt == 100) {
        close(fd);
        throw Failure{SystemFailed, printable(folder) + ": another hornfels is writing there"};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  ~FolderLock() { close(fd); }

private:
  int fd;
};

/// The files that an earlier project left in `folder`, from its manifest.
static std::vector<std::string> ownFiles(const std::string &folder) {
  std::vector<std::string> names;
  std::optional<std::string> manifest = readSmallFile(folder + "/" + manifestName);
  if (!manifest || manifest->compare(0, manifestHead.size(), manifestHead) != 0)
    return names;
  std::istringstream lines(manifest->substr(manifestHead.size()));
  for (std::string line; std::getline(lines, line);)
    names.push_back(line);
  names.push_back(manifestName);
  return names;
}

/// Moves what is in `from` and not the earlier project's into `to`, unless there is a new file of that name.
static void moveForeignFiles(const std::string &from, const std::string &to) {
  std::vector<std::string> own = ownFiles(from);
  std::error_code error;
  std::vector<fs::path> foreign;
  for (fs::recursive_directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
    fs::path relative = it->path().lexically_relative(from);
    bool isFolder = it->is_directory(error) && !it->is_symlink(error);
    // A folder of its own moves as one; a folder that the new project has too is looked into.
    if (isFolder && fs::exists(fs::path(to) / relative, error))
      continue;
    if (std::find(own.begin(), own.end(), relative.string()) != own.end())
      continue;
    bool holdsOwn = isFolder && std::any_of(own.begin(), own.end(), [&](const std::string &name) {
                      return name.compare(0, relative.string().size() + 1, relative.string() + "/") == 0;
                    });
    if (holdsOwn)
      continue;
    foreign.push_back(relative);
    if (isFolder)
      it.disable_recursion_pending();
  }
  for (const fs::path &relative : foreign) {
    fs::path target = fs::path(to) / relative;
    if (fs::exists(fs::symlink_status(target, error)))
      continue;
    fs::create_directories(target.parent_path(), error);
    fs::rename(fs::path(from) / relative, target, error);
  }
}

static std::string manifestText(const std::vector<GeneratedFile> &files) {
  std::string text(manifestHead);
  for (const GeneratedFile &file : files)
    text += file.path + "\n";
  return text;
}

void installProject(const std::vector<GeneratedFile> &files, const std::string &output) {
  FolderLock folderLock(parentOf(output));
  TemporaryFolder stage = TemporaryFolder::makeIn(parentOf(output));
  std::string fresh = stage.path() + "/project";
  {
    auto lock = gate();
    if (mkdir(fresh.c_str(), 0777) != 0)
      failed(output, errno);
  }
  writeFiles(fresh, files);
  writeFiles(fresh, {{manifestName, manifestText(files)}});

  auto lock = gate();
  if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, output.c_str(), RENAME_NOREPLACE) == 0)
    return;
  if (errno == EEXIST && renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, output.c_str(), RENAME_EXCHANGE) == 0) {
    moveForeignFiles(fresh, output);
    return;
  }
  // A file system that cannot exchange: the old folder steps aside for an instant.
  std::string old = stage.path() + "/old";
  if (rename(output.c_str(), old.c_str()) != 0 && errno != ENOENT)
    failed(output, errno);
  if (rename(fresh.c_str(), output.c_str()) != 0) {
    int error = errno;
    if (rename(old.c_str(), output.c_str()) != 0)
      stage.keep(); // the earlier project is in there
    failed(output, error);
  }
  moveForeignFiles(old, output);
}

} // namespace hornfels::driver
