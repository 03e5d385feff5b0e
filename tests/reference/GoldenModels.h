// The generated models that a test program holds, by name.
#pragma once

#include "runtime/core/abi.h"

#include <map>
#include <string>

extern const std::map<std::string, const hornfels_model *> golden_models;
