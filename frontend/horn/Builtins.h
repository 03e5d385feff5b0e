// The functions that are operations of the dialect, or that answer questions about values. One table lists
// them.
#pragma once

#include "frontend/horn/Value.h"

#include <functional>

namespace hornfels::frontend {

class Interpreter;
struct CallArgument;

/// A call of a builtin: its arguments in the order of its parameters, defaults filled in.
struct BuiltinCall {
  Interpreter &interpreter;
  std::vector<Value> arguments;
  std::vector<SourceRange> places; // of each argument
  SourceRange range;               // the call
  const Expr *node = nullptr;      // its place in the text
};

struct Builtin {
  struct Parameter {
    std::string name;
    std::optional<Value> defaultValue;
  };
  std::string name;
  std::vector<Parameter> parameters;
  std::function<Value(BuiltinCall &)> run;
  /// Instead of `run`: takes the arguments as they are written.
  std::function<Value(BuiltinCall &, const std::vector<CallArgument> &)> runRaw;
};

/// The builtin of that name, or null.
const Builtin *findBuiltin(std::string_view name);
std::vector<std::string_view> builtinNames();

} // namespace hornfels::frontend
