// Syntax tree to Horn text.
#pragma once

#include "frontend/horn/Ast.h"

#include <string>

namespace hornfels::frontend {

/// The file as Horn source, formatted: four spaces of indentation, long pipes one stage a line, parentheses
/// only where precedence needs them. Parsing it gives the same tree, but for ranges.
std::string printHorn(const SyntaxFile &file);
std::string printHorn(const Definition &definition);
std::string printHorn(const Expr &expression);
std::string printHorn(const TypeExpr &type);

} // namespace hornfels::frontend
