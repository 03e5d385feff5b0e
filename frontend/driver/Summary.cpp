#include "frontend/driver/Summary.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>
#include <sstream>

namespace hornfels::driver {

namespace {

/// Characters of a cell, without the space on each side, as rich lays the columns out on 80 columns.
const std::vector<size_t> chainWidths = {31, 22, 13};
const std::vector<size_t> graphWidths = {19, 17, 10, 17};

/// Characters, not bytes.
size_t lengthOf(const std::string &text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The first `count` characters.
std::string prefix(const std::string &text, size_t count) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && seen++ == count)
      break;
  return text.substr(0, end);
}

std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

/// Lines of at most `width` characters, broken at spaces; a longer word ends in an ellipsis.
std::vector<std::string> wrap(const std::string &text, size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (lengthOf(word) > width)
      word = prefix(word, width - 1) + "…";
    if (!lines.empty() && lengthOf(lines.back()) + 1 + lengthOf(word) <= width)
      lines.back() += " " + word;
    else
      lines.push_back(word);
  }
  if (lines.empty())
    lines.emplace_back();
  return lines;
}

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

class Table {
public:
  explicit Table(const std::vector<size_t> &widths) : widths(widths) {}

  void rule(const char *left, const char *line, const char *between, const char *right) {
    text += left;
    for (size_t i = 0; i < widths.size(); ++i)
      text += (i ? between : "") + repeat(line, widths[i] + 2);
    text += std::string(right) + "\n";
  }

  /// One row; the third column holds numbers and is set to the right.
  void row(const std::vector<std::string> &cells, const char *bar) {
    std::vector<std::vector<std::string>> lines;
    size_t height = 0;
    for (size_t i = 0; i < cells.size(); ++i) {
      lines.push_back(wrap(cells[i], widths[i]));
      height = std::max(height, lines.back().size());
    }
    for (size_t line = 0; line < height; ++line) {
      text += bar;
      for (size_t i = 0; i < cells.size(); ++i) {
        std::string cell = line < lines[i].size() ? lines[i][line] : "";
        std::string space(widths[i] - lengthOf(cell), ' ');
        text += " " + (i == 2 ? space + cell : cell + space) + " " + bar;
      }
      text += "\n";
    }
  }

  std::string text;

private:
  const std::vector<size_t> &widths;
};

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

/// "left[0][0], right[0][0]": a layer that is read after several calls counts them in the first index.
std::string connections(const SummaryRow &row, std::map<std::string, int> &reads,
                        const std::map<std::string, size_t> &calls) {
  std::string text;
  for (const std::string &input : row.inputs) {
    auto called = calls.find(input);
    size_t last = called == calls.end() || called->second == 0 ? 0 : called->second - 1;
    size_t node = std::min<size_t>(static_cast<size_t>(reads[input]++), last);
    text += (text.empty() ? "" : ", ") + fmt::format("{}[{}][0]", input, node);
  }
  return text.empty() ? "-" : text;
}

} // namespace

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
  Table table(chain ? chainWidths : graphWidths);
  std::vector<std::string> head = {"Layer (type)", "Output Shape", "Param #"};
  if (!chain)
    head.push_back("Connected to");
  table.rule("┏", "━", "┳", "┓");
  table.row(head, "┃");
  table.rule("┡", "━", "╇", "┩");

  std::vector<SummaryRow> rows = chain ? std::vector<SummaryRow>{} : model.inputs;
  rows.insert(rows.end(), model.layers.begin(), model.layers.end());
  std::map<std::string, int> reads;
  std::map<std::string, size_t> calls;
  for (const SummaryRow &row : rows)
    calls[row.name] = row.inputs.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i)
      table.rule("├", "─", "┼", "┤");
    std::vector<std::string> cells = {fmt::format("{} ({})", rows[i].name, className(rows[i].kind)),
                                      rows[i].shape, withCommas(rows[i].parameters)};
    if (!chain)
      cells.push_back(connections(rows[i], reads, calls));
    table.row(cells, "│");
  }
  table.rule("└", "─", "┴", "┘");

  auto line = [](const char *title, int64_t count, int64_t bytes) {
    return fmt::format(" {} params: {} ({})\n", title, withCommas(count), readableBytes(bytes));
  };
  return fmt::format("Model: \"{}\"\n", model.name) + table.text +
         line("Total", model.trainable + model.nonTrainable, model.trainableBytes + model.nonTrainableBytes) +
         line("Trainable", model.trainable, model.trainableBytes) +
         line("Non-trainable", model.nonTrainable, model.nonTrainableBytes);
}

} // namespace hornfels::driver
