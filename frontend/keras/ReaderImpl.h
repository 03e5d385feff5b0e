// The reader's parts: objects (Objects.cpp), models (Models.cpp, Functional.cpp), training (Training.cpp).
#pragma once

#include "frontend/horn/Loader.h"
#include "frontend/keras/Names.h"
#include "frontend/keras/Reader.h"

namespace hornfels::keras {

using namespace frontend;

//===--------------------------------------------------------------------===//
// Nodes of the syntax tree
//===--------------------------------------------------------------------===//

ExprPtr integerNode(SourceRange range, int64_t value);
ExprPtr floatNode(SourceRange range, double value);
ExprPtr stringNode(SourceRange range, std::string value);
ExprPtr boolNode(SourceRange range, bool value);
ExprPtr noneNode(SourceRange range);
ExprPtr nameNode(SourceRange range, std::string name);
/// What stands for something that could not be read (reported): poison to the elaborator.
ExprPtr lostNode(SourceRange range);
ExprPtr listNode(SourceRange range, std::vector<ExprPtr> elements);
/// `base[index]`
ExprPtr indexNode(SourceRange range, ExprPtr base, int64_t index);
ExprPtr callNode(SourceRange range, ExprPtr callee, std::vector<Argument> arguments);
/// `f`, or `f(a, b = c)` where there are arguments.
ExprPtr valueNode(SourceRange range, const std::string &name, std::vector<Argument> arguments);
StmtPtr bindNode(Name name, ExprPtr value);
Argument argument(ExprPtr value, const std::string &name = {});
/// One argument more, which makes the call that it stands in a faulty one; its others are checked all the same.
Argument lostArgument(SourceRange range);

//===--------------------------------------------------------------------===//
// The reader
//===--------------------------------------------------------------------===//

/// The library's definitions, for their parameters.
class Library {
public:
  Library();
  const Definition *find(const std::string &name, DefinitionKind kind) const;
  /// The name of a class's layer: its snake case, with `_layer` where a function has that name (softmax_layer).
  std::string layerKind(const std::string &className) const;
  const Program &program() const { return definitions; }

private:
  SourceManager sources;
  Diagnostics diagnostics{sources};
  Program definitions;
};

/// `{"class_name": ..., "config": {...}, "module": ..., "registered_name": ...}`
struct Object {
  const Json *json = nullptr;
  std::string className;
  SourceRange place;            // of the class name
  const Json *config = nullptr; // an object; null where there is none
  const Json *get(std::string_view key) const { return config ? config->find(key) : nullptr; }
};

//===--------------------------------------------------------------------===//
// Operations (Operations.cpp)
//===--------------------------------------------------------------------===//

/// An operation of keras.ops on its tensors and numbers; null where it is not known.
ExprPtr operationNode(const Object &object, std::vector<ExprPtr> arguments);

/// An argument of a call in the graph: what gave it, and the origin of the mask that it is or has.
struct MaskSource {
  std::string place; // the call and which of its results
  std::string origin;
  std::optional<double> number; // it is no tensor
};
/// Keras writes the masks that it computed into the graph and hands them to calls. Two masks of one origin, a text, are
/// equal: one that a tensor has anyway need not be said. Empty: it is not known.
std::string originOfOperation(const Object &object, const std::vector<MaskSource> &sources);
/// Whether a recurrent layer, or the one that it wraps, gives sequences.
bool isSequence(const Object &object);
/// The origin of the mask of what a layer gives.
std::string originOfLayer(const Object &object, bool keepsMask, const std::vector<MaskSource> &sources);

/// An output of the model: in the file (its layer's name), in Horn.
struct OutputName {
  std::string inFile, inHorn;
};

class Reader {
public:
  Reader(const Json &root, const ReadOptions &options, Diagnostics &diagnostics);
  SyntaxFile read(FileId file);
  std::string optionError() const;

private:
  // Objects.cpp
  Diagnostic &error(SourceRange range, std::string text) { return diagnostics.error(range, std::move(text)); }
  bool expect(const Json &json, JsonKind kind, const std::string &what);
  /// The string under `key`, or nothing (reported).
  const Json *stringAt(const Json &object, const char *key, const std::string &what);
  /// Reads and checks the frame of an object. Refuses by name whatever carries code or is nobody's but its
  /// author's.
  std::optional<Object> objectOf(const Json &json, const std::string &what);
  bool refuseCode(const Json &json, const Object &object);
  ExprPtr functionNamed(const Json &text, const std::string &name, const std::string &what);
  ExprPtr functionOf(const Json &json, const std::string &what);
  ExprPtr valueOf(const Json &json, const Parameter *parameter);
  ExprPtr stringValue(const Json &json, const Parameter *parameter);
  std::vector<Argument> argumentsOf(const Definition &definition, const Object &object,
                                    const std::vector<std::string> &alsoTaken = {});
  bool isNeutral(const std::string &key, const Json &value);
  bool isFloat32(const Json &json);

  // Models.cpp
  struct Input {
    std::string inFile, inHorn;
    SourceRange range;
    const Json *shape = nullptr; // with the batch; null: not in the file
    const Json *dtype = nullptr;
  };
  struct Body {
    std::unique_ptr<Definition> definition;
    NameSet names;
  };
  Body beginModel(const Object &object, const std::string &otherwise, bool isMain);
  void addResult(Definition &definition, const std::string &name, SourceRange range);
  /// Adds the parameter and returns the name that the layers read: the input's, or with --tokens that of its
  /// rows.
  std::string addInput(Body &body, Input &input);
  bool addAxes(TypeExpr &type, const Input &input);
  std::string optionName(const Input &input, bool isTokens);
  const std::vector<Json> *layersOf(const Object &object);
  /// `dense(16, relu, name = "hidden")`.
  ExprPtr layerValue(const Object &layer, const std::string &explicitName);
  std::vector<ExprPtr> stagesOf(const std::vector<Json> &layers, const std::string &lastName);
  std::string layerName(const Object &layer, const std::string &otherwise);
  void readModel(const Object &object, bool isMain);
  void readSequential(const Object &object, bool isMain);
  Input sequentialInput(const Object &object, const std::vector<Json> &layers);

  // Wrappers.cpp
  void readModelsIn(const Json &json);
  ExprPtr wrappedLayer(const Json &json, const Definition &wrapper, const Parameter &parameter);
  static bool isMirror(const Json &forward, const Json &backward);
  static bool givesMany(const Object &layer);

  // Functional.cpp
  friend class FunctionalReader;
  void readFunctional(const Object &object, bool isMain);

  // Training.cpp
  void readTraining(const Json &config);
  ExprPtr optimizerOf(const Json &json);
  ExprPtr lossOf(const Json &json);
  ExprPtr metricOf(const Json &json);
  ExprPtr metricsOf(const Json &json);
  ExprPtr perOutput(const Json &json, const std::string &what, ExprPtr (Reader::*one)(const Json &));
  ExprPtr weightOf(const Json &json);

  const Json &root;
  const ReadOptions &options;
  Diagnostics &diagnostics;
  Library library;
  NameSet modelNames;
  std::map<const Json *, std::string> nestedModels; // by the object: the definition's name
  std::vector<std::unique_ptr<Definition>> models;  // the main one last
  bool isInFrozenModel = false;                     // its layers are frozen
  std::string mainName;
  std::vector<OutputName> outputs; // of the main model
  std::map<std::string, bool> usedOptions;
};

} // namespace hornfels::keras
