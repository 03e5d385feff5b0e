// A model written as MLIR text: what the elaborator would hand to the pipeline, made without a model file.
#ifndef HORNFELS_TESTS_NUMERIC_MODELTEXT_H
#define HORNFELS_TESTS_NUMERIC_MODELTEXT_H

#include <cstdint>
#include <string>
#include <vector>

namespace hornfels::tests {

/// An argument or a result of a step: `name` is its SSA name without the %, `type` its MLIR type, `role` its
/// horn.role.
struct Tensor {
  std::string name, type, role;
};

/// The four step functions by their bodies (without `return`) and what they return.
struct ModelText {
  std::string name, real = "f32";
  std::vector<Tensor> inputs, targets, outputs, variables;
  std::vector<std::string> metrics;
  /// Values returned by @initialize, one for each variable, by SSA name.
  std::string initialize;
  std::vector<std::string> firstValues;
  std::string predict;
  std::vector<std::string> predicted; // one for each output
  std::string train;                  // empty: no @train_step
  std::vector<std::string> values;    // one for each metric
  std::string evaluate;               // empty: no @evaluate_step
  std::vector<std::string> evaluated; // one for each metric
  struct Update {
    std::string variable, value;
  };
  std::vector<Update> updates;
  /// What kernels are cut for: at kLargeBatch all that can be shared among threads are, sums over the batch too.
  int64_t batchSize = 32;
  static constexpr int64_t kLargeBatch = int64_t(1) << 24;

  std::string print() const;
};

/// One setting of the compiler.
struct Setting {
  bool fuse = true;
  std::string cpu; ///< x86-64-v4, ...; "cuda": CUDA, for any device
  bool isDevice() const { return cpu == "cuda"; }
};

/// The target of this processor: x86-64-v4, x86-64-v3, x86-64 or armv8.
std::string hostCpu();

/// Compiles a model and writes DIRECTORY/NAME.mlir, what went in, NAME.h and NAME.cpp or NAME.cu. False, with the reason
/// on stderr, when a stage fails.
bool writeModel(const ModelText &model, const Setting &setting, const std::string &directory);

} // namespace hornfels::tests

#endif
