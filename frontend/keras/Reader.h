// Keras's JSON to the syntax tree of Horn.
#pragma once

#include "frontend/horn/Ast.h"
#include "frontend/keras/Json.h"

#include <map>

namespace hornfels::keras {

/// What the file leaves open, from the command line. Inputs are named as in the file or as in the Horn text.
struct ReadOptions {
  std::vector<std::string> tokens;                    // --tokens: inputs of shape (None, V) read as tokens[V]
  std::map<std::string, std::vector<int64_t>> shapes; // --shape: a size for each axis that is null
};

/// A model of `file`, which holds the JSON of `to_json()` of Keras 3 or Keras 2. Every node of the tree has
/// its place in the JSON. What cannot be read is reported, all of it; the tree is empty then. `optionError`
/// is set where an option names an input that the model has not.
struct KerasModel {
  Json root;
  frontend::SyntaxFile syntax;
  std::string optionError;
};
KerasModel readKeras(frontend::FileId file, const ReadOptions &options,
                     const frontend::SourceManager &sources, frontend::Diagnostics &diagnostics);

} // namespace hornfels::keras
