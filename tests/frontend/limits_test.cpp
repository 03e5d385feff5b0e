// Every limit is an error that names it, soon, whatever the size of the input.
#include "tests/frontend/Parsed.h"

#include <chrono>

using namespace hornfels::frontend;
using Lines = std::vector<std::string>;

namespace {

std::string repeated(const std::string &text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

/// The one error that a body gives, within a second (ten under a sanitizer).
std::string onlyError(const std::string &statements) {
  auto start = std::chrono::steady_clock::now();
  Parsed parsed = body(statements);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(parsed.errors().size(), 1u);
  return parsed.firstError();
}

TEST(Limits, Nesting) {
  const std::string limit = "nesting is deeper than the limit of 128";
  auto endsWithLimit = [&](const std::string &text) { return onlyError(text).ends_with(limit); };
  for (size_t depth : {size_t{200}, size_t{100'000}}) {
    EXPECT_TRUE(endsWithLimit("y = " + repeated("(", depth) + "1" + repeated(")", depth)));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("[", depth)));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("{a:", depth)));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("f(", depth)));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("x[", depth)));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("-", depth) + "1"));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("not ", depth) + "1"));
    EXPECT_TRUE(endsWithLimit("y = " + repeated("2 ** ", depth) + "1"));
    EXPECT_TRUE(endsWithLimit(repeated("if a {", depth)));
    EXPECT_TRUE(endsWithLimit(repeated("fn f(x) {", depth)));
  }
  EXPECT_EQ(body("y = " + repeated("(", 120) + "1" + repeated(")", 120)).report(), "");
}

TEST(Limits, HeightOfChains) {
  EXPECT_TRUE(onlyError("y = a" + repeated(" + a", 100'000))
                  .ends_with("this expression is more than 256 operations deep"));
  EXPECT_TRUE(onlyError("y = f" + repeated("()", 100'000))
                  .ends_with("this expression is more than 256 operations deep"));
  EXPECT_TRUE(onlyError("y = f" + repeated("[0]", 100'000))
                  .ends_with("this expression is more than 256 operations deep"));
  EXPECT_EQ(body("y = a" + repeated(" + a", 250)).report(), "");
}

TEST(Limits, PipesAndBranchesAreNotDeep) {
  EXPECT_EQ(body("y = a" + repeated(" |> f(1)", 20'000)).report(), "");
  EXPECT_EQ(body("if a { }" + repeated(" else if a { }", 20'000)).report(), "");
}

TEST(Limits, Names) {
  EXPECT_EQ(body("y = " + std::string(1024, 'a')).report(), "");
  EXPECT_EQ(onlyError("y = " + std::string(1025, 'a')),
            "t.horn:2:5: this name is longer than the limit of 1024 bytes");
}

TEST(Limits, Lines) {
  EXPECT_EQ(onlyError("y = " + std::string(size_t{10} << 20, 'a')),
            "t.horn:2:1: this line is longer than the limit of 1 MiB");
  EXPECT_EQ(body("y = 1" + std::string((size_t{1} << 20) - 6, ' ')).report(), "");
}

TEST(Limits, Nodes) {
  EXPECT_TRUE(onlyError(repeated("y=1\n", 1'000'000))
                  .ends_with("this file has more than the limit of 500000 syntax nodes"));
}

TEST(Limits, ErrorsOfOneFile) {
  auto start = std::chrono::steady_clock::now();
  Parsed parsed(repeated("?\nfn f() { ) }\n", 500'000));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(parsed.diagnostics.errorCount(), 1000u);
  EXPECT_TRUE(parsed.report().ends_with("and 980 more errors\n"));
  EXPECT_EQ(Parsed(repeated("?\n", 5'000'000)).diagnostics.errorCount(), 1000u)
      << "the lexer's errors count too";
}

TEST(Limits, ABinaryFileIsTwentyErrors) {
  EXPECT_EQ(Parsed(std::string(1'000'000, '\xFE')).diagnostics.errorCount(), 20u);
}

} // namespace
