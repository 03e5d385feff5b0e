// Every example of the reference's section on elaboration is what it claims to be: a block marked
// ```horn-model becomes a module, one marked ```horn-refused does not.
#include "frontend/horn/Elaborator.h"
#include "frontend/horn/Parser.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <fstream>

using namespace hornfels::frontend;

namespace {

/// Elaborates the last model of a text (an example builds up to it) and returns the messages.
std::string messages(const std::string &text, bool &isModule) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  Program program = loadProgram(parseHorn(sources.add("example.horn", text), sources, diagnostics), {},
                                sources, diagnostics);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  ElaborateOptions options;
  if (program.trains.empty() && !program.models.empty())
    options.modelName = program.models.back()->name.text;
  isModule = static_cast<bool>(elaborate(program, options, context, diagnostics));
  return diagnostics.render();
}

TEST(Elaboration, ExamplesAreWhatTheyClaim) {
  std::ifstream file(REFERENCE);
  std::string language, text;
  bool isInside = false;
  unsigned number = 0, models = 0, refused = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.starts_with("```")) {
      text += line + "\n";
      continue;
    }
    if (!isInside) {
      language = line.substr(3);
      text.clear();
    } else if (language == "horn-model" || language == "horn-refused") {
      bool isModule = false;
      std::string found = messages(text, isModule);
      EXPECT_EQ(isModule, language == "horn-model") << "README.md:" << number << "\n" << found;
      EXPECT_EQ(found.empty(), language == "horn-model") << "README.md:" << number << "\n" << found;
      ++(language == "horn-model" ? models : refused);
    }
    isInside = !isInside;
  }
  EXPECT_GE(models, 3u) << "the blocks were not found";
  EXPECT_GE(refused, 2u) << "the blocks were not found";
}

} // namespace
