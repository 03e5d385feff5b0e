// The functions that layers of layers are written with.
#pragma once

#include "frontend/horn/Builtins.h"

namespace hornfels::frontend {

/// setting, begins_with, acts, weight_of.
std::vector<Builtin> layerBuiltins();

} // namespace hornfels::frontend
