// A picture of a model: its layers as boxes, what they are called on as arrows.
#pragma once

#include "frontend/driver/Summary.h"

#include <string>

namespace hornfels::driver {

/// An SVG, from the inputs at the top to the last layers at the bottom: each layer below all that it reads, once,
/// however often it is called. Colours follow the reader's light or dark setting.
std::string renderGraph(const ModelSummary &model);

} // namespace hornfels::driver
