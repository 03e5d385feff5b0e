#include "frontend/horn/Loader.h"

#include "frontend/horn/Parser.h"

#include <filesystem>
#include <optional>
#include <set>

namespace hornfels::frontend {

namespace {

namespace fs = std::filesystem;

const std::string leadsOutside = "leads out of the model's directory";

/// Whether the canonical `path` lies in the canonical `directory` or below.
bool isWithin(const fs::path &path, const fs::path &directory) {
  auto [end, unused] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return end == directory.end();
}

/// One walk over a program's files. Each file is read once, whichever way it is reached.
class Loader {
public:
  Loader(const LoadOptions &options, SourceManager &sources, Diagnostics &diagnostics)
      : options(options), sources(sources), diagnostics(diagnostics) {}

  LoadResult load(const std::string &mainPath);
  Program load(SyntaxFile mainFile);

private:
  struct Found {
    fs::path canonical; // empty if there is none
    std::string display;
  };
  void loadLibrary();
  void loadImports(const SyntaxFile &file, const fs::path &directory);
  void loadImport(const Import &import, const fs::path &directory);
  std::optional<Found> find(const Import &import, const fs::path &directory);
  std::optional<Found> tryPlace(const Import &import, const fs::path &directory, std::string &obstacle);
  void reportCycle(const Import &import, const fs::path &canonical);
  void addRoot(const fs::path &directory);
  void collect();
  void collect(const Definition &definition);
  void collectTrain(const Definition &definition);
  void expectModel();

  const LoadOptions &options;
  SourceManager &sources;
  Diagnostics &diagnostics;
  Program program;
  std::vector<std::pair<fs::path, fs::path>>
      roots; // as given and canonical: the main file's directory, then -I
  std::vector<std::pair<fs::path, FileId>> chain; // the files being read now, outermost first
  std::set<fs::path> loaded;
  unsigned imports = 0;
};

void Loader::addRoot(const fs::path &directory) {
  std::error_code code;
  fs::path canonical = fs::canonical(directory.empty() ? "." : directory, code);
  if (!code)
    roots.emplace_back(directory, canonical);
}

void Loader::loadLibrary() {
  for (const EmbeddedSource &source : options.library) {
    FileId file = sources.add(std::string(source.name), std::string(source.text), true);
    program.files.push_back(parseHorn(file, sources, diagnostics));
  }
}

LoadResult Loader::load(const std::string &mainPath) {
  LoadResult result;
  FileText read = readRegularFile(mainPath);
  if (read.status == FileText::Status::SystemError) {
    result.systemError = printable(mainPath) + ": " + read.error;
    return result;
  }
  loadLibrary();
  bool isTooLarge = read.status == FileText::Status::TooLarge;
  program.mainFile = sources.add(mainPath, std::move(read.text));
  if (isTooLarge) {
    diagnostics.error({program.mainFile, 0, 0}, "this file is " + read.error);
    result.program = std::move(program);
    return result;
  }
  SyntaxFile syntax = parseHorn(program.mainFile, sources, diagnostics);
  fs::path directory = fs::path(mainPath).parent_path();
  addRoot(directory);
  for (const std::string &include : options.includeDirectories)
    addRoot(include);
  std::error_code code;
  fs::path canonical = fs::canonical(mainPath, code);
  chain.emplace_back(canonical, program.mainFile);
  loaded.insert(canonical);
  loadImports(syntax, directory);
  program.files.push_back(std::move(syntax));
  collect();
  result.program = std::move(program);
  return result;
}

Program Loader::load(SyntaxFile mainFile) {
  loadLibrary();
  program.mainFile = mainFile.file;
  for (const std::string &include : options.includeDirectories)
    addRoot(include);
  chain.emplace_back(fs::path(), mainFile.file);
  loadImports(mainFile, {});
  program.files.push_back(std::move(mainFile));
  collect();
  return std::move(program);
}

void Loader::loadImports(const SyntaxFile &file, const fs::path &directory) {
  unsigned errorsBefore = diagnostics.errorCount();
  for (const Import &import : file.imports) {
    if (++imports <= limits::imports)
      loadImport(import, directory);
    else if (imports == limits::imports + 1)
      diagnostics.error(import.range, "this program has more than the limit of " +
                                          std::to_string(limits::imports) + " imports");
  }
  program.isIncomplete |= diagnostics.errorCount() != errorsBefore;
}

void Loader::loadImport(const Import &import, const fs::path &directory) {
  std::optional<Found> found = find(import, directory);
  if (!found)
    return;
  for (auto &[path, file] : chain)
    if (path == found->canonical)
      return reportCycle(import, found->canonical);
  if (loaded.contains(found->canonical))
    return;
  if (chain.size() > limits::importDepth) {
    diagnostics.error(import.range,
                      "imports are deeper than the limit of " + std::to_string(limits::importDepth));
    return;
  }
  FileText read = readRegularFile(found->canonical.string());
  if (read.status != FileText::Status::Ok) {
    diagnostics.error(import.range, printable(found->display) + ": " + read.error);
    return;
  }
  loaded.insert(found->canonical);
  FileId file = sources.add(found->display, std::move(read.text));
  SyntaxFile syntax = parseHorn(file, sources, diagnostics);
  chain.emplace_back(found->canonical, file);
  loadImports(syntax, fs::path(found->display).parent_path());
  chain.pop_back();
  program.files.push_back(std::move(syntax));
}

/// Looks beside the importing file, in the main file's directory, then in those given by -I. No link leads
/// outside these. Reports and returns nothing if there is no such file.
std::optional<Loader::Found> Loader::find(const Import &import, const fs::path &directory) {
  std::string obstacle;
  bool importerIsFile = !chain.back().first.empty();
  if (importerIsFile)
    if (auto found = tryPlace(import, directory, obstacle))
      return found;
  for (auto &[given, canonical] : roots)
    if (auto found = tryPlace(import, given, obstacle))
      return found;
  if (obstacle == leadsOutside)
    diagnostics.error(import.range, "this path " + leadsOutside)
        .note("a file is imported from the directory of the main file or below, or from one given by -I");
  else if (!obstacle.empty())
    diagnostics.error(import.range, printable(import.path) + ": " + obstacle);
  else
    diagnostics.error(import.range, "there is no file '" + printable(import.path) + "'")
        .note("looked in the directory of the importing file, in that of the main file and in those given by "
              "-I");
  return std::nullopt;
}

std::optional<Loader::Found> Loader::tryPlace(const Import &import, const fs::path &directory,
                                              std::string &obstacle) {
  std::error_code code;
  fs::path place = directory / import.path;
  fs::path canonical = fs::canonical(place, code);
  if (code)
    return std::nullopt;
  fs::file_status status = fs::status(canonical, code);
  if (!code && !fs::is_regular_file(status)) {
    obstacle = fs::is_directory(status) ? "is a directory, not a regular file" : "not a regular file";
    return std::nullopt;
  }
  for (auto &[given, root] : roots)
    if (isWithin(canonical, root))
      return Found{canonical, place.lexically_normal().string()};
  obstacle = leadsOutside;
  return std::nullopt;
}

void Loader::reportCycle(const Import &import, const fs::path &canonical) {
  auto first = chain.begin();
  while (first->first != canonical)
    ++first;
  std::string cycle;
  for (auto link = first; link != chain.end(); ++link)
    cycle += std::string(sources.name(link->second)) + " → ";
  diagnostics.error(import.range, "imports in a circle: " + cycle + std::string(sources.name(first->second)));
}

//===--------------------------------------------------------------------===//
// One namespace
//===--------------------------------------------------------------------===//

void Loader::collect() {
  // The main file comes last in `files` and first among the models.
  for (const SyntaxFile &file : program.files) {
    for (auto *list : {&file.definitions, &file.damaged})
      for (const auto &definition : *list)
        definition->kind == DefinitionKind::Train ? collectTrain(*definition) : collect(*definition);
    program.lost.insert(file.lost.begin(), file.lost.end());
  }
  for (bool wantsMain : {true, false})
    for (const SyntaxFile &file : program.files)
      for (auto *list : {&file.definitions, &file.damaged})
        for (const auto &definition : *list)
          if (definition->kind == DefinitionKind::Model && (file.file == program.mainFile) == wantsMain)
            program.models.push_back(definition.get());
  expectModel();
}

void Loader::collect(const Definition &definition) {
  auto [place, isNew] = program.definitions.emplace(definition.name.text, &definition);
  if (isNew)
    return;
  const Definition &first = *place->second;
  std::string kind = spelling(definition.kind);
  if (sources.isLibrary(first.name.range.file) && !sources.isLibrary(definition.name.range.file)) {
    diagnostics
        .warning(definition.name.range, kind + " `" + definition.name.text + "` shadows the library's " +
                                            spelling(first.kind) + " of that name")
        .note("the library's is in " + sources.positionText(first.name.range));
    place->second = &definition;
    return;
  }
  diagnostics.error(definition.name.range, "a second definition of `" + definition.name.text + "`")
      .note(first.name.range, "the first is here");
}

void Loader::collectTrain(const Definition &definition) {
  for (const Definition *other : program.trains)
    if (other->name.text == definition.name.text) {
      diagnostics.error(definition.name.range, "a second train block for `" + definition.name.text + "`")
          .note(other->name.range, "the first is here");
      return;
    }
  program.trains.push_back(&definition);
}

void Loader::expectModel() {
  if (program.models.empty() && !diagnostics.hasErrors())
    diagnostics.error({program.mainFile, 0, 0}, "expected a model")
        .note("a model begins `model name(input: real[...]) -> output {`");
}

} // namespace

LoadResult loadProgram(const std::string &mainPath, const LoadOptions &options, SourceManager &sources,
                       Diagnostics &diagnostics) {
  return Loader(options, sources, diagnostics).load(mainPath);
}

Program loadProgram(SyntaxFile mainFile, const LoadOptions &options, SourceManager &sources,
                    Diagnostics &diagnostics) {
  return Loader(options, sources, diagnostics).load(std::move(mainFile));
}

} // namespace hornfels::frontend
