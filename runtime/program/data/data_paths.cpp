#include "data_paths.h"

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

std::vector<std::string> data_paths(const options &chosen) {
  std::vector<std::string> paths;
  for (const std::string &path : {chosen.data, chosen.test_data})
    if (!path.empty())
      paths.push_back(path);
  for (const auto &input : chosen.reading.inputs)
    paths.push_back(input.second);
  return paths;
}

bool has_data(const options &chosen) { return !chosen.data.empty() || !chosen.reading.inputs.empty(); }

std::string data_names(const options &chosen) {
  std::string names;
  for (const std::string &path : data_paths(chosen))
    names += (names.empty() ? "" : ", ") + quoted(path);
  return names;
}

void require_not_data(const options &chosen, const std::string &option, const std::string &path) {
  for (const std::string &data : data_paths(chosen))
    if (path == data || same_file(path, data))
      throw failure(exit_system, "error: " + option + " is also the data: " + quoted(path));
}

} // namespace hornfels
