// The elaborator's interpreter: runs definitions of the syntax tree. Compile-time values are computed,
// tensors are built through the emitter. Its methods are spread over Interpret*.cpp by subject.
#pragma once

#include "frontend/horn/Builtins.h"
#include "frontend/horn/Diagnostics.h"
#include "frontend/horn/Emitter.h"
#include "frontend/horn/Loader.h"

#include <functional>
#include <set>
#include <span>

namespace hornfels::frontend {

struct InterpreterOptions {
  Element real = Element::F32;
  bool lossClip = false;
  bool isKeras = false; // what Keras would train is a warning, not an error
};

/// Thrown (inside the interpreter only) when a limit was reached, which is reported already: it ends the statement of
/// the model or the train block that led there, or (`isFinal`) everything.
struct Stopped {
  bool isFinal = false;
};

/// `value` or `name = value` of a call, evaluated.
struct CallArgument {
  const Name *name = nullptr;
  Value value;
  SourceRange range;
};

/// One function of the module while it is built.
struct Run {
  int function = 0;
  bool training = false;
  std::map<const Variable *, Tensor> current;   // the value of each variable, now
  std::map<const Variable *, Handle> arguments; // and at the start
  Tensor seed, step, learningRate;
  std::map<std::string, int64_t> randomCounts; // random operations so far, by owner
  std::map<const Owner *, int64_t> layerCalls; // calls so far of the model's own layers
  std::vector<Value> penalties;                // what layers add to the loss
  std::set<const Variable *> regularized;      // weights whose penalty is there already
  struct Penalty {
    Variable *variable;
    Value regularizer;
    SourceRange range;
  };
  std::vector<Penalty> laterPenalties;         // of weights, asked for in a recurrence's body
  int scanDepth = 0;                           // bodies of recurrences that are being built
};

/// One call that is being interpreted.
struct Frame {
  const Definition *definition = nullptr;
  ScopePtr scope;
  SourceRange callSite;
  Owner *owner = nullptr;
  std::string
      path; // place in the owner's body: calls and loop indices, for finding layers and variables again
  std::optional<Value> result;
  bool isRefused = false;        // a requirement of the body does not hold, or what it does is not known
  bool isFaulty = false;         // what is called was configured wrongly: the result is poison
  std::optional<Shape> ellipsis; // what `...` stands for in its types
  std::map<std::string, SourceRange, std::less<>> argumentPlaces;
};

class Interpreter {
public:
  Interpreter(const Program &program, const InterpreterOptions &options, Emitter &emitter,
              Diagnostics &diagnostics);

  // --- limits
  // --------------------------------------------------------------------------------------------------------
  static constexpr int maximumSteps = 1'000'000;
  static constexpr size_t maximumDepth = 128;
  static constexpr int maximumEvaluationDepth = 2500; // expressions within expressions, over all calls
  static constexpr int64_t maximumWeightBytes = int64_t{1} << 40;
  static constexpr size_t maximumRank = 8;

  // --- errors (InterpretErrors.cpp)
  // ----------------------------------------------------------------------------------
  /// Reports at `range`; inside the library at the call in the user's text that led there.
  Diagnostic &error(SourceRange range, const std::string &text);
  /// The nearest place in the user's own text.
  SourceRange userPlace(SourceRange range) const;
  /// Adds where two tensors' shapes come from.
  void noteShapes(Diagnostic &diagnostic, const TensorInfo &a, const TensorInfo &b);
  void noteTensor(Diagnostic &diagnostic, const TensorInfo &tensor);
  std::string show(const Value &value) const { return frontend::describe(value, options.real); }
  std::string show(const TensorInfo &tensor) const { return typeText(tensor, options.real); }

  // --- statements (InterpretStatements.cpp)
  // --------------------------------------------------------------------------
  /// Runs a body; true when it returned.
  bool execute(const Block &block);
  /// Runs something of the train block; a limit that it reaches ends it alone.
  void guard(const std::function<void()> &body);

  // --- expressions (InterpretExpressions.cpp)
  // ------------------------------------------------------------------------
  /// The value of an expression; a bare definition with two lists becomes the one with its defaults.
  Value evaluate(const Expr &expr);
  /// The same for what stands before `(`: a definition stays one.
  Value evaluateCallee(const Expr &expr);
  Value binary(BinaryOp op, Value a, Value b, SourceRange range);
  std::optional<bool> truth(const Value &value, SourceRange range);
  std::optional<Value> lookup(std::string_view name);
  Value index(const IndexExpr &expr);

  // --- calls (InterpretCalls.cpp)
  // ------------------------------------------------------------------------------------
  Value call(const Value &callee, std::vector<CallArgument> arguments, const Expr *node, SourceRange range);
  Value configure(const FunctionValue &function, std::vector<CallArgument> arguments, const Expr *node,
                  SourceRange range);
  Value invoke(const FunctionValue &function, std::vector<CallArgument> arguments, const Expr *node,
               SourceRange range);
  Value callLayer(const std::shared_ptr<Owner> &layer, std::vector<CallArgument> arguments, const Expr *node,
                  SourceRange range);
  Value callBuiltin(const Builtin &builtin, std::vector<CallArgument> arguments, const Expr *node,
                    SourceRange range);
  bool bindParameters(const Definition &definition, const ParameterList &list,
                      std::vector<CallArgument> arguments, SourceRange range);
  /// Runs the body of `frame.definition` in a new frame; the caller has bound nothing yet.
  Value runBody(Frame frame, const ParameterList &list, std::vector<CallArgument> arguments,
                SourceRange range);
  void poisonSizes(const ParameterList &list);
  Value copyLayer(BuiltinCall &call, const std::vector<CallArgument> &arguments);
  Value copyOf(const Owner &original, std::vector<CallArgument> changes, const Expr *node, SourceRange range);

  // --- types (InterpretTypes.cpp)
  // ------------------------------------------------------------------------------------
  bool checkParameterType(const Parameter &parameter, const Value &value, SourceRange place);
  bool bindTensorType(const TypeExpr &type, const std::string &what, const TensorInfo &tensor,
                      SourceRange place, bool mayBind);
  std::optional<int64_t> sizeOf(const Expr &expr);
  std::optional<Shape> shapeOf(const TypeExpr &type, bool withBatch);
  std::optional<Element> elementOf(const TypeExpr &type);
  std::optional<Shape> shapeFrom(const Value &value, SourceRange range);
  bool checkResult(const Definition &definition, Value &result, SourceRange range);
  bool checkOneResult(const Definition &definition, const TypeExpr &type, Value &result, SourceRange range);

  // --- layers and variables (InterpretLayers.cpp)
  // --------------------------------------------------------------------
  std::shared_ptr<Owner> instance(const Definition &definition, ScopePtr closure, ScopePtr configured,
                                  const Expr *node, SourceRange range);
  void nameLayer(Owner &layer, SourceRange range);
  void declareVariable(const VariableStmt &statement);
  /// A variable of an owner, made at the first call with its first value in @initialize.
  Variable *makeVariable(Owner &owner, const std::string &key, const Name &name, Variable::Role role,
                         Element element, Shape shape, const std::function<Value()> &initial,
                         SourceRange range);
  Value tryOut(const Value &f, const Value &x, bool *acts, SourceRange range);
  Value weightOf(const std::shared_ptr<Owner> &layer, const std::vector<std::string> &names, const Value &x,
                 SourceRange range);
  Tensor read(Variable &variable);
  void assign(const AssignStmt &statement);
  void write(Variable &variable, const Value &value, SourceRange range);
  /// The weight of the running layer whose value now is this tensor, or null.
  Variable *variableOf(const Value &value);
  void addPenalty(const Value &penalty, SourceRange range);
  void addLaterPenalties();
  void regularize(const Value &value, const Value &regularizer, SourceRange range);
  void constrain(const Value &value, const Value &constraint, SourceRange range);

  // --- tensors (InterpretTensors.cpp)
  // --------------------------------------------------------------------------------
  Handle use(const TensorInfo &tensor, SourceRange range);
  Value tensor(Handle handle, Element element, Shape shape, std::initializer_list<const TensorInfo *> from);
  Value unary(std::string_view op, const TensorInfo &x, SourceRange range);
  Value elementwise(std::string_view op, const Value &a, const Value &b, SourceRange range);
  Value compareTensors(BinaryOp op, const Value &a, const Value &b, SourceRange range);
  Value where(const Value &condition, const Value &a, const Value &b, SourceRange range);
  Value reduce(Reduction kind, const Value &x, const Value &axis, const Value &keep, bool mean,
               SourceRange range);
  Value matmul(const Value &a, const Value &b, SourceRange range);
  Value einsum(const std::string &equation, const Value &a, const Value &b, SourceRange range);
  /// Ids as i32 below `limit`: those of an input are checked when data are bound, others are moved to the nearest that is.
  Value boundedIds(const TensorInfo &ids, int64_t limit, SourceRange range, SourceRange limitPlace);
  Value reshape(const TensorInfo &x, Shape shape, SourceRange range);
  Value slice(const TensorInfo &x, const IndexExpr &expr);
  Value concatenate(const std::vector<Value> &xs, int64_t axis, SourceRange range);
  Value sizeValue(const TensorInfo &x, SourceRange range);
  Value scan(BuiltinCall &call); // InterpretScan.cpp
  Value random(std::string_view op, const Shape &shape, SourceRange range);
  /// A value as a tensor of this element type and shape (numbers become `full`), or null when reported.
  std::optional<Value> fit(const Value &value, Element element, const Shape &shape, SourceRange range);
  Value castTo(const TensorInfo &x, Element element, SourceRange range);
  Value broadcastTo(const TensorInfo &x, const Shape &shape, SourceRange range);
  Value full(double number, Element element, const Shape &shape);
  /// The shape that both broadcast to, or nothing.
  static std::optional<Shape> broadcastShapes(const Shape &a, const Shape &b);
  std::optional<int64_t> axisOf(const Value &value, size_t rank, SourceRange range);
  std::optional<Tensor> realTensor(const Value &value, SourceRange range, const char *what);

  // --- masks (InterpretMasks.cpp)
  // ---------------------------------------------------------------------------------
  Value withMask(const Value &value, const Value &mask, SourceRange range);
  Tensor eitherMask(const Tensor &a, const Tensor &b, SourceRange range);
  Value passMasks(Value result, std::initializer_list<const TensorInfo *> operands, SourceRange range);
  Value joinMasks(Value result, const std::vector<Value> &xs, int64_t axis, SourceRange range);
  Value argumentMasks(const Value &value);
  Value resultMasks(const Value &result, const Definition &layer, const std::vector<CallArgument> &arguments,
                    SourceRange range);

  // --- state
  // ---------------------------------------------------------------------------------------------------------
  void countStep(SourceRange range);
  Frame &frame() { return *frames.back(); }
  /// Runs `body` with `other` as the function that is built.
  void within(Run &other, const std::function<void()> &body);
  /// Operations from here on belong to `name`, at `place`; restores the location before at the end.
  class PlaceScope;

  const Program &program;
  const InterpreterOptions options;
  Emitter &emitter;
  Diagnostics &diagnostics;
  std::vector<Frame *> frames;
  Run *run = nullptr;
  Run *initializeRun = nullptr;
  Owner *root = nullptr;                            // the model
  std::vector<std::unique_ptr<Variable>> variables; // weights and states, in the order of creation
  std::vector<std::unique_ptr<Variable>> slots;
  std::vector<std::unique_ptr<Variable>> metricVariables;
  std::vector<ModuleDescription::LayerEntry> layerEntries;
  std::vector<const Owner *> topLayers; // for each entry
  std::map<std::string, std::shared_ptr<Owner>> instances;
  std::map<const Expr *, std::string>
      nameHints;                       // layers made here are named by the variable they are bound to
  std::vector<std::string> knownNames; // for messages, filled on demand
  /// Ids that an input may hold: below the rows of each table that they choose from.
  struct IdLimit {
    int64_t limit = 0;
    SourceRange place;
  };
  std::map<std::string, IdLimit, std::less<>> idLimits; // by the input's name
  int64_t weightBytes = 0;
  int steps = 0;
  int evaluationDepth = 0;
  bool inLoss = false;

private:
  Value evaluateNode(const Expr &expr);
  Value evaluateName(const NameExpr &expr, bool asCallee);
  Value evaluateBinary(const BinaryExpr &expr);
  Value evaluateUnary(const UnaryExpr &expr);
  Value evaluateCall(const CallExpr &expr);
  Value evaluatePipe(const PipeExpr &expr);
  Value evaluateDictionary(const DictionaryExpr &expr);
  Value instantiateBare(const Value &value, const Expr &node);
  std::optional<std::vector<CallArgument>> evaluateArguments(const CallExpr &expr);
  bool mayBeLost(std::string_view name) const;
  void reportUndefined(const NameExpr &expr);
  bool executeStatement(const Stmt &statement);
  void executeBind(const BindStmt &statement);
  bool executeFor(const ForStmt &statement);
  bool executeIteration(const ForStmt &statement, Value element, SourceRange range, int64_t index);
  void executeRequire(const RequireStmt &statement);
  bool skipUnknown(const Block &block);
  bool skipUnknown(const Stmt &statement);
  void bindTargets(const std::vector<Name> &targets, const Value &value, SourceRange range);
  void hintName(const Name &target, const Expr &value);
  void reportRecursion(SourceRange range);
  void recordLayer(Owner &layer, const std::vector<CallArgument> &arguments, const Value &result);
  bool takeOptimizerOptions(const Definition &definition, std::vector<CallArgument> &arguments,
                            std::map<std::string, Binding, std::less<>> &options);
  bool takeLayerOptions(Owner &layer, std::vector<CallArgument> &arguments);
  void stepLimit(SourceRange range);
};

/// Operations from here on belong to a layer, the loss, ...: their locations say so.
class Interpreter::PlaceScope {
public:
  PlaceScope(Interpreter &interpreter, std::string name, SourceRange place);
  ~PlaceScope();

private:
  Interpreter &interpreter;
  Emitter::Place before;
};

/// What every optimizer takes beside its own parameters.
std::span<const std::string_view> sharedOptimizerOptions();

/// Runs something one frame deeper.
class FrameScope {
public:
  FrameScope(Interpreter &interpreter, Frame &frame) : frames(interpreter.frames) {
    frames.push_back(&frame);
  }
  ~FrameScope() { frames.pop_back(); }

private:
  std::vector<Frame *> &frames;
};

} // namespace hornfels::frontend
