#include "frontend/driver/Summary.h"

#include "frontend/driver/Table.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>

namespace hornfels::driver {

namespace {

/// Characters of a cell, without the space on each side, as rich lays the columns out on 80 columns.
const std::vector<size_t> chainWidths = {31, 22, 13};
const std::vector<size_t> graphWidths = {19, 17, 10, 17};

/// A model that Keras would write as Sequential: one input, and each layer called once, on the one before.
bool isChain(const ModelSummary &model) {
  if (model.inputs.size() != 1)
    return false;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const std::vector<std::string> &inputs = model.layers[i].inputs;
    const std::string &expected = i == 0 ? model.inputs[0].name : model.layers[i - 1].name;
    if (inputs.size() != 1 || inputs[0] != expected)
      return false;
  }
  return true;
}

/// "left[0][0], shared[1][0]": a layer, which of its calls, which of the call's results.
std::string connections(const SummaryRow &row) {
  std::string text;
  for (size_t i = 0; i < row.inputs.size(); ++i)
    text += (text.empty() ? "" : ", ") +
            fmt::format("{}[{}][0]", row.inputs[i], i < row.calls.size() ? row.calls[i] : 0);
  return text.empty() ? "-" : text;
}

} // namespace

std::string withCommas(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string readableBytes(int64_t bytes) {
  double size = static_cast<double>(bytes);
  const char *units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  for (; size >= 1024 && unit < 5; ++unit)
    size /= 1024;
  return fmt::format("{:.2f} {}", size, units[unit]);
}

std::string className(const std::string &kind) {
  static const std::map<std::string, std::string> exceptions = {
      {"lstm", "LSTM"},        {"gru", "GRU"}, {"simple_rnn", "SimpleRNN"}, {"rnn", "RNN"},
      {"relu", "ReLU"},        {"elu", "ELU"}, {"prelu", "PReLU"},          {"leaky_relu", "LeakyReLU"},
      {"input", "InputLayer"},
  };
  if (auto found = exceptions.find(kind); found != exceptions.end())
    return found->second;
  std::string name;
  bool upper = true;
  for (size_t i = 0; i < kind.size(); ++i) {
    char c = kind[i];
    if (c == '_') {
      upper = true;
      continue;
    }
    // conv2d: the d of a dimension is a capital.
    bool dimension = c == 'd' && i && isdigit(static_cast<unsigned char>(kind[i - 1]));
    name += upper || dimension ? static_cast<char>(toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name;
}

std::string renderSummary(const ModelSummary &model) {
  bool chain = isChain(model);
  Table table(chain ? chainWidths : graphWidths, {2});
  std::vector<std::string> head = {"Layer (type)", "Output Shape", "Param #"};
  if (!chain)
    head.push_back("Connected to");
  table.head(head);

  std::vector<SummaryRow> rows = chain ? std::vector<SummaryRow>{} : model.inputs;
  rows.insert(rows.end(), model.layers.begin(), model.layers.end());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i)
      table.between();
    std::vector<std::string> cells = {fmt::format("{} ({})", rows[i].name, className(rows[i].kind)),
                                      rows[i].shape, withCommas(rows[i].parameters)};
    if (!chain)
      cells.push_back(connections(rows[i]));
    table.row(cells);
  }
  table.end();

  auto line = [](const char *title, int64_t count, int64_t bytes) {
    return fmt::format(" {} params: {} ({})\n", title, withCommas(count), readableBytes(bytes));
  };
  return fmt::format("Model: \"{}\"\n", model.name) + table.text +
         line("Total", model.trainable + model.nonTrainable, model.trainableBytes + model.nonTrainableBytes) +
         line("Trainable", model.trainable, model.trainableBytes) +
         line("Non-trainable", model.nonTrainable, model.nonTrainableBytes);
}

} // namespace hornfels::driver
