// Horn text to syntax tree.
#pragma once

#include "frontend/horn/Ast.h"
#include "frontend/horn/Diagnostics.h"

namespace hornfels::frontend {

/// Parses one source of the source manager. Goes on after an error at the next statement or definition; what
/// could not be read is left out of the tree.
SyntaxFile parseHorn(FileId file, const SourceManager &sources, Diagnostics &diagnostics);

} // namespace hornfels::frontend
