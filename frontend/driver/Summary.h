// Keras's table of a model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hornfels::driver {

struct SummaryRow {
  std::string name;  // "dense_1"
  std::string kind;  // "dense"; "input" for an input of the model
  std::string shape; // "(None, 16)"
  int64_t parameters = 0;
  std::vector<std::string> inputs; // names of what its calls read, one call after another
  std::vector<int64_t> calls = {}; // for each, which call of that layer it comes from; none: the first
};

struct ModelSummary {
  std::string name;
  std::vector<SummaryRow> inputs; // shown only where the model is not a plain chain of layers
  std::vector<SummaryRow> layers;
  int64_t trainable = 0, nonTrainable = 0; // numbers
  int64_t trainableBytes = 0, nonTrainableBytes = 0;
};

/// The table as Keras prints it on a terminal of 80 columns, footer included.
std::string renderSummary(const ModelSummary &model);

/// "160,305"
std::string withCommas(int64_t number);

/// "626.19 KB", as Keras writes it.
std::string readableBytes(int64_t bytes);

/// Keras's class name of a kind of layer: "max_pooling2d" is "MaxPooling2D".
std::string className(const std::string &kind);

} // namespace hornfels::driver
