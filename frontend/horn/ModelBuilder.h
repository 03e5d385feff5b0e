// From a model and its `train` block to the four functions: runs the model's body once for each, adds loss,
// metrics and optimizer, and collects what the module says about itself.
#pragma once

#include "frontend/horn/Interpreter.h"

namespace hornfels::frontend {

class ModelBuilder {
public:
  ModelBuilder(Interpreter &interpreter, const Definition &model, const Definition *train)
      : in(interpreter), model(model), train(train) {}

  /// Builds everything; errors are in the diagnostics.
  void build(bool onlyPredict);

private:
  /// An input, an output and its target: their types are the same in every function.
  struct Input {
    const Parameter *parameter = nullptr;
    std::optional<TensorType> type; // none: faulty
  };
  struct MetricSpec {
    Value function;
    SourceRange range;
    std::string name;
  };
  struct Output {
    std::string name;
    SourceRange range;
    Value loss; // none: no loss
    SourceRange lossRange;
    double weight = 1;
    bool isWeighted = false;
    std::vector<MetricSpec> metrics;
    std::optional<TensorType> target;
    int64_t limit = 0;
    std::string limitPosition;
    bool acceptsClasses = false;
  };
  struct Pass { // one function while it is built
    Run run;
    std::vector<Port> arguments, results;
    std::vector<Tensor> outputs, targets; // null where there is none
    Tensor sampleWeight;                  // null: every sample counts the same
  };
  struct Settings {
    Value optimizer;
    SourceRange optimizerRange;
    int64_t epochs = 1, batchSize = 32;
    SourceRange epochsRange, batchSizeRange;
    double learningRate = 0;
    std::string schedule; // "exponential_decay,decay_steps=1000,decay_rate=0.96"; empty: none
    bool sampleWeight = false; // a target more, which the losses are multiplied by
    SourceRange sampleWeightRange;
  };

  // ModelBuilder.cpp
  void readInputs();
  std::optional<TensorType> inputType(const Parameter &parameter);
  Pass begin(const char *name, bool training);
  void forward(Pass &pass);
  void addTargets(Pass &pass);
  void addVariables(Pass &pass, const std::vector<std::unique_ptr<Variable>> &variables);
  void addChanged(Pass &pass, const std::vector<std::unique_ptr<Variable>> &variables);
  void finish(Pass &pass);
  void finishInitialize();
  void describe();
  void buildEvaluate();
  void buildTrain();

  // Training.cpp: the train block
  void readTrain();
  bool readSchedule(const Binding &rate);
  void readLosses(const Binding &loss);
  void missingLoss(const Output &output, SourceRange range);
  void readLossWeights(const Binding &weights);
  void readMetrics(const Binding &metrics);
  void addMetric(Output &output, const Value &metric, SourceRange range);
  std::optional<int64_t> readCount(const Scope &settings, const char *name, int64_t least,
                                   SourceRange &range);
  Output *findOutput(const DictionaryValue::Entry &entry, const char *what);

  // Losses.cpp
  void typeTargets(const Pass &pass);
  void typeTarget(Output &output, const TensorInfo &prediction);
  Tensor lossOf(Pass &pass, size_t output);
  Value weighted(const Pass &pass, const Output &output, const Value &values);
  /// What counts of a loss's or a metric's values, and how many of them that is.
  struct Counted {
    Value values;     // 0 where the mask is false
    Value count;      // values that count
    bool all = true;  // there is no mask
  };
  Counted counted(const Value &values, const Tensor &prediction, SourceRange range);
  Tensor addLoss(Pass &pass);
  void addMetrics(Pass &pass);
  Owner &metricOwner(const std::string &name, const Definition *definition);
  Value streamingMean(const std::string &name, const Value &sum, const Value &count, SourceRange range,
                      bool mayBeEmpty = false);
  std::vector<CallArgument> comparison(const Pass &pass, size_t output, SourceRange range);
  Value metricValue(const MetricSpec &metric, std::vector<CallArgument> arguments);
  Value meanOfSamples(const MetricSpec &metric, const Value &values, const Tensor &prediction);
  void addMetricResult(Pass &pass, const std::string &name, const Value &value);

  // Optimizers.cpp
  void optimize(Pass &pass, const Tensor &loss);
  std::vector<Value> clip(std::vector<Value> gradients, const FunctionValue &optimizer, SourceRange range);
  Value step(const FunctionValue &optimizer, Frame called, const Value &weight, const Value &gradient,
             const Value &number);
  void update(Variable &weight, const Value &gradient, const FunctionValue &optimizer, const Value &number);
  Owner &slotOwner(const Variable &weight, const FunctionValue &optimizer);

  // Averages.cpp
  Variable *addSlot(const Variable &weight, Owner &owner, const char *name);
  Tensor updateNumber(Pass &pass, const FunctionValue &optimizer);
  Value isMultiple(const Tensor &number, double every);
  std::vector<Value> accumulate(const std::vector<Variable *> &weights, std::vector<Value> gradients,
                                const FunctionValue &optimizer);
  void keepOld(Variable &weight, Owner &owner);
  void average(Variable &weight, Owner &owner, const FunctionValue &optimizer);
  void finishUpdate(Variable &weight, Owner &owner, const FunctionValue &optimizer);

  Interpreter &in;
  const Definition &model;
  const Definition *train;
  std::shared_ptr<Owner> root;
  Run initialize;
  Frame trainFrame;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  Settings settings;
  std::vector<std::string> metricNames;
  std::map<std::string, std::unique_ptr<Owner>> metricOwners;
  std::map<const Variable *, std::unique_ptr<Owner>> slotOwners;
  std::vector<ModuleDescription::PortEntry> outputEntries;
  Value isUpdate; // with accumulated gradients: whether this step updates
  Tensor updates; // how many updates there are with this one
};

/// A number (or a bool, as 0 or 1) that an optimizer was given beside its own parameters, or as one of them.
std::optional<double> optimizerOption(const FunctionValue &optimizer, const char *name);

} // namespace hornfels::frontend
