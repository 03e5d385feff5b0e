#include "Tool.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;

namespace driver_tests {

void ToolTest::SetUp() {
  char pattern[] = "/tmp/hornfels-test-XXXXXX";
  ASSERT_NE(mkdtemp(pattern), nullptr);
  folder = std::string(pattern) + "/here";
  temporary = std::string(pattern) + "/temporary";
  outPath = std::string(pattern) + "/out";
  errPath = std::string(pattern) + "/err";
  fs::create_directory(folder);
  fs::create_directory(temporary);
}

void ToolTest::TearDown() {
  std::error_code ignored;
  fs::remove_all(fs::path(folder).parent_path(), ignored);
}

pid_t ToolTest::start(const std::vector<std::string> &arguments, const Setting &setting) {
  std::vector<char *> pointers{const_cast<char *>(HORNFELS_TOOL)};
  for (const std::string &argument : arguments)
    pointers.push_back(const_cast<char *>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t child = fork();
  if (child != 0)
    return child;
  int in = open("/dev/null", O_RDONLY);
  int out = open(outPath.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int err = open(errPath.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  for (int fd = 3; fd < 64; ++fd)
    close(fd);
  setenv("TMPDIR", temporary.c_str(), 1);
  setenv("HOME", folder.c_str(), 1);
  unsetenv("XDG_CACHE_HOME");
  unsetenv("CXX");
  for (const auto &variable : setting.environment)
    variable.second.empty() ? unsetenv(variable.first.c_str())
                            : setenv(variable.first.c_str(), variable.second.c_str(), 1);
  if (chdir(folder.c_str()) != 0)
    _exit(99);
  if (setting.inChild)
    setting.inChild();
  execv(HORNFELS_TOOL, pointers.data());
  _exit(99);
}

static std::string readWhole(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Outcome ToolTest::finish(pid_t child, int seconds) {
  Outcome outcome;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      ADD_FAILURE() << "the tool hung";
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  outcome.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = readWhole(outPath);
  outcome.err = readWhole(errPath);
  return outcome;
}

Outcome ToolTest::run(const std::vector<std::string> &arguments, const Setting &setting) {
  return finish(start(arguments, setting), setting.seconds);
}

void ToolTest::write(const std::string &name, const std::string &text, bool executable) {
  std::ofstream(path(name), std::ios::binary) << text;
  if (executable)
    fs::permissions(path(name), fs::perms::owner_all);
}

std::string ToolTest::read(const std::string &name) const { return readWhole(path(name)); }
bool ToolTest::exists(const std::string &name) const { return fs::exists(fs::symlink_status(path(name))); }

std::vector<std::string> ToolTest::entries(const std::string &directory) const {
  std::vector<std::string> names;
  for (const auto &entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void ToolTest::writeModel(const std::string &name) {
  write(name, "model tiny(x: real[3]) -> y {\n    y = x |> dense(2, relu) |> dense(1, sigmoid)\n}\n\n"
              "train tiny {\n    optimizer = sgd(0.1)\n    loss = binary_crossentropy\n}\n");
}

std::string ToolTest::fakeCompiler(const std::string &script) {
  static int number = 0;
  std::string file = fs::path(folder).parent_path().string() + "/compiler" + std::to_string(++number);
  std::ofstream(file) << "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -o ] && output=$2; shift; done\n" +
                             script + "\n";
  fs::permissions(file, fs::perms::owner_all);
  return file;
}

std::string making(const std::string &word) {
  return "printf '#!/bin/sh\\necho " + word + " \"$@\"\\nexit 7\\n' > \"$output\"; chmod +x \"$output\"";
}

} // namespace driver_tests
