#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/horn/Loader.h"

#include <fmt/format.h>

namespace hornfels::driver {

using namespace frontend;

/// The definition of the library's names is its own documentation: the header as it is written, the comment
/// above it.
static std::string describe(const Definition &definition, const SourceManager &sources) {
  std::string header(sources.text(definition.header));
  while (!header.empty() && (header.back() == '{' || header.back() == ' ' || header.back() == '\n'))
    header.pop_back();
  std::string text = header + "\n";
  if (!definition.documentation.empty())
    text += "\n" + definition.documentation + "\n";
  return text + fmt::format("\n[{}]\n", sources.lineText(definition.range));
}

int runHelp(const CommandLine &line) {
  if (line.operands.empty()) {
    printOut(usage());
    return Done;
  }
  SourceManager sources;
  Diagnostics diagnostics(sources);
  SyntaxFile empty;
  empty.file = sources.add("<help>", "");
  LoadOptions options;
  options.includeDirectories = line.includeDirectories;
  Program program = loadProgram(std::move(empty), options, sources, diagnostics);
  const std::string &name = line.operands[0];
  if (const Definition *definition = program.find(name)) {
    printOut(describe(*definition, sources));
    return Done;
  }
  Nearest search(name);
  for (const auto &entry : program.definitions)
    search.offer(entry.first);
  throw Failure{WrongCommandLine,
                fmt::format("the library has no `{}`{}", printable(name),
                            search.name().empty() ? "" : fmt::format("; did you mean `{}`?", search.name()))};
}

} // namespace hornfels::driver
