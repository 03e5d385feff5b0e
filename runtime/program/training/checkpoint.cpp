#include "checkpoint.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/npz.h"
#include "runtime/core/text.h"
#include "runtime/program/console.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

const char *const label = "hornfels checkpoint 1 checksum ";
const char *const identity_name = "@run";

[[noreturn]] void fail(const std::string &folder, const std::string &what) {
  throw failure(exit_system, quoted(folder) + ": error: " + what);
}

/* mkdir -p. */
void make_folder(const std::string &folder) {
  for (size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
    const std::string part = folder.substr(0, at);
    if (mkdir(part.c_str(), 0777) != 0 && errno != EEXIST)
      fail(part, std::string("cannot be made: ") + std::strerror(errno));
    if (at == std::string::npos)
      return;
  }
}

/* Throws when the file is whole, and of another version. What is only damaged looks like this too, but for
 * the checksum. */
void require_version(const input_file &file, const std::string &path) {
  const std::string begin = "hornfels checkpoint ", end = " checksum ";
  std::string tail(static_cast<size_t>(std::min<uint64_t>(file.size(), 64)), ' ');
  file_error error;
  if (!file.read(file.size() - tail.size(), &tail[0], tail.size(), error))
    return;
  const size_t at = tail.rfind(begin), stop = at == std::string::npos ? at : tail.find(end, at);
  if (stop == std::string::npos)
    return;
  const std::string found = tail.substr(at, stop + end.size() - at);
  if (found != label && check_seal(file, found, error))
    throw failure(exit_input,
                  quoted(path) + ": error: a checkpoint of version " +
                      quoted(found.substr(begin.size(), found.size() - begin.size() - end.size())) +
                      ", this program reads version 1");
}

/* All arrays of a whole, sealed file. Members are stored, so none is larger than the file. */
bool read_whole(const std::string &path, saved_state &state, file_error &error) {
  input_file sealed;
  npz_reader archive;
  if (!sealed.open(path, error))
    return false;
  require_version(sealed, path);
  if (!check_seal(sealed, label, error) || !archive.open(path, error))
    return false;
  for (const npz_member &member : archive.members()) {
    if (member.method != 0)
      return archive.file().fail(member.header, "a compressed member: not a checkpoint", error);
    npz_array array;
    npy_header header;
    saved_state::array value;
    if (!array.open(archive, member, header, error))
      return false;
    value.kind = header.kind;
    value.width = header.width;
    value.shape.assign(header.shape, header.shape + header.rank);
    value.bytes.resize(header.data_bytes);
    if (!array.read(value.bytes.data(), value.bytes.size(), error))
      return false;
    state.put(member.name, std::move(value));
  }
  return archive.file().unchanged(error);
}

bool exists(const std::string &path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

} // namespace

checkpoint_folder::checkpoint_folder(const std::string &folder, run_identity identity)
    : expected(std::move(identity)), path(folder + "/checkpoint.npz"),
      before(folder + "/checkpoint-before.npz") {
  make_folder(folder);
  lock = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    fail(folder, std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock);
    fail(folder, "another process is training with these checkpoints");
  }
  file_error error;
  if (!check_output(path, error)) {
    close(lock);
    require(false, error);
  }
}

checkpoint_folder::~checkpoint_folder() {
  if (lock >= 0)
    close(lock);
}

void checkpoint_folder::write(saved_state state) const {
  std::string identity;
  for (const auto &field : expected)
    identity += field.first + "\t" + field.second + "\n";
  state.put_text(identity_name, identity);
  npz_writer archive;
  file_error error;
  require(archive.open(path, error), error);
  for (const auto &one : state.arrays) {
    const saved_state::array &value = one.second;
    require(
        archive.begin(one.first, value.kind, value.width, value.shape.data(), value.shape.size(), error) &&
            archive.write(value.bytes.data(), value.bytes.size(), error) && archive.end(error),
        error);
  }
  require(archive.commit_sealed(label, before, error), error);
}

void checkpoint_folder::require_same_run(const saved_state &state, const std::string &file) const {
  std::map<std::string, std::string> there;
  const std::string text = state.text(identity_name);
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const size_t tab = text.find('\t', at);
    if (tab < end)
      there[text.substr(at, tab - at)] = text.substr(tab + 1, end - tab - 1);
  }
  const auto differ = [&](const std::string &field, const std::string &a, const std::string &b) {
    throw failure(exit_input, quoted(file) + ": error: a checkpoint of another run: " + field + " is " + a +
                                  " there, " + b + " here");
  };
  for (const auto &field : expected) {
    const auto found = there.find(field.first);
    if (found == there.end())
      differ(field.first, "nothing", field.second);
    if (found->second != field.second)
      differ(field.first, found->second, field.second);
    there.erase(found);
  }
  if (!there.empty())
    differ(there.begin()->first, there.begin()->second, "nothing");
}

bool checkpoint_folder::read(saved_state &state, std::string &from) const {
  std::string problems;
  for (const std::string &file : {path, before}) {
    if (!exists(file))
      continue;
    file_error error;
    saved_state found;
    if (read_whole(file, found, error)) {
      require_same_run(found, file);
      if (!problems.empty())
        print_error(problems + "\n" + quoted(file) + ": the one before is used");
      state = std::move(found);
      from = file;
      return true;
    }
    if (error.kind == file_error::system)
      require(false, error);
    problems += (problems.empty() ? "" : "\n") + error.text;
  }
  if (!problems.empty())
    throw failure(exit_input, problems);
  return false;
}

} // namespace hornfels
