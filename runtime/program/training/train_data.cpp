#include "train_data.h"

#include <utility>

#include "runtime/core/crc32.h"
#include "runtime/core/text.h"
#include "runtime/program/callbacks/python_text.h"
#include "runtime/program/commands.h"
#include "runtime/program/console.h"

namespace hornfels {

namespace {

struct named_file {
  const char *option;
  const std::string &path;
};

bool same(const std::string &a, const std::string &b) { return !a.empty() && (a == b || same_file(a, b)); }

[[noreturn]] void clash(const std::string &what, const std::string &path) {
  throw failure(exit_system, "error: " + what + ": " + quoted(path));
}

} // namespace

void check_outputs(const options &chosen) {
  const named_file outputs[] = {{"--weights", chosen.weights},
                                {"--history", chosen.history},
                                {"--csv-log", chosen.csv_log},
                                {"--plot", chosen.plot},
                                {"--model-checkpoint", chosen.model_checkpoint.path}};
  for (const named_file &output : outputs) {
    const std::string name = output.option;
    if (output.path.empty())
      continue;
    require_not_data(chosen, name, output.path);
    if (same(output.path, chosen.validation_data))
      clash(name + " is also --validation-data", output.path);
    if (name != "--weights" && same(output.path, chosen.initial_weights))
      clash(name + " is also --initial-weights", output.path);
    for (const named_file &other : outputs) {
      if (&other == &output)
        break;
      if (same(output.path, other.path))
        clash(std::string(other.option) + " and " + name + " are the same file", output.path);
    }
    file_error error;
    require(check_output(output.path, error), error);
  }
}

training_data read_training_data(const hornfels_model &model, const options &chosen) {
  training_data result;
  const data_file file = open_data(chosen.data, chosen.reading);
  result.data = bind(model, file, {"_train"}, true);
  const bool weighted = !file.find({"sample_weight_train"}).empty();
  if (weighted && !weight_target(model))
    print_error(std::string(model.name) + ": warning: " + file.name() +
                " has sample_weight_train, which this model does not take: say sample_weight = true in its train block");
  apply_class_weights(model, result.data, chosen.class_weight, weighted);
  check_sample_weights(model, result.data);
  result.split = split_rows(chosen, result.data.rows);
  if (!chosen.validation_data.empty()) {
    const data_file other(chosen.validation_data, chosen.reading);
    result.held_out = bind(model, other, {"_val", "_validation", "", "_test", "_train"}, true);
  }
  if (!chosen.test_data.empty()) {
    const data_file other(chosen.test_data, chosen.reading);
    result.test = bind(model, other, {"", "_test"}, true);
  } else if (has_arrays(model, file, "_test"))
    result.test = bind(model, file, {"_test"}, true);
  return result;
}

int64_t choose_training_batch(const hornfels_model &model, const options &chosen, int64_t rows) {
  const int64_t batch = choose_batch(model, chosen, rows), wanted = choose_batch(model, chosen, INT64_MAX);
  if (wanted > batch)
    print_error(std::string(model.name) +
                format(": warning: batches of %lld, but %lld rows to train: each step takes all",
                       static_cast<long long>(wanted), static_cast<long long>(batch)));
  return batch;
}

namespace {

/* "25000 rows, checksum 0123abcd". */
std::string data_text(const dataset &data) {
  uint32_t sum = 0;
  for (const bound_array &array : data.arrays) {
    sum = crc32(sum, array.offsets.as<char>(), array.offsets.bytes());
    sum = crc32(sum, array.data.as<char>(), array.data.bytes());
  }
  sum = crc32(sum, data.text.as<char>(), data.text.bytes());
  sum = crc32(sum, data.training_weights.as<char>(), data.training_weights.bytes());
  return std::to_string(data.rows) + " rows" + format(", checksum %08x", static_cast<unsigned>(sum));
}

std::string validation_text(const options &chosen, const training_data &data) {
  if (data.held_out.rows > 0)
    return data_text(data.held_out);
  const row_range &rows = data.split.validation;
  if (rows.count == 0)
    return "none";
  return (chosen.validation > 0 ? "the first " : "the last ") + std::to_string(rows.count) + " rows";
}

} // namespace

run_identity identify_run(const hornfels_model &model, const options &chosen, const training_data &data,
                          int64_t batch) {
  run_identity identity{{"the model", model.name}};
  const char *const roles[] = {"weight", "state", "of the optimizer", "metric"};
  for (int32_t i = 0; i < model.variables; ++i) {
    const hornfels_tensor &info = model.variable_info[i];
    identity.emplace_back(info.name, tensor_text(info) + " (" + roles[info.role & 3] + ")");
  }
  identity.emplace_back("the model's structure", model.hash);
  identity.emplace_back("the training data", data_text(data.data));
  identity.emplace_back("the validation data", validation_text(chosen, data));
  identity.emplace_back("the batch size", std::to_string(batch));
  identity.emplace_back("the seed", std::to_string(chosen.seed));
  identity.emplace_back("the order of rows", chosen.shuffle ? "shuffled" : "as in the file");
  identity.emplace_back(
      "the first learning rate",
      python_number(chosen.learning_rate > 0 ? chosen.learning_rate : model.training->learning_rate));
  return identity;
}

} // namespace hornfels
