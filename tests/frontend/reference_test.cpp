// Every example of the language's reference is what it claims to be: Horn that parses, or, in a block marked
// ```horn-error, Horn that does not.
#include "tests/frontend/Parsed.h"

#include <fstream>
#include <sstream>

using namespace hornfels::frontend;

namespace {

struct Example {
  unsigned line;
  std::string language, text;
};

std::vector<Example> examples() {
  std::ifstream file(REFERENCE);
  std::vector<Example> out;
  bool isInside = false;
  unsigned number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with("```")) {
      isInside = !isInside;
      if (isInside)
        out.push_back({number, line.substr(3), ""});
    } else if (isInside) {
      out.back().text += line + "\n";
    }
  }
  return out;
}

/// Examples that are statements stand in a body that allows all of them.
std::string wrapped(const Example &example) {
  return example.language.ends_with("-body") ? "layer example()(x) {\n" + example.text + "}\n" : example.text;
}

TEST(Reference, ExamplesParse) {
  unsigned checked = 0;
  for (const Example &example : examples()) {
    if (example.language != "horn" && example.language != "horn-body")
      continue;
    Parsed parsed(wrapped(example));
    EXPECT_EQ(parsed.report(), "") << "README.md:" << example.line;
    std::string printed = printHorn(parsed.syntax);
    EXPECT_EQ(printHorn(Parsed(printed).syntax), printed) << "README.md:" << example.line;
    ++checked;
  }
  EXPECT_GE(checked, 11u) << "the blocks were not found";
}

TEST(Reference, ErrorsAreErrors) {
  unsigned checked = 0;
  for (const Example &example : examples()) {
    if (!example.language.starts_with("horn-error"))
      continue;
    EXPECT_TRUE(Parsed(wrapped(example)).diagnostics.hasErrors()) << "README.md:" << example.line;
    ++checked;
  }
  EXPECT_GE(checked, 4u) << "the blocks were not found";
}

} // namespace
