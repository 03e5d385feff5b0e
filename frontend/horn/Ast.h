// The syntax tree of Horn. Readers build it (from Horn text, from Keras's JSON), the elaborator runs it.
//
// Nodes are plain structs with a kind, a source range and owned children; `as<T>(node)` is the checked
// downcast. The height of any tree is bounded by limits::nesting and limits::expressionHeight, so recursion
// over it is safe.
#pragma once

#include "frontend/horn/Source.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hornfels::frontend {

/// An identifier where it is written.
struct Name {
  std::string text;
  SourceRange range;
};

//===--------------------------------------------------------------------===//
// Expressions
//===--------------------------------------------------------------------===//

enum class ExprKind : uint8_t {
  Integer,
  Float,
  String,
  Bool,
  None,
  Name,
  List,
  Dictionary,
  Tuple,
  Unary,
  Binary,
  Pipe,
  Call,
  Index,
  Range,
};

struct Expr {
  const ExprKind kind;
  uint16_t height = 1; // of the tree below; the parser keeps it within limits::expressionHeight
  SourceRange range;

  virtual ~Expr() = default;
  Expr(const Expr &) = delete;
  Expr &operator=(const Expr &) = delete;

protected:
  Expr(ExprKind kind, SourceRange range) : kind(kind), range(range) {}
};
using ExprPtr = std::unique_ptr<Expr>;

/// Gives a node type its kind, its constructor and the test that `as` asks.
template <typename Base, auto Kind> struct NodeOf : Base {
  static constexpr auto theKind = Kind;
  explicit NodeOf(SourceRange range = {}) : Base(Kind, range) {}
};

/// `as<CallExpr>(e)`: the node as that type, or null.
template <typename T, typename Base> const T *as(const Base *node) {
  return node && node->kind == T::theKind ? static_cast<const T *>(node) : nullptr;
}
template <typename T, typename Base> const T *as(const std::unique_ptr<Base> &node) {
  return as<T>(node.get());
}
template <typename T, typename Base> T *asMutable(const std::unique_ptr<Base> &node) {
  return node && node->kind == T::theKind ? static_cast<T *>(node.get()) : nullptr;
}

struct IntegerExpr : NodeOf<Expr, ExprKind::Integer> {
  using NodeOf::NodeOf;
  int64_t value = 0;
};

struct FloatExpr : NodeOf<Expr, ExprKind::Float> {
  using NodeOf::NodeOf;
  double value = 0; // finite
  std::string text; // as written (1e-3), empty in a tree that no Horn text was read for
};

struct StringExpr : NodeOf<Expr, ExprKind::String> {
  using NodeOf::NodeOf;
  std::string value;
};

struct BoolExpr : NodeOf<Expr, ExprKind::Bool> {
  using NodeOf::NodeOf;
  bool value = false;
};

struct NoneExpr : NodeOf<Expr, ExprKind::None> {
  using NodeOf::NodeOf;
};

struct NameExpr : NodeOf<Expr, ExprKind::Name> {
  using NodeOf::NodeOf;
  std::string name;
};

/// `[a, b, c]`
struct ListExpr : NodeOf<Expr, ExprKind::List> {
  using NodeOf::NodeOf;
  std::vector<ExprPtr> elements;
};

/// `{ same: 1.0, "a b": 2, 0: 0.5 }`: a key is a name, a string or an integer (its decimal text).
struct DictionaryEntry {
  enum class KeyKind : uint8_t { Name, String, Integer };
  KeyKind keyKind = KeyKind::Name;
  Name key;
  ExprPtr value;
};
struct DictionaryExpr : NodeOf<Expr, ExprKind::Dictionary> {
  using NodeOf::NodeOf;
  std::vector<DictionaryEntry> entries; // keys are distinct
};

/// `(a, b)`, `(a,)`, `()`, or `a, b` without parentheses after `return` and `=`.
struct TupleExpr : NodeOf<Expr, ExprKind::Tuple> {
  using NodeOf::NodeOf;
  std::vector<ExprPtr> elements;
};

enum class UnaryOp : uint8_t { Negate, Not };

struct UnaryExpr : NodeOf<Expr, ExprKind::Unary> {
  using NodeOf::NodeOf;
  UnaryOp op = UnaryOp::Negate;
  ExprPtr operand;
};

enum class BinaryOp : uint8_t {
  Or,
  And,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power,
};

/// "+", "//", "and", ... as it is written.
const char *spelling(BinaryOp op);
const char *spelling(UnaryOp op);

struct BinaryExpr : NodeOf<Expr, ExprKind::Binary> {
  using NodeOf::NodeOf;
  BinaryOp op = BinaryOp::Add;
  SourceRange opRange;
  ExprPtr left, right;
};

/// `input |> stages[0] |> stages[1]` is `stages[1](stages[0](input))`, nothing else. One node, not a chain,
/// so that long pipes are not deep. Errors about a call of a stage point at that stage.
struct PipeExpr : NodeOf<Expr, ExprKind::Pipe> {
  using NodeOf::NodeOf;
  ExprPtr input;
  std::vector<ExprPtr> stages; // at least one
};

/// `value`, `name = value` or `*value` in a call.
struct Argument {
  std::optional<Name> name;
  bool isSpread = false;
  ExprPtr value;
  SourceRange range;
};

struct CallExpr : NodeOf<Expr, ExprKind::Call> {
  using NodeOf::NodeOf;
  ExprPtr callee;
  std::vector<Argument> arguments; // positional ones first; names are distinct
  SourceRange parentheses;         // from `(` to `)`
};

/// One item of `x[..., 0:n, ::2, i]`.
struct IndexItem {
  enum class Kind : uint8_t { Value, Slice, Ellipsis };
  Kind kind = Kind::Value;
  ExprPtr value;            // Value
  ExprPtr begin, end, step; // Slice; each may be null
  SourceRange range;
};
struct IndexExpr : NodeOf<Expr, ExprKind::Index> {
  using NodeOf::NodeOf;
  ExprPtr base;
  std::vector<IndexItem> items; // at least one; at most one ellipsis
};

/// `begin..end` (without end), only after `in` of a `for`.
struct RangeExpr : NodeOf<Expr, ExprKind::Range> {
  using NodeOf::NodeOf;
  ExprPtr begin, end;
};

//===--------------------------------------------------------------------===//
// Types and parameters
//===--------------------------------------------------------------------===//

enum class TypeKind : uint8_t {
  Int,
  Float,
  Bool,
  String,
  Shape,
  List,
  Layer,
  Function, // compile-time values: a bare word
  Tensor,   // `real[..., n]`, `bool[n]`
  Tokens,   // `tokens[V]`: axes has one size
};

enum class ElementType : uint8_t { Real, F32, F64, BF16, F16, I32, I64, U8, Bool };

/// "real", "i32", ...
const char *spelling(ElementType type);
/// "int", "shape", "tokens", ...
const char *spelling(TypeKind kind);

/// `n`, `2 * units`, or `...`
struct Axis {
  bool isEllipsis = false;
  ExprPtr size; // null for `...`
  SourceRange range;
};

struct TypeExpr {
  TypeKind kind = TypeKind::Tensor;
  ElementType element = ElementType::Real; // of a Tensor
  std::vector<Axis> axes;                  // of a Tensor (at most one `...`) or Tokens
  SourceRange range;
};

struct Parameter {
  Name name;
  std::optional<TypeExpr> type;
  ExprPtr defaultValue;       // null if there is none
  bool isVariadic = false;    // `*layers`
  bool isKeywordOnly = false; // after `*layers` or after a bare `*`
  SourceRange range;
};

struct ParameterList {
  std::vector<Parameter>
      parameters;    // names are distinct within the list and across both lists of a definition
  SourceRange range; // from `(` to `)`
};

//===--------------------------------------------------------------------===//
// Statements
//===--------------------------------------------------------------------===//

enum class StmtKind : uint8_t {
  Bind,
  Assign,
  Expression,
  If,
  For,
  Return,
  Require,
  Variable,
  Definition,
  Step,
  Minimize,
  Hole,
};

struct Stmt {
  const StmtKind kind;
  SourceRange range;

  virtual ~Stmt() = default;
  Stmt(const Stmt &) = delete;
  Stmt &operator=(const Stmt &) = delete;

protected:
  Stmt(StmtKind kind, SourceRange range) : kind(kind), range(range) {}
};
using StmtPtr = std::unique_ptr<Stmt>;

struct Block {
  std::vector<StmtPtr> statements;
  SourceRange range; // from `{` to `}`
};

/// `y = e`, `h, c = e`
struct BindStmt : NodeOf<Stmt, StmtKind::Bind> {
  using NodeOf::NodeOf;
  std::vector<Name> targets; // several: the value is taken apart
  ExprPtr value;
};

/// No name of a text begins with it: it stands for what a reader of another format could not read (reported).
inline constexpr std::string_view lostName = "?";

/// Where a statement with a syntax error stood (reported): the names that it would have bound are faulty.
struct HoleStmt : NodeOf<Stmt, StmtKind::Hole> {
  using NodeOf::NodeOf;
  std::vector<Name> names;
};

/// `total := e`, of a state or a slot
struct AssignStmt : NodeOf<Stmt, StmtKind::Assign> {
  using NodeOf::NodeOf;
  Name target;
  ExprPtr value;
};

struct ExpressionStmt : NodeOf<Stmt, StmtKind::Expression> {
  using NodeOf::NodeOf;
  ExprPtr value;
};

/// `if a { } else if b { } else { }`: one node, however many branches.
struct IfStmt : NodeOf<Stmt, StmtKind::If> {
  using NodeOf::NodeOf;
  struct Branch {
    ExprPtr condition;
    Block body;
  };
  std::vector<Branch> branches; // at least one
  std::optional<Block> otherwise;
};

/// `for i in 0..n { }`, `for l in list { }`, `for a, b in pairs { }`
struct ForStmt : NodeOf<Stmt, StmtKind::For> {
  using NodeOf::NodeOf;
  std::vector<Name> targets;
  ExprPtr iterable; // a RangeExpr or a value
  Block body;
};

struct ReturnStmt : NodeOf<Stmt, StmtKind::Return> {
  using NodeOf::NodeOf;
  ExprPtr value; // never null; `return a, b` is a TupleExpr
};

struct RequireStmt : NodeOf<Stmt, StmtKind::Require> {
  using NodeOf::NodeOf;
  ExprPtr condition;
};

enum class VariableKind : uint8_t { Weight, State, Slot };

/// `weight kernel: real[n, units] = e`, `state total: real[] = 0.0`, `slot velocity = zeros`
struct VariableStmt : NodeOf<Stmt, StmtKind::Variable> {
  using NodeOf::NodeOf;
  VariableKind variable = VariableKind::Weight;
  Name name;
  std::optional<TypeExpr> type; // always there for a weight and a state; a slot without one has its weight's
  ExprPtr initial;
};

struct Definition;

/// A `fn` or `layer` inside a body.
struct DefinitionStmt : NodeOf<Stmt, StmtKind::Definition> {
  using NodeOf::NodeOf;
  std::unique_ptr<Definition> definition;
};

/// `step critic { ... }` in a train block
struct StepStmt : NodeOf<Stmt, StmtKind::Step> {
  using NodeOf::NodeOf;
  Name name;
  Block body;
};

/// `minimize e over generator, encoder` in a step
struct MinimizeStmt : NodeOf<Stmt, StmtKind::Minimize> {
  using NodeOf::NodeOf;
  ExprPtr value;
  std::vector<Name> over; // may be empty: every weight
};

//===--------------------------------------------------------------------===//
// Definitions and files
//===--------------------------------------------------------------------===//

enum class DefinitionKind : uint8_t { Model, Train, Layer, Function, Optimizer, Metric };

/// "model", "fn", ... as it is written.
const char *spelling(DefinitionKind kind);

/// What stands after `->`: in a model names (a type may follow each), elsewhere types.
struct Result {
  std::optional<Name> name;
  std::optional<TypeExpr> type;
  SourceRange range;
};

struct Definition {
  DefinitionKind kind = DefinitionKind::Model;
  Name name; // of a Train: the model it trains (or, with parameters, its own name)
  /// The first of two lists. Absent where there is one list only: nothing to configure.
  std::optional<ParameterList> configuration;
  /// What it is called on. Absent only in a Train without parameters.
  std::optional<ParameterList> call;
  std::vector<Result> results;  // empty when left out
  bool resultsAreTuple = false; // written `-> (a, b)` or `-> (a,)`
  bool keepsMask = false;       // `keeps_mask` before the body
  Block body;
  std::string documentation; // the comment block above, without `# `, lines separated by \n
  SourceRange range;         // the whole definition
  SourceRange header;        // up to its `{`
  bool isDamaged = false;    // there are holes in its body
  bool mayBindMore = false;  // a hole in its body may have bound names that are not known
};

/// `import "file.horn"`
struct Import {
  std::string path;
  SourceRange range; // of the string
};

/// One parsed file.
struct SyntaxFile {
  FileId file = 0;
  std::vector<Import> imports;
  std::vector<std::unique_ptr<Definition>> definitions;
  // After syntax errors, so that the rest of the text can still be checked:
  std::vector<std::unique_ptr<Definition>> damaged; // those with holes
  std::vector<std::string> lost;                    // the names of those that could not be read
};

} // namespace hornfels::frontend
