#include "history.h"

#include "json.h"
#include "runtime/program/failure.h"

namespace hornfels {

void history::add(const logs &epoch) { epochs.push_back(epoch); }

std::string history::json() const {
  std::string text = "{\n";
  const size_t keys = epochs.empty() ? 0 : epochs.front().size();
  for (size_t key = 0; key < keys; ++key) {
    text += "  " + json_string(epochs.front()[key].first) + ": [";
    for (size_t i = 0; i < epochs.size(); ++i)
      text += (i ? ", " : "") + json_number(epochs[i][key].second);
    text += "],\n";
  }
  text += "  \"epoch\": [";
  for (size_t i = 0; i < epochs.size(); ++i)
    text += (i ? ", " : "") + std::to_string(first + static_cast<int64_t>(i));
  return text + "]\n}\n";
}

void history::save(saved_state &state) const {
  std::string names;
  std::vector<double> values;
  if (!epochs.empty())
    for (const auto &one : epochs.front())
      names += one.first + "\n";
  for (const logs &epoch : epochs)
    for (const auto &one : epoch)
      values.push_back(one.second);
  state.put_text("@history/names", names);
  state.put_reals("@history/values", values);
  state.put_integers("@history/epochs", {first, static_cast<int64_t>(epochs.size())});
}

history history::restore(const saved_state &state) {
  const std::vector<int64_t> epochs = state.integers("@history/epochs", 2, most_count);
  const std::string text = state.text("@history/names");
  std::vector<std::string> names;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    names.push_back(text.substr(at, end - at));
  const std::vector<double> values =
      state.reals("@history/values", epochs[1] * static_cast<int64_t>(names.size()));
  if (names.empty() && epochs[1] > 0)
    throw failure(exit_input, "error: the checkpoint's history has epochs and no names");
  history result(epochs[0]);
  for (size_t at = 0; at < values.size();) {
    logs epoch;
    for (const std::string &name : names)
      epoch.emplace_back(name, values[at++]);
    result.add(epoch);
  }
  return result;
}

void history::write(const std::string &path) const {
  const std::string text = json();
  output_file file;
  file_error error;
  require(file.open(path, error) && file.write(text.data(), text.size(), error) && file.commit(error), error);
}

} // namespace hornfels
