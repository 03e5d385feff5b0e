// What most tests here begin with: a text, parsed.
#pragma once

#include "frontend/horn/Ast.h"
#include "frontend/horn/Diagnostics.h"
#include "frontend/horn/Parser.h"
#include "frontend/horn/Printer.h"

#include <gtest/gtest.h>

#include <string>

namespace hornfels::frontend {

struct Parsed {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  FileId file;
  SyntaxFile syntax;

  explicit Parsed(std::string text)
      : file(sources.add("t.horn", std::move(text))), syntax(parseHorn(file, sources, diagnostics)) {}

  /// The lines that name an error: "t.horn:1:2: error: ...".
  std::vector<std::string> errors() const {
    std::vector<std::string> out;
    for (const Diagnostic &diagnostic : diagnostics.all())
      out.push_back(sources.positionText(diagnostic.range) + ": " + diagnostic.text);
    return out;
  }
  std::string firstError() const { return diagnostics.all().empty() ? "" : errors().front(); }
  std::string report() const { return diagnostics.render(); }
};

/// A body of a function that holds `statements`.
inline Parsed body(const std::string &statements) { return Parsed("fn f(x) {\n" + statements + "\n}\n"); }

/// One expression, as the parser grouped it: every operation in parentheses.
inline std::string grouped(const Expr &e) {
  if (const auto *binary = as<BinaryExpr>(&e))
    return "(" + grouped(*binary->left) + " " + spelling(binary->op) + " " + grouped(*binary->right) + ")";
  if (const auto *unary = as<UnaryExpr>(&e))
    return std::string("(") + spelling(unary->op) + " " + grouped(*unary->operand) + ")";
  if (const auto *pipe = as<PipeExpr>(&e)) {
    std::string out = "(" + grouped(*pipe->input);
    for (const ExprPtr &stage : pipe->stages)
      out += " |> " + grouped(*stage);
    return out + ")";
  }
  return printHorn(e);
}

/// `y = text` in a body, grouped; or the first error.
inline std::string groupedText(const std::string &text) {
  Parsed parsed = body("y = " + text);
  if (parsed.diagnostics.hasErrors())
    return parsed.firstError();
  return grouped(*as<BindStmt>(parsed.syntax.definitions.at(0)->body.statements.at(0))->value);
}

} // namespace hornfels::frontend
