// A text read as Keras's JSON.
#pragma once

#include "frontend/horn/Parser.h"
#include "frontend/horn/Printer.h"
#include "frontend/keras/Reader.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace keras_tests {

using namespace hornfels::frontend;
using namespace hornfels::keras;

struct Reading {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  KerasModel model;

  explicit Reading(std::string json, const ReadOptions &options = {})
      : model(readKeras(sources.add("m.json", std::move(json)), options, sources, diagnostics)) {}

  std::string horn() const { return printHorn(model.syntax); }
  std::string report() const { return diagnostics.render(1000); }

  /// "1:20 config.layers[0]: dense: ..." of each error
  std::vector<std::string> errors() const {
    std::vector<std::string> lines;
    for (const Diagnostic &each : diagnostics.all()) {
      Position place = sources.position(each.range);
      lines.push_back(std::to_string(place.line) + ":" + std::to_string(place.column) + " " +
                      jsonPath(model.root, each.range.begin) + ": " + each.text);
    }
    return lines;
  }
};

inline std::string textOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file.good() || file.eof()) << path;
  return text.str();
}

/// A Sequential of Keras 3 with these layers, separated by commas.
inline std::string sequential(const std::string &layers, const std::string &more = "") {
  return R"({"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [
{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}},
)" + layers +
         "]}" + more + "}";
}

inline std::string dense(const std::string &more = "", const std::string &name = "dense") {
  return R"({"module": "keras.layers", "class_name": "Dense", "config": {"name": ")" + name +
         R"(", "units": 3)" + (more.empty() ? "" : ", " + more) + "}}";
}

} // namespace keras_tests
