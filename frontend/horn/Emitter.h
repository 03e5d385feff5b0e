// The one door to MLIR: builds `horn` operations from plain C++ types. Operands are trusted (the interpreter
// has checked them); the verifier has the last word on what comes out.
#pragma once

#include "frontend/horn/Value.h"

#include <memory>

namespace mlir {
class MLIRContext;
class ModuleOp;
template <typename OpTy> class OwningOpRef;
} // namespace mlir

namespace hornfels::frontend {

enum class Reduction : uint8_t { Sum, Max, Min, Product };

struct TensorType {
  Element element = Element::F32;
  Shape shape;
  int64_t vocabulary = 0; // above 0: tokens
};

/// An argument or a result of a function, under its name in the model.
struct Port {
  Handle handle = nullptr;
  std::string name;
  std::string role;
};

/// What the module says about the model beside its functions. Positions are "file:line:col".
struct ModuleDescription {
  struct VariableEntry {
    std::string name, role, layer;
    TensorType type;
  };
  struct PortEntry {
    std::string name;
    TensorType type;
    std::string position;
    int64_t limit = 0; // ids and class numbers lie below it; 0: none
    std::string limitPosition;
    bool acceptsClasses = false; // class numbers stand for their one-hot rows
  };
  struct LayerEntry {
    std::string name, kind, text, position;
    std::vector<TensorType> outputs;
    int64_t parameters = 0;
    std::vector<std::string> inputs;  // of all calls, one after another
    std::vector<int64_t> inputCalls;  // for each: which call of that layer it comes from
  };
  struct Training {
    int64_t epochs = 0, batchSize = 0;
    double learningRate = 0;
    std::string schedule; // of the learning rate, as the training program reads it; empty: none
    std::string position, epochsPosition, batchSizePosition;
  };
  std::string model, source;
  std::vector<VariableEntry> variables;
  std::vector<PortEntry> inputs, targets, outputs;
  std::vector<std::string> metrics;
  std::vector<LayerEntry> layers;
  std::optional<Training> training;
};

class Emitter {
public:
  Emitter(mlir::MLIRContext &context, Element real);
  ~Emitter();

  /// The location of the operations that follow.
  struct Place {
    std::string name, file;
    unsigned line = 0, column = 0;
  };
  void setPlace(Place place);
  const Place &place() const;

  /// Opens a function without arguments; `enter` chooses the one that operations go to.
  int addFunction(std::string name);
  void enter(int function);
  int current() const;
  Handle addArgument(const TensorType &type);
  /// Closes a function: arguments in this order (each made by `addArgument`), results in that.
  void finish(int function, const std::vector<Port> &arguments, const std::vector<Port> &results);

  /// An element-wise operation of the dialect by name ("exp", "add"), of the type of its operands.
  Handle elementwise(std::string_view name, const std::vector<Handle> &operands);
  Handle compare(BinaryOp predicate, Handle a, Handle b);
  Handle select(Handle condition, Handle a, Handle b);
  Handle cast(Handle x, Element element);
  Handle full(double value, Element element, const Shape &shape);
  Handle iota(int64_t axis, Element element, const Shape &shape);
  Handle batchSizeTensor();
  Handle broadcast(Handle x, const std::vector<int64_t> &axes, const Shape &shape);
  Handle reshape(Handle x, const Shape &shape);
  Handle transpose(Handle x, const std::vector<int64_t> &permutation);
  Handle slice(Handle x, const std::vector<int64_t> &offsets, const std::vector<int64_t> &sizes,
               const std::vector<int64_t> &strides);
  /// x in the midst of zeros.
  Handle embed(Handle x, const std::vector<int64_t> &offsets, const std::vector<int64_t> &strides,
               const Shape &shape);
  Handle concat(const std::vector<Handle> &xs, int64_t axis);
  Handle reduce(Reduction kind, Handle x, const std::vector<int64_t> &axes);
  Handle argmax(Handle x, int64_t axis);
  Handle matmul(Handle x, Handle w);
  /// y[out] = sum of a[lhs] * b[rhs], where a list gives the dimension of each axis.
  Handle contract(Handle a, Handle b, const std::vector<int64_t> &lhs, const std::vector<int64_t> &rhs,
                  const std::vector<int64_t> &out, int64_t dimensions);
  Handle windows(Handle x, const std::vector<int64_t> &axes, const std::vector<int64_t> &sizes,
                 const std::vector<int64_t> &strides, const std::vector<int64_t> &dilations);
  /// The largest of each window, or the sum.
  Handle reduceWindows(Reduction kind, Handle x, const std::vector<int64_t> &axes, const std::vector<int64_t> &sizes,
                       const std::vector<int64_t> &strides, const std::vector<int64_t> &dilations);
  Handle embed(Handle x, const Shape &shape, const std::vector<int64_t> &offsets, const std::vector<int64_t> &strides,
               double value);
  Handle gather(Handle ids, Handle table);
  Handle padTokens(Handle tokens, int64_t length, bool before, bool cutBefore, int64_t value);
  /// The rows of a matrix made orthonormal.
  Handle orthonormal(Handle x);
  /// "multi_hot" or "count"
  Handle encode(std::string_view name, Handle tokens);
  /// "random_uniform" or "random_normal", standard
  Handle random(std::string_view name, Handle seed, Handle step, int64_t stream, const Shape &shape);
  /// Begins a recurrence: operations go into its body until `closeScan` or `abandonScan`. Gives the body's carries and
  /// elements.
  std::vector<Handle> openScan(const std::vector<Handle> &initial, const std::vector<Handle> &xs);
  void abandonScan();
  /// Ends it: the last carries, then the stacks of the ys. `names` are what the carries and elements are called.
  std::vector<Handle> closeScan(const std::vector<Handle> &initial, const std::vector<Handle> &xs,
                                const std::vector<Handle> &carries, const std::vector<Handle> &ys, int64_t length,
                                bool reverse, const std::vector<std::string> &names);
  std::vector<Handle> gradient(Handle loss, const std::vector<Handle> &weights);

  void describe(const ModuleDescription &description);
  mlir::OwningOpRef<mlir::ModuleOp> take();

  struct Impl; // what needs MLIR's headers

private:
  std::unique_ptr<Impl> impl;
};

} // namespace hornfels::frontend
