// The functions that convolutions, pooling and embeddings are written with.
#pragma once

#include "frontend/horn/Builtins.h"

namespace hornfels::frontend {

/// windows, window_max, window_sum, per_axis, embed, take: each one operation of the dialect, or a few.
std::vector<Builtin> windowBuiltins();

} // namespace hornfels::frontend
