// One mistake a file: errors/NAME.horn must give exactly errors/NAME.expected. HORNFELS_BLESS=1 rewrites the
// expectations, to be read in the diff.
#include "frontend/horn/Loader.h"
#include "frontend/horn/Parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace hornfels::frontend;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path &path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

std::vector<std::string> cases() {
  std::vector<std::string> out;
  for (const auto &entry : fs::directory_iterator(ERRORS_DIRECTORY))
    if (entry.path().extension() == ".horn")
      out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

class OneError : public testing::TestWithParam<std::string> {};

TEST_P(OneError, IsReportedAsExpected) {
  fs::path folder = ERRORS_DIRECTORY;
  SourceManager sources;
  Diagnostics diagnostics(sources);
  LoadOptions options;
  options.library = {};
  std::string text = contents(folder / (GetParam() + ".horn"));
  FileId file = sources.add(GetParam() + ".horn", text);
  loadProgram(parseHorn(file, sources, diagnostics), options, sources, diagnostics);
  fs::path expected = folder / (GetParam() + ".expected");
  if (std::getenv("HORNFELS_BLESS"))
    std::ofstream(expected, std::ios::binary) << diagnostics.render();
  EXPECT_TRUE(diagnostics.hasErrors());
  EXPECT_EQ(diagnostics.render(), contents(expected));
}

INSTANTIATE_TEST_SUITE_P(Errors, OneError, testing::ValuesIn(cases()),
                         [](const auto &info) { return info.param; });

} // namespace
