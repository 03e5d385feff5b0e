// The generated models that the test program holds, by name.
#pragma once

#include "runtime/core/abi.h"

#include <map>
#include <string>

extern const std::map<std::string, const hornfels_model *> trajectory_models;
