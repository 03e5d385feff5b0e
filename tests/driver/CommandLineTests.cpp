// Rows L01, L02, L03, L10 of the catalogue of bad input: what is wrong with a command line is named, exit 2.
#include "Tool.h"

using namespace driver_tests;

class CommandLine : public ToolTest {
protected:
  /// The tool refuses `arguments` with exit 2, nothing on standard output, and `expected` in its message.
  void refuses(const std::vector<std::string> &arguments, const std::string &expected) {
    Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exitCode, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(expected), std::string::npos)
        << "expected: " << expected << "\nfound: " << outcome.err;
  }
};

TEST_F(CommandLine, L01_no_arguments_print_the_help) {
  Outcome outcome = run({});
  EXPECT_EQ(outcome.exitCode, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("usage: hornfels COMMAND"), std::string::npos);
}

TEST_F(CommandLine, help_and_version_go_to_standard_output) {
  for (const char *spelling : {"help", "--help", "-h"}) {
    Outcome outcome = run({spelling});
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("usage: hornfels COMMAND"), std::string::npos);
  }
  Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exitCode, 0);
  EXPECT_EQ(outcome.out.compare(0, 9, "hornfels "), 0) << outcome.out;
}

TEST_F(CommandLine, L02_a_misspelled_name_is_corrected) {
  refuses({"build", "m.horn", "--outptu", "x"}, "unknown option `--outptu`; did you mean `--output`?");
  refuses({"biuld", "m.horn"}, "unknown command `biuld`; did you mean `build`?");
  refuses({"build", "m.horn", "--real=f23"}, "did you mean `f32`?");
  refuses({"emit", "m.horn", "--emit=shedule"}, "did you mean `schedule`?");
  refuses({"help", "dnse"}, "did you mean `dense`?");
}

TEST_F(CommandLine, L02_a_name_near_nothing_is_only_named) {
  Outcome outcome = run({"build", "m.horn", "--quux"});
  EXPECT_EQ(outcome.exitCode, 2);
  EXPECT_NE(outcome.err.find("unknown option `--quux`"), std::string::npos);
  EXPECT_EQ(outcome.err.find("did you mean"), std::string::npos);
}

TEST_F(CommandLine, L03_a_missing_value) {
  refuses({"build", "m.horn", "-o"}, "option `-o` needs a value: PATH");
  refuses({"build", "m.horn", "--output"}, "option `--output` needs a value: PATH");
  refuses({"build", "m.horn", "--output="}, "option `--output` needs a value: PATH");
}

TEST_F(CommandLine, L03_a_repeated_option) {
  refuses({"build", "m.horn", "-o", "a", "--output=b"}, "option `--output` is given twice");
  refuses({"build", "m.horn", "--force", "--force"}, "option `--force` is given twice");
}

TEST_F(CommandLine, L03_a_value_for_a_flag) {
  refuses({"build", "m.horn", "--force=yes"}, "option `--force` takes no value, found `yes`");
}

TEST_F(CommandLine, L03_a_value_outside_its_list) {
  refuses({"build", "m.horn", "--fuse=some"}, "option `--fuse` takes all|none, found `some`");
  refuses({"emit", "m.horn", "--emit=nothing"}, "found `nothing`");
}

TEST_F(CommandLine, options_of_another_command) {
  refuses({"check", "m.horn", "-o", "x"}, "`check` takes no option `--output`");
  refuses({"emit", "m.horn"}, "`emit` needs `--output DIR`");
}

TEST_F(CommandLine, what_a_later_version_has_is_named) {
  refuses({"import", "m.keras"}, "`import` takes a model of Keras, in a file called *.json");
  refuses({"build", "m.horn", "--tokens", "x"}, "are for models of Keras");
  refuses({"build", "m.json", "--shape", "x=0"}, "option `--shape` takes INPUT=N");
  refuses({"data"}, "`data` needs the name of a data set: imdb, reuters, boston or mnist");
  refuses({"data", "imdb", "mnist"}, "`data` takes one name, found 2: the second is `mnist`");
  refuses({"data", "imdb", "--force"}, "`data` takes no option `--force`");
  refuses({"build", "m.horn", "--target=cuda", "--gemm=cublaslt"}, "option `--gemm`: cublaslt is not in this version");
  refuses({"build", "m.horn", "--real=bf16"}, "bf16 is not in this version");
}

TEST_F(CommandLine, options_of_one_target) {
  refuses({"build", "m.horn", "--arch=sm_80"}, "option `--arch` is for `--target=cuda`");
  refuses({"emit", "m.horn", "-o", "x", "--target=cpu", "--math=tf32"}, "option `--math` is for `--target=cuda`");
  refuses({"build", "m.horn", "--gemm=own"}, "option `--gemm` is for `--target=cuda`");
  refuses({"build", "m.horn", "--laps"}, "option `--laps` is for `--target=cuda`");
  refuses({"build", "m.horn", "--target=cuda", "--cpu=native"}, "option `--cpu` is for `--target=cpu`");
  refuses({"run", "--target=cuda", "--lazy-rows=never", "m.horn"}, "option `--lazy-rows` is for `--target=cpu`");
  refuses({"build", "m.horn", "--target=gpu"}, "option `--target` takes cpu|cuda, found `gpu`");
  refuses({"build", "m.horn", "--target=cuda", "--math=tf32", "--real=f64"}, "option `--math=tf32` is for `--real=f32`");
}

TEST_F(CommandLine, architectures_of_devices) {
  auto refusesArchitecture = [&](const std::string &value, const std::string &what) {
    refuses({"build", "m.horn", "--target=cuda", "--arch=" + value}, what);
  };
  refusesArchitecture("sm_70", "option `--arch`: `sm_70` is below sm_75, the toolkit's floor");
  refusesArchitecture("sm_80,sm_9O", "found `sm_9O`; did you mean `sm_90`?");
  refusesArchitecture("sm_80,,sm_90", "option `--arch` takes names like sm_80 or sm_90a with commas between them, found ``");
  refusesArchitecture("sm_80,sm_90,sm_80", "option `--arch` has sm_80 twice");
  refusesArchitecture("80", "found `80`");
  refusesArchitecture("sm_99999999999999999999", "found `sm_99999999999999999999`");
  refusesArchitecture("sm_90\n", "found `sm_90\\x0a`");
}

TEST_F(CommandLine, L10_one_model_at_a_time) {
  std::vector<std::string> arguments{"check"};
  for (int i = 0; i < 10000; ++i)
    arguments.push_back("model" + std::to_string(i) + ".horn");
  refuses(arguments, "`check` takes one model, found 10000: the second is `model1.horn`");
  refuses({"check", "a.horn", "a.horn"}, "`check` takes one model, found 2");
  refuses({"check"}, "`check` needs a model");
  refuses({"check", ""}, "the name of the model is empty");
}

TEST_F(CommandLine, L07_hostile_arguments_are_quoted) {
  refuses({"build", "m.horn", "--x\ny"}, "unknown option `--x\\x0ay`");
  refuses({"build", "-m.horn"}, "unknown option `-m.horn`; a file of that name is given as `./-m.horn`");
  refuses({"build", "m.horn", "--\xff"}, "unknown option `--\\xff`");
}
