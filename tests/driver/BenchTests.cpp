// `bench`: the four programs built and run, what is printed, and what is refused.
#include "Tool.h"
#include "WellFormed.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

using namespace driver_tests;
using Json = nlohmann::json;

class Bench : public ToolTest {
protected:
  void SetUp() override {
    ToolTest::SetUp();
    patient.seconds = 100; // four compilations and twenty runs, on a machine that may have other work
    patient.environment["XDG_CACHE_HOME"] = path("cache");
    std::filesystem::create_directory(path("cache"));
  }

  /// Of a step for a device: what it launches.
  std::vector<std::string> launchesOf(const std::string &fuse, const std::string &step) {
    EXPECT_EQ(run({"emit", "tiny.horn", "-o", "device" + fuse, "--fuse=" + fuse, "--target=cuda"}).exitCode, 0);
    std::string source = read("device" + fuse + "/tiny.cu");
    size_t begin = source.find("static void " + step + "(const device_step &s, cudaStream_t stream) {");
    std::string body = source.substr(begin, source.find("\n}\n", begin) - begin);
    std::vector<std::string> launches;
    static const std::regex launch("launch\\(stream, ([a-z0-9_]+)");
    for (auto it = std::sregex_iterator(body.begin(), body.end(), launch); it != std::sregex_iterator(); ++it)
      launches.push_back((*it)[1]);
    return launches;
  }

  /// The kernels that a step of the emitted sources calls, in order.
  std::vector<std::string> callsOf(const std::string &fuse, const std::string &step) {
    EXPECT_EQ(run({"emit", model, "-o", "sources" + fuse, "--fuse=" + fuse, "--cpu=native"}).exitCode, 0);
    std::string source = read("sources" + fuse + "/imdb.cpp");
    size_t begin = source.find("static void " + step + "(const step &s) {");
    std::string body = source.substr(begin, source.find("\n}\n", begin) - begin);
    std::vector<std::string> calls;
    static const std::regex call("\n +([a-z0-9_]+)\\(");
    for (auto it = std::sregex_iterator(body.begin(), body.end(), call); it != std::sregex_iterator(); ++it)
      if ((*it)[1] != "parallel")
        calls.push_back((*it)[1]);
    return calls;
  }

  Setting patient;
  const std::string model = HORNFELS_MODELS "/imdb.horn";
};

static std::vector<std::string> namesOf(const Json &side) {
  std::vector<std::string> names;
  for (const Json &kernel : side["kernels"])
    names.push_back(kernel["name"]);
  return names;
}

static void expectSide(const Json &side) {
  EXPECT_EQ(side["heap_allocations"], 0);
  EXPECT_GT(side["step_us"]["min"], 0);
  EXPECT_LE(side["step_us"]["min"], side["step_us"]["median"]);
  double shares = 0;
  for (const Json &kernel : side["kernels"]) {
    EXPECT_GE(kernel["us"], 0);
    EXPECT_GT(kernel["bytes_touched"], 0) << kernel;
    EXPECT_TRUE(kernel["limit"] == "FMA" || kernel["limit"] == "L1" || kernel["limit"] == "L2" ||
                kernel["limit"] == "L3" || kernel["limit"] == "memory")
        << kernel;
    shares += kernel["share"].get<double>();
  }
  EXPECT_NEAR(shares, 1, 1e-4);
}

TEST_F(Bench, measures_kernels_steps_and_machine) {
  std::vector<std::string> arguments = {"bench",      model,    "--seconds", "0.1",
                                        "--batch=16", "--json", "--plot",    "p.svg"};
  Outcome outcome = run(arguments, patient);
  ASSERT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["model"], "imdb");
  EXPECT_EQ(json["step"], "train");
  EXPECT_EQ(json["batch"], 16);
  EXPECT_GT(json["ratio"], 0);
  for (const char *peak : {"f32_gflops", "f64_gflops", "l1_gb_s", "l2_gb_s", "l3_gb_s", "memory_gb_s"})
    EXPECT_GT(json["machine"]["one_thread"][peak], 0) << peak;
  expectSide(json["fused"]);
  expectSide(json["unfused"]);
  // Of the two updates of the table, a step of 16 reviews runs the one of their rows alone.
  std::vector<std::string> calls = callsOf("all", "train_step");
  EXPECT_EQ(std::erase(calls, "dense_kernel_update"), 1u);
  EXPECT_EQ(namesOf(json["fused"]), calls);
  EXPECT_EQ(namesOf(json["unfused"]), callsOf("none", "train_step"));
  EXPECT_EQ(xmlError(read("p.svg")), "");
  EXPECT_EQ(entries(temporary).size(), 0u) << "nothing is left behind";

  // Again, from the cache, as a table; our own picture is replaced.
  arguments = {"bench",          model,         "--seconds=0.1", "--batch=16",
               "--step=predict", "--threads=2", "--plot=p.svg"};
  outcome = run(arguments, patient);
  ASSERT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("Model: \"imdb\"\n predict step, batch of 16, 2 threads, ", 0), 0u)
      << outcome.out;
  for (const char *part :
       {"Fused kernels", "│ dense_forward ", "Unfused kernels", "Whole step", " 2 threads "})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  EXPECT_EQ(entries(path("cache/hornfels")).size(), 4u);
}

/// The device is this processor: times say nothing, but everything else is as it is on one.
TEST_F(Bench, measures_a_model_on_a_device) {
  writeModel();
  patient.environment["CUDACXX"] = HORNFELS_MODELS "/../tests/device/nvcc_on_cpu.sh";
  patient.environment["HORNFELS_DEVICE_MULTIPROCESSORS"] = "1";
  patient.environment["HORNFELS_DEVICE_MEMORY"] = std::to_string(64 << 20);
  std::vector<std::string> arguments = {"bench", "tiny.horn", "--target=cuda", "--seconds=0.01", "--batch=5"};
  arguments.insert(arguments.end(), {"--json", "--plot=p.svg", "--arch=sm_80"});
  Outcome outcome = run(arguments, patient);
  ASSERT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["step"], "train");
  EXPECT_EQ(json["batch"], 5);
  EXPECT_EQ(json["architectures"], "sm_80");
  EXPECT_EQ(json["math"], "fp32");
  EXPECT_EQ(json["machine"]["device"], "CUDA on the CPU");
  EXPECT_EQ(json["machine"]["multiprocessors"], 1);
  for (const char *peak : {"f32_gflops", "f64_gflops", "l2_gb_s", "memory_gb_s"})
    EXPECT_GT(json["machine"]["peaks"][peak], 0) << peak;
  EXPECT_TRUE(json["machine"]["peaks"]["tf32_gflops"].is_null()) << "nobody asked";
  EXPECT_GT(json["ratio"], 0);
  for (const char *side : {"fused", "unfused"}) {
    EXPECT_GT(json[side]["step_us"]["median"], 0);
    EXPECT_GT(json[side]["call_us"], 0);
    for (const Json &kernel : json[side]["kernels"]) {
      EXPECT_GT(kernel["bytes_touched"], 0) << kernel;
      EXPECT_TRUE(kernel["limit"] == "FMA" || kernel["limit"] == "L2" || kernel["limit"] == "memory") << kernel;
    }
  }
  // Few samples are one launch, more of them a list: this step is either, fused and not.
  for (auto [side, fuse] : {std::pair("fused", "all"), std::pair("unfused", "none")}) {
    std::vector<std::string> launches = launchesOf(fuse, "train_step");
    if (json[side]["kernels"].size() == 1)
      launches.resize(1);
    else if (launches.front() == "train_step_in_one_block")
      launches.erase(launches.begin());
    EXPECT_EQ(namesOf(json[side]), launches);
  }
  EXPECT_EQ(xmlError(read("p.svg")), "");
  EXPECT_EQ(entries(path("cache/hornfels")).size(), 2u);

  outcome = run({"bench", "tiny.horn", "--target=cuda", "--seconds=0.01", "--arch=sm_80", "--step=predict"}, patient);
  ASSERT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("Model: \"tiny\"\n predict step, batch of 32, CUDA graph, fp32, sm_80, synthetic data\n CUDA on the CPU, sm_90, 1 ", 0), 0u)
      << outcome.out;
  for (const char *part : {"Fused kernels", "Unfused kernels", "Whole step", "called, data sent"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  EXPECT_EQ(outcome.out.find("heap"), std::string::npos);
  EXPECT_EQ(entries(path("cache/hornfels")).size(), 2u) << "the programs are those of before";

  patient.environment["HORNFELS_DEVICE_COUNT"] = "0";
  outcome = run({"bench", "tiny.horn", "--target=cuda", "--arch=sm_80"}, patient);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("needs a CUDA device of sm_80 or later, this machine has none"), std::string::npos) << outcome.err;
}

TEST_F(Bench, what_is_wrong_with_the_command_line_is_named) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--batch=0"}, "option `--batch` takes a whole number above 0, found `0`"},
      {{"--threads", "65"}, "option `--threads` takes a whole number from 1 to 64, found `65`"},
      {{"--seconds=-1"}, "option `--seconds` takes a number of seconds, 0.001 to 86400, found `-1`"},
      {{"--seconds=nan"}, "option `--seconds` takes a number of seconds, 0.001 to 86400, found `nan`"},
      {{"--step=fit"}, "option `--step` takes train|evaluate|predict, found `fit`"},
      {{"--fuse=none"}, "`bench` takes no option `--fuse`"},
      {{"--validation=3"}, "`--validation` holds out rows of `--data FILE`"},
      {{"--json=1"}, "option `--json` takes no value"},
      {{"--target=cuda", "--threads=2"}, "option `--threads` is for `--target=cpu`"},
      {{"--math=tf32"}, "option `--math` is for `--target=cuda`"},
  };
  for (const auto &[options, message] : cases) {
    std::vector<std::string> arguments = {"bench", model};
    arguments.insert(arguments.end(), options.begin(), options.end());
    Outcome outcome = run(arguments, patient);
    EXPECT_EQ(outcome.exitCode, 2) << message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(message), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(run({"build", model, "--json"}).exitCode, 2);
}

TEST_F(Bench, a_stranger_s_file_is_not_replaced) {
  write("mine.svg", "<svg/>");
  Outcome outcome = run({"bench", model, "--plot", "mine.svg"}, patient);
  EXPECT_EQ(outcome.exitCode, 2) << outcome.err;
  EXPECT_EQ(read("mine.svg"), "<svg/>");
  EXPECT_EQ(run({"bench", model, "--plot", "no/where.svg"}, patient).exitCode, 3);
}

TEST_F(Bench, an_error_in_the_model_is_shown_once) {
  write("bad.horn", "model bad(x: f32[3]) -> y {\n    y = x |> dense(nothing)\n}\n");
  Outcome outcome = run({"bench", "bad.horn"}, patient);
  EXPECT_EQ(outcome.exitCode, 1);
  size_t first = outcome.err.find("bad.horn:2:");
  EXPECT_NE(first, std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("error:", outcome.err.find("error:", first) + 1), std::string::npos)
      << outcome.err;
}

/// The programs are stand-ins that take no time: what they say and how they end goes to the user.
TEST_F(Bench, a_program_that_fails_ends_the_bench) {
  writeModel();
  patient.environment["CXX"] = fakeCompiler(making("tiny: error: no such row"));
  Outcome outcome = run({"bench", "tiny.horn"}, patient);
  EXPECT_EQ(outcome.exitCode, 7);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("tiny: error: no such row bench --json --seconds="), std::string::npos)
      << outcome.err;

  patient.environment["CXX"] =
      fakeCompiler("printf '#!/bin/sh\\necho nothing to say\\nexit 0\\n' > \"$output\"; chmod +x \"$output\" # quiet");
  patient.environment["XDG_CACHE_HOME"] = temporary;
  outcome = run({"bench", "tiny.horn"}, patient);
  EXPECT_EQ(outcome.exitCode, 3);
  EXPECT_NE(outcome.err.find("a program printed no figures"), std::string::npos) << outcome.err;
}
