// Any bytes as Horn: no crash, no error without a place, and what parses without an error prints to text that
// parses to the same. Build with clang, -fsanitize=fuzzer,address,undefined; see CMakeLists.txt.
#include "frontend/horn/Parser.h"
#include "frontend/horn/Printer.h"

#include <cstdio>
#include <cstdlib>

using namespace hornfels::frontend;

namespace {

[[noreturn]] void fail(const char *what, const std::string &first, const std::string &second) {
  std::fprintf(stderr, "%s\n--- first\n%s\n--- second\n%s\n", what, first.c_str(), second.c_str());
  std::abort();
}

struct Reading {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  SyntaxFile syntax;
  explicit Reading(std::string text)
      : syntax(parseHorn(sources.add("fuzz.horn", std::move(text)), sources, diagnostics)) {}
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Reading first(std::string(reinterpret_cast<const char *>(data), size));
  std::string report = first.diagnostics.render();
  for (const Diagnostic &diagnostic : first.diagnostics.all())
    if (!diagnostic.range.isValid() || diagnostic.range.end < diagnostic.range.begin ||
        diagnostic.range.end > first.sources.text(diagnostic.range.file).size())
      fail("a diagnostic has no place", report, "");
  std::string printed = printHorn(first.syntax);
  if (first.diagnostics.hasErrors())
    return 0; // what is left of the tree was printed, which is enough
  Reading second(printed);
  if (second.diagnostics.hasErrors())
    fail("printed text does not parse", printed, second.diagnostics.render());
  std::string again = printHorn(second.syntax);
  if (again != printed)
    fail("printed text parses to another tree", printed, again);
  return 0;
}
