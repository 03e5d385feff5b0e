#include "history.h"

#include "failure.h"
#include "json.h"

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
    text += (i ? ", " : "") + std::to_string(i);
  return text + "]\n}\n";
}

void history::write(const std::string &path) const {
  const std::string text = json();
  output_file file;
  file_error error;
  require(file.open(path, error) && file.write(text.data(), text.size(), error) && file.commit(error), error);
}

} // namespace hornfels
