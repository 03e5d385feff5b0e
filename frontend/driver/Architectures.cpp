#include "frontend/driver/Architectures.h"

#include "frontend/driver/Console.h"
#include "frontend/horn/Diagnostics.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace hornfels::driver {

using frontend::nearest;
using frontend::printable;

/// What nvcc of CUDA 13 takes, but for families (`f`). The first one is its floor.
static const std::vector<std::string> known = {
    "sm_75",  "sm_80",   "sm_86",  "sm_87",   "sm_88",  "sm_89",   "sm_90",  "sm_90a",  "sm_100",
    "sm_100a", "sm_103", "sm_103a", "sm_110", "sm_110a", "sm_120", "sm_120a", "sm_121", "sm_121a"};

static bool isAlone(const std::string &architecture) { return architecture.back() == 'a'; }

/// 90 of "sm_90" and "sm_90a"; 0: it is not of that form.
static int numberOf(const std::string &architecture) {
  int number = 0;
  const char *digits = architecture.data() + 3, *end = architecture.data() + architecture.size();
  if (architecture.size() < 4 || architecture.compare(0, 3, "sm_") != 0)
    return 0;
  auto [last, code] = std::from_chars(digits, end - (isAlone(architecture) ? 1 : 0), number);
  return code == std::errc() && last == end - (isAlone(architecture) ? 1 : 0) ? number : 0;
}

static void check(const std::string &architecture) {
  if (std::find(known.begin(), known.end(), architecture) != known.end())
    return;
  std::string quoted = "`" + printable(architecture) + "`";
  int number = numberOf(architecture);
  if (number > 0 && number < numberOf(known.front()))
    throw Failure{WrongCommandLine, fmt::format("option `--arch`: {} is below {}, the toolkit's floor", quoted, known.front())};
  std::string near = nearest(architecture, known);
  throw Failure{WrongCommandLine,
                fmt::format("option `--arch` takes names like sm_80 or sm_90a with commas between them, found {}{}", quoted,
                            near.empty() ? "" : fmt::format("; did you mean `{}`?", near))};
}

std::vector<std::string> parseArchitectures(const std::string &text) {
  std::vector<std::string> list;
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string architecture = text.substr(at, comma - at);
    check(architecture);
    if (std::find(list.begin(), list.end(), architecture) != list.end())
      throw Failure{WrongCommandLine, fmt::format("option `--arch` has {} twice", architecture)};
    list.push_back(std::move(architecture));
    at = comma + 1;
  }
  return list;
}

std::vector<std::string> architectureFlags(const std::vector<std::string> &architectures) {
  std::vector<std::string> flags;
  std::string lowest;
  for (const std::string &architecture : architectures) {
    flags.push_back(fmt::format("-gencode=arch=compute_{0},code=sm_{0}", architecture.substr(3)));
    if (!isAlone(architecture) && (lowest.empty() || numberOf(architecture) < numberOf(lowest)))
      lowest = architecture;
  }
  if (!lowest.empty())
    flags.push_back(fmt::format("-gencode=arch=compute_{0},code=compute_{0}", lowest.substr(3)));
  return flags;
}

} // namespace hornfels::driver
