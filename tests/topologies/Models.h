// The generated models that the test program holds.
#pragma once

#include "runtime/core/abi.h"

#include <string>
#include <vector>

/// One model, from Horn and from Keras's JSON.
struct Forms {
  std::string name;
  const hornfels_model *horn, *keras;
};
extern const std::vector<Forms> topologies;
