// From a model file to its description and its generated sources: the one door to the compiler behind the
// tool.
#pragma once

#include "frontend/driver/Files.h"
#include "frontend/driver/Memory.h"
#include "frontend/driver/Summary.h"
#include "frontend/keras/Reader.h"

#include <functional>
#include <string>
#include <vector>

namespace hornfels::driver {

/// What to compile, and how.
struct CompileRequest {
  std::string path;      // the model's file
  std::string modelName; // --model; empty: the one with a `train` block, else the only one
  std::vector<std::string> includeDirectories;
  keras::ReadOptions keras; // --tokens, --shape
  bool realIsF64 = false;
  bool lossClip = false;
  bool onlyPredict = false;
  bool fuse = true;
  bool lazyRows = true;
  bool laps = false;          // a program for `bench`, which takes the time of each kernel
  std::string cpu = "native"; // native, x86-64-v3, x86-64-v4, armv8
  std::vector<std::string> architectures; // of --target=cuda: sm_80, sm_90; empty: the target is the CPU
  std::string math = "fp32";              // of --target=cuda: fp32, tf32, bf16
  bool keepStages = false;    // --dump, --emit
  std::string lastStage;      // --emit: stop after it
  std::string embeddedWeights; // --embed-weights: a file
};

/// One stage of a compilation, as text.
struct Stage {
  std::string name; // "import", "elaborate", "simplify", ...
  std::string text;
  bool changed = true; // against the stage before it
};

/// A compiled model. Where `hasErrors` is true only `messages` means something.
struct Compilation {
  std::string messages; // errors and warnings, each with its place, for standard error
  bool hasErrors = false;
  std::string modelName;                   // as generated names have it
  std::vector<GeneratedFile> files;        // the project: sources, header, CMakeLists.txt, runtime
  std::vector<std::string> programSources; // those of the files that a program is compiled from
  std::vector<Stage> stages;               // with keepStages
  std::string cpu;                         // the target: what "native" is here
  std::vector<std::string> architectures;  // of --target=cuda; empty: the target is the CPU
  bool countsHeapCalls = false;            // the program is to be linked so
};

/// The names that --emit takes, in order.
const std::vector<std::string> &stageNames();

/// All errors and warnings of a file, for every model in it, or for the one named. Throws
/// Failure{SystemFailed} when the file cannot be read.
Compilation checkModel(const CompileRequest &request);

/// A model of Keras as Horn source, the only stage of the result.
Compilation importModel(const CompileRequest &request);

/// Fills `summary` from the elaborated model.
Compilation summarizeModel(const CompileRequest &request, ModelSummary &summary);

/// Fills `memory` from the plan of the compiled steps, for this machine's vectors. The model must be right: a stage that
/// fails is an error of ours.
void measureMemory(const CompileRequest &request, MemorySummary &memory);

/// The whole way to sources. A stage that fails is an error of ours: Failure{SystemFailed} names it.
Compilation compileModel(const CompileRequest &request);

} // namespace hornfels::driver
