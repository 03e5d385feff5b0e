#include "support.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

namespace hornfels_tests {

scratch_folder::scratch_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hornfels-test-XXXXXX").string();
  if (!mkdtemp(&pattern[0]))
    std::abort();
  path = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::vector<std::string> scratch_folder::names() const {
  std::vector<std::string> result;
  for (const auto &entry : std::filesystem::directory_iterator(path))
    result.push_back(entry.path().filename().string());
  std::sort(result.begin(), result.end());
  return result;
}

void write_file(const std::string &path, const std::string &bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    std::abort();
}

std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string npy_with_header(const std::string &dictionary, const std::string &data, int version) {
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         little(dictionary.size(), version == 1 ? 2 : 4) + dictionary + data;
}

namespace {

std::string deflated(const std::string &data) {
  z_stream state = {};
  deflateInit2(&state, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, data.size()), '\0');
  state.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(data.data()));
  state.avail_in = static_cast<uInt>(data.size());
  state.next_out = reinterpret_cast<Bytef *>(&packed[0]);
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

uint64_t or_truth(int64_t lie, uint64_t truth) { return lie < 0 ? truth : static_cast<uint64_t>(lie); }

} // namespace

std::string zip(const std::vector<member> &members, const archive_end &end) {
  std::string file, directory;
  for (const member &m : members) {
    const std::string packed = m.deflate ? deflated(m.data) : m.data;
    const uint64_t checksum = or_truth(m.checksum, crc32(0, reinterpret_cast<const Bytef *>(m.data.data()),
                                                         static_cast<uInt>(m.data.size())));
    const std::string local_name = m.local_name == "\1" ? m.name : m.local_name;
    const std::string common = little(m.flags, 2) + little(or_truth(m.method, m.deflate ? 8 : 0), 2) +
                               little(0, 4) + little(checksum, 4) +
                               little(or_truth(m.packed, packed.size()), 4) +
                               little(or_truth(m.size, m.data.size()), 4);
    const uint64_t offset = or_truth(m.offset, file.size());
    file += little(0x04034b50, 4) + little(20, 2) + common + little(local_name.size(), 2) + little(0, 2) +
            local_name + packed;
    directory += little(0x02014b50, 4) + little(20, 2) + little(20, 2) + common + little(m.name.size(), 2) +
                 little(m.extra.size(), 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                 little(offset, 4) + m.name + m.extra;
  }
  const uint64_t count = or_truth(end.count, members.size());
  return file + directory + little(0x06054b50, 4) + little(0, 4) + little(count, 2) + little(count, 2) +
         little(or_truth(end.bytes, directory.size()), 4) + little(or_truth(end.offset, file.size()), 4) +
         little(end.comment.size(), 2) + end.comment;
}

namespace {

/* What becomes of the child's standard output. */
struct out_pipe {
  int ours = -1, theirs = -1;
};

out_pipe open_out(const process &what) {
  out_pipe out;
  int pair[2] = {-1, -1};
  if (what.terminal) {
    struct winsize size = {24, 80, 0, 0};
    if (openpty(&pair[0], &pair[1], nullptr, nullptr, &size) != 0)
      std::abort();
  } else if (what.out_path.empty() && pipe(pair) != 0) {
    std::abort();
  } else if (!what.out_path.empty() && what.out_path != "-") {
    pair[1] = open(what.out_path.c_str(), O_WRONLY);
  }
  out.ours = pair[0];
  out.theirs = pair[1];
  return out;
}

[[noreturn]] void become(const process &what, int out, int err) {
  if (out >= 0)
    dup2(out, STDOUT_FILENO);
  else
    close(STDOUT_FILENO);
  if (what.close_err)
    close(STDERR_FILENO);
  else
    dup2(err, STDERR_FILENO);
  for (int descriptor = 3; descriptor < 256; ++descriptor)
    close(descriptor);
  for (const char *name : {"COLUMNS", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "TERM"})
    unsetenv(name);
  for (const std::string &one : what.environment) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos)
      unsetenv(one.c_str());
    else
      setenv(one.substr(0, equals).c_str(), one.c_str() + equals + 1, 1);
  }
  if (!what.folder.empty() && chdir(what.folder.c_str()) != 0)
    _exit(125);
  std::vector<char *> arguments;
  for (const std::string &argument : what.arguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(126);
}

} // namespace

outcome run(const process &what) {
  outcome result;
  const out_pipe out = open_out(what);
  int err[2];
  if (pipe(err) != 0)
    std::abort();
  const pid_t child = fork();
  if (child == 0)
    become(what, out.theirs, err[1]);
  close(err[1]);
  if (out.theirs >= 0)
    close(out.theirs);
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  bool sent = false;
  struct pollfd watched[2] = {{out.ours, POLLIN, 0}, {err[0], POLLIN, 0}};
  std::string *const texts[2] = {&result.out, &result.err};
  while ((watched[0].fd >= 0 || watched[1].fd >= 0) && passed() < what.limit) {
    poll(watched, 2, 5);
    if (what.signal_after >= 0 && !sent && passed() > what.signal_after) {
      kill(child, what.signal);
      if (what.second_signal)
        kill(child, what.second_signal);
      sent = true;
    }
    for (int i = 0; i < 2; ++i) {
      char bytes[65536];
      if (watched[i].fd < 0 || !(watched[i].revents & (POLLIN | POLLHUP | POLLERR)))
        continue;
      const ssize_t got = read(watched[i].fd, bytes, sizeof bytes);
      if (got > 0)
        texts[i]->append(bytes, static_cast<size_t>(got));
      else
        watched[i].fd = -1;
    }
  }
  const bool late = passed() >= what.limit;
  if (late)
    kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  close(err[0]);
  if (out.ours >= 0)
    close(out.ours);
  if (!late)
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string real_data() {
  const char *folder = std::getenv("HORNFELS_DATA");
  return folder ? folder : "";
}

} // namespace hornfels_tests
