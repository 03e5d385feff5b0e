// Faulty models: errors/NAME.horn must give exactly errors/NAME.expected, after syntax errors too. HORNFELS_BLESS=1 rewrites the
// expectations, to be read in the diff.
#include "frontend/horn/Elaborator.h"
#include "frontend/horn/Parser.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
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

class Refused : public testing::TestWithParam<std::string> {};

TEST_P(Refused, AsExpected) {
  fs::path folder = ERRORS_DIRECTORY;
  SourceManager sources;
  Diagnostics diagnostics(sources);
  FileId file = sources.add(GetParam() + ".horn", contents(folder / (GetParam() + ".horn")));
  Program program = loadProgram(parseHorn(file, sources, diagnostics), {}, sources, diagnostics);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto start = std::chrono::steady_clock::now();
  auto module = elaborate(program, {}, context, diagnostics);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  fs::path expected = folder / (GetParam() + ".expected");
  if (std::getenv("HORNFELS_BLESS"))
    std::ofstream(expected, std::ios::binary) << diagnostics.render();
  EXPECT_FALSE(module);
  EXPECT_EQ(diagnostics.render(), contents(expected));
#ifdef NDEBUG
  EXPECT_LT(elapsed.count(), 1.0);
#endif
}

INSTANTIATE_TEST_SUITE_P(Errors, Refused, testing::ValuesIn(cases()),
                         [](const auto &info) { return info.param; });

} // namespace
