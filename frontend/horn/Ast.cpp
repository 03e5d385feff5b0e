#include "frontend/horn/Ast.h"

namespace hornfels::frontend {

const char *spelling(BinaryOp op) {
  static constexpr const char *words[] = {
      "or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "//", "%", "**"};
  return words[static_cast<int>(op)];
}

const char *spelling(UnaryOp op) { return op == UnaryOp::Negate ? "-" : "not"; }

const char *spelling(ElementType type) {
  static constexpr const char *words[] = {"real", "f32", "f64", "bf16", "f16", "i32", "i64", "u8", "bool"};
  return words[static_cast<int>(type)];
}

const char *spelling(TypeKind kind) {
  static constexpr const char *words[] = {"int",  "float", "bool",     "string", "shape",
                                          "list", "layer", "function", "tensor", "tokens"};
  return words[static_cast<int>(kind)];
}

const char *spelling(DefinitionKind kind) {
  static constexpr const char *words[] = {"model", "train", "layer", "fn", "optimizer", "metric"};
  return words[static_cast<int>(kind)];
}

} // namespace hornfels::frontend
