// The generated models of this program, by name.
#pragma once

#include "runtime/core/abi.h"

#include <map>
#include <string>

extern const std::map<std::string, const hornfels_model *> generated_models;
