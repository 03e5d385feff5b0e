// Running the tool, as a user would, in a folder of its own.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace driver_tests {

struct Outcome {
  int exitCode = -1; // 128 + number when a signal ended it
  std::string out, err;
};

/// How to start the tool, beside its arguments.
struct Setting {
  std::map<std::string, std::string> environment; // set; an empty value means unset
  std::function<void()> inChild;                  // just before exec: closes descriptors, sets limits
  std::string closing;                            // a name for the test's messages
  int seconds = 20;                               // that `run` waits at most
};

/// A test with an empty folder of its own (`folder`), in which the tool runs, and whose TMPDIR (`temporary`)
/// is watched.
class ToolTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  Outcome run(const std::vector<std::string> &arguments, const Setting &setting = {});

  /// Starts it and returns at once; `finish` waits for it.
  pid_t start(const std::vector<std::string> &arguments, const Setting &setting = {});
  Outcome finish(pid_t child, int seconds = 20);

  std::string path(const std::string &name) const { return folder + "/" + name; }
  void write(const std::string &name, const std::string &text, bool executable = false);
  std::string read(const std::string &name) const;
  bool exists(const std::string &name) const;
  std::vector<std::string> entries(const std::string &directory) const;

  /// A small model in `name`.
  void writeModel(const std::string &name = "tiny.horn");

  /// A C++ compiler of ours that takes no time: runs `script` with the output's path in $output. Its path is
  /// for CXX.
  std::string fakeCompiler(const std::string &script);

  std::string folder, temporary;
  std::string outPath, errPath;
};

/// The fake compiler's script that makes a program saying `word`.
std::string making(const std::string &word);

} // namespace driver_tests
