// What the user asked for. Knows nothing of the compiler behind it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace hornfels::driver {

/// A parsed command line. `-h`, `--help` and `--version` become the commands "help" and "version".
struct CommandLine {
  std::string command;                         // "build", "emit", ...
  std::vector<std::string> operands;           // MODEL, or the LAYER of `help`
  std::vector<std::string> programArguments;   // `run MODEL ARGUMENTS...`: everything after MODEL
  std::map<std::string, std::string> values;   // by long name without dashes: "output", "real", "force" = ""
  std::vector<std::string> includeDirectories; // -I, in order

  bool has(const std::string &option) const { return values.count(option) != 0; }
  std::string get(const std::string &option, const std::string &otherwise = {}) const {
    auto found = values.find(option);
    return found == values.end() ? otherwise : found->second;
  }
};

/// Reads the arguments after the program's name. Throws Failure{WrongCommandLine} that names the argument: an
/// unknown, repeated or incomplete option (with the nearest known one), a value outside its list, too few or
/// too many operands, and what belongs to a later version.
CommandLine parseCommandLine(const std::vector<std::string> &arguments);

/// The overview that `hornfels` and `hornfels help` print.
std::string usage();

} // namespace hornfels::driver
