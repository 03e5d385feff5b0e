// The models of this program.
#pragma once

#include "runtime/core/abi.h"

#include <ostream>
#include <string>
#include <vector>

/// The same model for the CPU and for CUDA.
struct Pair {
  const hornfels_model *cpu, *device;
};

struct Model {
  std::string name;
  Pair own;     ///< with its own optimizer
  Pair descent; ///< plain descent at rate 1
};

inline void PrintTo(const Model &model, std::ostream *out) { *out << model.name; }

extern const std::vector<Model> all_models;
