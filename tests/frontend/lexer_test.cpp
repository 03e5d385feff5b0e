#include "frontend/horn/Lexer.h"

#include "tests/frontend/Parsed.h"

using namespace hornfels::frontend;

namespace {

std::vector<std::string> tokens(std::string text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  FileId file = sources.add("t.horn", std::move(text));
  Lexer lexer(file, sources, diagnostics);
  std::vector<std::string> out;
  for (Token token = lexer.next(); token.kind != TokenKind::EndOfFile; token = lexer.next())
    out.emplace_back(sources.text({file, token.begin, token.end}));
  return out;
}

using Words = std::vector<std::string>;

TEST(Lexer, SignsAreTakenLongestFirst) {
  EXPECT_EQ(tokens("a|>b->c:=d**e//f<=g"),
            (Words{"a", "|>", "b", "->", "c", ":=", "d", "**", "e", "//", "f", "<=", "g"}));
  EXPECT_EQ(tokens("x[...,::2]"), (Words{"x", "[", "...", ",", ":", ":", "2", "]"}));
}

TEST(Lexer, ANumberHasDigitsOnBothSidesOfItsPoint) {
  EXPECT_EQ(tokens("0..n"), (Words{"0", "..", "n"}));
  EXPECT_EQ(tokens("1.5..2"), (Words{"1.5", "..", "2"}));
  EXPECT_EQ(tokens("1e-3-2"), (Words{"1e-3", "-", "2"}));
  EXPECT_EQ(tokens("10_000 1E+5"), (Words{"10_000", "1E+5"}));
  EXPECT_EQ(groupedText("10_000"), "10000");
}

TEST(Lexer, MalformedNumbersAreOneErrorEach) {
  for (const char *number : {".5.", ".5", "5.", "1.5.2", "1e", "10px", "1__0", "1_", "0x10"}) {
    Parsed parsed = body("y = " + std::string(number) + " + 1");
    EXPECT_EQ(parsed.firstError(), "t.horn:2:5: malformed number '" + std::string(number) + "'");
    EXPECT_EQ(parsed.errors().size(), 1u) << number;
    EXPECT_NE(parsed.report().find("\n        ^" + std::string(std::string(number).size() - 1, '~') + "\n"),
              std::string::npos)
        << parsed.report();
  }
}

TEST(Lexer, NumbersOutOfRangeDoNotWrap) {
  EXPECT_EQ(groupedText("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(groupedText("9223372036854775808"), "t.horn:2:5: integer '9223372036854775808' is out of range");
  EXPECT_EQ(groupedText("99999999999999999999"),
            "t.horn:2:5: integer '99999999999999999999' is out of range");
  EXPECT_EQ(groupedText("1e999"), "t.horn:2:5: number '1e999' is out of range");
  EXPECT_EQ(groupedText("1e-999"), "t.horn:2:5: number '1e-999' is out of range");
  EXPECT_EQ(groupedText("nan"), "t.horn:2:5: 'nan' is not allowed here: a number is finite");
  EXPECT_NE(body("y = 99999999999999999999")
                .report()
                .find("    y = 99999999999999999999\n        ^~~~~~~~~~~~~~~~~~~~\n"),
            std::string::npos);
}

TEST(Lexer, Strings) {
  EXPECT_EQ(groupedText(R"("a \"b\" \\ \n # no comment")"), R"("a \"b\" \\ \n # no comment")");
  EXPECT_EQ(groupedText("\"größe\""), "\"größe\"");
  Parsed open = body("y = foo(\"abc)\nz = 1 +");
  EXPECT_EQ(open.firstError(), "t.horn:2:9: this string is not closed") << "points at the opening quote";
  EXPECT_EQ(open.errors().size(), 2u) << "and the next statement is read: " << open.report();
  EXPECT_EQ(body("y = \"a\\qb\"").firstError(), "t.horn:2:7: unknown escape in a string");
  EXPECT_EQ(body("y = \"a\\").firstError(), "t.horn:2:5: this string is not closed");
}

TEST(Lexer, ForeignCharactersAreNamed) {
  EXPECT_EQ(
      body("y = d\xD0\xB5nse(10)").firstError(),
      "t.horn:2:6: U+0435 in a name: names are made of a-z, A-Z, 0-9 and _, and this only looks like 'e'");
  EXPECT_EQ(body("y = größe").firstError(),
            "t.horn:2:7: U+00F6 in a name: names are made of a-z, A-Z, 0-9 and _");
  EXPECT_EQ(body("y = x \xE2\x88\x92 1").firstError(), "t.horn:2:7: U+2212 is not allowed here");
  EXPECT_EQ(body("y = 'a'").firstError(), "t.horn:2:5: ''' is not allowed here");
  EXPECT_EQ(body("y = a.b").firstError(), "t.horn:2:6: '.' is not allowed here");
}

TEST(Lexer, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(body("y = \xFF").firstError(), "t.horn:2:5: byte 0xFF is not UTF-8: Horn is written in UTF-8");
  EXPECT_EQ(body("# \xC0\xAF").firstError(), "t.horn:2:3: byte 0xC0 is not UTF-8: Horn is written in UTF-8")
      << "overlong";
  EXPECT_EQ(body("# \xED\xA0\x80").firstError(),
            "t.horn:2:3: byte 0xED is not UTF-8: Horn is written in UTF-8")
      << "surrogate";
  EXPECT_EQ(body(std::string("y = \0", 5)).firstError(),
            "t.horn:2:5: control character U+0000 (NUL) is not allowed");
  EXPECT_EQ(body("# \x1B[31m").firstError(), "t.horn:2:3: control character U+001B is not allowed");
  EXPECT_EQ(body("y = 1\rz = 2").firstError(), "t.horn:2:6: control character U+000D is not allowed")
      << "a lone one";
  EXPECT_EQ(body("# a \xE2\x80\xAE b").firstError(),
            "t.horn:2:5: character U+202E is not allowed: it hides or reorders the text around it");
  EXPECT_EQ(body("y = \"\xE2\x80\x8B\"").firstError(),
            "t.horn:2:6: character U+200B is not allowed: it hides or reorders the text around it");
}

TEST(Lexer, ByteOrderMarkCarriageReturnsAndTabsAreAccepted) {
  Parsed parsed("\xEF\xBB\xBF# doc\r\nfn f(x) {\r\n\ty = 1\r\n\treturn y ?\r\n}\r\n");
  EXPECT_EQ(parsed.errors(), Words{"t.horn:4:11: '?' is not allowed here"});
}

} // namespace
