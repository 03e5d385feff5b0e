// Rows L04 to L07 and L13: files that cannot be read, outputs that must not be written, hostile names.
#include "Tool.h"

#include <filesystem>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace driver_tests;

class Files : public ToolTest {
protected:
  void SetUp() override {
    ToolTest::SetUp();
    writeModel();
  }

  /// A setting whose compiler makes a small program that says `word`.
  Setting compilerMaking(const std::string &word) {
    Setting setting;
    setting.environment["CXX"] = fakeCompiler(making(word));
    return setting;
  }

  void failsWith(const Outcome &outcome, int code, const std::string &expected) {
    EXPECT_EQ(outcome.exitCode, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(expected), std::string::npos)
        << "expected: " << expected << "\nfound: " << outcome.err;
    EXPECT_EQ(entries(temporary), std::vector<std::string>{});
  }
};

TEST_F(Files, L04_inputs_that_are_no_files) {
  ASSERT_EQ(mkfifo(path("pipe.horn").c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", path("dangling.horn").c_str()), 0);
  fs::create_directory(path("folder.horn"));
  for (const char *command : {"check", "summary", "build", "run"}) {
    failsWith(run({command, "absent.horn"}), 3, "absent.horn: no such file or directory");
    failsWith(run({command, "dangling.horn"}), 3, "dangling.horn: no such file or directory");
    failsWith(run({command, "folder.horn"}), 3, "folder.horn: ");
    failsWith(run({command, "pipe.horn"}), 3, "pipe.horn: not a regular file");
    failsWith(run({command, "/dev/zero"}), 3, "/dev/zero: not a regular file");
  }
  EXPECT_EQ(entries(folder),
            (std::vector<std::string>{"dangling.horn", "folder.horn", "pipe.horn", "tiny.horn"}));
}

TEST_F(Files, L04_an_input_that_may_not_be_read) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may read everything";
  fs::permissions(path("tiny.horn"), fs::perms::none);
  for (const char *command : {"check", "summary", "build", "run"})
    failsWith(run({command, "tiny.horn"}), 3, "tiny.horn: permission denied");
}

TEST_F(Files, L05_an_output_folder_that_is_not_there) {
  failsWith(run({"build", "tiny.horn", "-o", "no/where"}), 3, "no: no such file or directory");
  failsWith(run({"emit", "tiny.horn", "-o", "no/where"}), 3, "no: no such file or directory");
  failsWith(run({"build", "tiny.horn", "-o", "tiny.horn/x"}), 3, "tiny.horn: not a directory");
}

TEST_F(Files, L05_a_folder_that_takes_nothing) {
  failsWith(run({"emit", "tiny.horn", "-o", "/proc/x"}), 3, "/proc: ");
  failsWith(run({"build", "tiny.horn", "-o", "/proc/x"}, compilerMaking("a")), 3, "/proc: ");
}

TEST_F(Files, L05_the_input_is_never_overwritten) {
  std::string model = read("tiny.horn");
  ASSERT_EQ(link(path("tiny.horn").c_str(), path("same").c_str()), 0);
  for (const char *output : {"tiny.horn", "./tiny.horn", "same"}) {
    failsWith(run({"build", "tiny.horn", "--force", "-o", output}, compilerMaking("a")), 3,
              "the output is the input");
    failsWith(run({"emit", "tiny.horn", "--force", "-o", output}), 3, "the output is the input");
  }
  failsWith(run({"emit", "../here/tiny.horn", "--force", "-o", folder}), 3, "the input lies there");
  EXPECT_EQ(read("tiny.horn"), model);
}

TEST_F(Files, L05_a_program_has_the_models_name_but_never_its_file) {
  fs::rename(path("tiny.horn"), path("tiny"));
  failsWith(run({"build", "tiny"}), 3, "the output is the input");
}

TEST_F(Files, L05_a_kind_that_does_not_fit) {
  fs::create_directory(path("folder"));
  write("file", "text");
  failsWith(run({"build", "tiny.horn", "--force", "-o", "folder"}), 3, "folder: is a directory");
  failsWith(run({"emit", "tiny.horn", "--force", "-o", "file"}), 3, "file: not a directory");
}

TEST_F(Files, L05_nothing_is_left_when_the_disk_is_full) {
  Setting setting;
  setting.inChild = [] {
    rlimit limit{300, 300}; // bytes in a file: what comes after them fails as on a full disk
    setrlimit(RLIMIT_FSIZE, &limit);
  };
  Outcome outcome = run({"emit", "tiny.horn", "-o", "sources"}, setting);
  EXPECT_EQ(outcome.exitCode, 3) << outcome.err;
  EXPECT_EQ(entries(folder), std::vector<std::string>{"tiny.horn"});
  EXPECT_EQ(entries(temporary), std::vector<std::string>{});
}

/// The disk is full from the `from`-th of these calls on. The tool itself is traced, not what it starts.
static Setting fullDisk(std::vector<std::string> arguments, const std::string &calls, int from, Setting setting) {
  setting.inChild = [arguments, calls, from] {
    std::string fault = "inject=" + calls + ":error=ENOSPC:when=" + std::to_string(from) + "+";
    std::vector<const char *> words{"strace", "-o", "/dev/null", "-e", fault.c_str(), HORNFELS_TOOL};
    for (const std::string &argument : arguments)
      words.push_back(argument.c_str());
    words.push_back(nullptr);
    execv("/usr/bin/strace", const_cast<char *const *>(words.data()));
  };
  return setting;
}

TEST_F(Files, L05_the_disk_is_full_at_any_call) {
  const Setting compiler = compilerMaking("new");
  if (access("/usr/bin/strace", X_OK) != 0 ||
      run({}, fullDisk({"--version"}, "rename", 1, compiler)).exitCode != 0)
    GTEST_SKIP() << "no strace, or it may not trace here";
  const std::vector<std::string> calls = {"write", "fsync", "rename,renameat,renameat2"};
  ASSERT_EQ(run({"build", "tiny.horn"}, compilerMaking("old")).exitCode, 0);
  const std::string old = read("tiny");
  const std::vector<std::string> build = {"build", "tiny.horn"}, emit = {"emit", "tiny.horn", "-o", "sources"};
  int failed = 0;
  for (const std::string &call : calls)
    for (int from : {1, 2, 3, 10, 40, 70}) {
      Outcome outcome = run(emit, fullDisk(emit, call, from, compiler));
      EXPECT_TRUE(outcome.exitCode == 0 || outcome.exitCode == 3) << call << from << outcome.err;
      failed += outcome.exitCode == 3;
      EXPECT_EQ(exists("sources"), outcome.exitCode == 0) << call << from;
      fs::remove_all(path("sources"));
      outcome = run(build, fullDisk(build, call, from, compiler));
      EXPECT_TRUE(outcome.exitCode == 0 || outcome.exitCode == 3) << call << from << outcome.err;
      failed += outcome.exitCode == 3;
      if (outcome.exitCode == 3) {
        EXPECT_EQ(read("tiny"), old) << call << from;
        // Messages are written too.
        EXPECT_TRUE(call == "write" || outcome.err.find("no space left on device") != std::string::npos)
            << call << from << outcome.err;
      }
      write("tiny", old, true);
      EXPECT_EQ(entries(folder), (std::vector<std::string>{"tiny", "tiny.horn"})) << call << from;
      EXPECT_EQ(entries(temporary), std::vector<std::string>{}) << call << from;
    }
  EXPECT_GT(failed, 5) << "the fault was met";
}

TEST_F(Files, L06_a_program_of_ours_is_replaced) {
  EXPECT_EQ(run({"build", "tiny.horn"}, compilerMaking("first")).exitCode, 0);
  EXPECT_NE(read("tiny").find("first"), std::string::npos);
  EXPECT_EQ(fs::status(path("tiny")).permissions() & fs::perms::owner_exec, fs::perms::owner_exec);
  Outcome outcome = run({"build", "tiny.horn"}, compilerMaking("second"));
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_NE(read("tiny").find("second"), std::string::npos);
  EXPECT_EQ(entries(folder), (std::vector<std::string>{"tiny", "tiny.horn"}));
  EXPECT_EQ(entries(temporary), std::vector<std::string>{});
}

TEST_F(Files, L06_a_file_of_others_is_refused_without_force) {
  write("tiny", "precious");
  failsWith(run({"build", "tiny.horn"}, compilerMaking("a")), 2,
            "tiny exists and was not made by hornfels; --force");
  EXPECT_EQ(read("tiny"), "precious");
  EXPECT_EQ(run({"build", "tiny.horn", "--force"}, compilerMaking("mine")).exitCode, 0);
  EXPECT_NE(read("tiny").find("mine"), std::string::npos);
}

TEST_F(Files, L06_a_project_of_ours_is_replaced_and_foreign_files_stay) {
  ASSERT_EQ(run({"emit", "tiny.horn", "-o", "sources"}).exitCode, 0);
  std::vector<std::string> before = entries(path("sources"));
  write("sources/notes.txt", "mine");
  fs::create_directory(path("sources/build"));
  write("sources/build/object", "mine too");
  write("sources/tiny.cpp", "changed");
  Outcome outcome = run({"emit", "tiny.horn", "-o", "sources/"});
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(read("sources/notes.txt"), "mine");
  EXPECT_EQ(read("sources/build/object"), "mine too");
  EXPECT_NE(read("sources/tiny.cpp"), "changed");
  EXPECT_EQ(entries(path("sources")).size(), before.size() + 2);
  EXPECT_EQ(entries(folder), (std::vector<std::string>{"sources", "tiny.horn"}));
}

TEST_F(Files, L06_a_folder_of_others_is_refused_without_force) {
  fs::create_directory(path("sources"));
  EXPECT_EQ(run({"emit", "tiny.horn", "-o", "sources"}).exitCode, 0) << "an empty folder is free";
  fs::create_directory(path("other"));
  write("other/precious", "text");
  failsWith(run({"emit", "tiny.horn", "-o", "other"}), 2,
            "other exists and was not written by hornfels; --force");
  EXPECT_EQ(entries(path("other")), std::vector<std::string>{"precious"});
  EXPECT_EQ(run({"emit", "tiny.horn", "--force", "-o", "other"}).exitCode, 0);
  EXPECT_EQ(read("other/precious"), "text");
  EXPECT_TRUE(exists("other/tiny.cpp"));
}

TEST_F(Files, the_same_model_gives_the_same_bytes) {
  ASSERT_EQ(run({"emit", "tiny.horn", "-o", "one"}).exitCode, 0);
  ASSERT_EQ(run({"emit", "tiny.horn", "-o", "two"}).exitCode, 0);
  for (const char *name : {"tiny.cpp", "tiny.h", "CMakeLists.txt"}) {
    EXPECT_NE(read(std::string("one/") + name), "");
    EXPECT_EQ(read(std::string("one/") + name), read(std::string("two/") + name));
  }
}

TEST_F(Files, L07_names_with_anything_in_them) {
  std::vector<std::string> names = {"a b.horn",
                                    "new\nline.horn",
                                    "it's \"it\".horn",
                                    "-dash.horn",
                                    "\xff\xfe.horn",
                                    std::string(250, 'x') + ".horn",
                                    "$(touch owned).horn",
                                    "*/comment.horn"};
  fs::create_directory(path("*"));
  for (const std::string &name : names) {
    writeModel(name);
    EXPECT_EQ(run({"check", "--", name}).exitCode, 0) << name;
    std::string output = name.substr(0, name.size() - 5);
    Outcome outcome = run({"build", "-o", "./" + output, "--", name}, compilerMaking("a"));
    EXPECT_EQ(outcome.exitCode, 0) << name << outcome.err;
    EXPECT_TRUE(exists(output)) << name;
    outcome = run({"emit", "-o", "./" + output + ".d", "--", name});
    EXPECT_EQ(outcome.exitCode, output.size() > 253 ? 3 : 0) << name << outcome.err;
  }
  EXPECT_FALSE(exists("owned"));
}

TEST_F(Files, L07_names_are_quoted_in_messages) {
  write("new\nline.horn", "model");
  Outcome outcome = run({"check", "new\nline.horn"});
  EXPECT_EQ(outcome.exitCode, 1);
  EXPECT_EQ(outcome.err.rfind("new\\x0aline.horn:1:", 0), 0u) << outcome.err;
}

TEST_F(Files, L13_two_tools_into_one_folder_never_mix) {
  // --real tells the two projects apart: each file must be of the project that the manifest's is.
  for (int round = 0; round < 5; ++round) {
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i)
      children.push_back(start({"emit", "tiny.horn", "-o", "sources", i % 2 ? "--real=f64" : "--real=f32"}));
    for (pid_t child : children)
      EXPECT_EQ(finish(child).exitCode, 0);
    bool isDouble = read("sources/tiny.h").find("f64") != std::string::npos ||
                    read("sources/tiny.cpp").find("double *") != std::string::npos;
    std::string again = isDouble ? "--real=f64" : "--real=f32";
    ASSERT_EQ(run({"emit", "tiny.horn", "-o", "alone", again}).exitCode, 0);
    for (const std::string &name : entries(path("alone")))
      if (!fs::is_directory(path("alone/" + name))) {
        EXPECT_EQ(read("alone/" + name), read("sources/" + name)) << name;
      }
  }
  EXPECT_EQ(entries(folder), (std::vector<std::string>{"alone", "sources", "tiny.horn"}));
}
