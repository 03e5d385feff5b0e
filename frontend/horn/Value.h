// What a Horn expression is while the compiler runs it: a compile-time value, or a handle to a tensor of the
// program that is being built. Knows nothing of MLIR.
#pragma once

#include "frontend/horn/Ast.h"

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hornfels::frontend {

struct TensorInfo;
struct ListValue;
struct DictionaryValue;
struct FunctionValue;
struct Owner;
struct Variable;
struct Builtin;
struct Scope;

/// A value of the program: an `mlir::Value` that only the emitter looks into.
using Handle = const void *;

/// The size of the batch axis, in shapes. The same number as the dialect's `kBatch`.
inline constexpr int64_t batchSize = std::numeric_limits<int64_t>::min();
using Shape = std::vector<int64_t>;

/// Element types of tensors, with `real` resolved.
enum class Element : uint8_t { F32, F64, I32, I64, Bool };
inline bool isReal(Element element) { return element == Element::F32 || element == Element::F64; }
inline bool isInteger(Element element) { return element == Element::I32 || element == Element::I64; }

struct Poison {}; // the result of something that was reported already: silences what follows from it
struct NoneValue {};
struct BatchValue {}; // the name `batch`, as a size

/// A value. Aggregates are shared and never changed after they are made.
using Value = std::variant<Poison, NoneValue, BatchValue, bool, int64_t, double, std::string,
                           std::shared_ptr<const ListValue>, std::shared_ptr<const DictionaryValue>,
                           std::shared_ptr<const TensorInfo>, std::shared_ptr<const FunctionValue>,
                           std::shared_ptr<Owner>, const Builtin *, Variable *>;
using Tensor = std::shared_ptr<const TensorInfo>;

/// A list, or a tuple.
struct ListValue {
  std::vector<Value> elements;
  bool isTuple = false;
  std::vector<SourceRange> places; // of the elements, where they are written one by one; else empty

  /// The place of an element, or `whole` where it has none of its own.
  SourceRange placeOf(size_t i, SourceRange whole) const { return i < places.size() ? places[i] : whole; }
};

struct DictionaryValue {
  struct Entry {
    std::string key;
    SourceRange keyRange;
    SourceRange valueRange;
    Value value;
  };
  std::vector<Entry> entries;
};

/// `function`, applied to `input`, gave the tensor that remembers this. `logits` asks for it.
struct Application {
  const void *function; // a Definition or a Builtin
  Tensor input;
};

/// An input, or one call of a layer of the model: its name, and how often it was called before.
struct LayerCall {
  std::string name;
  int64_t number = 0;
  bool operator==(const LayerCall &) const = default;
};

/// A tensor (or a ragged batch of tokens) of the function that is being built, and where it comes from.
struct TensorInfo {
  Handle handle = nullptr;
  int function = 0; // the emitter's function in which the handle lives
  Element element = Element::F32;
  Shape shape;                         // [batch] for tokens
  int64_t vocabulary = 0;              // above 0: tokens
  int64_t below = 0;                   // above 0: ids, all of them known to lie in [0, below)
  SourceRange place;                   // the expression in the user's text that made it
  std::vector<SourceRange> axisPlaces; // what gave each size: an argument, a type; may be invalid
  std::string input;                   // the model's input that it is itself; else empty
  std::vector<LayerCall> producers;    // the top-level layers and inputs it comes from
  std::vector<Application> applications;
  std::string unbounded; // "linear", "relu", ...: why its values may lie outside [0, 1]; empty: no claim
  std::optional<double> known; // its value when training starts (the learning rate)
  Tensor mask;            // which of its places count: a bool tensor with its first sizes; null: all
  bool ownsMask = false;  // the mask (or its absence) was said for this tensor, it did not come with what it is made of
};

/// Names of one body. Blocks of `if` and `for` share the scope around them.
struct Binding {
  Value value;
  SourceRange place; // where the value was given: the argument of a call, the name of a binding
};
struct Scope {
  std::map<std::string, Binding, std::less<>> names;
  std::shared_ptr<Scope> parent;
  const Binding *find(std::string_view name) const;
};
using ScopePtr = std::shared_ptr<Scope>;

/// A definition as a value. With two lists and without `configured` it waits for its configuration.
struct FunctionValue {
  const Definition *definition = nullptr;
  ScopePtr closure;    // the names around a definition inside a body; null at the top level
  ScopePtr configured; // the first list's parameters
  SourceRange place;   // where it was configured
  bool isFaulty = false; // an argument of its configuration was refused: a call checks the rest and gives poison
  bool awaitsConfiguration() const { return definition->configuration && !configured; }
};

/// A variable of the model (weight, state), of the optimizer (slot) or of a metric.
struct Variable {
  enum class Role : uint8_t { Weight, State, Slot, Metric };
  Role role = Role::Weight;
  std::string name;  // "dense/kernel"
  std::string local; // "kernel"
  std::string layer; // "dense"
  Element element = Element::F32;
  Shape shape;
  SourceRange declared;     // its name in the text
  SourceRange created;      // the call in which it was made
  Handle initial = nullptr; // its first value, in @initialize
  Value constraint = NoneValue(); // what its value becomes after each update: a function
};

/// What owns variables: a model, a layer's instance, a metric, or a weight (which owns its slots).
struct Owner {
  const Definition *definition = nullptr;
  ScopePtr closure;
  ScopePtr configured;
  SourceRange place; // the expression that made it
  SourceRange namePlace;
  std::string hint; // the variable it is bound to, if that names it
  std::string explicitName;
  std::string name;     // in its parent; empty before the first call
  std::string fullName; // "block/dense"
  std::string layer;    // what its variables belong to, if it is not a layer itself
  Owner *parent = nullptr;
  bool trainable = true;
  bool isFaulty = false; // as in FunctionValue
  SourceRange firstCall;
  bool isCalled = false;
  int recordedIn = -1; // the function whose calls the summary has
  std::map<std::string, SourceRange> childNames; // taken names, with the place of each
  std::map<std::string, int> nextNumbers;        // the last number given to a name
  std::map<std::string, Variable *> variables;   // by path in the body
  std::map<std::string, SourceRange> variableNames;
  std::vector<Variable *> owned; // in the order of creation
};

/// Whether a layer's weights are trained: it and the layers around it are not frozen.
bool isTrainable(const Owner &layer);

template <typename T> const T *getIf(const Value &value) { return std::get_if<T>(&value); }
inline bool isPoison(const Value &value) { return std::holds_alternative<Poison>(value); }
inline bool isNone(const Value &value) { return std::holds_alternative<NoneValue>(value); }
inline const TensorInfo *tensorIn(const Value &value) {
  auto *tensor = getIf<Tensor>(value);
  return tensor ? tensor->get() : nullptr;
}
inline const ListValue *listIn(const Value &value) {
  auto *list = getIf<std::shared_ptr<const ListValue>>(value);
  return list ? list->get() : nullptr;
}
inline const DictionaryValue *dictionaryIn(const Value &value) {
  auto *dictionary = getIf<std::shared_ptr<const DictionaryValue>>(value);
  return dictionary ? dictionary->get() : nullptr;
}
inline const FunctionValue *functionIn(const Value &value) {
  auto *function = getIf<std::shared_ptr<const FunctionValue>>(value);
  return function ? function->get() : nullptr;
}
/// A layer's instance (or null).
inline std::shared_ptr<Owner> layerIn(const Value &value) {
  auto *layer = getIf<std::shared_ptr<Owner>>(value);
  return layer ? *layer : nullptr;
}
/// An int or a float as a number.
std::optional<double> numberIn(const Value &value);
bool isCallable(const Value &value);

Value makeList(std::vector<Value> elements, bool isTuple = false, std::vector<SourceRange> places = {});

/// "the string \"ten\"", "the float 10.5", "a tensor real[batch, 16]", for messages.
std::string describe(const Value &value, Element real);

/// "real[batch, 16]", "tokens[10000]".
std::string typeText(const TensorInfo &tensor, Element real);
std::string typeText(Element element, const Shape &shape, Element real);
/// "[batch, 16]"
std::string shapeText(const Shape &shape);
/// 0.001, 1e-07: the shortest text that reads back as the number.
std::string numberText(double number);

} // namespace hornfels::frontend
