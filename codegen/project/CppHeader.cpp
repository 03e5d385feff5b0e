// NAME.hpp: the interface for C++, a class over the functions of NAME.h.
#include "codegen/project/ModelPrinter.h"

#include "ir/HornDialect.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

namespace {

/// An input, target or output, as parameters: `span<const uint16_t> review, span<const int64_t> review_rows`.
struct Argument {
  std::string name, rows; // rows: of tokens, where each row begins
  std::string element;
  bool isOutput = false;

  std::string parameter() const {
    std::string text = "hornfels::span<" + std::string(isOutput ? "" : "const ") + element + "> " + name;
    return text + (rows.empty() ? "" : ", hornfels::span<const int64_t> " + rows);
  }
  std::string value() const {
    if (isOutput)
      return "{" + name + ".data(), " + name + ".size()}";
    return "{" + name + ".data(), " + (rows.empty() ? "nullptr" : rows + ".data()") + ", " + name + ".size()}";
  }
};

} // namespace

static std::string replaced(std::string text, StringRef what, const std::string &with) {
  for (size_t at = 0; (at = text.find(what.str(), at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

static std::string elementOf(Type type) {
  if (auto tokens = dyn_cast<TokensType>(type))
    return tokens.getVocabulary() <= 65536 ? "uint16_t" : "int32_t";
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF64()           ? "double"
         : element.isInteger(32)   ? "int32_t"
         : element.isInteger(64)   ? "int64_t"
         : element.isInteger(1)    ? "uint8_t"
                                   : "float";
}

static void addArguments(ArrayAttr list, bool isOutput, NameScope &scope, std::vector<Argument> &to) {
  for (auto entry : list.getAsRange<DictionaryAttr>()) {
    Type type = entry.getAs<TypeAttr>("type").getValue();
    StringRef name = entry.getAs<StringAttr>("name").getValue();
    Argument argument{scope.take(name), "", elementOf(type), isOutput};
    if (isa<TokensType>(type))
      argument.rows = scope.take(argument.name + "_rows");
    to.push_back(argument);
  }
}

/// A member that gives the device all rows.
static std::string bindMember(const std::string &model, ArrayRef<Argument> arguments) {
  std::string parameters, checks, arrays;
  for (const Argument &argument : arguments) {
    parameters += argument.parameter() + ",\n                    "; // under the first one
    if (!argument.rows.empty())
      checks += "    if (" + argument.rows + ".size() - 1 != batch)\n      return refuse(\"" + argument.rows +
                ": batch + 1 offsets are needed\");\n";
    arrays += "\n        {" + argument.value() + ", HORNFELS_PLAIN, 0, nullptr},";
  }
  arrays.pop_back();
  return "\n  /* Copies a data set of `batch` rows to the device, under a number below HORNFELS_DATA_SETS. HORNFELS_OUT_OF_MEMORY:\n"
         "   * they do not fit, and train_step goes on with rows of its own. */\n"
         "  int32_t bind_data(int32_t set_, " + parameters + "int64_t batch) {\n" + checks +
         "    const hornfels_rows arrays_[] = {" + arrays + "};\n    return done(" + model +
         "_bind_data(handle_, set_, arrays_, batch));\n  }\n";
}

/// What else a model on a device has.
static constexpr StringRef membersOfDevice = R"(  int32_t forget_data(int32_t set) { return done(NAME_bind_data(handle_, set, nullptr, 0)); }
  /* In which order train_rows takes the rows; an empty one: as they are. */
  int32_t set_order(int32_t set, hornfels::span<const uint32_t> order) {
    return done(NAME_set_order(handle_, set, order.size() > 0 ? order.data() : nullptr, order.size()));
  }
  /* A step for each `batch` of rows first, first + 1, ... of the order. Does not wait for the device. */
  int32_t train_rows(int32_t set, int64_t first, int64_t rows, int64_t batch) {
    return done(NAME_train_rows(handle_, set, first, rows, batch));
  }
  /* Loss and metrics of rows of the data set, in batches. */
  int32_t evaluate_rows(int32_t set, int64_t first, int64_t rows, int64_t batch) {
    return done(NAME_evaluate_rows(handle_, set, first, rows, batch));
  }
  /* Loss and metrics after each of the last steps of training, the oldest first. */
  int32_t get_recent_metrics(int64_t steps, hornfels::span<double> values) {
    if (steps < 0 || steps > HORNFELS_RECENT_STEPS || values.size() != steps * NAME_model.metrics)
      return refuse("get_recent_metrics: a value for each step and metric is needed");
    return done(NAME_get_recent_metrics(handle_, steps, values.data()));
  }
)";

/// A member that calls the step `name` with arrays of these arguments.
static std::string stepMember(const std::string &model, const std::string &step, const std::string &comment,
                              ArrayRef<Argument> arguments) {
  std::string parameters, checks, inputs, outputs;
  for (const Argument &argument : arguments) {
    parameters += argument.parameter() + ",\n" + std::string(step.size() + 11, ' '); // under the first one
    if (!argument.rows.empty())
      checks += "    if (" + argument.rows + ".size() - 1 != batch)\n      return refuse(\"" + argument.rows +
                ": batch + 1 offsets are needed\");\n";
    (argument.isOutput ? outputs : inputs) += "\n        " + argument.value() + ",";
  }
  auto list = [](std::string text) { return "{" + text.substr(0, text.empty() ? 0 : text.size() - 1) + "}"; };
  std::string text = "\n  /* " + comment + " */\n  int32_t " + step + "(" + parameters + "int64_t batch) {\n" + checks +
                     "    const hornfels_array arrays_[] = " + list(inputs) + ";\n";
  if (!outputs.empty())
    text += "    const hornfels_result results_[] = " + list(outputs) + ";\n";
  return text + "    return done(" + model + "_" + step + "(handle_, arrays_, " + (outputs.empty() ? "" : "results_, ") +
         "batch));\n  }\n";
}

std::string ModelPrinter::printCppHeader() const {
  NameScope names;
  for (StringRef taken : {"batch", "arrays_", "results_", "handle_", "message_", "hornfels", "int32_t", "int64_t", "uint8_t",
                          "uint16_t", "refuse", "done", "hornfels_array", "hornfels_result", "hornfels_rows", "set_", "HORNFELS_PLAIN"})
    names.take(taken);
  names.take(name);
  for (StringRef step : {"predict", "train_step", "evaluate_step", "bind_data"})
    names.take(name + "_" + step.str());
  NameScope ofPredict(&names), ofSteps(&names);
  std::vector<Argument> predicts, steps;
  addArguments(list("horn.inputs"), false, ofPredict, predicts);
  addArguments(list("horn.outputs"), true, ofPredict, predicts);
  addArguments(list("horn.inputs"), false, ofSteps, steps);
  addArguments(list("horn.targets"), false, ofSteps, steps);

  std::string members = stepMember(name, "predict", "The outputs for a batch of inputs.", predicts);
  if (this->steps.contains("train_step")) {
    members += stepMember(name, "train_step", "Forward, loss, backward and update on a batch.", steps);
    members += stepMember(name, "evaluate_step", "Loss and metrics of a batch.", steps);
    if (options.target == "cuda")
      members += bindMember(name, steps) + replaced(membersOfDevice.str(), "NAME", name);
  }
  static constexpr StringRef text = R"(namespace hornfels_models {

/* A handle of NAME.h that ends with its object. No exceptions: functions return a hornfels_status, 0 for done, and
 * last_error() says why not. Tokens are ids and, in NAME_rows, where each row begins (batch + 1 offsets); sizes are checked.
 * An object is used by one thread at a time. */
class NAME {
public:
  /* Room for batches of up to `capacity` samples; valid() tells whether there was memory for it. */
CONSTRUCTOR
  ~NAME() { NAME_destroy(handle_); }
  NAME(NAME &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  NAME &operator=(NAME &&other) noexcept {
    ::NAME *const mine = handle_;
    handle_ = other.handle_;
    other.handle_ = mine;
    return *this;
  }
  NAME(const NAME &) = delete;
  NAME &operator=(const NAME &) = delete;

  bool valid() const { return handle_ != nullptr; }
  /* For the functions of NAME.h. */
  ::NAME *get() const { return handle_; }

  /* First values of all weights. */
  int32_t initialize(uint64_t seed) { return done(NAME_initialize(handle_, seed)); }
  /* Weights and states from and to a .npz or .safetensors file. */
  int32_t load(const char *path) { return kept(NAME_load(handle_, path, message_, sizeof message_)); }
  int32_t save(const char *path) { return kept(NAME_save(handle_, path, message_, sizeof message_)); }
MEMBERS
  /* Loss and metrics since reset_metrics(), one value for each metric of NAME.h. */
  int32_t reset_metrics() { return done(NAME_reset_metrics(handle_)); }
  int32_t get_metrics(hornfels::span<double> values) {
    if (values.size() != NAME_model.metrics)
      return refuse("get_metrics: a value for each metric is needed");
    return done(NAME_get_metrics(handle_, values.data()));
  }
  int32_t set_learning_rate(double rate) { return done(NAME_set_learning_rate(handle_, rate)); }
  int32_t set_pool(const hornfels_pool *pool) { return done(NAME_set_pool(handle_, pool)); }

  /* Of the last call; "" if it was right. */
  const char *last_error() const { return message_[0] || !handle_ ? message_ : NAME_last_error(handle_); }

private:
  int32_t done(int32_t status) {
    message_[0] = 0;
    return handle_ ? status : refuse("there is no handle: no memory, or moved from");
  }
  /* A call that has filled message_. */
  int32_t kept(int32_t status) {
    if (status == HORNFELS_OK)
      message_[0] = 0;
    return status;
  }
  int32_t refuse(const char *why) {
    size_t at = 0;
    for (; why[at] && at + 1 < sizeof message_; ++at)
      message_[at] = why[at];
    message_[at] = 0;
    return HORNFELS_BAD_ARGUMENT;
  }

  ::NAME *handle_ = nullptr;
  char message_[512] = "";
};

} // namespace hornfels_models
)";
  std::string body = text.str();
  auto replace = [&](StringRef what, const std::string &with) { body = replaced(body, what, with); };
  // A device can lack more than memory, and only the call that asked it knows what.
  replace("CONSTRUCTOR\n", options.target == "cuda" ? "  explicit NAME(int64_t capacity) noexcept {\n"
                                                       "    if (NAME_create(&handle_, capacity) != HORNFELS_OK)\n"
                                                       "      refuse(NAME_last_error(nullptr));\n  }\n"
                                                     : "  explicit NAME(int64_t capacity) noexcept { "
                                                       "done(NAME_create(&handle_, capacity)); }\n");
  replace("NAME_rows", "..._rows");
  replace("NAME", name);
  replace("MEMBERS\n", members + "\n");
  std::string guard = StringRef(name).upper() + "_HPP";
  return heading() + "#ifndef " + guard + "\n#define " + guard + "\n\n#include \"" + name +
         ".h\"\n#include \"runtime/core/span.h\"\n\n" + body + "\n#endif\n";
}

} // namespace hornfels
