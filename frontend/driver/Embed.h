// Weights that become a part of the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hornfels::driver {

/// A variable of the model, in the order of its interface.
struct EmbeddedVariable {
  std::string name; // "dense/kernel"
  std::vector<int64_t> shape;
  char kind = 'f';     // of its elements: f, i, b
  size_t width = 4;    // bytes of an element
  bool isSaved = true; // weights and states; others may be in the file and are left out
};

/// The bytes of all saved variables, row by row, each from a multiple of 64 bytes on: what the program reads
/// back in the same order. f32 is taken for f64. Throws Failure: WrongInput for a file that does not fit the
/// model, with both shapes; SystemFailed for one that cannot be read.
std::string embeddedWeights(const std::string &path, const std::vector<EmbeddedVariable> &variables);

/// What a model NAME with weights has in addition.
struct EmbeddingFiles {
  std::string header; // NAME_weights.h: NAME_load_embedded(), for other programs
  std::string source; // NAME_weights.cpp: the bytes of NAME_weights.bin, which lies beside it
  std::string main;   // for the end of main.cpp: the training program finds them
  std::string cmake;  // for the end of CMakeLists.txt
};
EmbeddingFiles embeddingFiles(const std::string &name);

} // namespace hornfels::driver
