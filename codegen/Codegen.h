// From scheduled kernels to the sources of a model.
#ifndef HORNFELS_CODEGEN_CODEGEN_H
#define HORNFELS_CODEGEN_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <string>
#include <vector>

namespace hornfels {

struct CodegenOptions {
  /// cpu or cuda.
  std::string target = "cpu";
  /// Of cuda: what nvcc compiles for, "sm_80", "sm_90a", and what products are computed in: fp32, tf32, bf16.
  std::vector<std::string> architectures;
  std::string math = "fp32";
  /// x86-64-v4, x86-64-v3, x86-64 or armv8: what the kernels are printed for.
  std::string cpu = "x86-64-v3";
  std::string version = "0";
  /// The time is taken after each kernel, for `hornfels bench`: the model also exports NAME_laps (runtime/core/lap.h).
  bool laps = false;
};

/// Width of the vector registers of a target in bytes; 0: no such target.
int64_t vectorBytesOf(llvm::StringRef cpu);
/// How many vector registers a target has; 0: no such target.
int64_t registersOf(llvm::StringRef cpu);
/// Options of the C++ compiler for a target: "-march=x86-64-v4".
std::string compilerFlagsOf(llvm::StringRef cpu);

/// A file to write, with its path in the output directory.
struct SourceFile {
  std::string path;
  std::string text;
};

struct GeneratedModel {
  /// The model's name as C++ has it; files and functions begin with it.
  std::string name;
  /// NAME.h, NAME.cpp: what another program embeds, over runtime/core.
  SourceFile header, source;
  /// NAME.hpp: a class over NAME.h.
  SourceFile cppHeader;
  /// main.cpp: names the model for the training program of runtime/program.
  SourceFile main;
  /// CMakeLists.txt: the library NAME, and the program NAME_program where it is the top project.
  SourceFile cmake;
};

/// Prints a module that has gone through runPipeline. Fails, with a diagnostic, on what has no spelling in C++.
mlir::FailureOr<GeneratedModel> generateModel(mlir::ModuleOp module, const CodegenOptions &options);

/// The runtime's own sources, as `emit` writes them: runtime/core/..., runtime/program/..., of cuda runtime/device/...
const std::vector<SourceFile> &runtimeSources();

} // namespace hornfels

#endif
