#include "frontend/driver/Process.h"

#include "frontend/driver/Signals.h"
#include "frontend/horn/Source.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace hornfels::driver {

static constexpr size_t outputLimit = size_t{1} << 20;

namespace {

struct SpawnActions {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnActions() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

} // namespace

static std::vector<std::string> environmentWith(const std::string &directory) {
  std::vector<std::string> result{"TMPDIR=" + directory};
  for (char **entry = environ; *entry; ++entry)
    if (std::string_view(*entry).substr(0, 7) != "TMPDIR=")
      result.emplace_back(*entry);
  return result;
}

static std::vector<char *> pointers(std::vector<std::string> &strings) {
  std::vector<char *> result;
  for (std::string &string : strings)
    result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

static std::string readOutput(int fd) {
  std::string output;
  char buffer[4096];
  for (;;) {
    ssize_t count = read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return output;
    output.append(buffer, std::min(static_cast<size_t>(count), outputLimit - output.size()));
  }
}

/// Ends a process and what it has started. Returns when none of them can write a file any more, or after a second.
static void endGroup(pid_t leader) {
  kill(-leader, SIGKILL);
  waitpid(leader, nullptr, 0);
  constexpr int tries = 1000, microseconds = 1000;
  for (int i = 0; i < tries && kill(-leader, 0) == 0; ++i)
    usleep(microseconds);
}

ProcessResult runProcess(const std::vector<std::string> &command, const std::string &directory) {
  ProcessResult result;
  int pipeEnds[2];
  if (pipe2(pipeEnds, O_CLOEXEC) != 0) {
    result.startError = errno;
    return result;
  }
  SpawnActions spawn;
  posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&spawn.actions, pipeEnds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&spawn.actions, pipeEnds[1], STDERR_FILENO);
  short flags = POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setpgroup(&spawn.attributes, 0);
  resetSignalsInChild(flags, &spawn.attributes);
  posix_spawnattr_setflags(&spawn.attributes, flags);

  std::vector<std::string> argumentStrings = command;
  std::vector<std::string> environmentStrings = environmentWith(directory);
  pid_t child = 0;
  std::optional<Cleanup> killing;
  {
    std::lock_guard<std::mutex> lock(cleanupGate());
    result.startError = posix_spawnp(&child, command[0].c_str(), &spawn.actions, &spawn.attributes,
                                     pointers(argumentStrings).data(), pointers(environmentStrings).data());
    if (result.startError == 0)
      killing.emplace([child] { endGroup(child); });
  }
  close(pipeEnds[1]);
  if (result.startError == 0) {
    result.output = readOutput(pipeEnds[0]);
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
      ;
    // Reap it under the gate: its number must not be another process's when a signal makes us kill it.
    std::lock_guard<std::mutex> lock(cleanupGate());
    int status = 0;
    waitpid(child, &status, 0);
    killing.reset();
    result.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  close(pipeEnds[0]);
  return result;
}

std::string commandText(const std::vector<std::string> &command) {
  std::string text;
  for (const std::string &argument : command) {
    std::string shown = frontend::printable(argument);
    bool plain =
        !shown.empty() &&
        shown.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%") ==
            std::string::npos;
    if (!text.empty())
      text += ' ';
    if (plain) {
      text += shown;
      continue;
    }
    text += '\'';
    for (char c : shown)
      text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

} // namespace hornfels::driver
