#include "frontend/horn/Loader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace hornfels::frontend;
namespace fs = std::filesystem;

namespace {

const std::string model = "model m(x: real[2]) -> y { y = x }\n";

class LoaderTest : public testing::Test {
protected:
  fs::path folder;
  SourceManager sources;
  Diagnostics diagnostics{sources};
  LoadOptions options;
  LoadResult result;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "hornfels-loader-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    options.library = {};
  }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string &name, const std::string &text) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  /// The errors and warnings, with the temporary folder's name taken out.
  std::string load(const std::string &name = "main.horn") {
    auto start = std::chrono::steady_clock::now();
    result = loadProgram((folder / name).string(), options, sources, diagnostics);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    std::string report = result.systemError + diagnostics.render();
    std::string prefix = folder.string() + "/";
    for (size_t at; (at = report.find(prefix)) != std::string::npos;)
      report.erase(at, prefix.size());
    return report;
  }
  std::string firstLine(const std::string &name = "main.horn") {
    std::string report = load(name);
    return report.substr(0, report.find('\n'));
  }
};

TEST_F(LoaderTest, ImportsBringAllTopLevelNamesOnce) {
  write("main.horn", "import \"a.horn\"\nimport \"sub/b.horn\"\n" + model);
  write("a.horn", "import \"sub/b.horn\"\nfn a(x) { return x }\n");
  write("sub/b.horn", "import \"c.horn\"\nfn b(x) { return x }\n");
  write("sub/c.horn", "fn c(x) { return x }\ntrain m { }\n");
  EXPECT_EQ(load(), "");
  EXPECT_EQ(result.program.definitions.size(), 4u);
  EXPECT_NE(result.program.find("c"), nullptr) << "an import is looked for beside the file that has it";
  EXPECT_EQ(result.program.trains.size(), 1u);
  EXPECT_EQ(result.program.files.size(), 4u);
  EXPECT_EQ(result.program.files.back().file, result.program.mainFile);
}

TEST_F(LoaderTest, AProgramHasAModel) {
  for (const char *text : {"", "# comments\n# only\n", "fn f(x) { return x }\n", "\xEF\xBB\xBF"}) {
    write("main.horn", text);
    SourceManager ownSources;
    Diagnostics own(ownSources);
    loadProgram((folder / "main.horn").string(), options, ownSources, own);
    ASSERT_EQ(own.errorCount(), 1u);
    EXPECT_EQ(own.all()[0].text, "expected a model");
    EXPECT_TRUE(ownSources.positionText(own.all()[0].range).ends_with("main.horn:1:1"));
  }
}

TEST_F(LoaderTest, ImportOfItself) {
  write("main.horn", "import \"main.horn\"\n" + model);
  EXPECT_EQ(firstLine(), "main.horn:1:8: error: imports in a circle: main.horn → main.horn");
}

TEST_F(LoaderTest, ImportsInACircleAreNamed) {
  write("main.horn", "import \"a.horn\"\n" + model);
  write("a.horn", "import \"b.horn\"\n");
  write("b.horn", "\n  import \"./a.horn\"\n");
  EXPECT_EQ(firstLine(), "b.horn:2:10: error: imports in a circle: a.horn → b.horn → a.horn");
}

TEST_F(LoaderTest, AChainOfImportsHasALimit) {
  write("main.horn", "import \"i0.horn\"\n" + model);
  for (int i = 0; i < 200; ++i)
    write("i" + std::to_string(i) + ".horn", "import \"i" + std::to_string(i + 1) + ".horn\"\n");
  write("i200.horn", "");
  EXPECT_EQ(firstLine(), "i63.horn:1:8: error: imports are deeper than the limit of 64");
}

TEST_F(LoaderTest, ImportsHaveALimit) {
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += "import \"a.horn\"\n";
  write("main.horn", text + model);
  write("a.horn", "");
  EXPECT_EQ(firstLine(), "main.horn:1001:8: error: this program has more than the limit of 1000 imports");
}

TEST_F(LoaderTest, OnlyRegularFilesAreImported) {
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / "zero");
  fs::create_symlink("nowhere", folder / "dangling");
  write("main.horn",
        "import \"folder\"\nimport \"fifo\"\nimport \"zero\"\nimport \"/dev/zero\"\nimport \"dangling\"\n" +
            model);
  load();
  std::vector<std::string> texts;
  for (const Diagnostic &diagnostic : diagnostics.all())
    texts.push_back(diagnostic.text);
  EXPECT_EQ(texts,
            (std::vector<std::string>{"folder: is a directory, not a regular file",
                                      "fifo: not a regular file", "zero: not a regular file",
                                      "/dev/zero: not a regular file", "there is no file 'dangling'"}));
}

TEST_F(LoaderTest, NoImportLeadsOutside) {
  write("models/main.horn", "import \"../secret.horn\"\n" + model);
  write("secret.horn", "fn secret(x) { return x }\n");
  EXPECT_EQ(firstLine("models/main.horn"),
            "models/main.horn:1:8: error: this path leads out of the model's directory");
  EXPECT_EQ(result.program.find("secret"), nullptr);
}

TEST_F(LoaderTest, NoLinkLeadsOutside) {
  write("secret.horn", "fn secret(x) { return x }\n");
  write("models/main.horn", "import \"link.horn\"\n" + model);
  fs::create_symlink("../secret.horn", folder / "models/link.horn");
  EXPECT_EQ(firstLine("models/main.horn"),
            "models/main.horn:1:8: error: this path leads out of the model's directory");
}

TEST_F(LoaderTest, IncludeDirectoriesAreSearchedAndAllowed) {
  write("models/main.horn", "import \"layers.horn\"\nimport \"../shared/more.horn\"\n" + model);
  write("shared/layers.horn", "fn l(x) { return x }\n");
  write("shared/more.horn", "fn more(x) { return x }\n");
  options.includeDirectories = {(folder / "shared").string()};
  EXPECT_EQ(load("models/main.horn"), "");
  EXPECT_NE(result.program.find("l"), nullptr);
  EXPECT_NE(result.program.find("more"), nullptr);
}

TEST_F(LoaderTest, AClashShowsBothPlaces) {
  write("main.horn", "import \"a.horn\"\n" + model + "fn f(x) { return x }\n");
  write("a.horn", "\nlayer f()(x) { return x }\n");
  std::string report = load();
  EXPECT_TRUE(report.starts_with("main.horn:3:4: error: a second definition of `f`\n")) << report;
  EXPECT_NE(report.find("a.horn:2:7: note: the first is here"), std::string::npos);
}

TEST_F(LoaderTest, TwoModelsOfOneName) {
  write("main.horn", model + model + "train m { }\ntrain m { }\n");
  std::string report = load();
  EXPECT_NE(report.find("main.horn:2:7: error: a second definition of `m`"), std::string::npos);
  EXPECT_NE(report.find("main.horn:1:7: note: the first is here"), std::string::npos);
  EXPECT_NE(report.find("main.horn:4:7: error: a second train block for `m`"), std::string::npos);
}

TEST_F(LoaderTest, LibraryNamesMayBeShadowed) {
  const EmbeddedSource library[] = {
      {"library/layers.horn", "fn relu(x) { return x }\nfn tanh(x) { return x }\n"}};
  options.library = library;
  write("main.horn", "fn relu(x) { return x + 1 }\n" + model);
  EXPECT_EQ(firstLine(), "main.horn:1:4: warning: fn `relu` shadows the library's fn of that name");
  EXPECT_FALSE(diagnostics.hasErrors());
  EXPECT_EQ(result.program.find("relu")->name.range.file, result.program.mainFile);
  EXPECT_NE(result.program.find("tanh"), nullptr);
  EXPECT_EQ(result.program.models.size(), 1u);
}

TEST_F(LoaderTest, TheMainFileItself) {
  EXPECT_EQ(load("missing.horn"), "missing.horn: no such file or directory");
  fs::create_directory(folder / "folder");
  EXPECT_EQ(load("folder"), "folder: is a directory, not a regular file");
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(load("fifo"), "fifo: not a regular file");
  fs::create_symlink("/dev/zero", folder / "zero");
  EXPECT_EQ(load("zero"), "zero: not a regular file");
}

TEST_F(LoaderTest, FilesAboveTheLimitAreNotRead) {
  write("main.horn", "");
  ASSERT_EQ(truncate((folder / "main.horn").c_str(), 100 << 20), 0);
  EXPECT_EQ(firstLine(), "main.horn:1:1: error: this file is larger than the limit of 16 MiB");
}

TEST_F(LoaderTest, NamesOfFilesCannotWriteLines) {
  write("a\nb.horn", "");
  EXPECT_EQ(firstLine("a\nb.horn"), "a\\x0ab.horn:1:1: error: expected a model");
}

TEST_F(LoaderTest, TheEmbeddedLibraryParses) {
  options.library = librarySources();
  write("main.horn", model);
  EXPECT_EQ(load(), "");
}

} // namespace
