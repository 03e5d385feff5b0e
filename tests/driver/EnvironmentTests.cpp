// Rows L08, L09, L11, L14: streams, environment, the machine's compiler, signals.
#include "Tool.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace driver_tests;

class Environment : public ToolTest {
protected:
  void SetUp() override {
    ToolTest::SetUp();
    writeModel();
  }
};

TEST_F(Environment, L08_standard_output_that_takes_nothing) {
  std::vector<std::function<void()>> settings = {
      [] { close(1); },
      [] { dup2(open("/dev/full", O_WRONLY), 1); },
      [] {
        int ends[2];
        if (pipe(ends) == 0)
          dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
      },
  };
  for (const auto &inChild : settings) {
    Setting setting;
    setting.inChild = inChild;
    Outcome outcome = run({"summary", "tiny.horn"}, setting);
    EXPECT_EQ(outcome.exitCode, 3);
    EXPECT_NE(outcome.err.find("hornfels: error: standard output: "), std::string::npos) << outcome.err;
    EXPECT_EQ(run({"check", "tiny.horn"}, setting).exitCode, 0) << "nothing to print, nothing to fail";
  }
}

TEST_F(Environment, L08_standard_error_that_takes_nothing) {
  Setting setting;
  setting.inChild = [] { close(2); };
  EXPECT_EQ(run({"check", "absent.horn"}, setting).exitCode, 3);
  EXPECT_EQ(run({"nonsense"}, setting).exitCode, 3);
  setting.inChild = [] { close(0), close(1), close(2); };
  EXPECT_EQ(run({"emit", "tiny.horn", "-o", "sources"}, setting).exitCode, 0);
  EXPECT_NE(read("sources/tiny.cpp"), "");
}

TEST_F(Environment, L09_surroundings_do_not_change_the_bytes) {
  std::string expectedSummary = run({"summary", "tiny.horn"}).out;
  ASSERT_EQ(run({"emit", "tiny.horn", "-o", "expected"}).exitCode, 0);
  int number = 0;
  std::vector<std::map<std::string, std::string>> environments = {
      {{"HOME", ""}, {"TMPDIR", ""}},
      {{"HOME", "/no/where"}, {"TMPDIR", "/no/where"}},
      {{"LC_ALL", "de_DE.UTF-8"}, {"LANG", "de_DE.UTF-8"}},
      {{"LC_ALL", "C"}, {"PATH", ""}},
  };
  for (const auto &environment : environments) {
    Setting setting;
    setting.environment = environment;
    EXPECT_EQ(run({"summary", "tiny.horn"}, setting).out, expectedSummary);
    std::string folder = "other" + std::to_string(++number);
    Outcome outcome = run({"emit", "tiny.horn", "-o", folder}, setting);
    EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
    EXPECT_EQ(read(folder + "/tiny.cpp"), read("expected/tiny.cpp"));
  }
}

TEST_F(Environment, L09_a_folder_that_is_gone) {
  fs::create_directory(path("gone"));
  std::string model = path("tiny.horn"), output = path("sources");
  Setting setting;
  setting.inChild = [this] {
    if (chdir(path("gone").c_str()) != 0 || rmdir(path("gone").c_str()) != 0)
      _exit(98);
  };
  Outcome outcome = run({"emit", model, "-o", output}, setting);
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_TRUE(exists("sources/tiny.cpp"));
}

TEST_F(Environment, L11_a_compiler_that_is_not_there) {
  Setting setting;
  setting.environment["CXX"] = "no-such-compiler -m32";
  Outcome outcome = run({"build", "tiny.horn"}, setting);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("cannot run the C++ compiler `no-such-compiler`: no such file or directory"),
            std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("command: no-such-compiler -m32 -std=c++17"), std::string::npos) << outcome.err;
  EXPECT_EQ(entries(folder), std::vector<std::string>{"tiny.horn"});
  // The sources are where the message says.
  ASSERT_EQ(entries(temporary).size(), 1u);
  std::string sources = fs::canonical(temporary + "/" + entries(temporary)[0]).string();
  EXPECT_NE(outcome.err.find("sources: " + sources), std::string::npos) << outcome.err;
  EXPECT_TRUE(fs::exists(sources + "/tiny.cpp"));
}

TEST_F(Environment, L11_no_path_at_all) {
  Setting setting;
  setting.environment["PATH"] = "/no/where";
  Outcome outcome = run({"build", "tiny.horn"}, setting);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_NE(outcome.err.find("cannot run the C++ compiler `c++`"), std::string::npos) << outcome.err;
}

TEST_F(Environment, L11_a_compiler_that_fails) {
  Setting setting;
  setting.environment["CXX"] = fakeCompiler("echo 'out of registers' >&2; exit 1");
  Outcome outcome = run({"build", "tiny.horn"}, setting);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_NE(outcome.err.find("failed\n  command: "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("out of registers"), std::string::npos) << outcome.err;
  EXPECT_EQ(entries(folder), std::vector<std::string>{"tiny.horn"});
  EXPECT_EQ(entries(temporary).size(), 1u);
}

TEST_F(Environment, R15_no_compiler_for_devices) {
  Setting setting;
  setting.environment["CUDACXX"] = "no-such-nvcc -allow-unsupported-compiler";
  Outcome outcome = run({"build", "tiny.horn", "--target=cuda"}, setting);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_NE(outcome.err.find("cannot run the CUDA compiler `no-such-nvcc`: no such file or directory\n"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("it is nvcc of the CUDA toolkit, looked for as $CUDACXX, in PATH and in /usr/local/cuda/bin; "
                             "`hornfels emit --target=cuda` works without it\n"),
            std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("command: no-such-nvcc -allow-unsupported-compiler -std=c++17"), std::string::npos) << outcome.err;
  EXPECT_EQ(entries(folder), std::vector<std::string>{"tiny.horn"});
  EXPECT_EQ(run({"emit", "tiny.horn", "--target=cuda", "-o", "sources"}, setting).exitCode, 0);
  for (const char *file : {"tiny.cu", "tiny.h", "CMakeLists.txt", "runtime/device/program.cu", "runtime/device/on_cpu.h"})
    EXPECT_TRUE(exists(std::string("sources/") + file)) << file;
  EXPECT_FALSE(exists("sources/tiny.cpp"));
  EXPECT_NE(read("sources/CMakeLists.txt").find("80-real;90-real;80-virtual"), std::string::npos);
  EXPECT_EQ(run({"emit", "tiny.horn", "-o", "sources", "--force"}, setting).exitCode, 0);
  EXPECT_FALSE(exists("sources/tiny.cu"));
  EXPECT_FALSE(exists("sources/runtime/device"));
}

TEST_F(Environment, a_program_for_devices_is_compiled_by_nvcc) {
  Setting setting;
  setting.environment["CXX"] = "no-such-compiler";
  setting.environment["CUDACXX"] =
      fakeCompiler("echo compiled >> " + path("log") + "; cp \"$TMPDIR\"/tiny.cu " + path("kept.cu") + "; " + making("ran"));
  for (const char *architectures : {"sm_90a,sm_86,sm_120", "sm_90a", "sm_90a"}) {
    Outcome outcome = run({"run", "--target=cuda", "--arch", architectures, "tiny.horn", "train"}, setting);
    EXPECT_EQ(outcome.exitCode, 7) << outcome.err;
    EXPECT_EQ(outcome.out, "ran train\n");
  }
  EXPECT_EQ(read("log"), "compiled\ncompiled\n") << "one for each list, the last is in the cache";
  EXPECT_NE(read("kept.cu").find("\"sm_90a\""), std::string::npos);
  setting.environment["CUDACXX"] = "no-such-nvcc";
  Outcome outcome = run({"build", "tiny.horn", "--target=cuda", "--arch=sm_90a,sm_86,sm_120"}, setting);
  EXPECT_NE(outcome.err.find("-ftz=true -cudart=static --threads=0 -gencode=arch=compute_90a,code=sm_90a "
                             "-gencode=arch=compute_86,code=sm_86 -gencode=arch=compute_120,code=sm_120 "
                             "-gencode=arch=compute_86,code=compute_86 -I"),
            std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("/tiny.cu "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("/runtime/device/program.cu "), std::string::npos) << outcome.err;
  outcome = run({"build", "tiny.horn", "--target=cuda", "--arch=sm_90a"}, setting);
  EXPECT_NE(outcome.err.find("--threads=0 -gencode=arch=compute_90a,code=sm_90a -I"), std::string::npos) << outcome.err;
}

TEST_F(Environment, run_becomes_the_program_and_keeps_it) {
  std::string counting = "echo compiled >> " + path("log") + "; " + making("ran");
  Setting setting;
  setting.environment["CXX"] = fakeCompiler(counting);
  for (int i = 0; i < 2; ++i) {
    Outcome outcome = run({"run", "tiny.horn", "train", "--epochs", "3"}, setting);
    EXPECT_EQ(outcome.exitCode, 7) << outcome.err;
    EXPECT_EQ(outcome.out, "ran train --epochs 3\n");
  }
  EXPECT_EQ(read("log"), "compiled\n") << "the second run takes the program from the cache";
}

TEST_F(Environment, dump_writes_every_stage) {
  Setting setting;
  setting.environment["CXX"] = fakeCompiler(making("a"));
  Outcome outcome = run({"build", "tiny.horn", "--dump=stages"}, setting);
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(entries(path("stages")),
            (std::vector<std::string>{".hornfels", "00-import.horn", "10-elaborate.mlir", "20-simplify.mlir",
                                      "30-differentiate.mlir", "40-lower.mlir", "50-fuse.mlir",
                                      "60-memory.mlir", "70-pack.mlir", "80-schedule.mlir", "90-tiny.cpp"}));
  EXPECT_NE(read("stages/10-elaborate.mlir").find("horn.gradient"), std::string::npos);
  EXPECT_EQ(read("stages/30-differentiate.mlir").find("horn.gradient"), std::string::npos);
  Outcome stage = run({"emit", "tiny.horn", "--emit=elaborate"});
  EXPECT_EQ(stage.exitCode, 0);
  EXPECT_EQ(stage.out, read("stages/10-elaborate.mlir"));
}

class Signals : public Environment {
protected:
  /// Waits until the compiler has written its process number, or gives up after 10 s.
  pid_t compilerProcess() {
    for (int i = 0; i < 1000 && (!exists("started") || read("started").empty()); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return static_cast<pid_t>(atoi(read("started").c_str()));
  }

  /// Gone, or a zombie that nobody here can reap.
  static bool isGone(pid_t process) {
    for (int i = 0; i < 200 && kill(process, 0) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return kill(process, 0) != 0;
  }
};

TEST_F(Signals, L14_a_signal_cleans_up) {
  Setting setting;
  setting.environment["CXX"] =
      fakeCompiler("echo $$ > " + path("started") + "; touch \"$TMPDIR/x\"; exec sleep 60");
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    pid_t tool = start({"build", "tiny.horn", "-o", "program"}, setting);
    pid_t compiler = compilerProcess();
    ASSERT_GT(compiler, 0);
    EXPECT_EQ(entries(temporary).size(), 1u);
    kill(tool, number);
    Outcome outcome = finish(tool);
    EXPECT_EQ(outcome.exitCode, number == SIGINT ? 130 : 143);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(entries(temporary), std::vector<std::string>{});
    EXPECT_EQ(entries(folder), (std::vector<std::string>{"started", "tiny.horn"}));
    EXPECT_TRUE(isGone(compiler));
    fs::remove(path("started"));
  }
}

TEST_F(Signals, L14_an_ignored_signal_stays_ignored) {
  Setting setting;
  setting.environment["CXX"] = fakeCompiler("echo $$ > " + path("started") + "; sleep 0.3; " + making("a"));
  setting.inChild = [] { signal(SIGHUP, SIG_IGN); };
  pid_t tool = start({"build", "tiny.horn", "-o", "program"}, setting);
  ASSERT_GT(compilerProcess(), 0);
  kill(tool, SIGHUP);
  EXPECT_EQ(finish(tool).exitCode, 0);
  EXPECT_TRUE(exists("program"));
}

TEST_F(Signals, L14_stopped_and_continued) {
  // The compiler waits for a file, so that it ends only after the tool was stopped.
  Setting setting;
  setting.environment["CXX"] = fakeCompiler("echo $$ > " + path("started") + "; while [ ! -e " + path("go") +
                                            " ]; do sleep 0.05; done; " + making("a"));
  // A process group that its shell has left ignores SIGTSTP: a group of its own has this test for a parent.
  setting.inChild = [] { setpgid(0, 0); };
  pid_t tool = start({"build", "tiny.horn", "-o", "program"}, setting);
  ASSERT_GT(compilerProcess(), 0);
  kill(tool, SIGTSTP);
  int status = 0;
  ASSERT_EQ(waitpid(tool, &status, WUNTRACED), tool);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::ofstream(path("go")) << "now";
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_FALSE(exists("program")) << "stopped, it installs nothing";
  kill(tool, SIGCONT);
  EXPECT_EQ(finish(tool).exitCode, 0);
  EXPECT_TRUE(exists("program"));
}
